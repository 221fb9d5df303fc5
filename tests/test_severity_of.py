"""Of several scanners that see one vulnerability the policy says whose severity counts; all that saw it close it."""

import json
from pathlib import Path

import pytest

from fixby.decision import Acceptance
from fixby.finding import Finding
from fixby.policies.policy import Policy, parse, shipped
from fixby.scan import Scan
from fixby.severity import Severity
from fixby.store import decisions
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.past import as_of, last_event_at
from fixby.store.verification import flaws
from fixby.tracked import State, TrackedFinding
from tests.command import called, repository
from tests.stories import DAY, scan, the_one, told, vulnerability
from tests.test_packages_of_several_tools import GRYPE_MATCH, TRIVY_ROW, grype, pip, trivy
from tests.test_published import validate

UNIT = "requirements.txt#django"


def seen(scanner: str, severity: Severity, at: int, fix: str = "") -> Scan:
    return scan(one_of(scanner, severity, fix), at=at, scanner=scanner, scanned={UNIT: "4.0"})


def one_of(scanner: str, severity: Severity, fix: str = "") -> Finding:
    return vulnerability(scanner=scanner, severity=severity, fix=fix)


def gone(scanner: str, at: int) -> Scan:
    return scan(at=at, scanner=scanner, scanned={UNIT: "5.0"})


def policy(severity_of: str) -> Policy:
    """The shipped policy with something said of whose severity counts."""
    return parse(shipped().toml.replace("due_soon = ", f"severity_of = {severity_of}\ndue_soon = "), "ours")


def counted(database: Database, severity_of: str) -> TrackedFinding:
    """The finding that Grype calls medium, Trivy high and pip-audit nothing, under such a policy."""
    ours = policy(severity_of)
    told(database, seen("grype", Severity.MEDIUM, 100), policy=ours)
    told(database, seen("trivy", Severity.HIGH, 200), policy=ours)
    told(database, seen("pip-audit", Severity.UNKNOWN, 300), policy=ours)
    return the_one(database, now=400)


@pytest.mark.parametrize(
    ("severity_of", "scanner", "severity"),
    [
        ('"highest"', "trivy", Severity.HIGH),
        ('["grype"]', "grype", Severity.MEDIUM),
        ('["grype", "trivy"]', "grype", Severity.MEDIUM),
        ('["trivy", "grype"]', "trivy", Severity.HIGH),
        ('["pip-audit", "grype"]', "grype", Severity.MEDIUM),
        ('["snyk", "grype"]', "grype", Severity.MEDIUM),
        ('["snyk"]', "trivy", Severity.HIGH),
    ],
)
def test_the_first_scanner_that_is_named_and_knows_says_the_severity_else_the_highest_counts(
    database: Database, severity_of: str, scanner: str, severity: Severity
) -> None:
    one = counted(database, severity_of)
    assert (one.finding.scanner, one.finding.severity) == (scanner, severity)
    assert [witness.scanner for witness in one.witnesses if witness.counts] == [scanner]
    assert {witness.scanner: witness.severity for witness in one.witnesses} == {
        "grype": Severity.MEDIUM,
        "trivy": Severity.HIGH,
        "pip-audit": Severity.UNKNOWN,
    }
    assert list(flaws(database)) == []


def test_each_scanner_keeps_its_own_fix(database: Database) -> None:
    told(database, seen("grype", Severity.MEDIUM, 100, "Take 4.1."))
    told(database, seen("trivy", Severity.HIGH, 200, "Take 5."))
    assert [(one.scanner, one.fix) for one in the_one(database, now=300).witnesses] == [
        ("grype", "Take 4.1."),
        ("trivy", "Take 5."),
    ]


def test_once_the_scanner_that_counts_sees_it_no_more_another_one_speaks(database: Database) -> None:
    counted(database, '["grype"]')
    told(database, gone("grype", 400), policy=policy('["grype"]'))
    one = the_one(database, now=500)
    assert (one.state, one.finding.scanner, one.finding.severity) == (State.OPEN, "trivy", Severity.HIGH)


def test_all_scanners_that_saw_it_must_see_it_no_more_before_it_is_fixed(database: Database) -> None:
    counted(database, '["grype"]')
    for at, scanner in enumerate(("grype", "pip-audit", "trivy"), start=4):
        assert the_one(database, now=1000).state is State.OPEN
        told(database, gone(scanner, at * 100), policy=policy('["grype"]'))
    assert the_one(database, now=1000).state is State.FIXED


def test_another_policy_makes_another_scanner_speak_for_open_findings_from_then_on(database: Database) -> None:
    before = counted(database, '["grype"]')
    assert before.due_at == 100 + 30 * DAY
    at = 100 + DAY
    told(database, seen("grype", Severity.MEDIUM, at), policy=policy('"highest"'))
    after = the_one(database, now=at + 10)
    assert (after.finding.scanner, after.due_at) == ("trivy", at + 1 + 7 * DAY)
    assert list(flaws(database)) == []
    with as_of(database, last_event_at(database, at)):
        assert the_one(database, now=400) == before
    told(database, seen("grype", Severity.MEDIUM, at + DAY), policy=policy('["grype"]'))
    again = the_one(database, now=at + DAY + 10)
    assert (again.finding.scanner, again.due_at) == ("grype", before.due_at)
    assert list(flaws(database)) == []


def test_a_policy_that_raises_the_severity_ends_acceptances_of_less(database: Database) -> None:
    counted(database, '["grype"]')
    id_ = the_one(database, now=400).id
    decisions.accept(database, [id_], Acceptance("ada", "not reachable", 50 * DAY), By("bob", 400))
    decisions.approve(database, [id_], By("ada", 401))
    assert the_one(database, now=500).state is State.ACCEPTED
    told(database, seen("grype", Severity.MEDIUM, 600), policy=policy('"highest"'))
    assert the_one(database, now=700).state is State.OPEN
    assert list(flaws(database)) == []


def test_the_terminal_and_the_json_say_whose_severity_counts_and_what_the_others_say(tmp_path: Path) -> None:
    files = {
        "trivy.json": json.dumps(trivy(pip({**TRIVY_ROW, "Severity": "HIGH"}))),
        "grype.json": json.dumps(grype(GRYPE_MATCH)),
        "fixby.toml": 'policy = "policy.toml"\n',
        "policy.toml": policy('["grype"]').toml,
    }
    shop = repository(tmp_path / "shop", files)
    called("ingest", "trivy.json", "grype.json", cwd=shop)
    document = called("list", "--json", cwd=shop).document
    validate(document)
    [one] = document["findings"]
    assert (one["severity"], one["scanner"]) == ("medium", "grype")
    assert [(said["scanner"], said["severity"], said["counts"]) for said in one["sightings"]] == [
        ("grype", "medium", True),
        ("trivy", "high", False),
    ]
    shown = called("show", one["id"], cwd=shop).out
    assert "medium, says the scanner; of 2 scanners grype counts: the policy names it" in shown
    assert "trivy (present): high, Upgrade Jinja2 to 2.7.2" in " ".join(shown.split())
    told_of = called("policy", "show", cwd=shop)
    assert "of several scanners grype says the severity, else the highest counts" in told_of.out
    validate(called("policy", "show", "--json", cwd=shop).document)
