"""`fixby list` and `fixby show`: what is stored, for people and programs."""

from collections.abc import Sequence

from fixby.cli import place as here
from fixby.cli.asking import asked
from fixby.cli.output import emit, show
from fixby.cli.place import Place, reading, reading_at
from fixby.cli.scan import LONGEST_TABLE
from fixby.query import parse
from fixby.reports import published
from fixby.store import queries
from fixby.store.sign_offs import of_finding


def run_list(words: Sequence[str], limit: int | None, as_of: str, place: Place, *, as_json: bool) -> None:
    """List the findings that a query selects, the first due first."""
    query = parse(asked(words))
    shown = limit if as_json else limit or LONGEST_TABLE
    with reading_at(place, as_of) as (database, _, now):
        findings = queries.findings(database, query, now, shown)
        total = len(queries.matching(database, query, now)) if len(findings) == shown else len(findings)
    if as_json:
        emit(published.written(published.listed(findings)))
        return
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    if findings:
        some = f"{len(findings)} of {total}" if total > len(findings) else str(total)
        show(terminal.findings_table(findings, now), "", f"{some} shown; one in full: {place.again('fixby show ID')}")
    else:
        emit("No finding is selected.")


def run_show(prefix: str, place: Place, *, as_json: bool) -> None:
    """Show the one finding whose id begins with `prefix`."""
    now = here.now()
    with reading(place) as (database, found):
        here.note_other_policy(database, found)
        finding = queries.finding(database, prefix, now)
        history = queries.history(database, finding.id)
        sign_offs = of_finding(database, finding.id, here.checker(found))
    if as_json:
        emit(published.written(published.shown(finding, history, sign_offs)))
        return
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    show(*terminal.finding_page(finding, history, now, sign_offs))
