"""The screen of `fixby triage`: the queue on top, the current finding below it, and the keys that act on them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.widgets import Input, Static

from fixby.errors import FixbyError
from fixby.query import Term, parse
from fixby.reports.plain import ID_LENGTH, safe
from fixby.store import queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.log import head
from fixby.tracked import TrackedFinding
from fixby.triage.deciding import CHOICES, decide, undo
from fixby.triage.desk import Access, Desk
from fixby.triage.detail import Detail, detail, page
from fixby.triage.editor import edit, opening
from fixby.triage.forms import Form, Help
from fixby.triage.keys import HINT, KEYS
from fixby.triage.listing import Listing
from fixby.triage.pane import Pane
from fixby.triage.undo import Done, Step


class Triage(App[None]):
    """Findings by due date, one of them in full, and what is decided of them."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key.keys, key.action, priority=True) for key in KEYS),
        Binding("ctrl+c", "leave", priority=True),
    ]
    CSS = """
    Screen { background: ansi_default; color: ansi_default; }
    #state, #keys, #asked { height: 1; }
    #asked Static { width: 7; }
    #query { width: 1fr; }
    #said { height: auto; min-height: 1; max-height: 3; }
    #state, #keys { text-style: bold; }
    #queue { height: 2fr; border-bottom: solid ansi_default; }
    #detail { height: 3fr; }
    #queue, #detail { overflow-x: hidden; overflow-y: scroll; }
    #queue, #detail, .window { scrollbar-size-vertical: 1; }
    Input, Input:focus { background: ansi_default; color: ansi_default; }
    .input--cursor, .input--selection { text-style: reverse; }
    ModalScreen { align: center middle; background: ansi_default; }
    .window { width: 76; max-width: 100%; height: auto; max-height: 100%; border: solid ansi_default; padding: 0 1; }
    .window Input, .window Input:focus { border-left: solid ansi_default; padding-left: 1; }
    .about { margin-bottom: 1; }
    """

    def __init__(self, desk: Desk, query: str = "is:open") -> None:
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self._desk, self._store = desk, Access(desk)
        self._asked = query
        self._query: Sequence[Term] = parse(query)
        self._seen = 0
        self._done: list[Done] = []
        self._shown: Detail | None = None
        self._is_stale = False

    def compose(self) -> ComposeResult:
        """One line of state, the query, the queue, the finding, what was said last, the keys."""
        yield Static(id="state")
        with Horizontal(id="asked"):
            yield Static("query:")
            yield Input(self._asked, id="query", compact=True, select_on_focus=False)
        yield Listing(id="queue")
        yield Pane(id="detail")
        yield Static(id="said")
        yield Static(Text(HINT, no_wrap=True, overflow="ellipsis"), id="keys")

    def on_mount(self) -> None:
        """Read the queue, and look now and then whether the store has changed."""
        self._listing.focus()
        self._load()
        self.set_interval(_SECONDS_BETWEEN_LOOKS, self._look)

    def on_unmount(self) -> None:
        """Give the store back."""
        self._store.close()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The query as it is typed: one that is wrong leaves the last result."""
        if event.input.id == "query" and event.value != self._asked:
            self._asked = event.value
            with self._telling():
                self._filter(parse(event.value))

    def on_input_submitted(self) -> None:
        """Back to the queue, with the query that was typed."""
        self._listing.focus()

    def key_escape(self) -> None:
        """Back to the queue."""
        self._listing.focus()

    def on_listing_moved(self, event: Listing.Moved) -> None:
        """Show the finding that is current now."""
        self._tell_state()
        self._detail(event.id)

    def on_listing_wanted(self, event: Listing.Wanted) -> None:
        """Read what came into view."""
        self._read(event.ids)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Our keys act before any widget sees them, in the order in which they were typed, however fast they come.

        Not over a window, and not while a query is typed.
        """
        if action not in _ACTIONS:
            return super().check_action(action, parameters)
        return len(self.screen_stack) == 1 and (action == "leave" or not isinstance(self.focused, Input))

    def action_move(self, by: int) -> None:
        """Go down or up some findings."""
        self._listing.move(by)

    def action_page(self, by: int) -> None:
        """Go down or up a screenful."""
        self._listing.move_page(by)

    def action_first(self) -> None:
        """Go to what is due first."""
        self._listing.move_to(0)

    def action_last(self) -> None:
        """Go to what is due last."""
        self._listing.move_to(-1)

    def action_leave(self) -> None:
        """End."""
        self.exit()

    def action_filter(self) -> None:
        """Change the query."""
        self.screen.set_focus(self.query_one("#query"))

    def action_mark(self) -> None:
        """Mark the current finding."""
        self._listing.mark()

    def action_mark_all(self) -> None:
        """Mark all findings."""
        self._listing.mark_all()

    def action_scroll_detail(self, by: int) -> None:
        """Scroll the finding."""
        self.query_one(Pane).scroll_page(by)

    def action_reload(self) -> None:
        """Read the store again."""
        self._load()

    def action_help(self) -> None:
        """Say what the keys do."""
        self.push_screen(Help())

    def action_decide(self, name: str) -> None:
        """Ask for what a decision needs, and decide of all that is marked, else of the current finding."""
        ids = self._chosen()
        if ids:
            answers = {"assignee": self._desk.by().actor, "owner": self._desk.by().actor}
            self.push_screen(
                Form(CHOICES[name], self._about(ids), answers, partial(self._decided, name, ids)), self._said
            )

    @work(group="decision")
    async def action_undo(self) -> None:
        """Undo the last decision that was made here; one that cannot be undone stays the last."""
        if not self._done:
            self._say("Nothing was decided here that could be undone.")
            return
        last = self._done.pop()
        with self._telling(at_fault=lambda: self._done.append(last)):
            self._said(await self._store.decide(partial(_undone, last, self._desk)))

    def action_edit(self) -> None:
        """Open the current finding in the editor."""
        with self._telling():
            self._edit()

    def _edit(self) -> None:
        if self._shown is None or self._shown.finding.id != self._listing.current:
            return
        for location in self._shown.finding.finding.locations[:1]:
            command = opening(self._desk.editor, self._desk.folder, location)
            with self.suspend():
                wrong = edit(command)
            self._say(wrong)

    @contextmanager
    def _telling(self, at_fault: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Say on the screen what goes wrong; an answer that comes while the screen is taken down is for nobody."""
        try:
            with suppress(NoMatches):
                yield
        except FixbyError as error:
            at_fault()
            with suppress(NoMatches):
                self._say(f"{error.message} {error.hint}")

    async def _decided(self, name: str, ids: tuple[str, ...], answers: Mapping[str, str]) -> str:
        done, said = await self._store.decide(partial(_decided, Step(name, ids, answers), self._desk))
        self._done.append(done)
        self._listing.marked.clear()
        return f"{_named(ids)}: {said}"

    def _said(self, said: str | None) -> None:
        """What came of a window: nothing, or words and another state of the store."""
        if said:
            self._say(said)
            self._load(said)

    @work(group="queue", exclusive=True)
    async def _load(self, said: str = "") -> None:
        """Read the queue from a store that is still there."""
        with self._telling():
            ids, self._seen = await self._store.ask_anew(partial(_queue, self._query))
            self._queue(ids, said)

    @work(group="queue", exclusive=True)
    async def _filter(self, query: Sequence[Term]) -> None:
        with self._telling():
            ids, self._seen = await self._store.ask(partial(_queue, query))
            self._query = query
            self._queue(ids)

    def _queue(self, ids: Sequence[str], said: str = "") -> None:
        self._is_stale = False
        self._say(said)
        self._listing.queue(ids)

    @work(group="look", exclusive=True)
    async def _look(self) -> None:
        """Whether something happened that is not seen yet."""
        with self._telling():
            is_stale = await self._store.ask(_last_event) != self._seen
            if self._is_stale != is_stale:
                self._is_stale = is_stale
                self._tell_state()

    @work(group="page")
    async def _read(self, ids: Sequence[str]) -> None:
        with self._telling():
            self._listing.tell(*await self._store.ask(partial(_page, ids)))

    @work(group="detail", exclusive=True)
    async def _detail(self, id_: str | None) -> None:
        self._shown = None
        with self._telling():
            pane = self.screen_stack[0].query_one(Pane)
            if id_ is None:
                pane.show(Text("No finding is selected."))
                return
            self._shown = await self._store.ask(partial(_detail, id_, self._desk.folder))
            pane.show(page(self._shown))

    @property
    def _listing(self) -> Listing:
        return self.screen_stack[0].query_one(Listing)

    def _chosen(self) -> tuple[str, ...]:
        """The findings that a decision is of, in the order of the queue."""
        listing = self._listing
        if listing.marked:
            return tuple(id_ for id_ in listing.ids if id_ in listing.marked)
        return (listing.current,) if listing.current else ()

    def _about(self, ids: Sequence[str]) -> str:
        if self._shown is None or ids != (self._shown.finding.id,):
            return _named(ids)
        return f"{_named(ids)}  {self._shown.finding.finding.rule.title}"[:200]

    def _say(self, text: str) -> None:
        self.screen_stack[0].query_one("#said", Static).update(Text(safe(text)))

    def _tell_state(self) -> None:
        listing = self._listing
        at = f"{listing.cursor + 1} of {len(listing.ids):,}" if listing.ids else "no finding"
        marked = f" | {len(listing.marked):,} marked" if listing.marked else ""
        stale = " | the store has changed: r" if self._is_stale else ""
        state = Text(f"fixby triage | {at} by due date{marked}{stale}", no_wrap=True, overflow="ellipsis")
        self.screen_stack[0].query_one("#state", Static).update(state, layout=False)


_SECONDS_BETWEEN_LOOKS = 3.0
_ACTIONS = frozenset({"leave", *(key.action.partition("(")[0] for key in KEYS)})


def _named(ids: Sequence[str]) -> str:
    return ids[0][:ID_LENGTH] if len(ids) == 1 else f"{len(ids):,} findings"


def _queue(query: Sequence[Term], database: Database, now: int) -> tuple[list[str], int]:
    return queries.queue(database, query, now), head(database).seq


def _last_event(database: Database, _: int) -> int:
    return head(database).seq


def _page(ids: Sequence[str], database: Database, now: int) -> tuple[list[TrackedFinding], int]:
    return queries.findings(database, [Term("id", tuple(ids))], now), now


def _detail(id_: str, folder: Path, database: Database, now: int) -> Detail:
    return detail(database, id_, folder, now)


def _decided(step: Step, desk: Desk, database: Database, by: By) -> tuple[Done, str]:
    return decide(step, database, by, desk.until)


def _undone(done: Done, desk: Desk, database: Database, by: By) -> str:
    return undo(done, database, by, desk.until)
