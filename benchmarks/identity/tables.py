"""What is counted, and how it is shown."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from references import REFERENCES

OURS = "fixby"


@dataclass(slots=True)
class Count:
    """How often an identity kept, split and joined."""

    kept: int = 0
    split: int = 0
    joined: int = 0


@dataclass(slots=True)
class Tally:
    """What one scanner saw in the history of one project, and how the identities did.

    `persisting` and `new` count what is certain, `doubtful` the old observations that are in doubt; `wrong` lists what
    our identity split and joined.
    """

    project: str
    scanner: str
    steps: int = 0
    persisting: int = 0
    new: int = 0
    doubtful: int = 0
    identities: dict[str, Count] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def printed(name: str, tallies: Sequence[Tally]) -> Tally:
    """Print a scanner's table; gives the sum of its rows."""
    total = _sum(name, tallies)
    print(f"\n{name:<26}{'steps':>6}{'persist':>9}{'kept':>9}{'split':>7}{'joined':>8}{'joined':>9}{'doubtful':>10}")
    for tally in tallies:
        print(_row(tally.project, tally, OURS))
    for one in (OURS, *REFERENCES):
        print(_row(f"all: {one}", total, one))
    reasons = Counter(doubt.partition(":")[0] for tally in tallies for doubt in tally.doubts)
    for why, count in reasons.most_common():
        print(f"    in doubt, pairs: {count:6} {why}")
    return total


def _row(title: str, tally: Tally, identity: str) -> str:
    count = tally.identities[identity]
    kept, joined = rates(tally, identity)
    return (
        f"{title:<26}{tally.steps:6}{tally.persisting:9}{kept:9.3%}{count.split:7}{count.joined:8}"
        f"{joined:9.3%}{tally.doubtful:10}"
    )


def rates(tally: Tally, identity: str) -> tuple[float, float]:
    """The share of what persists that is kept, and that of all that is certain which is joined."""
    count = tally.identities[identity]
    return count.kept / max(tally.persisting, 1), count.joined / max(tally.persisting + tally.new, 1)


def _sum(name: str, tallies: Sequence[Tally]) -> Tally:
    total = Tally("all", name)
    for part in ("steps", "persisting", "new", "doubtful"):
        setattr(total, part, sum(getattr(tally, part) for tally in tallies))
    for one in (OURS, *REFERENCES):
        counts = [tally.identities[one] for tally in tallies]
        total.identities[one] = Count(*(sum(some) for some in zip(*map(_numbers, counts), strict=True)))
    return total


def _numbers(count: Count) -> tuple[int, int, int]:
    return count.kept, count.split, count.joined
