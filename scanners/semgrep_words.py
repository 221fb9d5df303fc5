"""Semgrep's words in ours.

| Semgrep says | severity |
|---|---|
| CRITICAL; ERROR or HIGH where the rule says impact, likelihood and confidence HIGH | critical |
| ERROR, HIGH | high |
| WARNING, MEDIUM | medium |
| INFO, LOW | low |
| EXPERIMENT, INVENTORY | info |
| anything else | unknown |
"""

import re
from collections.abc import Iterable

from fixby.component import Component, component
from fixby.errors import ReportError
from fixby.scanners.report import HINT, Record
from fixby.severity import Severity

NAME = "semgrep"


def severity(word: str, metadata: Record) -> Severity:
    """The severity that a word stands for, in the light of what the rule's metadata say."""
    known = _SEVERITIES.get(word, Severity.UNKNOWN)
    surely = all(metadata.get(aspect) == "HIGH" for aspect in ("impact", "likelihood", "confidence"))
    return Severity.CRITICAL if known is Severity.HIGH and surely else known


def cwes(words: Iterable[str]) -> tuple[str, ...]:
    """The numbers of `CWE-79: Cross-site Scripting`, written `CWE-79`, each once."""
    found = (match[0].upper() for word in words if (match := _CWE.search(word)))
    return tuple(dict.fromkeys(found))


def package(ecosystem: str, name: str, version: str, fixed_versions: tuple[str, ...]) -> Component:
    """A package of one of Semgrep's ecosystems. Raises `ReportError` where the parts make no package URL."""
    try:
        return component(_PURL_TYPES.get(ecosystem, ecosystem), name.replace(":", "/"), version, fixed_versions)
    except ValueError as error:
        raise ReportError(f"expected a package, found one without a valid name or ecosystem: {error}", HINT) from error


_SEVERITIES = {
    "CRITICAL": Severity.CRITICAL,
    "ERROR": Severity.HIGH,
    "HIGH": Severity.HIGH,
    "WARNING": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "INFO": Severity.LOW,
    "LOW": Severity.LOW,
    "EXPERIMENT": Severity.INFO,
    "INVENTORY": Severity.INFO,
}

_PURL_TYPES = {"gomod": "golang", "mix": "hex", "swiftpm": "swift"}
"""Where package URLs call an ecosystem by another name."""

_CWE = re.compile(r"CWE-\d+", re.IGNORECASE)
