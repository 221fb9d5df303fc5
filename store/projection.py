"""Findings as the log tells them: events in, rows out. Ingestion and rebuilding both go through here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from itertools import islice
from operator import attrgetter
from typing import Any

import orjson

from fixby.lifecycle import Change, Presence
from fixby.severity import LEVELS, Severity
from fixby.sla.clock import Segment, Timeline, closed, detected, rescored, resumed
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.log import Event


@dataclass(slots=True)
class FindingRow:
    """A row of the table `finding`, in the order of its columns."""

    id: str
    identity: str
    occurrence: int
    previous: str | None
    asset: str
    category: str
    rule_id: str
    severity: int
    detail: int
    started_at: int
    stopped_at: int | None
    closed_at: int | None
    since_info: int | None
    since_low: int | None
    since_medium: int | None
    since_high: int | None
    since_critical: int | None
    since_unknown: int | None


@dataclass(slots=True)
class SightingRow:
    """A row of the table `sighting`, in the order of its columns."""

    finding_id: str
    scanner: str
    presence: str
    reason: str
    severity: int
    suppressed: int
    path: str
    package: str
    names: str
    details: str
    units: str
    detail: int
    last_scan: int | None


@dataclass(slots=True)
class SegmentRow:
    """A row of the table `running_segment`, in the order of its columns."""

    finding_id: str
    number: int
    started_at: int
    stopped_at: int | None
    running_before: int


@dataclass(slots=True)
class ScanRow:
    """A row of the table `scan`, in the order of its columns."""

    seq: int
    asset: str
    scanner: str
    target: str
    started_at: int
    finished_at: int
    tool_version: str
    configuration: str
    outcome: str
    coverage: str
    content: str


@dataclass(slots=True)
class Rows:
    """The rows of some findings, with those of their sightings (by scanner) and their later segments, and of scans."""

    findings: dict[str, FindingRow] = field(default_factory=dict)
    sightings: dict[str, dict[str, SightingRow]] = field(default_factory=dict)
    segments: dict[str, list[SegmentRow]] = field(default_factory=dict)
    scans: dict[int, ScanRow] = field(default_factory=dict)


SCAN_RECORDED = "scan.recorded"
"""The kind of event that stands for a scan; those of findings are the values of `Change`."""


def apply(rows: Rows, event: Event) -> None:
    """Bring `rows` up to date with one event; the kinds that are none of ours change nothing.

    Raises `KeyError`, `TypeError`, `ValueError` or `IndexError` for an event that Fixby did not write.
    """
    if event.kind == SCAN_RECORDED:
        body = orjson.loads(event.body)
        rows.scans[event.seq] = ScanRow(event.seq, *(body[column] for column in _columns(ScanRow)[1:]))
    elif event.kind == Change.DETECTED:
        body = orjson.loads(event.body)
        rows.findings[event.subject] = _new_row(event, body)
        rows.sightings[event.subject] = {body["scanner"]: _sighting(event, body)}
    elif event.kind in _CHANGES:
        _change(rows, event, orjson.loads(event.body))


def load(database: Database, ids: Iterable[str]) -> Rows:
    """The rows of the findings of these ids; no scans."""
    rows = Rows()
    for some in _pieces(ids):
        marks, named = _marks(some)
        _read(database, rows, f"id IN ({marks})", f"finding_id IN ({marks})", named)
    return rows


def load_all(database: Database) -> Rows:
    """The rows of all findings and scans."""
    rows = Rows()
    _read(database, rows, "1 = 1", "1 = 1", {})
    values: Any
    for values in database.run(f"SELECT {_names(ScanRow)} FROM scan"):
        rows.scans[values[0]] = ScanRow(*values)
    return rows


def _read(database: Database, rows: Rows, of_finding: str, of_rest: str, named: Mapping[str, str]) -> None:
    values: Any
    for values in database.run(f"SELECT {_names(FindingRow)} FROM finding WHERE {of_finding}", **named):
        finding = FindingRow(*values)
        rows.findings[finding.id] = finding
        rows.sightings[finding.id] = {}
    for values in database.run(f"SELECT {_names(SightingRow)} FROM sighting WHERE {of_rest}", **named):
        sighting = SightingRow(*values)
        rows.sightings.setdefault(sighting.finding_id, {})[sighting.scanner] = sighting
    of_segments = f"SELECT {_names(SegmentRow)} FROM running_segment WHERE {of_rest} ORDER BY number"
    for values in database.run(of_segments, **named):
        segment = SegmentRow(*values)
        rows.segments.setdefault(segment.finding_id, []).append(segment)


def save(database: Database, rows: Rows, replaced: Iterable[str]) -> None:
    """Write all of `rows`; `replaced` are the ids that stand in the store already."""
    for some in _pieces(replaced):
        marks, named = _marks(some)
        database.run(f"DELETE FROM finding WHERE id IN ({marks})", **named)
        database.run(f"DELETE FROM sighting WHERE finding_id IN ({marks})", **named)
        database.run(f"DELETE FROM running_segment WHERE finding_id IN ({marks})", **named)
    _insert(database, "finding", FindingRow, rows.findings.values())
    _insert(database, "sighting", SightingRow, (row for by in rows.sightings.values() for row in by.values()))
    _insert(database, "running_segment", SegmentRow, (row for some in rows.segments.values() for row in some))
    _insert(database, "scan", ScanRow, rows.scans.values())


_CHANGES = frozenset(Change)
_PRESENCE = {
    Change.OBSERVED: Presence.PRESENT,
    Change.NOT_OBSERVED: Presence.NOT_OBSERVED,
    Change.UNSIGHTED: Presence.GONE,
    Change.FIXED: Presence.GONE,
}
_RANKS = {str(severity): severity.rank for severity in Severity}
_SINCE = {level: f"since_{level}" for level in (*LEVELS, Severity.UNKNOWN)}


def _new_row(event: Event, body: Mapping[str, Any]) -> FindingRow:
    finding = body["finding"]
    rank = _RANKS[finding["severity"]]
    return FindingRow(
        event.subject,
        body["identity"],
        body["occurrence"],
        body["previous"] or None,
        body["asset"],
        finding["category"],
        finding["rule"]["id"],
        rank,
        event.seq,
        body["observed_at"],
        None,
        None,
        *_first_since(rank),
    )


@cache
def _first_since(rank: int) -> tuple[int | None, ...]:
    """The columns `since_*` of a finding that was just detected: they do not depend on the instant."""
    since = detected(Severity.from_rank(rank), 0).since
    return tuple(since.get(level) for level in _SINCE)


def _sighting(event: Event, body: Mapping[str, Any]) -> SightingRow:
    finding = body["finding"]
    return SightingRow(
        event.subject,
        body["scanner"],
        _PRESENT,
        "",
        _RANKS[finding["severity"]],
        int(finding["suppression"] is not None),
        finding["locations"][0]["path"] if finding["locations"] else "",
        finding["component"]["name"] if finding["component"] else "",
        " ".join(finding["identifiers"]["names"]),
        body["details"],
        encoded(body["units"]).decode(),
        event.seq,
        None,
    )


_PRESENT = str(Presence.PRESENT)


def _change(rows: Rows, event: Event, body: Mapping[str, Any]) -> None:
    """What an event does to the rows of a finding that is known."""
    finding, sightings = rows.findings[event.subject], rows.sightings[event.subject]
    change = Change(event.kind)
    if "finding" in body:
        sightings[body["scanner"]] = _sighting(event, body)
    else:
        _update(sightings[body["scanner"]], change, body)
    before = timeline_of(finding, rows.segments.get(event.subject, ()))
    _settle(finding, sightings.values(), body["scanner"])
    after = _run(before, change, Severity.from_rank(finding.severity), body["observed_at"])
    if after != before:
        _set_timeline(rows, event.subject, after)


def _update(row: SightingRow, change: Change, body: Mapping[str, Any]) -> None:
    if row.presence == Presence.PRESENT:
        row.last_scan = body["last_scan"]
    row.presence = str(_PRESENCE[change])
    row.reason = body["reason"]
    if row.presence == Presence.PRESENT:
        row.last_scan = None


def _settle(finding: FindingRow, sightings: Iterable[SightingRow], scanner: str) -> None:
    """Of several scanners the one that says it is worst speaks for it; once it is fixed, the last that saw it."""
    seen = [row for row in sightings if row.presence != Presence.GONE or row.scanner == scanner]
    worst = max(seen, key=lambda row: (row.presence != Presence.GONE, row.severity, row.scanner))
    finding.severity = worst.severity
    finding.detail = worst.detail


def _run(timeline: Timeline, change: Change, severity: Severity, at: int) -> Timeline:
    """The clock after a change at `at` that left the finding with a severity."""
    if change is Change.FIXED:
        return closed(timeline, at)
    after = resumed(timeline, at) if change is Change.REOPENED else timeline
    return after if severity is after.severity else rescored(after, severity, at)


def timeline_of(row: FindingRow, segments: Iterable[SegmentRow]) -> Timeline:
    """The timeline that stands in a finding's columns and its later segments."""
    known = ((level, getattr(row, column)) for level, column in _SINCE.items())
    later = (Segment(segment.started_at, segment.stopped_at) for segment in segments)
    return Timeline(
        severity=Severity.from_rank(row.severity),
        since={level: since for level, since in known if since is not None},
        running=(Segment(row.started_at, row.stopped_at), *later),
        closed_at=row.closed_at,
    )


