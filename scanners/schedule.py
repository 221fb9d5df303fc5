"""Many processes on few cores, and none left behind when somebody asks us to end."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from fixby.errors import Interrupted
from fixby.scanners.process import LIMITS, Limits, run
from fixby.scanners.scanner import Command, Finished

Key = TypeVar("Key")


def run_all(
    work: Sequence[tuple[Key, Command]],
    cores: int,
    limits: Limits = LIMITS,
    on_event: Callable[[Key, Finished | None], None] = lambda _key, _finished: None,
) -> list[tuple[Key, Finished]]:
    """Run all commands, at most `cores` at once, dearest first; the results are in the order of `work`.

    A key is whatever the caller knows a command by, such as its scanner. `on_event(key, None)` tells that a process
    starts, `on_event(key, finished)` how it ended; it is called from the threads that wait for the processes.

    Raises `Interrupted` on Ctrl-C, SIGTERM or SIGHUP, and whatever `on_event` raises; by then every process has ended.
    The signals are heeded in the main thread only.
    """
    stops: list[object] = []

    def run_one(key: Key, command: Command) -> Finished:
        on_event(key, None)
        finished = run(command, limits, lambda: bool(stops))
        on_event(key, finished)
        return finished

    with _signals_noted_in(stops), ThreadPoolExecutor(max(cores, 1)) as pool:
        dearest_first = sorted(range(len(work)), key=lambda number: -work[number][1].cost)
        futures = {number: pool.submit(run_one, *work[number]) for number in dearest_first}
        try:
            results = [(key, futures[number].result()) for number, (key, _) in enumerate(work)]
        except BaseException as failure:
            stops.append(failure)
            raise
    if stops:
        raise Interrupted("The scan was interrupted.")
    return results


@contextmanager
def _signals_noted_in(stops: list[object]) -> Iterator[None]:
    """Signals that ask us to end are written down and nothing more, so that a second one cannot disturb the ending."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in asked if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda number, _frame: stops.append(number)) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
