"""The document that `fixby sla report --json` prints, described in `docs/schemas/sla_report.1.json`."""

from collections.abc import Sequence
from typing import Any

from fixby.reports import sla_words
from fixby.reports.published import instant, tracked_finding
from fixby.sla.clock import Status
from fixby.sla.figures import AGES, Figures, Month, Report, TimeToFix
from fixby.tracked import TrackedFinding

Document = dict[str, Any]

OPEN_STATUSES = (Status.ON_TRACK, Status.DUE_SOON, Status.BREACHED, Status.PAUSED, Status.EXEMPT)
"""How an open finding can stand."""


def document(report: Report, breaches: Sequence[TrackedFinding]) -> Document:
    """A report with the findings behind its breaches, in the order given."""
    return {
        "schema": "fixby.sla_report/1",
        "since": instant(report.since),
        "as_of": instant(report.as_of),
        "snapshot": report.snapshot,
        "by": list(report.by),
        "policies": [{"asset": asset, "name": name, "digest": digest} for asset, name, digest in report.policies],
        "total": _figures(report.total),
        "groups": [{"key": dict(zip(report.by, group.key, strict=True))} | _figures(group) for group in report.groups],
        "severities": {str(severity): _time_to_fix(time) for severity, time in report.severities.items()},
        "months": [_month(month) for month in report.months],
        "breaches": [tracked_finding(breach) for breach in breaches],
    }


def _figures(figures: Figures) -> Document:
    return {
        "open": sla_words.total_open(figures),
        "open_by_status": {str(status): figures.open.get(status, 0) for status in OPEN_STATUSES},
        "opened": figures.opened,
        "met": figures.met,
        "missed": figures.missed,
        "closed_exempt": figures.closed_exempt,
        "dismissed": figures.dismissed,
        "withdrawn": figures.withdrawn,
        "not_observed": figures.not_observed,
        "compliance": sla_words.share(figures.compliance),
        "oldest_breach": instant(figures.oldest_breach),
        "ages": [
            {"over_days": over, "to_days": to, "open": count}
            for over, to, count in zip((0, *AGES), (*AGES, None), sla_words.ages(figures), strict=True)
        ],
        "time_to_fix": _time_to_fix(figures.time_to_fix),
    }


def _time_to_fix(time: TimeToFix) -> Document:
    return {
        "fixed": time.fixed,
        "median_hours": time.median,
        "p90_hours": time.p90,
        "expected_hours": time.expected,
    }


def _month(month: Month) -> Document:
    return {
        "month": month.name,
        "opened": month.opened,
        "met": month.met,
        "missed": month.missed,
        "open": month.open_at_end,
        "breached": month.breached_at_end,
        "compliance": sla_words.share(month.compliance),
    }
