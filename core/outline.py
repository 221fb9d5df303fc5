"""The lines of a file without their words: enough to tell which line of one version became which of another."""

import struct
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from zlib import crc32

BLANK = 0
"""The number of a line that holds nothing but white space."""


def outline(text: str) -> bytes:
    """Four bytes a line: the CRC-32, little-endian, of the line's UTF-8 without white space."""
    numbers = [crc32("".join(line.split()).encode("utf-8", "replace")) for line in text.split("\n")]
    return struct.pack(f"<{len(numbers)}I", *numbers)


@lru_cache(maxsize=512)
def lines(some: bytes) -> tuple[int, ...]:
    """The numbers of an outline, one a line."""
    return struct.unpack(f"<{len(some) // 4}I", some)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that go on as they were: the first and the last in either version, from 1."""

    before: int
    before_last: int
    now: int
    now_last: int


@dataclass(frozen=True, slots=True)
class LineMap:
    """Which lines of one version are which of another: the blocks that are in both, in order."""

    blocks: Sequence[Block]

    def get(self, line: int) -> int | None:
        """Where a line of the first version stands in the second, or None where it was changed or removed."""
        at = bisect_left(self.blocks, line, key=_before_last)
        found = at < len(self.blocks) and self.blocks[at].before <= line
        return line + self.blocks[at].now - self.blocks[at].before if found else None

    def gap(self, line: int) -> tuple[int, int]:
        """Between which lines of the second version a line of the first would stand that is not in it as it was."""
        at = bisect_left(self.blocks, line, key=_before_last)
        after = self.blocks[at].now if at < len(self.blocks) else sys.maxsize
        return (self.blocks[at - 1].now_last if at else 0, after)


_before_last = attrgetter("before_last")


@lru_cache(maxsize=4096)
def line_map(before: bytes, now: bytes) -> LineMap:
    """How the lines of one outline became those of another.

    After the lines with which both begin and end, lines that stand once in either version come first, as many as keep
    their order; between them the longest common subsequence counts (a patience diff). A beginning ends, and an end
    begins, with a line that stands once, so that like blocks that changed places are not torn.
    """
    old, new = lines(before), lines(now)
    once = _once(old) & _once(new)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    if head + tail < len(old) or head + tail < len(new):
        head = max((at + 1 for at in range(head) if old[at] in once), default=0)
        tail = max((at for at in range(1, tail + 1) if old[-at] in once), default=0)
    middle = _matched(_written(old, head, len(old) - tail), _written(new, head, len(new) - tail))
    blocks = _blocks(middle)
    if head:
        blocks.insert(0, Block(1, head, 1, head))
    if tail:
        blocks.append(Block(len(old) - tail + 1, len(old), len(new) - tail + 1, len(new)))
    return LineMap(blocks)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many lines both begin with."""
    same = (index for index, (this, that) in enumerate(zip(one, other, strict=False)) if this != that)
    return next(same, min(len(one), len(other)))


def _blocks(pairs: Iterable[tuple[int, int]]) -> list[Block]:
    """The blocks that pairs of lines make."""
    found: list[Block] = []
    for before, now in pairs:
        last = found[-1] if found else None
        if last and (before, now) == (last.before_last + 1, last.now_last + 1):
            found[-1] = Block(last.before, before, last.now, now)
        else:
            found.append(Block(before, before, now, now))
    return found


_Line = tuple[int, int]
"""A line's place, from 1, and its number."""


def _written(some: Sequence[int], start: int, end: int) -> list[_Line]:
    return [(place, number) for place, number in enumerate(some[start:end], start=start + 1) if number != BLANK]


def _matched(old: Sequence[_Line], new: Sequence[_Line]) -> Iterator[tuple[int, int]]:
    done_old = done_new = 0
    for at_old, at_new in (*_anchors(old, new), (len(old), len(new))):
        if at_old > done_old and at_new > done_new:
            yield from _between(old[done_old:at_old], new[done_new:at_new])
        if at_old < len(old):
            yield old[at_old][0], new[at_new][0]
        done_old, done_new = at_old + 1, at_new + 1


def _anchors(old: Sequence[_Line], new: Sequence[_Line]) -> list[tuple[int, int]]:
    """The indices of lines that stand once in either version: the longest run of them whose order is the same."""
    numbers = [number for _, number in old]
    once = _once(numbers) & _once([number for _, number in new])
    there = {number: at for at, (_, number) in enumerate(new)}
    return _rising([(at, there[number]) for at, number in enumerate(numbers) if number in once])


def _once(numbers: Iterable[int]) -> set[int]:
    return {number for number, count in Counter(numbers).items() if count == 1}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of pairs, in order of their first numbers, whose second numbers rise (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, value) in enumerate(pairs):
        pile = bisect_left(tops, value)
        before.append(ends[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [value]
        ends[pile : pile + 1] = [index]
    chain: list[tuple[int, int]] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _between(old: Sequence[_Line], new: Sequence[_Line]) -> list[tuple[int, int]]:
    """What is the same between two anchors: next to them first, then the longest common subsequence."""
    here, there = [number for _, number in old], [number for _, number in new]
    head = _common(here, there)
    tail = _common(here[head:][::-1], there[head:][::-1])
    pairs = [(was[0], becomes[0]) for was, becomes in zip(old[:head], new[:head], strict=True)]
    pairs += _longest(old[head : len(old) - tail], new[head : len(new) - tail])
    ends = zip(old[len(old) - tail :], new[len(new) - tail :], strict=True)
    return pairs + [(was[0], becomes[0]) for was, becomes in ends]


def _longest(old: Sequence[_Line], new: Sequence[_Line]) -> list[tuple[int, int]]:
    from rapidfuzz.distance import LCSseq  # noqa: PLC0415 - most scans need none of it

    if not 0 < len(old) * len(new) <= _LARGEST:
        return []
    blocks = LCSseq.opcodes([number for _, number in old], [number for _, number in new])
    return [
        (old[block.src_start + step][0], new[block.dest_start + step][0])
        for block in blocks
        if block.tag == "equal"
        for step in range(block.src_end - block.src_start)
    ]


_LARGEST = 400_000_000
"""How many pairs of lines are compared at the most: about 50 MB and half a second."""
