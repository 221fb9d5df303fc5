"""Vulnerable packages are recognised by any of their names and wherever their manifests go; told through a store."""

from typing import Any

import pytest

from fixby.component import component
from fixby.decision import Acceptance
from fixby.finding import Category, Finding, Location
from fixby.identifiers import identifiers
from fixby.outline import outline
from fixby.scan import Scan
from fixby.severity import Severity
from fixby.store import decisions, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.verification import flaws
from fixby.tracked import State
from tests.stories import DAY, found, scan, secret, the_one, told, vulnerability, weakness

HERE = "requirements.txt#django"
CVE, GHSA, PYSEC = "CVE-2024-1", "GHSA-2222-2222-2222", "PYSEC-2024-1"


def audit(*some: Finding, at: int, **others: Any) -> Scan:  # noqa: ANN401 - any field
    """A scan of dependencies that looked at the packages that it found vulnerable, unless told otherwise."""
    units = {f"{one.path}#{one.component.name}": one.component.version for one in some if one.component}
    return scan(*some, at=at, **{"scanner": "pip-audit", "scanned": units} | others)


def kinds(database: Database, id_: str) -> list[str]:
    return [entry.kind.removeprefix("finding.") for entry in queries.history(database, id_)]


NAMES = {
    "one more name is known": ((PYSEC,), (PYSEC, CVE)),
    "one name less is known": ((CVE, GHSA), (GHSA,)),
    "another name comes first": ((GHSA, PYSEC), (CVE, PYSEC)),
}


@pytest.mark.parametrize(("before", "now"), NAMES.values(), ids=NAMES)
def test_a_vulnerability_is_the_same_under_any_of_its_names(
    database: Database, before: tuple[str, ...], now: tuple[str, ...]
) -> None:
    [id_] = told(database, audit(vulnerability(names=before), at=100)).new
    recorded = told(database, audit(vulnerability(names=now), at=200))
    assert (recorded.new, recorded.fixed) == ((), ())
    same = the_one(database)
    assert (same.id, same.first_seen, same.finding.identifiers.names) == (id_, 100, identifiers(now).names)
    assert list(flaws(database)) == []


def test_two_scanners_that_know_different_names_see_one_finding_and_do_not_quarrel(database: Database) -> None:
    [id_] = told(database, audit(vulnerability(names=(CVE, GHSA)), at=100)).new
    for at in (200, 300, 400):
        looked = {HERE: "4.0", f"requirements.txt#package-{at}": "1.0"}
        other = vulnerability(names=(GHSA,), scanner="trivy")
        assert told(database, audit(other, at=at, scanner="trivy", scanned=looked)).new == ()
        assert told(database, audit(vulnerability(names=(CVE, GHSA)), at=at + 10, scanned=looked)).new == ()
    assert [witness.scanner for witness in the_one(database).witnesses] == ["pip-audit", "trivy"]
    assert kinds(database, id_) == ["detected", "sighted"]


def two(**others: Any) -> list[Finding]:  # noqa: ANN401 - any field
    return [vulnerability(names=(name,), **others) for name in (CVE, GHSA)]


def test_two_findings_that_turn_out_to_be_one_go_on_as_the_older_one(database: Database) -> None:
    [older] = told(database, audit(vulnerability(names=(GHSA,)), at=100)).new
    [younger] = told(database, audit(*two(), at=200)).new
    told(database, audit(vulnerability(names=(CVE, GHSA)), at=300))
    one = the_one(database, "is:open")
    assert (one.id, one.first_seen, one.finding.identifiers.names) == (older, 100, (CVE, GHSA))
    assert kinds(database, younger) == ["detected", "merged"]
    closed = the_one(database, "is:fixed")
    assert (closed.closed_at, closed.sla_status) == (300, "exempt")
    assert queries.history(database, younger)[-1].reason == f"it is the same as {older}"
    assert list(flaws(database)) == []


def test_the_earlier_due_date_of_two_that_become_one_counts(database: Database) -> None:
    told(database, audit(vulnerability(names=(GHSA,), severity=Severity.LOW), at=0))
    severe = [vulnerability(names=(name,), severity=Severity.CRITICAL) for name in (CVE,)]
    told(database, audit(vulnerability(names=(GHSA,), severity=Severity.LOW), *severe, at=DAY))
    told(database, audit(vulnerability(names=(CVE, GHSA), severity=Severity.CRITICAL), at=5 * DAY))
    assert the_one(database, "is:open").due_at == 2 * DAY


def test_what_somebody_called_a_false_positive_does_not_hide_another(database: Database) -> None:
    [older] = told(database, audit(vulnerability(names=(GHSA,)), at=100)).new
    [younger] = told(database, audit(*two(), at=200)).new
    decisions.dismiss(database, [older], "no", By("ada", 250))
    told(database, audit(vulnerability(names=(CVE, GHSA)), at=300))
    assert [(one.id, one.state) for one in found(database, "is:open")] == [(younger, State.OPEN)]


