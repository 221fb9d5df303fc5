"""The queue on the screen: only the lines in view are drawn, and only their findings are asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from fixby.reports.plain import ID_LENGTH, safe
from fixby.reports.words import due, where
from fixby.severity import Severity
from fixby.sla.clock import Status
from fixby.tracked import TrackedFinding

Part = tuple[str, Style | None]
"""A text and its colours."""

PAGE = 64
"""How many findings are asked for at once."""


class Listing(ScrollView, can_focus=True):
    """Findings, a line each, of which one is current and some may be marked; asks for those that come into view."""

    @dataclass
    class Moved(Message):
        """Another finding is current, or none."""

        id: str | None

    @dataclass
    class Wanted(Message):
        """These findings came into view and are not known yet."""

        ids: Sequence[str]

    def __init__(self, *, id: str) -> None:  # noqa: A002 - as Textual calls it
        super().__init__(id=id)
        self.ids: Sequence[str] = ()
        self.marked: set[str] = set()
        self.cursor = 0
        self._known: dict[str, TrackedFinding] = {}
        self._wanted: set[int] = set()
        self._now = 0

    @property
    def current(self) -> str | None:
        """The id of the current finding, or None where there is none."""
        return self.ids[self.cursor] if self.ids else None

    def queue(self, ids: Sequence[str]) -> None:
        """Show other findings; the current one stays so where it is among them, else what took its place is."""
        at = self.cursor
        if self.current is not None and (not at < len(ids) or ids[at] != self.current):
            at = ids.index(self.current) if self.current in set(ids) else at
        self.ids = ids
        self.marked &= set(ids)
        self._forget()
        self.virtual_size = Size(0, len(ids))
        self._go(at)

    def tell(self, findings: Iterable[TrackedFinding], now: int) -> None:
        """Show what was wanted, as it is at `now`, a UTC second."""
        if len(self._known) > _MOST_KNOWN:
            self._forget()
        self._known |= {one.id: one for one in findings}
        self._now = now
        self.refresh()

    def mark(self) -> None:
        """Mark the current finding, or unmark it, and go on to the next."""
        if self.current is not None:
            self.marked ^= {self.current}
            self._go(self.cursor + 1)

    def mark_all(self) -> None:
        """Mark all findings of the queue, or none where all of them are."""
        self.marked = set() if len(self.marked) == len(self.ids) else set(self.ids)
        self._go(self.cursor)

    def move(self, by: int) -> None:
        """Go down some lines, or up."""
        self._go(self.cursor + by)

    def move_page(self, by: int) -> None:
        """Go down or up a screenful."""
        self._go(self.cursor + by * max(1, self.size.height - 1))

    def move_to(self, index: int) -> None:
        """Go to a line; the last one is -1."""
        self._go(index if index >= 0 else len(self.ids) + index)

    def on_click(self, event: Click) -> None:
        """Go to the line that was clicked."""
        self._go(event.y + self.scroll_offset.y)

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        index, width = y + self.scroll_offset.y, self.size.width
        if index >= len(self.ids):
            return Strip.blank(width, self.rich_style)
        is_current = index == self.cursor
        style = self.rich_style + Style(reverse=is_current and self.has_focus, bold=is_current)
        segments = [Segment(text, None if is_current else colours) for text, colours in self._parts(index, width)]
        return Strip(Segment.apply_style(segments, style)).crop_extend(0, width, style)

    def _parts(self, index: int, width: int) -> Iterable[Part]:
        id_ = self.ids[index]
        yield f"{'>' if index == self.cursor else ' '}{'*' if id_ in self.marked else ' '} ", None
        finding = self._known.get(id_)
        if finding is None:
            self._want(index // PAGE)
            yield id_[:ID_LENGTH], None
        else:
            yield from line(finding, self._now, width - 3)

    def _want(self, page: int) -> None:
        """Ask for a page once, and later: a message that is sent while drawing is the screen's and goes nowhere."""
        if page not in self._wanted:
            self._wanted.add(page)
            self.call_next(self._ask, self.ids[page * PAGE : (page + 1) * PAGE])

    def _ask(self, ids: Sequence[str]) -> None:
        self.post_message(self.Wanted(ids))

    def _forget(self) -> None:
        self._known.clear()
        self._wanted.clear()

    def _go(self, to: int) -> None:
        self.cursor = max(0, min(to, len(self.ids) - 1))
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False)
        self.refresh()
        self.post_message(self.Moved(self.current))


def line(finding: TrackedFinding, now: int, width: int) -> Iterable[Part]:
    """A finding in one line of `width` cells: until when, how severe, where, what."""
    yield set_cell_size(due(finding, now), 13), _STATUS_STYLES.get(finding.sla_status)
    severity = finding.finding.severity
    yield set_cell_size(severity, 9), _SEVERITY_STYLES.get(severity)
    rest = max(4, width - 22)
    place = _end(safe(where(finding.finding)[-_LONGEST:]), rest // 2 - 2)
    title = safe(finding.finding.rule.title[:_LONGEST])
    yield set_cell_size(place, rest // 2) + set_cell_size(title, rest - rest // 2), None


def _end(text: str, cells: int) -> str:
    """The end of a text that is too long: of a place it says more than the beginning."""
    while text and cell_len(text) > cells:
        text = f"…{text[max(2, len(text) - cells) :]}" if cells > 1 else ""
    return text


_MOST_KNOWN = 5_000
_LONGEST = 400

_STATUS_STYLES: dict[str, Style] = {
    Status.BREACHED: Style(color="red", bold=True),
    Status.DUE_SOON: Style(color="yellow"),
}
_SEVERITY_STYLES = {
    Severity.CRITICAL: Style(color="red", bold=True),
    Severity.HIGH: Style(color="red"),
    Severity.MEDIUM: Style(color="yellow"),
}
