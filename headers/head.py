"""The head of a response, read as browsers read it: `http.client` loses what follows a line that it does not like.

RFC 9112, and what Chromium makes of what breaks it: a bare CR ends a line, a line without a colon or with a name that
is no token is passed over, white space before the colon is not part of the name, a folded line goes on after a space.
"""

import re
from dataclasses import dataclass
from typing import Protocol

from fixby.headers.response import Field, Trouble

MOST_LINES = 100
MOST_BYTES = 65536
"""Of one line."""
MOST_IN_ALL = 262144
MOST_INFORMATIONAL = 20
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110, 5.6.2)."""


class HopError(Exception):
    """What kept one hop of a visit from its answer; the message is a sentence."""

    def __init__(self, kind: Trouble, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"


@dataclass(frozen=True, slots=True)
class Head:
    """A status line with its number, and the headers in the order sent."""

    line: bytes
    status: int
    fields: tuple[Field, ...]


class Lines(Protocol):
    """What lines are read from."""

    def readline(self, limit: int = -1, /) -> bytes:
        """The next line with its end, no more than `limit` bytes of it; empty at the end."""


def read_head(stream: Lines) -> Head:
    """Read up to the empty line. Informational responses before (100, 102, 103) are passed over.

    Raises `HopError`: LARGE for more than 100 lines or one of more than 64 KiB, as in `http.client`, or more than
    256 KiB in all, as in Chromium; REFUSED where the connection ends before the empty line, since what is missing may
    be headers; MALFORMED where it is no HTTP/1.
    """
    for _ in range(MOST_INFORMATIONAL):
        line = _line(stream)
        said = _STATUS_LINE.fullmatch(line)
        if not said:
            raise HopError(Trouble.MALFORMED, f"It does not answer in HTTP/1, but begins with {line[:40]!r}.")
        head = Head(line, int(said[1]), _fields(stream))
        if not 100 <= head.status < 200 or head.status == _SWITCHING:
            return head
    raise HopError(Trouble.MALFORMED, "It sends nothing but informational responses.")


def fields(lines: bytes) -> tuple[Field, ...]:
    """The headers in the lines of a head, without its status line. Raises `HopError` for a NUL."""
    if b"\0" in lines:
        raise HopError(Trouble.MALFORMED, "It sends a NUL within its headers.")
    found: list[Field] = []
    ended = True  # whether there is nothing to go on with
    for line in filter(None, re.split("[\r\n]+", lines.decode("iso-8859-1"))):
        if line[0] in _SPACE:
            if not ended:
                last = found.pop()
                found.append(Field(last.name, f"{last.value} {line.strip(_SPACE)}".strip(_SPACE)))
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip(_SPACE)
        ended = not colon or not TOKEN.fullmatch(name)
        if not ended:
            found.append(Field(name, value.strip(_SPACE)))
    return tuple(found)


_LONGEST_REASON = 300
_SWITCHING = 101
_SPACE = " \t"
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9][ \t]+([1-9][0-9]{2})(?:[ \t][^\r\n]*)?\r*\n")


def _fields(stream: Lines) -> tuple[Field, ...]:
    lines: list[bytes] = []
    while (line := _line(stream)).strip(b"\r\n"):
        lines.append(line)
        if len(lines) > MOST_LINES:
            raise HopError(Trouble.LARGE, f"It sends more than {MOST_LINES} lines of headers.")
        if sum(map(len, lines)) > MOST_IN_ALL:
            raise HopError(Trouble.LARGE, f"It sends more than {MOST_IN_ALL} bytes of headers.")
    return fields(b"".join(lines))


def _line(stream: Lines) -> bytes:
    line = stream.readline(MOST_BYTES + 1)
    if len(line) > MOST_BYTES:
        raise HopError(Trouble.LARGE, f"It sends a line of headers of more than {MOST_BYTES} bytes.")
    if not line.endswith(b"\n"):
        raise HopError(Trouble.REFUSED, "The connection ended within the headers." if line else _NOTHING)
    return line


_NOTHING = "The connection ended before the headers did."
