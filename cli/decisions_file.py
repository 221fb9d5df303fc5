"""`fixby decisions`: what people decided as a file that is reviewed, and such a file put into the store."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fixby.cli import place as here
from fixby.cli.actor import actor
from fixby.cli.alerts import suggested, triage
from fixby.cli.instants import later
from fixby.cli.output import emit, note
from fixby.cli.place import Place, reading, writing
from fixby.decision import Acceptance
from fixby.errors import UsageError
from fixby.identity import numbered
from fixby.policies.decisions_file import Kind, Stated, parse, written
from fixby.policies.document import read_text
from fixby.policies.ignore_files import accepted
from fixby.policies.vex_files import Status, is_vex, judged, statements
from fixby.query import Term
from fixby.query import parse as parse_query
from fixby.reports import published
from fixby.reports.plain import safe
from fixby.scanners.formats.github_triage import ours
from fixby.scanners.ingestion import scans_of_report
from fixby.sla.duration import duration
from fixby.store import decisions, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.opening import secret_key
from fixby.store.terms import in_force
from fixby.tracked import Accepted, Dismissed, State, TrackedFinding


def export(query: Sequence[str], place: Place, *, as_json: bool) -> None:
    """Print what is in force of what people decided, as a file that `apply` reads."""
    with reading(place) as (database, found):
        terms = (Term("asset", (found.asset.name,)), *parse_query(" ".join(query)))
        some = queries.findings(database, terms, here.now())
    stated = sorted((one for finding in some for one in _stated(finding)), key=lambda one: (one.kind, one.finding))
    emit(published.written(_document(stated)) if as_json else written(stated).rstrip("\n"))


def apply(file: Path, place: Place, *, only_show: bool, as_json: bool) -> None:
    """Decide what a file states and is not in force yet; what the policy refuses ends it, what came before it stays.

    Raises `ConfigurationError` for a mistake in the file, before anything is decided, and `UsageError` for a refusal.
    """
    some = parse(read_text(file), str(file))
    by = By(actor(os.environ), here.now())
    found = place.configuration()
    with writing(found) as database:
        with here.only_valid(database, found):
            results = [_result(one, _meant(database, one, found.asset.name, by.now), by.now) for one in some]
        if not only_show:
            results = [_decided(database, result, by) for result in results]
    _tell(results, only_show=only_show, as_json=as_json)


def convert(file: Path, place: Place, *, as_json: bool) -> None:
    """Print as decisions what a file of another tool ignores, or what a VEX document suggests.

    Raises `ReportError` for a file of no known format.
    """
    content = read_text(file)
    if is_vex(content):
        stated = _of_vex(content, place)
    elif ours(content.encode()):
        stated = _of_alerts(content.encode(), place)
    else:
        stated = _of_baseline(content.encode(), place) if _is_baseline(content) else accepted(content)
    emit(published.written(_document(stated)) if as_json else written(stated).rstrip("\n"))


def _of_alerts(report: bytes, place: Place) -> list[Stated]:
    """What people decided of our findings in GitHub's code scanning."""
    with reading(place) as (database, found):
        triaged = triage(database, [report], found.asset.name, here.now())
        return suggested(triaged, in_force(database, found.asset.name) or here.policy(found))


def _is_baseline(content: str) -> bool:
    return content.lstrip().startswith("{") and '"plugins_used"' in content


def _of_baseline(report: bytes, place: Place) -> list[Stated]:
    """The secrets of a detect-secrets baseline that somebody audited as none, as far as the store knows them."""
    with reading(place) as (database, found):
        [scan] = scans_of_report(report, "detect-secrets", secret_key(database), here.now())
        ids = numbered(found.asset.name, [one for one in scan.findings if one.suppression])
        known = queries.with_ids(database, ids, here.now())
    return [Stated(Kind.DISMISS, "audited as no secret", one.id, what=_what(one)) for one in known]


def _of_vex(content: str, place: Place) -> list[Stated]:
    """Dismissals where somebody says that a package is not affected; what suggests none, or is about none, is told."""
    some = statements(content)
    with reading(place) as (database, found):
        terms = (Term("asset", (found.asset.name,)), Term("is", ("open", "dismissed")))
        opinion = judged(some, queries.findings(database, terms, here.now()))
    other = Counter(one.status for one in some if one.status is not Status.NOT_AFFECTED)
    for status, count in sorted(other.items()):
        note(f"fixby: {count} of {len(some)} say {status}, which suggests no decision.")
    for one in opinion.of_none:
        note(f"fixby: no open finding is meant by {safe(' '.join((*one.names[:1], *one.purls)) or 'a statement')}.")
    return [
        Stated(Kind.DISMISS, one.reason, finding.id, what=_what(finding))
        for finding, one in opinion.of_findings
        if one.status is Status.NOT_AFFECTED and finding.state is not State.DISMISSED
    ]


def _what(finding: TrackedFinding) -> str:
    """A finding in some words."""
    place = finding.finding.path or (finding.finding.component.name if finding.finding.component else "")
    return f"{finding.finding.severity} {finding.finding.rule.id} {place}".strip()


