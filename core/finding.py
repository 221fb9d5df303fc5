"""What a scanner reports: a weakness, where it stands, and how bad it is."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum

from fixby.component import Component
from fixby.identifiers import NO_IDENTIFIERS, Identifiers
from fixby.severity import Severity, SeveritySource


class Category(StrEnum):
    """The kind of weakness; it decides what makes two observations the same finding."""

    CODE = "code"
    DEPENDENCY = "dependency"
    SECRET = "secret"  # noqa: S105 - a category's name
    CONTAINER = "container"
    MISCONFIGURATION = "misconfiguration"
    LICENCE = "licence"
    HEADERS = "headers"


@dataclass(frozen=True, slots=True)
class Rule:
    """The check that found something, as its scanner names it.

    `cwes` are written `CWE-79`; `references` are URLs.
    """

    id: str
    title: str
    cwes: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file: `path` relative to the target with `/` between its parts, lines and columns from 1.

    A column counts Unicode code points; `end_column` is the first column after the match.
    """

    path: str
    line: int | None = None
    end_line: int | None = None
    column: int | None = None
    end_column: int | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    """Somebody silenced the finding where it stands: `by` names the means (`nosec`), `reason` what they wrote."""

    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A place that data pass on their way to where they do harm; `message` says what happens there."""

    location: Location
    message: str = ""


Flow = tuple[Step, ...]
"""A way that data take, from where they come in to where they do harm."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One weakness as one scanner observed it in one scan.

    `code` is the matched code, redacted (`fixby.redaction`); `secret_fingerprint` the keyed hash of a secret, never
    the secret. Of `locations` the first is the one that identifies the finding.
    """

    category: Category
    scanner: str
    rule: Rule
    severity: Severity
    severity_source: SeveritySource
    message: str
    locations: tuple[Location, ...] = ()
    component: Component | None = None
    identifiers: Identifiers = NO_IDENTIFIERS
    fix: str = ""
    code: str = ""
    secret_fingerprint: str = ""
    suppression: Suppression | None = None

    @property
    def path(self) -> str:
        """The file of the first location, or an empty string."""
        return self.locations[0].path if self.locations else ""

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The ways that data take, as far as the scanner says; none but of a `TracedFinding`."""
        return ()


@dataclass(frozen=True, slots=True)
class TracedFinding(Finding):
    """A finding whose scanner says which ways the data take.

    It is a type of its own so that all others are written as they were before ways were kept.
    """

    flows: tuple[Flow, ...] = ()


def traced(finding: Finding, flows: Iterable[Iterable[Step]]) -> Finding:
    """The finding with the first few flows that have two steps at least; of a long one the beginning and the end.

    Without any it stays as it is.
    """
    kept = tuple(_shortened(tuple(dict.fromkeys(flow))) for flow in flows)
    some = tuple(dict.fromkeys(flow for flow in kept if len(flow) > 1))[:_FLOWS]
    values = {one.name: getattr(finding, one.name) for one in fields(Finding)}
    return TracedFinding(**values, flows=some) if some else finding


_FLOWS = 3
_STEPS = 50


def _shortened(flow: Flow) -> Flow:
    return flow if len(flow) <= _STEPS else flow[: _STEPS // 2] + flow[-_STEPS // 2 :]
