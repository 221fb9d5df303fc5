"""Who owns what, as the `CODEOWNERS` of a checkout says; read when a scan is stored, and on record from then on."""

import os
from dataclasses import replace
from pathlib import Path

from fixby.asset import Asset
from fixby.cli.output import note, printable
from fixby.codeowners import LARGEST, PLACES, parse
from fixby.reports.plain import safe
from fixby.scanners.files import text_below


def owned(asset: Asset, root: Path) -> Asset:
    """An asset with the `CODEOWNERS` of the repository that its root lies in; as it is where there is none.

    Lines that say nothing are told, and so is a file that does not: more than 3 MB, as GitHub has it, or led elsewhere.
    """
    top = _repository(root.resolve())
    place = next((place for place in PLACES if os.path.lexists(top / place)), None)
    if place is None:
        return asset
    folder = root.resolve().relative_to(top).as_posix()
    return replace(asset, codeowners=_read(top, place), folder="" if folder == "." else printable(folder))


def owned_now(asset: Asset, root: Path) -> Asset:
    """As `owned`, but that without a `CODEOWNERS` nobody owns anything, whatever was known before."""
    return owned(replace(asset, codeowners=""), root)


def _repository(root: Path) -> Path:
    """The checkout that a folder lies in, or the folder itself."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


def _read(top: Path, place: str) -> str:
    text = text_below(top, place).replace("\0", "\N{REPLACEMENT CHARACTER}")
    if not text or len(text.encode()) > LARGEST:
        note(f"fixby: {printable(top / place)} is empty, larger than 3 MB, or no file: it says nothing of owners.")
        return ""
    mistakes = parse(text).mistakes
    for mistake in mistakes[:_SHOWN]:
        note(f"fixby: {place}:{mistake.line}: {safe(mistake.problem)}; the line counts for nothing.")
    if len(mistakes) > _SHOWN:
        note(f"fixby: {place}: {len(mistakes) - _SHOWN} more lines count for nothing.")
    return text


_SHOWN = 10
