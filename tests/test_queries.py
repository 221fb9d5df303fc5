"""What can be asked of a store, of each kind."""

import sqlite3

import pytest

from fixby.asset import Asset
from fixby.decision import Acceptance
from fixby.errors import UsageError
from fixby.finding import Category, Location, Suppression
from fixby.known import Presence
from fixby.query import QUALIFIERS, Term, parse
from fixby.scan import Failed, Partial
from fixby.severity import Severity
from fixby.sla.clock import Status
from fixby.store import decisions, exploitation, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.tracked import State, Witness
from tests.stories import DAY, found, scan, secret, the_one, told, vulnerability, weakness

NOW = 100 * DAY


@pytest.fixture
def full(database: Database) -> Database:
    """A store with six findings of two assets, of which one is fixed and one not observed; each message is a name."""
    package = vulnerability(names=("CVE-2024-1234", "GHSA-2222-3333-4444"), message="django", severity=Severity.MEDIUM)
    told(database, scan(package, at=NOW - 25 * DAY, scanner="pip-audit"))
    silenced = Suppression("nosec")
    old = scan(
        weakness("1", path="src/web/views.py", message="eval", severity=Severity.CRITICAL),
        weakness("2", path="src/web/under_score.py", message="exec", rule="B102", suppression=silenced),
        weakness("3", path="tests/test_views.py", message="assert", rule="B101", severity=Severity.LOW),
        weakness("4", path="lib/a%b.py", message="odd", severity=Severity.UNKNOWN),
        at=NOW - 8 * DAY,
    )
    told(database, old)
    rest = old.findings[:2]
    later = {"src/web/views.py": "v1", "src/web/under_score.py": "v1", "lib/a%b.py": "v1"}
    told(database, scan(*rest, at=NOW - DAY, scanned=later))
    shop = Asset("shop", tier="1", team="payments", codeowners="src/ @shop/team_a ada@example.org\n")
    told(database, scan(secret(message="key", severity=Severity.INFO), at=NOW, scanner="detect-secrets"), asset=shop)
    exploitation.record(database, lambda names: ("CVE-2024-1234" in names, 12), By("ada", NOW))
    wish = Acceptance("ada", "not reachable", NOW + 30 * DAY)
    ada, injected = By("ada", NOW), the_one(database, "rule:B102").id
    decisions.accept(database, [injected], wish, ada, ["bob"])
    decisions.assign(database, [injected], "bob", ada)
    decisions.tag(database, [injected, the_one(database, "rule:B101").id], ["log_in", "löschen"], [], ada)
    return database