def test_one_finding_that_turns_out_to_be_two_gives_both_its_due_date(database: Database) -> None:
    [first] = told(database, audit(vulnerability(names=(CVE, GHSA)), at=100)).new
    due_at = the_one(database).due_at
    [second] = told(database, audit(*two(), at=50_000)).new
    assert {(one.id, one.first_seen, one.due_at) for one in found(database, "is:open")} == {
        (first, 100, due_at),
        (second, 100, due_at),
    }
    assert list(flaws(database)) == []


def test_a_finding_that_was_part_of_an_accepted_one_is_not_accepted_and_runs(database: Database) -> None:
    [first] = told(database, audit(vulnerability(names=(CVE, GHSA)), at=0)).new
    decisions.accept(database, [first], Acceptance("ada", "not reachable", 9 * DAY), By("ada", DAY), ["bob"])
    [second] = told(database, audit(*two(), at=3 * DAY)).new
    parted = next(one for one in found(database, now=4 * DAY) if one.id == second)
    assert (parted.state, parted.due_at) == (State.OPEN, 9 * DAY)


MANIFESTS = {
    "a folder was renamed": (["api/requirements.txt"], ["service/requirements.txt"]),
    "the manifest was renamed": (["requirements.txt"], ["requirements/base.txt"]),
    "two folders were renamed": (["a/requirements.txt", "b/dev.txt"], ["c/dev.txt", "d/requirements.txt"]),
}


