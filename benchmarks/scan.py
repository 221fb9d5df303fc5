"""What a scan by Fixby costs, against the same four tools run by hand in the same run, as many at once as cores.

    python benchmarks/scan.py --advisories RECORDS FOLDER...

For each folder: the processor seconds of `fixby scan` over the sum of the tools', the difference in seconds, and the
wall time over that of the best schedule of the same processes. By hand the tools run side by side as well, because two
processes that share a core take more processor seconds than one after the other.
"""

import argparse
import itertools
import os
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import by_hand

from fixby.scanners.target import target


def main() -> None:
    """Measure the folders that the arguments name, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--advisories", type=Path, required=True)
    parser.add_argument("--repeat", type=int, default=1, help="take the best of so many runs of each")
    parser.add_argument("folders", type=Path, nargs="+")
    given = parser.parse_args()
    print(f"{'folder':<28} {'by hand':>9} {'fixby':>9} {'ratio':>6} {'over':>7} {'wall':>8} {'best':>8} {'ratio':>6}")
    for folder in given.folders:
        measure(folder.resolve(), given.advisories.resolve(), given.repeat)


def measure(folder: Path, records: Path, repeat: int) -> None:
    """Run the tools by hand and by Fixby, and print what each took."""
    with TemporaryDirectory() as name:
        work = Path(name)
        with by_hand.commands(target(folder), records, work) as commands:
            tools = min(side_by_side(list(commands.values()), folder) for _ in range(repeat))
        fixby = (str(Path(sys.executable).with_name("fixby")), "scan", str(folder), "--advisories", str(records))
        runs = [by_hand.run((*fixby, "--store", str(work / f"{number}.db")), work) for number in range(repeat)]
    ran = min(runs, key=lambda one: one.cpu)
    ends = [float(seconds) for seconds in re.findall(r"done in ([0-9.]+) s", ran.errors)]
    best = shortest(ends, len(os.sched_getaffinity(0)))
    print(
        f"{folder.name:<28} {tools:8.2f}s {ran.cpu:8.2f}s {ran.cpu / tools:6.2f} {ran.cpu - tools:+6.2f}s"
        f" {ran.wall:7.2f}s {best:7.2f}s {ran.wall / best:6.2f}"
    )


def side_by_side(commands: list[Sequence[str]], folder: Path) -> float:
    """The processor seconds of commands, as many at once as there are cores."""
    before = os.times()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(lambda command: by_hand.run(command, folder), sorted(commands, key=len, reverse=True)))
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def shortest(durations: list[float], cores: int) -> float:
    """The wall time of the best schedule of processes on so many cores, by trying all (there are few processes)."""
    placings = itertools.product(range(cores), repeat=len(durations))
    return min(
        max(sum(took for took, core in zip(durations, placing, strict=True) if core == one) for one in range(cores))
        for placing in placings
    )


if __name__ == "__main__":
    main()
