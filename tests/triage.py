"""The screen of `fixby triage` as a user works with it, driven by keys."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from textual.pilot import Pilot

from fixby.cli.instants import later
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.opening import open_for_reading, open_for_writing
from fixby.triage.app import Triage
from fixby.triage.desk import Desk
from tests.stories import DAY

START = 1_800_000_000
NOW = START + DAY


@dataclass(slots=True)
class Clock:
    """Who sits at the desk, and when."""

    actor: str = "ada"
    now: int = NOW

    def by(self) -> By:
        return By(self.actor, self.now)


@dataclass(slots=True)
class Screen:
    """A screen that is shown, what is on it, and the keys."""

    app: Triage
    pilot: Pilot[None]
    store: str
    clock: Clock = field(default_factory=Clock)

    async def press(self, *keys: str) -> None:
        """Press keys one by one, and wait each time until nothing happens any more."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type a text."""
        names = {" ": "space", ":": "colon", "-": "minus", ",": "comma"}
        await self.pilot.press(*(names.get(character, character) for character in text))
        await self.settle()

    async def settle(self) -> None:
        """Wait until all that was begun is done and drawn."""
        for _ in range(500):
            await self.pilot.pause()
            if all(worker.is_finished for worker in self.app.workers):
                break
            await asyncio.sleep(0.005)
        await self.pilot.pause()

    @property
    def lines(self) -> list[str]:
        """What is on the screen, line by line."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.lines)


def shown(
    store: str,
    story: Callable[[Screen], Awaitable[None]],
    *,
    query: str = "is:open",
    size: tuple[int, int] = (80, 24),
    folder: Path = Path(),
    editor: str = "",
) -> None:
    """Show a store on a screen of so many columns and lines, and go through a story with it."""
    clock = Clock()

    @contextmanager
    def writing() -> Iterator[Database]:
        with closing(open_for_writing(store)) as database:
            yield database

    def until(text: str, now: int) -> int:
        return later(text, "until", now)

    async def told() -> None:
        app = Triage(Desk(lambda: open_for_reading(store), writing, clock.by, until, folder, editor), query)
        async with app.run_test(size=size) as pilot:
            screen = Screen(app, pilot, store, clock)
            await screen.settle()
            await story(screen)

    asyncio.run(told())
