"""Which observations of two successive versions are the same finding, told from the lines, by no identity of any kind.

Two of git's algorithms compare the versions, white space within lines set aside. Then, for each observation of the old
version, the first of these that holds:

1. Its line survives, by both algorithms at the same place, and the rule found something there again: the same finding.
   Several of one rule on a line are the same in their order; where their number changed, they are in doubt.
2. Its line was replaced, and among what replaced it (the same hunk) stands one observation of the rule whose code is
   the same but for white space and quotes, or else alike (`difflib` ratio of at least 0.6), for which there is no other
   one either: it was edited, and is the same finding.
3. Its line was deleted, and one observation of the rule on an added line, in any file, has the same code and at least
   two of the four nearest lines that are not blank, for which there is no other one either: it was moved, and is the
   same finding.

What is left is in doubt where the algorithms disagree about its line, where several are alike, where the ratio is from
0.3 to 0.6 or only the first lines are alike, where the same code of the same rule was deleted here and added there
without its neighbours, and where what is alike stands within ten lines. What is in doubt is never counted, neither as
kept nor as wrong. Any other observation that is left is certainly gone, or certainly new.

A secret is its value: two observations of it are the same finding where their keyed hashes are equal, at any place, and
certainly different where they are not. One whose hash changed though its line and the next three survive is the same
secret all the same; where a following line changed, as in a key that was replaced below its heading, it is in doubt.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import product
from pathlib import Path
from typing import NamedTuple, TypeVar

from diffs import Difference, difference
from observations import Lines, Observation, bare, line_at, lines_of

T = TypeVar("T")

Pair = tuple[int, int]
"""The number of an old observation and that of a new one."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The pairs that are certainly the same finding, and those that may be, with the reason."""

    same: Sequence[Pair]
    doubts: Mapping[Pair, str]


def truth(folders: tuple[Path, Path], old: Sequence[Observation], new: Sequence[Observation]) -> Truth:
    """What is true of the observations of one scanner in two versions, given as they are numbered."""
    work = _Work(
        tuple(old),
        tuple(new),
        lines_of(folders[0]),
        lines_of(folders[1]),
        difference(*folders, "histogram"),
        difference(*folders, "minimal"),
    )
    for rule in (_survived, _of_one_value, _edited, _moved, _near):
        rule(work)
    return Truth(sorted(work.same), dict(sorted(work.doubts.items())))


@dataclass(frozen=True, slots=True)
class _Work:
    """Two versions, and what was found out about them so far."""

    old: Sequence[Observation]
    new: Sequence[Observation]
    old_lines: Lines
    new_lines: Lines
    diff: Difference
    other_diff: Difference
    same: set[Pair] = field(default_factory=set)
    doubts: dict[Pair, str] = field(default_factory=dict)

    def left(self) -> tuple[list[int], list[int]]:
        """The observations that no pair has so far, be it certain or in doubt."""
        olds, news = {pair[0] for pair in self.pairs()}, {pair[1] for pair in self.pairs()}
        return (
            [number for number in range(len(self.old)) if number not in olds],
            [number for number in range(len(self.new)) if number not in news],
        )

    def pairs(self) -> Iterable[Pair]:
        """All pairs."""
        return (*self.same, *self.doubts)

    def now(self, number: int) -> int | None:
        """The line at which that of an old observation stands now, where the algorithms agree."""
        one = self.old[number]
        lines = {diff.line(one.path, one.line) for diff in (self.diff, self.other_diff)}
        return lines.pop() if len(lines) == 1 else None

    def of_one_value(self, pair: Pair) -> bool:
        """Whether two observations are of one secret, or of none."""
        return self.old[pair[0]].value == self.new[pair[1]].value

    def settle(self, candidates: Iterable[Pair]) -> None:
        """Of pairs that are alike, those without a rival are the same."""
        some = list(candidates)
        olds, news = Counter(pair[0] for pair in some), Counter(pair[1] for pair in some)
        self.same.update(pair for pair in some if olds[pair[0]] == news[pair[1]] == 1)

    def doubt(self, pairs: Iterable[Pair], reason: str) -> None:
        """Pairs that may be the same; the first reason counts."""
        for pair in pairs:
            self.doubts.setdefault(pair, reason)


def _survived(work: _Work) -> None:
    before = _groups(work.old, lambda number: (work.now(number), work.diff.path(work.old[number].path)))
    after = _groups(work.new, lambda number: (work.new[number].line, work.new[number].path))
    for where, olds in before.items():
        news = after.get(where, [])
        if len(olds) != len(news):
            work.doubt(product(olds, news), "several on a line, whose number changed")
            continue
        for pair in zip(olds, news, strict=True):
            if work.of_one_value(pair) or _what_follows_survived(work, pair[0]):
                work.same.add(pair)
            else:
                work.doubt([pair], "the first line of a secret still stands, its value is another")
    _contested(work)


def _what_follows_survived(work: _Work, number: int) -> bool:
    one, now = work.old[number], work.now(number)
    return now is not None and all(
        work.diff.line(one.path, one.line + step) == now + step for step in range(1, _FOLLOWING + 1)
    )


_FOLLOWING = 3


def _contested(work: _Work) -> None:
    """What survives at one place by one algorithm, and elsewhere or nowhere by the other."""
    olds, news = work.left()
    places = {(work.new[number].rule, work.new[number].path, work.new[number].line): number for number in news}
    for number in olds:
        one = work.old[number]
        lines = {diff.line(one.path, one.line) for diff in (work.diff, work.other_diff)}
        for line in lines if len(lines) > 1 and not one.value else ():
            place = (one.rule, work.diff.path(one.path), line or 0)
            if place in places:
                work.doubt([(number, places[place])], "two diffs disagree")


