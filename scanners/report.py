"""Reading a scanner's JSON report loudly: what the format promises is there, or an error says where it is not.

An adapter takes `root(report)` and asks its records for fields by name and type; `each` reads a list of records and
puts the position before whatever goes wrong inside: `results[3]: expected a string at `test_id`, found null`.
"""

import json
from collections.abc import Callable, Iterator
from typing import NoReturn, TypeVar, cast

import orjson

from fixby.errors import ReportError
from fixby.redaction import redacted
from fixby.scanners.scanner import Finished

T = TypeVar("T")

Record = dict[str, object]
"""A JSON object of a report."""

HINT = "Run the scanner again; if its report stays like this, its version is not one that Fixby knows."


def document(report: bytes) -> object:
    """The JSON document of a report; bytes that are no UTF-8 (file names) become surrogate escapes.

    Raises `ReportError` with line and column where it is empty, damaged or cut short.
    """
    if not report.strip():
        raise ReportError("the report is empty: expected a JSON document", HINT)
    try:
        parsed: object = orjson.loads(report)
    except orjson.JSONDecodeError as error:
        if "surrogate" in error.msg:
            return _document_with_strange_names(report)
        place = f"line {error.lineno}, column {error.colno}"
        raise ReportError(f"the report is no JSON: {error.msg} ({place})", HINT) from error
    return parsed


def root(report: bytes) -> Record:
    """The JSON object that a report is. Raises `ReportError` where it is anything else."""
    return as_record(document(report), "the top of the report")


def no_report(tool: str, finished: Finished) -> ReportError:
    """The error for a process that ended and left nothing to read, with its last words."""
    words = finished.errors.strip().splitlines()
    said = f": {redacted(words[-1])}" if words else ""
    return ReportError(f"{tool} ended with exit code {finished.exit_code} and without a result{said}", HINT)


def each(record: Record, key: str, read: Callable[[Record], T]) -> list[T]:
    """What `read` makes of every object of the list at `key`. Raises `ReportError` with the position of a bad one."""
    return list(_read_each(items(record, key), key, read))


def items(record: Record, key: str) -> list[object]:
    """The list at `key`. Raises `ReportError` where there is none."""
    value = record.get(key, _ABSENT)
    return value if isinstance(value, list) else _expected("a list", key, value)


def child(record: Record, key: str) -> Record:
    """The object at `key`. Raises `ReportError` where there is none."""
    return as_record(record.get(key, _ABSENT), f"`{key}`")


def as_record(value: object, place: str) -> Record:
    """The value as an object. Raises `ReportError` naming the place where it is none."""
    if isinstance(value, dict):
        return value
    raise ReportError(f"expected an object at {place}, found {_shown(value)}", HINT)


def text(record: Record, key: str) -> str:
    """The string at `key`. Raises `ReportError` where there is none."""
    value = record.get(key, _ABSENT)
    return value if isinstance(value, str) else _expected("a string", key, value)


def required_text(record: Record, key: str) -> str:
    """The string at `key`, which must not be empty. Raises `ReportError`."""
    found = text(record, key)
    if not found.strip():
        raise ReportError(f"expected a string at `{key}`, found an empty one", HINT)
    return found


def number(record: Record, key: str) -> int:
    """The whole number at `key`. Raises `ReportError` where there is none."""
    value = record.get(key, _ABSENT)
    return value if isinstance(value, int) and not isinstance(value, bool) else _expected("a whole number", key, value)


def line_of(record: Record, key: str) -> int:
    """The line at `key`, counted from 1. Raises `ReportError` where there is none, or none that a file can have."""
    found = number(record, key)
    return found if 1 <= found < LINES else _expected("a line", key, found)


LINES = 2**31
"""More lines than any file has."""


def quantity(record: Record, key: str) -> float:
    """A number of that key, whole or not. Raises `ReportError`."""
    value = record.get(key, _ABSENT)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return _expected("a number", key, value)


def texts(record: Record, key: str) -> tuple[str, ...]:
    """The list of strings at `key`. Raises `ReportError` where there is none or it holds anything else."""
    values = items(record, key)
    if not {str}.issuperset(map(type, values)):
        _expected("a list of strings", key, values)
    return cast("tuple[str, ...]", tuple(values))


def numbers(record: Record, key: str) -> tuple[int, ...]:
    """The list of whole numbers at `key`. Raises `ReportError` where there is none or it holds anything else."""
    values = items(record, key)
    found = tuple(value for value in values if isinstance(value, int))
    return found if len(found) == len(values) else _expected("a list of whole numbers", key, values)


def has(record: Record, key: str) -> bool:
    """Whether an optional field is there and not null."""
    return record.get(key) is not None


def optional_text(record: Record, key: str) -> str:
    """The string at `key`, or an empty one where there is none. Raises `ReportError` for anything else."""
    value = record.get(key)
    if isinstance(value, str):
        return value
    return "" if value is None else text(record, key)


def printable(words: str) -> str:
    """The text, cut where it is longer than people read, with a question mark for what is no character."""
    some = words if len(words) <= _READABLE else f"{words[:_READABLE]} [...]"
    return some if some.isascii() else some.encode("utf-8", "replace").decode()


_READABLE = 20_000


_ABSENT = object()


def _document_with_strange_names(report: bytes) -> object:
    try:
        parsed: object = json.loads(report.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise ReportError(f"the report is no JSON: {error}", HINT) from error
    return parsed


def _read_each(values: list[object], key: str, read: Callable[[Record], T]) -> Iterator[T]:
    for position, value in enumerate(values):
        try:
            yield read(as_record(value, "this position"))
        except ReportError as error:
            raise ReportError(f"{key}[{position}]: {error.message}", error.hint) from error


def _expected(what: str, key: str, found: object) -> NoReturn:
    raise ReportError(f"expected {what} at `{key}`, found {_shown(found)}", HINT)


def _shown(value: object) -> str:
    """The kind of a value, never the value: it may be a secret."""
    if value is _ABSENT:
        return "nothing"
    return _KINDS.get(type(value), "something else")


_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}
