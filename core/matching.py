"""Which findings are which observations of a later scan, though the code around them, or they themselves, were edited.

Each finding and each observation is in one pair at the most, and the order in which they are given is nothing. What
stays where it was comes first, then what kept its code in another place, then what was edited where it stands.
"""

import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from fixby.outline import BLANK, LineMap, line_map, lines
from fixby.renamed_files import successors


class Reason(StrEnum):
    """Why an observation is a finding that is known."""

    EXACT = "exact"
    REINDENTED = "reindented"
    REWRAPPED = "split or joined lines"
    MOVED = "moved"
    RENAMED = "renamed"
    EDITED = "edited"
    RULE_RENAMED = "rule renamed"
    NAMES = "more or fewer names of the vulnerability are known"


@dataclass(frozen=True, slots=True)
class Trace:
    """What of a finding, or of an observation, tells whether two are one. `key` is its caller's name for it.

    Lines and columns count from 1, 0 where they are not known; `outline` is that of the file (`fixby.outline`), empty
    where the file was not at hand.
    """

    key: str
    rule: str
    path: str
    code: str
    line: int = 0
    last_line: int = 0
    column: int = 0
    outline: bytes = b""


@dataclass(frozen=True, slots=True)
class Pair:
    """A finding and the observation that is the same."""

    before: Trace
    now: Trace
    reason: Reason


@dataclass(frozen=True, slots=True)
class Matching:
    """The pairs, the findings without an observation, and the observations that are new."""

    pairs: Sequence[Pair]
    lost: Sequence[Trace]
    new: Sequence[Trace]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else is known of the two versions.

    `vanished` are the files that are no more, `appeared` those that were not there before. `has_left` says whether a
    finding is gone for certain from where it was. `renamed_rules` has for each rule the names that it got later.
    """

    vanished: Collection[str] = ()
    appeared: Collection[str] = ()
    has_left: Callable[[Trace], bool] = lambda _: True
    renamed_rules: Mapping[str, Collection[str]] = field(default_factory=dict)


def match(before: Iterable[Trace], now: Iterable[Trace], circumstances: Circumstances) -> Matching:
    """The pairs of findings and observations, and what is left over on either side."""
    work = _Work(sorted(before, key=_order), sorted(now, key=_order))
    followed = _followed(work, circumstances)

    def file(trace: Trace) -> str:
        return followed.get(trace.path, trace.path)

    def in_file(trace: Trace) -> Hashable:
        return (trace.rule, file(trace))

    work.pair(lambda old: (*_words(old), file(old)), lambda new: (*_words(new), new.path), _in_place)
    for rule, names in sorted(circumstances.renamed_rules.items()):
        for later in sorted(names):
            _pair_renamed(work, rule, later, file)
    work.pair(_words, _words, _by_surroundings, circumstances.has_left)
    work.pair(in_file, lambda new: (new.rule, new.path), _edited, lambda old: bool(old.code))
    work.pair(_words, _words, _alone, circumstances.has_left)
    pairs = [Pair(old, new, _reason(old, new, followed)) for old, new in work.pairs]
    return Matching(pairs, list(work.before.values()), list(work.now.values()))


_Key = Callable[[Trace], Hashable]
_Indices = tuple[int, int]
_Choice = Callable[[Sequence[Trace], Sequence[Trace]], Iterable[_Indices]]
"""Something that pairs findings and observations, told by their indices, each once."""


def _all(_: Trace) -> bool:
    return True


class _Work:
    """What is paired so far, and what is left, by number and in order."""

    def __init__(self, before: Sequence[Trace], now: Sequence[Trace]) -> None:
        self.before = dict(enumerate(before))
        self.now = dict(enumerate(now))
        self.pairs: list[tuple[Trace, Trace]] = []

    def pair(self, key_before: _Key, key_now: _Key, choose: _Choice, which: Callable[[Trace], bool] = _all) -> None:
        """Let `choose` pair those findings and observations that have the same key."""
        there: dict[Hashable, list[int]] = {}
        for number, new in self.now.items():
            there.setdefault(key_now(new), []).append(number)
        here: dict[Hashable, list[int]] = {}
        for number, old in self.before.items():
            if (key := key_before(old)) in there and which(old):
                here.setdefault(key, []).append(number)
        for key, olds in here.items():
            news = there[key]
            chosen = choose([self.before[number] for number in olds], [self.now[number] for number in news])
            self.pairs += [(self.before.pop(olds[i]), self.now.pop(news[j])) for i, j in chosen]


def _order(trace: Trace) -> tuple[str | int, ...]:
    return (trace.path, trace.line, trace.column, trace.rule, trace.code, trace.key)


def _words(trace: Trace) -> tuple[str, str]:
    return (trace.rule, _bare(trace.code))


def _bare(code: str) -> str:
    return "".join(code.split())


def _followed(work: _Work, circumstances: Circumstances) -> dict[str, str]:
    """Where the files went that were renamed."""
    vanished = {old.path: old.outline for old in work.before.values() if old.path in circumstances.vanished}
    appeared = {new.path: new.outline for new in work.now.values() if new.path in circumstances.appeared}
    return successors(vanished, appeared) if vanished and appeared else {}


def _in_place(olds: Sequence[Trace], news: Sequence[Trace]) -> list[_Indices]:
    """Of one rule, file and code: by the line that each became, then by what stands around, then in order."""
    if len(olds) == len(news) == 1:
        return [(0, 0)]
    chosen = _by_line(olds, news)
    if olds[0].code:
        chosen += _left(olds, news, chosen, _by_surroundings)
        chosen += _left(olds, news, chosen, _nearest)
    return chosen


def _left(olds: Sequence[Trace], news: Sequence[Trace], chosen: Sequence[_Indices], choose: _Choice) -> list[_Indices]:
    """What `choose` pairs of those that are not chosen yet."""
    here = sorted(set(range(len(olds))) - {old for old, _ in chosen})
    there = sorted(set(range(len(news))) - {new for _, new in chosen})
    if not here or not there:
        return []
    some = choose([olds[old] for old in here], [news[new] for new in there])
    return [(here[old], there[new]) for old, new in some]


def _by_line(olds: Sequence[Trace], news: Sequence[Trace]) -> list[_Indices]:
    there: dict[int, list[int]] = {}
    for index, new in enumerate(news):
        there.setdefault(new.line, []).append(index)
    places = (there.get(_becomes(old, news[0])) for old in olds)
    return [(index, place.pop(0)) for index, place in enumerate(places) if place]


def _becomes(old: Trace, new: Trace) -> int:
    """The line that a finding's line became in the file of an observation; 0 where that cannot be told."""
    if mapped := _lines_of(old, new):
        return mapped.get(old.line) or 0
    return 0 if old.code else old.line


