"""The figures of a report as CSV (RFC 4180), for spreadsheets."""

from collections.abc import Iterator

from fixby.reports import sla_words, spreadsheet
from fixby.reports.published import instant
from fixby.reports.sla_json import OPEN_STATUSES
from fixby.sla.figures import AGES, Figures, Report


def written(report: Report) -> str:
    """A header, a row for each group, and a row for the total; hours and days are numbers, times RFC 3339 in UTC."""
    groups = [["group", *group.key, *_cells(group, report)] for group in report.groups]
    total = ["total", *[""] * len(report.by), *_cells(report.total, report)]
    return spreadsheet.written(["row", *report.by, *_COLUMNS], [*groups, total])


def _cells(figures: Figures, report: Report) -> Iterator[object]:
    yield instant(report.since)
    yield instant(report.as_of)
    yield sla_words.total_open(figures)
    yield from (figures.open.get(status, 0) for status in OPEN_STATUSES)
    yield from (figures.opened, figures.met, figures.missed, figures.closed_exempt)
    yield from (figures.dismissed, figures.withdrawn, figures.not_observed)
    yield sla_words.share(figures.compliance)
    yield instant(figures.oldest_breach)
    yield from sla_words.ages(figures)
    time = figures.time_to_fix
    yield from (time.fixed, time.median, time.p90, time.expected)


_COLUMNS = (
    "since",
    "as_of",
    "open",
    *OPEN_STATUSES,
    "opened",
    "met",
    "missed",
    "closed_exempt",
    "dismissed",
    "withdrawn",
    "not_observed",
    "compliance",
    "oldest_breach",
    *(f"open_to_{days}_days" for days in AGES),
    f"open_over_{AGES[-1]}_days",
    "fixed",
    "median_hours",
    "p90_hours",
    "expected_hours",
)
