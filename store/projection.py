"""Findings as the log tells them: events in, rows out. Ingestion, decisions and rebuilding all go through here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import cache
from typing import Any

import orjson

from fixby import codeowners
from fixby.asset import UNEXPLOITED, Asset, Exploitation
from fixby.decision import Decision
from fixby.finding import Category, Finding
from fixby.known import Presence
from fixby.lifecycle import Change
from fixby.matching import Reason
from fixby.policies import policy as policies
from fixby.policies.policy import Facts, Policy, terms_for
from fixby.severity import Severity
from fixby.sla.clock import (
    Terms,
    Timeline,
    closed,
    detected,
    paused,
    rescored,
    resumed,
    running_time,
    withdrawn,
)
from fixby.sla.sql import Columns, columns
from fixby.store.codec import encoded
from fixby.store.conversion import (
    SINCE,
    asset_of,
    clock_from,
    days_in,
    exploitation_of,
    policy_of,
    text,
    timeline_of,
)
from fixby.store.log import Event
from fixby.store.rows import (
    AcceptanceRow,
    AssetRow,
    ExploitationRow,
    FindingRow,
    PolicyRow,
    Rows,
    ScanRow,
    SegmentRow,
    SightingRow,
)
from fixby.store.rows import columns as names_of
from fixby.tracked import State

SCAN_RECORDED = "scan.recorded"
POLICY_ADOPTED = "policy.adopted"
ASSET_DESCRIBED = "asset.described"
EXPLOITATION_UPDATED = "exploitation.updated"
ATTESTATION_RECORDED = "attestation.recorded"
GATE_JUDGED = "gate.judged"
SITE_SEEN = "site.seen"
NOTICE_PREPARED = "notice.prepared"
NOTICE_SENT = "notice.sent"
"""The kinds of events that are about no single finding; those of findings are values of `Change` and `Decision`."""


_NOTED = {
    EXPLOITATION_UPDATED: "known_date",
    **dict.fromkeys((ATTESTATION_RECORDED, GATE_JUDGED, SITE_SEEN), "asset"),
    **dict.fromkeys((NOTICE_PREPARED, NOTICE_SENT), "receiver"),
}
"""Those of them that change no row and are read in the log itself, each with something that it always says."""


@dataclass(slots=True)
class Projector:
    """Brings rows up to date with events; it remembers which terms apply to what under the policies in the rows."""

    rows: Rows
    _terms: dict[tuple[str, str], Terms] = field(default_factory=dict)
    _first_clocks: dict[tuple[str, str, int, int], tuple[int | None, ...]] = field(default_factory=dict)
    _owners: dict[tuple[str, str], str] = field(default_factory=dict)
    _severity_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _in_force: dict[str, int] = field(init=False)
    _handlers: Mapping[str, Callable[[Event, Mapping[str, Any]], None]] = field(init=False)

    def __post_init__(self) -> None:
        self._in_force = {row.asset: seq for seq, row in sorted(self.rows.policies.items())}
        self._handlers = {
            SCAN_RECORDED: self._scan,
            POLICY_ADOPTED: self._adopt,
            ASSET_DESCRIBED: self._describe,
            **dict.fromkeys(map(str, Change), self._change),
            Change.DETECTED: self._detect,
            Decision.ACCEPTED: self._accept,
            Decision.APPROVED: self._approve,
            Decision.REVOKED: self._revoke,
            Decision.DISMISSED: self._dismiss,
            Decision.REINSTATED: self._reinstate,
            Decision.ASSIGNED: self._assign,
            Decision.TAGGED: self._tag,
            Decision.COMMENTED: self._comment,
            Decision.RATED: self._rate,
            **dict.fromkeys(_NOTED, self._note),
        }

    def apply(self, event: Event) -> None:
        """Bring the rows up to date with one event; kinds that are none of ours change nothing.

        After news of a policy or an asset, and whatever came later, `redate` is due.

        Raises `KeyError`, `TypeError`, `ValueError`, `IndexError` or `ConfigurationError` for what Fixby did not write.
        """
        if handle := self._handlers.get(event.kind):
            handle(event, event.told or orjson.loads(event.body))
            if row := self.rows.findings.get(event.subject):
                row.last_event = event.seq

    def redate(self) -> None:
        """Give all open findings the due dates and owners of the policies and the assets' descriptions now in force."""
        for row in self.rows.findings.values():
            if row.closed_at is None:
                self._write_clock(row, self._timeline(row))
                self._own(row)

    def resettle(self, adopted: Event) -> None:
        """Let those scanners speak for an asset's open findings whose word counts by the policy that was adopted."""
        asset = orjson.loads(adopted.body)["asset"]
        for row in self.rows.findings.values():
            if row.asset != asset or row.closed_at is not None:
                continue
            spoke, timeline = row.detail, self._timeline(row)
            self._settle(row)
            if row.detail != spoke:
                row.last_event = adopted.seq
                self._own(row)
                after = rescored(timeline, Severity.from_rank(row.severity), adopted.at)
                self._write(row, self._without_void(after, row, adopted.at))

    def terms(self, row: FindingRow) -> Terms:
        """The terms that the policy in force gives a finding."""
        rating = self.rows.exploitations.get(row.id)
        if rating is None and row.tags == _NO_TAGS:
            return self._common_terms(row.asset, row.category)
        facts = self._facts(row.asset, row.category, exploitation_of(rating) if rating else UNEXPLOITED)
        return terms_for(self.policy(row.asset), replace(facts, tags=tuple(orjson.loads(row.tags))))

    def policy(self, asset: str) -> Policy:
        """The policy in force for an asset: the shipped one where the log names none."""
        version = self._in_force.get(asset)
        return policies.shipped() if version is None else policy_of(self.rows.policies[version])

    def _common_terms(self, asset: str, category: str) -> Terms:
        """The terms of a finding of which nothing is known but its category."""
        known = self._terms.get((asset, category))
        if known is None:
            known = terms_for(self.policy(asset), self._facts(asset, category, Exploitation()))
            self._terms[asset, category] = known
        return known

    def _first_clock(self, asset: str, category: str, rank: int, at: int) -> tuple[int | None, ...]:
        """The clock of a finding that was just detected, in the order of the columns; those of a scan share it."""
        known = self._first_clocks.get((asset, category, rank, at))
        if known is None:
            known = astuple(columns(detected(Severity.from_rank(rank), at), self._common_terms(asset, category)))
            self._first_clocks[asset, category, rank, at] = known
        return known

    def _facts(self, asset: str, category: str, exploitation: Exploitation) -> Facts:
        described = self.rows.assets.get(asset)
        return Facts(Category(category), asset_of(described) if described else Asset(asset), exploitation=exploitation)

    def _scan(self, event: Event, body: Mapping[str, Any]) -> None:
        self.rows.scans[event.seq] = ScanRow(event.seq, *(body[column] for column in names_of(ScanRow)[1:]))

    def _adopt(self, event: Event, body: Mapping[str, Any]) -> None:
        named = (body["asset"], body["name"], body["digest"], body["toml"])
        row = PolicyRow(event.seq, event.at, *named, days=days_in(body))
        policy, before = policy_of(row), self.policy(body["asset"])
        self._in_force[body["asset"]] = event.seq
        self.rows.policies[event.seq] = row
        self._terms.clear()
        self._first_clocks.clear()
        self._severity_of.clear()
        if policy.severity_of != before.severity_of:
            self.resettle(event)

    def _describe(self, _: Event, body: Mapping[str, Any]) -> None:
        words = (body["tier"], body["exposure"], encoded(body["tags"]).decode(), body["team"])
        owners = (text(body.get("codeowners", "")), text(body.get("folder", "")))
        self.rows.assets[body["name"]] = AssetRow(body["name"], *words, *owners)
        self._terms.clear()
        self._first_clocks.clear()
        self._owners.clear()

    def _detect(self, event: Event, body: Mapping[str, Any]) -> None:
        said, at = _said(body["finding"]), body["observed_at"]
        rank = said.severity
        values: tuple[Any, ...] = (
            event.subject,
            body["identity"],
            body["occurrence"],
            body["previous"] or None,
            body["asset"],
            said.category,
            said.rule,
            rank,
            event.seq,
            at,
            None,
            None,
            None,
            *_first_since(rank),
            *self._first_clock(body["asset"], said.category, rank, at),
            None,
            event.seq,
            event.seq,
            "",
            _NO_TAGS,
            "",
            "",
        )
        row = self.rows.findings[event.subject] = FindingRow(*values)
        self.rows.sightings[event.subject] = {body["scanner"]: _sighting(event, body, said)}
        self._own(row)
        if "clock" in body:
            severity = Severity.from_rank(rank)
            self._write(row, rescored(clock_from(body["clock"], severity), severity, at))

    def _change(self, event: Event, body: Mapping[str, Any]) -> None:
        """What a scan says of a finding that is known."""
        row, sightings = self.rows.findings[event.subject], self.rows.sightings[event.subject]
        change, at = Change(event.kind), body["observed_at"]
        if "finding" in body:
            sightings[body["scanner"]] = _sighting(event, body, _said(body["finding"]))
        else:
            _update(sightings[body["scanner"]], change, body)
        before = self._timeline(row)
        self._settle(row, body["scanner"])
        self._own(row)
        after = before
        if change is Change.CARRIED:
            _carry(row, body)
            after = clock_from(body["clock"], before.severity) if "clock" in body else before
        after = self._run(row, after, change, at)
        after = self._without_void(after, row, at)
        if after != before:
            self._write(row, after)

    def _run(self, row: FindingRow, timeline: Timeline, change: Change, at: int) -> Timeline:
        """The clock after a change at `at` that left the finding with the severity in its row."""
        row.closed_as = _CLOSED_AS.get(change, "")
        if change is Change.FIXED:
            row.policy = self._in_force.get(row.asset)
            return closed(timeline, at, self.terms(row))
        if row.closed_as:
            return withdrawn(timeline, at)
        if change is Change.REOPENED:
            row.policy = None
            timeline = resumed(timeline, at)
            valid = [acceptance for acceptance in self.living(row.id, at) if acceptance.valid_from is not None]
            timeline = paused(timeline, at, valid[-1].until_at) if valid else timeline
        severity = Severity.from_rank(row.severity)
        return timeline if severity is timeline.severity else rescored(timeline, severity, at)

    def _settle(self, row: FindingRow, scanner: str = "") -> None:
        """Of several scanners the one whose word counts speaks for a finding; once it is closed, the last that saw it.

        That is the first that the policy names, of those that know the severity, else the one that says it is worst.
        """
        first = self._severity_of.get(row.asset)
        if first is None:
            first = self._severity_of[row.asset] = self.policy(row.asset).severity_of
        seen = [
            one
            for one in self.rows.sightings[row.id].values()
            if one.presence != Presence.GONE or one.scanner == scanner
        ]
        speaks = max(
            seen, key=lambda one: (one.presence != Presence.GONE, _place(one, first), one.severity, one.scanner)
        )
        row.severity, row.detail = speaks.severity, speaks.detail

    def _accept(self, event: Event, body: Mapping[str, Any]) -> None:
        row, at = self.rows.findings[event.subject], body["observed_at"]
        rating = self.rows.exploitations.get(event.subject)
        self.rows.acceptances.setdefault(event.subject, []).append(
            AcceptanceRow(
                event.seq,
                event.subject,
                at,
                event.actor,
                body["owner"],
                body["reason"],
                body["mitigation"],
                body["until"],
                body["needed"],
                "[]",
                self._rank(row),
                rating.known if rating else 0,
                self._is_fixable(event.subject),
                None,
                None,
                "",
            )
        )
        self._approve(event, body)

    def _approve(self, event: Event, body: Mapping[str, Any]) -> None:
        row, at = self.rows.findings[event.subject], body["observed_at"]
        *others, acceptance = self.living(event.subject, at)
        approvals = [*orjson.loads(acceptance.approvals), *body["approvals"]]
        acceptance.approvals = encoded(approvals).decode()
        if acceptance.valid_from is None and len(approvals) >= acceptance.needed:
            timeline = self._ended(self._timeline(row), others, at, "replaced by another")
            acceptance.valid_from = at
            self._write(row, paused(timeline, at, acceptance.until_at))

    def _revoke(self, event: Event, body: Mapping[str, Any]) -> None:
        row, at = self.rows.findings[event.subject], body["observed_at"]
        before = self._timeline(row)
        after = self._ended(before, self.living(event.subject, at), at, "revoked")
        if after != before:
            self._write(row, after)

    def _dismiss(self, event: Event, body: Mapping[str, Any]) -> None:
        row = self.rows.findings[event.subject]
        text(body["reason"])
        row.dismissed_at = body["observed_at"]

    def _reinstate(self, event: Event, body: Mapping[str, Any]) -> None:
        row = self.rows.findings[event.subject]
        text(body["reason"])
        row.dismissed_at = None

    def _assign(self, event: Event, body: Mapping[str, Any]) -> None:
        self.rows.findings[event.subject].assignee = text(body["assignee"])

    def _tag(self, event: Event, body: Mapping[str, Any]) -> None:
        row = self.rows.findings[event.subject]
        row.tags = encoded([text(tag) for tag in body["tags"]]).decode()
        if row.closed_at is None:
            self._write_clock(row, self._timeline(row))

    def _comment(self, event: Event, body: Mapping[str, Any]) -> None:
        text(body["reason"])
        _ = self.rows.findings[event.subject]

    def _rate(self, event: Event, body: Mapping[str, Any]) -> None:
        row, at = self.rows.findings[event.subject], body["observed_at"]
        timeline = self._timeline(row)
        before = self.rows.exploitations.get(row.id)
        known = exploitation_of(before) if before else Exploitation()
        rated = _rated(known, body["known"], body["epss"], running_time(timeline, at))
        steps = encoded(rated.epss_since).decode()
        self.rows.exploitations[row.id] = ExploitationRow(
            row.id, int(rated.known), rated.known_since, rated.epss, steps
        )
        if row.closed_at is None:
            self._write(row, self._without_void(timeline, row, at))

    def _note(self, event: Event, body: Mapping[str, Any]) -> None:
        text(body[_NOTED[event.kind]])

    def _without_void(self, timeline: Timeline, row: FindingRow, at: int) -> Timeline:
        """The timeline without the pauses of acceptances whose facts no longer hold."""
        for acceptance in self.living(row.id, at):
            if reason := self._why_void(row.id, acceptance):
                timeline = self._ended(timeline, [acceptance], at, reason)
        return timeline

    def _why_void(self, id_: str, acceptance: AcceptanceRow) -> str:
        rating = self.rows.exploitations.get(id_)
        if self._rank(self.rows.findings[id_]) > acceptance.severity:
            return "void: the severity has risen"
        if rating and rating.known > acceptance.known:
            return "void: it is known to be exploited"
        if self._is_fixable(id_) > acceptance.fixable:
            return "void: there is a fix now"
        return ""

    def _rank(self, row: FindingRow) -> int:
        """The rank of the severity that the policy treats a finding as having."""
        return row.severity if row.severity >= 0 else self.policy(row.asset).terms.unknown_as.rank

    def _is_fixable(self, id_: str) -> int:
        return max(sighting.fixable for sighting in self.rows.sightings[id_].values())

    def living(self, id_: str, at: int) -> list[AcceptanceRow]:
        """The acceptances of a finding that nothing has ended, waiting or valid, oldest first."""
        some = self.rows.acceptances.get(id_, ())
        return [acceptance for acceptance in some if acceptance.ended_at is None and acceptance.until_at > at]

    def _ended(self, timeline: Timeline, some: Sequence[AcceptanceRow], at: int, reason: str) -> Timeline:
        """End acceptances; the timeline then runs again where one of them had paused it."""
        for acceptance in some:
            acceptance.ended_at, acceptance.ended_because = at, reason
        was_paused = any(acceptance.valid_from is not None for acceptance in some) and timeline.closed_at is None
        return resumed(timeline, at) if was_paused else timeline

    def _own(self, row: FindingRow) -> None:
        """Write down who owns the file of the sighting that speaks for a finding."""
        described = self.rows.assets.get(row.asset)
        if described is None or not described.codeowners:
            row.owners = ""
            return
        path = next(seen.path for seen in self.rows.sightings[row.id].values() if seen.detail == row.detail)
        known = self._owners.get((row.asset, path))
        if known is None:
            whole = f"{described.folder}/{path}" if described.folder and path else path
            known = self._owners[row.asset, path] = " ".join(codeowners.parse(described.codeowners).owners(whole))
        row.owners = known

    def _timeline(self, row: FindingRow) -> Timeline:
        return timeline_of(row, self.rows.segments.get(row.id, ()))

    def _write(self, row: FindingRow, timeline: Timeline) -> None:
        """Write a timeline down in a finding's columns and its later segments."""
        for level, column in SINCE.items():
            setattr(row, column, timeline.since.get(level))
        row.closed_at = timeline.closed_at
        first, *later = timeline.running
        row.started_at, row.stopped_at = first.start, first.stop
        self.rows.segments.pop(row.id, None)
        run = (first.stop or 0) - first.start
        for number, segment in enumerate(later, start=2):
            some = self.rows.segments.setdefault(row.id, [])
            some.append(SegmentRow(row.id, number, segment.start, segment.stop, run))
            run += (segment.stop or segment.start) - segment.start
        self._write_clock(row, timeline)

    def _write_clock(self, row: FindingRow, timeline: Timeline) -> None:
        clock = columns(timeline, self.terms(row))
        for column in _CLOCK:
            setattr(row, column, getattr(clock, column))


