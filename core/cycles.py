"""Work on many objects without the search for cycles among them, which takes up to half of its time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_search_for_cycles() -> Iterator[None]:
    """Nothing in the context makes a cycle, or not many; afterwards they are searched for as before.

    What was made meanwhile counts as old: it is not searched at once, which would take as long as was saved.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()
            gc.unfreeze()
