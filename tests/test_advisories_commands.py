"""Advisories that are taken from files, kept beside the store, used by scans, and shown."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.command import called, git, repository, zipped

TODAY = f"{datetime.now(UTC):%Y-%m-%d}"

RECORD: Mapping[str, object] = {
    "id": "GHSA-p6mc-m468-83gw",
    "modified": f"{TODAY}T00:00:00Z",
    "aliases": ["CVE-2020-8203"],
    "summary": "Prototype Pollution in lodash",
    "details": "Versions before 4.17.19\x1b[31m can be polluted.",
    "database_specific": {"severity": "HIGH"},
    "references": [{"type": "WEB", "url": "https://example.org/lodash"}],
    "affected": [
        {
            "package": {"ecosystem": "npm", "name": "lodash"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "3.7.0"}, {"fixed": "4.17.19"}]}],
        }
    ],
}
WITHDRAWN = {**RECORD, "id": "GHSA-2222-2222-2222", "withdrawn": "2024-05-01T00:00:00Z", "affected": []}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    packages = {"node_modules/lodash": {"version": "4.17.15"}}
    return repository(
        tmp_path / "shop", {"package-lock.json": json.dumps({"lockfileVersion": 3, "packages": packages}, indent=2)}
    )


def scanned(repo: Path) -> tuple[int, str, int]:
    ended = called("scan", ".", "--scanner", "osv", "--json", cwd=repo)
    (one,) = ended.document["scans"]
    return ended.code, one["outcome"], len(one["findings"])


def test_zips_of_a_folder_are_kept_by_ecosystem_and_used_by_the_next_scan(repo: Path) -> None:
    zipped(repo.parent / "osv" / "npm-all.zip", RECORD)
    assert scanned(repo) == (3, "partial", 0)
    ended = called("update", "--from", "../osv", cwd=repo)
    assert ended.code == 0
    assert f"1 advisories for npm, as of {TODAY}" in ended.out
    assert (repo / ".fixby" / "advisories" / "npm" / "all.zip").is_file()
    assert scanned(repo) == (0, "complete", 1)


def test_one_zip_is_taken_too_and_what_is_not_taken_stays(repo: Path) -> None:
    called("update", "--from", zipped(repo.parent / "Go-all.zip", {**RECORD, "affected": _go()}), cwd=repo)
    ended = called("update", "--from", zipped(repo.parent / "npm" / "all.zip", RECORD), "--json", cwd=repo)
    assert ended.document["advisories"] == [{"ecosystem": "npm", "count": 1, "date": TODAY, "asked_at": None}]
    assert sorted(file.name for file in (repo / ".fixby" / "advisories").iterdir()) == ["Go", "npm"]


def _go() -> list[object]:
    return [{"package": {"ecosystem": "Go", "name": "example.org/a"}}]


@pytest.mark.parametrize("records", [(), ({**RECORD, "affected": _go()},), (RECORD, {"id": "BROKEN"})])
def test_a_zip_that_is_damaged_or_of_something_else_replaces_nothing(
    repo: Path, records: tuple[Mapping[str, object], ...]
) -> None:
    called("update", "--from", zipped(repo.parent / "good" / "npm-all.zip", RECORD), cwd=repo)
    kept = repo / ".fixby" / "advisories" / "npm" / "all.zip"
    before = kept.read_bytes()
    ended = called("update", "--from", zipped(repo.parent / "bad" / "npm-all.zip", *records), cwd=repo)
    assert ended.code == 3
    assert "What was kept before is kept." in ended.err
    assert kept.read_bytes() == before


def test_git_is_told_to_ignore_what_is_kept_though_nothing_was_scanned_yet(repo: Path) -> None:
    git(repo, "init")
    assert called("update", "--from", zipped(repo.parent / "npm-all.zip", RECORD), cwd=repo).code == 0
    git(repo, "add", "--all")
    assert scanned(repo) == (0, "complete", 1)


def test_advisories_that_the_repository_brings_are_refused(repo: Path) -> None:
    zipped(repo / ".fixby" / "advisories" / "npm" / "all.zip", {**RECORD, "affected": []})
    git(repo, "init")
    git(repo, "add", "--force", ".fixby/advisories")
    ended = called("scan", ".", "--scanner", "osv", cwd=repo)
    assert ended.code == 3
    assert "is tracked by git" in ended.err


@pytest.mark.parametrize("name", ["GHSA-p6mc-m468-83gw", "cve-2020-8203"])
def test_an_advisory_is_shown_by_any_of_its_names(repo: Path, name: str) -> None:
    zipped(repo.parent / "osv" / "npm" / "all.zip", RECORD)
    shown = called("advisories", "show", name, "--advisories", "../osv", cwd=repo)
    assert shown.code == 0
    assert shown.out.splitlines()[:6] == [
        "GHSA-p6mc-m468-83gw  Prototype Pollution in lodash",
        "aliases    CVE-2020-8203",
        "severity   high",
        f"modified   {TODAY}T00:00:00Z",
        "affects    lodash (npm): fixed in 4.17.19",
        "see        https://example.org/lodash",
    ]
    assert "\x1b" not in shown.out


def test_withdrawn_advisories_are_shown_as_such(repo: Path) -> None:
    called("update", "--from", zipped(repo.parent / "npm-all.zip", RECORD, WITHDRAWN), cwd=repo)
    document = called("advisories", "show", "CVE-2020-8203", "--json", cwd=repo).document
    assert [(one["id"], one["withdrawn"]) for one in document["advisories"]] == [
        ("GHSA-2222-2222-2222", "2024-05-01T00:00:00Z"),
        ("GHSA-p6mc-m468-83gw", None),
    ]


def test_what_is_not_at_hand_is_wrong_usage(repo: Path) -> None:
    missing = called("advisories", "show", "CVE-2020-8203", cwd=repo)
    assert (missing.code, "There are no advisories at hand." in missing.err) == (2, True)
    zipped(repo.parent / "npm-all.zip", RECORD)
    unknown = called("advisories", "show", "CVE-1", "--advisories", "../npm-all.zip", cwd=repo)
    assert (unknown.code, "There is no advisory 'CVE-1' in" in unknown.err) == (2, True)