_NO_TAGS = "[]"
_PRESENCE = {
    Change.OBSERVED: Presence.PRESENT,
    Change.NOT_OBSERVED: Presence.NOT_OBSERVED,
    Change.UNSIGHTED: Presence.GONE,
    Change.MERGED: Presence.GONE,
    Change.FIXED: Presence.GONE,
    Change.WITHDRAWN: Presence.GONE,
}
_CLOSED_AS = {
    Change.FIXED: str(State.FIXED),
    Change.MERGED: str(State.FIXED),
    Change.WITHDRAWN: str(State.WITHDRAWN),
}
_RANKS = {str(severity): severity.rank for severity in Severity}
_CLOCK = names_of(Columns)
_PRESENT = str(Presence.PRESENT)


@cache
def _first_since(rank: int) -> tuple[int | None, ...]:
    """The columns `since_*` of a finding that was just detected: they do not depend on the instant."""
    since = detected(Severity.from_rank(rank), 0).since
    return tuple(since.get(level) for level in SINCE)


@dataclass(slots=True)
class _Said:
    """What rows keep of what a scanner says of a finding; the rank of its severity."""

    category: str
    rule: str
    severity: int
    suppressed: int
    path: str
    package: str
    names: str
    fixable: int


def _said(finding: Finding | Mapping[str, Any]) -> _Said:
    """What is kept of a finding, or of one that was read from the log."""
    if isinstance(finding, Finding):
        package, places = finding.component, finding.locations
        return _Said(
            str(finding.category),
            finding.rule.id,
            _RANKS[finding.severity],
            int(finding.suppression is not None),
            places[0].path if places else "",
            package.name if package else "",
            " ".join(finding.identifiers.names),
            int(bool(package and package.fixed_versions)),
        )
    component = finding["component"]
    return _Said(
        finding["category"],
        finding["rule"]["id"],
        _RANKS[finding["severity"]],
        int(finding["suppression"] is not None),
        finding["locations"][0]["path"] if finding["locations"] else "",
        component["name"] if component else "",
        " ".join(finding["identifiers"]["names"]),
        int(bool(component and component["fixed_versions"])),
    )


