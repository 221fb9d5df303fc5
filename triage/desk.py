"""What the screen works with, and the store behind it, asked in a thread of its own so that the screen never waits."""

from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fixby.errors import StoreError
from fixby.store.database import Database
from fixby.store.decisions import By

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where triage happens.

    `reading` opens the store to be read and `writing` to be written; `by` says who acts, and the UTC second it is;
    `until` reads the end of an acceptance as people write it, from a second on; `folder` is where the code lies, and
    `editor` the command that opens it, empty where nobody named one. `only_valid` hides sign-offs that are refused.
    """

    reading: Callable[[], Database]
    writing: Callable[[], AbstractContextManager[Database]]
    by: Callable[[], By]
    until: Callable[[str, int], int]
    folder: Path
    editor: str = ""
    only_valid: Callable[[Database], AbstractContextManager[object]] = nullcontext


class Access:
    """The store of a desk. It is locked only while something is read or decided. Every method raises `StoreError`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._thread = ThreadPoolExecutor(1, "store")
        self._opened: Database | None = None

    async def ask(self, question: Callable[[Database, int], Answer]) -> Answer:
        """What a question, asked of one committed state and the UTC second, is answered."""
        return await get_running_loop().run_in_executor(self._thread, self._asked, question)

    async def ask_anew(self, question: Callable[[Database, int], Answer]) -> Answer:
        """The same over a new connection, for which the store must still be there."""
        await get_running_loop().run_in_executor(self._thread, self._close)
        return await self.ask(question)

    async def decide(self, decision: Callable[[Database, By], Answer]) -> Answer:
        """What comes of a decision. Raises `UsageError` where it is not allowed."""
        return await get_running_loop().run_in_executor(self._thread, self._decided, decision)

    def close(self) -> None:
        """Give the store back, once nothing is read any more."""
        self._thread.submit(self._close)
        self._thread.shutdown()

    def _asked(self, question: Callable[[Database, int], Answer]) -> Answer:
        try:
            self._opened = self._opened or self._desk.reading()
            with self._desk.only_valid(self._opened), self._opened.reading():
                return question(self._opened, self._desk.by().now)
        except StoreError:
            self._close()
            raise

    def _decided(self, decision: Callable[[Database, By], Answer]) -> Answer:
        """Opened for reading first: a store that is gone would be made anew, and empty."""
        self._desk.reading().close()
        with self._desk.writing() as database:
            return decision(database, self._desk.by())

    def _close(self) -> None:
        if self._opened is not None:
            with suppress(StoreError):
                self._opened.close()
        self._opened = None
