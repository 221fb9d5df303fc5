"""Who owns a finding, from the CODEOWNERS of a checkout into the store and out of every command."""

import os
from pathlib import Path

import pytest

from tests.command import SHELL, Ended, called, git, repository
from tests.test_published import _report as bandit_report

FILES = {"src/app.py": SHELL, "tools/run.py": SHELL}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo", FILES | {".github/CODEOWNERS": "* @shop/all\n/tools/ @ada\n"})


def scanned(repo: Path, store: str) -> Ended:
    ended = called("scan", "--scanner", "bandit", "--store", store, cwd=repo)
    assert ended.code == 0
    return ended


def owned(repo: Path, store: str, *arguments: str) -> dict[str, str]:
    """The owner of each finding of the call, by the file that it is in."""
    ended = called("list", *(arguments or ("is:open",)), "--store", store, "--json", cwd=repo)
    assert ended.code == 0
    return {one["locations"][0]["path"]: one["owner"] for one in ended.document["findings"] if one["rule_id"] == "B602"}


def test_a_scan_puts_on_record_who_owns_each_finding(repo: Path, database_url: str) -> None:
    scanned(repo, database_url)
    assert owned(repo, database_url) == {"src/app.py": "@shop/all", "tools/run.py": "@ada"}
    assert owned(repo, database_url, "owner:@shop/all") == {"src/app.py": "@shop/all"}
    assert owned(repo, database_url, "owner:nobody") == {}
    mine = called("list", "owner:me", "--store", database_url, "--format", "csv", cwd=repo, FIXBY_ACTOR="ada").out
    assert mine.count("tools/run.py") == mine.count("@ada") == 2
    assert "src/app.py" not in mine
    table = called("list", "--store", database_url, cwd=repo).out
    assert "OWNER\n" in table
    assert called("db", "verify", "--store", database_url, cwd=repo).code == 0


def test_an_assignee_is_asked_before_the_owners_and_both_are_told(repo: Path, database_url: str) -> None:
    scanned(repo, database_url)
    at_hand = ("--store", database_url)
    [one] = called("list", "path:src/app.py", "rule:B602", *at_hand, "--json", cwd=repo).document["findings"]
    assert (one["owner"], one["assignee"]) == ("@shop/all", None)
    called("assign", one["id"], "--to", "bob", *at_hand, cwd=repo)
    [told] = called("list", "owner:bob", *at_hand, "--json", cwd=repo).document["findings"]
    assert (told["owner"], told["assignee"]) == ("bob", "bob")
    assert owned(repo, database_url, "owner:@shop/all") == {}
    assert "\nowner       bob, @shop/all by CODEOWNERS\n" in called("show", one["id"], *at_hand, cwd=repo).out
    called("assign", one["id"], "--nobody", *at_hand, cwd=repo)
    assert owned(repo, database_url, "owner:@shop/all") == {"src/app.py": "@shop/all"}


def test_another_file_counts_from_the_next_scan_on_and_the_past_stays(repo: Path, database_url: str) -> None:
    scanned(repo, database_url)
    events = _events(repo, database_url)
    scanned(repo, database_url)
    assert _events(repo, database_url) == events + 1, "a scan that changes nothing is one event"
    (repo / ".github/CODEOWNERS").write_text("* @eve\n")
    assert owned(repo, database_url)["src/app.py"] == "@shop/all"
    scanned(repo, database_url)
    assert _events(repo, database_url) == events + 3, "the description of the asset, and the scan"
    assert owned(repo, database_url) == {"src/app.py": "@eve", "tools/run.py": "@eve"}
    assert called("db", "verify", "--store", database_url, cwd=repo).code == 0
    (repo / ".github/CODEOWNERS").unlink()
    scanned(repo, database_url)
    assert set(owned(repo, database_url).values()) == {None}
    assert called("db", "verify", "--store", database_url, cwd=repo).code == 0


def _events(repo: Path, store: str) -> int:
    return int(called("gate", "--store", store, "--json", cwd=repo).document["snapshot"].partition(":")[0])


@pytest.mark.parametrize(
    ("files", "owner"),
    [
        ({".github/CODEOWNERS": "* @a", "CODEOWNERS": "* @b", "docs/CODEOWNERS": "* @c"}, "@a"),
        ({"CODEOWNERS": "* @b", "docs/CODEOWNERS": "* @c"}, "@b"),
        ({"docs/CODEOWNERS": "* @c"}, "@c"),
        ({".gitlab/CODEOWNERS": "* @d"}, None),
        ({".github/CODEOWNERS": "", "CODEOWNERS": "* @b"}, None),
    ],
)
def test_the_first_of_the_places_that_github_knows_counts(tmp_path: Path, files: dict[str, str], owner: str) -> None:
    repo = repository(tmp_path / "repo", {"src/app.py": SHELL} | files)
    scanned(repo, str(tmp_path / "store.db"))
    assert owned(repo, str(tmp_path / "store.db")) == {"src/app.py": owner}


def test_an_asset_that_is_a_folder_of_a_repository_is_owned_by_the_file_of_the_repository(
    repo: Path, database_url: str
) -> None:
    git(repo, "init")
    repository(repo, {"tools/fixby.toml": 'asset = "tools"\n', "tools/CODEOWNERS": "* @nobody-reads-this\n"})
    scanned(repo / "tools", database_url)
    assert owned(repo / "tools", database_url) == {"run.py": "@ada"}
    assert called("db", "verify", "--store", database_url, cwd=repo).code == 0


def test_a_line_that_says_nothing_is_told(repo: Path, tmp_path: Path) -> None:
    (repo / ".github/CODEOWNERS").write_text("* @ada\n!src/ @bob\n*.py carol\x1b[2J\n")
    ended = scanned(repo, str(tmp_path / "store.db"))
    assert "fixby: .github/CODEOWNERS:2: !src/ begins with !" in ended.err
    assert "fixby: .github/CODEOWNERS:3: carol\ufffd[2J is no @user" in ended.err
    assert owned(repo, str(tmp_path / "store.db"))["src/app.py"] == "@ada"


@pytest.mark.parametrize("kind", ["too large", "a link out", "a pipe", "a folder"])
def test_a_file_that_cannot_be_read_owns_nothing_and_that_is_told(repo: Path, tmp_path: Path, kind: str) -> None:
    file = repo / ".github/CODEOWNERS"
    content = file.read_text()
    file.unlink()
    match kind:
        case "too large":
            file.write_text(content + "#" * 3 * 1024 * 1024)
        case "a link out":
            (tmp_path / "outside").write_text(content)
            file.symlink_to(tmp_path / "outside")
        case "a pipe":
            os.mkfifo(file)
        case _:
            file.mkdir()
    ended = scanned(repo, str(tmp_path / "store.db"))
    assert "CODEOWNERS is empty, larger than 3 MB, or no file" in ended.err
    assert set(owned(repo, str(tmp_path / "store.db")).values()) == {None}


def test_a_report_that_is_stored_elsewhere_leaves_the_owners_as_they_are(repo: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "store.db")
    scanned(repo, store)
    elsewhere = repository(tmp_path / "elsewhere", {"fixby.toml": 'asset = "repo"\n', "bandit.json": bandit_report()})
    assert called("ingest", "bandit.json", "--store", store, cwd=elsewhere).code == 0
    assert owned(repo, store, "is:open", "path:tools/run.py") == {"tools/run.py": "@ada"}
