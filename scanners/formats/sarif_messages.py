"""The messages of SARIF: by id and with arguments, with links in them, and the ways that data take."""

import re
from collections.abc import Iterable, Iterator

from fixby.finding import Location, Step
from fixby.scanners.formats.fields import optional_child, optional_each
from fixby.scanners.formats.sarif_places import Places
from fixby.scanners.formats.sarif_rules import Rules
from fixby.scanners.formats.wording import prose
from fixby.scanners.report import Record, child, has, optional_text, texts


def message(result: Record, rules: Rules, rule: Record) -> str:
    """A message in plain text: the report's, or that of its id, with the arguments in their places (3.11)."""
    given = optional_child(result, "message")
    named = rules.message_string(rule, optional_text(given, "id")) if has(given, "id") else {}
    words = next(filter(None, (optional_text(one, key) for key in ("text", "markdown") for one in (given, named))), "")
    arguments = texts(given, "arguments") if has(given, "arguments") else ()
    return _LINK.sub(_label, _filled(words, arguments) if arguments else words)


def spoken_message(given: Record, descriptor: Record) -> str:
    """A message of its own words, or of an id of its descriptor's, with the arguments in their places."""
    table = optional_child(descriptor, "messageStrings")
    named = optional_child(table, optional_text(given, "id")) if has(given, "id") else {}
    words = next(filter(None, (optional_text(one, key) for key in ("text", "markdown") for one in (given, named))), "")
    arguments = texts(given, "arguments") if has(given, "arguments") else ()
    return _filled(words, arguments) if arguments else words


def flows(result: Record, places: Places, *, credential: bool = False) -> list[list[Step]]:
    """The first ways that data take to where the result is; nothing is quoted of `credential`. Raises `ReportError`."""

    def step(row: Record) -> Step | None:
        return _step(row, places, credential=credential)

    ways = [
        optional_each(thread, "locations", step)
        for flow in optional_each(result, "codeFlows", lambda row: row)[:_FLOWS]
        for thread in optional_each(flow, "threadFlows", lambda row: row)[:_FLOWS]
    ]
    return [[one for one in way if one] for way in ways]


def spoken_flows(ways: Iterable[Iterable[Step]]) -> Iterator[str]:
    """The ways that data take, as one sentence each."""
    for way in ways:
        some = list(dict.fromkeys(_named(step.location) for step in way))
        if len(some) > 1:
            left = f" (and {len(some) - _STEPS} more)" if len(some) > _STEPS else ""
            yield f"The data go this way: {' -> '.join(some[:_STEPS])}{left}."


_FLOWS = 3
_STEPS = 20
_PLACEHOLDER = re.compile(r"\{(\d{1,3})\}|\{\{|\}\}")
_LINK = re.compile(r"(?<!\\)\[((?:[^\[\]\\]|\\.){1,500})\]\((?:\d{1,9}|sarif:[^)\s]{1,500})\)|\\([\[\]])")


def _filled(words: str, arguments: tuple[str, ...]) -> str:
    def put(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        return arguments[int(match[1])] if int(match[1]) < len(arguments) else match[0]

    return _PLACEHOLDER.sub(put, words)


def _label(match: re.Match[str]) -> str:
    """The text of a link to a place in the report itself; a bracket that is meant as one."""
    return match[2] or match[1].replace("\\", "")


def _step(step: Record, places: Places, *, credential: bool) -> Step | None:
    """A place with what its message says, if that is plain text."""
    if not has(step, "location"):
        return None
    place = child(step, "location")
    at, words = places.at(place), optional_text(optional_child(place, "message"), "text")
    return Step(at, " ".join(prose(words, credential=credential).split())[:_LONGEST_MESSAGE]) if at else None


_LONGEST_MESSAGE = 200


def _named(at: Location) -> str:
    return f"{at.path}:{at.line}" if at.line else at.path
