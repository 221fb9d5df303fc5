"""Which requests for acceptances and approvals count: where a policy demands signatures, those that verify now.

An acceptance must be signed where the policy demands it that was in force when it was asked for, or the one in force
now; otherwise a moment of a laxer policy would be enough. What is refused is left out, and the findings are projected
anew from the rest of the log.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from heapq import merge
from operator import attrgetter
from typing import Any

import orjson

from fixby.decision import Decision
from fixby.errors import ConfigurationError, StoreError
from fixby.policies.policy import AcceptanceRule
from fixby.policies.sign_off import Check, Checked
from fixby.severity import LEVELS, Severity
from fixby.store.conversion import policy_of
from fixby.store.database import Database
from fixby.store.log import Event, head, selected
from fixby.store.past import as_of
from fixby.store.projection import ASSET_DESCRIBED, POLICY_ADOPTED, Projector
from fixby.store.rows import FindingRow, PolicyRow, Rows, load, marks_for, pieces, save, select
from fixby.store.statements import Signature, signature_of, signed
from fixby.tracked import SignOff


@contextmanager
def only_valid(database: Database, check: Check, *, copied: bool = False) -> Iterator[Sequence[SignOff]]:
    """Inside, the connection sees the store as if nobody had said what is refused; gives that.

    It costs a query where no policy demands signatures. `copied` says that the connection sees temporary tables, as
    inside `fixby.store.past.as_of`. Acceptances of closed findings stay as they were when that was decided.

    Raises `StoreError` where the store holds acceptances that its log does not tell of.
    """
    with nullcontext() if copied else database.reading():
        ids = _in_question(database)
        examined = examine(database, ids, check) if ids else Examined()
        _refuse_others(load(database, ids), examined.told.rows, ids)
        last = head(database) if ids else None
    refused = [one for one in examined.sign_offs if one.refused]
    if last is None or not refused:
        yield ()
        return
    with nullcontext() if copied else as_of(database, last.seq):
        save(database, _only(examined.valid, {one.finding for one in refused}), {one.finding for one in refused})
        yield refused


def of_finding(database: Database, id_: str, check: Check) -> Sequence[SignOff]:
    """Who asked for acceptances of a finding that nothing has ended, and who approved them; and what is refused."""
    if not database.run("SELECT 1 FROM event WHERE subject = :id AND kind = :kind LIMIT 1", id=id_, kind=_ACCEPTED):
        return ()
    examined = examine(database, [id_], check)
    at = head(database).at
    living = {row.seq for row in examined.told.living(id_, at)}
    return [one for one in examined.sign_offs if one.refused or one.acceptance in living]


def refused_requests(database: Database, ids: Sequence[str], now: int, check: Check) -> dict[str, str]:
    """Why the acceptances that wait are refused, by the ids of those findings of which they are."""
    examined = examine(database, ids, check)
    waiting = {row.seq for id_ in ids for row in examined.told.living(id_, now) if row.valid_from is None}
    return {one.finding: one.why for one in examined.sign_offs if one.refused and one.seq in waiting}


def of_all(database: Database, check: Check) -> Sequence[SignOff]:
    """Every request for an acceptance and every approval in the log, in order."""
    rows = database.run("SELECT DISTINCT subject FROM event WHERE kind = :kind ORDER BY subject", kind=_ACCEPTED)
    found: list[SignOff] = []
    for some in pieces((str(id_) for (id_,) in rows), 5000):
        found += examine(database, some, check).sign_offs
    return sorted(found, key=attrgetter("seq"))


@dataclass(frozen=True, slots=True)
class Examined:
    """What the log says of findings: who signed off what, the projection of all, and that of what is not refused."""

    sign_offs: Sequence[SignOff] = ()
    told: Projector = field(default_factory=lambda: Projector(Rows()))
    valid: Rows = field(default_factory=Rows)


def examine(database: Database, ids: Sequence[str], check: Check) -> Examined:
    """Check the signatures under all requests and approvals of some findings, and see which of them are refused.

    Raises `StoreError` for events that Fixby did not write.
    """
    kinds = {"adopted": POLICY_ADOPTED, "described": ASSET_DESCRIBED}
    terms = list(selected(database, "kind IN (:adopted, :described)", **kinds))
    events: list[Event] = []
    for some in pieces(ids):
        marks, named = marks_for(some)
        events += selected(database, f"subject IN ({marks})", **named)
    events.sort(key=_seq)
    judge = _Judge(_checked(database, events, check), _projected(terms))
    for event in merge(terms, events, key=_seq):
        try:
            judge.hear(event)
        except (KeyError, TypeError, ValueError, IndexError, ConfigurationError) as error:
            message = f"Event {event.seq} is none that Fixby writes: {error!r}."
            raise StoreError(message, "See what else was changed: fixby db verify") from error
    judge.valid.redate()
    return Examined(judge.sign_offs, judge.told, judge.valid.rows)


_ACCEPTED = str(Decision.ACCEPTED)
_seq = attrgetter("seq")


def _in_question(database: Database) -> list[str]:
    """The open findings whose clocks acceptances that a policy wants signed pause, have paused, or will."""
    asked: dict[str, set[int]] = {}
    for row in select(database, PolicyRow, "policy", "toml LIKE '%signed%'"):
        rules = policy_of(row).acceptance
        asked.setdefault(row.asset, set()).update(level.rank for level in LEVELS if rules[level].signed)
    found: set[str] = set()
    for asset, ranks in asked.items():
        if ranks:
            some = ", ".join(map(str, sorted(ranks)))
            rows = database.run(
                "SELECT finding_id FROM acceptance JOIN finding ON finding.id = finding_id WHERE asset = :asset"
                f" AND closed_at IS NULL AND (acceptance.severity IN ({some}) OR finding.severity IN ({some}))"
                " AND (valid_from IS NOT NULL OR ended_at IS NULL)",
                asset=asset,
            )
            found.update(str(id_) for (id_,) in rows)
    return sorted(found)


def _refuse_others(stored: Rows, told: Rows, ids: Sequence[str]) -> None:
    """Nobody has to sign what never was an event: raise `StoreError` for rows that do not follow from the log."""
    for id_ in ids:
        if stored.acceptances.get(id_) != told.acceptances.get(id_):
            message = f"The acceptances of finding {id_[:10]} are not what the log tells."
            raise StoreError(message, "See what else was changed: fixby db verify")


def _only(rows: Rows, ids: set[str]) -> Rows:
    """What hangs on some findings."""

    def of(table: Mapping[str, Any]) -> dict[str, Any]:
        return {id_: row for id_, row in table.items() if id_ in ids}

    return Rows(
        findings=of(rows.findings),
        sightings=of(rows.sightings),
        segments=of(rows.segments),
        exploitations=of(rows.exploitations),
        acceptances=of(rows.acceptances),
    )


def _projected(terms: Sequence[Event]) -> Projector:
    projector = Projector(Rows())
    for event in terms:
        projector.apply(event)
    return projector


def _checked(database: Database, events: Sequence[Event], check: Check) -> Mapping[int, Checked]:
    """What the signatures under events prove, by their numbers; nothing is told of what was never signed so."""
    under = signed(database, [event for event in events if event.kind in _SIGNED_KINDS])
    ours = [event.seq for event in events if event.seq in under]
    return dict(zip(ours, check([under[seq] for seq in ours]), strict=True))


_SIGNED_KINDS = (Decision.ACCEPTED, Decision.APPROVED)


@dataclass(slots=True)
class _Case:
    """An acceptance: whether it must be signed, whether the request is refused, and who said yes with which keys."""

    demanded: bool
    refused: bool = False
    people: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Judge:
    """Hears the log in order. `checked` is what signatures prove, `now` knows the policies in force now."""

    checked: Mapping[int, Checked]
    now: Projector
    told: Projector = field(default_factory=lambda: Projector(Rows()))
    valid: Projector = field(default_factory=lambda: Projector(Rows()))
    sign_offs: list[SignOff] = field(default_factory=list)
    cases: dict[int, _Case] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        """Take one event into account; who refuses it goes on as if it had not happened."""
        is_refused = False
        match event.kind:
            case Decision.ACCEPTED:
                is_refused = self._request(event)
            case Decision.APPROVED:
                is_refused = self._approval(event)
            case _:
                pass
        self.told.apply(event)
        if not is_refused:
            self.valid.apply(event)

    def _request(self, event: Event) -> bool:
        row, body = self.told.rows.findings[event.subject], orjson.loads(event.body)
        rule = self._rule(row)
        case = self.cases[event.seq] = _Case(rule.signed)
        why = self._why_unproved(event) or _why_altered(event, body, rule, Severity.from_rank(row.severity))
        case.refused = bool(why) and case.demanded
        return self._note(event, event.seq, case, why).refused

    def _approval(self, event: Event) -> bool:
        body = orjson.loads(event.body)
        acceptance = self.told.living(event.subject, body["observed_at"])[-1].seq
        rule = self._rule(self.told.rows.findings[event.subject])
        why = self._why_unproved(event) or self._why_no_approval(event, body, acceptance, rule)
        return self._note(event, acceptance, self.cases[acceptance], why).refused

    def _why_no_approval(self, event: Event, body: Mapping[str, Any], acceptance: int, rule: AcceptanceRule) -> str:
        """Why an approval that is signed is none, empty where it is one."""
        kept, case, by = _kept(event), self.cases[acceptance], event.actor
        reasons = {
            "what it approves is refused": case.refused,
            "it was signed for another acceptance": kept.approves != acceptance or body["approvals"] != [by],
            "it is dated otherwise than it was signed": body["observed_at"] != event.at or kept.at > event.at,
            f"{by} asked for it or has approved it already": by in case.people,
            "its key has signed for it already, under another name": self.checked[event.seq].key in case.keys,
            f"the policy does not name {by} among those who may approve": bool(rule.by) and by not in rule.by,
        }
        return next((why for why, holds in reasons.items() if holds), "")

    def _rule(self, row: FindingRow) -> AcceptanceRule:
        """The rule for a finding by the policy in force then, or by the one in force now where only that is strict."""
        severity = Severity.from_rank(row.severity)
        then, now = (projector.policy(row.asset).acceptance[severity] for projector in (self.told, self.now))
        return then if then.signed else now

    def _why_unproved(self, event: Event) -> str:
        if event.seq in self.checked:
            return self.checked[event.seq].why
        return "it is not signed" if _is_unsigned(event) else "what it keeps of a signature is none of Fixby's"

    def _note(self, event: Event, acceptance: int, case: _Case, why: str) -> SignOff:
        key = "" if why else self.checked[event.seq].key
        is_refused = bool(why) and case.demanded
        if not is_refused:
            case.people.add(event.actor)
            case.keys.add(key)
        sign_off = SignOff(
            seq=event.seq,
            finding=event.subject,
            kind=Decision(event.kind),
            by=event.actor,
            at=event.at,
            acceptance=acceptance,
            signed=not _is_unsigned(event),
            key=key,
            why=why,
            refused=is_refused,
        )
        self.sign_offs.append(sign_off)
        return sign_off


def _is_unsigned(event: Event) -> bool:
    try:
        return signature_of(event) is None
    except TypeError:
        return False


def _kept(event: Event) -> Signature:
    """The signature under an event that was checked."""
    kept = signature_of(event)
    if kept is None:
        raise TypeError(f"event {event.seq} keeps no signature")
    return kept


def _why_altered(event: Event, body: Mapping[str, Any], rule: AcceptanceRule, severity: Severity) -> str:
    """How a request that is signed goes beyond what Fixby would have written down, empty where it does not."""
    kept = _kept(event)
    unsigned = bool(body["approvals"]) or body["needed"] < rule.approvers
    reasons = {
        "it is dated otherwise than it was signed": body["observed_at"] != event.at or kept.at > event.at,
        f"it was signed for a {kept.severity} finding, which was {severity}": kept.severity != severity,
        "it brings approvals that nobody signed, or asks for fewer than the policy": unsigned,
        "it is for longer than the policy allows": rule.longest is None or body["until"] - event.at > rule.longest,
    }
    return next((why for why, holds in reasons.items() if holds), "")
