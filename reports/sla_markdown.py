"""A report as Markdown, for wikis, issues and job summaries, in which no text of a finding is markup."""

import re
from collections.abc import Iterable, Iterator, Sequence

from fixby.reports import sla_words as words
from fixby.reports.plain import ID_LENGTH, safe
from fixby.reports.words import where
from fixby.sla.clock import Status
from fixby.sla.figures import Figures, Report
from fixby.tracked import TrackedFinding


def written(report: Report, breaches: Sequence[TrackedFinding], now: int) -> str:
    """A report and its breaches in the order given; how late they are is reckoned at `now`, a UTC second."""
    parts = (
        "# SLA report",
        f"{words.period(report)}. Snapshot {_text(report.snapshot)}.",
        _table(("Figure", "Value"), _summary(report, now), numbers=1),
        f"## By {_text(' and '.join(report.by))}" if report.by else "## All findings",
        _table((*map(words.title, report.by or ("findings",)), *_GROUP_TITLES), _groups(report), numbers=8),
        "## Time to fix",
        _table(("Severity", "Fixed", "Median", "90 % within", "Expected"), _times(report), numbers=4),
        "## By month",
        _table(("Month", "Opened", "Met", "Missed", "Compliance", "Open", "Breached"), _months(report), numbers=6),
        f"## Breaches ({len(breaches):,})",
        _table(("Due", "Late", "Severity", "Asset", "Title", "Where", "ID"), _breaches(breaches, now)),
        "## Policies",
        _table(("Asset", "Policy", "Digest"), report.policies),
        "## What the figures mean",
        "\n".join(f"- **{name}**: {sentence}" for name, sentence in words.DEFINITIONS),
    )
    return "\n\n".join(parts) + "\n"


def _summary(report: Report, now: int) -> Iterator[tuple[str, str]]:
    total = report.total
    yield "Compliance", words.percent(total.compliance)
    yield "Breached", f"{words.breached(total):,}"
    yield "Due soon", f"{total.open.get(Status.DUE_SOON, 0):,}"
    yield "Open", f"{words.total_open(total):,}"
    yield "Expected time to fix", words.hours(total.time_to_fix.expected)
    yield "Oldest breach", words.overdue(total, now)


def _groups(report: Report) -> Iterator[tuple[str, ...]]:
    for group in report.groups:
        yield *words.key(group), *_figures(group)
    empty = [""] * (len(report.by) - 1)
    yield "Total", *empty, *_figures(report.total)


_GROUP_TITLES = ("Open", "Due soon", "Breached", "Opened", "Met", "Missed", "Compliance", "Median")


def _figures(figures: Figures) -> Iterator[str]:
    soon = figures.open.get(Status.DUE_SOON, 0)
    counts = (words.total_open(figures), soon, words.breached(figures), figures.opened, figures.met, figures.missed)
    yield from (f"{count:,}" for count in counts)
    yield words.percent(figures.compliance)
    yield words.hours(figures.time_to_fix.median)


def _times(report: Report) -> Iterator[tuple[str, ...]]:
    for severity, time in words.times(report):
        yield severity, f"{time.fixed:,}", *map(words.hours, (time.median, time.p90, time.expected))


def _months(report: Report) -> Iterator[tuple[str, ...]]:
    for month in report.months:
        before = (f"{count:,}" for count in (month.opened, month.met, month.missed))
        after = (f"{count:,}" for count in (month.open_at_end, month.breached_at_end))
        yield month.name, *before, words.percent(month.compliance), *after


def _breaches(breaches: Sequence[TrackedFinding], now: int) -> Iterator[tuple[str, ...]]:
    for breach in breaches:
        finding = breach.finding
        about = (finding.severity, breach.asset, finding.rule.title, where(finding), breach.id[:ID_LENGTH])
        yield words.moment(breach.due_at), f"{words.days(words.late(breach, now))} d", *about


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A table of which the last `numbers` columns are aligned to the right, or a word where it has no rows."""
    lines = [f"| {' | '.join(map(_text, row))} |" for row in rows]
    if not lines:
        return "None."
    rules = ["---"] * (len(titles) - numbers) + ["---:"] * numbers
    return "\n".join([f"| {' | '.join(map(_text, titles))} |", f"| {' | '.join(rules)} |", *lines])


def _text(text: str) -> str:
    """Text that stays text: as it is where nothing in it can be markup, a mention or a link, else as code."""
    shown = safe(text)
    return shown if _PLAIN.fullmatch(shown) else "&#124;".join(map(_code, shown.split("|")))


def _code(text: str) -> str:
    """A code span: its fence is longer than any run of backticks in it."""
    if not text.strip():
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


_PLAIN = re.compile(r"(?!.*(?:www\.|://|:(?=\S*[a-z])\S+:))(?:[^\W_]|[ ,;:.()/%-])*", re.IGNORECASE)
"""Letters, digits and such punctuation as no dialect of Markdown reads anything into."""