def _of_one_value(work: _Work) -> None:
    """Secrets that stand elsewhere than before, each with one of its value that is left, in its file if possible."""
    for in_its_file in (True, False):
        olds, news = work.left()
        waiting: defaultdict[Hashable, list[int]] = defaultdict(list)
        for number in news:
            one = work.new[number]
            waiting[one.rule, one.value, in_its_file and one.path].append(number)
        for number in olds:
            one = work.old[number]
            if one.value and (some := waiting[one.rule, one.value, in_its_file and work.diff.path(one.path)]):
                work.same.add((number, some.pop(0)))


def _edited(work: _Work) -> None:
    alike = {pair: _likeness(work, pair) for pair in _of_one_hunk(work)}
    for least in (1.0, _ALIKE):
        work.settle(pair for pair, likeness in _left(work, alike) if likeness.code >= least)
    some = _left(work, alike)
    work.doubt((pair for pair, likeness in some if likeness.code >= _ALIKE), "several alike in a hunk")
    work.doubt((pair for pair, likeness in some if likeness.perhaps), "replaced by what is a little alike")


def _of_one_hunk(work: _Work) -> Iterator[Pair]:
    """Old observations on replaced lines with the new ones of their rules on the lines that replaced them."""
    for number, other in _of_one_file(work):
        hunk = work.diff.hunk(work.old[number].path, work.old[number].line)
        if hunk and hunk.new <= work.new[other].line < hunk.new + hunk.new_count:
            yield number, other


def _of_one_file(work: _Work) -> Iterator[Pair]:
    """What is left of one rule in one file; secrets are not among it."""
    olds, news = work.left()
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for number in news:
        places[work.new[number].rule, work.new[number].path].append(number)
    for number in olds:
        one = work.old[number]
        if not one.value:
            yield from product((number,), places[one.rule, work.diff.path(one.path)])


def _moved(work: _Work) -> None:
    """The same code of the same rule, deleted at one place and added at another."""
    olds, news = work.left()
    waiting: defaultdict[Hashable, list[int]] = defaultdict(list)
    for number in news:
        waiting[work.new[number].rule, _code(work.new[number], work.new_lines)].append(number)
    pairs = {
        (number, other): None
        for number in olds
        if not work.old[number].value and work.now(number) is None
        for other in waiting[work.old[number].rule, _code(work.old[number], work.old_lines)]
    }
    work.settle(pair for pair in pairs if _moved_along(work, pair))
    work.doubt((pair for pair, _ in _left(work, pairs)), "the same code was deleted here and added there")


def _near(work: _Work) -> None:
    """What is alike and close, yet on no line that replaced the old one."""
    close = [
        (number, other)
        for number, other in _of_one_file(work)
        if abs(work.diff.about(work.old[number].path, work.old[number].line) - work.new[other].line) <= _CLOSE
    ]
    work.doubt((pair for pair in close if max(_likeness(work, pair)) >= _ALIKE), "something alike is close by")


_CLOSE = 10


def _moved_along(work: _Work, pair: Pair) -> bool:
    one, two = work.old[pair[0]], work.new[pair[1]]
    before = _neighbours(work.old_lines(one.path), one.line)
    after = _neighbours(work.new_lines(two.path), two.line)
    return (before & after).total() >= _ENOUGH


_ENOUGH = 2


def _neighbours(lines: Sequence[str], number: int) -> Counter[str]:
    """The two lines before and the two after a line, blank ones passed over, by text, with their number."""
    before = (bare(lines[index]) for index in range(number - 2, -1, -1))
    after = (bare(lines[index]) for index in range(number, len(lines)))
    return Counter([*_first_two(before), *_first_two(after)])


def _first_two(texts: Iterator[str]) -> list[str]:
    some = (text for text in texts if text)
    return [text for _, text in zip(range(2), some, strict=False)]


def _left(work: _Work, pairs: Mapping[Pair, T]) -> list[tuple[Pair, T]]:
    """The pairs of which neither side has found its place."""
    olds, news = map(set, work.left())
    return [(pair, value) for pair, value in pairs.items() if pair[0] in olds and pair[1] in news]


def _groups(
    some: Sequence[Observation], place: Callable[[int], tuple[int | None, str]]
) -> Mapping[Hashable, list[int]]:
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for number, one in enumerate(some):
        groups[one.rule, *place(number)].append(number)
    return dict(groups)


class _Likeness(NamedTuple):
    """How alike two places are, from 0 to 1: all of the code, and its first line."""

    code: float
    line: float

    @property
    def perhaps(self) -> bool:
        """Whether they may be the same."""
        return self.code >= _PERHAPS or self.line >= _ALIKE


_ALIKE = 0.6
_PERHAPS = 0.3


def _likeness(work: _Work, pair: Pair) -> _Likeness:
    one, two = work.old[pair[0]], work.new[pair[1]]
    return _Likeness(
        _ratio(_code(one, work.old_lines), _code(two, work.new_lines)),
        _ratio(line_at(work.old_lines, one.path, one.line), line_at(work.new_lines, two.path, two.line)),
    )


def _code(one: Observation, lines: Lines) -> str:
    """The code without what formatters change: white space and the kind of quotes."""
    return (bare(one.finding.code) or line_at(lines, one.path, one.line)).replace("'", '"')


def _ratio(one: str, two: str) -> float:
    matcher = SequenceMatcher(None, one[:_LONG], two[:_LONG], autojunk=False)
    if matcher.real_quick_ratio() < _PERHAPS or matcher.quick_ratio() < _PERHAPS:
        return 0.0
    return matcher.ratio()


_LONG = 1000
