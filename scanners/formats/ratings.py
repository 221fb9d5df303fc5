"""Severities in the words of many tools, and the scores of CVSS.

| the tool says, in any case | severity |
|---|---|
| critical, blocker | critical |
| high, important, error, severe, serious, major | high |
| medium, moderate, warning, normal | medium |
| low, minor, note | low |
| info, informational, information, notice, style, none, negligible | info |
| anything else, or nothing | by its CVSS scores; unknown where there are none |

Of several scores those of the newest version of CVSS count, and of these the highest. Version 2 knows no critical; its
scores are read by the scale of versions 3.1 and 4.0 all the same.
"""

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache

from fixby.severity import Severity, SeveritySource, severity_of_cvss_score

Rating = tuple[Severity, SeveritySource]
"""A severity and who says so."""

Score = tuple[float, float]
"""The version of CVSS and the base score."""

UNRATED: Rating = (Severity.UNKNOWN, SeveritySource.DEFAULT)
"""What a finding has of which nobody says how bad it is."""


def rating(word: object, scores: Iterable[Score] = ()) -> Rating:
    """The severity that a tool's word stands for; where it says nothing that is known, that of the CVSS scores."""
    if isinstance(word, str) and (known := _WORDS.get(word.strip().lower())):
        return known
    best = max((score for score in scores if 0.0 <= score[1] <= 10.0), default=None)
    return (severity_of_cvss_score(best[1]), SeveritySource.CVSS) if best else UNRATED


@lru_cache(maxsize=16_384)
def score_of(vector: str) -> Score | None:
    """The version and base score of a CVSS vector of version 2, 3 or 4; None where it is malformed."""
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # noqa: PLC0415 - few reports leave a severity to be computed

    plain = vector.strip().strip("()")
    kind = CVSS4 if plain.startswith("CVSS:4") else CVSS3 if plain.startswith("CVSS:3") else CVSS2
    with suppress(CVSSError, ValueError, IndexError):
        return float(plain[5:8]) if plain.startswith("CVSS:") else 2.0, float(kind(plain).scores()[0])
    return None


def scores_of(vectors: Iterable[str]) -> list[Score]:
    """The scores of those vectors that are some."""
    return [score for vector in vectors if vector and (score := score_of(vector))]


_WORDS: dict[str, Rating] = {
    word: (severity, SeveritySource.SCANNER)
    for severity, words in {
        Severity.CRITICAL: ("critical", "blocker"),
        Severity.HIGH: ("high", "important", "error", "severe", "serious", "major"),
        Severity.MEDIUM: ("medium", "moderate", "warning", "normal"),
        Severity.LOW: ("low", "minor", "note"),
        Severity.INFO: ("info", "informational", "information", "notice", "style", "none", "negligible"),
    }.items()
    for word in words
}
