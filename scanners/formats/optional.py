"""Fields that a report may leave out, or write as null: they read as empty, and as loudly as others if they are not."""

from collections.abc import Callable
from typing import TypeVar

from fixby.scanners.report import Record, child, each, has, quantity, text, texts

T = TypeVar("T")


def child_or_none(record: Record, key: str) -> Record:
    """The object at `key`, or an empty one. Raises `ReportError` for anything else."""
    return child(record, key) if has(record, key) else {}


def each_if_any(record: Record, key: str, read: Callable[[Record], T]) -> list[T]:
    """What `read` makes of every object of the list at `key`, of none where there is no list. Raises `ReportError`."""
    return each(record, key, read) if has(record, key) else []


def records(record: Record, key: str) -> list[Record]:
    """The objects of the list at `key`, none where there is no list. Raises `ReportError`."""
    return each_if_any(record, key, lambda one: one)


def texts_if_any(record: Record, key: str) -> tuple[str, ...]:
    """The strings of the list at `key`, none where there is no list. Raises `ReportError`."""
    return texts(record, key) if has(record, key) else ()


def quantity_or_none(record: Record, key: str) -> float | None:
    """The number at `key`, or None. Raises `ReportError` for anything else."""
    return quantity(record, key) if has(record, key) else None


def line_or_none(record: Record, key: str) -> int | None:
    """The line at `key`, counted from 1; None where there is none, or 0 stands for none. Raises `ReportError`."""
    return int(quantity_or_none(record, key) or 0) or None


def word(record: Record, *keys: str) -> str:
    """The first string that stands at one of the keys and is not empty, or an empty one. Raises `ReportError`."""
    for key in keys:
        found = record.get(key)
        if found is not None and (said := found if isinstance(found, str) else text(record, key)):
            return said
    return ""
