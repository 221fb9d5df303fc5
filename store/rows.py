"""The rows that the log is projected into, and how they are read and written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import islice
from operator import attrgetter
from typing import Any, TypeVar

from fixby.store.database import Database

Row = TypeVar("Row")


@dataclass(slots=True)
class FindingRow:
    """A row of the table `finding`, in the order of its columns; `tags` is JSON, `owners` has a space between them.

    `closed_as` is the state of a closed one, and empty for the others.
    """

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
    dismissed_at: int | None
    since_info: int | None
    since_low: int | None
    since_medium: int | None
    since_high: int | None
    since_critical: int | None
    since_unknown: int | None
    due_at: int | None
    soon_at: int | None
    deciding: int | None
    paused_from: int | None
    paused_until: int | None
    time_left: int | None
    verdict: str | None
    policy: int | None
    first_event: int
    last_event: int
    assignee: str
    tags: str
    owners: str
    closed_as: str


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
    fixable: int
    details: str
    units: str
    detail: int
    last_scan: int | None
    outline: str


@dataclass(slots=True)
class SegmentRow:
    """A row of the table `running_segment`, in the order of its columns."""

    finding_id: str
    number: int
    started_at: int
    stopped_at: int | None
    running_before: int


@dataclass(slots=True)
class ExploitationRow:
    """A row of the table `exploitation`, in the order of its columns; `epss_since` is JSON."""

    finding_id: str
    known: int
    known_since: int | None
    epss: int
    epss_since: str


@dataclass(slots=True)
class AcceptanceRow:
    """A row of the table `acceptance`, in the order of its columns; its number is that of its event.

    What it is bound to: the rank of `severity`, whether exploitation was `known`, whether it was `fixable`.
    """

    seq: int
    finding_id: str
    requested_at: int
    requested_by: str
    owner: str
    reason: str
    mitigation: str
    until_at: int
    needed: int
    approvals: str
    severity: int
    known: int
    fixable: int
    valid_from: int | None
    ended_at: int | None
    ended_because: str


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
class PolicyRow:
    """A row of the table `policy`, in the order of its columns: a version that was in force for an asset from `at`.

    `days` are the days that its calendar had then (`fixby.policies.business_days.exceptions`).
    """

    seq: int
    at: int
    asset: str
    name: str
    digest: str
    toml: str
    days: str


@dataclass(slots=True)
class AssetRow:
    """A row of the table `asset`, in the order of its columns; `tags` is JSON."""

    name: str
    tier: str
    exposure: str
    tags: str
    team: str
    codeowners: str
    folder: str


@dataclass(slots=True)
class Rows:
    """The rows of some findings with all that hangs on them, by id of the finding; of scans, policies and assets."""

    findings: dict[str, FindingRow] = field(default_factory=dict)
    sightings: dict[str, dict[str, SightingRow]] = field(default_factory=dict)
    segments: dict[str, list[SegmentRow]] = field(default_factory=dict)
    exploitations: dict[str, ExploitationRow] = field(default_factory=dict)
    acceptances: dict[str, list[AcceptanceRow]] = field(default_factory=dict)
    scans: dict[int, ScanRow] = field(default_factory=dict)
    policies: dict[int, PolicyRow] = field(default_factory=dict)
    assets: dict[str, AssetRow] = field(default_factory=dict)


def load(database: Database, ids: Iterable[str]) -> Rows:
    """The rows of the findings of these ids, and of all assets with their policies in force; no scans."""
    rows = Rows()
    for some in pieces(ids):
        marks, named = marks_for(some)
        _read(database, rows, f"id IN ({marks})", f"finding_id IN ({marks})", named)
    _read_terms(database, rows, "seq IN (SELECT max(seq) FROM policy GROUP BY asset)")
    return rows


def load_all(database: Database) -> Rows:
    """All rows."""
    rows = Rows()
    _read(database, rows, "1 = 1", "1 = 1", {})
    _read_terms(database, rows, "")
    rows.scans = {row.seq: row for row in select(database, ScanRow, "scan", "1 = 1")}
    return rows


def save(database: Database, rows: Rows, replaced: Iterable[str]) -> None:
    """Write the rows of findings and scans; `replaced` are the ids that stand in the store already."""
    for some in pieces(replaced):
        marks, named = marks_for(some)
        database.run(f"DELETE FROM finding WHERE id IN ({marks})", **named)
        for table in ("sighting", "running_segment", "exploitation", "acceptance"):
            database.run(f"DELETE FROM {table} WHERE finding_id IN ({marks})", **named)
    insert(database, "finding", FindingRow, rows.findings.values())
    insert(database, "sighting", SightingRow, (row for by in rows.sightings.values() for row in by.values()))
    insert(database, "running_segment", SegmentRow, (row for some in rows.segments.values() for row in some))
    insert(database, "exploitation", ExploitationRow, rows.exploitations.values())
    insert(database, "acceptance", AcceptanceRow, (row for some in rows.acceptances.values() for row in some))
    insert(database, "scan", ScanRow, rows.scans.values())


def save_terms(database: Database, policies: Iterable[PolicyRow], assets: Iterable[AssetRow]) -> None:
    """Write policies that came into force, and assets as they are described now."""
    insert(database, "policy", PolicyRow, policies)
    for asset in assets:
        database.run("DELETE FROM asset WHERE name = :name", name=asset.name)
        insert(database, "asset", AssetRow, [asset])


def _read_terms(database: Database, rows: Rows, which: str) -> None:
    rows.policies = {row.seq: row for row in select(database, PolicyRow, "policy", which)}
    rows.assets = {row.name: row for row in select(database, AssetRow, "asset")}


def _read(database: Database, rows: Rows, of_finding: str, of_rest: str, named: Mapping[str, str]) -> None:
    for finding in select(database, FindingRow, "finding", of_finding, **named):
        rows.findings[finding.id] = finding
        rows.sightings[finding.id] = {}
    for sighting in select(database, SightingRow, "sighting", of_rest, **named):
        rows.sightings.setdefault(sighting.finding_id, {})[sighting.scanner] = sighting
    for segment in select(database, SegmentRow, "running_segment", f"{of_rest} ORDER BY finding_id, number", **named):
        rows.segments.setdefault(segment.finding_id, []).append(segment)
    for rating in select(database, ExploitationRow, "exploitation", of_rest, **named):
        rows.exploitations[rating.finding_id] = rating
    for acceptance in select(database, AcceptanceRow, "acceptance", f"{of_rest} ORDER BY seq", **named):
        rows.acceptances.setdefault(acceptance.finding_id, []).append(acceptance)


def select(database: Database, row: type[Row], table: str, where: str = "", **named: str | int) -> list[Row]:
    """The rows of a table that a condition selects."""
    condition = f" WHERE {where}" if where else ""
    values: Any = database.run(f"SELECT {', '.join(columns(row))} FROM {table}{condition}", **named)
    return [row(*some) for some in values]


def columns(row: type) -> list[str]:
    """The names of a row's columns."""
    return [column.name for column in fields(row)]


def insert(database: Database, table: str, row: type, rows: Iterable[object]) -> None:
    """Insert rows of a type into a table."""
    database.insert(table, columns(row), map(attrgetter(*columns(row)), rows))


def pieces(ids: Iterable[str], size: int = 500) -> Iterable[list[str]]:
    """The ids, some at a time: a statement takes no more parameters."""
    remaining = iter(ids)
    return iter(lambda: list(islice(remaining, size)), [])


def marks_for(values: list[str]) -> tuple[str, dict[str, str]]:
    """The marks of named parameters for values, as `IN (...)` takes them, and the parameters."""
    named = {f"v{number}": value for number, value in enumerate(values)}
    return ", ".join(f":{name}" for name in named), named
