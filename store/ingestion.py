"""A scan into the store: one transaction, set-based, idempotent. One that changes nothing writes no finding."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import orjson

from fixby.finding import Finding
from fixby.identity import identified
from fixby.lifecycle import Change, Known, Observed, Past, Presence, Sighting, Step, changes, units
from fixby.scan import Coverage, Scan, outcome_name
from fixby.store import projection
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.log import Event, Head, append, head


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a scan changed: the ids of the findings that are new, fixed, reopened or no longer observed.

    `seq` is the number of the scan's event.
    """

    seq: int
    new: tuple[str, ...]
    fixed: tuple[str, ...]
    reopened: tuple[str, ...]
    not_observed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who records a scan, of which asset, and when (a UTC instant in seconds); `regression_window` is in seconds."""

    asset: str
    actor: str
    now: int
    regression_window: int


def record(database: Database, scan: Scan, occasion: Occasion) -> Recorded:
    """Store a scan and what it changes. Raises `StoreError`; then nothing was stored."""
    coverage = encoded(scan.coverage)
    documents = [encoded(finding).decode() for finding in scan.findings]
    content = _content(scan, coverage, documents)
    with database.writing():
        after = head(database)
        latest = _latest(database, occasion.asset, scan.scanner)
        steps = [] if _repeats(latest, scan, content) else _steps(database, scan, documents, occasion, latest)
        recorded = _recorded(after.seq + 1, steps)
        moment = _Moment(scan, occasion, max(scan.started_at, _latest_start(database, occasion.asset)), latest)
        _append(database, after, moment, recorded, steps)
        _insert_scan(database, recorded.seq, moment, content, coverage)
    return recorded


@dataclass(frozen=True, slots=True)
class _Latest:
    """The latest usable scan of a scanner on an asset."""

    seq: int
    target: str
    tool_version: str
    configuration: str
    content: str


@dataclass(frozen=True, slots=True)
class _Moment:
    """What all events of one recording share; `observed_at` is the instant that counts for the clocks."""

    scan: Scan
    occasion: Occasion
    observed_at: int
    latest: _Latest | None


def _content(scan: Scan, coverage: bytes, documents: Iterable[str]) -> str:
    """A digest of all that a scan says, its times left out."""
    head_line = encoded([scan.scanner, scan.tool_version, scan.configuration, outcome_name(scan.outcome), scan.reasons])
    whole = sha256(head_line + b"\n" + coverage)
    for document in documents:
        whole.update(document.encode())
    return whole.hexdigest()


def _repeats(latest: _Latest | None, scan: Scan, content: str) -> bool:
    return latest is not None and (latest.target, latest.content) == (scan.target, content)


def _latest(database: Database, asset: str, scanner: str) -> _Latest | None:
    rows = database.run(
        "SELECT seq, target, tool_version, configuration, content FROM scan"
        " WHERE asset = :asset AND scanner = :scanner AND outcome <> 'failed' ORDER BY seq DESC LIMIT 1",
        asset=asset,
        scanner=scanner,
    )
    return _Latest(*rows[0]) if rows else None  # type: ignore[arg-type]


def _latest_start(database: Database, asset: str) -> int:
    """The latest start of a scan of the asset: a clock that was set back must not order events anew."""
    [(latest,)] = database.run("SELECT max(started_at) FROM scan WHERE asset = :asset", asset=asset)
    return int(latest or 0)


def _steps(
    database: Database, scan: Scan, documents: Sequence[str], occasion: Occasion, latest: _Latest | None
) -> list[Step]:
    written = dict(zip(map(id, scan.findings), documents, strict=True))
    observed = {
        identity: _observed(finding, written.get(id(finding)) or encoded(finding).decode())
        for identity, finding in identified(occasion.asset, scan.findings).items()
    }
    past = Past(
        coverage=cache(lambda seq: _coverage_until(database, occasion.asset, scan.scanner, seq)),
        tool_version=latest.tool_version if latest else "",
        configuration=latest.configuration if latest else "",
    )
    return list(changes(scan, observed, _known(database, occasion.asset), past, occasion.regression_window))


def _observed(finding: Finding, document: str) -> Observed:
    return Observed(finding, document, sha256(document.encode()).hexdigest()[:16])


def _known(database: Database, asset: str) -> dict[str, Known]:
    """The latest occurrence of each of the asset's findings, by identity."""
    sightings: dict[str, dict[str, Sighting]] = {}
    for id_, scanner, *rest in database.run(
        "SELECT finding_id, scanner, presence, details, units, reason, last_scan"
        " FROM sighting JOIN finding ON finding.id = finding_id WHERE asset = :asset",
        asset=asset,
    ):
        sightings.setdefault(str(id_), {})[str(scanner)] = _sighting(rest)
    rows = database.run(
        "SELECT identity, id, occurrence, closed_at FROM finding WHERE asset = :asset ORDER BY occurrence", asset=asset
    )
    return {
        str(identity): Known(str(id_), occurrence, closed_at, sightings[str(id_)])  # type: ignore[arg-type]
        for identity, id_, occurrence, closed_at in rows
    }


