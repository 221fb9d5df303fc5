"""The code that a finding is about, fit to be kept: short, and without secrets."""

from fixby.finding import Location
from fixby.redaction import redacted, redacted_literals
from fixby.scanners.report import printable
from fixby.scanners.scanner import Source

CREDENTIAL_CWES = frozenset({"CWE-256", "CWE-257", "CWE-259", "CWE-260", "CWE-312", "CWE-321", "CWE-522", "CWE-798"})
"""Weaknesses whose very place is a secret: every literal there is masked."""

_LINES = 20
_CHARACTERS = 500


def code_at(location: Location, source: Source, otherwise: str, *, credential: bool) -> str:
    """The redacted code at a location, at most its first 20 lines; `otherwise` where the file is not at hand."""
    raw = raw_code_at(location, source) or otherwise[: _LINES * _CHARACTERS]
    mask = redacted_literals if credential else redacted
    lines = mask(printable(raw)).split("\n")
    return "\n".join(line[:_CHARACTERS].rstrip() for line in lines[:_LINES]).strip("\n")


def raw_code_at(location: Location, source: Source) -> str:
    """The code at a location as it stands in the file; of an overlong first line the part from the match on."""
    if location.line is None:
        return ""
    last = min(location.end_line or location.line, location.line + _LINES - 1)
    lines = source.lines(location.path, location.line, last).split("\n")
    if len(lines[0]) > _CHARACTERS:
        lines[0] = lines[0][(location.column or 1) - 1 :]
    return "\n".join(line[: 4 * _CHARACTERS] for line in lines)


def column(line: str, offset: int) -> int | None:
    """The column, counting characters from 1, of a byte offset from 0 in the UTF-8 of a line; None beyond its end."""
    if line.isascii():
        return offset + 1 if 0 <= offset <= len(line) else None
    encoded = line.encode("utf-8", "replace")
    return len(encoded[:offset].decode("utf-8", "ignore")) + 1 if 0 <= offset <= len(encoded) else None
