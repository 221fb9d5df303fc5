"""Rows as CSV (RFC 4180) that a spreadsheet shows and does not compute."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO


def written(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A header and rows. A text with which a formula could begin gets an apostrophe in front; numbers stay numbers."""
    text = StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(header)
    lines.writerows(map(_inert, rows))
    return text.getvalue()


def _inert(cells: Sequence[object]) -> list[object]:
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell for cell in cells]


_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
