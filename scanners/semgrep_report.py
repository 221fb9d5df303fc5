"""Semgrep's JSON, of any version since 2021, and the export of its platform for dependencies.

| Semgrep says | severity |
|---|---|
| ERROR or HIGH, with impact, likelihood and confidence HIGH; CRITICAL | critical |
| ERROR, HIGH | high |
| WARNING, MEDIUM | medium |
| INFO, LOW | low |
| EXPERIMENT, INVENTORY | info |
| anything else | unknown |

What was not looked at in full stands in `errors`, `paths.skipped` and `time.fixpoint_timeouts`, while the exit code is 0
and the file is among the scanned.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fixby.component import Component, component
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.identifiers import NO_IDENTIFIERS, Identifiers, identifiers
from fixby.redaction import MARK, redacted
from fixby.scanners.excerpt import CREDENTIAL_CWES, code_at, column, literals_in, raw_code_at
from fixby.scanners.report import (
    Record,
    as_record,
    child,
    each,
    has,
    items,
    number,
    optional_text,
    printable,
    root,
    text,
    texts,
)
from fixby.scanners.scanner import Reading, Source
from fixby.scanners.semgrep_dependencies import purl_type, vulnerabilities
from fixby.severity import Severity, SeveritySource

NAME = "semgrep"


def reading(report: bytes, source: Source, unit: Callable[[str], str]) -> Reading:
    """What a report says; `unit` turns a file's name into that under which it counts as scanned.

    Raises `ReportError`.
    """
    record = root(report)
    if "vulns" in record:
        return vulnerabilities(record, source)
    findings = tuple(each(record, "results", _Reader(source).finding))
    skipped, problems = _failures(record, unit)
    paths = child(record, "paths") if has(record, "paths") else {}
    scanned = {unit(name): "" for name in texts(paths, "scanned")} if "scanned" in paths else None
    return Reading(findings, optional_text(record, "version"), scanned, skipped, problems)


SEVERITIES = {
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

_ABOUT_RULES = frozenset(
    {
        "IncompatibleRule",
        "Incompatible rule",
        "Invalid YAML",
        "InvalidRuleSchemaError",
        "Missing plugin",
        "Pattern parse error",
        "PatternParseError",
        "Rule parse error",
        "UnknownLanguageError",
    }
)