@pytest.mark.parametrize(("before", "now"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_vulnerability_goes_with_its_manifest(database: Database, before: list[str], now: list[str]) -> None:
    first = told(database, audit(*(vulnerability(path=path) for path in before), at=100))
    recorded = told(database, audit(*(vulnerability(path=path) for path in now), at=200))
    assert (recorded.new, recorded.fixed) == ((), ())
    assert {one.id for one in found(database)} == set(first.new)
    names = {one.finding.path.rpartition("/")[2] for one in found(database)}
    assert len(before) == 1 or names == {"requirements.txt", "dev.txt"}


def test_a_copy_of_a_manifest_has_findings_of_its_own(database: Database) -> None:
    told(database, audit(vulnerability(), at=100))
    copied = [vulnerability(path=path) for path in ("requirements.txt", "copy/requirements.txt")]
    assert len(told(database, audit(*copied, at=200)).new) == 1


def test_a_manifest_that_was_not_looked_at_did_not_go_anywhere(database: Database) -> None:
    told(database, audit(vulnerability(path="a/requirements.txt"), at=100))
    recorded = told(database, audit(vulnerability(path="b/requirements.txt"), at=200, target="b"))
    assert len(recorded.new) == 1


@pytest.mark.parametrize(("old", "new"), [("Django_Rest", "django-rest"), ("zope.interface", "zope-interface")])
def test_a_package_may_be_spelt_in_another_way(database: Database, old: str, new: str) -> None:
    [id_] = told(database, audit(vulnerability(old), at=100)).new
    recorded = told(database, audit(vulnerability(new), at=200))
    assert (recorded.new, recorded.fixed, the_one(database).id) == ((), (), id_)


def in_image(name: str = "openssl", version: str = "3.0.1", *, layer: str = "sha256:aa", kind: str = "deb") -> Finding:
    return vulnerability(
        category=Category.CONTAINER, scanner="trivy", component=component(kind, name, version), path=layer
    )


def test_an_image_that_is_rebuilt_keeps_its_findings_whatever_its_layers_are_called(database: Database) -> None:
    [id_] = told(database, audit(in_image(), at=100, scanner="trivy")).new
    recorded = told(database, audit(in_image(version="3.0.2", layer="sha256:bb"), at=200, scanner="trivy"))
    assert (recorded.new, recorded.fixed, the_one(database).id) == ((), (), id_)


def test_the_digest_of_a_layer_is_no_place(database: Database) -> None:
    before, now = (in_image("lodash", "4.0", kind="npm", layer=f"sha256:{n * 64}/app/package.json") for n in "ab")
    [id_] = told(database, audit(before, at=100, scanner="trivy")).new
    assert told(database, audit(now, at=200, scanner="trivy", scanned={"x": "1"})).new == ()
    assert the_one(database).id == id_


def test_a_package_of_a_language_goes_with_the_folder_of_its_interpreter(database: Database) -> None:
    before, now = (in_image("django", "4.0", kind="pypi", layer=f"usr/lib/python3.{n}/django") for n in (11, 12))
    [id_] = told(database, audit(before, at=100, scanner="trivy")).new
    recorded = told(database, audit(now, at=200, scanner="trivy"))
    assert (recorded.new, recorded.fixed, the_one(database).id) == ((), (), id_)


def edited(at: int, *lines: str, path: str = "src/a.py") -> Scan:
    """A scan of a file in which every `eval` is a finding."""
    text = "\n".join(["import x", *lines, "end()"])
    some = (weakness(code, line=line, path=path) for line, code in enumerate(lines, start=2) if code.startswith("eval"))
    return scan(*some, at=at, scanned={path: str(at)}, outlines={path: outline(text)})


def test_a_finding_that_is_carried_over_takes_its_clock_and_its_history_along(database: Database) -> None:
    [id_] = told(database, edited(100, "eval(text)")).new
    due_at = the_one(database).due_at
    told(database, edited(200, "eval(texts)"))
    told(database, edited(300, "eval(texts, {})"))
    one = the_one(database)
    assert (one.id, one.due_at, one.finding.code) == (id_, due_at, "eval(texts, {})")
    assert kinds(database, id_) == ["detected", "carried", "carried"]
    assert queries.history(database, id_)[-1].reason == "edited"
    assert list(flaws(database)) == []


ROW = {
    "the vulnerable line moves": (["eval(text)"], {"src/a.py": ["", "", "eval(text)"]}),
    "the file is renamed": (["eval(text)"], {"lib/b.py": ["eval(text)"]}),
}


@pytest.mark.parametrize(("before", "now"), ROW.values(), ids=ROW)
def test_the_due_date_does_nothing_when(database: Database, before: list[str], now: dict[str, list[str]]) -> None:
    [id_] = told(database, edited(100, *before)).new
    due_at = the_one(database).due_at
    [(path, lines)] = now.items()
    recorded = told(database, edited(DAY, *lines, path=path))
    assert (recorded.new, recorded.fixed) == ((), ())
    one = the_one(database)
    assert (one.id, one.finding.path, one.due_at) == (id_, path, due_at)


def test_code_that_comes_where_a_finding_was_that_went_on_elsewhere_is_new(database: Database) -> None:
    [id_] = told(database, edited(100, "eval(text)")).new
    told(database, edited(200, "eval(texts)"))
    [new] = told(database, edited(300, "eval(texts)", "eval(text)")).new
    assert new != id_
    assert {(one.id, one.finding.code) for one in found(database)} == {(id_, "eval(texts)"), (new, "eval(text)")}


def test_a_false_positive_was_said_of_the_code_that_it_was(database: Database) -> None:
    [id_] = told(database, edited(100, "eval(text)")).new
    decisions.dismiss(database, [id_], "a constant", By("ada", 150))
    told(database, edited(200, "", "eval(text)"))
    assert the_one(database).state is State.DISMISSED
    told(database, edited(300, "", "eval(user.text)"))
    assert the_one(database).state is State.OPEN


def test_scans_that_see_the_same_write_no_outline_twice_and_keep_none_that_nobody_needs(database: Database) -> None:
    for at in (100, 200, 300):
        told(database, edited(at, "eval(text)", *(["more()"] * at)))
    [(count,)] = database.run("SELECT count(*) FROM outline")
    assert count == 1


def test_the_outline_of_a_file_in_which_nothing_is_open_is_not_kept(database: Database) -> None:
    files = {"src/a.py": outline("eval(text)"), "src/b.py": outline("\neval(text)")}
    there = weakness(path="src/b.py", line=2)
    told(database, scan(weakness(), there, at=100, outlines=files))
    later = files | {"src/b.py": outline("\n\neval(text)")}
    still = weakness(path="src/b.py", line=3)
    told(database, scan(still, at=200, scanned={"src/a.py": "v2", "src/b.py": "v2"}, outlines=later))
    [(count,)] = database.run("SELECT count(*) FROM outline")
    assert count == 1


def test_a_file_that_was_there_before_is_not_the_one_that_is_gone(database: Database) -> None:
    before, now = (f"import x\n{line}\nend()\nmore()" for line in ("eval(text)", "eval(texts)"))
    looked = {"src/a.py": "v1", "src/b.py": "v1"}
    told(database, scan(weakness(line=2), at=100, scanned=looked, outlines={"src/a.py": outline(before)}))
    other = weakness("eval(texts)", path="src/b.py", line=2)
    recorded = told(database, scan(other, at=200, scanned={"src/b.py": "v2"}, outlines={"src/b.py": outline(now)}))
    assert (len(recorded.new), len(recorded.fixed)) == (1, 1)


@pytest.mark.parametrize(("count", "fixed"), [(4, 4), (5, 0)])
def test_a_scan_that_reports_nothing_where_there_was_much_closes_only_what_changed(
    database: Database, count: int, fixed: int
) -> None:
    calls = [f"eval(text_{number})" for number in range(count)]
    told(database, edited(100, *calls))
    nothing = scan(at=200, scanned={"src/a.py": "v2"}, outlines={"src/a.py": outline("\n".join(["", *calls]))})
    assert len(told(database, nothing).fixed) == fixed
    if not fixed:
        reason = f"the scan reports nothing where {count} findings stood, and the code is as it was"
        assert {one.not_observed for one in found(database)} == {reason}
    gone = scan(at=300, scanned={"src/a.py": "v3"}, outlines={"src/a.py": outline("safe()")})
    told(database, gone)
    assert len(found(database, "is:fixed")) == count


def test_a_location_of_a_secret_is_no_identity(database: Database) -> None:
    [id_] = told(database, scan(secret(), at=100)).new
    told(database, scan(secret(Location("src/b.py", 7)), at=200, scanned={"src/b.py": "v1"}))
    assert the_one(database).id == id_
