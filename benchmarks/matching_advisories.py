"""Matching the components of a bill of materials against all advisories of PyPI, after start-up.

The reference is what nobody can do without: unpacking the same zip and parsing each record, with nothing kept. Every
third component is in a version that some advisory lists; the others are in no advisory.

python benchmarks/matching_advisories.py PyPI-all.zip [COUNT]
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import orjson

from fixby.scanners.osv_worker import report

RUNS = 5


def main() -> None:
    """Print the median seconds of both and their ratio."""
    advisories = Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    with TemporaryDirectory() as name:
        folder = Path(name)
        bill = {"bomFormat": "CycloneDX", "components": list(_components(advisories, count))}
        (folder / "bom.json").write_text(json.dumps(bill, indent=1))
        found: Any = report(folder, ["bom.json"], advisories)
        reference = _median(lambda: _parse(advisories))
        ours = _median(lambda: report(folder, ["bom.json"], advisories))
    matched = sum(len(row["advisories"]) for row in found["packages"])
    print(f"{'unpack and parse the records':<44} {reference:6.3f} s   1.00")
    print(f"{f'match {count} components ({matched} advisories)':<44} {ours:6.3f} s  {ours / reference:5.2f}")


def _components(advisories: Path, count: int) -> Iterator[dict[str, str]]:
    pins = sorted(set(_listed(advisories)))
    every = cycle(pins[:: max(1, len(pins) * 3 // count)])
    for number, (name, version) in enumerate(islice(every, count)):
        package = name if number % 3 == 0 else f"unheard-of-{number}"
        yield {"type": "library", "name": package, "purl": f"pkg:pypi/{package}@{version}"}


def _listed(advisories: Path) -> Iterator[tuple[str, str]]:
    for record in _parse(advisories):
        for part in record["affected"]:
            plain = [version for version in part.get("versions", ()) if version[0].isdigit()]
            yield from ((part["package"]["name"], version) for version in plain[-1:])


def _parse(advisories: Path) -> list[Any]:
    with ZipFile(advisories) as archive:
        return [orjson.loads(archive.read(member)) for member in archive.namelist() if member.endswith(".json")]


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    main()
