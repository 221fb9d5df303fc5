"""A finding with its history: what the store knows of it at one instant."""

from dataclasses import dataclass
from enum import StrEnum

from fixby.decision import Acceptance, Decision
from fixby.finding import Finding
from fixby.known import Presence
from fixby.severity import Severity


class State(StrEnum):
    """Where a finding stands; derived from detections and decisions, never set."""

    OPEN = "open"
    ACCEPTED = "accepted"
    """Open, with a risk acceptance that is valid now."""
    DISMISSED = "dismissed"
    """Said to be no finding."""
    FIXED = "fixed"
    WITHDRAWN = "withdrawn"
    """Closed, since who published the vulnerability said that it is none."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What one scanner says of a finding now; `last_seen` is a UTC instant in seconds, `reason` why it cannot tell.

    `fix` is what it says is to be done. Its severity is the finding's where it `counts`.
    """

    scanner: str
    presence: Presence
    severity: Severity
    last_seen: int
    reason: str = ""
    fix: str = ""
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """An acceptance that nothing has ended: `by` asked for it at the UTC second `at`.

    It is `valid`, or waits until it has as many `approvals`, the names of those who gave them, as are `needed`.
    """

    by: str
    at: int
    terms: Acceptance
    approvals: tuple[str, ...]
    needed: int
    valid: bool


@dataclass(frozen=True, slots=True)
class Dismissed:
    """Somebody said at the UTC second `at` that the finding is none."""

    by: str
    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class TrackedFinding:
    """A finding of an asset, its state and its clock. Instants are UTC seconds since the epoch.

    `not_observed` says why the last scan could not tell, and is empty where it could. `sla_status` and `due_at` come
    from `fixby.sla`; `due_at` is None where nothing is due. `previous` is the id of an earlier occurrence.
    `assignee` sees to it, empty for nobody; `owners` are those of its file by `CODEOWNERS`. `decisions` are those in
    force, oldest first.
    """

    id: str
    asset: str
    finding: Finding
    state: State
    first_seen: int
    last_seen: int
    closed_at: int | None
    due_at: int | None
    sla_status: str
    witnesses: tuple[Witness, ...]
    not_observed: str = ""
    previous: str = ""
    assignee: str = ""
    tags: tuple[str, ...] = ()
    decisions: tuple[Accepted | Dismissed, ...] = ()
    owners: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The assignee, or else the owners with a space between them; empty for nobody."""
        return self.assignee or " ".join(self.owners)


@dataclass(frozen=True, slots=True)
class SignOff:
    """Somebody asked for an acceptance, or approved one, at the UTC second `at`, in the event of number `seq`.

    `acceptance` is the number of the event that asked. `signed` says whether there is a signature; `key` is the
    fingerprint of the key that proves who it was, empty where nothing does, and then `why` says why. What is `refused`
    does not count: the policy demands that it is proved.
    """

    seq: int
    finding: str
    kind: Decision
    by: str
    at: int
    acceptance: int
    signed: bool
    key: str
    why: str
    refused: bool


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Something that happened to a finding: when (a UTC second), who acted, the kind of event, and why if it says."""

    at: int
    actor: str
    kind: str
    reason: str = ""
