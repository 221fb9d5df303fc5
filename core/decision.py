"""What people say of a finding. Only people change it; a scan never does, but what a scan says may void it."""

import re
from dataclasses import dataclass
from enum import StrEnum

from fixby.errors import UsageError


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


ME, NOBODY = "me", "nobody"
"""Who asks, and no one at all: queries know both, so that no person can be called so."""


def assignee(name: str) -> str:
    """The name of a person who sees to findings. Raises `UsageError` for one that no query could ask for."""
    if name in (ME, NOBODY) or not name.strip() or "," in name or not name.isprintable() or len(name) > _LONGEST_NAME:
        hint = f"A name has 1 to {_LONGEST_NAME} characters that print, no comma, and is neither {ME} nor {NOBODY}."
        raise UsageError(f"{name[:_LONGEST_NAME]!r} is no name of a person.", hint)
    return name.strip()


def tag(word: str) -> str:
    """A word that sorts findings. Raises `UsageError` for anything else."""
    if not _TAG.fullmatch(word):
        hint = "A tag is one word of letters, digits and - _ . : /, of at most 50 characters."
        raise UsageError(f"{word[:_LONGEST_NAME]!r} is no tag.", hint)
    return word


_LONGEST_NAME = 200
_TAG = re.compile(r"[\w.:/-]{1,50}")
