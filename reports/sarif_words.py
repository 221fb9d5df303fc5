"""The words and marks that rules and results of SARIF share."""

import re
from collections.abc import Mapping

from fixby.severity import Severity

OURS = "fixby/v1"
"""The property of results and of rules that is ours: what SARIF has no place for."""


def level(severity: Severity) -> str:
    """The level (3.27.10) of a severity."""
    return _LEVELS[severity]


def score(severity: Severity) -> Mapping[str, str]:
    """The property in whose bands code scanning finds the severity again; what nobody has rated has none."""
    return {"security-severity": _SCORES[severity]} if severity in _SCORES else {}


def shown(words: str) -> str:
    """A text without characters that steer a terminal or turn the direction of reading."""
    if words.isprintable():
        return words
    return "".join(
        one if one.isprintable() or one in "\n\t\N{NO-BREAK SPACE}" else "\N{REPLACEMENT CHARACTER}"
        for one in words.replace("\r\n", "\n")
    )


def escaped(words: str) -> str:
    """A plain text in which no bracket is taken for a link, nor for one that was escaped (3.11.6)."""
    return re.sub(r"[\[\]]", r"\\\g<0>", words) if _LINKED.search(words) else words


_LINKED = re.compile(r"\]\(|\\[\[\]]")


_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
    Severity.UNKNOWN: "warning",
}
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}