def _lines_of(old: Trace, new: Trace) -> LineMap | None:
    return line_map(old.outline, new.outline) if old.outline and new.outline else None


def _by_surroundings(olds: Sequence[Trace], news: Sequence[Trace]) -> list[_Indices]:
    """By the lines that stand around, as far as at least some came along; those with the most of them first."""
    holders: dict[tuple[str, int], list[int]] = {}
    for index, new in enumerate(news):
        for line in _around(new):
            holders.setdefault(line, []).append(index)
    common = max(1, min(_COMMON, _LARGEST // len(olds)))
    scores: Counter[_Indices] = Counter()
    for index, old in enumerate(olds):
        lists = (holders.get(line, ()) for line in _around(old))
        scores.update((index, new) for some in lists if len(some) <= common for new in some)
    return _best_first((pair, score) for pair, score in scores.items() if score >= _ENOUGH)


_COMMON = 50
"""Lines that stand around more of the like than this tell nothing, or around fewer where there are very many."""

_REACH = 3
_ENOUGH = 2
"""How many written lines before and after are looked at, and how many of them must be the same."""


def _around(trace: Trace) -> frozenset[tuple[str, int]]:
    """The nearest lines before and after."""
    written = lines(trace.outline)
    before = (written[at] for at in range(min(trace.line, len(written)) - 2, -1, -1))
    after = (written[at] for at in range(max(trace.last_line, trace.line), len(written)))
    return frozenset(
        (side, number)
        for side, some in (("before", before), ("after", after))
        for number in islice((number for number in some if number != BLANK), _REACH)
    )


def _best_first(scored: Iterable[tuple[_Indices, float]]) -> list[_Indices]:
    """The best pairs, each index once on its side; of equals the first in order."""
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for (old, new), _ in sorted(scored, key=lambda one: (-one[1], one[0])):
        if old not in chosen and new not in taken:
            chosen[old] = new
            taken.add(new)
    return list(chosen.items())


def _nearest(olds: Sequence[Trace], news: Sequence[Trace]) -> list[_Indices]:
    """In order, as many as can be, so that they have to go as little as possible."""

    def nearness(old: Trace, new: Trace) -> float:
        mapped = _lines_of(old, new)
        expected = mapped.gap(old.line)[0] + 1 if mapped else old.line
        return 1 + 1 / (1 + abs(expected - new.line))

    return _aligned(olds, news, nearness) or [(index, index) for index in range(min(len(olds), len(news)))]


def _aligned(olds: Sequence[Trace], news: Sequence[Trace], score: Callable[[Trace, Trace], float]) -> list[_Indices]:
    """The pairs that together score the most among those that keep the order; 0 is for no pair."""
    if len(olds) * len(news) > _LARGEST:
        return []
    totals = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    for i, old in enumerate(olds):
        for j, new in enumerate(news):
            gain = score(old, new)
            paired = totals[i][j] + gain if gain else 0
            totals[i + 1][j + 1] = max(totals[i][j + 1], totals[i + 1][j], paired)
    chosen: list[_Indices] = []
    i, j = len(olds), len(news)
    while i and j:
        if totals[i][j] == totals[i - 1][j]:
            i -= 1
        elif totals[i][j] == totals[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            chosen.append((i, j))
    return chosen


_LARGEST = 250_000
"""How many pairs are scored at the most."""


def _edited(olds: Sequence[Trace], news: Sequence[Trace]) -> list[_Indices]:
    """Of one rule and file: what stands where a changed line stood, and is like it."""
    regions: dict[_Region, list[int]] = {}
    for index, old in enumerate(olds):
        regions.setdefault(_region(old, news[0]), []).append(index)
    places, chosen = [new.line for new in news], dict[int, int]()
    for region, here in regions.items():
        around = range(bisect_right(places, region.after), bisect_left(places, region.until))
        there = [new for new in around if new not in chosen]
        some = _alike([olds[old] for old in here], [news[new] for new in there], region)
        chosen |= {there[new]: here[old] for old, new in some}
    return [(old, new) for new, old in chosen.items()]


def _alike(olds: Sequence[Trace], news: Sequence[Trace], region: "_Region") -> list[_Indices]:
    """Of a region: so that they are as like as can be, or one by one where there are too many, yet equally many."""
    if len(olds) * len(news) <= _LARGEST or len(olds) != len(news):
        return _aligned(olds, news, region.likeness)
    return [(index, index) for index, pair in enumerate(zip(olds, news, strict=True)) if region.likeness(*pair)]


@dataclass(frozen=True, slots=True)
class _Region:
    """The lines in which an edited finding may stand, both ends left out, and how like it has to be at the least."""

    after: int
    until: int
    least: float

    def likeness(self, old: Trace, new: Trace) -> float:
        from rapidfuzz.distance import Indel  # noqa: PLC0415 - most scans need none of it

        one, other = sorted((_bare(old.code), _bare(new.code)), key=len)
        if len(one) >= _SHORTEST and one in other:
            return 1
        return Indel.normalized_similarity(one, other, score_cutoff=self.least)


def _region(old: Trace, new: Trace) -> _Region:
    mapped = _lines_of(old, new)
    if mapped is None:
        return _Region(0, sys.maxsize, _VERY_LIKE)
    if line := mapped.get(old.line):
        return _Region(line - 1, line + 1, _HARDLY_LIKE)
    return _Region(*mapped.gap(old.line), _LIKE)


_SHORTEST = 4
"""How long code must be to count as the same wherever it is a part of other code."""

_HARDLY_LIKE, _LIKE, _VERY_LIKE = 0.2, 0.5, 0.75
"""How like edited code must be that begins on the same line, stands among changed lines, or somewhere in the file."""


def _alone(olds: Sequence[Trace], news: Sequence[Trace]) -> list[_Indices]:
    """Code that is long enough to be told from others, and stood and stands in one place only."""
    is_telling = len(olds) == len(news) == 1 and len(_bare(olds[0].code)) >= _TELLING
    return [(0, 0)] if is_telling else []


_TELLING = 16


def _pair_renamed(work: _Work, rule: str, later: str, file: Callable[[Trace], str]) -> None:
    work.pair(
        lambda old: (later, _bare(old.code), file(old)),
        lambda new: (*_words(new), new.path),
        _in_place,
        lambda old: old.rule == rule,
    )


def _reason(old: Trace, new: Trace, followed: Mapping[str, str]) -> Reason:
    if old.rule != new.rule:
        return Reason.RULE_RENAMED
    if _bare(old.code) != _bare(new.code):
        return Reason.EDITED
    if old.path != new.path:
        return Reason.RENAMED if followed.get(old.path) == new.path else Reason.MOVED
    if old.code == new.code:
        return Reason.EXACT
    unindented = ([line.strip() for line in one.code.split("\n")] for one in (old, new))
    return Reason.REINDENTED if len({tuple(some) for some in unindented}) == 1 else Reason.REWRAPPED
