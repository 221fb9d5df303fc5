"""A scan into the store: one transaction, set-based, idempotent. One that changes nothing writes no finding."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce
from hashlib import sha256
from typing import Any

import orjson

from fixby.closing import in_scope
from fixby.cycles import without_search_for_cycles
from fixby.finding import Category, Finding
from fixby.identifiers import identifiers
from fixby.identity import identified
from fixby.known import Known, Look, Memory, Observed, Presence, Sighting
from fixby.lifecycle import Change, Step, changes
from fixby.scan import Scan, outcome_name
from fixby.sla.clock import joined, parted
from fixby.store import coverage, outlines, projection
from fixby.store.codec import decoded, encoded
from fixby.store.conversion import clock_words, timeline_of
from fixby.store.database import Database
from fixby.store.log import Event, Head, head
from fixby.store.projecting import project
from fixby.store.rows import load, marks_for, pieces
from fixby.store.terms import Occasion, adopt


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a scan changed: the ids of the findings that are new, fixed, reopened, no longer observed or withdrawn.

    `seq` is the number of the scan's event.
    """

    seq: int
    new: tuple[str, ...]
    fixed: tuple[str, ...]
    reopened: tuple[str, ...]
    not_observed: tuple[str, ...]
    withdrawn: tuple[str, ...]


def record(database: Database, scan: Scan, occasion: Occasion) -> Recorded:
    """Store a scan and what it changes. Raises `StoreError`; then nothing was stored."""
    with without_search_for_cycles():
        return _record(database, scan, occasion)


def _record(database: Database, scan: Scan, occasion: Occasion) -> Recorded:
    covered = coverage.written(scan.coverage)
    said = [_said_of(finding) for finding in scan.findings]
    content = _content(scan, covered.digest, said)
    with database.writing(first=head(database).seq == 0):
        after = adopt(database, head(database), occasion)
        usable = _usable(database, occasion.asset.name, scan.scanner)
        repeats = bool(usable) and (usable[0].target, usable[0].content) == (scan.target, content)
        steps = [] if repeats else _steps(database, scan, said, occasion)
        recorded = _recorded(after.seq + 1, steps)
        observed_at = max(scan.started_at, _latest_start(database, occasion.asset.name))
        clocks = {step.id: _clock(database, step, observed_at) for step in steps if step.kin}
        moment = _Moment(
            scan, occasion, observed_at, covered.digest, content, usable, outlines.Outlines(scan.outlines), clocks
        )
        _append(database, after, moment, recorded, steps)
        coverage.keep(database, covered)
        outlines.keep(database, moment.outlines.named)
    return recorded


@dataclass(frozen=True, slots=True)
class _Usable:
    """A scan that did not fail, by the same scanner of the same asset."""

    seq: int
    target: str
    content: str


@dataclass(frozen=True, slots=True)
class _Moment:
    """What all events of one recording share; `observed_at` is the instant that counts for the clocks.

    `coverage` is the digest of what was looked at, `content` of all that the scan says; `usable` has the latest scan of
    each target, newest first.
    """

    scan: Scan
    occasion: Occasion
    observed_at: int
    coverage: str
    content: str
    usable: Sequence[_Usable]
    outlines: outlines.Outlines
    clocks: Mapping[str, Mapping[str, object]]

    def outline(self, finding: Finding) -> str:
        """The digest of the outline of the file in which a finding stands, where it has a line."""
        return self.outlines.digest(finding.path) if finding.locations and finding.locations[0].line else ""

    def last_scan(self, units: Sequence[str]) -> int | None:
        """The latest scan that saw what stands in these units, when nothing was missed since."""
        return next((scan.seq for scan in self.usable if any(in_scope(unit, scan.target) for unit in units)), None)


@dataclass(slots=True)
class _Document:
    """What a scan says of a finding, as canonical JSON, and the SHA-256 of that."""

    content: str
    digest: bytes


def _said_of(finding: Finding) -> _Document:
    content = encoded(finding)
    return _Document(content.decode(), sha256(content).digest())


def _content(scan: Scan, covered: str, said: Sequence[_Document]) -> str:
    """A digest of all that a scan says, its times left out."""
    head_line = encoded([scan.scanner, scan.tool_version, scan.configuration, outcome_name(scan.outcome), scan.reasons])
    whole = sha256(head_line + b"\n" + covered.encode())
    for document in said:
        whole.update(document.digest)
    return whole.hexdigest()