def _sighting(event: Event, body: Mapping[str, Any], said: _Said) -> SightingRow:
    return SightingRow(
        event.subject,
        body["scanner"],
        _PRESENT,
        "",
        said.severity,
        said.suppressed,
        said.path,
        said.package,
        said.names,
        said.fixable,
        body["details"],
        encoded(body["units"]).decode(),
        event.seq,
        None,
        body.get("outline", ""),
    )


def _carry(row: FindingRow, body: Mapping[str, Any]) -> None:
    """What a finding is now observed as; that it is none was said of the code that it was."""
    row.identity = body["identity"]
    row.rule_id = _said(body["finding"]).rule
    if body["reason"] == Reason.EDITED:
        row.dismissed_at = None


def _update(row: SightingRow, change: Change, body: Mapping[str, Any]) -> None:
    if row.presence == Presence.PRESENT:
        row.last_scan = body["last_scan"]
    row.presence = str(_PRESENCE[change])
    row.reason = body["reason"]
    if row.presence == Presence.PRESENT:
        row.last_scan = None


def _place(sighting: SightingRow, first: Sequence[str]) -> int:
    """How far before the others a policy puts the word of a scanner that knows the severity."""
    return len(first) - first.index(sighting.scanner) if sighting.severity >= 0 and sighting.scanner in first else 0


def _rated(before: Exploitation, known: bool, epss: int, ran: int) -> Exploitation:  # noqa: FBT001 - as the body has it
    """What is known of exploitation after news at a running time; a new highest probability is a step."""
    known_since = ran if known and before.known_since is None else before.known_since
    highest = max((percent for percent, _ in before.epss_since), default=0)
    steps = (*before.epss_since, (epss, ran)) if epss > highest else before.epss_since
    return replace(before, known=known, known_since=known_since, epss=epss, epss_since=steps)
