"""Visiting URLs as a careful browser would: each hop with its headers as they were sent, or why there are none."""

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fixby.headers.adapter import Trust
from fixby.headers.connection import Halt
from fixby.headers.manner import Manner
from fixby.headers.response import Visit
from fixby.headers.visitor import MOST_AT_ONE_HOST, Turns, Visitor

MOST_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Wish:
    """A URL to visit, and how."""

    url: str
    how: Manner = field(default_factory=Manner)


def visit(url: str, how: Manner | None = None) -> Visit:
    """What a URL answers to GET, through its redirects, each of which is checked like the first.

    Connections that fail and 502, 503 and 504 are tried twice more, as long as there is time. An answer whose headers
    are complete is one, whatever became of its body: `Answer.cut` tells. Cookies that the site sets are sent back
    to it during the visit. Where TLS fails, the hop is asked once more without proof and without credentials.

    Raises `UsageError` where a file that the manner names cannot be read.
    """
    how = how or Manner()
    with Visitor(how, Trust.of(how), Halt(), Turns()) as visitor:
        return visitor.visit(url)


def visit_all(wishes: Sequence[Wish], on_visit: Callable[[Visit], None] = lambda _: None) -> list[Visit]:
    """The visits that were wished for, in that order: as many as eight at once, of which two to a host.

    Connections are used again for what has the same host and manner. `on_visit` hears of each visit as it ends, in the
    thread that made it.

    Raises what `visit` raises, `Interrupted` on Ctrl-C, SIGTERM or SIGHUP, and whatever `on_visit` raises; by then no
    visit goes on. The signals are heeded in the main thread only.
    """
    board, halt, turns = _Board(wishes), Halt(), Turns()
    trust = _trusts(wishes)
    found: dict[int, Visit] = {}

    def work() -> None:
        while task := board.begin():
            with Visitor(task.how, trust[task.how], halt, turns) as visitor:
                while (number := board.next(task)) is not None:
                    found[number] = visitor.visit(wishes[number].url)
                    on_visit(found[number])

    with _called_by_signals(halt), ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="visits") as threads:
        try:
            working = {threads.submit(work) for _ in range(min(MOST_AT_ONCE, len(wishes)))}
            while working:  # a signal that another thread was given is heeded when this one wakes up
                ended, working = wait(working, _TICK_SECONDS, FIRST_COMPLETED)
                for worker in ended:
                    worker.result()
        except BaseException:
            halt.call()
            raise
    halt.check()
    return [found[number] for number in range(len(wishes))]


_TICK_SECONDS = 0.1


@dataclass(slots=True)
class _Task:
    """The numbers of the wishes for one host that are still to be fulfilled in one manner, and who is at it."""

    how: Manner
    numbers: deque[int] = field(default_factory=deque)
    workers: int = 0


class _Board:
    """What is to be done: each host by one thread, and by a second one where no host is left without."""

    def __init__(self, wishes: Sequence[Wish]) -> None:
        self._lock = threading.Lock()
        tasks: dict[tuple[str, Manner], _Task] = {}
        for number, wish in enumerate(wishes):
            tasks.setdefault((_host(wish.url), wish.how), _Task(wish.how)).numbers.append(number)
        self._tasks = list(tasks.values())

    def begin(self) -> _Task | None:
        """A task that may have one more thread; the one with the most to do of those with the fewest."""
        with self._lock:
            some = [task for task in self._tasks if task.numbers and task.workers < MOST_AT_ONE_HOST]
            if not some:
                return None
            task = min(some, key=lambda task: (task.workers, -len(task.numbers)))
            task.workers += 1
            return task

    def next(self, task: _Task) -> int | None:
        """The next wish of a task; None if there is none, and the thread has left it."""
        with self._lock:
            if task.numbers:
                return task.numbers.popleft()
            task.workers -= 1
            return None


@contextmanager
def _called_by_signals(halt: Halt) -> Iterator[None]:
    """Signals that ask us to end call the halt and nothing more, so that a second one cannot disturb the ending."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in asked if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda _number, _frame: halt.call()) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _trusts(wishes: Sequence[Wish]) -> dict[Manner, Trust]:
    """Whom each manner trusts; what trusts the same shares it."""
    made: dict[object, Trust] = {}
    found: dict[Manner, Trust] = {}
    for how in {wish.how for wish in wishes}:
        key = (how.ca_file, how.client, how.http2)
        made[key] = found[how] = made.get(key) or Trust.of(how)
    return found
