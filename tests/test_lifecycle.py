"""What a scan says of the findings that are known, told through a store of each kind."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fixby.closing import in_scope, units
from fixby.finding import Category, Location, Suppression
from fixby.scan import Coverage, Failed, Partial, Scan
from fixby.severity import Severity
from fixby.store import queries
from fixby.store.database import Database
from fixby.tracked import State
from tests.stories import DAY, REGRESSION_WINDOW, found, scan, secret, the_one, told, vulnerability, weakness

FILE = "src/a.py"
CHANGED = Coverage({FILE: "v2", "src/b.py": "v1"})


def without(scanned: Mapping[str, str] | Coverage = CHANGED, *, at: int = 200, **others: Any) -> Scan:  # noqa: ANN401 - any field
    """A later scan that does not report what the first one did; unless told otherwise its file was changed."""
    return scan(at=at, coverage=scanned if isinstance(scanned, Coverage) else Coverage(scanned), **others)


def kinds(database: Database, query: str = "") -> list[str]:
    """The kinds of the events of the one finding."""
    return [entry.kind.removeprefix("finding.") for entry in queries.history(database, the_one(database, query).id)]


PROOFS = {
    "the file was changed": without(),
    "the file was removed": without({"src/b.py": "v1"}),
    "the file was changed, others were skipped": without(
        Coverage({FILE: "v2"}, skipped={"src/c.py": "it is no Python"}),
        outcome=Partial(("not scanned: src/c.py: it is no Python",)),
    ),
    "the file was changed and so was the scanner": without(tool_version="2.0.0", configuration="rules 2"),
    "another folder is excluded": without(Coverage({FILE: "v2"}, excluded={"src/a": "fetched or generated"})),
    "another folder cannot be read": without(
        Coverage({FILE: "v2"}, skipped={"src/a/": "no permission"}),
        outcome=Partial(("not scanned: src/a/: no permission",)),
    ),
    "the target is its folder": without({FILE: "v2"}, target="src"),
    "the target is the file": without({FILE: "v2"}, target=FILE),
    "a report says that it looked at the changed file": without(Coverage({FILE: "v2"}, whole=False)),
    "a report says that it looked at the file": without(Coverage({FILE: ""}, whole=False)),
}


@pytest.mark.parametrize("later", PROOFS.values(), ids=PROOFS)
def test_a_finding_is_fixed_by_a_scan_that_could_have_seen_it(database: Database, later: Scan) -> None:
    [id_] = told(database, scan(weakness(), at=100)).new
    assert told(database, later).fixed == (id_,)
    fixed = the_one(database)
    assert (fixed.state, fixed.closed_at, fixed.last_seen, fixed.not_observed) == (State.FIXED, 200, 101, "")


DOUBTS: dict[str, Scan] = {
    f"{FILE} did not change, yet bandit no longer reports it": without({FILE: "v1"}),
    "scanner changed from 1.9.4 to 1.9.5": without({FILE: "v1"}, tool_version="1.9.5"),
    "the scanner's rules or options changed": without({FILE: "v1"}, configuration="rules 2"),
    "it is no Python": without(
        Coverage({"src/b.py": "v1"}, skipped={FILE: "it is no Python"}),
        outcome=Partial(("not scanned: src/a.py: it is no Python",)),
    ),
    "no permission": without(
        Coverage({"b.py": "v1"}, skipped={"src/": "no permission"}),
        outcome=Partial(("not scanned: src/: no permission",)),
    ),
    "fetched or generated": without(Coverage({"b.py": "v1"}, excluded={"src": "fetched or generated"})),
    "excluded by configuration": without(Coverage({"b.py": "v1"}, excluded={FILE: "excluded by configuration"})),
    "it was skipped": without(Coverage({"src/b.py": "v1"}, skipped={FILE: ""}), outcome=Partial(("no reason",))),
    "it is excluded": without(Coverage({"src/b.py": "v1"}, excluded={"src": ""})),
    "the scan was cut short: out of memory": without(outcome=Partial(("out of memory",))),
    "the scan was cut short: one rule did not load": without(
        Coverage({FILE: "v2"}, skipped={"src/c.py": "it is no Python"}),
        outcome=Partial(("not scanned: src/c.py: it is no Python", "one rule did not load")),
    ),
    "the scan saw nothing at all": without({}),
    f"the report does not say that {FILE} was looked at": without(Coverage({"src/b.py": ""}, whole=False)),
}


@pytest.mark.parametrize(("reason", "later"), DOUBTS.items(), ids=DOUBTS)
def test_a_finding_that_vanishes_without_proof_stays_open_and_says_why(
    database: Database, reason: str, later: Scan
) -> None:
    [id_] = told(database, scan(weakness(), at=100)).new
    recorded = told(database, later)
    assert (recorded.fixed, recorded.not_observed) == ((), (id_,))
    left = the_one(database)
    assert (left.state, left.closed_at, left.not_observed, left.last_seen) == (State.OPEN, None, reason, 101)


@pytest.mark.parametrize(("reason", "later"), DOUBTS.items(), ids=DOUBTS)
def test_a_doubt_is_written_down_once_however_often_it_comes(database: Database, reason: str, later: Scan) -> None:
    told(database, scan(weakness(), at=100))
    told(database, later)
    excluded = {**later.coverage.excluded, "docs": "fetched or generated"}
    again = replace(later, started_at=300, finished_at=301, coverage=replace(later.coverage, excluded=excluded))
    assert told(database, again).not_observed == ()
    assert the_one(database).not_observed == reason


def test_a_failed_scan_changes_nothing_and_shows_that_nobody_knows(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    recorded = told(database, without(outcome=Failed(("it crashed",))))
    assert (recorded.new, recorded.fixed, recorded.not_observed) == ((), (), ())
    assert the_one(database).not_observed == "the last scan by bandit failed"
    told(database, scan(weakness(), at=300))
    assert the_one(database).not_observed == ""
    assert kinds(database) == ["detected"]


def test_a_failed_scan_finds_nothing_new(database: Database) -> None:
    assert told(database, replace(scan(weakness(), at=100), outcome=Failed(("it crashed",)))).new == ()
    assert found(database) == []


@pytest.mark.parametrize("target", ["lib", "src/b.py", "sr", "src/a"])
def test_what_is_out_of_scope_is_not_even_in_doubt(database: Database, target: str) -> None:
    told(database, scan(weakness(), at=100))
    recorded = told(database, without({"lib/c.py": "v1"}, target=target))
    assert (recorded.fixed, recorded.not_observed) == ((), ())
    left = the_one(database)
    assert (left.not_observed, left.last_seen) == ("", 101)


def test_what_vanishes_after_a_scan_of_another_place_was_last_seen_before_it(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    told(database, without({"lib/c.py": "v1"}, target="lib", at=200))
    told(database, without({FILE: "v1"}, at=300))
    assert the_one(database).last_seen == 101


def test_what_vanishes_after_a_failed_scan_was_last_seen_before_it(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    told(database, without({}, outcome=Failed(("it crashed",)), at=200))
    told(database, without({FILE: "v1"}, at=300))
    assert the_one(database).last_seen == 101


def test_another_doubt_replaces_the_one_before(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    told(database, without({FILE: "v1"}, at=200))
    told(database, without(Coverage({"src/b.py": "v1"}, skipped={FILE: "too large"}), at=300))
    assert the_one(database).not_observed == "too large"
    assert kinds(database) == ["detected", "not_observed", "not_observed"]


def test_a_finding_that_is_observed_again_is_as_before(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    told(database, without({FILE: "v1"}))
    told(database, scan(weakness(), at=300))
    seen = the_one(database)
    assert (seen.not_observed, seen.last_seen, seen.first_seen) == ("", 301, 100)
    assert kinds(database) == ["detected", "not_observed", "observed"]


def test_a_finding_in_doubt_is_fixed_once_its_file_changes(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    told(database, without({FILE: "v1"}, tool_version="2.0.0", at=200))
    told(database, without({FILE: "v2"}, tool_version="2.0.0", at=300))
    assert the_one(database).closed_at == 300


def test_a_file_that_changed_while_it_was_skipped_did_change(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    told(database, without(Coverage({"src/b.py": "v1"}, skipped={FILE: "x"}), outcome=Partial(("x",))))
    told(database, without({FILE: "v2"}, at=300))
    assert the_one(database).closed_at == 300


def test_a_new_version_of_the_scanner_excuses_only_what_it_looked_at_unchanged(database: Database) -> None:
    told(database, scan(weakness(), weakness(path="src/b.py"), at=100))
    recorded = told(database, without({FILE: "v2", "src/b.py": "v1"}, tool_version="2.0.0"))
    assert (len(recorded.fixed), len(recorded.not_observed)) == (1, 1)
    assert the_one(database, "is:open").finding.path == "src/b.py"


@pytest.mark.parametrize("content", ["", "v1"])
def test_a_report_that_does_not_know_contents_blames_a_new_version_of_the_scanner(
    database: Database, content: str
) -> None:
    told(database, scan(weakness(), at=100, scanned={FILE: content}))
    told(database, without(Coverage({FILE: ""}, whole=False), tool_version="2.0.0"))
    assert the_one(database).not_observed == "scanner changed from 1.9.4 to 2.0.0"


PACKAGES = {
    "bumped": ({"requirements.txt#django": "4.2"}, True),
    "removed": ({"requirements.txt#flask": "3.0"}, True),
    "unchanged": ({"requirements.txt#django": "4.0"}, False),
}


@pytest.mark.parametrize(("scanned", "fixed"), PACKAGES.values(), ids=PACKAGES)
def test_a_vulnerable_package_is_fixed_when_it_is(database: Database, scanned: dict[str, str], fixed: bool) -> None:  # noqa: FBT001 - a case of a test
    told(database, scan(vulnerability(), at=100, scanner="pip-audit", scanned={"requirements.txt#django": "4.0"}))
    recorded = told(database, without(scanned, scanner="pip-audit"))
    assert (len(recorded.fixed), len(recorded.not_observed)) == ((1, 0) if fixed else (0, 1))


@pytest.mark.parametrize("place", ["requirements.txt", "requirements.txt#django"])
def test_a_package_that_could_not_be_audited_stays_open(database: Database, place: str) -> None:
    told(database, scan(vulnerability(), at=100, scanner="pip-audit", scanned={"requirements.txt#django": "4.0"}))
    later = without(Coverage({"requirements.txt#flask": "3.0"}, skipped={place: "not pinned"}), scanner="pip-audit")
    told(database, later)
    assert the_one(database).not_observed == "not pinned"


def test_a_vulnerable_version_bumped_to_another_vulnerable_one_is_the_same_finding(database: Database) -> None:
    told(database, scan(vulnerability(), at=100, scanner="pip-audit"))
    recorded = told(database, scan(vulnerability(version="4.1"), at=200, scanner="pip-audit"))
    assert (recorded.new, recorded.fixed) == ((), ())
    bumped = the_one(database)
    assert bumped.finding.component
    assert (bumped.finding.component.version, bumped.first_seen) == ("4.1", 100)


def test_what_comes_back_within_the_regression_window_is_reopened(database: Database) -> None:
    [id_] = told(database, scan(weakness(), at=100)).new
    told(database, without(at=200))
    recorded = told(database, scan(weakness(severity=Severity.LOW), at=200 + REGRESSION_WINDOW))
    assert (recorded.reopened, recorded.new) == ((id_,), ())
    back = the_one(database)
    assert (back.state, back.closed_at, back.first_seen) == (State.OPEN, None, 100)
    assert back.finding.severity is Severity.LOW
    assert kinds(database) == ["detected", "fixed", "reopened"]


def test_what_comes_back_later_is_a_new_occurrence_linked_to_the_old_one(database: Database) -> None:
    [first] = told(database, scan(weakness(), at=100)).new
    told(database, without(at=200))
    back = 201 + REGRESSION_WINDOW
    [second] = told(database, scan(weakness(), at=back)).new
    assert second != first
    again = the_one(database, "is:open")
    assert (again.id, again.previous, again.first_seen) == (second, first, back)
    assert the_one(database, "is:fixed").id == first


def test_the_latest_occurrence_is_the_one_that_is_fixed_and_reopened(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    told(database, without(at=200))
    [second] = told(database, scan(weakness(), at=300 + REGRESSION_WINDOW)).new
    assert told(database, without(at=400 + REGRESSION_WINDOW)).fixed == (second,)
    assert told(database, scan(weakness(), at=500 + REGRESSION_WINDOW)).reopened == (second,)


def test_what_another_scanner_still_sees_is_not_fixed(database: Database) -> None:
    package = {"requirements.txt#django": "4.0"}
    bumped = {"requirements.txt#django": "4.2"}
    told(database, scan(vulnerability(), at=100, scanner="pip-audit", scanned=package))
    told(database, scan(vulnerability(scanner="trivy"), at=110, scanner="trivy", scanned=package))
    recorded = told(database, without(bumped, scanner="pip-audit", at=200))
    assert (recorded.fixed, recorded.not_observed) == ((), ())
    assert the_one(database).state is State.OPEN
    assert len(told(database, without(bumped, scanner="trivy", at=300)).fixed) == 1
    assert kinds(database) == ["detected", "sighted", "unsighted", "fixed"]


def test_a_scan_says_nothing_of_what_only_another_scanner_saw(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    recorded = told(database, without(scanner="semgrep"))
    assert (recorded.fixed, recorded.not_observed) == ((), ())
    assert the_one(database).not_observed == ""


def test_a_scan_says_nothing_of_another_asset(database: Database) -> None:
    told(database, scan(weakness(), at=100), asset="web")
    recorded = told(database, without(), asset="shop")
    assert (recorded.fixed, recorded.not_observed) == ((), ())


def test_a_suppression_in_the_code_is_a_change_and_no_fix(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    recorded = told(database, scan(weakness(suppression=Suppression("nosec", "a joke")), at=200, scanned={FILE: "v2"}))
    assert (recorded.fixed, recorded.not_observed) == ((), ())
    silenced = the_one(database, "is:suppressed")
    assert (silenced.state, silenced.finding.suppression) == (State.OPEN, Suppression("nosec", "a joke"))
    assert kinds(database) == ["detected", "changed"]


PLACES = (Location("src/a.py", 1), Location("lib/b.py", 2))


@pytest.mark.parametrize(
    "blind",
    [
        scan(secret(PLACES[0]), at=200, target="src", scanned={"src/a.py": "v1"}),
        scan(
            secret(PLACES[0]),
            at=200,
            outcome=Partial(("not scanned: lib/b.py: it is locked",)),
            coverage=Coverage({"src/a.py": "v1"}, skipped={"lib/b.py": "it is locked"}),
        ),
    ],
    ids=["narrower", "partial"],
)
def test_a_secret_is_not_fixed_while_one_of_its_places_goes_unseen(database: Database, blind: Scan) -> None:
    told(database, scan(secret(*PLACES), at=100, scanned={"src/a.py": "v1", "lib/b.py": "v1"}))
    told(database, blind)
    gone = replace(blind, findings=(), started_at=300, coverage=replace(blind.coverage, scanned={"src/a.py": "v2"}))
    assert told(database, gone).fixed == ()
    assert the_one(database).state is State.OPEN
    assert len(told(database, without({"src/a.py": "v2", "lib/b.py": "v2"}, at=400)).fixed) == 1


def test_a_place_that_a_secret_left_no_longer_keeps_it_open(database: Database) -> None:
    told(database, scan(secret(*PLACES), at=100, scanned={"src/a.py": "v1", "lib/b.py": "v1"}))
    told(database, scan(secret(PLACES[0]), at=200, scanned={"src/a.py": "v1", "lib/b.py": "v2"}))
    assert len(told(database, without({"src/a.py": "v2", "lib/b.py": "v2"}, at=300)).fixed) == 1


def test_a_place_that_was_in_doubt_is_forgotten_once_it_was_seen_without_the_secret(database: Database) -> None:
    told(database, scan(secret(*PLACES), at=100, scanned={"src/a.py": "v1", "lib/b.py": "v1"}))
    told(database, scan(secret(PLACES[0]), at=200, target="src", scanned={"src/a.py": "v1"}))
    told(database, scan(secret(PLACES[0]), at=300, scanned={"src/a.py": "v1", "lib/b.py": "v2"}))
    assert len(told(database, without({"src/a.py": "v2", "lib/b.py": "v2"}, at=400)).fixed) == 1


def test_a_finding_without_a_place_is_fixed_by_a_whole_scan_only(database: Database) -> None:
    told(database, scan(weakness(locations=()), at=100, scanned={FILE: "v1"}))
    told(database, without(Coverage({FILE: "v1"}, whole=False)))
    assert the_one(database).not_observed == "the report does not say that everything was looked at"
    told(database, without({FILE: "v1"}, target="src", at=300))
    assert the_one(database).state is State.OPEN
    assert len(told(database, without({FILE: "v1"}, at=400)).fixed) == 1


def test_a_clock_that_was_set_back_does_not_turn_the_history_round(database: Database) -> None:
    told(database, scan(weakness(), at=50 * DAY))
    told(database, without(at=10 * DAY))
    assert the_one(database).closed_at == 50 * DAY
    told(database, scan(weakness(), at=20 * DAY))
    assert the_one(database).state is State.OPEN


def test_a_dependency_stands_in_its_manifest_and_anything_else_in_its_files() -> None:
    assert units(vulnerability()) == ("requirements.txt#django",)
    assert units(vulnerability(category=Category.LICENCE)) == ("requirements.txt",)
    assert units(secret(*PLACES, PLACES[0])) == ("src/a.py", "lib/b.py")


@pytest.mark.parametrize(
    ("unit", "target", "inside"),
    [
        ("src/a.py", ".", True),
        ("src/a.py", "src", True),
        ("src/a.py", "src/a.py", True),
        ("src/a.py", "src/a", False),
        ("requirements.txt#django", "requirements.txt", True),
        ("api/requirements.txt#django", "api", True),
        ("requirements.txt#django", "api", False),
    ],
)
def test_a_target_holds_what_lies_below_it(unit: str, target: str, inside: bool) -> None:  # noqa: FBT001 - a case of a test
    assert in_scope(unit, target) is inside
