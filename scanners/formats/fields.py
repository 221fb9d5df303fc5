"""Fields of foreign reports, read as loudly as `fixby.scanners.report` reads those of ours, and lists at their top."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from fixby.errors import ReportError
from fixby.scanners.formats.format import Report
from fixby.scanners.report import (
    HINT,
    LINES,
    Record,
    as_record,
    child,
    document,
    each,
    has,
    items,
    number,
    quantity,
    text,
    texts,
)

T = TypeVar("T")

NOTHING_SAID = "the report is an empty list: it does not say what was looked at, nor by which tool"
"""Why a report that is `[]` is told as partial."""


def loaded(report: Report) -> object:
    """The JSON document that a report is. Raises `ReportError` with line and column where it is none."""
    found = report.json
    return document(report.content.removeprefix(b"\xef\xbb\xbf")) if found is None else found


def loaded_record(report: Report) -> Record:
    """The JSON object that a report is. Raises `ReportError` where it is anything else."""
    return as_record(loaded(report), "the top of the report")


def loaded_list(report: Report) -> list[object]:
    """The list that a report is, lists in it joined, as pages that were collected are. Raises `ReportError`."""
    found = loaded(report)
    if not isinstance(found, list):
        raise ReportError("expected a list at the top of the report", HINT)
    return [one for page in found for one in (page if isinstance(page, list) else [page])]


def first_record(report: Report) -> Record:
    """The first object of the list that a report is, or the report itself, or an empty one: to tell its format by."""
    found = report.json
    while isinstance(found, list) and found:
        found = found[0]
    return found if isinstance(found, dict) else {}


def each_of(values: list[object], read: Callable[[Record], T]) -> list[T]:
    """What `read` makes of every object of a list at the top. Raises `ReportError` with the position of a bad one."""
    return each({"report": values}, "report", read)


def each_line(report: Report, read: Callable[[Record], T]) -> Iterator[T]:
    """What `read` makes of the object on every line that is not blank. Raises `ReportError` with the line."""
    for position, line in enumerate(report.content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            try:
                yield read(as_record(document(line), "this line"))
            except ReportError as error:
                raise ReportError(f"line {position}: {error.message}", error.hint) from error


def grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    """What belongs to each name, names and things in their order."""
    found: dict[str, list[T]] = {}
    for name, one in pairs:
        found.setdefault(name, []).append(one)
    return found


def optional_child(record: Record, key: str) -> Record:
    """The object at `key`, or an empty one where there is none. Raises `ReportError` for anything else."""
    return {} if record.get(key) is None else child(record, key)


def optional_each(record: Record, key: str, read: Callable[[Record], T]) -> list[T]:
    """What `read` makes of every object of the list at `key`, if there is one. Raises `ReportError`."""
    return [] if record.get(key) is None else each(record, key, read)


def optional_items(record: Record, key: str) -> list[object]:
    """The list at `key`, or an empty one where there is none. Raises `ReportError` for anything else."""
    return [] if record.get(key) is None else items(record, key)


def optional_number(record: Record, key: str) -> int | None:
    """The whole number at `key`, or None where there is none. Raises `ReportError` for anything else."""
    return None if record.get(key) is None else number(record, key)


def words_at(record: Record, key: str) -> tuple[str, ...]:
    """The string or the strings at `key`, whichever the tool wrote, without empty ones."""
    value = record.get(key)
    return tuple(word for word in (value if isinstance(value, list) else [value]) if isinstance(word, str) and word)


def records(record: Record, key: str) -> list[Record]:
    """The objects of the list at `key`, none where there is no list. Raises `ReportError`."""
    return optional_each(record, key, lambda one: one)


def optional_texts(record: Record, key: str) -> tuple[str, ...]:
    """The strings of the list at `key`, none where there is no list. Raises `ReportError`."""
    return texts(record, key) if has(record, key) else ()


def optional_quantity(record: Record, key: str) -> float | None:
    """The number at `key`, or None. Raises `ReportError` for anything else."""
    return quantity(record, key) if has(record, key) else None


def optional_line(record: Record, key: str) -> int | None:
    """The line at `key`, counted from 1; None for none, and for what numbers no line. Raises `ReportError`."""
    found = optional_quantity(record, key) or 0
    return int(found) if 1 <= found < LINES else None


def word(record: Record, *keys: str) -> str:
    """The first string that stands at one of the keys and is not empty, or an empty one. Raises `ReportError`."""
    for key in keys:
        found = record.get(key)
        if found is not None and (said := found if isinstance(found, str) else text(record, key)):
            return said
    return ""
