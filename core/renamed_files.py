"""Which files that are gone go on under another name, as their outlines tell."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from fixby.outline import BLANK, lines


def successors(vanished: Mapping[str, bytes], appeared: Mapping[str, bytes]) -> dict[str, str]:
    """Which of the files that vanished goes on as which of those that appeared, by path, as their outlines tell.

    Two files that share most of their lines, each being the other's best match, are one that was renamed.
    """
    words = {path: Counter(n for n in lines(some) if n != BLANK) for path, some in {**vanished, **appeared}.items()}
    holders: dict[int, list[str]] = {}
    for path in appeared:
        for number in words[path]:
            holders.setdefault(number, []).append(path)
    shares = [
        (share, old, new)
        for old in vanished
        for new in _sharing(words[old], holders)
        if (share := _share(words[old], words[new])) >= (_SAME_NAME if _name(old) == _name(new) else _LIKENESS)
    ]
    return _one_to_one(sorted(shares, key=lambda one: (-one[0], one[1], one[2])))


_LIKENESS, _SAME_NAME = 0.4, 0.15
"""The share of lines that two files must have in common, and that of files of one name in two folders."""

_CANDIDATES = 5
_COMMON = 20
"""A line that more files than this have says nothing of where a file went."""


def _sharing(words: Iterable[int], holders: Mapping[int, Sequence[str]]) -> list[str]:
    """The files with which a file shares the most of its telling lines, at most some."""
    shared = Counter(path for word in words if len(some := holders.get(word, ())) <= _COMMON for path in some)
    return [path for path, _ in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:_CANDIDATES]]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _share(one: Counter[int], other: Counter[int]) -> float:
    """The share of the lines of both that they have in common (Dice)."""
    return 2 * (one & other).total() / max(one.total() + other.total(), 1)


def _one_to_one(pairs: Iterable[tuple[float, str, str]]) -> dict[str, str]:
    """The best pairs first, each path once."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for _, old, new in pairs:
        if old not in chosen and new not in taken:
            chosen[old] = new
            taken.add(new)
    return chosen
