"""Splitting the files of a scan over several processes that find together exactly what one would find."""

from collections.abc import Callable, Iterator, Mapping
from heapq import heapify, heapreplace

from fixby.scanners.scanner import Finished, Request

_ARGUMENT_BYTES = 500_000
"""Of one command line: a quarter of what Linux allows."""


def shards(request: Request, cost: Callable[[str, int], int], worthwhile: int) -> list[tuple[str, ...]]:
    """The files of a request in groups of about equal cost, one for each core.

    `cost(path, bytes)` is in milliseconds of a processor; fewer groups are made where each would cost less than
    `worthwhile`, and more where the names of a group would not fit on a command line.
    """
    costs = {path: cost(path, request.target.files[path].size) for path in request.files}
    number = max(min(request.cores, sum(costs.values()) // worthwhile), 1)
    return [part for group in _balanced(costs, number) for part in _fitting(request, group)]


def in_full(request: Request, files: tuple[str, ...]) -> tuple[str, ...]:
    """The files as absolute names, in their order."""
    return tuple(f"{request.target.root}/{path}" for path in files)


def by_argument(finished: Finished) -> Mapping[str, str]:
    """The files of a command by the names that it was given for them, its last arguments."""
    files = finished.command.files
    return dict(zip(finished.command.arguments[-len(files) :], files, strict=True)) if files else {}


def _balanced(costs: Mapping[str, int], number: int) -> list[tuple[str, ...]]:
    """Dearest first, each to the group that has the least."""
    groups: list[tuple[int, int, list[str]]] = [(0, index, []) for index in range(number)]
    heapify(groups)
    for path in sorted(costs, key=lambda path: (-costs[path], path)):
        total, index, group = groups[0]
        group.append(path)
        heapreplace(groups, (total + costs[path], index, group))
    return [tuple(sorted(group)) for _, _, group in sorted(groups, key=lambda entry: entry[1]) if group]


def _fitting(request: Request, group: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    part: list[str] = []
    size = 0
    prefix = len(str(request.target.root).encode("utf-8", "surrogateescape")) + 10
    for path in group:
        length = prefix + len(path.encode("utf-8", "surrogateescape"))
        if part and size + length > _ARGUMENT_BYTES:
            yield tuple(part)
            part, size = [], 0
        part.append(path)
        size += length
    yield tuple(part)
