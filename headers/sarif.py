"""Findings of headers as SARIF 2.1.0 (OASIS)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fixby.finding import Finding
from fixby.headers.check import Kind, catalogue
from fixby.severity import Severity

_HOME = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def document(findings: Mapping[str, Finding], reasons: Sequence[str], version: str) -> str:
    """Findings by their identity as a log of one run; `reasons` say what stayed inconclusive, a sentence each."""
    ids = list(catalogue())
    run = {
        "tool": {
            "driver": {
                "name": "Fixby",
                "semanticVersion": version,
                "rules": [_rule(id_, kind) for id_, kind in catalogue().items()],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not reasons,
                "toolExecutionNotifications": [{"level": "warning", "message": {"text": why}} for why in reasons],
            }
        ],
        "results": [_result(id_, finding, ids.index(finding.rule.id)) for id_, finding in findings.items()],
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": _HOME, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(id_: str, kind: Kind) -> Mapping[str, Any]:
    mend = f"Send: {kind.header}" if kind.header else kind.mend
    return {
        "id": id_,
        "shortDescription": {"text": kind.title},
        "fullDescription": {"text": f"{kind.title}. {kind.why}"},
        "help": {"text": f"{kind.why}\n\n{mend}\n\n{kind.standard}"},
        "defaultConfiguration": {"level": _LEVELS[kind.severity]},
        "properties": {
            "security-severity": _SCORES[kind.severity],
            "tags": ["security", f"external/cwe/{kind.cwe.lower()}"],
        },
    }


def _result(id_: str, finding: Finding, index: int) -> Mapping[str, Any]:
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": quote(one.path, safe=_URI, errors="replace")}}}
            for one in finding.locations
        ],
        "partialFingerprints": {"fixby/v1": id_},
        "properties": {"severity": str(finding.severity), "subject": finding.code, "mend": finding.fix},
    }


_URI = "!#$%&'()*+,/:;=?@[]~"
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
    Severity.UNKNOWN: "5.5",
}
"""Numbers in the bands that code scanning makes words of again."""
