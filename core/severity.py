"""How bad a finding is, and who says so."""

from enum import StrEnum


class Severity(StrEnum):
    """The six published severities; the first five are ordered, `UNKNOWN` stands apart."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """4 for critical down to 0 for info, and -1 for unknown: a number to sort and store by."""
        return _RANKS[self]

    @classmethod
    def from_rank(cls, rank: int) -> "Severity":
        """The severity of a rank; raises `KeyError` for a number that is no rank."""
        return _BY_RANK[rank]


LEVELS = (Severity.INFO, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
"""The known severities, mildest first. Each has a clock of its own in `fixby.sla`."""

_RANKS = {**{level: rank for rank, level in enumerate(LEVELS)}, Severity.UNKNOWN: -1}
_BY_RANK = {rank: severity for severity, rank in _RANKS.items()}


class SeveritySource(StrEnum):
    """Where a severity came from."""

    SCANNER = "scanner"
    """The scanner said it, in words that translate one to one."""
    CVSS = "cvss"
    """The score of a CVSS vector."""
    POLICY = "policy"
    """A policy raised or lowered it."""
    DEFAULT = "default"
    """The scanner has no severities: a documented table of ours decides."""


def severity_of_cvss_score(score: float) -> Severity:
    """The severity of a CVSS base score from 0.0 to 10.0, by the qualitative scale of CVSS v3.1 and v4.0."""
    if score >= 9.0:
        return Severity.CRITICAL
    if score >= 7.0:
        return Severity.HIGH
    if score >= 4.0:
        return Severity.MEDIUM
    return Severity.LOW if score > 0.0 else Severity.INFO
