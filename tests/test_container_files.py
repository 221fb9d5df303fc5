"""Which files Trivy and Grype are handed, and what the target's own ignore files and comments do to what they find."""

import json
from pathlib import Path

import pytest

from fixby.scanners.containers import age_problem
from fixby.scanners.copies import copied
from fixby.scanners.target_ignores import COMMENTS
from tests.command import called, repository
from tests.container_tools import TRIVY_REPORT
from tests.test_container_tools import DAY, FILES, grype, scan, scanned, trivy


def test_what_the_target_ignores_is_found_and_marked_as_suppressed(tmp_path: Path) -> None:
    ignores = "# polluted on purpose\nCVE-2020-8203\naws-access-key-id exp:2001-01-01\n"
    docker = "FROM scratch\n# trivy:ignore:AVD-DS-0002\nCOPY . .\n"
    report = json.loads(json.dumps(TRIVY_REPORT))
    report["Results"][1]["Misconfigurations"][0]["CauseMetadata"] = {"StartLine": 3, "EndLine": 3}
    tool = trivy(tmp_path, report=json.dumps(report))
    found = scanned(scan(tmp_path, tool, "trivy", files={**FILES, ".trivyignore": ignores, "Dockerfile": docker}))
    assert tool.call["files"]["Dockerfile"] == "FROM scratch\n# trivy_ignore:AVD-DS-0002\nCOPY . .\n"
    suppressed = {one["rule_id"]: one["suppressed"] for one in found["findings"]}
    assert suppressed["CVE-2020-8203"] == {"by": ".trivyignore", "reason": "polluted on purpose"}
    assert suppressed["DS002"]["by"] == "trivy:ignore"
    assert (suppressed["aws-access-key-id"], found["suppressed"]) == (None, 2)


def test_what_the_targets_rules_for_grype_ignore_is_marked_as_suppressed(tmp_path: Path) -> None:
    rules = "ignore:\n  - vulnerability: CVE-2020-8203\n    package:\n      name: lodash\n    reason: not reachable\n"
    found = scanned(scan(tmp_path, grype(tmp_path), "grype", files={**FILES, ".grype.yaml": rules}))
    suppressed = {one["rule_id"]: one["suppressed"] for one in found["findings"]}
    assert suppressed["GHSA-p6mc-m468-83gw"] == {"by": ".grype.yaml", "reason": "not reachable"}


def test_a_folder_that_became_a_link_after_it_was_listed_is_not_followed(tmp_path: Path) -> None:
    outside = repository(tmp_path / "outside", {"secret.txt": "not ours\n"})
    root = repository(tmp_path / "root", {"a/secret.txt": "ours\n", "b/c.txt": "ours\n"})
    (root / "a").rename(root / "moved")
    (root / "a").symlink_to(outside)
    (root / "b" / "c.txt").unlink()
    (root / "b" / "c.txt").symlink_to(outside / "secret.txt")
    unread = copied(root, ("a/secret.txt", "b/c.txt", "gone.txt", "moved/secret.txt"), tmp_path / "copy", COMMENTS)
    assert set(unread) == {"a/secret.txt", "b/c.txt", "gone.txt"}
    assert unread["a/secret.txt"] == "cannot be read: a folder above it became a link"
    assert (tmp_path / "copy" / "moved" / "secret.txt").read_text() == "ours\n"
    assert not any("not ours" in file.read_text() for file in (tmp_path / "copy").rglob("*.txt"))


def test_files_in_dev_proc_and_sys_are_handed_over_where_trivy_does_not_pass_over_them(tmp_path: Path) -> None:
    """At the top of what it walks Trivy passes over folders of these names without a word."""
    tool = trivy(tmp_path, report=json.dumps({**TRIVY_REPORT, "Results": []}))
    scan(tmp_path, tool, "trivy", files={"dev/main.tf": "# nothing\n", "proc/a.txt": "x"})
    assert set(tool.call["files"]) == {"dev/main.tf", "proc/a.txt"}
    assert tool.call["top"] == ["files"]


def test_a_bill_of_materials_that_the_tools_pass_over_is_nothing_that_they_missed(tmp_path: Path) -> None:
    component = {"type": "library", "name": "lodash", "version": "4.17.15", "purl": "pkg:npm/lodash@4.17.15"}
    bom = json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [component]})
    tool = trivy(tmp_path, report=json.dumps({**TRIVY_REPORT, "Results": []}))
    found = scanned(scan(tmp_path, tool, "trivy", files={"bom.json": bom}))
    assert (found["outcome"], found["coverage"]["skipped"]) == ("complete", [])


