"""`fixby sla`, `--as-of`, and the policy in force, as people and scripts meet them."""

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from fixby.policies.policy import shipped
from tests.command import SHELL, advisories, called, repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository that was scanned: code that is weak, and a vulnerable package."""
    repo = repository(tmp_path / "repo", {"app.py": SHELL, "requirements.txt": "jinja2==2.7.1\n"})
    advisories(tmp_path / "advisories")
    scan(repo)
    return repo


def scan(repo: Path) -> None:
    assert called("scan", "--only", "sast,sca", "--advisories", "../advisories", cwd=repo).code == 0


def an_id(repo: Path, query: str) -> str:
    return str(called("list", query, "--json", cwd=repo).document["findings"][0]["id"])


def test_a_report_tells_the_same_in_every_format(repo: Path) -> None:
    document = called("sla", "report", "--json", cwd=repo).document
    rows = list(csv.DictReader(io.StringIO(called("sla", "report", "--format", "csv", cwd=repo).out)))
    opened = document["total"]["opened"]
    assert opened > 2
    assert rows[-1]["opened"] == str(opened)
    for form in ("terminal", "markdown", "html"):
        said = called("sla", "report", "--format", form, cwd=repo)
        assert (said.code, str(opened) in said.out) == (0, True)


def test_a_report_is_written_to_a_file_that_was_asked_for(repo: Path) -> None:
    ended = called("sla", "report", "--format", "html", "--output", "report.html", cwd=repo)
    assert (ended.code, ended.out, ended.err) == (0, "", "fixby: wrote report.html\n")
    assert (repo / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert called("sla", "report", "-o", "no/where.html", cwd=repo).code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sla", "report", "--format", "pdf"), "there is no format 'pdf'"),
        (("sla", "report", "--format", "pdf"), "Known are: terminal, json, csv, markdown, html"),
        (("sla", "report", "--by", "colour"), "cannot be grouped by 'colour'"),
        (("sla", "report", "--as-of", "2999-01-01"), "lies in the future"),
        (("sla", "report", "--as-of", "soon"), "'soon' is no date"),
        (("sla", "report", "--since", "2999-01-01"), "after the end of the period"),
        (("sla", "report", "bogus:1"), "There is no qualifier 'bogus'"),
        (("list", "--as-of", "2999-01-01"), "lies in the future"),
        (("gate", "--as-of", "2999-01-01"), "lies in the future"),
        (("sla", "explain", "zz"), "No finding has an id"),
        (("accept", "zz", "--reason", "x", "--until", "30d"), "No finding has an id"),
    ],
)
def test_a_wrong_wish_is_2_and_says_what_is_wrong(repo: Path, arguments: tuple[str, ...], said: str) -> None:
    ended = called(*arguments, cwd=repo)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_before_the_first_scan_there_was_nothing(repo: Path) -> None:
    assert called("list", "--as-of", "2020-01-01", "--json", cwd=repo).document["findings"] == []
    assert called("sla", "report", "--as-of", "2020-01-01", "--json", cwd=repo).document["total"]["opened"] == 0
    assert called("gate", "--as-of", "2020-01-01", cwd=repo).code == 3


def test_a_due_date_is_explained_by_the_line_of_the_policy(repo: Path) -> None:
    id_ = an_id(repo, "rule:B602")
    said = called("sla", "explain", id_[:12], cwd=repo).out
    assert "Due " in said
    assert "sla.windows.high of the policy 'default'" in said
    windows = called("sla", "explain", id_, "--json", cwd=repo).document["windows"]
    assert [one["severity"] for one in windows if one["decides"]] == ["high"]
    assert [one["seconds"] for one in windows if one["decides"]] == [7 * 86_400]


def test_a_changed_policy_comes_into_force_with_the_next_scan_and_is_announced_until_then(repo: Path) -> None:
    id_ = an_id(repo, "rule:B602")
    before = called("show", id_, "--json", cwd=repo).document["finding"]["due_at"]
    stricter = shipped().toml.replace('high = "7d"', 'high = "2d"').replace('"default"', '"stricter"')
    repository(repo, {"fixby.toml": 'policy = "policy.toml"\n', "policy.toml": stricter})
    announced = called("show", id_, "--json", cwd=repo)
    assert "policy.toml differs and comes into force with the next scan" in announced.err
    assert announced.document["finding"]["due_at"] == before
    scan(repo)
    after = called("show", id_, "--json", cwd=repo)
    assert (after.err, after.document["finding"]["due_at"] < before) == ("", True)
    assert "policy 'stricter'" in called("sla", "explain", id_, cwd=repo).out


def test_a_risk_is_accepted_by_two_people_and_taken_back(repo: Path) -> None:
    id_ = an_id(repo, "rule:B602")
    asked = called("accept", id_, "--reason", "internal", "--until", "30d", cwd=repo, FIXBY_ACTOR="ada")
    assert "waits for approval" in asked.out
    assert called("approve", id_, cwd=repo, FIXBY_ACTOR="ada").code == 2
    assert called("approve", id_, cwd=repo, FIXBY_ACTOR="bob").out == f"{id_[:10]}: accepted\n"
    assert an_id(repo, "is:accepted") == id_
    assert "Paused by an acceptance" in called("sla", "explain", id_, cwd=repo).out
    assert called("revoke", id_, "--reason", "no", cwd=repo, FIXBY_ACTOR="ada").code == 0
    assert called("list", "is:accepted", "--json", cwd=repo).document["findings"] == []
    assert called("db", "verify", cwd=repo).code == 0


def windows(repo: Path, id_: str) -> list[dict[str, object]]:
    return list(called("sla", "explain", id_, "--json", cwd=repo).document["windows"])


def exploited(folder: Path, *cves: str) -> Path:
    """A catalogue of known exploited vulnerabilities."""
    rows = [{"cveID": cve, "dateAdded": "2026-01-02", "knownRansomwareCampaignUse": "Unknown"} for cve in cves]
    top = {"catalogVersion": "2026.01.03", "dateReleased": "2026-01-03T10:00:00.000Z", "count": len(rows)}
    return repository(folder, {"known_exploited_vulnerabilities.json": json.dumps(top | {"vulnerabilities": rows})})


def test_what_is_known_to_be_exploited_is_due_sooner_now_and_after_later_scans(tmp_path: Path, repo: Path) -> None:
    for file in (tmp_path / "advisories").iterdir():
        file.write_text(
            json.dumps(json.loads(file.read_text()) | {"aliases": [f"CVE-2026-{file.stem[-3:].strip('-')}0"]})
        )
    sooner = '\n[[overrides]]\nname = "exploited"\nwhen = { exploited = true }\nwindows = { high = "1d" }\n'
    repository(repo, {"fixby.toml": 'policy = "policy.toml"\n', "policy.toml": shipped().toml + sooner})
    scan(repo)
    told = called("update", "--from", exploited(tmp_path / "kev", "CVE-2026-2170"), cwd=repo)
    assert "1 known exploited vulnerabilities, as of 2026-01-03" in told.out
    assert "1 open findings changed" in told.out
    [chosen] = called("list", "is:exploited", "--json", cwd=repo).document["findings"]
    assert (chosen["rule_id"], chosen["severity"]) == ("PYSEC-2019-217", "unknown")
    assert [one["decides"] for one in windows(repo, chosen["id"]) if one["seconds"] == 86_400] == [True]
    exploited(repo / ".fixby" / "exploitation", "CVE-1999-0001")
    scan(repo)
    assert called("list", "is:exploited", "--json", cwd=repo).document["findings"] == []


def test_a_catalogue_that_git_tracks_is_not_believed(tmp_path: Path, repo: Path) -> None:
    exploited(repo / ".fixby" / "exploitation", "CVE-2014-1402")
    (repo / ".fixby" / ".gitignore").unlink()
    for command in (["init", "-q"], ["add", "-f", ".fixby/exploitation"]):
        subprocess.run(["git", *command], cwd=repo, check=True)
    ended = called("scan", "--only", "sca", "--advisories", tmp_path / "advisories", cwd=repo)
    assert ended.code == 3
    assert "is tracked by git" in ended.err
