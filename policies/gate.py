"""The gate: may this be released? `gate.toml` is a complete example of its policy.

It never passes on what could not be checked: a scan that is missing, failed, partial or too old makes the verdict
`unknown`, unless it is `fail` already.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal

from fixby.errors import ExitCode
from fixby.policies.document import Table, document, read_text, text, texts
from fixby.severity import Severity
from fixby.sla.duration import HINT, duration, length


class Verdict(StrEnum):
    """What a rule, or the gate, says."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` findings may match `query`, in the language of `fixby.query`."""

    name: str
    query: str
    limit: int


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """What a gate demands.

    The scanners in `required`, and if `recorded` is set every other one that was ever recorded, must have a complete
    scan that is at most `max_age` seconds old. `digest` stands for all that the policy says.
    """

    name: str
    rules: tuple[Rule, ...]
    required: tuple[str, ...]
    recorded: bool
    max_age: int
    digest: str
    source: str


@dataclass(frozen=True, slots=True)
class LatestScan:
    """The latest scan of a scanner: what came of it, the instant it ended, and why it is not complete."""

    scanner: str
    outcome: Literal["complete", "partial", "failed"]
    finished_at: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule says: `count` findings, whose ids are in `findings`, where `limit` are allowed; `reason` in words.

    A rule about a scan counts the scans that cannot be relied on.
    """

    name: str
    verdict: Verdict
    count: int
    limit: int
    findings: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate says at an instant, and why."""

    verdict: Verdict
    rules: tuple[RuleResult, ...]
    evaluated_at: int

    @property
    def exit_code(self) -> ExitCode:
        """What the command that asked the gate exits with."""
        return _EXIT_CODES[self.verdict]


def evaluate(
    policy: GatePolicy,
    select: Callable[[str], Sequence[str]],
    scans: Sequence[LatestScan],
    unknown_as: Severity,
    now: int,
) -> Judgement:
    """The gate's judgement at the instant `now`.

    `select` gives the ids of the findings that a query selects; where a query names the severity that the SLA policy
    treats an unknown one as, it asks for the unknown ones too. `scans` are the latest scans of the asset, one or more
    of each scanner that ever recorded one.
    """
    counted = (replace(rule, query=_with_unknown(rule.query, unknown_as)) for rule in policy.rules)
    results = (
        *(_findings_result(rule, tuple(select(rule.query))) for rule in counted),
        *_scan_results(policy, scans, now),
    )
    verdicts = {result.verdict for result in results}
    verdict = next((bad for bad in (Verdict.FAIL, Verdict.UNKNOWN) if bad in verdicts), Verdict.PASS)
    return Judgement(verdict, results, now)


def shipped() -> GatePolicy:
    """The gate that is in force where nobody configured one."""
    return load(Path(__file__).with_name("gate.toml"))


def load(file: Path) -> GatePolicy:
    """The gate in a file. Raises `ConfigurationError` as `parse` does, or where the file cannot be read."""
    return parse(read_text(file), str(file))


def parse(toml: str, source: str) -> GatePolicy:
    """The gate in a TOML text that errors call `source`.

    Raises `ConfigurationError` with line, key and mend for whatever is missing, unknown or makes no sense.
    """
    top = document(toml, source)
    top.demand_only("name", "rules", "scans")
    scans = top.table("scans")
    scans.demand_only("required", "recorded", "max_age")
    policy = GatePolicy(
        name=top.read("name", text, 'Write name = "..." for reports and errors.'),
        rules=_rules(top.tables("rules")),
        required=scans.read("required", texts, 'Write required = ["bandit", ...].'),
        recorded=scans.read("recorded", _truth, "Write recorded = true or recorded = false."),
        max_age=scans.read("max_age", lambda value: duration(text(value)), HINT),
        digest=top.digest(),
        source=source,
    )
    if not policy.required and not policy.recorded:
        raise scans.error("required", "is empty, so nothing need be scanned", "Name a scanner, or set recorded = true.")
    return policy


_EXIT_CODES = {
    Verdict.PASS: ExitCode.DONE,
    Verdict.FAIL: ExitCode.GATE_FAILED,
    Verdict.UNKNOWN: ExitCode.CANNOT_TELL,
}
_CLOCK_SKEW = 300
"""By how many seconds the clocks of two machines may differ."""


def _with_unknown(query: str, unknown_as: Severity) -> str:
    """The query with `unknown` beside each mention of the severity that it is treated as, exclusions left alone."""

    def widened(qualifier: re.Match[str]) -> str:
        named = qualifier["named"].split(",")
        return f"severity:{','.join([*named, Severity.UNKNOWN])}" if unknown_as in named else qualifier[0]

    return _SEVERITIES.sub(widened, query)


_SEVERITIES = re.compile(r"(?<!\S)severity:(?P<named>\S+)")


def _findings_result(rule: Rule, found: tuple[str, ...]) -> RuleResult:
    verdict = Verdict.FAIL if len(found) > rule.limit else Verdict.PASS
    return RuleResult(rule.name, verdict, len(found), rule.limit, found, f"{len(found)} of {rule.query}")


def _scan_results(policy: GatePolicy, scans: Sequence[LatestScan], now: int) -> list[RuleResult]:
    recorded = {scan.scanner for scan in scans} if policy.recorded else set()
    scanners = [*policy.required, *sorted(recorded.difference(policy.required))]
    if not scanners:
        return [RuleResult("scans", Verdict.UNKNOWN, 0, 0, (), "nothing was ever scanned")]
    return [
        _scanner_result(scanner, [scan for scan in scans if scan.scanner == scanner], policy.max_age, now)
        for scanner in scanners
    ]


def _scanner_result(scanner: str, scans: Sequence[LatestScan], max_age: int, now: int) -> RuleResult:
    problems = [problem for scan in scans if (problem := _problem(scan, max_age, now))]
    if not scans:
        problems = ["no scan of it was ever recorded"]
    verdict = Verdict.UNKNOWN if problems else Verdict.PASS
    reason = "; ".join(problems) or "complete and fresh"
    return RuleResult(f"{scanner} has looked", verdict, len(problems), 0, (), reason)


def _problem(scan: LatestScan, max_age: int, now: int) -> str:
    """Why a scan cannot be relied on, or an empty string."""
    age = now - scan.finished_at
    if scan.outcome != "complete":
        reasons = "; ".join(reason.removesuffix(".") for reason in scan.reasons)
        return f"the last scan was {scan.outcome}: {reasons or 'no reason is known'}"
    if age > max_age:
        return f"the last scan ended {length(age)} ago, more than the {length(max_age)} allowed"
    if age < -_CLOCK_SKEW:
        return f"the last scan ended {length(-age)} in the future: a clock is wrong"
    return ""


def _rules(tables: Sequence[Table]) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for table in tables:
        table.demand_only("name", "query", "limit")
        rule = Rule(
            name=table.read("name", text, 'Write name = "..." for reports.'),
            query=table.read("query", text, 'Write query = "is:open severity:critical".'),
            limit=table.read("limit", _limit, "Write limit = 0, or how many findings are allowed."),
        )
        if rule.name in {other.name for other in rules}:
            raise table.error("name", "stands twice", "Give each rule a name of its own.")
        rules.append(rule)
    return tuple(rules)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _limit(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no whole number")
    if value < 0:
        raise ValueError("it is less than nothing")
    return value
