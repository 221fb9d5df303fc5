"""How an identity does against the truth: what it keeps, what it splits, what it joins."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from observations import Observation
from truth import Pair, Truth


@dataclass(slots=True)
class Score:
    """How many observations that persist an identity kept, and the pairs that it wrongly split and wrongly joined."""

    kept: int = 0
    split: list[Pair] = field(default_factory=list)
    joined: list[Pair] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sides:
    """The observations of two successive versions, and the truth about them."""

    old: Sequence[Observation]
    new: Sequence[Observation]
    truth: Truth

    @property
    def doubtful(self) -> set[int]:
        """The old observations that are in doubt."""
        return {pair[0] for pair in self.truth.doubts}

    @property
    def doubtful_new(self) -> set[int]:
        """The new observations that are in doubt."""
        return {pair[1] for pair in self.truth.doubts}

    @property
    def certainly_new(self) -> int:
        """How many new observations are certainly none of the old ones."""
        return len(self.new) - len(self.truth.same) - len(self.doubtful_new)


def score(sides: Sides, old_keys: Sequence[Hashable], new_keys: Sequence[Hashable]) -> Score:
    """What an identity makes of two versions; its keys are given in the order of the observations.

    An observation is wrongly joined where it has the key of an old one that it certainly is not. What is in doubt on
    either side counts for nothing.
    """
    result = Score()
    settled = set()
    for old, new in sides.truth.same:
        if old_keys[old] == new_keys[new]:
            result.kept += 1
            settled.add(new)
        else:
            result.split.append((old, new))
    holders = _holders(sides, old_keys)
    for new in range(len(sides.new)):
        if new not in settled and new not in sides.doubtful_new:
            wrong = (old for old in holders.get(new_keys[new], ()) if _differ(sides, old, new))
            result.joined += [(old, new) for old in wrong][:1]
    return result


def _holders(sides: Sides, keys: Sequence[Hashable]) -> Mapping[Hashable, Sequence[int]]:
    """The old observations that are not in doubt, by key."""
    holders: defaultdict[Hashable, list[int]] = defaultdict(list)
    doubtful = sides.doubtful
    for number, key in enumerate(keys):
        if number not in doubtful:
            holders[key].append(number)
    return holders


def _differ(sides: Sides, old: int, new: int) -> bool:
    """Whether two observations that are no pair are certainly of two findings: a secret may stand at many places."""
    return not sides.old[old].value or sides.old[old].value != sides.new[new].value
