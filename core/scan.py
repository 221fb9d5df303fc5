"""One run of one scanner over one target: what it found, what it looked at, and whether it can be believed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from fixby.finding import Finding


@dataclass(frozen=True, slots=True)
class Complete:
    """Everything that should be looked at was looked at."""


@dataclass(frozen=True, slots=True)
class Partial:
    """Something was not looked at; `reasons` are sentences that say what and why."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing can be concluded; `reasons` are sentences that say why."""

    reasons: tuple[str, ...]


Outcome = Complete | Partial | Failed


def outcome_name(outcome: Outcome) -> str:
    """The published name of an outcome: `complete`, `partial` or `failed`."""
    return type(outcome).__name__.lower()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a scan really looked at.

    `scanned` maps each unit (a file's path, or `manifest#package`) to a digest of its content, or to an empty string
    where the content is not at hand; `skipped` maps each unit that was to be looked at and was not to the reason;
    `excluded` maps each path that was left out on purpose (a directory for all below it) to the reason. Where `whole`
    is true the three name everything there is, so that a unit in none of them no longer exists. `rules` are the rules
    that were in force, or None where they are not known.
    """

    scanned: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
    rules: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scanner said of one target.

    `configuration` is a digest of the rules and options in force; times are UTC instants in whole seconds since the
    epoch. `target` is the part of the asset that was looked at, `.` for all of it. `outlines` (`fixby.outline`) are of
    the files, by path, as far as they are at hand. `renamed_rules` has for a rule the names that it got later.
    `withdrawn` has by unit of coverage the names of vulnerabilities that their publishers withdrew.
    """

    scanner: str
    tool_version: str
    outcome: Outcome
    findings: tuple[Finding, ...]
    coverage: Coverage
    started_at: int
    finished_at: int
    target: str = "."
    configuration: str = ""
    outlines: Mapping[str, bytes] = field(default_factory=dict)
    renamed_rules: Mapping[str, Collection[str]] = field(default_factory=dict)
    withdrawn: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def suppressed(self) -> int:
        """How many of the findings are silenced in the code or by a configuration of the target."""
        return sum(finding.suppression is not None for finding in self.findings)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the scan is not complete; empty when it is."""
        match self.outcome:
            case Complete():
                return ()
            case Partial(reasons) | Failed(reasons):
                return reasons
