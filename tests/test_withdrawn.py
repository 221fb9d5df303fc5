"""A vulnerability that its publisher withdrew is closed as that: neither fixed, nor in time, nor late."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fixby.lifecycle import Change
from fixby.scan import Coverage, Partial, Scan
from fixby.scanners import advisories
from fixby.scanners.ecosystems import ecosystem
from fixby.store.database import Database
from fixby.store.figures import Period, report
from fixby.store.ingestion import Recorded
from fixby.store.queries import history
from fixby.store.verification import flaws
from fixby.tracked import State
from tests.command import called, repository, zipped
from tests.stories import DAY, REGRESSION_WINDOW, found, scan, the_one, told, vulnerability
from tests.test_advisories_commands import RECORD, TODAY

UNIT = "requirements.txt#django"
DJANGO = vulnerability("django", "4.0", names=("CVE-2024-1", "GHSA-2222-3333-4444"))
VULNERABLE = scan(DJANGO, at=100, scanner="pip-audit", scanned={UNIT: "4.0", "requirements.txt": "v1"})
GONE = replace(
    VULNERABLE, findings=(), started_at=200, finished_at=201, configuration="2", withdrawn={UNIT: {"CVE-2024-1"}}
)


def known(database: Database, later: Scan) -> Recorded:
    told(database, VULNERABLE)
    return told(database, later)


def test_it_is_closed_as_withdrawn_and_its_history_says_by_what_name(database: Database) -> None:
    assert known(database, GONE).fixed == ()
    one = the_one(database, "is:withdrawn", now=300)
    assert (one.state, one.closed_at, one.sla_status, one.due_at) == (State.WITHDRAWN, 200, "exempt", None)
    assert found(database, "is:fixed", now=300) == found(database, "is:open", now=300) == []
    last = history(database, one.id)[-1]
    assert (last.kind, last.reason) == (Change.WITHDRAWN, "CVE-2024-1 was withdrawn")
    assert list(flaws(database)) == []


def test_it_counts_for_nothing_but_itself_in_figures(database: Database) -> None:
    late = replace(GONE, started_at=100 * DAY, finished_at=100 * DAY + 1)
    known(database, late)
    total = report(database, Period(0, 101 * DAY)).total
    assert (total.withdrawn, total.met, total.missed, total.closed_exempt) == (1, 0, 0, 0)
    assert (total.compliance, total.time_to_fix.fixed, total.opened) == (None, 0, 1)


def test_a_new_version_of_the_package_makes_no_fix_of_it(database: Database) -> None:
    newer = replace(GONE, coverage=Coverage({UNIT: "5.0", "requirements.txt": "v2"}))
    known(database, newer)
    assert the_one(database, now=300).state is State.WITHDRAWN


def test_where_the_package_is_gone_altogether_it_is_fixed(database: Database) -> None:
    known(database, replace(GONE, coverage=Coverage({"requirements.txt": "v2"}), withdrawn={}))
    assert the_one(database, now=300).state is State.FIXED


DOUBTS = {
    "of another package": replace(GONE, withdrawn={"requirements.txt#flask": {"CVE-2024-1"}}),
    "of another name": replace(GONE, withdrawn={UNIT: {"CVE-2024-2"}}),
    "in a scan that was cut short": replace(GONE, outcome=Partial(("the disk is full",))),
    "of a package that was skipped": replace(
        GONE,
        coverage=Coverage({"requirements.txt": "v1"}, {UNIT: "no version"}),
        outcome=Partial(("requirements.txt#django: no version",)),
    ),
}


@pytest.mark.parametrize("later", DOUBTS.values(), ids=DOUBTS)
def test_what_is_withdrawn_elsewhere_or_told_in_doubt_closes_nothing(database: Database, later: Scan) -> None:
    known(database, later)
    assert the_one(database, now=300).state is State.OPEN


def test_another_scanner_that_still_sees_it_keeps_it_open(database: Database) -> None:
    told(database, VULNERABLE)
    told(database, replace(VULNERABLE, scanner="trivy", findings=(replace(DJANGO, scanner="trivy"),)))
    told(database, GONE)
    assert the_one(database, now=300).state is State.OPEN
    told(database, replace(GONE, scanner="trivy", started_at=300, finished_at=301, withdrawn={}, configuration="3"))
    assert the_one(database, now=400).not_observed


def test_back_within_the_window_it_is_the_old_finding_whose_clock_resumes(database: Database) -> None:
    known(database, GONE)
    told(database, replace(VULNERABLE, started_at=10 * DAY, finished_at=10 * DAY + 1, configuration="3"))
    one = the_one(database, now=10 * DAY + 2)
    assert (one.state, one.first_seen, one.due_at) == (State.OPEN, 100, 17 * DAY - 100)
    assert list(flaws(database)) == []


def test_back_after_the_window_it_is_a_new_one(database: Database) -> None:
    known(database, GONE)
    at = 201 + REGRESSION_WINDOW
    told(database, replace(VULNERABLE, started_at=at, finished_at=at + 1, configuration="3"))
    [new, old] = found(database, now=at + 2)
    assert (new.state, new.first_seen, new.previous) == (State.OPEN, at, old.id)
    assert old.state is State.WITHDRAWN


def test_what_is_withdrawn_is_not_affected_in_vex(tmp_path: Path) -> None:
    shop = scanned_shop(tmp_path, {**RECORD, "withdrawn": f"{TODAY}T00:00:00Z"})
    [statement] = json.loads(called("export", "vex", cwd=shop).out)["statements"]
    assert (statement["status"], statement["impact_statement"]) == ("not_affected", "Its publisher withdrew it.")
    [weakness] = json.loads(called("export", "vex", "--format", "cyclonedx", cwd=shop).out)["vulnerabilities"]
    assert weakness["analysis"] == {"state": "false_positive", "detail": "Its publisher withdrew it."}


def test_what_is_withdrawn_is_exported_to_no_service_whatever_the_query(tmp_path: Path) -> None:
    shop = scanned_shop(tmp_path, {**RECORD, "withdrawn": f"{TODAY}T00:00:00Z"})
    logged = called("export", "sarif", "scanner:osv", cwd=shop)
    assert (logged.document["runs"][0]["results"], "1 closed findings were left out" in logged.err) == ([], True)
    reported = called("export", "gitlab", "scanner:osv", cwd=shop)
    [file] = shop.glob("gl-*.json")
    assert json.loads(file.read_text())["vulnerabilities"] == []
    assert "1 findings were left out: they are closed" in reported.err


def scanned_shop(tmp_path: Path, *later: Mapping[str, object]) -> Path:
    """A repository with a vulnerable package, and what was published of it later."""
    lock = json.dumps({"lockfileVersion": 3, "packages": {"node_modules/lodash": {"version": "4.17.15"}}})
    shop = repository(tmp_path / "shop", {"package-lock.json": lock})
    for records in ([RECORD], later):
        called("update", "--from", zipped(tmp_path / "npm-all.zip", *records), cwd=shop)
        assert called("scan", ".", "--scanner", "osv", cwd=shop).code == 0
    return shop


def test_osv_tells_what_was_withdrawn_and_the_list_shows_it(tmp_path: Path) -> None:
    shop = scanned_shop(tmp_path, {**RECORD, "withdrawn": f"{TODAY}T00:00:00Z"})
    [one] = called("list", "is:withdrawn", "--json", cwd=shop).document["findings"]
    assert (one["state"], one["identifiers"][0]) == ("withdrawn", "CVE-2020-8203")
    assert "withdrawn" in called("list", "is:withdrawn", cwd=shop).out
    decided = called("dismiss", one["id"], "--reason", "x", cwd=shop)
    assert (decided.code, "is withdrawn." in decided.err) == (2, True)


def test_a_scan_counts_what_was_withdrawn(tmp_path: Path) -> None:
    shop = scanned_shop(tmp_path, RECORD)
    zipped(tmp_path / "npm-all.zip", {**RECORD, "withdrawn": f"{TODAY}T00:00:00Z"})
    called("update", "--from", "../npm-all.zip", cwd=shop)
    [scan] = called("scan", ".", "--scanner", "osv", "--json", cwd=shop).document["scans"]
    assert (scan["fixed"], scan["withdrawn"]) == (0, 1)
    assert "withdrawn" not in called("scan", ".", "--scanner", "osv", cwd=shop).out
    again = scanned_shop(tmp_path / "again", RECORD)
    called("update", "--from", tmp_path / "npm-all.zip", cwd=again)
    told = called("scan", ".", "--scanner", "osv", cwd=again).out
    assert "0 new, 0 fixed, 0 reopened, 0 not observed, 1 withdrawn\n" in told


def test_an_advisory_that_was_merged_into_one_that_is_withdrawn_is_withdrawn_too(tmp_path: Path) -> None:
    into = {**RECORD, "id": "GHSA-2222-2222-2222", "aliases": [RECORD["id"]], "withdrawn": f"{TODAY}T00:00:00Z"}
    shop = scanned_shop(tmp_path, into)
    assert len(called("list", "is:withdrawn", "--json", cwd=shop).document["findings"]) == 1


def test_an_advisory_that_was_replaced_by_a_narrower_one_in_force_closes_nothing(tmp_path: Path) -> None:
    events = [{"introduced": "0"}, {"fixed": "4.17.0"}]
    package = {"ecosystem": "npm", "name": "lodash"}
    narrower = {
        **RECORD,
        "id": "GHSA-2222-2222-2222",
        "affected": [{"package": package, "ranges": [{"type": "SEMVER", "events": events}]}],
    }
    shop = scanned_shop(tmp_path, {**RECORD, "withdrawn": f"{TODAY}T00:00:00Z"}, narrower)
    assert len(called("list", "is:not_observed", "--json", cwd=shop).document["findings"]) == 1


def test_an_advisory_that_only_vanished_closes_nothing(tmp_path: Path) -> None:
    shop = scanned_shop(tmp_path, {**RECORD, "id": "GHSA-2222-2222-2222", "aliases": []})
    assert len(called("list", "is:not_observed", "--json", cwd=shop).document["findings"]) == 1


def test_a_withdrawn_record_names_its_packages_or_is_of_all(tmp_path: Path) -> None:
    gone = {**RECORD, "withdrawn": f"{TODAY}T00:00:00Z"}
    of_none = {**gone, "id": "GHSA-2", "aliases": [], "affected": []}
    known = advisories.load(zipped(tmp_path / "npm-all.zip", gone, of_none), ecosystem("npm") or advisories.PYPI)
    assert advisories.withdrawn(known, "lodash") == {"GHSA-p6mc-m468-83gw", "CVE-2020-8203", "GHSA-2"}
    assert advisories.withdrawn(known, "other") == {"GHSA-2"}
