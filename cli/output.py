"""Standard output and standard error, where a reader that goes away early is no error.

In a job of GitHub Actions the runner reads what is printed: lines that begin with `::` are commands to it, and so is
`##[` anywhere; they set outputs and mask words. Texts of findings may say such things, so a space comes in between.
"""

import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from fixby.errors import FixbyError

if TYPE_CHECKING:
    from rich.console import RenderableType


def emit(text: str, *, to_runner: bool = False) -> None:
    """Print a text and a line's end; `to_runner` says that commands in it are meant.

    Raises `FixbyError` where standard output cannot be written.
    """
    try:
        _print(text if to_runner else _inert(text), sys.stdout)
    except OSError as error:
        raise FixbyError(f"Standard output cannot be written: {error.strerror}.") from error


def show(*renderables: "RenderableType") -> None:
    """Print what rich renders."""
    from fixby.reports.terminal import rendered  # noqa: PLC0415 - rich takes a tenth of a second

    emit(rendered(*renderables))


def note(text: str) -> None:
    """Print a message to standard error, as far as anybody can be told."""
    with suppress(OSError):
        _print(_inert(text), sys.stderr)


def printable(name: object) -> str:
    """A name of the machine's files as text: bytes that are no UTF-8 are written out in hexadecimal."""
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def open_streams() -> None:
    """Make both streams print whatever they are given, and somewhere where the caller closed them."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _inert(text: str) -> str:
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return text
    return _COMMAND.sub(r"\g<0> ", text)


_COMMAND = re.compile(r"^[^\S\n]*:(?=:)|#(?=#\[)", re.MULTILINE)


def _print(text: str, stream: TextIO) -> None:
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - a stream that lives as long as we do