def _usable(database: Database, asset: str, scanner: str) -> list[_Usable]:
    rows: Any = database.run(
        "SELECT seq, target, content FROM scan WHERE seq IN (SELECT max(seq) FROM scan"
        " WHERE asset = :asset AND scanner = :scanner AND outcome <> 'failed' GROUP BY target) ORDER BY seq DESC",
        asset=asset,
        scanner=scanner,
    )
    return [_Usable(*row) for row in rows]


def _latest_start(database: Database, asset: str) -> int:
    """The latest start of a scan of the asset: a clock that was set back must not order events anew."""
    [(latest,)] = database.run("SELECT max(started_at) FROM scan WHERE asset = :asset", asset=asset)
    return int(latest or 0)


def _steps(database: Database, scan: Scan, said: Sequence[_Document], occasion: Occasion) -> list[Step]:
    written = dict(zip(map(id, scan.findings), said, strict=True))
    observed = [
        _observed(identity, finding, written.get(id(finding)) or _said_of(finding))
        for identity, some in identified(occasion.asset.name, scan.findings).items()
        for finding in some
    ]
    known = _known(database, occasion.asset.name)
    memory = _memory(database, occasion.asset.name, scan.scanner)
    return changes(scan, observed, known, memory, occasion.policy.regression_window)


def _observed(identity: str, finding: Finding, document: _Document) -> Observed:
    return Observed(identity, finding, document.content, document.digest[:8].hex())


def _known(database: Database, asset: str) -> list[Known]:
    """The asset's findings in order of id."""
    sightings: dict[str, dict[str, Sighting]] = {}
    for id_, scanner, *rest in database.run(
        "SELECT finding_id, scanner, presence, details, units, reason, last_scan, outline"
        " FROM sighting JOIN finding ON finding.id = finding_id WHERE asset = :asset",
        asset=asset,
    ):
        sightings.setdefault(str(id_), {})[str(scanner)] = _sighting(rest)
    rows: Any = database.run(
        "SELECT id, identity, category, rule_id, started_at, closed_at, dismissed_at"
        " FROM finding WHERE asset = :asset ORDER BY id",
        asset=asset,
    )
    return [
        Known(id_, identity, _CATEGORY[category], rule, started_at, closed_at, dismissed_at is not None, sightings[id_])
        for id_, identity, category, rule, started_at, closed_at, dismissed_at in rows
    ]


def _sighting(values: Sequence[Any]) -> Sighting:
    presence, details, where, *rest = values
    return Sighting(_PRESENCE[presence], details, tuple(orjson.loads(where)), *rest)


_PRESENCE = {str(presence): presence for presence in Presence}
_CATEGORY = {str(category): category for category in Category}


def _memory(database: Database, asset: str, scanner: str) -> Memory:
    return Memory(
        looked=cache(lambda seq: _looked(database, asset, scanner, seq)),
        said=lambda ids: _said(database, scanner, ids),
        outline=cache(lambda digest: outlines.load(database, digest)),
    )


def _said(database: Database, scanner: str, ids: Collection[str]) -> dict[str, Finding]:
    """What a scanner last said of findings, or another one of those that it has never seen.

    The names of a vulnerability are all that any scanner gives it that still sees it.
    """
    found: dict[str, Finding] = {}
    for some in pieces(ids):
        marks, named = marks_for(some)
        rows = database.run(
            "SELECT finding.id, body FROM finding"
            " LEFT JOIN sighting ON finding_id = finding.id AND scanner = :scanner"
            " JOIN event ON event.seq = coalesce(sighting.detail, finding.detail)"
            f" WHERE finding.id IN ({marks})",
            scanner=scanner,
            **named,
        )
        found |= {str(id_): decoded(orjson.loads(str(body))["finding"]) for id_, body in rows}
        sightings = f"SELECT finding_id, names FROM sighting WHERE presence <> 'gone' AND finding_id IN ({marks})"
        for id_, names in database.run(sightings, **named):
            one = found[str(id_)]
            found[str(id_)] = replace(one, identifiers=identifiers((*one.identifiers.names, *str(names).split())))
    return found


