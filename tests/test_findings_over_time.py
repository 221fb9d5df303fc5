"""What becomes of findings from scan to scan, seen through the command."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.command import SAFE, SHELL, advisories, called, fixby, repository

HIGH = "severity:high"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo", {"app.py": SHELL, "safe.py": SAFE})


def scanned(repo: Path, *arguments: object) -> dict[str, Any]:
    """What a scan by Bandit says and changes."""
    ended = called("scan", ".", "--scanner", "bandit", "--json", *arguments, cwd=repo)
    [scan] = ended.document["scans"]
    return dict(scan, code=ended.code)


def changed(scan: dict[str, Any]) -> dict[str, int]:
    return {kind: scan[kind] for kind in ("new", "fixed", "reopened", "not_observed") if scan[kind]}


def listed(repo: Path, *query: str) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = called("list", *query, "--json", cwd=repo).document["findings"]
    return findings


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_first_scan_shows_findings_that_are_due_by_their_severity(repo: Path) -> None:
    shown = fixby("scan", ".", "--scanner", "bandit", cwd=repo)
    assert shown.code == 0
    assert "2 new, 0 fixed, 0 reopened, 0 not observed" in shown.out
    high, low = _id(repo, HIGH), _id(repo, "severity:low")
    assert re.search(rf"in [67] d +high +{high} +bandit +B602 +app.py:5 +Subprocess popen with shell", shown.out)
    assert re.search(rf"in (89|90) d +low +{low} +bandit +B404 +app.py:1 +Import subprocess\n", shown.out)
    windows = [instant(one["due_at"]) - instant(one["first_seen"]) for one in listed(repo)]
    assert windows == [timedelta(days=7), timedelta(days=90)]


def _id(repo: Path, query: str) -> str:
    [finding] = listed(repo, query)
    return str(finding["id"])[:10]


def test_a_second_scan_changes_nothing(repo: Path) -> None:
    assert changed(scanned(repo)) == {"new": 2}
    before = listed(repo)
    assert changed(scanned(repo)) == {}
    after = listed(repo)
    assert [_without(one, "last_seen", "sightings") for one in after] == [
        _without(one, "last_seen", "sightings") for one in before
    ]
    [event] = fixby("show", before[0]["id"], "--json", cwd=repo).document["history"]
    assert (event["event"], event["actor"], event["reason"]) == ("finding.detected", "fixby", None)


def test_forty_lines_above_move_the_line_that_is_shown_and_nothing_else(repo: Path) -> None:
    scanned(repo)
    [before] = listed(repo, HIGH)
    (repo / "app.py").write_text("# a comment\n" * 40 + SHELL)
    assert changed(scanned(repo)) == {}
    [after] = listed(repo, HIGH)
    assert [place["line"] for one in (before, after) for place in one["locations"]] == [5, 45]
    moved = ("locations", "last_seen", "sightings")
    assert _without(after, *moved) == _without(before, *moved)


def _without(finding: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in finding.items() if key not in keys}


def test_a_finding_whose_line_is_deleted_is_fixed_and_one_that_comes_back_resumes_its_clock(repo: Path) -> None:
    scanned(repo)
    [before] = listed(repo, HIGH)
    (repo / "app.py").write_text(SHELL.replace('return subprocess.call("ls " + folder, shell=True)', "return None"))
    assert changed(scanned(repo)) == {"fixed": 1}
    assert listed(repo, HIGH, "is:open") == []
    [fixed] = listed(repo, HIGH, "is:fixed")
    assert (fixed["id"], fixed["state"], fixed["sla_status"]) == (before["id"], "fixed", "met")

    (repo / "app.py").write_text(SHELL)
    assert changed(scanned(repo)) == {"reopened": 1}
    [again] = listed(repo, HIGH)
    assert (again["id"], again["state"], again["first_seen"]) == (before["id"], "open", before["first_seen"])
    while_fixed = instant(again["due_at"]) - instant(before["due_at"])
    assert timedelta() <= while_fixed <= timedelta(minutes=5)
    events = called("show", again["id"], "--json", cwd=repo).document["history"]
    assert [event["event"] for event in events] == ["finding.detected", "finding.fixed", "finding.reopened"]
    page = called("show", again["id"], cwd=repo).out
    assert all(words in page for words in ("detected", "fixed", "back again"))


def test_a_file_that_does_not_parse_any_more_closes_nothing(repo: Path) -> None:
    scanned(repo)
    (repo / "app.py").write_text("def broken(:\n")
    scan = scanned(repo)
    assert (scan["code"], scan["outcome"], changed(scan)) == (3, "partial", {"not_observed": 2})
    assert [skipped["path"] for skipped in scan["coverage"]["skipped"]] == ["app.py"]
    assert [one["state"] for one in listed(repo)] == ["open", "open"]
    assert all(one["not_observed"] for one in listed(repo, "is:not_observed"))
    gate = fixby("gate", "--json", cwd=repo)
    assert (gate.code, gate.document["verdict"]) == (3, "unknown")


def test_a_deleted_file_takes_its_findings_along(repo: Path) -> None:
    scanned(repo)
    (repo / "app.py").unlink()
    assert changed(scanned(repo)) == {"fixed": 2}


def test_a_comment_that_silences_a_finding_hides_it_from_nobody(repo: Path) -> None:
    (repo / "app.py").write_text(SHELL.replace("shell=True)", "shell=True)  # nosec: we trust it"))
    scan = scanned(repo)
    assert (scan["suppressed"], len(scan["findings"])) == (1, 2)
    [finding] = listed(repo, HIGH)
    assert finding["suppressed"] == {"by": "nosec", "reason": "we trust it"}


def test_a_scan_of_one_folder_speaks_for_that_folder(repo: Path) -> None:
    repository(repo, {"part/other.py": SHELL, "fixby.toml": ""})
    assert changed(scanned(repo)) == {"new": 4}
    (repo / "app.py").write_text(SAFE)
    (repo / "part" / "other.py").write_text(SAFE)
    scan = called("scan", "part", "--scanner", "bandit", "--json", cwd=repo).document["scans"][0]
    assert (scan["target"], changed(scan)) == ("part", {"fixed": 2})
    assert {one["locations"][0]["path"] for one in listed(repo)} == {"app.py"}
    assert changed(scanned(repo)) == {"fixed": 2}


def test_a_scan_of_one_file_speaks_for_that_file(repo: Path) -> None:
    repository(repo, {"other.py": SHELL, "part/third.py": SHELL, "fixby.toml": ""})
    assert changed(scanned(repo)) == {"new": 6}
    for file in ("other.py", "part/third.py"):
        (repo / file).write_text(SAFE)
        scan = called("scan", file, "--scanner", "bandit", "--json", cwd=repo).document["scans"][0]
        assert (scan["target"], changed(scan)) == (file, {"fixed": 2})
    assert {one["locations"][0]["path"] for one in listed(repo)} == {"app.py"}


def test_a_package_that_is_raised_to_a_version_without_the_weakness_is_fixed(repo: Path, tmp_path: Path) -> None:
    known = advisories(tmp_path / "advisories")
    arguments = ("scan", ".", "--scanner", "pip-audit", "--advisories", known, "--json")
    repository(repo, {"requirements.txt": "jinja2==2.7.1\n"})
    [scan] = called(*arguments, cwd=repo).document["scans"]
    assert changed(scan) == {"new": 2}
    [critical] = listed(repo, "severity:critical")
    assert (critical["severity_source"], critical["component"]["purl"]) == ("cvss", "pkg:pypi/jinja2@2.7.1")

    repository(repo, {"requirements.txt": "jinja2==2.10\n"})
    [scan] = called(*arguments, cwd=repo).document["scans"]
    assert changed(scan) == {"fixed": 1}
    [left] = listed(repo)
    assert (left["rule_id"], left["component"]["version"]) == ("PYSEC-2019-217", "2.10")


def test_one_finding_has_one_id_and_one_severity_wherever_it_is_shown(repo: Path, tmp_path: Path) -> None:
    repository(repo, {"requirements.txt": "jinja2==2.7.1\n"})
    known = advisories(tmp_path / "advisories")
    scan = fixby("scan", ".", "--only", "sast,sca", "--advisories", known, "--json", cwd=repo).document
    reported = {one["id"]: one for each in scan["scans"] for one in each["findings"]}
    stored = {one["id"]: one for one in listed(repo)}
    table = {cells[2]: cells[1] for line in _rows(fixby("list", cwd=repo).out) if (cells := line)}
    assert len(reported) == 5
    assert reported.keys() == stored.keys()
    for id_, one in reported.items():
        shown = called("show", id_, "--json", cwd=repo).document["finding"]
        assert shown == stored[id_]
        assert shown.items() >= one.items()
        assert table[id_[:10]] == one["severity"]
        assert f"severity    {one['severity']}, " in called("show", id_[:6], cwd=repo).out
    gate = fixby("gate", "--json", cwd=repo).document
    by_severity = {rule["name"]: rule["findings"] for rule in gate["rules"]}
    assert by_severity["no open critical finding"] == [
        id_ for id_, one in reported.items() if one["severity"] == "critical"
    ]


def _rows(table: str) -> list[list[str]]:
    """The cells of a table of findings, `in 6 d` taken as one."""
    return [[line[:8].strip(), *line[8:].split()] for line in table.splitlines() if line.startswith("in ")]


def test_without_a_store_nothing_is_left_behind(repo: Path) -> None:
    before = sorted(repo.rglob("*"))
    ended = fixby("scan", ".", "--scanner", "bandit", "--no-store", "--json", cwd=repo)
    assert ended.code == 0
    [scan] = ended.document["scans"]
    assert (len(scan["findings"]), scan["new"], ended.document["gate"]) == (2, None, None)
    assert sorted(repo.rglob("*")) == before
