"""What a lock file says, and the parsers that its readers share: bounded, and loud about what they cannot read."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from fixby.errors import ReportError
from fixby.scanners.report import Record, as_record


@dataclass(frozen=True, slots=True)
class Package:
    """A package in exactly one version; `ecosystem` is OSV's name, with the release of a distribution (`Debian:12`).

    `source` is the name and version of what it was built from, where advisories speak of that.
    """

    ecosystem: str
    name: str
    version: str
    line: int | None = None
    source: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A package that cannot be matched, and why; `name` is empty where the reason concerns the file as a whole."""

    name: str
    reason: str


Item = Package | Unread

ELSEWHERE = "comes from a URL, a repository or a path, not from a package index"
"""Why a package is not matched: what the index knows of its version may not be true of it."""

UNNAMED = "an entry names no package and version that can be read"


def decoded(content: bytes) -> str:
    """The text of a lock file. Raises `ReportError` with the position of what is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ReportError(f"line {line}: expected UTF-8") from error


def json_of(content: bytes) -> Record:
    """The object that a JSON file is. Raises `ReportError` with line and column."""
    try:
        return as_record(orjson.loads(content.removeprefix(b"\xef\xbb\xbf")), "the top")
    except orjson.JSONDecodeError as error:
        raise ReportError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error


def toml_of(content: bytes) -> Record:
    """The tables of a TOML file. Raises `ReportError` with line and column."""
    try:
        return tomllib.loads(decoded(content))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ReportError(f"no TOML: {str(error) or 'it is nested too deeply'}") from error


def lines_of_keys(content: bytes) -> dict[str, int]:
    """The line on which each key of an indented JSON file stands first; its parser gives no positions."""
    return _first(_JSON_KEY.match(line) for line in content.split(b"\n"))


def lines_of_names(content: bytes) -> dict[str, int]:
    """The line on which each `name = "..."` (TOML) or `"name": "..."` (JSON) stands first."""
    return _first(_NAME.match(line) for line in content.split(b"\n"))


def _first(found: Iterable[re.Match[bytes] | None]) -> dict[str, int]:
    lines: dict[str, int] = {}
    for number, match in enumerate(found, 1):
        if match:
            lines.setdefault(match[1].decode("utf-8", "replace"), number)
    return lines


_JSON_KEY = re.compile(rb'^\s*"([^"\\]+)"\s*:')
_NAME = re.compile(rb"""^\s*"?name"?\s*[=:]\s*"([^"\\]+)\"""")
