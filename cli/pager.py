"""Long output through the pager that the user names, as git does it."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from fixby.cli.output import emit

if TYPE_CHECKING:
    from rich.console import RenderableType


def page(*renderables: "RenderableType") -> None:
    """Print what rich renders; on a terminal that it does not fit, through `FIXBY_PAGER`, `PAGER`, or less.

    A pager gets no links, which older ones print as signs. One that is `cat` or empty, or cannot be started, is none.
    """
    from fixby.reports.terminal import rendered, without_links  # noqa: PLC0415 - rich takes a tenth of a second

    text = rendered(*renderables)
    command = _pager(os.environ)
    if not command or not sys.stdout.isatty() or _fits(text) or not _paged(command, without_links(text)):
        emit(text)


def _pager(environment: Mapping[str, str]) -> list[str]:
    """The words of the pager's command; none where nobody wants one or the terminal could not show it."""
    named = environment.get("FIXBY_PAGER", environment.get("PAGER", "less"))
    try:
        command = shlex.split(named)
    except ValueError:
        return []
    return [] if command in ([], ["cat"]) or environment.get("TERM", "dumb") == "dumb" else command


def _fits(text: str) -> bool:
    """Whether the terminal shows all of a text at once, and the prompt below."""
    from rich.cells import cell_len  # noqa: PLC0415 - rich takes a tenth of a second

    size = shutil.get_terminal_size()
    widths = (cell_len(_ESCAPES.sub("", line)) for line in text.splitlines())
    return sum(max(1, -(-width // size.columns)) for width in widths) < size.lines


_ESCAPES = re.compile(r"\x1b(?:\[[0-9;]*m|\]8;[^\x1b]*\x1b\\)")


def _paged(command: list[str], text: str) -> bool:
    """Whether a pager could be started; it is waited for, and one that ends early has been read enough."""
    environment = {"LESS": "FRX", "LV": "-c"} | os.environ
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)  # noqa: S603 - no shell; the user's own
    except OSError:
        return False
    with _interrupts_for_the_pager(), pager, suppress(BrokenPipeError):
        pager.communicate(f"{text}\n".encode(errors="backslashreplace"))
    return True


@contextmanager
def _interrupts_for_the_pager() -> Iterator[None]:
    """Ctrl-C is a key of the pager, and must not end us before it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
