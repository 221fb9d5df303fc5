"""Repositories that try to run code, to blind their scanners, or to break the reader."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import SHELL, called, fixby, git, repository

MARKER = "the scanned repository ran code"
SECRET = 'password = "Kq7nW2vR9tLx4zBd"\n'


@pytest.mark.parametrize("python_path", ["", "."])
def test_a_repository_neither_runs_code_nor_blinds_its_scanners(tmp_path: Path, python_path: str) -> None:
    code = SHELL.replace("shell=True)", "shell=True)  # nosec: B602, assert_used") + SECRET
    honest = repository(tmp_path / "honest" / "repo", {"app.py": code})
    hostile = repository(tmp_path / "hostile" / "repo", {"app.py": code})
    marker = tmp_path / MARKER
    repository(hostile, dict(_traps(marker)))
    repository(hostile, {f"{name}.py": _bomb(marker) for name in (() if python_path else _IN_OUR_SIGHT)})
    git(hostile, "init")
    program = hostile / "monitor"
    program.write_text(f"#!/bin/sh\ntouch '{marker}'\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "filter.x.clean"):
        git(hostile, "config", key, str(program))
    arguments = ("scan", ".", "--only", "sast,secret", "--json")
    seen = [_in_app(fixby(*arguments, cwd=repo, PYTHONPATH=python_path).document) for repo in (honest, hostile)]
    assert seen[0] == seen[1]
    assert len(seen[0]) == 5
    assert not marker.exists()


def _in_app(document: dict[str, Any]) -> set[tuple[str, str, int]]:
    """What was found in the one file that both repositories have."""
    places = (
        (scan["scanner"], one["rule_id"], one["locations"][0]) for scan in document["scans"] for one in scan["findings"]
    )
    return {(scanner, rule, place["line"]) for scanner, rule, place in places if place["path"] == "app.py"}


_IN_OUR_SIGHT = ("fixby", "json", "semgrep", "sitecustomize", "typer", "usercustomize")
"""Modules that a caller's `PYTHONPATH=.` puts before ours; of Semgrep it is then said that it is not installed."""


def _bomb(marker: Path) -> str:
    return f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n"


def _traps(marker: Path) -> Iterator[tuple[str, str]]:
    """Files that a careless tool would import, or be configured by."""
    for module in ("bandit", "detect_secrets", "pip_audit", "pip", "yaml", "conftest", "setup"):
        yield f"{module}.py", _bomb(marker)
    for package in ("cli", "core", "policies", "scanners", "sla", "store"):
        yield f"{package}/__init__.py", _bomb(marker)
    yield ".bandit", "[bandit]\nskips: B404,B602,B105\nexclude: app.py\n"
    yield "bandit.yaml", "skips: [B404, B602, B105]\n"
    yield ".semgrepignore", "*\n"
    yield ".semgrep.yml", "rules: []\n"
    yield "semgrep.yml", "rules: []\n"
    yield ".secrets.baseline", '{"exclude": {"files": "app.py"}, "plugins_used": [], "results": {}}\n'
    yield "setup.cfg", "[bandit]\nskips = B404,B602\n[tool:pytest]\naddopts = -p setup\n"
    yield "tox.ini", "[bandit]\nskips = B404,B602\n"
    yield "pyproject.toml", _PROJECT
    yield ".gitattributes", "* filter=x diff=x\n"
    yield ".pre-commit-config.yaml", "repos: []\n"


_PROJECT = """\
[tool.bandit]
skips = ["B404", "B602", "B105"]
exclude_dirs = ["."]
[build-system]
requires = []
build-backend = "setup"
backend-path = ["."]
[project]
name = "x"
version = "1"
"""


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of every kind that makes readers stumble, each with the same two findings of Bandit's where it can."""
    repo = tmp_path_factory.mktemp("strange") / "repo"
    names = ["new\nline.py", "\x1b[31mred.py", "[red]markup[-red].py", "caf\udce9.py", "--help.py", "turn\u202eed.py"]
    repository(repo, {f"names/{name}": SHELL for name in [*names, " lead.py", "quo'te\".py", "tab\t.py", "$(x);`.py"]})
    repository(
        repo, {"names/long" + "g" * 200 + ".py": SHELL, "nul.py": "import os\0\n", "binary.py": os.urandom(4096)}
    )
    repository(repo, {"esc.py": SHELL.replace("ls ", "\\x1b]0;t\x1b]0;owned\x07[bold]x[/bold] ")})
    with (repo / "large.bin").open("wb") as large:
        large.truncate(101 * 2**20)
    for name, target in (("loop", "loop"), ("up", ".."), ("passwd.py", "/etc/passwd"), ("etc", "/etc"), ("gone", "x")):
        (repo / name).symlink_to(target)
    os.mkfifo(repo / "pipe.py")
    return repo


def test_strange_files_are_read_or_named(strange: Path) -> None:
    ended = called("scan", "--only", "sast,secret", "--json", cwd=strange)
    assert ended.code == 3
    scans = {scan["scanner"]: scan for scan in ended.document["scans"]}
    assert {skipped["path"] for skipped in scans["bandit"]["coverage"]["skipped"]} == {"binary.py", "nul.py"}
    assert {entry["path"]: entry["reason"] for entry in scans["bandit"]["coverage"]["excluded"]} == {
        ".fixby": "kept by Fixby",
        "etc": "link out of the tree",
        "gone": "link that leads nowhere",
        "loop": "link that leads nowhere",
        "passwd.py": "link out of the tree",
        "pipe.py": "not a regular file",
        "up": "link out of the tree",
    }
    high = [one["locations"][0]["path"] for one in scans["bandit"]["findings"] if one["severity"] == "high"]
    assert len(high) == 12
    assert "names/caf\\xe9.py" in high
    assert [skipped["path"] for skipped in scans["detect-secrets"]["coverage"]["skipped"]] == ["large.bin"]
    assert {scan["outcome"] for scan in scans.values()} == {"partial"}


def test_strange_names_and_code_come_out_harmless(strange: Path) -> None:
    shown = called("scan", "--only", "sast", cwd=strange)
    listed = called("list", cwd=strange)
    ids = [one["id"] for one in called("list", "scanner:bandit", "--json", cwd=strange).document["findings"]]
    pages = [called("show", id_, cwd=strange).out for id_ in ids if id_ in ids[:3] or id_ in ids[-3:]]
    for text in (shown.out, shown.err, listed.out, *pages, called("gate", cwd=strange).out):
        assert all(character.isprintable() for line in text.split("\n") for character in line)
    assert "names/�[31mred.py:5" in listed.out
    assert "names/new�line.py:5" in listed.out
    assert "names/[red]markup[-red].py:5" in listed.out
    [escaped] = called("list", "path:esc.py", "severity:high", "--json", cwd=strange).document["findings"]
    assert "�]0;owned�[bold]x[/bold]" in called("show", escaped["id"], cwd=strange).out


def test_a_file_of_a_hundred_megabytes_of_code_is_read_or_named(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SHELL})
    with (repo / "huge.py").open("wb") as huge:
        huge.truncate(100 * 2**20)
    ended = called("scan", "--scanner", "bandit", "--json", cwd=repo)
    assert ended.code == 3
    [bandit] = ended.document["scans"]
    assert [skipped["path"] for skipped in bandit["coverage"]["skipped"]] == ["huge.py"]
    assert len(bandit["findings"]) == 2