@dataclass(frozen=True, slots=True)
class _Result:
    """What a stated decision comes to: the ids that it changes, those for which it is in force, or that it is over.

    An acceptance that was asked for waits where others have to approve it.
    """

    stated: Stated
    changes: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    is_over: bool = False
    waits: bool = False


def _stated(finding: TrackedFinding) -> Iterator[Stated]:
    what = _what(finding)
    for one in finding.decisions:
        match one:
            case Accepted(terms=terms):
                yield Stated(
                    Kind.ACCEPT,
                    terms.reason,
                    finding.id,
                    until=published.instant(terms.until) or "",
                    owner=terms.owner,
                    mitigation=terms.mitigation,
                    what=what,
                )
            case Dismissed(reason=reason):
                yield Stated(Kind.DISMISS, reason, finding.id, what=what)


def _meant(database: Database, stated: Stated, asset: str, now: int) -> list[TrackedFinding]:
    """The findings that a stated decision is about. Raises `UsageError` where an id or a query makes no sense."""
    if stated.finding:
        return [queries.finding(database, stated.finding, now)]
    ours = (Term("asset", (asset,)), Term("is", ("open", "dismissed")))
    return queries.findings(database, (*ours, *parse_query(stated.query)), now)


def _result(stated: Stated, some: Sequence[TrackedFinding], now: int) -> _Result:
    if stated.kind is Kind.ACCEPT and _ends(stated.until, now) <= now:
        return _Result(stated, is_over=True)
    still = [one for one in some if one.state not in (State.FIXED, State.WITHDRAWN)]
    in_force = {one.id for one in still if any(_says(decision, stated, now) for decision in one.decisions)}
    is_open = [one for one in still if one.id not in in_force and one.state is not State.DISMISSED]
    return _Result(stated, tuple(one.id for one in is_open), tuple(sorted(in_force)))


def _says(decision: Accepted | Dismissed, stated: Stated, now: int) -> bool:
    """Whether a decision in force is the stated one; of durations any end will do."""
    match decision:
        case Dismissed():
            return stated.kind is Kind.DISMISS
        case Accepted(terms=terms):
            if stated.kind is not Kind.ACCEPT:
                return False
            same_end = _is_duration(stated.until) or terms.until == _ends(stated.until, now)
            same_words = (terms.reason, terms.mitigation) == (stated.reason, stated.mitigation)
            same_owner = not stated.owner or terms.owner == stated.owner
            return same_end and same_words and same_owner


def _is_duration(until: str) -> bool:
    try:
        return bool(duration(until))
    except ValueError:
        return False


def _ends(until: str, now: int) -> int:
    """The instant at which an acceptance ends; `now` where that is over. Raises `UsageError` for what is no end."""
    try:
        return later(until, "until", now)
    except UsageError as error:
        if "does not lie in the future" in error.message:
            return now
        raise


def _decided(database: Database, result: _Result, by: By) -> _Result:
    stated = result.stated
    if not result.changes:
        return result
    try:
        if stated.kind is Kind.DISMISS:
            decisions.dismiss(database, result.changes, stated.reason, by)
            return result
        wish = Acceptance(stated.owner or by.actor, stated.reason, _ends(stated.until, by.now), stated.mitigation)
        return replace(result, waits=not decisions.accept(database, result.changes, wish, by))
    except UsageError as error:
        raise UsageError(f"{stated.where}: {error.message}", error.hint) from error


def _tell(results: Sequence[_Result], *, only_show: bool, as_json: bool) -> None:
    if as_json:
        emit(published.written(_applied(results, only_show=only_show)))
        return
    for result in results:
        emit(safe(f"{result.stated.where}: {result.stated.kind}: {_words(result)}"))
    if only_show:
        note("fixby: nothing was changed")


def _words(result: _Result) -> str:
    if result.is_over:
        return "its end has passed"
    changed, unchanged = len(result.changes), len(result.unchanged)
    if not changed and not unchanged:
        return "no open finding"
    words = "asked for, to be approved by others" if result.waits else "decided"
    return f"{changed} {words}, {unchanged} unchanged"


def _applied(results: Sequence[_Result], *, only_show: bool) -> published.Document:
    rows = [
        {
            "kind": result.stated.kind,
            "finding": result.stated.finding or None,
            "query": result.stated.query or None,
            "decided": list(result.changes),
            "unchanged": list(result.unchanged),
            "over": result.is_over,
            "waits": result.waits,
        }
        for result in results
    ]
    return {"schema": "fixby.applied/1", "only_shown": only_show, "decisions": rows}


def _document(stated: Sequence[Stated]) -> published.Document:
    def rows(kind: Kind) -> list[published.Document]:
        keys = ("finding", "query", "reason", *(("until", "owner", "mitigation") if kind is Kind.ACCEPT else ()))
        return [{key: getattr(one, key) or None for key in keys} for one in stated if one.kind is kind]

    return {"schema": "fixby.decisions/1", "accept": rows(Kind.ACCEPT), "dismiss": rows(Kind.DISMISS)}
