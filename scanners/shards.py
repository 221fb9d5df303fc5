"""Splitting the files of a scan over several processes that find together exactly what one would find."""

from collections.abc import Callable, Iterator, Mapping
from heapq import heapify, heapreplace

from fixby.scanners.scanner import Finished, Request

_ARGUMENT_BYTES = 500_000
"""Of one command line: a quarter of what Linux allows."""


def balanced(request: Request, cost: Callable[[int], int], worthwhile: int) -> list[tuple[str, ...]]:
    """The files of a request in groups of about equal cost, at most one for each core.

    `cost(bytes)` of a file is in milliseconds of a processor; there are fewer groups where each would cost less than
    `worthwhile`.
    """
    costs = {path: cost(request.target.files[path].size) for path in request.files}
    number = max(min(request.cores, sum(costs.values()) // worthwhile), 1)
    groups: list[tuple[int, int, list[str]]] = [(0, index, []) for index in range(number)]
    heapify(groups)
    for path in sorted(costs, key=lambda path: (-costs[path], path)):
        total, index, group = groups[0]
        group.append(path)
        heapreplace(groups, (total + costs[path], index, group))
    return [tuple(sorted(group)) for _, _, group in sorted(groups, key=lambda entry: entry[1]) if group]


def shards(request: Request, cost: Callable[[int], int], worthwhile: int) -> list[tuple[str, ...]]:
    """The groups of `balanced`, split further where the names of a group would not fit on a command line."""
    return [part for group in balanced(request, cost, worthwhile) for part in _fitting(request, group)]


def in_full(request: Request, files: tuple[str, ...]) -> tuple[str, ...]:
    """The files as absolute names, in their order."""
    root = str(request.target.root).rstrip("/")
    return tuple(f"{root}/{path}" for path in files)


def by_argument(finished: Finished) -> Mapping[str, str]:
    """The files of a command by the names that it was given for them, its last arguments."""
    files = finished.command.files
    return dict(zip(finished.command.arguments[-len(files) :], files, strict=True)) if files else {}


def _fitting(request: Request, group: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    first = size = 0
    for position, name in enumerate(in_full(request, group)):
        size += (length := len(name.encode("utf-8", "surrogateescape")) + 9)
        if size > _ARGUMENT_BYTES:
            yield group[first:position]
            first, size = position, length
    yield group[first:]
