"""Many processes on few cores, and none left behind when somebody asks us to end."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from queue import PriorityQueue
from typing import TypeVar

from fixby.errors import Interrupted
from fixby.scanners.process import LIMITS, Limits, run
from fixby.scanners.scanner import Command, Finished

Key = TypeVar("Key")


def run_all(
    work: Iterable[tuple[Key, Command]],
    cores: int,
    limits: Limits = LIMITS,
    on_event: Callable[[Key, Finished | None], None] = lambda _key, _finished: None,
) -> Iterator[tuple[Key, Finished]]:
    """Run commands from the moment that `work` gives them, at most `cores` at once, and yield them as they end.

    Of those that wait the dearest starts first. A key is whatever the caller knows a command by, such as its scanner.
    `on_event(key, None)` tells that a process starts, `on_event(key, finished)` how it ended; it is called from the
    threads that wait for the processes.

    Raises `Interrupted` on Ctrl-C, SIGTERM or SIGHUP, and whatever `work` and `on_event` raise; by then every process
    has ended. The signals are heeded in the main thread only.
    """
    stops: list[object] = []
    given: list[tuple[Key, Command]] = []
    waiting: PriorityQueue[tuple[int, int]] = PriorityQueue()

    def run_dearest() -> tuple[Key, Finished]:
        key, command = given[waiting.get_nowait()[1]]
        on_event(key, None)
        finished = run(command, limits, lambda: bool(stops))
        on_event(key, finished)
        return key, finished

    with _signals_noted_in(stops), ThreadPoolExecutor(max(cores, 1)) as pool:
        try:
            futures = []
            for number, (key, command) in enumerate(work):
                given.append((key, command))
                waiting.put((-command.cost, number))
                futures.append(pool.submit(run_dearest))
            yield from (future.result() for future in as_completed(futures))
        except BaseException as failure:
            stops.append(failure)
            raise
    if stops:
        raise Interrupted("The scan was interrupted.")


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
