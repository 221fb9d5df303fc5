"""What a reader of a foreign format must define, and what it is given."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import orjson

from fixby.errors import ReportError
from fixby.scanners.report import document
from fixby.scanners.scanner import Reading, Source


@dataclass(frozen=True)
class Report:
    """A report's content, and what it is at first sight; each view of it is made once and only if asked for."""

    content: bytes

    @cached_property
    def json(self) -> object:
        """The JSON document that it is, or None where it is none (or `null`); several in a row are one list."""
        if self.content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
            return None
        try:
            return document(self.content.removeprefix(b"\xef\xbb\xbf"))
        except ReportError as error:
            several = "unexpected content after document" in error.message and not isinstance(self.first_line, dict)
            return _pages(self.content) if several else None

    @cached_property
    def first_line(self) -> object:
        """The JSON document on its first line that is not blank, or None: reports of JSON lines are told by it."""
        line = self.content.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0]
        try:
            found: object = orjson.loads(line)
        except orjson.JSONDecodeError:
            return None
        return found

    @cached_property
    def root_element(self) -> str:
        """The name of the first element, without prefix, where it is XML; else nothing. It is not parsed for it."""
        start = self.content[:_FAR_ENOUGH].lstrip(b"\xef\xbb\xbf \t\r\n")
        if not start.startswith(b"<"):
            return ""
        element = _ELEMENT.match(_behind_prologue(start))
        return element[1].decode("ascii").rpartition(":")[2] if element else ""


def _behind_prologue(content: bytes) -> bytes:
    """What stands behind declaration, comments and document type of XML; nothing where one of them does not end."""
    while content.startswith((b"<?", b"<!")):
        if content.startswith(b"<?"):
            content = content.partition(b"?>")[2]
        elif content.startswith(b"<!--"):
            content = content.partition(b"-->")[2]
        elif b"[" in content.partition(b">")[0]:
            content = content.partition(b"]")[2].partition(b">")[2]
        else:
            content = content.partition(b">")[2]
        content = content.lstrip()
    return content


def _pages(content: bytes) -> list[object] | None:
    """The documents that a report is, one after the other, as one list: so are pages that were collected. Else None."""
    words, start, found = content.decode("utf-8-sig", "surrogateescape"), 0, list[object]()
    while begin := _BEGIN.search(words, start):
        try:
            page, start = _DECODER.raw_decode(words, begin.start())
        except (ValueError, RecursionError):
            return None
        found += page if isinstance(page, list) else [page]
    return found


_BEGIN = re.compile(r"[^\s\0]")
_DECODER = json.JSONDecoder()
_FAR_ENOUGH = 64 * 1024
_ELEMENT = re.compile(rb"<([A-Za-z_][\w.:-]*)")


@dataclass(frozen=True, slots=True)
class Told:
    """What one tool says in a report: the name of the tool as findings bear it, and what was read."""

    scanner: str
    reading: Reading


class Format(Protocol):
    """A reader of one format. It is a module that defines these names."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """The format's name on the command line."""

    def recognises(self, report: Report) -> bool:
        """Whether a report seems to be of this format, as far as can be told without reading all of it."""

    def read(self, report: Report, source: Source) -> Sequence[Told]:
        """What the tools say, one entry a tool. Raises `ReportError` where it is damaged: what was expected, and where.

        A report of which something cannot be read says so in `Reading.problems`; it is never a smaller clean one.
        """
