import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixby.component import component
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.identifiers import identifiers
from fixby.identity import numbered, occurrence_id, secret_fingerprint
from fixby.severity import Severity
from tests.stories import secret, vulnerability, weakness


def id_of(finding: Finding, asset: str = "web") -> str:
    [id_] = numbered(asset, [finding])
    return id_


def at_line(line: int) -> tuple[Location, ...]:
    return (Location("src/a.py", line, line + 2, 5, 9),)


@pytest.mark.parametrize(
    "change",
    [
        {"locations": at_line(41)},
        {"message": "Other words."},
        {"severity": Severity.LOW},
        {"code": "eval( text )\n"},
        {"rule": Rule("B307", "another title", ("CWE-78",))},
        {"fix": "Use literal_eval."},
        {"suppression": Suppression("nosec")},
        {"identifiers": identifiers(["CVE-2024-1"])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_weakness_in_code_stays_the_same_when_this_changes(change: dict[str, Any]) -> None:
    assert id_of(replace(weakness(), **change)) == id_of(weakness())


@pytest.mark.parametrize(
    "other",
    [
        weakness("eval(other)"),
        weakness(path="src/b.py"),
        weakness(rule="B102"),
        weakness(category=Category.MISCONFIGURATION),
    ],
    ids=["code", "path", "rule", "category"],
)
def test_a_weakness_in_code_is_another_when_this_changes(other: Finding) -> None:
    assert id_of(other) != id_of(weakness())


def test_the_same_weakness_of_another_asset_is_another() -> None:
    assert id_of(weakness(), "web") != id_of(weakness(), "shop")


@pytest.mark.parametrize(
    "same",
    [
        vulnerability(version="4.1"),
        vulnerability(scanner="trivy"),
        vulnerability(severity=Severity.UNKNOWN),
        replace(vulnerability(), rule=Rule("PYSEC-2024-9", "")),
        vulnerability(names=("GHSA-2222-3333-4444", "CVE-2024-1234")),
        vulnerability(locations=(Location("requirements.txt", 17),)),
        vulnerability(component=component("pypi", "Django", "3.2", ("4.2.1",))),
    ],
    ids=["version", "scanner", "severity", "rule", "alias", "line", "spelling"],
)
def test_a_vulnerable_package_stays_the_same_when_this_changes(same: Finding) -> None:
    assert id_of(same) == id_of(vulnerability())


@pytest.mark.parametrize(
    "other",
    [
        vulnerability("flask"),
        vulnerability(names=("CVE-2024-9999",)),
        vulnerability(path="api/requirements.txt"),
        vulnerability(component=component("npm", "django", "4.0")),
    ],
    ids=["package", "vulnerability", "manifest", "ecosystem"],
)
def test_a_vulnerable_package_is_another_when_this_changes(other: Finding) -> None:
    assert id_of(other) != id_of(vulnerability())


def test_equal_code_twice_in_a_file_gives_two_ids_that_survive_a_move_by_forty_lines() -> None:
    before = numbered("web", [weakness(line=3), weakness(line=9)])
    after = numbered("web", [weakness(line=49), weakness(line=43)])
    assert list(before) == list(after)
    assert {id_: finding.locations[0].line for id_, finding in after.items()} == {
        id_: (finding.locations[0].line or 0) + 40 for id_, finding in before.items()
    }


def test_equal_code_in_two_files_is_counted_in_each_on_its_own() -> None:
    first = id_of(weakness(path="src/b.py"))
    assert first in numbered("web", [weakness(path="src/a.py"), weakness(path="src/b.py")])


def test_what_has_no_code_is_told_apart_by_its_place() -> None:
    without_code = [weakness("", line=1), weakness("", line=2), weakness("", locations=())]
    assert len(numbered("web", without_code)) == 3


def test_one_secret_is_one_finding_with_all_its_places_in_order() -> None:
    places = [Location("src/b.py", 9), Location("src/a.py", 10), Location("src/a.py", 9)]
    [finding] = numbered("web", [secret(place) for place in places]).values()
    assert finding.locations == (Location("src/a.py", 9), Location("src/a.py", 10), Location("src/b.py", 9))


def test_a_secret_keeps_its_id_wherever_it_stands_and_whatever_found_it() -> None:
    moved = replace(secret(Location("config/new.yaml", 80), scanner="gitleaks"), rule=Rule("generic", ""))
    assert id_of(moved) == id_of(secret())
    assert id_of(secret(fingerprint="07be2")) != id_of(secret())


def test_a_secret_is_silenced_only_where_all_its_places_are() -> None:
    silenced, loud = (secret(Location("src/a.py", line), suppression=Suppression("allowlist")) for line in (1, 2))
    assert numbered("web", [silenced, loud])[id_of(loud)].suppression
    loud = replace(loud, suppression=None)
    assert not numbered("web", [silenced, loud])[id_of(loud)].suppression


def test_of_two_reports_of_one_vulnerability_the_worse_one_speaks() -> None:
    known = vulnerability(severity=Severity.MEDIUM, message="known")
    unknown = vulnerability(severity=Severity.UNKNOWN, message="unknown")
    [finding] = numbered("web", [unknown, known]).values()
    assert (finding.severity, finding.message) == (Severity.MEDIUM, "known")


def test_ids_are_64_hexadecimal_digits_in_order() -> None:
    ids = list(numbered("web", [weakness(str(number)) for number in range(20)]))
    assert ids == sorted(ids)
    assert all(len(id_) == 64 and set(id_) <= set("0123456789abcdef") for id_ in ids)


def test_the_scheme_of_ids_is_never_changed_unnoticed() -> None:
    assert id_of(weakness())[:12] == "f357c778b307"
    assert id_of(vulnerability())[:12] == "260d0a84436a"
    assert id_of(secret())[:12] == "350800071b7e"


def test_later_occurrences_have_ids_of_their_own() -> None:
    identity = id_of(weakness())
    assert occurrence_id(identity, 1) == identity
    assert len({occurrence_id(identity, number) for number in (1, 2, 3)}) == 3


def test_the_fingerprint_of_a_secret_depends_on_the_key_and_not_on_the_case_of_its_digits() -> None:
    assert secret_fingerprint(b"key", "AB12") == secret_fingerprint(b"key", "ab12")
    assert secret_fingerprint(b"key", "ab12") != secret_fingerprint(b"other", "ab12")


few = st.sampled_from(["a", "b"])
places = st.builds(Location, few, st.none() | st.integers(1, 2))


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """Findings of a small world, so that they often share a part or all of what identifies them."""
    said: dict[str, Any] = {
        "category": draw(st.sampled_from([Category.CODE, Category.HEADERS, Category.DEPENDENCY, Category.SECRET])),
        "severity": draw(st.sampled_from([Severity.HIGH, Severity.UNKNOWN])),
        "message": draw(few),
        "locations": tuple(draw(st.lists(places, max_size=2))),
        "component": draw(st.none() | st.builds(component, st.just("pypi"), few, few)),
        "identifiers": identifiers(draw(st.lists(few, max_size=1))),
        "secret_fingerprint": draw(st.sampled_from(["", "5ec2e7"])),
        "suppression": draw(st.none() | st.builds(Suppression, few)),
    }
    return weakness(draw(st.sampled_from(["", "a"])), rule=draw(few), **said)


@settings(deadline=None)
@given(st.lists(findings(), max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_a_report_decides_nothing(some: list[Finding], chance: random.Random) -> None:
    shuffled = chance.sample(some, len(some))
    assert list(numbered("web", some).items()) == list(numbered("web", shuffled).items())


@settings(deadline=None)
@given(st.lists(findings(), max_size=12))
def test_no_finding_is_lost_and_none_but_merged_ones_share_an_id(some: list[Finding]) -> None:
    kept = numbered("web", some)
    merged = (Category.SECRET, Category.DEPENDENCY, Category.CONTAINER)
    alone = [finding for finding in some if finding.category not in merged]
    assert sorted(map(repr, alone)) == sorted(repr(one) for one in kept.values() if one.category not in merged)
    assert {place for one in some for place in one.locations} == {
        place for one in kept.values() for place in one.locations
    }
