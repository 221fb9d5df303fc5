"""What people see: tables that fit, colours and progress on a terminal only."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.command import FIXBY, SHELL, advisories, called, clean_environment, fixby, repository

ESCAPE = "\x1b"
DEEP = "src/a_rather_long_folder/and_another_one_below_it/application.py"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return advisories(tmp_path_factory.mktemp("advisories"))


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory, known: Path) -> Path:
    files = {
        DEEP: SHELL,
        "漢字/漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字.py": SHELL,
        "requirements.txt": "jinja2==2.7.1\n",
    }
    repo = repository(tmp_path_factory.mktemp("terminal") / "repo", files)
    called("scan", "--advisories", known, cwd=repo)
    return repo


def on_terminal(*arguments: str, cwd: Path, columns: int = 80, errors: bool = False, **environment: str) -> str:
    """What the command writes to a terminal of that width, on standard output or with `errors` on standard error."""
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    surroundings = clean_environment() | {"TERM": "xterm-256color", "PAGER": "cat"} | environment
    out, err = (subprocess.DEVNULL, terminal) if errors else (terminal, subprocess.DEVNULL)
    with subprocess.Popen([FIXBY, *arguments], cwd=cwd, env=surroundings, stdout=out, stderr=err) as process:
        os.close(terminal)
        written = b"".join(iter(lambda: _read(screen), b""))
        os.close(screen)
    assert process.returncode == 0
    return written.decode().replace("\r\n", "\n")


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 65536)
    except OSError:  # the other end is closed
        return b""


def plain(text: str) -> str:
    return re.sub(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\]8;[^\x1b]*\x1b\\)", "", text)


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("command", ["list", "doctor", "scan --scanner bandit"])
def test_tables_fit_the_terminal(repo: Path, columns: int, command: str) -> None:
    words = command.split()
    lines = plain(on_terminal(*words, cwd=repo, columns=columns)).splitlines()
    table = [line for line in lines if line.startswith(("DUE", "in ", "PART", "bandit", "store"))]
    assert len(table) >= 3
    assert all(cell_len(line) <= columns for line in table)
    assert all(line == line.rstrip() for line in lines)


def test_a_path_that_is_too_long_keeps_its_end_and_a_title_its_beginning(repo: Path) -> None:
    shown = plain(on_terminal("list", "severity:high", cwd=repo, columns=80))
    assert re.search(r"…\S*/application\.py:5  Subprocess popen .*…\n", shown)
    assert re.search(r"high +[0-9a-f]{10}  …[漢字]+\.py:5  Subprocess", shown)


def test_due_severity_and_id_are_never_cut(repo: Path) -> None:
    for columns in (60, 80, 100):
        shown = plain(on_terminal("list", cwd=repo, columns=columns))
        rows = [line for line in shown.splitlines() if line.startswith("in ")]
        assert len(rows) == 8
        assert all(re.match(r"in \d+ [hd]  +(critical|high|medium|low|unknown)  +[0-9a-f]{10}  ", row) for row in rows)


def test_colours_are_for_terminals_that_want_them(repo: Path) -> None:
    assert ESCAPE in on_terminal("list", cwd=repo)
    assert ESCAPE not in on_terminal("list", cwd=repo, NO_COLOR="1")
    assert ESCAPE not in on_terminal("show", _some_id(repo), cwd=repo, TERM="dumb")
    for command in (("show", _some_id(repo)), ("scan", "--scanner", "bandit")):
        ended = fixby(*command, cwd=repo, TERM="xterm-256color")
        assert ESCAPE not in ended.out + ended.err


def _some_id(repo: Path) -> str:
    return str(called("list", "--json", cwd=repo).document["findings"][0]["id"])


def test_elsewhere_than_on_a_terminal_nothing_is_cut(repo: Path) -> None:
    ended = fixby("list", cwd=repo, COLUMNS="40")
    assert f"{DEEP}:5" in ended.out
    assert "…" not in ended.out
    assert all(line == line.rstrip() for line in ended.out.splitlines())


def test_progress_is_drawn_on_a_terminal_and_written_a_line_each_to_a_log(repo: Path) -> None:
    drawn = on_terminal("scan", "--scanner", "bandit", cwd=repo, errors=True)
    assert re.search(r"bandit +0:00:0\d running", plain(drawn))
    assert "\x1b[2K" in drawn
    ended = fixby("scan", "--scanner", "bandit", cwd=repo)
    assert re.fullmatch(r"bandit: running\nbandit: done in \d+\.\d s\n", ended.err)


def test_a_page_of_a_finding_says_it_in_words(repo: Path) -> None:
    [critical] = called("list", "severity:critical", "--json", cwd=repo).document["findings"]
    page = called("show", critical["id"], cwd=repo).out
    assert page.startswith("jinja2: Code can be run by jinja2\n\nseverity    critical, by its CVSS score\n")
    assert re.search(r"\ndue         \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, in \d\d h\n", page)
    assert "\npackage     pkg:pypi/jinja2@2.7.1\n" in page
    assert "\nfix         Upgrade jinja2 to 2.7.2 or later\n" in page
    assert re.search(r"\nWHEN +WHO +WHAT +WHY\n\S+ \S+ UTC +fixby +detected\n", page)
    assert "\n\n\n" not in page


def test_each_table_says_what_to_do_next(repo: Path) -> None:
    assert called("list", cwd=repo).out.endswith("8 shown; one in full: fixby show ID\n")
    elsewhere = called("list", "--path", repo, cwd=repo.parent).out
    assert elsewhere.endswith(f"one in full: fixby show ID --path {repo}\n")
    assert called("list", "severity:info", cwd=repo).out == "No finding is selected.\n"
    many = repository(repo.parent / "many", {f"app{number}.py": SHELL for number in range(15)})
    shown = called("scan", "--scanner", "bandit", cwd=many).out
    assert "\n10 more: fixby list; one in full: fixby show ID\n" in shown
