"""Verdicts as Markdown, for job summaries and comments, in which nothing that a site sent is markup."""

from collections.abc import Iterator, Mapping, Sequence

from fixby.headers.changes import Progress, standing
from fixby.headers.check import Check, Verdict, catalogue
from fixby.headers.judge import Judged
from fixby.reports.markdown import table, text


def summary(judged: Sequence[Judged], progress: Mapping[str, Progress], now: int) -> str:
    """The verdicts at `now`, a UTC second; `progress` is of each URL that is remembered."""
    parts = ["# Headers", table(("URL", "Failed", "Inconclusive", "Passed"), map(_row, judged), numbers=3)]
    for one in judged:
        parts += _section(one, progress.get(one.url), now)
    return "\n\n".join(parts) + "\n"


def _row(one: Judged) -> tuple[str, ...]:
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
    return one.url, *(f"{sum(check.verdict is verdict for check in one.checks):,}" for verdict in order)


def _section(one: Judged, progress: Progress | None, now: int) -> Iterator[str]:
    shown = [check for check in one.checks if check.verdict is not Verdict.PASS]
    news = list(_news(one, progress, now))
    if not shown and not news:
        return
    yield f"## {text(one.url)}"
    if news:
        yield "\n".join(f"- {line}" for line in news)
    if shown:
        rows = map(_check, sorted(shown, key=lambda check: (check.verdict is not Verdict.FAIL, -check.severity.rank)))
        yield table(("Severity", "Check", "Subject", "What", "Mend"), rows)


def _news(one: Judged, progress: Progress | None, now: int) -> Iterator[str]:
    yield from (f"Not conclusive: {text(reason)}" for reason in one.reasons)
    if progress:
        yield from (f"Changed since the last visit: {text(change)}" for change in progress.changes)
        if one.page and one.page.policies.sent:
            yield f"Content Security Policy: {text(standing(progress, now))}"


def _check(check: Check) -> tuple[str, ...]:
    kind = catalogue()[check.id]
    severity = check.severity if check.verdict is Verdict.FAIL else str(check.verdict)
    return severity, check.id, check.subject, f"{kind.title}. {check.message}", kind.header or kind.mend