CASES = {
    "": {"eval", "exec", "assert", "odd", "django", "key"},
    "is:open": {"eval", "exec", "odd", "django", "key"},
    "is:fixed": {"assert"},
    "-is:open": {"assert"},
    "is:open,fixed": {"eval", "exec", "assert", "odd", "django", "key"},
    "is:open is:fixed": set(),
    "is:not_observed": {"odd"},
    "is:suppressed": {"exec"},
    "is:accepted": {"exec"},
    "is:open -is:accepted": {"eval", "odd", "django", "key"},
    "is:dismissed": set(),
    "is:exploited": {"django"},
    "epss:12": {"django"},
    "epss:>=10": {"django"},
    "epss:>12": set(),
    "epss:<1": {"eval", "exec", "assert", "odd", "key"},
    "age:>8d": {"django"},
    "age:>=8d": {"eval", "exec", "assert", "odd", "django"},
    "age:<1h": {"key"},
    "team:payments": {"key"},
    "-team:payments tier:1": set(),
    "tier:1": {"key"},
    "-is:suppressed": {"eval", "assert", "odd", "django", "key"},
    "severity:critical": {"eval"},
    "severity:critical,unknown": {"eval", "odd"},
    "-severity:high,low": {"eval", "odd", "django", "key"},
    "scanner:bandit": {"eval", "exec", "assert", "odd"},
    "-scanner:bandit": {"django", "key"},
    "scanner:Bandit": set(),
    "asset:shop": {"key"},
    "-asset:shop": {"eval", "exec", "assert", "odd", "django"},
    "assignee:bob": {"exec"},
    "assignee:bob,ada": {"exec"},
    "assignee:Bob": set(),
    "assignee:nobody": {"eval", "assert", "odd", "django", "key"},
    "-assignee:nobody": {"exec"},
    "owner:@shop/team_a": {"key"},
    "owner:@Shop/Team_A,bob": {"exec", "key"},
    "owner:ada@example.org": {"key"},
    "owner:@shop/team-a,@shop,ada,example.org": set(),
    "owner:nobody": {"eval", "assert", "odd", "django"},
    "-owner:nobody": {"exec", "key"},
    "tag:log_in": {"exec", "assert"},
    "tag:löschen is:open": {"exec"},
    "tag:log-in,log": set(),
    "-tag:log_in": {"eval", "odd", "django", "key"},
    "category:dependency,secret": {"django", "key"},
    "-category:code": {"django", "key"},
    "rule:B102": {"exec"},
    "-rule:B102,B101": {"eval", "odd", "django", "key"},
    "package:django": {"django"},
    "package:DJANGO": {"django"},
    "package:djang": set(),
    "-package:django": {"eval", "exec", "assert", "odd", "key"},
    "cve:CVE-2024-1234": {"django"},
    "cve:ghsa-2222-3333-4444": {"django"},
    "cve:CVE-2024-123": set(),
    "cve:CVE_2024_1234": set(),
    "path:src/**": {"eval", "exec", "key"},
    "path:src/": {"eval", "exec", "key"},
    "path:src": set(),
    "path:*.py": {"eval", "exec", "assert", "odd", "key"},
    "path:**/views.py": {"eval"},
    "path:src/web/view?.py": {"eval"},
    "path:SRC/**": set(),
    "path:src/web/under_score.py": {"exec"},
    "path:src/web/under?score.py": {"exec"},
    "path:tests/test-views.py": set(),
    "path:lib/a%b.py": {"odd"},
    "path:%": set(),
    "path:!": set(),
    "-path:tests/**": {"eval", "exec", "odd", "django", "key"},
    "sla:breached": {"eval", "exec", "odd"},
    "sla:due_soon": {"django"},
    "sla:exempt": {"key"},
    "sla:met": {"assert"},
    "sla:on_track,paused,missed": set(),
    "-sla:breached is:open": {"django", "key"},
    "is:open severity:critical,high sla:breached scanner:bandit path:src/**": {"eval", "exec"},
}


def test_each_query_selects_what_it_says(full: Database) -> None:
    selected = {query: found(full, query, now=NOW) for query in CASES}
    assert {query: {one.finding.message for one in some} for query, some in selected.items()} == CASES
    for query, some in selected.items():
        assert queries.matching(full, parse(query), NOW) == sorted(one.id for one in some)


