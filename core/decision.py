"""What people say of a finding. Only people change it; a scan never does, but what a scan says may void it."""

from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    """The kinds of events that decisions are, and `RATED`, what the world says of a vulnerability's exploitation."""

    ACCEPTED = "finding.accepted"
    APPROVED = "finding.approved"
    REVOKED = "finding.revoked"
    DISMISSED = "finding.dismissed"
    REINSTATED = "finding.reinstated"
    ASSIGNED = "finding.assigned"
    TAGGED = "finding.tagged"
    COMMENTED = "finding.commented"
    RATED = "finding.rated"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A risk that somebody takes for some time.

    `until` is a UTC instant in seconds. `owner` answers for it; `mitigation` says what is done meanwhile.
    """

    owner: str
    reason: str
    until: int
    mitigation: str = ""
