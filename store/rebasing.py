"""What a store recorded by itself, recorded again behind what others recorded meanwhile.

The log is one line of events, so of two who wrote after the same event the later one has to stand behind the other. Its
scans are told again as they were, and change what they change now: what the other one found first is not new twice.
Decisions, attestations and the rest are written down again. Where this store saw a finding first, that counts.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from fixby.closing import in_scope
from fixby.decision import Decision
from fixby.errors import StoreError
from fixby.lifecycle import WAS_WITHDRAWN, Change
from fixby.policies import policy as policies
from fixby.scan import Complete, Coverage, Failed, Outcome, Partial, Scan
from fixby.sla.clock import seen_from
from fixby.store import coverage, outlines
from fixby.store.codec import decoded, encoded
from fixby.store.conversion import clock_words, timeline_of
from fixby.store.database import Database
from fixby.store.following import redate_described
from fixby.store.ingestion import record
from fixby.store.log import Event, head, selected
from fixby.store.past import as_of
from fixby.store.projecting import project
from fixby.store.projection import ASSET_DESCRIBED, POLICY_ADOPTED, SCAN_RECORDED
from fixby.store.rows import FindingRow, SightingRow, load, select
from fixby.store.statements import SIGNED
from fixby.store.terms import Occasion, described, in_force

RenamedRules = Callable[[str], Mapping[str, Collection[str]]]
"""For the name of a scanner: the names that its rules have in other versions of it."""


def record_again(own: Database, after: int, onto: Database, renamed_rules: RenamedRules) -> int:
    """Record what a store has after event `after` in another one as well, which has others' events there.

    Gives the number of events that were told again. Raises `StoreError` where a finding cannot be found again.
    """
    news = list(selected(own, "seq > :after", after=after))
    telling = _Telling(own, onto, renamed_rules)
    for event, last in _with_steps(news):
        telling.tell(event, last)
    telling.count_what_was_seen_earlier()
    return len(news)


@dataclass(slots=True)
class _Telling:
    """The telling of one store's events to another; `ids` and `numbers` say what findings and events became there."""

    own: Database
    onto: Database
    renamed_rules: RenamedRules
    ids: dict[str, str] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def tell(self, event: Event, last: int) -> None:
        """Tell an event; `last` is the number of the last one that followed from it."""
        if event.kind == SCAN_RECORDED:
            self._scan(event, last)
        elif event.kind in (POLICY_ADOPTED, ASSET_DESCRIBED):
            self._terms(event)
        elif event.kind in _DECISIONS:
            self._decide(event)
        else:
            self._append(event)

    def count_what_was_seen_earlier(self) -> None:
        """Let the clocks of findings begin when this store saw them, where that was before the others did."""
        ids = {there: here for here, there in self.ids.items()}
        here, there = load(self.own, ids.values()), load(self.onto, ids)
        events: list[Event] = []
        after = head(self.onto)
        for id_, old in sorted(ids.items()):
            now, before = there.findings[id_], here.findings[old]
            if before.started_at >= now.started_at or now.closed_at is not None:
                continue
            clock = seen_from(
                timeline_of(now, there.segments.get(id_, ())), timeline_of(before, here.segments.get(old, ()))
            )
            sighting = next(one for one in there.sightings[id_].values() if one.detail == now.detail)
            body = self._said(sighting, now) | {"clock": clock_words(clock), "reason": _EARLIER}
            seq = after.seq + 1 + len(events)
            events.append(Event(seq, after.at, "fixby", str(Change.CARRIED), id_, encoded(body).decode()))
        if events:
            with self.onto.writing():
                project(self.onto, after, events, [event.subject for event in events])

    def _said(self, sighting: SightingRow, finding: FindingRow) -> dict[str, object]:
        """What an event says that tells a sighting of a finding once more."""
        [event] = selected(self.onto, "seq = :seq", seq=sighting.detail)
        return {
            "scanner": sighting.scanner,
            "observed_at": finding.started_at,
            "finding": orjson.loads(event.body)["finding"],
            "details": sighting.details,
            "units": orjson.loads(sighting.units),
            "outline": sighting.outline,
            "identity": finding.identity,
        }

    def _scan(self, event: Event, last: int) -> None:
        body = orjson.loads(event.body)
        with as_of(self.own, last):
            seen = _seen(self.own, body)
            scan = _scan(self.own, body, seen, self.renamed_rules(body["scanner"]))
            scan = replace(scan, withdrawn=_withdrawn(self.own, event.seq, last, scan.scanner))
        name = body["asset"]
        asset = described(self.onto, name)
        policy = in_force(self.onto, name) or in_force(self.own, name) or policies.shipped()
        recorded = record(self.onto, scan, Occasion(asset, event.actor, event.at, policy))
        self.numbers[event.seq] = recorded.seq
        self._find_again(body["scanner"], [one.row for one in seen])

    def _find_again(self, scanner: str, seen: Sequence[SightingRow]) -> None:
        """Say what the findings of a scan are called in the other store: the same, if they are there."""
        ids = [row.finding_id for row in seen]
        there = load(self.onto, ids).findings
        others = {row.details: row.finding_id for row in self._sightings(scanner) if row.finding_id not in ids}
        for row in seen:
            id_ = row.finding_id if row.finding_id in there else others.get(row.details, "")
            if id_:
                self.ids[row.finding_id] = id_

    def _sightings(self, scanner: str) -> list[SightingRow]:
        return select(self.onto, SightingRow, "sighting", "scanner = :s AND presence = 'present'", s=scanner)

    def _terms(self, event: Event) -> None:
        """A policy or a description, unless it is the one in force there anyway."""
        key = "asset" if event.kind == POLICY_ADOPTED else "name"
        told = (orjson.loads(other.body) for other in selected(self.onto, "kind = :kind", kind=event.kind))
        in_force_there = {body[key]: body for body in told}
        body = orjson.loads(event.body)
        if in_force_there.get(body[key]) == body:
            return
        self._append(event)
        with self.onto.writing():
            redate_described(self.onto, [event])

    def _decide(self, event: Event) -> None:
        subject = self.ids.get(event.subject, event.subject)
        finding = load(self.onto, [subject]).findings.get(subject)
        if finding is None:
            message = f"Event {event.seq} decides of the finding {event.subject[:10]}, which is another one for others."
            raise StoreError(message, "Take the state over into a new store, --store NEW, and decide of it there.")
        moved = replace(event, subject=subject, body=self._moved(event))
        if not (finding.closed_at is not None and event.kind in _OF_OPEN_ONES):
            try:
                self._append(moved)
            except (KeyError, TypeError, ValueError, IndexError):
                pass
            else:
                return
        words = {"reason": f"{event.kind} did not hold any more: what it was about had changed meanwhile"}
        body = {**words, "was": orjson.loads(event.body), "observed_at": event.at}
        self._append(replace(moved, kind=str(Decision.COMMENTED), body=encoded(body).decode()))

    def _moved(self, event: Event) -> str:
        """The body of a decision, told of the instant at which it is written down, its signature of its new number."""
        body = orjson.loads(event.body)
        after = head(self.onto)
        if "observed_at" in body:
            body["observed_at"] = max(body["observed_at"], after.at)
        if kept := body.get(SIGNED):
            first = self.numbers.get(kept["first"], after.seq + 1)
            body[SIGNED] = {**kept, "first": first, "approves": self.numbers.get(kept["approves"], kept["approves"])}
        return encoded(body).decode()

    def _append(self, event: Event) -> None:
        with self.onto.writing():
            after = head(self.onto)
            moved = replace(event, seq=after.seq + 1, at=max(after.at, event.at))
            project(self.onto, after, [moved], [event.subject] if event.kind in _DECISIONS else ())
        self.numbers[event.seq] = moved.seq