def _sighting(values: Sequence[Any]) -> Sighting:
    presence, details, where, reason, last_scan = values
    return Sighting(Presence(presence), details, tuple(orjson.loads(where)), reason, last_scan)


def _coverage_until(database: Database, asset: str, scanner: str, seq: int | None) -> Coverage:
    """What the usable scans up to number `seq` (None: all) looked at; of each place the latest scan's word counts."""
    rows = database.run(
        "SELECT body FROM coverage JOIN scan ON scan.coverage = digest WHERE seq IN"
        " (SELECT max(seq) FROM scan WHERE asset = :asset AND scanner = :scanner AND outcome <> 'failed'"
        " AND seq <= :seq GROUP BY target) ORDER BY seq",
        asset=asset,
        scanner=scanner,
        seq=_NEWEST if seq is None else seq,
    )
    documents = [orjson.loads(zlib.decompress(body)) for (body,) in rows]  # type: ignore[arg-type]
    return Coverage({unit: content for document in documents for unit, content in document["scanned"].items()})


_NEWEST = 2**62


def _recorded(seq: int, steps: Sequence[Step]) -> Recorded:
    def ids(change: Change) -> tuple[str, ...]:
        return tuple(step.id for step in steps if step.change is change)

    return Recorded(seq, ids(Change.DETECTED), ids(Change.FIXED), ids(Change.REOPENED), ids(Change.NOT_OBSERVED))


def _append(database: Database, after: Head, moment: _Moment, recorded: Recorded, steps: Sequence[Step]) -> None:
    known = [step.id for step in steps if step.change is not Change.DETECTED]
    rows = projection.load(database, known)

    def projected() -> Iterator[Event]:
        for event in _events(max(after.at, moment.occasion.now), recorded, moment, steps):
            projection.apply(rows, event)
            yield event

    append(database, after, projected())
    projection.save(database, rows, known)


def _events(at: int, recorded: Recorded, moment: _Moment, steps: Iterable[Step]) -> Iterator[Event]:
    actor = moment.occasion.actor
    yield Event(recorded.seq, at, actor, "scan.recorded", "", encoded(_scan_body(moment, recorded)).decode())
    for seq, step in enumerate(steps, start=recorded.seq + 1):
        yield Event(seq, at, actor, step.change, step.id, encoded(_step_body(moment, step)).decode())


def _scan_body(moment: _Moment, recorded: Recorded) -> Mapping[str, object]:
    scan = moment.scan
    return {
        "asset": moment.occasion.asset,
        "scanner": scan.scanner,
        "target": scan.target,
        "tool_version": scan.tool_version,
        "configuration": scan.configuration,
        "started_at": scan.started_at,
        "finished_at": scan.finished_at,
        "outcome": outcome_name(scan.outcome),
        "reasons": scan.reasons,
        "coverage": _coverage_digest(encoded(scan.coverage)),
        "findings": len(scan.findings),
        "suppressed": scan.suppressed,
        "new": len(recorded.new),
        "fixed": len(recorded.fixed),
        "reopened": len(recorded.reopened),
        "not_observed": len(recorded.not_observed),
    }


def _step_body(moment: _Moment, step: Step) -> Mapping[str, object]:
    body: dict[str, object] = {"scanner": moment.scan.scanner, "observed_at": moment.observed_at}
    if step.observed is None:
        return body | {"reason": step.reason, "last_scan": moment.latest.seq if moment.latest else None}
    body |= {
        "finding": orjson.Fragment(step.observed.document),
        "details": step.observed.details,
        "units": encoded(units(step.observed.finding)).decode(),
    }
    if step.change is Change.DETECTED:
        body |= {
            "asset": moment.occasion.asset,
            "identity": step.identity,
            "occurrence": step.occurrence,
            "previous": step.previous,
        }
    return body


def _insert_scan(database: Database, seq: int, moment: _Moment, content: str, coverage: bytes) -> None:
    scan, digest = moment.scan, _coverage_digest(coverage)
    columns = ("seq", "asset", "scanner", "target", "started_at", "finished_at", "tool_version", "configuration")
    values = (
        seq,
        moment.occasion.asset,
        scan.scanner,
        scan.target,
        scan.started_at,
        scan.finished_at,
        scan.tool_version,
        scan.configuration,
    )
    database.insert(
        "scan",
        (*columns, "outcome", "coverage", "content"),
        [(*values, outcome_name(scan.outcome), digest, content)],
    )
    if not database.run("SELECT 1 FROM coverage WHERE digest = :digest", digest=digest):
        database.run(
            "INSERT INTO coverage (digest, body) VALUES (:digest, :body)", digest=digest, body=zlib.compress(coverage)
        )


def _coverage_digest(coverage: bytes) -> str:
    return sha256(coverage).hexdigest()
