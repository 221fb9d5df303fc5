"""`fixby headers --from`: verdicts on responses that were saved. Nothing is visited and nothing is stored."""

import sys
from collections.abc import Sequence
from pathlib import Path

from fixby.cli import place as here
from fixby.cli.headers_shown import Seen, Shape, told
from fixby.errors import UsageError
from fixby.headers import saved
from fixby.headers.judge import Look, judge


def run(files: Sequence[Path], urls: Sequence[str], shape: Shape) -> int:
    """Judge saved responses; what curl printed came from the URL, if one is given. Nothing is stored."""
    if len(urls) > 1:
        raise UsageError("With --from, one URL says where the response came from.", "Give one, or none.")
    now = here.now()
    judged = [
        judge(Look(visit), now) for file in files for visit in saved.visits(_read(file), str(file), *map(whole, urls))
    ]
    return told(Seen(judged, now), shape)


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error


def whole(url: str) -> str:
    """A URL; a name alone is one of https."""
    return url if "://" in url else f"https://{url}"
