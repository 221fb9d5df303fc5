"""All that is known of the current finding: its code, its advisory, its history, and why it is due when it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType

from fixby.excerpt import Excerpt
from fixby.reports import explanation
from fixby.reports.finding_page import Beside, finding_page
from fixby.scanners.surroundings import excerpt
from fixby.store import queries
from fixby.store.database import Database
from fixby.store.explanation import Explained, explain
from fixby.tracked import HistoryEntry, TrackedFinding


@dataclass(frozen=True, slots=True)
class Detail:
    """A finding with its code, its history and the explanation of its due date, as they were at `now`, a UTC second."""

    finding: TrackedFinding
    code: Excerpt | None
    history: list[HistoryEntry]
    told: Explained
    now: int


def detail(database: Database, id_: str, folder: Path, now: int) -> Detail:
    """What the store knows of a finding whose path is told from `folder`. Raises `UsageError` where it knows none."""
    finding = queries.finding(database, id_, now)
    code = excerpt(finding.finding, folder)
    return Detail(finding, code, queries.history(database, id_), explain(database, id_, now), now)


def page(shown: Detail) -> Group:
    """A finding as the screen shows it."""
    return Group(*_parts(shown))


def _parts(shown: Detail) -> Iterator[RenderableType]:
    yield from finding_page(shown.finding, shown.history, shown.now, Beside(shown.code))
    yield ""
    yield from explanation.page(shown.finding, shown.told.explanation, shown.told.version, shown.now)
