"""The policy that says how long a finding may stay open, read from TOML. `default.toml` is a complete example."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from fixby.policies.document import Table, document, read_text, text
from fixby.severity import LEVELS, Severity
from fixby.sla.clock import Terms
from fixby.sla.duration import HINT, duration


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy in force.

    `regression_window` is for how many seconds after it was fixed a finding that comes back is the old one. `digest`
    stands for all that the policy says; `source` is where it was read from.
    """

    name: str
    terms: Terms
    regression_window: int
    digest: str
    source: str


def shipped() -> Policy:
    """The policy that is in force where nobody configured one."""
    return load(Path(__file__).with_name("default.toml"))


def load(file: Path) -> Policy:
    """The policy in a file. Raises `ConfigurationError` as `parse` does, or where the file cannot be read."""
    return parse(read_text(file), str(file))


def parse(toml: str, source: str) -> Policy:
    """The policy in a TOML text that errors call `source`.

    Raises `ConfigurationError` with line, key and mend for whatever is missing, unknown or makes no sense.
    """
    top = document(toml, source)
    top.demand_only("name", "sla")
    sla = top.table("sla")
    sla.demand_only("unknown_as", "due_soon", "regression", "windows")
    terms = Terms(
        windows=_windows(sla.table("windows")),
        unknown_as=sla.read("unknown_as", _level, f"Write one of {', '.join(LEVELS)}."),
        due_soon_percent=sla.read("due_soon", _percent, 'Write a share such as "25%".'),
    )
    return Policy(
        name=top.read("name", text, 'Write name = "..." for reports and errors.'),
        terms=terms,
        regression_window=sla.read("regression", _duration, HINT),
        digest=top.digest(),
        source=source,
    )


def _windows(table: Table) -> Mapping[Severity, int]:
    """The windows of the levels that have one. A worse severity must not have more time than a milder one."""
    table.demand_only(*reversed(LEVELS))
    windows = {level: table.read(level, _window, f'{HINT} Or write "none".') for level in LEVELS}
    for milder, worse in pairwise(LEVELS):
        if (windows[worse] or _FOREVER) > (windows[milder] or _FOREVER):
            hint = f"A worse severity never has more time: shorten {worse} or lengthen {milder}."
            raise table.error(worse, f"allows more time than {milder}", hint)
    return {level: window for level, window in windows.items() if window is not None}


_FOREVER = float("inf")


def _window(value: object) -> int | None:
    return None if value == "none" else _duration(value)


def _duration(value: object) -> int:
    return duration(text(value))


def _level(value: object) -> Severity:
    level = text(value)
    if level not in LEVELS:
        raise ValueError(f"{value!r} is no known severity")
    return Severity(level)


def _percent(value: object) -> int:
    number, sign, rest = text(value).partition("%")
    if not (sign and not rest and number.isascii() and number.isdecimal() and int(number) <= 100):
        raise ValueError(f"{value!r} is no whole number from 0% to 100%")
    return int(number)
