"""All that is known of the current finding: its code, its advisory, its history, and why it is due when it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from textwrap import dedent

from rich.console import Group, RenderableType
from rich.text import Text

from fixby.finding import Finding, Location
from fixby.reports import explanation
from fixby.reports.plain import safe
from fixby.reports.terminal import finding_page, place
from fixby.store import queries
from fixby.store.database import Database
from fixby.store.explanation import Explained, explain
from fixby.tracked import HistoryEntry, TrackedFinding


@dataclass(frozen=True, slots=True)
class Detail:
    """A finding with its history and the explanation of its due date, as they were at `now`, a UTC second."""

    finding: TrackedFinding
    history: list[HistoryEntry]
    told: Explained
    now: int


def detail(database: Database, id_: str, now: int) -> Detail:
    """What the store knows of a finding. Raises `UsageError` where it knows none of this id."""
    return Detail(queries.finding(database, id_, now), queries.history(database, id_), explain(database, id_, now), now)


def page(shown: Detail) -> Group:
    """A finding as the screen shows it: the code first."""
    return Group(*_parts(shown))


def _parts(shown: Detail) -> Iterator[RenderableType]:
    tracked = shown.finding
    if tracked.finding.code:
        yield from _code(tracked.finding)
        yield ""
    without_code = replace(tracked, finding=replace(tracked.finding, code=""))
    yield from finding_page(without_code, shown.history, shown.now)
    yield ""
    yield from explanation.page(tracked, shown.told.explanation, shown.told.version, shown.now)


def _code(finding: Finding) -> Iterator[Text]:
    """The stored code, from which secrets were taken out; the line that the finding names bears a sign.

    Of a statement the code is all of it, and may begin above that line; it ends with the last line of the finding.
    """
    where = finding.locations[0] if finding.locations else Location("", 1)
    lines = dedent(finding.code.expandtabs(4)).splitlines()
    named = where.line or 1
    last = where.end_line or named + len(lines) - 1
    first = min(named, last - len(lines) + 1)
    yield Text(safe(place(where)) if where.path else "code", "bold")
    for number, line in enumerate(lines, start=first):
        is_named = number == named
        yield Text(f"{'>' if is_named else ' '}{number:>5}  {safe(line)}", "bold" if is_named else "")