def _set_timeline(rows: Rows, id_: str, timeline: Timeline) -> None:
    row = rows.findings[id_]
    for level, column in _SINCE.items():
        setattr(row, column, timeline.since.get(level))
    row.closed_at = timeline.closed_at
    first, *later = timeline.running
    row.started_at, row.stopped_at = first.start, first.stop
    rows.segments.pop(id_, None)
    run = (first.stop or 0) - first.start
    for number, segment in enumerate(later, start=2):
        rows.segments.setdefault(id_, []).append(SegmentRow(id_, number, segment.start, segment.stop, run))
        run += (segment.stop or segment.start) - segment.start


def _names(row: type) -> str:
    return ", ".join(_columns(row))


def _columns(row: type) -> list[str]:
    return [column.name for column in fields(row)]


def _insert(database: Database, table: str, row: type, rows: Iterable[object]) -> None:
    database.insert(table, _columns(row), map(attrgetter(*_columns(row)), rows))


def _pieces(ids: Iterable[str], size: int = 500) -> Iterable[list[str]]:
    remaining = iter(ids)
    return iter(lambda: list(islice(remaining, size)), [])


def _marks(values: list[str]) -> tuple[str, dict[str, str]]:
    named = {f"v{number}": value for number, value in enumerate(values)}
    return ", ".join(f":{name}" for name in named), named
