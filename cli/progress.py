"""What is running, since when, and what is done: on a terminal as it happens, in a log a line each."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from fixby.cli.output import note

if TYPE_CHECKING:
    from fixby.scanners.scanner import Finished

OnEvent = Callable[[str, "Finished | None"], None]


@contextmanager
def progress() -> Iterator[OnEvent]:
    """Something to call when a process of a scanner starts and when it ends; it shows that on standard error."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _display() as on_event:
            yield on_event
    else:
        yield _log()


def _log() -> OnEvent:
    lock = Lock()

    def on_event(scanner: str, finished: "Finished | None") -> None:
        with lock:
            note(f"{scanner}: {_told(finished)}")

    return on_event


@contextmanager
def _display() -> Iterator[OnEvent]:
    from rich.console import Console  # noqa: PLC0415 - a tenth of a second, which only a terminal is worth
    from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    tasks: dict[str, TaskID] = {}
    running: Counter[str] = Counter()
    lock = Lock()
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:

        def on_event(scanner: str, finished: "Finished | None") -> None:
            with lock:
                running[scanner] += 1 if finished is None else -1
                if scanner not in tasks:
                    tasks[scanner] = display.add_task(scanner, total=None, note="")
                done = {"total": 1, "completed": 1} if not running[scanner] else {"total": None}
                display.update(tasks[scanner], note=_told(finished), **done)

        yield on_event


def _told(finished: "Finished | None") -> str:
    if finished is None:
        return "running"
    return finished.failure or f"done in {finished.seconds:.1f} s"
