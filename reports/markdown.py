"""Markdown in which no text of a finding is markup: tables, and text that stays text."""

import re
from collections.abc import Iterable, Sequence

from fixby.reports.plain import safe


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A table of which the last `numbers` columns are aligned to the right, or a word where it has no rows."""
    lines = [f"| {' | '.join(map(text, row))} |" for row in rows]
    if not lines:
        return "None."
    rules = ["---"] * (len(titles) - numbers) + ["---:"] * numbers
    return "\n".join([f"| {' | '.join(map(text, titles))} |", f"| {' | '.join(rules)} |", *lines])


def text(raw: str) -> str:
    """Text that stays text: as it is where nothing in it can be markup, a mention or a link, else as code."""
    shown = safe(raw)
    return shown if _PLAIN.fullmatch(shown) else "&#124;".join(map(_code, shown.split("|")))


def _code(text: str) -> str:
    """A code span: its fence is longer than any run of backticks in it."""
    if not text.strip():
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


_PLAIN = re.compile(r"(?!.*(?:www\.|://|:(?=\S{0,99}[a-z])\S{1,100}:))(?:[^\W_]|[ ,;:.()/%-])*", re.IGNORECASE)
"""Letters, digits and such punctuation as no dialect of Markdown reads anything into."""
