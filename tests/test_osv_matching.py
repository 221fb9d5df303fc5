"""Records made by hand, for each kind of range, ecosystem and odd thing that the schema of OSV allows."""

from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import orjson
import pytest

from fixby.scanners.advisories import advice, fixed_versions, load, matching
from fixby.scanners.ecosystems import Ecosystem, ecosystem
from fixby.scanners.report import Record
from fixby.severity import Severity


def known(name: str) -> Ecosystem:
    found = ecosystem(name)
    assert found is not None
    return found


def advisory(*affected: Record, name: str = "OSV-1", **more: object) -> Record:
    return {"id": name, "modified": "2024-01-01T00:00:00Z", "affected": list(affected), **more}


def entry(
    where: str, *events: Mapping[str, str], kind: str = "ECOSYSTEM", name: str = "thing", **more: object
) -> Record:
    ranges = [{"type": kind, "events": list(events)}] if events else []
    return {"package": {"ecosystem": where, "name": name}, "ranges": ranges, **more}


def found(folder: Path, one: Record, where: str, version: str, name: str = "thing") -> tuple[bool, str]:
    """Whether a record concerns a package, and the doubts."""
    (folder / "OSV-1.json").write_bytes(orjson.dumps(one))
    _, _, release = where.partition(":")
    matches = matching(load(folder, known(where)), name, version, release)
    return bool(matches.records), "; ".join(matches.doubts)


SINCE = ({"introduced": "0"}, {"fixed": "1.10.0"}, {"introduced": "2.0.0"}, {"last_affected": "2.3.0"})


@pytest.mark.parametrize("where", ["npm", "Go", "crates.io", "RubyGems", "Packagist", "Maven", "NuGet", "PyPI"])
@pytest.mark.parametrize("kind", ["ECOSYSTEM", "SEMVER"])
def test_ranges_are_evaluated_by_the_order_of_the_ecosystem(tmp_path: Path, where: str, kind: str) -> None:
    one = advisory(entry(where, *reversed(SINCE), kind=kind))
    for version in ("0.1.0", "1.9.9", "2.0.0", "2.3.0"):
        assert found(tmp_path, one, where, version) == (True, ""), version
    for version in ("1.10.0", "1.11.0", "2.3.1", "3.0.0"):
        assert found(tmp_path, one, where, version) == (False, ""), version


def test_a_prerelease_of_the_fix_is_affected(tmp_path: Path) -> None:
    one = advisory(entry("npm", *SINCE, kind="SEMVER"))
    assert found(tmp_path, one, "npm", "1.10.0-rc.1") == (True, "")


def test_nothing_beyond_the_limits_is_affected(tmp_path: Path) -> None:
    one = advisory(entry("npm", {"introduced": "1.0.0"}, {"limit": "1.5.0"}, {"limit": "1.8.0"}, kind="SEMVER"))
    assert found(tmp_path, one, "npm", "1.7.0") == (True, "")
    assert found(tmp_path, one, "npm", "1.8.0") == (False, "")


def test_a_listed_version_is_affected_though_no_range_has_it_nor_any_rule_reads_it(tmp_path: Path) -> None:
    one = advisory(entry("npm", {"introduced": "3.0.0"}, kind="SEMVER", versions=["1.0.0", "odd"]))
    assert found(tmp_path, one, "npm", "1.0.0") == (True, "")
    assert found(tmp_path, one, "npm", "v1.0.0+build") == (True, "")
    assert found(tmp_path, one, "npm", "odd") == (True, "")
    assert found(tmp_path, one, "npm", "2.0.0") == (False, "")


def test_what_cannot_be_judged_is_a_doubt_by_name(tmp_path: Path) -> None:
    ranged = advisory(entry("npm", *SINCE, kind="SEMVER"))
    only_commits = advisory(entry("npm", {"introduced": "0"}, {"fixed": "abcdef"}, kind="GIT"))
    strange = advisory(entry("npm", {"introduced": "1.0.0"}, {"mended": "2.0.0"}, kind="SEMVER"))
    said = "OSV-1 cannot be judged for thing"
    assert found(tmp_path, ranged, "npm", "latest") == (False, f"{said} latest: 'latest' is no semantic version")
    assert found(tmp_path, only_commits, "npm", "1.0.0") == (
        False,
        f"{said} 1.0.0: it has neither versions nor ranges of versions",
    )
    assert "events of a kind" in found(tmp_path, strange, "npm", "1.0.0")[1]


