"""Who owns what, as the `CODEOWNERS` of a checkout says; read when a scan is stored, and on record from then on."""

import os
from pathlib import Path

from fixby.cli.output import note, printable
from fixby.codeowners import LARGEST, PLACES, parse
from fixby.reports.plain import safe
from fixby.scanners.files import text_below


def codeowners(root: Path) -> str | None:
    """The text of the `CODEOWNERS` below a folder, or None where there is none; lines that say nothing are told.

    As on GitHub one of more than 3 MB counts as empty. So does one that a link leads out of the folder for.
    """
    place = next((place for place in PLACES if os.path.lexists(root / place)), None)
    if place is None:
        return None
    text = text_below(root, place).replace("\0", "\N{REPLACEMENT CHARACTER}")
    if not text or len(text.encode()) > LARGEST:
        note(f"fixby: {printable(root / place)} is empty, larger than 3 MB, or no file: it says nothing of owners.")
        return ""
    _note_mistakes(place, text)
    return text


def _note_mistakes(place: str, text: str) -> None:
    mistakes = parse(text).mistakes
    for mistake in mistakes[:_SHOWN]:
        note(f"fixby: {place}:{mistake.line}: {safe(mistake.problem)}; the line counts for nothing.")
    if len(mistakes) > _SHOWN:
        note(f"fixby: {place}: {len(mistakes) - _SHOWN} more lines count for nothing.")


_SHOWN = 10
