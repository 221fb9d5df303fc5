"""The scanner that matches lock files against advisories at hand: run as it is run, in its process."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from fixby.errors import ReportError, UsageError
from fixby.finding import Category, Location
from fixby.scanners import osv
from fixby.scanners.process import LIMITS, run
from fixby.scanners.scanner import File, KeptFolder, Options, Reading, Request, Source, Target
from fixby.severity import Severity
from tests.command import fixby, repository, zipped

LODASH = {
    "id": "GHSA-p6mc-m468-83gw",
    "modified": "2024-04-19T18:42:00Z",
    "aliases": ["CVE-2020-8203"],
    "summary": "Prototype Pollution in lodash",
    "details": "Versions of lodash before 4.17.19 can be polluted.",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:H"}],
    "references": [{"type": "ADVISORY", "url": "https://nvd.nist.gov/vuln/detail/CVE-2020-8203"}],
    "database_specific": {"cwe_ids": ["CWE-1321"], "severity": "HIGH"},
    "affected": [
        {
            "package": {"ecosystem": "npm", "name": "lodash"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "3.7.0"}, {"fixed": "4.17.19"}]}],
        }
    ],
}
LOG4J = {
    "id": "GHSA-jfh8-c2jp-5v3q",
    "modified": "2024-04-19T18:42:00Z",
    "details": "Remote code can be loaded.",
    "affected": [
        {
            "package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}]},
                {"type": "ECOSYSTEM", "events": [{"introduced": "2.4"}, {"fixed": "2.12.2"}]},
            ],
        }
    ],
}
GRADLE = "org.apache.logging.log4j:log4j-core:2.14.1=runtimeClasspath\n"


def lock(version: str = "4.17.15", **others: str) -> str:
    entries = {f"node_modules/{name}": {"version": at} for name, at in {"lodash": version, **others}.items()}
    return json.dumps({"lockfileVersion": 3, "packages": {"": {"name": "shop"}, **entries}}, indent=2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder laid out as OSV's bucket is."""
    zipped(tmp_path / "osv" / "npm" / "all.zip", LODASH)
    zipped(tmp_path / "osv" / "Maven" / "all.zip", LOG4J)
    return tmp_path / "osv"


SOURCE = Source(fingerprint=str, path=lambda name: name, lines=lambda _path, _first, _last: "")


def scan(tmp_path: Path, files: Mapping[str, str], options: Options) -> Reading:
    target = repository(tmp_path / "target", files)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    wanted = tuple(path for path in files if osv.wants(path))
    known = {path: File(len(text), "") for path, text in files.items()}
    request = Request(Target(target, known), wanted, workspace, options, cores=1)
    with osv.commands(request) as (command,):
        return osv.conclude(run(command, LIMITS), SOURCE)


def test_a_vulnerable_package_is_found_with_all_that_is_known_of_it(tmp_path: Path, data: Path) -> None:
    reading = scan(tmp_path, {"web/package-lock.json": lock(), "gradle.lockfile": GRADLE}, Options(advisories=data))
    log4j, lodash = sorted(reading.findings, key=lambda finding: finding.path)
    assert lodash.category is Category.DEPENDENCY
    assert lodash.rule.id == "GHSA-p6mc-m468-83gw"
    assert lodash.rule.title == "lodash: Prototype Pollution in lodash"
    assert lodash.rule.cwes == ("CWE-1321",)
    assert lodash.severity is Severity.HIGH
    assert lodash.identifiers.names == ("CVE-2020-8203", "GHSA-p6mc-m468-83gw")
    assert lodash.locations == (Location("web/package-lock.json", 7),)
    assert lodash.fix == "Upgrade lodash to 4.17.19 or later"
    assert lodash.component is not None
    assert lodash.component.purl == "pkg:npm/lodash@4.17.15"
    assert log4j.component is not None
    assert log4j.component.purl == "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"
    assert log4j.component.fixed_versions == ("2.15.0", "2.12.2")
    assert log4j.fix.endswith("to 2.15.0 or later")
    assert log4j.severity is Severity.UNKNOWN
    assert reading.skipped == {}
    assert reading.problems == ()
    assert reading.scanned == {
        "gradle.lockfile": "",
        "web/package-lock.json": "",
        "web/package-lock.json#lodash": "4.17.15",
        "gradle.lockfile#org.apache.logging.log4j/log4j-core": "2.14.1",
    }


