"""What the real scanners say of a version, through Fixby's own adapters; kept in the cache, for scans take minutes."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from cache import keep, key, load
from releases import Version

from fixby.scan import Scan, outcome_name
from fixby.scanners.registry import scanner
from fixby.scanners.scanner import NO_OPTIONS
from fixby.scanners.scanning import Setting, scan
from fixby.scanners.target import target

FORMS = {"bandit": 2, "semgrep": 1, "detect-secrets": 2}
"""To be raised when what a scan holds changes, so that no older one is taken from the cache."""


def scans(version: Version, scanners: Sequence[str], cache: Path) -> Mapping[str, Scan]:
    """The scan of a version by each scanner, on one core. Raises `RuntimeError` where one failed.

    The cache must stand outside of any git checkout: what git ignores there would not be scanned.
    """
    files = {name: file_of(version, name, cache) for name in scanners}
    missing = [scanner(name) for name in scanners if not files[name].exists()]
    if missing:
        print(f"scanning {version.project} {version.name}", file=sys.stderr)
        setting = Setting(key=bytes(32), clock=lambda: int(time.time()), cores=1)
        for made in scan(target(version.folder), missing, setting):
            _check(made, version)
            keep(files[made.scanner], replace(made, outlines=_outlines(made)))
    return {name: load(file) for name, file in files.items()}


def _outlines(made: Scan) -> Mapping[str, bytes]:
    """The outlines of the files in which something was found: all that is asked for."""
    return {path: made.outlines[path] for path in sorted({one.path for one in made.findings})}


def _check(made: Scan, version: Version) -> None:
    if outcome_name(made.outcome) == "failed":
        raise RuntimeError(f"{made.scanner} failed on {version.project} {version.name}: {made.reasons}")


def file_of(version: Version, name: str, cache: Path) -> Path:
    """Where a scan of a version is kept; the name tells everything apart that makes it another scan."""
    return cache / "scans" / version.project / f"{version.name}-{name}-{key(version.digest, *_kind(name))}.pickle"


@lru_cache
def _kind(name: str) -> tuple[str, ...]:
    adapter = scanner(name)
    return (name, adapter.version(), adapter.configuration(NO_OPTIONS), str(FORMS[name]))
