"""Whether findings keep their identity through real history, and whether others do better.

    python benchmarks/identity/replay.py --cache FOLDER [--projects NAME ...] [--repo FOLDER ...] [--scanners NAME ...]
        [--json FILE] [--wrong FILE] [--doubtful FILE]

Successive releases of the projects below, from the package index, and the commits of the repositories given are scanned
by the real scanners and recorded one after the other in a new store. Between each two the truth is told from the lines
(`truth.py`). A finding that persists is kept, or split: its clock would start again. A finding is joined where it has
the identity of one that it certainly is not: it would hide behind it. What is in doubt is counted apart.

`--projects` with no name replays the repositories only. A table for each scanner; exit 1 where less than 99.5 % is kept
or more than 0.1 % is joined. The cache must stand outside of any git checkout. Filling it takes half an hour to an hour
of two cores; scoring again takes some minutes.
"""

import argparse
import json
import logging
import sys
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from cache import kept, key
from observations import Observation, lines_of, observations
from references import REFERENCES
from releases import Version, commits, releases
from scans import file_of, scans
from scoring import Score, Sides, score
from stored import ids
from tables import OURS, Count, Tally, printed, rates
from truth import Pair, truth

from fixby.scan import Scan

PROJECTS: Mapping[str, int] = {
    "click": 30,
    "flask": 40,
    "httpx": 40,
    "jinja2": 30,
    "paramiko": 35,
    "pyjwt": 40,
    "requests": 45,
    "starlette": 40,
    "urllib3": 25,
}
"""How many of the latest releases of each project are replayed."""

SCANNERS = ("bandit", "semgrep", "detect-secrets")

KEPT_AT_LEAST = 0.995
JOINED_AT_MOST = 0.001


def main() -> None:
    """Replay what the arguments name, print the tables, and exit 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--projects", nargs="*", choices=list(PROJECTS), default=list(PROJECTS))
    parser.add_argument("--repo", type=Path, nargs="*", default=[], help="git histories to replay as well")
    parser.add_argument("--commits", type=int, default=100, help="how many commits of each at most")
    parser.add_argument("--scanners", nargs="*", choices=SCANNERS, default=list(SCANNERS))
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    parser.add_argument("--wrong", type=Path, help="write what was wrongly split and joined to this file")
    parser.add_argument("--doubtful", type=Path, help="write what is in doubt to this file")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)  # pip's
    cache = given.cache.resolve()
    histories = [releases(project, PROJECTS[project], cache) for project in given.projects]
    histories += [commits(repo, given.commits, cache) for repo in given.repo]
    with ProcessPoolExecutor(2) as pool:
        works = [pool.submit(replayed, versions, given.scanners, cache) for versions in histories]
        tallies = [tally for work in works for tally in work.result()]
    totals = [printed(name, [tally for tally in tallies if tally.scanner == name]) for name in given.scanners]
    if given.json:
        given.json.write_text(json.dumps([asdict(tally) for tally in (*tallies, *totals)], indent=1))
    if given.wrong:
        given.wrong.write_text("".join(f"{said}\n" for tally in tallies for said in tally.wrong))
    if given.doubtful:
        given.doubtful.write_text("".join(f"{said}\n" for tally in tallies for said in tally.doubts))
    sys.exit(0 if all(map(_reaches_the_goal, totals)) else 1)


def replayed(versions: Sequence[Version], scanners: Sequence[str], cache: Path) -> list[Tally]:
    """How the identities did in one history, by each scanner."""
    made = [scans(version, scanners, cache) for version in versions]
    histories = [_History(versions, [one[name] for one in made], name, cache) for name in scanners]
    return [_tally(history, [observations(one) for one in history.made]) for history in histories]


@dataclass(frozen=True, slots=True)
class _History:
    """Successive versions, and the scan of each by one scanner."""

    versions: Sequence[Version]
    made: Sequence[Scan]
    scanner: str
    cache: Path

    def sides(self, number: int, before: Sequence[Observation], after: Sequence[Observation]) -> Sides:
        """The step from a version to the next, given what was observed in both."""
        old, new = self.versions[number : number + 2]
        modules = ("truth", "diffs", "observations")
        file = self._file(f"truth/{old.project}/{old.name}..{new.name}", (old, new), modules)
        return Sides(before, after, kept(file, lambda: truth((old.folder, new.folder), before, after)))

    def keys(self, number: int, seen: Sequence[Observation], reference: str) -> Sequence[Hashable]:
        """What a reference calls the observations of a version."""
        version = self.versions[number]
        name = f"references/{version.project}/{version.name} {reference}"
        file = self._file(name, (version,), ("references", "observations"))
        return kept(file, lambda: REFERENCES[reference](seen, lines_of(version.folder)))

    def _file(self, name: str, versions: Sequence[Version], modules: Sequence[str]) -> Path:
        """Where something is kept that follows from the scans of these versions and the code of these modules."""
        made_of = [file_of(version, self.scanner, self.cache).name for version in versions]
        code = [Path(__file__).with_name(f"{module}.py") for module in modules]
        return self.cache / f"{name}-{self.scanner}-{key(*made_of, *code)}.pickle"


def _tally(history: _History, seen: Sequence[Sequence[Observation]]) -> Tally:
    versions = history.versions
    tally = Tally(versions[0].project, history.scanner, identities={one: Count() for one in (OURS, *REFERENCES)})
    keys: dict[str, Sequence[Sequence[Hashable]]] = {OURS: list(ids(zip(history.made, seen, strict=True)))}
    for one in REFERENCES:
        keys[one] = [history.keys(number, some, one) for number, some in enumerate(seen)]
    for number, step in enumerate(pairwise(versions)):
        sides = history.sides(number, seen[number], seen[number + 1])
        scores = {one: score(sides, some[number], some[number + 1]) for one, some in keys.items()}
        _count(tally, sides, scores, step)
    return tally


def _count(tally: Tally, sides: Sides, scores: Mapping[str, Score], step: tuple[Version, Version]) -> None:
    tally.steps += 1
    tally.persisting += len(sides.truth.same)
    tally.new += sides.certainly_new
    tally.doubtful += len(sides.doubtful)
    for one, result in scores.items():
        count = tally.identities[one]
        count.kept += result.kept
        count.split += len(result.split)
        count.joined += len(result.joined)
    where = f"{tally.scanner} {step[0].project} {step[0].name}..{step[1].name}"
    pairs = [("split", pair) for pair in scores[OURS].split] + [("joined", pair) for pair in scores[OURS].joined]
    tally.wrong += [_told(f"{word}: {where}", sides, pair, step) for word, pair in pairs]
    tally.doubts += [_told(f"{why}: {where}", sides, pair, step) for pair, why in sides.truth.doubts.items()]


def _told(what: str, sides: Sides, pair: Pair, versions: tuple[Version, Version]) -> str:
    """Two places with their lines, for a person to judge."""
    lines = [what]
    for version, one in zip(versions, (sides.old[pair[0]], sides.new[pair[1]]), strict=True):
        content = lines_of(version.folder)(one.path)
        text = content[one.line - 1].strip() if one.line <= len(content) else ""
        lines.append(f"    {one}    {text[:160]}")
    return "\n".join(lines)


def _reaches_the_goal(total: Tally) -> bool:
    kept_share, joined_share = rates(total, OURS)
    return kept_share >= KEPT_AT_LEAST and joined_share <= JOINED_AT_MOST


if __name__ == "__main__":
    main()