_EARLIER = "another run saw it earlier"
_DECISIONS = frozenset(map(str, Decision))
_STEPS = frozenset(map(str, Change))
_OF_OPEN_ONES = frozenset(map(str, (Decision.ACCEPTED, Decision.APPROVED, Decision.DISMISSED)))


def _with_steps(news: Sequence[Event]) -> Iterator[tuple[Event, int]]:
    """The events that follow from no other, each with the number of the last one that follows from it."""
    waiting: Event | None = None
    last = 0
    for event in news:
        if event.kind not in _STEPS:
            if waiting:
                yield waiting, last
            waiting = event
        last = event.seq
    if waiting:
        yield waiting, last


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a scan said of one finding."""

    row: SightingRow
    body: Mapping[str, Any]


def _seen(database: Database, body: Mapping[str, Any]) -> list[_Seen]:
    """What a scan found, of a store as it was right after it: whatever its scanner saw where it looked."""
    if body["outcome"] == "failed":
        return []
    of_asset = "finding_id IN (SELECT id FROM finding WHERE asset = :asset)"
    where = f"scanner = :scanner AND presence = 'present' AND {of_asset} ORDER BY finding_id"
    rows = select(database, SightingRow, "sighting", where, scanner=body["scanner"], asset=body["asset"])
    here = [row for row in rows if any(in_scope(unit, body["target"]) for unit in orjson.loads(row.units))]
    events = (
        {seq: orjson.loads(str(text)) for seq, text in database.run(_SAID, scanner=body["scanner"])} if here else {}
    )
    return [_Seen(row, events[row.detail]) for row in here]


_SAID = "SELECT seq, body FROM event WHERE seq IN (SELECT detail FROM sighting WHERE scanner = :scanner)"


def _scan(
    database: Database, body: Mapping[str, Any], seen: Sequence[_Seen], renamed: Mapping[str, Collection[str]]
) -> Scan:
    """A scan as it was told."""
    findings = tuple(decoded(one.body["finding"]) for one in seen)
    lines = {
        finding.path: outlines.load(database, one.row.outline)
        for finding, one in zip(findings, seen, strict=True)
        if one.row.outline
    }
    return Scan(
        scanner=body["scanner"],
        tool_version=body["tool_version"],
        outcome=_outcome(body),
        findings=findings,
        coverage=_coverage(database, body["coverage"]),
        started_at=body["started_at"],
        finished_at=body["finished_at"],
        target=body["target"],
        configuration=body["configuration"],
        outlines=lines,
        renamed_rules=renamed,
    )


def _withdrawn(database: Database, first: int, last: int, scanner: str) -> dict[str, set[str]]:
    """The names of what a scan, told by events between two numbers, said was withdrawn, by unit."""
    found: dict[str, set[str]] = {}
    for event in selected(database, "seq > :first AND seq <= :last", first=first, last=last):
        reason = str(orjson.loads(event.body).get("reason", ""))
        if event.kind in _NO_MORE and (name := reason.removesuffix(WAS_WITHDRAWN)) != reason:
            where = "finding_id = :id AND scanner = :scanner"
            for row in select(database, SightingRow, "sighting", where, id=event.subject, scanner=scanner):
                for unit in orjson.loads(row.units):
                    found.setdefault(unit, set()).add(name)
    return found


_NO_MORE = frozenset(map(str, (Change.WITHDRAWN, Change.UNSIGHTED)))


def _outcome(body: Mapping[str, Any]) -> Outcome:
    reasons = tuple(body["reasons"])
    match body["outcome"]:
        case "complete":
            return Complete()
        case "partial":
            return Partial(reasons)
        case _:
            return Failed(reasons)


def _coverage(database: Database, digest: str) -> Coverage:
    whole = orjson.loads(coverage.document(database, digest))
    rules = whole.get("rules")
    return Coverage(
        scanned=coverage.scanned(database, digest),
        skipped=whole["skipped"],
        excluded=whole["excluded"],
        whole=whole["whole"],
        rules=None if rules is None else frozenset(orjson.loads(coverage.document(database, rules))),
    )