def test_what_is_not_vulnerable_is_read_and_found_clean(tmp_path: Path, data: Path) -> None:
    reading = scan(
        tmp_path, {"package-lock.json": lock("4.17.19", other="1.0.0")}, Options(kept_advisories=KeptFolder(data))
    )
    assert reading.findings == ()
    assert reading.skipped == {}
    assert set(reading.scanned or ()) == {"package-lock.json", "package-lock.json#lodash", "package-lock.json#other"}


def test_a_lock_file_of_an_ecosystem_without_advisories_is_skipped_by_name(tmp_path: Path, data: Path) -> None:
    files = {"package-lock.json": lock(), "go.mod": "module a\ngo 1.21\nrequire example.org/b v1.0.0\n"}
    reading = scan(tmp_path, files, Options(advisories=data))
    told = "1 Go package: there are no advisories for Go: give some by --advisories or fixby update"
    assert reading.skipped == {"go.mod": told}
    assert len(reading.findings) == 1


def test_without_any_advisories_every_lock_file_is_skipped(tmp_path: Path) -> None:
    reading = scan(tmp_path, {"package-lock.json": lock()}, Options())
    assert set(reading.skipped) == {"package-lock.json"}
    assert reading.scanned == {}


def test_a_damaged_lock_file_and_a_strange_version_are_told_by_name(tmp_path: Path, data: Path) -> None:
    files = {"package-lock.json": lock("main"), "yarn.lock": "# yarn lockfile v1\nlodash:\n"}
    reading = scan(tmp_path, files, Options(advisories=data))
    assert reading.skipped == {
        "yarn.lock": "cannot be read: line 2: expected a version of the package",
        "package-lock.json#lodash": (
            "GHSA-p6mc-m468-83gw cannot be judged for lodash main: 'main' is no semantic version"
        ),
    }


def test_damaged_advisories_are_problems_and_damaged_zips_leave_their_ecosystem_unread(
    tmp_path: Path, data: Path
) -> None:
    zipped(data / "npm" / "all.zip", LODASH, {"id": "BROKEN"})
    (data / "Maven" / "all.zip").write_bytes(b"PK no zip")
    reading = scan(tmp_path, {"package-lock.json": lock(), "gradle.lockfile": GRADLE}, Options(advisories=data))
    assert len(reading.findings) == 1
    assert "no folder and no zip" in reading.skipped["gradle.lockfile"]
    assert reading.problems == ("advisory BROKEN.json cannot be read: expected a string at `modified`, found nothing",)


