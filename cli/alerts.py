"""What people decided in GitHub's code scanning, brought back by its alerts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fixby.cli.actor import MACHINE
from fixby.cli.output import note
from fixby.cli.scan import Result
from fixby.identity import numbered
from fixby.policies.decisions_file import Kind, Stated
from fixby.policies.policy import Policy
from fixby.reports.plain import ID_LENGTH, safe
from fixby.scanners.formats.github_triage import FALSE_POSITIVE, USED_IN_TESTS, Alert, finding_of, ours
from fixby.store import decisions, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.tracked import State, TrackedFinding


@dataclass(frozen=True, slots=True)
class Triage:
    """The alerts of findings that the store knows, by the findings' ids."""

    alerts: tuple[Alert, ...]
    findings: Mapping[str, TrackedFinding]

    @property
    def open(self) -> tuple[Alert, ...]:
        """Those that were dismissed, of findings that are open; of several of one finding the first."""
        dismissed = [one for one in self.alerts if one.reason and self.findings[one.finding].state is State.OPEN]
        return tuple({one.finding: one for one in reversed(dismissed)}.values())[::-1]


def triage(database: Database, contents: Sequence[bytes], asset: str, now: int) -> Triage:
    """The alerts in some reports that are ours: tool, rule and id are those of a finding of the asset.

    Raises `ReportError` where a report of alerts is damaged.
    """
    some = [alert for content in contents for alert in ours(content)]
    known = {one.id: one for one in queries.with_ids(database, {alert.finding for alert in some}, now)}
    return Triage(tuple(one for one in some if _is_of(known.get(one.finding), one, asset)), known)


def without_ours(results: Sequence[Result], found: Triage, asset: str) -> list[Result]:
    """Results without the findings that alerts of ours are: the store has them, and an alert is no scan of a tool."""
    tools, ids = {one.tool for one in found.alerts}, {one.finding for one in found.alerts}
    kept = []
    for result in results:
        left = tuple(one for one in result.scan.findings if finding_of(one.message) not in ids)
        if left or result.scan.scanner not in tools:
            kept.append(Result(replace(result.scan, findings=left), numbered(asset, left)))
    return kept


def decide(database: Database, found: Triage, now: int) -> None:
    """Dismiss in people's names what they dismissed there as none; what else they said is told, and not decided."""
    decided = 0
    for alert in found.open:
        if why := _why_not(alert):
            note(f"fixby: {alert.finding[:ID_LENGTH]} is not decided: {safe(why)}")
        else:
            decisions.dismiss(database, [alert.finding], said(alert), By(alert.by, now))
            decided += 1
    note(f"fixby: {decided} dismissed, as on GitHub")


def _why_not(alert: Alert) -> str:
    """Why nothing follows from an alert that was dismissed, or nothing where it does."""
    if not _LOGIN.fullmatch(alert.by) or alert.by == MACHINE:
        return "GitHub does not say who dismissed it."
    if alert.reason in _NONE:
        return ""
    return f"{alert.by} said {alert.reason!r}, and to accept a risk takes an end: fixby decisions import"


def suggested(found: Triage, policy: Policy) -> list[Stated]:
    """What was dismissed there as decisions to be reviewed: of risks until the policy's end, at most for 30 days."""
    stated = []
    for alert in found.open:
        finding = found.findings[alert.finding]
        what = f"{finding.finding.severity} {finding.finding.rule.id} {finding.finding.path}".strip()
        why = f"{said(alert)}, says {alert.by or 'somebody'}"
        longest = policy.acceptance[finding.finding.severity].longest
        if alert.reason in _NONE:
            stated.append(Stated(Kind.DISMISS, why, alert.finding, what=what))
        elif longest is None:
            note(f"fixby: the policy allows nobody to accept {alert.finding[:ID_LENGTH]}, as {safe(alert.by)} did.")
        else:
            hours = min(longest, _LONGEST) // 3600
            stated.append(Stated(Kind.ACCEPT, why, alert.finding, until=f"{hours}h", owner=alert.by, what=what))
    return stated


def said(alert: Alert) -> str:
    """Why an alert was dismissed, with where and when."""
    when = f" {alert.at[:10]}" if _DATE.match(alert.at) else ""
    words = f"{alert.reason} (GitHub alert {alert.number}{when})"
    return f"{words}: {alert.comment}" if alert.comment else words


_NONE = (FALSE_POSITIVE, USED_IN_TESTS)
_LONGEST = 30 * 86_400
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT")


def _is_of(finding: TrackedFinding | None, alert: Alert, asset: str) -> bool:
    """Whether an alert is really of that finding: an id alone is easily copied."""
    if finding is None or finding.asset != asset:
        return False
    return (alert.tool, alert.rule) == (finding.finding.scanner, finding.finding.rule.id)
