"""What people decide of findings, written down: each is an event, checked against the policy in force."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import orjson

from fixby.decision import Acceptance, Decision
from fixby.errors import UsageError
from fixby.policies.policy import AcceptanceRule
from fixby.severity import Severity
from fixby.sla.duration import length
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.log import Event, head
from fixby.store.projecting import project
from fixby.store.projection import Projector
from fixby.store.rows import AcceptanceRow, FindingRow, load


@dataclass(frozen=True, slots=True)
class By:
    """Who decides, and when: a UTC instant in seconds."""

    actor: str
    now: int


def accept(database: Database, id_: str, wish: Acceptance, by: By, approvals: Sequence[str] = ()) -> bool:
    """Accept the risk of an open finding for some time; whether that is valid, or waits for more approvals.

    Raises `UsageError` where the policy in force does not allow it.
    """
    with database.writing():
        by, case = _now(database, by), _case(database, id_)
        _demand_open(case.finding)
        rule = case.rule
        _check_length(wish, rule, by.now, case.severity)
        _check_approvers(approvals, by.actor, rule)
        body = asdict(wish) | {"needed": rule.approvers, "approvals": list(approvals)}
        _write(database, id_, Decision.ACCEPTED, by, body)
    return len(approvals) >= rule.approvers


def approve(database: Database, id_: str, by: By) -> bool:
    """Approve the acceptance that waits; whether it is valid now. Raises `UsageError` where `by` may not."""
    with database.writing():
        by, case = _now(database, by), _case(database, id_)
        waiting = [one for one in case.living(by.now) if one.valid_from is None]
        if not waiting:
            raise UsageError(f"No acceptance of {id_[:10]} waits for approval.", f"See: fixby show {id_[:10]}")
        given: list[str] = [*_approvals(waiting[-1]), by.actor]
        _check_approvers(given, waiting[-1].requested_by, case.rule)
        _write(database, id_, Decision.APPROVED, by, {"approvals": [by.actor]})
    return len(given) >= waiting[-1].needed


def revoke(database: Database, id_: str, reason: str, by: By) -> None:
    """Take back all acceptances of a finding. Raises `UsageError` where there is none."""
    with database.writing():
        by = _now(database, by)
        if not _case(database, id_).living(by.now):
            raise UsageError(f"No acceptance of {id_[:10]} is in force.", f"See: fixby show {id_[:10]}")
        _write(database, id_, Decision.REVOKED, by, {"reason": reason})


def dismiss(database: Database, id_: str, reason: str, by: By) -> None:
    """Say that a finding is none, a false positive. Raises `UsageError` where it is closed already."""
    with database.writing():
        _demand_open(_case(database, id_).finding)
        _write(database, id_, Decision.DISMISSED, by, {"reason": reason})


def reinstate(database: Database, id_: str, reason: str, by: By) -> None:
    """Say that a dismissed finding is one after all. Raises `UsageError` where it is not dismissed."""
    with database.writing():
        if _case(database, id_).finding.dismissed_at is None:
            raise UsageError(f"The finding {id_[:10]} is not dismissed.", f"See: fixby show {id_[:10]}")
        _write(database, id_, Decision.REINSTATED, by, {"reason": reason})


@dataclass(frozen=True, slots=True)
class _Case:
    """A finding and what the policy in force says of accepting it."""

    finding: FindingRow
    severity: Severity
    rule: AcceptanceRule
    acceptances: Sequence[AcceptanceRow]

    def living(self, now: int) -> list[AcceptanceRow]:
        return [one for one in self.acceptances if one.ended_at is None and one.until_at > now]


def _case(database: Database, id_: str) -> _Case:
    rows = load(database, [id_])
    if id_ not in rows.findings:
        raise UsageError(f"There is no finding {id_}.", "See the ids: fixby list")
    finding = rows.findings[id_]
    severity = Severity.from_rank(finding.severity)
    rule = Projector(rows).policy(finding.asset).acceptance[severity]
    return _Case(finding, severity, rule, rows.acceptances.get(id_, ()))


def _write(database: Database, id_: str, kind: Decision, by: By, body: Mapping[str, object]) -> None:
    after, at = head(database), _now(database, by).now
    document = encoded({**body, "observed_at": at}).decode()
    project(database, after, [Event(after.seq + 1, at, by.actor, str(kind), id_, document)], [id_])


def _now(database: Database, by: By) -> By:
    """Who decides, no earlier than what happened last: a clock that was set back does not order events anew."""
    return replace(by, now=max(head(database).at, by.now))


def _demand_open(finding: FindingRow) -> None:
    if finding.closed_at is not None:
        raise UsageError(f"The finding {finding.id[:10]} is fixed.", "There is nothing to decide.")
    if finding.dismissed_at is not None:
        raise UsageError(f"The finding {finding.id[:10]} is dismissed.", f"First: fixby reopen {finding.id[:10]}")


def _check_length(wish: Acceptance, rule: AcceptanceRule, now: int, severity: Severity) -> None:
    if rule.longest is None:
        raise UsageError(f"The policy allows nobody to accept a {severity} finding.", "See: fixby policy show")
    if wish.until <= now:
        raise UsageError("The acceptance would end before it begins.", "Give an end that lies in the future.")
    if wish.until - now > rule.longest:
        allowed = length(rule.longest)
        raise UsageError(f"The policy accepts a {severity} finding for at most {allowed}.", "Give an earlier end.")


def _check_approvers(approvals: Sequence[str], requester: str, rule: AcceptanceRule) -> None:
    for person in approvals:
        if person == requester:
            raise UsageError(f"{person} asked for the acceptance and cannot approve it.", "Ask somebody else.")
        if rule.by and person not in rule.by:
            raise UsageError(f"{person} may not approve this.", f"The policy names: {', '.join(rule.by)}.")
    if len(set(approvals)) < len(approvals):
        raise UsageError("Somebody approves twice.", "Each approval is another person's.")


def _approvals(acceptance: AcceptanceRow) -> list[str]:
    return list(orjson.loads(acceptance.approvals))
