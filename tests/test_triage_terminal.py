"""`fixby triage` on a terminal of its own: it starts, gives way to an editor, and leaves all as it was."""

import fcntl
import os
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixby.store.opening import open_for_writing
from tests.command import FIXBY, clean_environment, fixby, git, repository
from tests.stories import scan, told, weakness

LEFT = b"\x1b[?1049l"
"""What gives a terminal back the screen that it had."""


@dataclass(slots=True)
class Terminal:
    """A process on a terminal: what it wrote so far, and how it ended."""

    pid: int
    end: int
    written: bytes = b""

    def until(self, pattern: bytes) -> bytes:
        """What was written from the last look on, once it has this in it."""
        start, deadline = len(self.written), time.monotonic() + 60
        while not re.search(pattern, self.written[start:]):
            assert time.monotonic() < deadline, self.written[start:][-2000:]
            if select.select([self.end], [], [], 0.1)[0]:
                self.written += os.read(self.end, 65_536)
        return self.written[start:]

    def settle(self) -> None:
        """Read until nothing was written for a second: how a change is drawn depends on what was there before."""
        while select.select([self.end], [], [], 1.0)[0]:
            self.written += os.read(self.end, 65_536)

    def keys(self, keys: str) -> None:
        os.write(self.end, keys.encode())

    def code(self) -> int:
        """The exit code; what is still written is read meanwhile."""
        while True:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            while select.select([self.end], [], [], 0.05)[0]:
                self.written += os.read(self.end, 65_536)
            if ended:
                return os.waitstatus_to_exitcode(status)


@contextmanager
def terminal(folder: Path, *arguments: str, **environment: str) -> Iterator[Terminal]:
    """`fixby triage` on a terminal of 80 columns and 24 lines."""
    end, other = os.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(other)
    surroundings = clean_environment() | {"TERM": "xterm-256color", "FIXBY_ACTOR": "ada"} | environment
    pid = os.posix_spawn(
        "/usr/bin/env",
        ["env", "--chdir", str(folder), "setsid", "--ctty", "--wait", FIXBY, "triage", *arguments],
        surroundings,
        file_actions=[(os.POSIX_SPAWN_DUP2, other, number) for number in (0, 1, 2)],
    )
    try:
        yield Terminal(pid, end)
        assert termios.tcgetattr(other) == before
    finally:
        os.close(other)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        os.close(end)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A checkout with a store of one finding."""
    folder = repository(tmp_path / "shop", {"src/a.py": "one\ntwo\neval(text)\n"})
    git(folder, "init")
    (folder / ".fixby").mkdir()
    with closing(open_for_writing(str(folder / ".fixby" / "fixby.db"))) as database:
        told(database, scan(weakness(line=3), at=int(time.time())))
    return folder


def test_a_decision_is_made_on_a_terminal_and_the_terminal_is_left_as_it_was(shop: Path) -> None:
    with terminal(shop) as screen:
        screen.until(rb"src/a\.py:3")
        screen.keys("d")
        screen.until(rb"false positive")
        screen.keys("no\r")
        screen.until(rb"dismissed")
        screen.keys("q")
        assert (screen.code(), LEFT in screen.written) == (0, True)
    [finding] = fixby("list", "is:dismissed", "--json", cwd=shop).document["findings"]
    assert finding["locations"][0]["path"] == "src/a.py"


def test_keys_that_come_all_at_once_act_in_their_order(shop: Path) -> None:
    """A slow line brings them so: what is typed into the query must not be taken for decisions."""
    others = [weakness(f"call({number})", rule=f"B{number}") for number in range(3)]
    with closing(open_for_writing(str(shop / ".fixby" / "fixby.db"))) as database:
        told(database, scan(weakness(line=3), *others, at=int(time.time())))
    with terminal(shop) as screen:
        screen.until(rb"src/a\.py:3")
        screen.keys("jjd")
        screen.until(rb"false positive(.|\n)*Enter: do it")
        screen.keys("third\r")
        screen.until(rb"dismissed")
        screen.keys("/ -sdo\x7f\x7f\x7f\x7fscanner:bandit\r")
        screen.settle()
        screen.keys("q")
        assert screen.code() == 0
    assert b"Assign to" not in screen.written
    listed = fixby("list", "-is:fixed", "--json", cwd=shop).document["findings"]
    [dismissed] = [one["rule_id"] for one in listed if one["state"] == "dismissed"]
    assert dismissed != "B307"


@pytest.mark.parametrize("keys", ["\x03", "/\x03", "?\x03\x03"])
def test_ctrl_c_leaves_from_anywhere(shop: Path, keys: str) -> None:
    with terminal(shop) as screen:
        screen.until(rb"src/a\.py:3")
        for key in keys:
            time.sleep(0.3)
            screen.keys(key)
        assert (screen.code(), LEFT in screen.written) == (0, True)


def test_a_machine_that_ends_us_gets_its_terminal_back(shop: Path) -> None:
    with terminal(shop) as screen:
        screen.until(rb"src/a\.py:3")
        [child] = Path(f"/proc/{screen.pid}/task/{screen.pid}/children").read_text().split() or [str(screen.pid)]
        os.kill(int(child), signal.SIGTERM)
        assert screen.code() == 130
        assert re.search(re.escape(LEFT) + rb"(.|\n)*Interrupted by SIGTERM", screen.written)


def test_the_editor_gets_the_terminal_and_the_line_and_gives_it_back(shop: Path) -> None:
    editor = shop.parent / "editor"
    editor.write_text(
        f'#!/bin/sh\nkill -INT $PPID; test -t 0 && test -t 1 && printf "%s\\n" "$@" > {shop.parent}/told\necho edited\n'
    )
    editor.chmod(0o755)
    with terminal(shop, EDITOR=f"'{editor}' --wait", VISUAL="") as screen:
        screen.until(rb"src/a\.py:3")
        screen.keys("e")
        screen.until(rb"edited(.|\n)*src/a\.py:3")
        screen.keys("q")
        assert (screen.code(), LEFT in screen.written) == (0, True)
    assert (shop.parent / "told").read_text().splitlines() == ["--wait", "+3", str(shop / "src" / "a.py")]


def test_an_editor_that_does_not_exist_is_told(shop: Path) -> None:
    with terminal(shop, VISUAL="/no/such/editor") as screen:
        screen.until(rb"src/a\.py:3")
        screen.keys("e")
        screen.until(rb"/no/such/editor cannot be started")
        screen.keys("q")
        assert (screen.code(), LEFT in screen.written) == (0, True)


def test_without_a_terminal_it_is_wrong_usage(shop: Path) -> None:
    ended = fixby("triage", cwd=shop)
    assert ended.code == 2
    assert ended.err.startswith("fixby: fixby triage needs a terminal.")


def test_a_wrong_query_and_a_store_that_is_not_there_are_told_before_the_screen(shop: Path) -> None:
    with terminal(shop, "is:nonsense") as screen:
        assert screen.code() == 2
        assert b"A finding is never 'nonsense'" in screen.written
    with terminal(shop, "--store", "none.db") as screen:
        assert screen.code() == 3
        assert b"There is no store at none.db" in screen.written
        assert b"1049h" not in screen.written
