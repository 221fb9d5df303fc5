"""Lengths of time as people write and read them."""

import re

HINT = "Write a whole number and a unit: m, h, d or w, as in 24h or 7d."
"""How a duration is written, for error messages."""


def duration(text: str) -> int:
    """The seconds of `24h`, `7d`, `90m` or `2w`. Raises `ValueError` for anything else, and beyond a hundred years."""
    written = _DURATION.fullmatch(text)
    if written is None:
        raise ValueError(f"{text!r} is not a duration")
    seconds = int(written["number"]) * _SECONDS[written["unit"]]
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"{text!r} is not between a minute and a hundred years")
    return seconds


def until(time_left: int) -> str:
    """A time left, in seconds, in words: `in 3 h`; a negative one: `2 d late`. The rest of a unit is left out."""
    return f"in {length(time_left)}" if time_left >= 0 else f"{length(-time_left)} late"


def length(seconds: int) -> str:
    """A length of time in the largest unit that goes into it at least twice: `47 h`, `2 d`, `100 s`."""
    for unit in ("d", "h", "min"):
        if seconds >= 2 * _SECONDS[unit]:
            return f"{seconds // _SECONDS[unit]} {unit}"
    return f"{seconds} s"


_SECONDS = {"m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_LONGEST = 36500 * _SECONDS["d"]
_DURATION = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>[mhdw])")