def _looked(database: Database, asset: str, scanner: str, seq: int | None) -> dict[str, Look]:
    """How the usable scans up to number `seq` (None: all) looked at each unit; the latest scan's word counts."""
    rows: Any = database.run(
        "SELECT coverage, tool_version, configuration FROM scan WHERE seq IN"
        " (SELECT max(seq) FROM scan WHERE asset = :asset AND scanner = :scanner AND outcome <> 'failed'"
        " AND seq <= :seq GROUP BY target) ORDER BY seq",
        asset=asset,
        scanner=scanner,
        seq=_NEWEST if seq is None else seq,
    )
    return {
        unit: Look(content, tool_version, configuration)
        for digest, tool_version, configuration in rows
        for unit, content in coverage.scanned(database, digest).items()
    }


_NEWEST = 2**62


def _recorded(seq: int, steps: Sequence[Step]) -> Recorded:
    def ids(change: Change) -> tuple[str, ...]:
        return tuple(step.id for step in steps if step.change is change)

    return Recorded(
        seq,
        new=ids(Change.DETECTED),
        fixed=ids(Change.FIXED),
        reopened=ids(Change.REOPENED),
        not_observed=ids(Change.NOT_OBSERVED),
        withdrawn=ids(Change.WITHDRAWN),
    )


def _append(database: Database, after: Head, moment: _Moment, recorded: Recorded, steps: Sequence[Step]) -> None:
    """The scan's event and those of its steps, some thousand at a time: a large scan needs no more memory for them."""
    at, actor = max(after.at, moment.occasion.now), moment.occasion.actor
    scan_body = encoded(_scan_body(moment, recorded)).decode()
    last = project(database, after, [Event(recorded.seq, at, actor, projection.SCAN_RECORDED, "", scan_body)])
    for start in range(0, len(steps), _PIECE):
        some = steps[start : start + _PIECE]
        bodies = (_step_body(moment, step) for step in some)
        events = (
            Event(seq, at, actor, str(step.change), step.id, _written(body, step.observed), body)
            for seq, (step, body) in enumerate(zip(some, bodies, strict=True), start=last.seq + 1)
        )
        last = project(database, last, events, [step.id for step in some if step.change is not Change.DETECTED])


_PIECE = 5000


def _scan_body(moment: _Moment, recorded: Recorded) -> Mapping[str, object]:
    scan = moment.scan
    return {
        "asset": moment.occasion.asset.name,
        "scanner": scan.scanner,
        "target": scan.target,
        "tool_version": scan.tool_version,
        "configuration": scan.configuration,
        "started_at": scan.started_at,
        "finished_at": scan.finished_at,
        "outcome": outcome_name(scan.outcome),
        "reasons": scan.reasons,
        "coverage": moment.coverage,
        "content": moment.content,
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
        return body | {"reason": step.reason, "last_scan": moment.last_scan(step.units)}
    body["finding"] = step.observed.finding
    body["details"] = step.observed.details
    body["units"] = step.units
    body["outline"] = moment.outline(step.observed.finding)
    if step.kin:
        body["clock"] = moment.clocks[step.id]
    if step.change is Change.CARRIED:
        body["identity"] = step.observed.identity
        body["reason"] = step.reason
    if step.change is Change.DETECTED:
        body["asset"] = moment.occasion.asset.name
        body["identity"] = step.observed.identity
        body["occurrence"] = step.occurrence
        body["previous"] = step.previous
        body["origin"] = step.kin[0] if step.kin else ""
    return body


def _written(body: Mapping[str, object], observed: Observed | None) -> str:
    """A body as JSON; the finding in it is written already."""
    whole = body if observed is None else dict(body, finding=orjson.Fragment(observed.document))
    return encoded(whole).decode()


def _clock(database: Database, step: Step, at: int) -> Mapping[str, object]:
    """The clock of a finding that was part of another until now, or that others turned out to be."""
    rows = load(database, [step.id, *step.kin])
    timelines = {id_: timeline_of(row, rows.segments.get(id_, ())) for id_, row in rows.findings.items()}
    own, *others = [timelines[id_] for id_ in (step.id, *step.kin) if id_ in timelines]
    if step.change is Change.CARRIED:
        return clock_words(reduce(joined, others, own))
    return clock_words(parted(own, at))
