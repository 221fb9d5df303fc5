"""`fixby attest`: somebody vouches for what no scanner sees, such as a restore drill."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fixby.cli import gate as gating
from fixby.cli import place as here
from fixby.cli.actor import actor
from fixby.cli.instants import end, later
from fixby.cli.output import emit, printable
from fixby.cli.place import Place
from fixby.errors import UsageError
from fixby.policies.gate import KIND_HINT, kind_of_attestation, last_of
from fixby.reports import published
from fixby.reports.plain import safe
from fixby.store.attestations import Attestation, Evidence, RecordedAttestation, attest, attestations, kinds

if TYPE_CHECKING:
    from fixby.policies.gate import GatePolicy
    from fixby.store.database import Database


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller vouches for, as it was written; an empty text is what was not said.

    Who `withdraws` vouches for it no more, from now on.
    """

    kind: str = ""
    note: str = ""
    evidence: str = ""
    until: str = ""
    at: str = ""
    withdraws: bool = False


def run(place: Place, wish: Wish, *, as_json: bool, only_list: bool = False) -> None:
    """Write an attestation down, or show all of them. Raises `UsageError` for what makes no sense."""
    if not only_list:
        return run_attest(place, wish, as_json=as_json)
    if wish != Wish():
        raise UsageError("--list shows what was attested, and attests nothing.", "Leave out --list, or all the rest.")
    return run_list(place, as_json=as_json)


def run_attest(place: Place, wish: Wish, *, as_json: bool) -> None:
    """Write an attestation down and show it. Raises `UsageError` for what makes no sense; nothing is written then."""
    found, who, now = place.configuration(), actor(os.environ), here.now()
    ages = _ages(gating.policy(found))
    said = _withdrawal(found.asset.name, wish, now) if wish.withdraws else _attestation(found.asset.name, wish, now)
    with here.writing(found) as database:
        if wish.withdraws:
            _demand_valid(_judged(attestations(database, said.asset, [said.kind]), ages, now), said.kind)
        made = attest(database, said, who, now)
        known = attestations(database, said.asset, [said.kind])
    _show([one for one in _judged(known, ages, now) if one.recorded.seq == made.seq], as_json=as_json)


def run_list(place: Place, *, as_json: bool) -> None:
    """Show all attestations of an asset, and which of them hold."""
    with here.reading(place) as (database, found):
        ages = _ages(gating.policy(found))
        _show(_judged(_all(database, found.asset.name), ages, here.now()), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Judged:
    """An attestation, the instant it ends, if there is one, and whether it is valid, has ended, or was replaced."""

    recorded: RecordedAttestation
    ends: int | None
    status: str


def _ages(gate: "GatePolicy") -> Mapping[str, int]:
    """How old the gate lets an attestation be, by kind."""
    return {required.kind: required.max_age for required in gate.attestations}


def _all(database: "Database", asset: str) -> list[RecordedAttestation]:
    with database.reading():
        return attestations(database, asset, kinds(database))


def _judged(known: Sequence[RecordedAttestation], ages: Mapping[str, int], now: int) -> list[_Judged]:
    """Each attestation, in order of kind and instant."""
    told = [gating.attested(one) for one in known]
    speaking = {last_of(kind, told) for kind in {said.kind for said in told}}
    judged = []
    for one, said in sorted(zip(known, told, strict=True), key=lambda pair: (pair[1].kind, pair[1].at, pair[1].seq)):
        ends = said.ends(ages[said.kind]) if said.kind in ages else said.until
        has_ended = ends is not None and ends <= now
        status = "replaced" if said not in speaking else "ended" if has_ended else "valid"
        judged.append(_Judged(one, ends, status))
    return judged


def _show(some: Sequence[_Judged], *, as_json: bool) -> None:
    if as_json:
        emit(published.written({"schema": "fixby.attest/1", "attestations": [_document(one) for one in some]}))
    else:
        emit("\n".join(map(_line, some)) or "Nothing was attested yet.")


def _document(judged: _Judged) -> published.Document:
    recorded, said = judged.recorded, judged.recorded.attestation
    evidence = {"name": said.evidence.name, "sha256": said.evidence.sha256} if said.evidence else None
    return {
        "event": recorded.seq,
        "recorded_at": published.instant(recorded.recorded_at),
        "by": recorded.actor,
        "asset": said.asset,
        "kind": said.kind,
        "at": published.instant(said.at),
        "until": published.instant(said.until),
        "note": said.note or None,
        "evidence": evidence,
        "valid_until": published.instant(judged.ends),
        "status": judged.status,
    }


def _line(judged: _Judged) -> str:
    recorded, said = judged.recorded, judged.recorded.attestation
    limit = f", until {published.instant(judged.ends)}" if judged.ends is not None else ""
    more = "".join(f"; {safe(part)}" for part in (said.note, said.evidence.name if said.evidence else "") if part)
    told = f"{said.kind}: by {safe(recorded.actor)} at {published.instant(said.at)}{limit}{more}"
    return f"{judged.status:8}  {told}; event {recorded.seq}"


def _attestation(asset: str, wish: Wish, now: int) -> Attestation:
    at = end(wish.at, "--at", now) if wish.at else now
    until = later(wish.until, "--until", at) if wish.until else None
    if at < 0 or (until or at) - at > _LONGEST:
        raise UsageError("Nothing is attested from before 1970 or for more than a hundred years.", _LONGEST_HINT)
    evidence = _evidence(wish.evidence) if wish.evidence else None
    return Attestation(asset, _kind(wish.kind), at, until, printable(wish.note), evidence)


def _withdrawal(asset: str, wish: Wish, now: int) -> Attestation:
    """An attestation that speaks for its kind and has ended: the last one counts."""
    if wish.at or wish.until or wish.evidence:
        raise UsageError("--withdraw takes back what holds now.", "Leave out --at, --until and --evidence.")
    if not wish.note.strip():
        raise UsageError("--withdraw says nothing of why.", "Give a reason with --note.")
    return Attestation(asset, _kind(wish.kind), now, now, printable(wish.note))


def _demand_valid(known: Sequence[_Judged], kind: str) -> None:
    if not any(one.status == "valid" for one in known):
        raise UsageError(
            f"No attestation of {kind} is valid, so that none can be taken back.", "See fixby attest --list."
        )


_LONGEST = 36525 * 86_400
_LONGEST_HINT = "Give another --at or --until, or leave out --until: then the gate alone says for how long."


def _kind(kind: str) -> str:
    try:
        return kind_of_attestation(kind)
    except ValueError as error:
        raise UsageError(f"The kind of an attestation is wrong: {error}.", KIND_HINT) from error


def _evidence(named: str) -> Evidence:
    """What an address or a file is as evidence."""
    if "://" in named:
        return Evidence(printable(_without_password(named)))
    try:
        with Path(named).open("rb") as file:
            return Evidence(printable(named), file_digest(file, "sha256").hexdigest())
    except OSError as error:
        problem = f"--evidence {named} cannot be read: {error.strerror}."
        raise UsageError(problem, "Name a file, or an address that begins with https://.") from error


def _without_password(address: str) -> str:
    """The address, if there is no password in it that would then stand in the store."""
    try:
        has_password = bool(urlsplit(address).password)
    except ValueError as error:
        raise UsageError(f"--evidence is no address: {error}.", "Write it as in https://example.org/drill.") from error
    if has_password:
        raise UsageError("The address of the evidence has a password in it.", "Leave it out: the store is no safe.")
    return address