def test_a_link_in_place_of_a_lock_file_is_not_followed(tmp_path: Path, data: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text(lock())
    (repository(tmp_path / "target", {}) / "package-lock.json").symlink_to(outside)
    report = tmp_path / "workspace"
    report.mkdir()
    request = Request(Target(tmp_path / "target", {}), ("package-lock.json",), report, Options(advisories=data), 1)
    with osv.commands(request) as (command,):
        reading = osv.conclude(run(command, LIMITS), SOURCE)
    assert reading.findings == ()
    assert set(reading.skipped) == {"package-lock.json"}


def test_a_bill_of_materials_is_matched_by_source_package_and_release(tmp_path: Path, data: Path) -> None:
    fixed = {"package": {"ecosystem": "Debian:12", "name": "openssl"}}
    events = [{"introduced": "0"}, {"fixed": "3.0.11-1~deb12u2"}]
    record = {
        "id": "DSA-5532-1",
        "modified": "2024-01-01T00:00:00Z",
        "affected": [{**fixed, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
    }
    zipped(data / "Debian" / "all.zip", record)
    start = "pkg:deb/debian/libssl3@"
    purls = [f"{start}3.0.9-1?upstream=openssl&distro=debian-12", f"{start}3.0.1-1?upstream=openssl"]
    parts = [{"type": "library", "name": "libssl3", "purl": purl} for purl in purls]
    bill = json.dumps({"bomFormat": "CycloneDX", "components": parts})
    reading = scan(tmp_path, {"image.cdx.json": bill}, Options(advisories=data))
    (finding,) = reading.findings
    assert finding.category is Category.CONTAINER
    assert finding.component is not None
    assert finding.component.purl == "pkg:deb/debian/libssl3@3.0.9-1"
    assert finding.fix == "Upgrade debian/libssl3 to 3.0.11-1~deb12u2 or later"
    assert reading.skipped == {
        "image.cdx.json#debian/libssl3": "it is not said of which release of its distribution it is"
    }


def test_nothing_to_read_is_nothing_to_run(tmp_path: Path) -> None:
    with osv.commands(Request(Target(tmp_path, {}), (), tmp_path, Options(), 1)) as commands:
        assert list(commands) == []


def test_the_configuration_changes_with_the_advisories(data: Path) -> None:
    before = osv.configuration(Options(advisories=data))
    assert before == osv.configuration(Options(kept_advisories=KeptFolder(data)))
    zipped(data / "Go" / "all.zip", LODASH)
    assert len({before, osv.configuration(Options(advisories=data)), osv.configuration(Options())}) == 3
    with pytest.raises(UsageError, match="there are no advisories at"):
        osv.configuration(Options(advisories=data / "missing"))


def test_a_process_that_ended_without_a_report_is_an_error(tmp_path: Path, data: Path) -> None:
    request = Request(Target(tmp_path, {}), ("package-lock.json",), tmp_path, Options(advisories=data), 1)
    with osv.commands(request) as (command,):
        finished = run(command, LIMITS)
    for broken in (b"", b"{}"):
        with pytest.raises(ReportError):
            osv.read(broken, SOURCE)
    assert osv.recognises(json.loads(finished.report))
    assert not osv.recognises({"results": []})


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", {"package-lock.json": lock()})


def test_a_scan_stores_it_closes_it_when_it_is_mended_and_is_partial_without_advisories(repo: Path, data: Path) -> None:
    arguments = ("scan", ".", "--scanner", "osv", "--json")
    ended = fixby(*arguments, "--advisories", data, cwd=repo)
    assert ended.code == 0
    (one,) = ended.document["scans"]
    assert (one["outcome"], one["new"]) == ("complete", 1)
    ended = fixby(*arguments, cwd=repo)
    (one,) = ended.document["scans"]
    assert (ended.code, one["outcome"], one["fixed"]) == (3, "partial", 0)
    (repo / "package-lock.json").write_text(lock("4.17.21"))
    (one,) = fixby(*arguments, "--advisories", data, cwd=repo).document["scans"]
    assert (one["outcome"], one["fixed"]) == ("complete", 1)


def test_an_upgrade_is_one_whatever_became_known_of_other_packages_meanwhile(repo: Path, data: Path) -> None:
    arguments = ("scan", ".", "--scanner", "osv", "--json", "--advisories", data)
    fixby(*arguments, cwd=repo)
    other = {**LODASH, "id": "GHSA-2222-2222-2222", "aliases": [], "affected": [AFFECTED_OTHERWISE]}
    zipped(data / "npm" / "all.zip", LODASH, other)
    (repo / "package-lock.json").write_text(lock("4.17.21"))
    (one,) = fixby(*arguments, cwd=repo).document["scans"]
    assert (one["fixed"], one["not_observed"]) == (1, 0)


AFFECTED_OTHERWISE = {
    "package": {"ecosystem": "npm", "name": "other"},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.0"}]}],
}


def test_by_default_it_is_complete_where_there_is_nothing_for_it(tmp_path: Path) -> None:
    repo = repository(tmp_path / "shop", {"README.txt": "nothing"})
    (one,) = fixby("scan", ".", "--scanner", "osv", "--json", cwd=repo).document["scans"]
    assert one["outcome"] == "complete"
