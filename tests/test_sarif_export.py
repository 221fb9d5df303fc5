"""`fixby export sarif`: what a store knows, as code scanning takes it."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fixby.cli.sarif import runs
from fixby.component import component
from fixby.decision import Acceptance
from fixby.finding import Location, Rule, Step, Suppression, traced
from fixby.query import Term, parse
from fixby.reports.sarif import CODE_SCANNING, Limits, Run, log
from fixby.reports.sarif_results import Result
from fixby.scan import Failed, Partial
from fixby.severity import LEVELS, Severity
from fixby.store import decisions, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.opening import open_for_writing
from tests.command import Ended, called
from tests.sarif_logs import check
from tests.stories import DAY, scan, secret, the_one, told, vulnerability, weakness

START = 1_700_000_000
NOW = START + 2 * DAY
GOLDEN = Path(__file__).with_name("golden") / "export.sarif"
FLOW = (Step(Location("src/in.py", 3, 3, 5, 9), "request.args"), Step(Location("src/a.py", 7, 7, 1, 5), "eval(text)"))


def filled(database: Database) -> None:
    """An asset with findings of all sorts and decisions of all sorts, and another asset."""
    code = (
        traced(weakness("eval(text)", line=7, severity=Severity.CRITICAL, fix="Do not."), [FLOW]),
        weakness("md5(a)", rule="B324", severity=Severity.LOW, suppression=Suppression("nosec", "a checksum")),
        weakness("exec(a)", rule="B102", severity=Severity.MEDIUM),
        weakness("exec(b)", rule="B102", severity=Severity.LOW, path="src/b.py"),
        weakness("gone", rule="B001"),
    )
    about = component("pypi", "django", "4.0", ("4.2",))
    found = vulnerability(component=about, severity=Severity.HIGH, fix="Upgrade django to 4.2.")
    told(database, scan(*code, at=START), asset="shop")
    told(database, scan(*code[:-1], at=START + 5, scanned={"src/a.py": "v2", "src/b.py": "v1"}), asset="shop")
    told(
        database, scan(found, at=START + 10, scanner="pip-audit", outcome=Partial(("x.txt: not pinned",))), asset="shop"
    )
    told(database, scan(secret(), at=START + 20, scanner="detect-secrets"), asset="shop")
    told(database, scan(at=START + 30, scanner="semgrep", outcome=Failed(("it ran out of memory",))), asset="shop")
    told(database, scan(weakness("other"), at=START + 40), asset="other")
    ada = By("ada", START + DAY)
    decisions.dismiss(database, [the_one(database, "rule:B324 asset:shop").id], "a checksum", ada)
    wish = Acceptance("ada", "behind a login", START + 20 * DAY, "")
    [medium, low] = (the_one(database, f"rule:B102 asset:shop severity:{one}").id for one in ("medium", "low"))
    decisions.accept(database, [medium], wish, ada, approvals=["bob"])
    decisions.assign(database, [low], "eve", ada)
    decisions.accept(database, [the_one(database, "package:django").id], wish, ada)


def exported(database: Database, query: str = "is:open,dismissed") -> str:
    terms = (Term("asset", ("shop",)), *parse(query))
    some = queries.findings(database, terms, NOW)
    return log(runs("shop", some, queries.latest_scans(database, "shop"), terms), "1.0", CODE_SCANNING).text


def test_what_is_exported_is_what_it_was_before(
    database: Database,
    rewrite_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    filled(database)
    text = exported(database)
    check(json.loads(text))
    if rewrite_golden:
        GOLDEN.write_text(f"{text}\n")
    assert f"{text}\n" == GOLDEN.read_text(), "if that is right: pytest --rewrite-golden"


def run_of(document: Any, tool: str) -> Any:  # noqa: ANN401 - JSON
    [found] = [run for run in document["runs"] if run["tool"]["driver"]["name"] == tool]
    return found


def test_there_is_a_run_for_each_scanner_and_one_that_did_not_see_all_says_so(database: Database) -> None:
    filled(database)
    document = json.loads(exported(database))
    assert [run["automationDetails"]["id"] for run in document["runs"]] == [
        "fixby/shop/bandit/",
        "fixby/shop/detect-secrets/",
        "fixby/shop/pip-audit/",
        "fixby/shop/semgrep/",
    ]
    said = {
        run["tool"]["driver"]["name"]: (
            invocation["executionSuccessful"],
            [one["message"]["text"] for one in invocation["toolExecutionNotifications"]],
        )
        for run in document["runs"]
        for invocation in run["invocations"]
    }
    assert said == {
        "bandit": (True, []),
        "detect-secrets": (True, []),
        "pip-audit": (False, ["x.txt: not pinned"]),
        "semgrep": (False, ["it ran out of memory"]),
    }
    assert run_of(document, "semgrep")["results"] == []


@pytest.mark.parametrize(
    ("query", "tools"),
    [
        ("scanner:bandit", ["bandit"]),
        ("-scanner:bandit", ["detect-secrets", "pip-audit", "semgrep"]),
        ("severity:critical", ["bandit", "detect-secrets", "pip-audit", "semgrep"]),
    ],
)
def test_a_query_for_scanners_says_nothing_of_others(database: Database, query: str, tools: Sequence[str]) -> None:
    filled(database)
    document = json.loads(exported(database, f"is:open {query}"))
    assert [run["tool"]["driver"]["name"] for run in document["runs"]] == tools


def test_decisions_are_suppressions_and_those_that_wait_are_under_review(database: Database) -> None:
    filled(database)
    document = json.loads(exported(database))
    found = {
        (one["ruleId"], one["level"]): [
            (each["kind"], each["status"], each["justification"]) for each in one.get("suppressions", [])
        ]
        for run in document["runs"]
        for one in run["results"]
    }
    until = "Accepted until 2023-12-04T22:13:20Z, ada answers for it: behind a login"
    assert found == {
        ("B307", "error"): [],
        ("B102", "warning"): [("external", "accepted", until)],
        ("B102", "note"): [],
        ("B324", "note"): [
            ("inSource", "accepted", "nosec: a checksum"),
            ("external", "accepted", "False positive, says ada: a checksum"),
        ],
        ("CVE-2024-1234", "error"): [("external", "underReview", until)],
        ("Secret Keyword", "error"): [],
    }


def test_what_is_stored_is_told_under_the_key_of_ours(database: Database) -> None:
    filled(database)
    found = {one["ruleId"]: one for one in run_of(json.loads(exported(database)), "bandit")["results"]}
    assert found["B307"]["properties"]["fixby/v1"]["tracked"] == {
        "asset": "shop",
        "state": "open",
        "first_seen": "2023-11-14T22:13:20Z",
        "due_at": "2023-11-15T22:13:20Z",
        "sla_status": "breached",
        "owner": None,
    }
    [thread] = found["B307"]["codeFlows"][0]["threadFlows"]
    assert [step["location"]["message"]["text"] for step in thread["locations"]] == ["request.args", "eval(text)"]
    id_ = the_one(database, "rule:B307 asset:shop").id
    assert found["B307"]["message"]["text"] == f"Do not do this.\n\nFixby finding {id_}"
    assert found["B307"]["partialFingerprints"]["fixbyIdentity/v1"] == id_


def results(count: int, severity: Severity = Severity.LOW, **others: Any) -> list[Result]:  # noqa: ANN401 - any field
    ids = [sha256(bytes([number])).hexdigest() for number in range(count)]
    return [Result(id_, weakness(severity=severity, message=id_, **others)) for id_ in ids]


def limited(*some: Run, **limits: int) -> tuple[Any, tuple[str, ...]]:
    given = {"runs": 20, "results": 100, "size": 10_000_000, "shown": 100} | limits
    made = log(some, "1.0", Limits(**given))
    return json.loads(made.text), made.left_out


def notifications(run: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - JSON
    [invocation] = run["invocations"]
    return [(one["level"], one["message"]["text"]) for one in invocation["toolExecutionNotifications"]]


def test_the_most_severe_come_first_and_what_is_too_much_is_left_out_and_told() -> None:
    some = [Result(f"{rank}", weakness(severity=severity)) for rank, severity in enumerate((*LEVELS, Severity.UNKNOWN))]
    document, left_out = limited(Run("bandit", "1", some), results=4, shown=3)
    [run] = document["runs"]
    assert [one["properties"]["fixby/v1"]["severity"] for one in run["results"]] == [
        *("critical", "high", "medium", "unknown"),
    ]
    assert notifications(run) == [
        ("error", "2 of 6 results were left out: code scanning takes 4 of a run."),
        ("note", "Code scanning shows the first 3 of 4 results."),
    ]
    assert left_out == tuple(f"bandit: {words}" for _, words in notifications(run))
    check(document)


def test_a_file_that_is_too_large_loses_results_until_it_fits() -> None:
    document, left_out = limited(Run("a", "1", results(60, Severity.HIGH)), Run("b", "1", results(5)), size=3_000)
    assert len(gzip.compress(json.dumps(document, indent=2).encode(), mtime=0)) <= 3_000
    [a, b] = document["runs"]
    assert 1 < len(a["results"]) < 60
    assert len(b["results"]) == 5
    assert left_out == (f"a: {60 - len(a['results'])} of 60 results were left out: code scanning takes 0 MB.",)


def test_of_too_many_runs_those_with_the_worst_results_stay() -> None:
    some = [Run(f"t{number}", "1", results(1, severity)) for number, severity in enumerate(LEVELS)]
    document, left_out = limited(*some, Run("empty", "1", []), runs=2)
    assert [run["tool"]["driver"]["name"] for run in document["runs"]] == ["t3", "t4"]
    assert len(left_out) == 4
    assert [words for _, words in notifications(document["runs"][0])] == list(left_out)


def test_a_converter_leaves_nothing_out() -> None:
    made = log([Run("bandit", "1", results(30))], "1.0")
    assert made.left_out == ()
    assert len(json.loads(made.text)["runs"][0]["results"]) == 30


def test_a_rule_has_no_more_tags_than_code_scanning_keeps() -> None:
    many = Rule("B307", "title", tuple(f"CWE-{number}" for number in range(1, 30)))
    document, _ = limited(Run("bandit", "1", [Result("1", replace(weakness(), rule=many))]))
    check(document)


@pytest.fixture
def store(database_url: str) -> str:
    database = open_for_writing(database_url)
    filled(database)
    database.close()
    return database_url


def export(shop: Path, store: str, *arguments: str) -> Ended:
    return called("export", "sarif", *arguments, "--store", store, cwd=shop)


def test_the_command_writes_the_open_and_the_dismissed_of_the_asset_or_what_is_asked_for(
    shop: Path, store: str
) -> None:
    ended = export(shop, store)
    assert ended.code == 0
    check(ended.document)
    assert [len(run["results"]) for run in ended.document["runs"]] == [4, 1, 1, 0]
    ended = export(shop, store, "rule:B001,B307", "--output", "out.sarif")
    assert (ended.code, ended.out) == (0, "")
    assert "fixby: 1 closed findings were left out" in ended.err
    assert "fixby: wrote out.sarif" in ended.err
    written = json.loads((shop / "out.sarif").read_text())
    assert [len(run["results"]) for run in written["runs"]] == [1, 0, 0, 0]
    assert export(shop, store, "--output", "no/folder").code == 2
    assert export(shop, store, "is:nonsense").code == 2


def test_what_was_is_exported_by_its_instant(shop: Path, store: str) -> None:
    [bandit] = export(shop, store, "--as-of", "2023-11-14T22:13:22Z").document["runs"]
    assert {one["ruleId"] for one in bandit["results"]} == {"B307", "B324", "B102", "B001"}


def test_what_is_exported_is_read_into_another_store_as_the_same_findings(shop: Path, store: str) -> None:
    (shop / "out.sarif").write_text(export(shop, store, "-category:secret", "is:open,dismissed").out)
    assert called("ingest", "out.sarif", "--store", "other.db", cwd=shop).code == 0
    there = called("list", "is:open", "--store", "other.db", "--json", cwd=shop).document["findings"]
    ours = called("list", "-category:secret", "is:open,dismissed", "asset:shop", "--store", store, "--json", cwd=shop)
    assert {one["id"] for one in there} == {one["id"] for one in ours.document["findings"]}
