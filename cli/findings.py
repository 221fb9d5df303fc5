"""`fixby list` and `fixby show`: what is stored, for people and programs."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from fixby.cli import place as here
from fixby.cli.asking import asked
from fixby.cli.output import emit
from fixby.cli.pager import page
from fixby.cli.place import Place, reading, reading_at
from fixby.cli.scan import LONGEST_TABLE
from fixby.query import Term, parse
from fixby.reports import fields, published
from fixby.reports.words import moment
from fixby.scanners.blame import Blamed, Unblamed, blame
from fixby.store import queries
from fixby.store.sign_offs import of_finding
from fixby.store.terms import in_force
from fixby.tracked import TrackedFinding

if TYPE_CHECKING:
    from rich.table import Table

    from fixby.store.database import Database


class Format(StrEnum):
    """How a list is written."""

    TERMINAL = "terminal"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Wish:
    """The list that was asked for: `fields` names some with commas, or is None for those that each format has.

    `limit` is None for as many as there are, or as people read; `as_of` is empty for now.
    """

    query: Sequence[str]
    limit: int | None = None
    as_of: str = ""
    fields: str | None = None
    format: Format = Format.TERMINAL


def run_list(wish: Wish, place: Place) -> None:
    """List the findings that a query selects, the first due first."""
    query, names = parse(asked(wish.query)), None if wish.fields is None else fields.picked(wish.fields)
    shown = wish.limit or (LONGEST_TABLE if wish.format is Format.TERMINAL else None)
    with reading_at(place, wish.as_of) as (database, found, now):
        findings = queries.findings(database, query, now, shown)
        total = len(queries.matching(database, query, now)) if len(findings) == shown else len(findings)
    match wish.format:
        case Format.JSON:
            whole = fields.document(findings, names, now) if names else published.listed(findings)
            emit(published.written(whole))
        case Format.CSV:
            emit(fields.csv(findings, names or fields.OF_CSV, now).removesuffix("\n"))
        case Format.TERMINAL if not findings:
            emit("No finding is selected.")
        case Format.TERMINAL:
            some = f"{len(findings)} of {total}" if total > len(findings) else str(total)
            table = _table(findings, names, now, found.root.resolve())
            page(table, "", f"{some} shown; one in full: {place.again('fixby show ID')}")


def _table(findings: Sequence[TrackedFinding], names: Sequence[str] | None, now: int, root: Path) -> "Table":
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    return terminal.fields_table(findings, names, now) if names else terminal.findings_table(findings, now, root)


def run_show(prefix: str, place: Place, *, blames: bool, as_json: bool) -> None:
    """Show the one finding whose id begins with `prefix`, and with `blames` who wrote its line."""
    now = here.now()
    with reading(place) as (database, found):
        here.note_other_policy(database, found)
        finding = queries.finding(database, prefix, now)
        history = queries.history(database, finding.id)
        others = [] if as_json else _others(database, finding, now)
        policy = in_force(database, finding.asset)
        sign_offs = of_finding(database, finding.id, here.checker(found))
    root = found.root.resolve()
    author = blame(next(iter(finding.finding.locations), None), root) if blames else None
    if as_json:
        emit(published.written(published.shown(finding, history, sign_offs, _blame(author) if author else None)))
        return
    from fixby.reports.finding_page import Beside, finding_page  # noqa: PLC0415 - rich takes a tenth of a second
    from fixby.scanners.surroundings import excerpt  # noqa: PLC0415

    command = place.again(f"fixby list is:open {shlex.quote(f'rule:{finding.finding.rule.id}')}")
    beside = Beside(
        excerpt(finding.finding, root),
        root,
        len(others),
        command,
        _written(author) if author else "",
        sign_offs,
        policy.severity_of if policy else (),
    )
    page(*finding_page(finding, history, now, beside))


def _blame(author: Blamed | Unblamed) -> published.Document:
    match author:
        case Unblamed(reason):
            return {"reason": reason}
        case Blamed(name, email, at, commit, summary, is_oldest):
            known = {"author": name, "email": email, "at": published.instant(at), "commit": commit, "summary": summary}
            return known | {"is_oldest": is_oldest}


def _written(author: Blamed | Unblamed) -> str:
    match author:
        case Unblamed(reason):
            return f"nobody knows by whom: {reason}"
        case Blamed(name, email, at, commit, summary, is_oldest):
            oldest = "\nThe clone is shallow and ends there: it may be older." if is_oldest else ""
            return f"by {name} <{email}> {moment(at)}\n{commit[:12]} {summary}{oldest}"


def _others(database: "Database", finding: TrackedFinding, now: int) -> list[str]:
    """The ids of the other open findings of the same rule and asset."""
    alike = (Term("is", ("open",)), Term("rule", (finding.finding.rule.id,)), Term("asset", (finding.asset,)))
    return [id_ for id_ in queries.matching(database, alike, now) if id_ != finding.id]
