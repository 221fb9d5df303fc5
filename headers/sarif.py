"""Findings of headers as SARIF: one run, whose rules are all checks."""

from collections.abc import Mapping, Sequence

from fixby.finding import Finding, Rule
from fixby.headers.check import Kind, catalogue
from fixby.headers.scan import NAME
from fixby.reports import sarif
from fixby.reports.sarif_results import Result
from fixby.reports.sarif_rules import Described


def document(findings: Mapping[str, Finding], reasons: Sequence[str], version: str) -> str:
    """Findings by their identity as a log of one run; `reasons` say what stayed inconclusive, a sentence each."""
    results = [Result(id_, finding) for id_, finding in findings.items()]
    rules = [_rule(id_, kind) for id_, kind in catalogue().items()]
    return sarif.log([sarif.Run(NAME, version, results, reasons, rules=rules)], version).text


def _rule(id_: str, kind: Kind) -> Described:
    mend = f"Send: {kind.header}" if kind.header else kind.mend
    why = f"{kind.title}. {kind.why}"
    return Described(Rule(id_, kind.title, (kind.cwe,)), why, f"{mend}\n\n{kind.standard}", kind.severity)
