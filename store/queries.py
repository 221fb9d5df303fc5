"""What the store knows, for people and gates: findings with their clocks, and scans."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from fixby.closing import in_scope
from fixby.decision import Acceptance, Decision
from fixby.errors import UsageError
from fixby.known import Presence
from fixby.query import Term
from fixby.severity import Severity
from fixby.sla.sql import DUE_AT, STATUS
from fixby.store.codec import decoded
from fixby.store.database import Database, Row
from fixby.store.rows import AcceptanceRow, marks_for, pieces, select
from fixby.store.selection import ACCEPTED, OBSERVED, OPEN, Condition, condition
from fixby.tracked import Accepted, Dismissed, HistoryEntry, State, TrackedFinding, Witness


@dataclass(frozen=True, slots=True)
class RecordedScan:
    """The latest scan of a target by a scanner: `finished_at` is a UTC instant in seconds; `seq` orders scans."""

    seq: int
    scanner: str
    target: str
    tool_version: str
    outcome: Literal["complete", "partial", "failed"]
    reasons: tuple[str, ...]
    finished_at: int


def findings(database: Database, query: Sequence[Term], now: int, limit: int | None = None) -> list[TrackedFinding]:
    """The findings that a query selects, the first due first. Raises `UsageError` for a value that makes no sense."""
    return _selected(database, condition(query), _order(query), now, limit)


def with_ids(database: Database, ids: Iterable[str], now: int) -> list[TrackedFinding]:
    """The findings of these ids, in order of id."""
    found: list[TrackedFinding] = []
    for some in pieces(sorted(ids)):
        marks, named = marks_for(some)
        found += _selected(database, Condition(f"finding.id IN ({marks})", {**named}), "finding.id", now)
    return found


def _selected(
    database: Database, where: Condition, order: str, now: int, limit: int | None = None
) -> list[TrackedFinding]:
    chosen = f"SELECT *, {DUE_AT} AS due FROM finding WHERE {where.sql} ORDER BY {order}"
    rows = database.run(
        f"SELECT finding.id, asset, closed_at, started_at, due, {STATUS} AS status, previous, assignee, tags, owners,"
        f" body, closed_as, dismissed_at IS NOT NULL, {ACCEPTED}"
        f" FROM ({chosen}{f' LIMIT {limit:d}' if limit is not None else ''}) AS finding"
        f" JOIN event ON event.seq = finding.detail ORDER BY {order}",
        **where.parameters,
        now=now,
    )
    ids = [str(row[0]) for row in rows]
    witnesses, decisions = _witnesses(database, ids), _decisions(database, rows, now)
    return [_tracked(row, witnesses[id_], decisions.get(id_, ())) for id_, row in zip(ids, rows, strict=True)]


def _order(query: Sequence[Term]) -> str:
    """The first due first; what is in breach stands in that order in an index, closed findings last."""
    if Term("sla", ("breached",)) in query:
        return "finding.due_at, finding.severity DESC, finding.id"
    return f"closed_at IS NOT NULL, {DUE_AT} IS NULL, {DUE_AT}, finding.severity DESC, finding.id"


def matching(database: Database, query: Sequence[Term], now: int) -> list[str]:
    """The ids of the findings that a query selects, in order of id."""
    where = condition(query)
    statement = f"SELECT id FROM finding WHERE {where.sql} ORDER BY id"
    return [str(id_) for (id_,) in database.run(statement, **where.parameters, now=now)]


def queue(database: Database, query: Sequence[Term], now: int) -> list[str]:
    """The ids of the findings that a query selects, in the order of `findings`: all of a large store are at hand."""
    where = condition(query)
    statement = f"SELECT id FROM finding WHERE {where.sql} ORDER BY {_order(query)}"
    return [str(id_) for (id_,) in database.run(statement, **where.parameters, now=now)]


def not_observed(database: Database, asset: str) -> int:
    """How many open findings of an asset the last scan of none of their scanners saw."""
    source, among = where_some_are_not_observed(database)
    where = f"{among} AND asset = :asset AND {OPEN} AND NOT {OBSERVED}"
    [(count,)] = database.run(f"SELECT count(*) FROM {source} WHERE {where}", asset=asset)
    return int(count or 0)


def where_some_are_not_observed(database: Database) -> tuple[str, str]:
    """The rows among which to look for what is not observed, and how: unless a scanner failed, they are few."""
    newest = "SELECT max(seq) FROM scan GROUP BY asset, scanner"
    if database.run(f"SELECT 1 FROM scan WHERE outcome = 'failed' AND seq IN ({newest}) LIMIT 1"):
        return "finding", "1 = 1"
    absent = "SELECT DISTINCT finding_id FROM sighting WHERE presence = 'not_observed'"
    return f"({absent}) AS absent CROSS JOIN finding", "finding.id = absent.finding_id"


def finding(database: Database, prefix: str, now: int) -> TrackedFinding:
    """The one finding whose id begins with `prefix`. Raises `UsageError` where none or several do."""
    [found] = with_ids(database, whole_ids(database, [prefix]), now)
    return found


def whole_ids(database: Database, prefixes: Iterable[str]) -> list[str]:
    """The ids that begin with these prefixes, each once. Raises `UsageError` where with one no id or several begin."""
    return list(dict.fromkeys(_whole_id(database, prefix) for prefix in prefixes))


def _whole_id(database: Database, prefix: str) -> str:
    where = condition([Term("id", (prefix,))])
    rows = database.run(f"SELECT id FROM finding WHERE {where.sql} ORDER BY id LIMIT 3", **where.parameters)
    found = [str(id_) for (id_,) in rows]
    if not found:
        raise UsageError(f"No finding has an id that begins with {prefix!r}.", "See the ids: fixby list")
    if len(found) > 1:
        some = ", ".join(id_[:12] for id_ in found)
        raise UsageError(f"Several findings have an id that begins with {prefix!r}: {some}, ...", "Give more of it.")
    return found[0]


def latest_scans(database: Database, asset: str) -> list[RecordedScan]:
    """The latest scan of each scanner on each target of an asset, in order of scanner and time."""
    rows = database.run(
        "SELECT scan.seq, scanner, target, tool_version, outcome, body, finished_at FROM scan"
        " JOIN event ON event.seq = scan.seq"
        " WHERE scan.seq IN (SELECT max(seq) FROM scan WHERE asset = :asset GROUP BY scanner, target)"
        " ORDER BY scanner, scan.seq",
        asset=asset,
    )
    return [_scan(row) for row in rows]


def history(database: Database, id_: str) -> list[HistoryEntry]:
    """What happened to a finding, oldest first."""
    rows: Iterable[Any] = database.run(
        "SELECT at, actor, kind, body FROM event WHERE subject = :id ORDER BY seq", id=id_
    )
    return [HistoryEntry(at, actor, kind, orjson.loads(body).get("reason") or "") for at, actor, kind, body in rows]


def _tracked(row: Row, witnesses: Sequence[Witness], decisions: Sequence[Accepted | Dismissed]) -> TrackedFinding:
    id_, asset, closed_at, started_at, due_at, status, previous, assignee, tags, owners, body, closed_as, *flags = row
    is_dismissed, is_accepted = flags
    values: dict[str, Any] = {"closed_at": closed_at, "due_at": due_at, "first_seen": started_at, "asset": asset}
    finding = decoded(orjson.loads(str(body))["finding"])
    return TrackedFinding(
        id=str(id_),
        finding=finding,
        state=State(str(closed_as)) if closed_at is not None else _state(bool(is_dismissed), bool(is_accepted)),
        last_seen=max(witness.last_seen for witness in witnesses),
        sla_status=str(status),
        witnesses=tuple(replace(one, fix=finding.fix) if one.counts else one for one in witnesses),
        not_observed="" if closed_at is not None else _why_not_observed(witnesses),
        previous=str(previous or ""),
        assignee=str(assignee),
        tags=tuple(orjson.loads(str(tags))),
        decisions=tuple(decisions),
        owners=tuple(str(owners).split()),
        **values,
    )


def _state(is_dismissed: bool, is_accepted: bool) -> State:  # noqa: FBT001 - as the row has it
    """The state of a finding that is not closed."""
    states = {State.DISMISSED: is_dismissed, State.ACCEPTED: is_accepted}
    return next((state for state, holds in states.items() if holds), State.OPEN)


def _why_not_observed(witnesses: Sequence[Witness]) -> str:
    if any(witness.presence is Presence.PRESENT for witness in witnesses):
        return ""
    return "; ".join(witness.reason for witness in witnesses if witness.presence is Presence.NOT_OBSERVED)


def _witnesses(database: Database, ids: Sequence[str]) -> Mapping[str, list[Witness]]:
    scans = _scan_times(database)
    found: dict[str, list[Witness]] = {id_: [] for id_ in ids}
    for some in pieces(ids):
        marks, named = marks_for(some)
        rows = database.run(
            "SELECT finding_id, asset, scanner, presence, sighting.severity, reason, units, last_scan, body"
            " FROM sighting JOIN finding ON finding.id = finding_id"
            " LEFT JOIN event ON event.seq = sighting.detail AND sighting.detail <> finding.detail"
            f" WHERE finding_id IN ({marks}) ORDER BY finding_id, scanner",
            **named,
        )
        for id_, *rest in rows:
            found[str(id_)].append(_witness(rest, scans))
    return found


def _decisions(database: Database, rows: Sequence[Row], now: int) -> Mapping[str, list[Accepted | Dismissed]]:
    """What is in force of what people decided; a finding that is dismissed can be accepted no more."""
    found: dict[str, list[Accepted | Dismissed]] = {}
    for some in pieces(str(row[0]) for row in rows):
        marks, named = marks_for(some)
        living = f"finding_id IN ({marks}) AND ended_at IS NULL AND until_at > :now ORDER BY seq"
        for row in select(database, AcceptanceRow, "acceptance", living, now=now, **named):
            found.setdefault(row.finding_id, []).append(_accepted(row))
    for id_, dismissal in _dismissals(database, [str(row[0]) for row in rows if row[_IS_DISMISSED]]):
        found.setdefault(id_, []).append(dismissal)
    return found


_IS_DISMISSED = -2
"""Where a row of a finding says so."""


def _dismissals(database: Database, ids: Sequence[str]) -> Iterator[tuple[str, Dismissed]]:
    """The last dismissal of each of some findings that are dismissed."""
    for some in pieces(ids):
        marks, named = marks_for(some)
        last = f"SELECT max(seq) FROM event WHERE subject IN ({marks}) AND kind = :kind GROUP BY subject"
        statement = f"SELECT subject, actor, at, body FROM event WHERE seq IN ({last})"
        rows: Iterable[Any] = database.run(statement, kind=Decision.DISMISSED, **named)
        for id_, actor, at, body in rows:
            yield id_, Dismissed(actor, at, orjson.loads(body)["reason"])


def _accepted(row: AcceptanceRow) -> Accepted:
    terms = Acceptance(row.owner, row.reason, row.until_at, row.mitigation)
    approvals = tuple(orjson.loads(row.approvals))
    return Accepted(row.requested_by, row.requested_at, terms, approvals, row.needed, row.valid_from is not None)


@dataclass(frozen=True, slots=True)
class _ScanTimes:
    """When scans ended: each by its number; the latest usable one of each target; the streams whose last one failed.

    A stream is an asset and a scanner.
    """

    by_seq: Mapping[int, int]
    usable: Mapping[tuple[str, str], Mapping[str, int]]
    failed: frozenset[tuple[str, str]]


def _scan_times(database: Database) -> _ScanTimes:
    by_seq: dict[int, int] = {}
    usable: dict[tuple[str, str], dict[str, int]] = {}
    failed: set[tuple[str, str]] = set()
    rows: Iterable[Any] = database.run(
        "SELECT seq, asset, scanner, target, outcome, finished_at FROM scan ORDER BY seq"
    )
    for seq, asset, scanner, target, outcome, finished_at in rows:
        by_seq[seq] = finished_at
        if outcome == "failed":
            failed.add((asset, scanner))
        else:
            usable.setdefault((asset, scanner), {})[target] = finished_at
            failed.discard((asset, scanner))
    return _ScanTimes(by_seq, usable, frozenset(failed))


def _witness(values: Sequence[Any], scans: _ScanTimes) -> Witness:
    asset, scanner, presence, severity, reason, units, last_scan, body = values
    stream = (asset, scanner)
    if presence == Presence.PRESENT and stream in scans.failed:
        presence, reason = Presence.NOT_OBSERVED, f"the last scan by {scanner} failed"
    last_seen = _last_seen(scans.usable[stream], orjson.loads(units)) if last_scan is None else scans.by_seq[last_scan]
    fix = orjson.loads(body)["finding"]["fix"] if body else ""
    return Witness(scanner, Presence(presence), Severity.from_rank(severity), last_seen, reason, fix, counts=not body)


def _last_seen(usable: Mapping[str, int], units: Sequence[str]) -> int:
    """When the latest usable scan ended that looked where a finding stands, or at least looked."""
    there = [at for target, at in usable.items() if any(in_scope(unit, target) for unit in units)]
    return max(there or usable.values())


def _scan(row: Sequence[Any]) -> RecordedScan:
    seq, scanner, target, tool_version, outcome, body, finished_at = row
    return RecordedScan(seq, scanner, target, tool_version, outcome, tuple(orjson.loads(body)["reasons"]), finished_at)
