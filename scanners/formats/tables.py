"""Reports of comma-separated values (RFC 4180) in UTF-8, whose first row names the columns."""

import csv
import io
from collections.abc import Iterator
from itertools import pairwise

from fixby.errors import ReportError
from fixby.scanners.report import HINT


def column_names(content: bytes) -> frozenset[str]:
    """What the first line of a report names, if it names columns."""
    head = content.removeprefix(b"\xef\xbb\xbf")[:_HEAD].partition(b"\n")[0].rstrip(b"\r")
    return frozenset(name.strip(' "') for name in head.decode("utf-8", "replace").split(","))


def table(content: bytes) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """The columns, and the rows by column, each with its number; the first has the names and is 1.

    Raises `ReportError` where it is damaged or cut within a row: nobody can tell that it was cut between two.
    """
    try:
        words = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReportError(f"the report is no UTF-8 (byte {error.start})", HINT) from error
    if not words.endswith("\n"):
        raise ReportError("the report does not end with the end of a line: it may be cut short", HINT)
    reader = _records(words)
    _, names = next(reader, (1, []))
    columns = [name.strip() for name in names]
    if any(first == second for first, second in pairwise(sorted(columns))):
        raise ReportError("expected every column once", HINT)
    return columns, _rows(columns, reader)


def _rows(columns: list[str], reader: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, dict[str, str]]]:
    for number, values in reader:
        if values and len(values) != len(columns):
            raise ReportError(f"row {number}: expected {len(columns)} values, found {len(values)}", HINT)
        if values:
            yield number, dict(zip(columns, values, strict=True))


def _records(words: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(words, newline=""), strict=True)
    try:
        yield from enumerate(reader, start=1)
    except csv.Error as error:
        raise ReportError(f"row {reader.line_num}: the report is no CSV: {error}", HINT) from error


_HEAD = 4096
