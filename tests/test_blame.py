"""Who wrote a line, asked of real repositories, among them hostile ones."""

import os
from pathlib import Path

import pytest

from fixby.finding import Location
from fixby.scanners.blame import Blamed, Unblamed, blame
from tests.command import SHELL, called, git, repository
from tests.test_published import validate

LINES = "".join(f"line {number}\n" for number in range(1, 31))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository whose file has thirty lines by Somebody, of which Ada wrote the tenth anew."""
    repo = repository(tmp_path / "repo", {"src/a.py": LINES})
    git(repo, "init")
    git(repo, "add", ".")
    git(repo, "commit", "--message", "First")
    (repo / "src/a.py").write_text(LINES.replace("line 10\n", "line ten\n"))
    by_ada = ("--author", "Ada <ada@example.org>", "--date", "@1700000000 +0100")
    git(repo, "commit", "--all", "--message", "Tenth", *by_ada)
    return repo


def asked(repo: Path, line: int | None, path: str = "src/a.py") -> Blamed | Unblamed:
    return blame(Location(path, line), repo)


def author(repo: Path, line: int, path: str = "src/a.py") -> str:
    said = asked(repo, line, path)
    return said.author if isinstance(said, Blamed) else said.reason


def test_a_line_has_an_author_a_time_and_a_commit(repo: Path) -> None:
    said = asked(repo, 10)
    assert isinstance(said, Blamed)
    assert (said.author, said.email, said.at, said.summary) == ("Ada", "ada@example.org", 1_700_000_000, "Tenth")
    assert len(said.commit) == 40
    assert author(repo, 9) == "Somebody"


def test_lines_are_followed_to_what_is_committed(repo: Path) -> None:
    before = (repo / "src/a.py").read_text()
    (repo / "src/a.py").write_text(f"new\n{before.replace('line 20', 'line twenty')}last\n".replace("\n", "\r\n"))
    assert author(repo, 11) == "Ada"
    assert author(repo, 12) == "Somebody"
    assert author(repo, 31) == "Somebody"
    uncommitted = [line for line in range(1, 35) if author(repo, line) == "The line is not committed."]
    assert uncommitted == [1, 21, 32, 33, 34]


@pytest.mark.parametrize("line", [10, 30])
def test_a_folder_of_a_checkout_will_do(repo: Path, line: int) -> None:
    assert author(repo / "src", line, "a.py") == author(repo, line)


def test_where_nobody_can_be_named_it_says_why(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(repo, None) == Unblamed("The finding names no line.")
    assert blame(None, repo) == Unblamed("The finding names no line.")
    assert asked(repo, 1, "src/b.py") == asked(repo, 1, "../a.py") == Unblamed("The file is not committed.")
    assert asked(tmp_path, 1) == Unblamed("There is no git repository with a commit.")
    git(repository(tmp_path / "empty", {"src/a.py": LINES}), "init")
    assert asked(tmp_path / "empty", 1) == Unblamed("There is no git repository with a commit.")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asked(repo, 1) == Unblamed("Git is not installed.")


def test_nothing_that_a_repository_configures_is_run(repo: Path, tmp_path: Path) -> None:
    trap = f"touch {tmp_path}/sprung; cat"
    for setting in (
        "filter.trap.clean",
        "filter.trap.smudge",
        "filter.trap.process",
        "diff.trap.textconv",
        "diff.trap.command",
        "diff.external",
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.editor",
        "alias.blame",
    ):
        git(repo, "config", setting, f"!{trap}" if setting.startswith("alias") else trap)
    (repo / ".gitattributes").write_text("* filter=trap diff=trap\n")
    os.mkfifo(repo / "pipe")
    git(repo, "config", "blame.ignoreRevsFile", str(repo / "pipe"))
    git(repo, "config", "mailmap.file", str(repo / "pipe"))
    assert author(repo, 10) == "Ada"
    assert not (tmp_path / "sprung").exists()


def test_of_a_shallow_clone_it_says_that_it_may_be_older(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--depth", "1", f"file://{repo}", "shallow")
    said = asked(tmp_path / "shallow", 9)
    assert isinstance(said, Blamed)
    assert (said.author, said.is_oldest) == ("Ada", True)


def test_show_tells_it_on_request(tmp_path: Path, database_url: str) -> None:
    repo = repository(tmp_path / "shop", {"app.py": SHELL})
    called("scan", "--scanner", "bandit", "--store", database_url, cwd=repo)
    at_hand = ("--store", database_url)
    [one] = called("list", "rule:B602", *at_hand, "--json", cwd=repo).document["findings"]
    page = called("show", one["id"], "--blame", *at_hand, cwd=repo).out
    assert "\nwritten     nobody knows by whom: There is no git repository with a commit.\n" in page
    git(repo, "init")
    git(repo, "add", "app.py")
    git(repo, "commit", "--message", "Begin \x1b[2J", "--date", "@1700000000 +0000")
    page = called("show", one["id"], "--blame", *at_hand, cwd=repo).out
    assert "\nwritten     by Somebody <somebody@example.org> 2023-11-14 22:13:20 UTC\n" in page
    assert " Begin \ufffd[2J\n" in page
    document = called("show", one["id"], "--blame", "--json", *at_hand, cwd=repo).document
    validate(document)
    assert document["blame"]["author"] == "Somebody"
    assert "blame" not in called("show", one["id"], "--json", *at_hand, cwd=repo).document
