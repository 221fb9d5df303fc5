"""Where foreign reports say that something is, in our way of writing it."""

import posixpath
import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from fixby.finding import Location
from fixby.scanners.formats.wording import clean, prose
from fixby.scanners.report import Record, has, number
from fixby.scanners.scanner import Source


def location(
    name: str, source: Source, line: int | None = None, end_line: int | None = None, column: int | None = None
) -> Location:
    """A place in a file of that name. Numbers below 1 are how tools write that they know none."""
    first = _positive(line)
    last = max(_positive(end_line) or first, first) if first else None
    return Location(path(name, source), first, last, _positive(column) if first else None)


def line_at(row: Record, key: str) -> int | None:
    """The whole number at `key`, written as one or as a string, or None. Raises `ReportError` for anything else."""
    value = row.get(key)
    if isinstance(value, str):
        return int(value) if _NUMBER.fullmatch(value) else None
    return number(row, key) if has(row, key) else None


def path(name: str, source: Source) -> str:
    """A file's name with `/` between its parts and without `.` and `..`, as RFC 3986 (5.2.4) has it; a URL stays."""
    return prose(name) if _URL.match(name) else source.path(tidy(name))


@lru_cache(maxsize=4096)
def tidy(name: str) -> str:
    """A path without `.`, `..` and doubled separators; what would lead out of the folder leads to the folder."""
    some = posixpath.normpath(clean(name).replace("\\", "/").strip() or ".")
    while some.startswith(("../", "//")):
        some = some.removeprefix("../") if some.startswith("../") else some[1:]
    return "." if some == ".." else some


@lru_cache(maxsize=4096)
def path_of_uri(uri: str) -> str:
    """The path that a URI reference stands for, percent-decoded: of a file URI without scheme and of its own host.

    A URI of another scheme stays as it is; `file:///C:/a` is `C:/a`.
    """
    if _DRIVE.match(uri) or not _SCHEME.match(uri):
        return unquote(uri)
    if uri[:5].lower() != "file:":
        return uri
    parts = _parts(uri)
    return parts[1:] if _DRIVE.match(parts[1:]) else parts


def _parts(uri: str) -> str:
    """Host and path of a file URI; that of this machine is no host."""
    try:
        split = urlsplit(uri)
    except ValueError:
        return unquote(uri[5:])
    host = "" if split.netloc in ("", "localhost") else f"//{split.netloc}"
    return unquote(f"{host}{split.path}")


def _positive(value: int | None) -> int | None:
    return value if value is not None and 0 < value < _MANY else None


_MANY = 2**31
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_URL = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)
_DRIVE = re.compile(r"[a-z]:(?:[/\\]|$)", re.IGNORECASE)
