"""What one scan saw, place by place: a secret that stands in three places is three observations of one finding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fixby.finding import Finding, Location
from fixby.scan import Scan

Lines = Callable[[str], Sequence[str]]
"""The lines of a file of one version, by its path; none where there is no such file."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One rule that found something at one place."""

    finding: Finding
    place: Location

    @property
    def rule(self) -> str:
        """The rule's id."""
        return self.finding.rule.id

    @property
    def path(self) -> str:
        """The file."""
        return self.place.path

    @property
    def line(self) -> int:
        """The line, from 1."""
        return self.place.line or 1

    @property
    def value(self) -> str:
        """The keyed hash of a secret, or an empty string."""
        return self.finding.secret_fingerprint

    def __str__(self) -> str:
        return f"{self.rule} {self.path}:{self.line}"


def observations(scan: Scan) -> list[Observation]:
    """All observations of a scan, each once, in order of place and rule."""
    seen = {
        (place, finding.rule.id, finding.secret_fingerprint, finding.message, finding.code): Observation(finding, place)
        for finding in scan.findings
        for place in finding.locations
    }
    return sorted(seen.values(), key=_order)


def lines_of(folder: Path) -> Lines:
    """What reads the files below a folder, as the scanners number their lines."""

    @cache
    def lines(path: str) -> Sequence[str]:
        file = folder / path
        return file.read_bytes().decode("utf-8", "replace").split("\n") if file.is_file() else ()

    return lines


def bare(text: str) -> str:
    """A text without its white space."""
    return "".join(text.split())


def line_at(lines: Lines, path: str, number: int) -> str:
    """A line without its white space, or an empty string where there is none."""
    content = lines(path)
    return bare(content[number - 1]) if 0 < number <= len(content) else ""


def _order(one: Observation) -> tuple[str, int, int, str, str, str]:
    return (one.path, one.line, one.place.column or 0, one.rule, one.value, repr(one.place))
