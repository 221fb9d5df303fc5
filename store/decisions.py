"""What people decide of findings, written down: each is an event, checked against the policy in force."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import orjson

from fixby.decision import Acceptance, Decision
from fixby.errors import UsageError
from fixby.policies.policy import AcceptanceRule
from fixby.severity import Severity
from fixby.sla.duration import length
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.log import Event, Head, head
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
    with _deciding(database, id_, by) as case:
        _demand_open(case.finding)
        _check_length(wish, case)
        _check_approvers(approvals, by.actor, case.rule)
        body = asdict(wish) | {"needed": case.rule.approvers, "approvals": list(approvals)}
        _write(database, case, Decision.ACCEPTED, body)
    return len(approvals) >= case.rule.approvers


def approve(database: Database, id_: str, by: By) -> bool:
    """Approve the acceptance that waits; whether it is valid now. Raises `UsageError` where `by` may not."""
    with _deciding(database, id_, by) as case:
        waiting = [one for one in case.living if one.valid_from is None]
        if not waiting:
            raise UsageError(f"No acceptance of {id_[:10]} waits for approval.", f"See: fixby show {id_[:10]}")
        given: list[str] = [*orjson.loads(waiting[-1].approvals), by.actor]
        _check_approvers(given, waiting[-1].requested_by, case.rule)
        _write(database, case, Decision.APPROVED, {"approvals": [by.actor]})
    return len(given) >= waiting[-1].needed


def revoke(database: Database, id_: str, reason: str, by: By) -> None:
    """Take back all acceptances of a finding. Raises `UsageError` where there is none."""
    with _deciding(database, id_, by) as case:
        if not case.living:
            raise UsageError(f"No acceptance of {id_[:10]} is in force.", f"See: fixby show {id_[:10]}")
        _write(database, case, Decision.REVOKED, {"reason": reason})


def dismiss(database: Database, id_: str, reason: str, by: By) -> None:
    """Say that a finding is none, a false positive. Raises `UsageError` where it is closed already."""
    with _deciding(database, id_, by) as case:
        _demand_open(case.finding)
        _write(database, case, Decision.DISMISSED, {"reason": reason})


def reinstate(database: Database, id_: str, reason: str, by: By) -> None:
    """Say that a dismissed finding is one after all. Raises `UsageError` where it is not dismissed."""
    with _deciding(database, id_, by) as case:
        if case.finding.dismissed_at is None:
            raise UsageError(f"The finding {id_[:10]} is not dismissed.", f"See: fixby show {id_[:10]}")
        _write(database, case, Decision.REINSTATED, {"reason": reason})


@dataclass(frozen=True, slots=True)
class _Case:
    """A finding that is decided about, by whom and when, and what the policy in force says of accepting it.

    `living` are its acceptances that nothing has ended, waiting or valid; `after` is what happened last.
    """

    finding: FindingRow
    severity: Severity
    rule: AcceptanceRule
    living: Sequence[AcceptanceRow]
    by: By
    after: Head


@contextmanager
def _deciding(database: Database, id_: str, by: By) -> Iterator[_Case]:
    """The case, in a writing transaction; a clock that was set back decides no earlier than what happened last."""
    with database.writing():
        rows, after = load(database, [id_]), head(database)
        if id_ not in rows.findings:
            raise UsageError(f"There is no finding {id_}.", "See the ids: fixby list")
        finding, now = rows.findings[id_], max(after.at, by.now)
        severity, projector = Severity.from_rank(finding.severity), Projector(rows)
        rule = projector.policy(finding.asset).acceptance[severity]
        yield _Case(finding, severity, rule, projector.living(id_, now), replace(by, now=now), after)


def _write(database: Database, case: _Case, kind: Decision, body: Mapping[str, object]) -> None:
    at, id_ = case.by.now, case.finding.id
    document = encoded({**body, "observed_at": at}).decode()
    event = Event(case.after.seq + 1, at, case.by.actor, str(kind), id_, document)
    project(database, case.after, [event], [id_])


def _demand_open(finding: FindingRow) -> None:
    if finding.closed_at is not None:
        raise UsageError(f"The finding {finding.id[:10]} is fixed.", "There is nothing to decide.")
    if finding.dismissed_at is not None:
        raise UsageError(f"The finding {finding.id[:10]} is dismissed.", f"First: fixby reopen {finding.id[:10]}")


def _check_length(wish: Acceptance, case: _Case) -> None:
    longest, now = case.rule.longest, case.by.now
    if longest is None:
        raise UsageError(f"The policy allows nobody to accept a {case.severity} finding.", "See: fixby policy show")
    if wish.until <= now:
        raise UsageError("The acceptance would end before it begins.", "Give an end that lies in the future.")
    if wish.until - now > longest:
        what = f"a finding of {case.severity} severity for at most {length(longest)}"
        raise UsageError(f"The policy accepts {what}.", "Give an earlier end.")


def _check_approvers(approvals: Sequence[str], requester: str, rule: AcceptanceRule) -> None:
    for person in approvals:
        if person == requester:
            raise UsageError(f"{person} asked for the acceptance and cannot approve it.", "Ask somebody else.")
        if rule.by and person not in rule.by:
            raise UsageError(f"{person} may not approve this.", f"The policy names: {', '.join(rule.by)}.")
    if len(set(approvals)) < len(approvals):
        raise UsageError("Somebody approves twice.", "Each approval is another person's.")
