"""How long it takes to recognise 100,000 findings of which one in twenty was moved or edited.

    python benchmarks/identity/matching.py [COUNT]

Beside it, in the same run, what a simple identity costs: looking each up by rule, path and code. And one file with
5,000 findings that are all alike, of which ten were fixed.
"""

import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from fixby.matching import Circumstances, Trace, match
from fixby.outline import outline

T = TypeVar("T")

FINDINGS_A_FILE = 50
LINES_A_FILE = 400


def main() -> None:
    """Print seconds, the ratio and the peak of memory; exit 1 where a finding was taken for another."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    before, now = versions(count // FINDINGS_A_FILE)
    old, new = ({trace.path for trace in some} for some in (before, now))
    simple = _timed(lambda: looked_up(before, now))
    matching, seconds = _timed(lambda: match(before, now, Circumstances(old - new, new - old)))
    wrong = sum(pair.before.key != pair.now.key for pair in matching.pairs)
    print(f"{len(before)} findings: {seconds:.2f} s, {len(matching.pairs)} recognised, {wrong} wrongly")
    print(f"looked up by rule, path and code: {simple[1]:.2f} s, {simple[0]} found; ratio {seconds / simple[1]:.1f}")
    alike = [Trace(str(line), "B101", "a.py", "assert x", line, line, 0) for line in range(1, 5001)]
    _, seconds = _timed(lambda: match(alike, alike[10:], Circumstances()))
    print(f"5000 alike in one file: {seconds:.2f} s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    sys.exit(1 if wrong or len(matching.pairs) != len(before) else 0)


def versions(files: int) -> tuple[list[Trace], list[Trace]]:
    """The findings of so many files, before and after: in half of them something changed, one in twenty was renamed."""
    chance = random.Random(1)  # noqa: S311 - it makes texts
    before: list[Trace] = []
    now: list[Trace] = []
    for number in range(files):
        lines = [f"line {number} {line} = {chance.random()}" for line in range(LINES_A_FILE)]
        places = sorted(chance.sample(range(LINES_A_FILE), FINDINGS_A_FILE))
        for index, place in enumerate(places):
            lines[place] = (
                f"subprocess.call(command_{number}_{index}, shell=True)" if index % 5 else "assert response.ok"
            )
        before += _traces(number, f"src/module_{number}.py", lines, places)
        path = f"lib/module_{number}.py" if number % 20 == 0 else f"src/module_{number}.py"
        if number % 2 == 0:
            for place in chance.sample(places, 3):
                lines[place] += "  # looked at"
            lines[100:100] = ["inserted()", "more()"]
            places = [place + 2 if place >= 100 else place for place in places]
        now += _traces(number, path, lines, places)
    return before, now


def _traces(number: int, path: str, lines: Sequence[str], places: Sequence[int]) -> list[Trace]:
    lined = outline("\n".join(lines))
    return [
        Trace(f"{number}:{index}", "B602" if index % 5 else "B101", path, lines[place], place + 1, place + 1, 0, lined)
        for index, place in enumerate(places)
    ]


def looked_up(before: Sequence[Trace], now: Sequence[Trace]) -> int:
    """How many findings a look-up finds again."""
    known = {(trace.rule, trace.path, "".join(trace.code.split())) for trace in before}
    return sum((trace.rule, trace.path, "".join(trace.code.split())) in known for trace in now)


def _timed(act: Callable[[], T]) -> tuple[T, float]:
    started = time.monotonic()
    result = act()
    return result, time.monotonic() - started


if __name__ == "__main__":
    main()
