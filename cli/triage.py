"""`fixby triage`: opens the screen, and leaves the terminal as it was."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial

from fixby.cli import place as here
from fixby.cli.actor import actor
from fixby.cli.instants import later
from fixby.cli.place import Place, reading, writing
from fixby.errors import FixbyError, Interrupted, UsageError
from fixby.query import parse
from fixby.store.decisions import By
from fixby.store.opening import open_for_reading
from fixby.store.selection import condition
from fixby.store.sign_offs import only_valid
from fixby.triage.app import Triage
from fixby.triage.desk import Desk


def run(words: Sequence[str], place: Place) -> None:
    """Show the findings that a query selects on the full screen until the user leaves."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError("fixby triage needs a terminal.", "In a script use fixby list, fixby accept, fixby dismiss.")
    query, who = " ".join(words), actor(os.environ)
    condition(parse(query))
    with reading(place) as (database, found):
        here.note_other_policy(database, found)
    desk = Desk(
        reading=partial(open_for_reading, found.store),
        writing=partial(writing, found),
        by=lambda: By(who, here.now()),
        until=lambda text, now: later(text, "until", now),
        folder=found.root,
        editor=os.environ.get("VISUAL") or os.environ.get("EDITOR") or "",
        only_valid=partial(only_valid, check=here.checker(found)),
    )
    gc.enable()  # a screen may stay open for a day
    _show(Triage(desk, query))


def _show(screen: Triage) -> None:
    received = asyncio.run(_until_left(screen))
    if received:
        raise Interrupted(f"Interrupted by {signal.Signals(received[0]).name}; what was decided is stored.")
    if screen.return_code:
        raise FixbyError("The screen ended by an error of its own.", "Please report it with the lines above.")


async def _until_left(screen: Triage) -> list[int]:
    """Run the screen; the signals that ended it, if one did. Ctrl-C is a key here, or meant for the editor."""
    received: list[int] = []

    def leave(number: int) -> None:
        received.append(number)
        screen.exit()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, leave, number)
    await screen.run_async()
    return received