def test_ranges_of_commits_beside_others_are_passed_over(tmp_path: Path) -> None:
    part = entry("npm", *SINCE, kind="SEMVER")
    part["ranges"] = [{"type": "GIT", "events": [{"introduced": "0"}]}, *part["ranges"]]  # type: ignore[misc]
    assert found(tmp_path, advisory(part), "npm", "1.10.0") == (False, "")


def test_an_entry_counts_for_its_release_of_a_distribution_only(tmp_path: Path) -> None:
    one = advisory(
        entry("Debian:12", {"introduced": "0"}, {"fixed": "1.0-1+deb12u1"}),
        entry("Debian:11", {"introduced": "0"}, {"fixed": "0.9-1+deb11u1"}),
    )
    assert found(tmp_path, one, "Debian:12", "1.0-1") == (True, "")
    assert found(tmp_path, one, "Debian:11", "1.0-1") == (False, "")
    assert found(tmp_path, one, "Debian:13", "0.1") == (False, "")
    assert found(tmp_path, advisory(entry("Debian", *SINCE)), "Debian:13", "0.1") == (True, "")


def test_neither_other_ecosystems_nor_withdrawn_records_count(tmp_path: Path) -> None:
    assert found(tmp_path, advisory(entry("PyPI", *SINCE)), "npm", "0.1.0") == (False, "")
    withdrawn = advisory(entry("npm", *SINCE), withdrawn="2024-02-01T00:00:00Z")
    assert found(tmp_path, withdrawn, "npm", "0.1.0") == (False, "")


def test_names_are_spelt_as_their_ecosystem_has_it(tmp_path: Path) -> None:
    one = advisory(entry("NuGet", *SINCE, name="Newtonsoft.Json"), entry("npm", *SINCE, name="Thing"))
    assert found(tmp_path, one, "NuGet", "0.1.0", "newtonsoft.json") == (True, "")
    assert found(tmp_path, one, "npm", "0.1.0", "thing") == (False, "")


def test_all_fixed_versions_are_told_and_the_worst_severity_of_all_aliases(tmp_path: Path) -> None:
    low = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
    high = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
    part = entry(
        "npm", {"introduced": "0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"fixed": "2.1.0"}, kind="SEMVER"
    )
    records = [
        advisory(part, name="GHSA-1", aliases=["CVE-1"], severity=[{"type": "CVSS_V3", "score": low}]),
        advisory(part, name="OTHER-1", aliases=["CVE-1"], severity=[{"type": "CVSS_V3", "score": high}]),
    ]
    for one in records:
        (tmp_path / f"{one['id']}.json").write_bytes(orjson.dumps(one))
    data = load(tmp_path, known("npm"), {"thing"})
    first, second = matching(data, "thing", "1.0.0").records
    assert fixed_versions(data, first, "thing") == ("1.2.0", "2.1.0")
    assert {advice(data, one).severity for one in (first, second)} == {Severity.HIGH}


@pytest.mark.parametrize("place", ["npm/all.zip", "npm-all.zip", "all.zip", "deep/npm/all.zip"])
def test_the_zips_of_osv_are_found_by_their_names(tmp_path: Path, place: str) -> None:
    other = tmp_path / "PyPI" / "all.zip"
    for path in (tmp_path / place, other):
        path.parent.mkdir(parents=True, exist_ok=True)
        with ZipFile(path, "w") as archive:
            archive.writestr("OSV-1.json", orjson.dumps(advisory(entry("npm", *SINCE))))
    data = load(tmp_path, known("npm"))
    assert data.count == 1
    assert data.problems == ()
    assert matching(data, "thing", "0.1.0").records
    assert load(tmp_path, known("Go")).problems


def test_only_what_is_wanted_is_kept(tmp_path: Path) -> None:
    (tmp_path / "OSV-1.json").write_bytes(orjson.dumps(advisory(entry("npm", *SINCE))))
    data = load(tmp_path, known("npm"), {"other"})
    assert (dict(data.by_package), data.count, data.problems) == ({}, 1, ())
