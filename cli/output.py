"""Standard output, where a reader that goes away early is no error."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType


def emit(text: str) -> None:
    """Print a text and a line's end."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(*renderables: "RenderableType") -> None:
    """Print what rich renders."""
    from fixby.reports.terminal import console  # noqa: PLC0415 - rich takes a tenth of a second

    screen = console()
    with screen.capture() as captured:
        for renderable in renderables:
            screen.print(renderable)
    emit(captured.get().rstrip("\n"))


def note(text: str) -> None:
    """Print a message to standard error."""
    print(text, file=sys.stderr, flush=True)