def test_a_part_of_a_repository_is_scanned_under_its_own_paths(tmp_path: Path) -> None:
    files = {f"web/{name}": content for name, content in FILES.items()}
    shop = repository(tmp_path / "shop", {**files, "fixby.toml": "# nothing\n", "web/.trivyignore": "CVE-2020-8203\n"})
    for tool, name in ((trivy(tmp_path), "trivy"), (grype(tmp_path), "grype")):
        ended = called("scan", "web", "--scanner", name, "--no-store", "--json", cwd=shop, **tool.environment)
        found = scanned(ended)
        assert (found["outcome"], bool(found["findings"])) == ("complete", True)
        assert all(one["locations"][0]["path"].startswith("web/") for one in found["findings"])
        assert found["suppressed"] == 1


@pytest.mark.parametrize(
    ("comment", "is_marked"),
    [
        ("# trivy:ignore:AVD-DS-0002", True),
        ("# trivy:ignore:DS002 trivy:ignore:DS001", True),
        ("# TFSEC:IGNORE:ds-0002", True),
        ("# trivy:ignore:*", True),
        ("# trivy:ignore:DS002:exp:2999-01-01", True),
        ("# trivy:ignore:DS002:exp:2001-01-01", False),
        ("# trivy:ignore:DS003", False),
        ("# trivy:ignore:DS002\nRUN x", False),
    ],
)
def test_a_comment_marks_what_trivy_would_have_left_out(tmp_path: Path, comment: str, *, is_marked: bool) -> None:
    docker = f"FROM scratch\n{comment}\nCOPY . .\n"
    line = docker.count("\n")
    told = json.loads(json.dumps(TRIVY_REPORT))
    told["Results"][1]["Misconfigurations"][0]["CauseMetadata"] = {"StartLine": line, "EndLine": line}
    tool = trivy(tmp_path, report=json.dumps(told))
    found = scanned(scan(tmp_path, tool, "trivy", files={**FILES, "Dockerfile": docker}))
    [one] = [one for one in found["findings"] if one["rule_id"] == "DS002"]
    assert (one["suppressed"] is not None) == is_marked
    assert ":ignore" not in tool.call["files"]["Dockerfile"].lower()


@pytest.mark.parametrize(
    ("entry", "is_marked"),
    [
        ("vulnerabilities:\n  - id: CVE-2020-8203\n    statement: not reachable\n", True),
        ("vulnerabilities:\n  - id: CVE-2020-8203\n    paths: ['other/**']\n", False),
        ("vulnerabilities:\n  - id: CVE-2020-8203\n    paths: ['*.json']\n", True),
        ("vulnerabilities:\n  - id: CVE-2020-8203\n    purls: ['pkg:npm/lodash']\n", True),
        ("vulnerabilities:\n  - id: CVE-2020-8203\n    purls: ['pkg:npm/other']\n", False),
        ("vulnerabilities:\n  - id: CVE-2020-8203\n    expired_at: 2001-01-01\n", False),
        ("vulnerabilities:\n  - id: CVE-2020-8203\n    expired_at: 2099-02-28T12:00:00Z\n", True),
        ("vulnerabilities:\n  - id: CVE-2020-8203\n    expired_at: 2099-02-30\n", False),
        ("vulnerabilities:\n  - id: CVE-2020-8203\n    expired_at: never\n", False),
        ("vulnerabilities:\n  - id: CVE-2020-8203\n    purls: 5\n", False),
        ("vulnerabilities:\n  - id: !!int CVE-2020-8203\n", True),
        ("vulnerabilities: [", False),
    ],
)
def test_an_entry_of_an_ignore_file_marks_what_it_speaks_of(tmp_path: Path, entry: str, *, is_marked: bool) -> None:
    found = scanned(scan(tmp_path, trivy(tmp_path), "trivy", files={**FILES, ".trivyignore.yaml": entry}))
    [one] = [one for one in found["findings"] if one["rule_id"] == "CVE-2020-8203"]
    assert (one["suppressed"] is not None) == is_marked


def test_the_database_date_of_a_tool_may_have_any_zone_of_time() -> None:
    def said(built: str) -> list[str]:
        return list(age_problem("Trivy", built, 1_000_000, DAY, "update it"))

    assert said("1970-01-12T00:00:00+02:00") == said("1970-01-12T13:46:40Z") == said("1970-01-12T00:00:00") == []
    assert len(said("1970-01-09T00:00:00.99504083Z")) == len(said("")) == len(said("yesterday")) == 1
