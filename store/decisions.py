"""What people decide of findings, written down: each is an event, checked against the policy in force.

Several findings are decided together or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

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
from fixby.store.signing import Draft, Signing, is_signed, with_signature


@dataclass(frozen=True, slots=True)
class By:
    """Who decides, and when: a UTC instant in seconds."""

    actor: str
    now: int


def accept(  # noqa: PLR0913, PLR0917 - what is decided, by whom, and how it is signed
    database: Database,
    ids: Sequence[str],
    wish: Acceptance,
    by: By,
    approvals: Sequence[str] = (),
    signing: Signing | None = None,
) -> bool:
    """Ask for a risk to be accepted; whether that is valid at once, or waits for more approvals.

    Raises `UsageError` where the policy in force does not allow it.
    """
    waits = False

    def judge(case: _Case) -> _Verdict:
        nonlocal waits
        _demand_open(case.finding)
        _check_length(wish, case)
        _check_approvers(approvals, by.actor, case.rule)
        if case.rule.signed:
            _demand_signature(case, signing if not approvals else None)
        waits = waits or len(approvals) < case.rule.approvers
        return Decision.ACCEPTED, asdict(wish) | {"needed": case.rule.approvers, "approvals": list(approvals)}

    _decide(database, ids, by, judge, signing)
    return not waits


def approve(database: Database, ids: Sequence[str], by: By, signing: Signing | None = None) -> bool:
    """Approve the acceptances that wait; whether they are valid now. Raises `UsageError` where `by` may not."""
    waits = False

    def judge(case: _Case) -> _Verdict:
        nonlocal waits
        waiting = [one for one in case.living if one.valid_from is None]
        if not waiting:
            raise UsageError(f"No acceptance of {case.name} waits for approval.", f"See: fixby show {case.name}")
        given: list[str] = [*orjson.loads(waiting[-1].approvals), by.actor]
        _check_approvers(given, waiting[-1].requested_by, case.rule)
        if case.rule.signed or is_signed(database, waiting[-1].seq):
            _demand_signature(case, signing)
        waits = waits or len(given) < waiting[-1].needed
        return Decision.APPROVED, {"approvals": [by.actor]}

    _decide(database, ids, by, judge, signing)
    return not waits


def revoke(database: Database, ids: Sequence[str], reason: str, by: By) -> None:
    """Take back all acceptances of findings. Raises `UsageError` where one has none."""

    def judge(case: _Case) -> _Verdict:
        if not case.living:
            raise UsageError(f"No acceptance of {case.name} is in force.", f"See: fixby show {case.name}")
        return Decision.REVOKED, {"reason": reason}

    _decide(database, ids, by, judge)


def dismiss(database: Database, ids: Sequence[str], reason: str, by: By) -> None:
    """Say that findings are none, false positives. Raises `UsageError` where one is closed already."""

    def judge(case: _Case) -> _Verdict:
        _demand_open(case.finding)
        return Decision.DISMISSED, {"reason": reason}

    _decide(database, ids, by, judge)


def reinstate(database: Database, ids: Sequence[str], reason: str, by: By) -> None:
    """Say that dismissed findings are some after all. Raises `UsageError` where one is not dismissed."""

    def judge(case: _Case) -> _Verdict:
        if case.finding.dismissed_at is None:
            raise UsageError(f"The finding {case.name} is not dismissed.", f"See: fixby show {case.name}")
        return Decision.REINSTATED, {"reason": reason}

    _decide(database, ids, by, judge)


def assign(database: Database, ids: Sequence[str], assignee: str, by: By) -> None:
    """Say who sees to findings; an empty name for nobody."""
    _decide(database, ids, by, lambda _: (Decision.ASSIGNED, {"assignee": assignee, "reason": assignee or "nobody"}))


def comment(database: Database, ids: Sequence[str], words: str, by: By) -> None:
    """Write a remark into the history of findings."""
    _decide(database, ids, by, lambda _: (Decision.COMMENTED, {"reason": words}))


def tag(database: Database, ids: Sequence[str], added: Sequence[str], removed: Sequence[str], by: By) -> None:
    """Give findings tags, and take some away; policies may ask for them."""

    def judge(case: _Case) -> _Verdict:
        tags = sorted({*orjson.loads(case.finding.tags), *added} - set(removed))
        return Decision.TAGGED, {"tags": tags, "reason": " ".join(tags)}

    _decide(database, ids, by, judge)


@dataclass(frozen=True, slots=True)
class _Case:
    """A finding that is decided about, and what the policy in force says of accepting it at the instant `now`.

    `living` are its acceptances that nothing has ended, waiting or valid.
    """

    finding: FindingRow
    severity: Severity
    rule: AcceptanceRule
    living: Sequence[AcceptanceRow]
    now: int

    @property
    def name(self) -> str:
        """The finding's id, shortened for people."""
        return self.finding.id[:10]


