"""What people sign who ask for an acceptance or approve one: a text that the log gives, and gives again. Pure.

A statement is JSON that a person can read. It names the store, the signer, the instant, and each finding with its
severity, the terms, who asked, and the hash of the event after which that is said. That hash stands for all that had
happened before, so that no signature fits another finding, another store, other terms, or a second time.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fixby.decision import Acceptance
from fixby.severity import Severity

NAMESPACE = "fixby"
"""What `ssh-keygen -Y` is told that a signature is for."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One finding about which something is signed.

    `after` is the hash of its last event before that; `approves` the hash of the event by which the acceptance was
    asked for, and empty in that request itself.
    """

    finding: str
    severity: Severity
    after: str
    requester: str
    terms: Acceptance
    approves: str = ""


def statement(store: str, signer: str, at: int, matters: Iterable[Matter]) -> str:
    """The text to sign, of a store by its id, at a UTC second. Raises `ValueError`, `OverflowError` for no instant."""
    findings = [_told(matter) for matter in matters]
    document = {
        "format": _FORMAT,
        "kind": "approve" if any("approves" in finding for finding in findings) else "accept",
        "store": store,
        "signer": signer,
        "at": _instant(at),
        "findings": findings,
    }
    return f"{json.dumps(document, indent=2)}\n"


def told_at(text: str) -> int:
    """The UTC second that a statement tells. Raises `ValueError` for a text that is none."""
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT:
            raise ValueError(f"its format is {document['format']!r}, not {_FORMAT}")
        return int(datetime.fromisoformat(document["at"]).timestamp())
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("it has not the form of a statement") from error


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement with the signature under it (OpenSSH's armoured text), by a signer at a UTC second."""

    statement: str
    signature: str
    signer: str
    at: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What a signature proves: the fingerprint of the `key` of whom it names, or `why` it proves nothing."""

    key: str = ""
    why: str = ""


Check = Callable[[Sequence[Signed]], Sequence[Checked]]
"""Checks signatures, each for itself, by the keys that are allowed now."""


_FORMAT = "fixby.sign-off/1"


def _told(matter: Matter) -> dict[str, str]:
    """The words of one finding: what has no ASCII letters is escaped, so that nothing hides in them."""
    terms = matter.terms
    return {
        "finding": matter.finding,
        "severity": matter.severity,
        "owner": terms.owner,
        "reason": terms.reason,
        "mitigation": terms.mitigation,
        "until": _instant(terms.until),
        "requester": matter.requester,
        **({"approves": matter.approves} if matter.approves else {}),
        "after": matter.after,
    }


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
