"""`fixby sla`: how the promises are kept, and why a finding is due when it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fixby.cli.asking import asked
from fixby.cli.instants import beginning
from fixby.cli.output import emit, show
from fixby.cli.place import Place, reading_at
from fixby.cli.written import deliver
from fixby.query import Term, parse
from fixby.reports import published
from fixby.sla.figures import Report
from fixby.store import queries
from fixby.store.explanation import explain
from fixby.store.figures import Period, report
from fixby.tracked import TrackedFinding


class Format(StrEnum):
    """How a report is written."""

    TERMINAL = "terminal"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Wish:
    """The report that was asked for: `as_of` and `since` as they were written, empty for now and 90 days before."""

    query: Sequence[str] = ()
    as_of: str = ""
    since: str = "90d"
    by: str = "severity"
    format: Format = Format.TERMINAL
    output: Path | None = None


def run_report(wish: Wish, place: Place) -> None:
    """Report on a period: what is open by status, what was opened and closed, compliance, breaches, time to fix."""
    query = parse(asked(wish.query))
    with reading_at(place, wish.as_of) as (database, _, as_of):
        since = beginning(wish.since, "--since", as_of)
        by = tuple(filter(None, wish.by.split(",")))
        figures = report(database, Period(since, as_of, query, by))
        breaches = queries.findings(database, (*query, Term("sla", ("breached",))), as_of)
    if wish.format is Format.TERMINAL and wish.output is None:
        from fixby.reports import sla_terminal  # noqa: PLC0415 - rich takes a tenth of a second

        show(*sla_terminal.page(figures, breaches, as_of))
    else:
        deliver(_WRITERS[wish.format](figures, breaches).rstrip(), wish.output)


def run_explain(prefix: str, as_of: str, place: Place, *, as_json: bool) -> None:
    """Explain the due date of the one finding whose id begins with `prefix`."""
    from fixby.reports import explanation  # noqa: PLC0415 - rich takes a tenth of a second

    with reading_at(place, as_of) as (database, _, now):
        finding = queries.finding(database, prefix, now)
        told = explain(database, finding.id, now)
    if as_json:
        emit(published.written(explanation.document(finding, told.explanation, told.version, now)))
    else:
        show(*explanation.page(finding, told.explanation, told.version, now))


def _json(figures: Report, breaches: Sequence[TrackedFinding]) -> str:
    from fixby.reports import sla_json  # noqa: PLC0415 - only what is asked for

    return published.written(sla_json.document(figures, breaches))


def _csv(figures: Report, _: Sequence[TrackedFinding]) -> str:
    from fixby.reports import sla_csv  # noqa: PLC0415 - only what is asked for

    return sla_csv.written(figures)


def _markdown(figures: Report, breaches: Sequence[TrackedFinding]) -> str:
    from fixby.reports import sla_markdown  # noqa: PLC0415 - only what is asked for

    return sla_markdown.written(figures, breaches, figures.as_of)


def _html(figures: Report, breaches: Sequence[TrackedFinding]) -> str:
    from fixby.reports import sla_html  # noqa: PLC0415 - only what is asked for

    return sla_html.written(figures, breaches)


def _terminal(figures: Report, breaches: Sequence[TrackedFinding]) -> str:
    from fixby.reports import sla_terminal, terminal  # noqa: PLC0415 - rich takes a tenth of a second

    return terminal.rendered(*sla_terminal.page(figures, breaches, figures.as_of))


_WRITERS: dict[Format, Callable[[Report, Sequence[TrackedFinding]], str]] = {
    Format.TERMINAL: _terminal,
    Format.JSON: _json,
    Format.CSV: _csv,
    Format.MARKDOWN: _markdown,
    Format.HTML: _html,
}