def test_every_qualifier_is_among_the_cases() -> None:
    assert {term.qualifier for query in CASES for term in parse(query)} == {*QUALIFIERS} - {"id"}


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ("is:closed", ("open", "accepted", "dismissed", "fixed", "not_observed", "suppressed", "exploited")),
        ("age:>soon", ("age:>7d",)),
        ("epss:>x", ("epss:>=10",)),
        ("epss:>=101", ("epss:>=10",)),
        ("severity:dreadful", tuple(Severity)),
        ("category:sast", tuple(Category)),
        ("-sla:late", tuple(Status)),
        ("assignee:me", ("Name the person",)),
        ("tag:'a b'", ("A tag is one word",)),
        ("""tag:'log_in","löschen'""", ("A tag is one word",)),
    ],
)
def test_an_unknown_value_is_an_error_that_lists_the_known_ones(
    database: Database, query: str, known: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as raised:
        found(database, query)
    assert all(word in raised.value.message + raised.value.hint for word in known)


def test_a_value_is_never_read_as_sql(full: Database) -> None:
    for qualifier in ("asset", "cve", "id", "package", "path", "rule", "scanner"):
        for value in ("'", "'; DROP TABLE finding; --", ":now", "?", "\\", "é", "%s"):
            assert queries.findings(full, [Term(qualifier, (value,))], NOW) == []


def test_the_open_come_first_and_of_them_the_first_due(full: Database) -> None:
    listed = [one.finding.message for one in found(full, now=NOW)]
    assert listed == ["eval", *sorted(["exec", "odd"], key=listed.index), "django", "key", "assert"]
    dues = [one.due_at for one in found(full, "is:open", now=NOW)]
    assert dues == [*sorted(due for due in dues if due is not None), None]


def test_equally_due_findings_come_by_severity_and_then_by_id(database: Database) -> None:
    told(database, scan(*(weakness(str(number)) for number in range(9)), at=100))
    told(database, scan(*(weakness(str(number), severity=Severity.INFO) for number in range(9)), at=100), asset="shop")
    told(database, scan(weakness("x", severity=Severity.CRITICAL), at=100 + 6 * DAY), asset="third")
    listed = [(one.finding.severity.rank, one.id) for one in found(database)]
    assert listed == sorted(listed, key=lambda one: (-one[0], one[1]))


def test_a_limit_keeps_the_first(full: Database) -> None:
    whole = found(full, now=NOW)
    for limit in (0, 1, 4, 100):
        assert queries.findings(full, (), NOW, limit=limit) == whole[:limit]


def test_a_finding_is_found_by_any_prefix_of_its_id_that_is_its_alone(full: Database) -> None:
    for one in found(full, now=NOW):
        others = [other.id for other in found(full) if other.id != one.id]
        for length in range(1, 65):
            prefix = one.id[:length]
            if not any(other.startswith(prefix) for other in others):
                assert queries.finding(full, prefix, NOW) == one
                assert queries.finding(full, prefix.upper(), NOW) == one
                break


@pytest.mark.parametrize("prefix", ["g", "x1", "0" * 64, "f" * 65, "%", "_"])
def test_a_prefix_of_no_id_is_an_error(full: Database, prefix: str) -> None:
    with pytest.raises(UsageError, match="No finding has an id that begins with"):
        queries.finding(full, prefix, NOW)


def test_a_prefix_of_several_ids_is_an_error_that_names_some(full: Database) -> None:
    with pytest.raises(UsageError, match="Several findings") as raised:
        queries.finding(full, "", NOW)
    named = raised.value.message.partition(": ")[2].split(", ")
    assert sum(one.id[:12] in named for one in found(full)) == 3


def test_a_finding_shows_its_clock_at_the_instant_of_asking(database: Database) -> None:
    told(database, scan(weakness(), at=NOW))
    statuses = [the_one(database, now=NOW + day * DAY).sla_status for day in (0, 5, 6, 7, 8)]
    assert statuses == ["on_track", "on_track", "due_soon", "due_soon", "breached"]
    one = the_one(database, now=NOW)
    assert (one.due_at, one.first_seen, one.last_seen, one.state) == (NOW + 7 * DAY, NOW, NOW + 1, State.OPEN)


def test_a_fixed_finding_keeps_the_verdict_of_its_closing(database: Database) -> None:
    told(database, scan(weakness("1"), weakness("2", severity=Severity.CRITICAL), at=NOW))
    told(database, scan(at=NOW + 2 * DAY, scanned={"src/a.py": "v2"}))
    verdicts = {one.finding.severity: one.sla_status for one in found(database, now=NOW + 99 * DAY)}
    assert verdicts == {Severity.HIGH: "met", Severity.CRITICAL: "missed"}


def test_each_scanner_says_when_it_last_saw_a_finding(database: Database) -> None:
    seen = {"requirements.txt#django": "4.0"}
    told(database, scan(vulnerability(), at=100, scanner="pip-audit", scanned=seen))
    told(database, scan(vulnerability(scanner="trivy", severity=Severity.LOW), at=200, scanner="trivy", scanned=seen))
    told(database, scan(at=300, scanner="trivy", scanned=seen))
    told(database, scan(vulnerability(), at=400, scanner="pip-audit", scanned=seen))
    one = the_one(database)
    doubt = "requirements.txt#django did not change, yet trivy no longer reports it"
    assert one.witnesses == (
        Witness("pip-audit", Presence.PRESENT, Severity.HIGH, 401, counts=True),
        Witness("trivy", Presence.NOT_OBSERVED, Severity.LOW, 201, doubt),
    )
    assert (one.last_seen, one.not_observed) == (401, "")


def test_a_finding_that_no_scanner_could_see_says_why_of_each(database: Database) -> None:
    seen = {"requirements.txt#django": "4.0"}
    for at, scanner in ((100, "pip-audit"), (200, "trivy")):
        told(database, scan(vulnerability(scanner=scanner), at=at, scanner=scanner, scanned=seen))
    told(database, scan(at=300, scanner="trivy", scanned=seen, tool_version="2.0"))
    told(database, scan(at=400, scanner="pip-audit", scanned={}, outcome=Failed(("it crashed",))))
    one = the_one(database, "is:not_observed")
    assert one.not_observed == "the last scan by pip-audit failed; scanner changed from 1.9.4 to 2.0"
    assert one.last_seen == 201


def test_the_latest_scan_of_each_target_tells_how_it_ended(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    told(database, scan(at=200, scanned={"src/a.py": "v1"}, outcome=Partial(("one", "two")), tool_version="2"))
    told(database, scan(weakness(), at=300, target="src"))
    told(database, scan(at=400, scanned={}, scanner="semgrep", outcome=Failed(("it crashed",))))
    told(database, scan(at=500, scanned={"a": ""}), asset="shop")
    assert [
        (one.scanner, one.target, one.outcome, one.reasons, one.tool_version, one.finished_at)
        for one in queries.latest_scans(database, "web")
    ] == [
        ("bandit", ".", "partial", ("one", "two"), "2", 201),
        ("bandit", "src", "complete", (), "1.9.4", 301),
        ("semgrep", ".", "failed", ("it crashed",), "1.9.4", 401),
    ]
    assert queries.latest_scans(database, "nowhere") == []


def test_the_history_of_a_finding_is_told_oldest_first(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    told(database, scan(at=200, scanned={"src/a.py": "v1"}))
    told(database, scan(at=300, scanned={"src/a.py": "v2"}))
    told(database, scan(weakness(), at=400, scanned={"src/a.py": "v3"}))
    doubt = "src/a.py did not change, yet bandit no longer reports it"
    entries = queries.history(database, the_one(database).id)
    assert [(entry.at, entry.actor, entry.kind, entry.reason) for entry in entries] == [
        (101, "ada", "finding.detected", ""),
        (201, "ada", "finding.not_observed", doubt),
        (301, "ada", "finding.fixed", ""),
        (401, "ada", "finding.reopened", ""),
    ]
    assert queries.history(database, "nobody") == []


def test_more_findings_than_a_statement_takes_parameters_are_listed(database: Database) -> None:
    limit = sqlite3.connect(":memory:").getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    assert limit >= 999
    told(database, scan(*(weakness(str(number)) for number in range(1200)), at=100))
    assert len(found(database)) == 1200


def test_a_finding_is_listed_with_all_its_places(database: Database) -> None:
    places = (Location("lib/b.py", 2), Location("src/a.py", 1))
    told(database, scan(secret(*places), at=100))
    assert the_one(database, "path:lib/**").finding.locations == places