_Verdict = tuple[Decision, Mapping[str, object]]
"""What is decided of one finding, and what the event says of it."""


def _decide(
    database: Database,
    ids: Sequence[str],
    by: By,
    judge: Callable[[_Case], _Verdict],
    signing: Signing | None = None,
) -> None:
    """Write down what is judged of each; a clock that was set back decides no earlier than what happened last."""
    with database.writing():
        after, rows = head(database), load(database, ids)
        now, projector = max(after.at, by.now), Projector(rows)
        cases = {id_: _case(rows.findings.get(id_), id_, projector, now) for id_ in ids}
        verdicts = {id_: judge(case) for id_, case in cases.items()}
        events = [
            Event(seq, now, by.actor, str(kind), id_, encoded({**body, "observed_at": now}).decode())
            for seq, (id_, (kind, body)) in enumerate(verdicts.items(), start=after.seq + 1)
        ]
        if signing and events:
            events = with_signature(database, list(map(_draft, events, cases.values())), signing)
        if events:
            project(database, after, events, list(verdicts))


def _draft(event: Event, case: _Case) -> Draft:
    """An event to be signed; what is approved is the last acceptance that waits."""
    is_approval = event.kind == Decision.APPROVED
    waiting = [one.seq for one in case.living if one.valid_from is None] if is_approval else [0]
    return Draft(event, case.severity, waiting[-1])


def _case(finding: FindingRow | None, id_: str, projector: Projector, now: int) -> _Case:
    if finding is None:
        raise UsageError(f"There is no finding {id_}.", "See the ids: fixby list")
    severity = Severity.from_rank(finding.severity)
    rule = projector.policy(finding.asset).acceptance[severity]
    return _Case(finding, severity, rule, projector.living(id_, now), now)


def _demand_open(finding: FindingRow) -> None:
    if finding.closed_at is not None:
        raise UsageError(f"The finding {finding.id[:10]} is {finding.closed_as}.", "There is nothing left to decide.")
    if finding.dismissed_at is not None:
        raise UsageError(f"The finding {finding.id[:10]} is dismissed.", f"First: fixby reopen {finding.id[:10]}")


def _demand_signature(case: _Case, signing: Signing | None) -> None:
    if signing is None:
        message = (
            f"Whoever accepts the risk of {case.name}, a {case.severity} finding, or approves that, has to sign it."
        )
        raise UsageError(message, "On the command line: fixby accept --sign KEY, and fixby approve --sign KEY.")


def _check_length(wish: Acceptance, case: _Case) -> None:
    longest = case.rule.longest
    if longest is None:
        raise UsageError(f"The policy allows nobody to accept a {case.severity} finding.", "See: fixby policy show")
    if wish.until <= case.now:
        raise UsageError("The acceptance would end before it begins.", "Give an end that lies in the future.")
    if wish.until - case.now > longest:
        what = f"a finding of {case.severity} severity for at most {length(longest)}"
        raise UsageError(f"The policy accepts {what}.", "Give an earlier end.")


def _check_approvers(approvals: Sequence[str], requester: str, rule: AcceptanceRule) -> None:
    for person in approvals:
        if person == requester:
            raise UsageError("Whoever asks for an acceptance cannot approve it.", "Somebody else has to.")
        if rule.by and person not in rule.by:
            raise UsageError(f"{person} may not approve this.", f"The policy names: {', '.join(rule.by)}.")
    if len(set(approvals)) < len(approvals):
        raise UsageError("Somebody approves twice.", "Each approval is another person's.")
