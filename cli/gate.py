"""`fixby gate`: whether this may be released, and whether what was said of it once is still said of it."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fixby.cli import place as here
from fixby.cli.actor import actor
from fixby.cli.configuration import Configuration
from fixby.cli.output import emit, note, show
from fixby.cli.place import Place
from fixby.errors import ExitCode, StoreError, UsageError
from fixby.policies import policy as policies
from fixby.policies.gate import (
    HEADERS,
    Attested,
    GatePolicy,
    Judgement,
    Known,
    LatestScan,
    Verdict,
    evaluate,
    load,
    parse,
    shipped,
)
from fixby.query import Term
from fixby.query import parse as parse_query
from fixby.reports import published
from fixby.reports.plain import safe
from fixby.store import judgements, queries
from fixby.store.attestations import RecordedAttestation, attestations
from fixby.store.codec import encoded
from fixby.store.judgements import Judged, RecordedJudgement
from fixby.store.log import head
from fixby.store.past import as_of
from fixby.store.selection import condition
from fixby.store.terms import in_force
from fixby.tracked import TrackedFinding

if TYPE_CHECKING:
    from fixby.store.database import Database


def run(place: Place, *, as_json: bool, record: bool = False, again: int | None = None, at: str = "") -> ExitCode:
    """Judge what is stored, or was at an earlier instant, or judge again what the event `again` holds.

    `record` writes the judgement down.
    """
    if at and (record or again is not None):
        raise UsageError("What was so earlier is judged by itself.", "Leave out --as-of, or --record and --again.")
    if at:
        return run_earlier(place, at, as_json=as_json)
    if again is None:
        return run_now(place, record=record, as_json=as_json)
    if record:
        raise UsageError("What is evaluated again is not written down.", "Leave out --record or --again.")
    return run_again(place, again, as_json=as_json)


def run_now(place: Place, *, as_json: bool, record: bool) -> ExitCode:
    """Evaluate the gate on what is stored, write the judgement down if asked, show each rule; the exit code says it."""
    who = actor(os.environ) if record else ""
    with _opened(place, to_write=record) as (database, found):
        here.note_other_policy(database, found)
        demands = policy(found)
        with here.only_valid(database, found):
            judgement, snapshot = _judged(database, found, demands)
            broken = _broken(database, judgement)
        evidence = _evidence(found.asset.name, demands, judgement, snapshot)
        recorded = judgements.record(database, evidence, who, judgement.evaluated_at) if record else None
        _tell(broken, judgement, published.gated(judgement, snapshot, recorded), as_json=as_json)
        if recorded:
            note(f"fixby: written down as event {recorded}; to evaluate it again: fixby gate --again {recorded}")
    return judgement.exit_code


def run_earlier(place: Place, at: str, *, as_json: bool) -> ExitCode:
    """Evaluate the gate on what was stored at an earlier instant. Raises `UsageError` for one in the future."""
    with here.reading_at(place, at) as (database, found, then):
        judgement, snapshot = _evaluated(database, found.asset.name, policy(found), then)
        broken = _broken(database, judgement)
    _tell(broken, judgement, published.gated(judgement, snapshot), as_json=as_json)
    return judgement.exit_code


def run_again(place: Place, seq: int, *, as_json: bool) -> ExitCode:
    """Evaluate a judgement again that is written down in event `seq`; exit 1 where it does not come out the same.

    Raises `UsageError` where that event is none, and `StoreError` where the judgement cannot be repeated.
    """
    with here.reading_all(place) as (database, found):
        before = judgements.judgement(database, seq)
        again = _again(database, before, found)
    same = encoded(before.judged) == encoded(again)
    if as_json:
        emit(published.written(_comparison(before, again, same=same)))
    else:
        emit("\n".join(_compared(before, again, same=same)))
    return ExitCode.DONE if same else ExitCode.GATE_FAILED


def judged(database: "Database", found: Configuration) -> tuple[Judgement, str]:
    """The gate's judgement on one committed state of the store, and the number and hash of that state's last event."""
    return _judged(database, found, policy(found))


def policy(found: Configuration) -> GatePolicy:
    """The gate's policy in force: the configured one, else the shipped one."""
    return load(found.gate, _understood) if found.gate else shipped(_understood)


def lines(judgement: Judgement) -> list[str]:
    """The judgement for people: the verdict, what each rule says, and what was not asked."""
    rules = (f"  {_MARKS[rule.verdict]}  {safe(rule.name)}: {safe(rule.reason)}" for rule in judgement.rules)
    return [f"gate: {judgement.verdict.upper()}", *rules, *(f"  note     {told}" for told in judgement.notes)]


def _tell(
    broken: Sequence[TrackedFinding], judgement: Judgement, document: published.Document, *, as_json: bool
) -> None:
    if as_json:
        emit(published.written(document))
        return
    emit("\n".join(lines(judgement)))
    if not broken:
        return
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    show("", terminal.findings_table(broken, judgement.evaluated_at))
    if (number := len(_broken_ids(judgement))) > _SHOWN:
        emit(f"... and {number - _SHOWN} more")


@contextmanager
def _opened(place: Place, *, to_write: bool) -> Iterator[tuple["Database", Configuration]]:
    if not to_write:
        with here.reading_all(place) as opened:
            yield opened
        return
    found = place.configuration()
    with here.writing(found) as database:
        yield database, found


def _judged(database: "Database", found: Configuration, demands: GatePolicy) -> tuple[Judgement, str]:
    with database.reading():
        return _evaluated(database, found.asset.name, demands, here.now())


def _evaluated(database: "Database", asset: str, demands: GatePolicy, now: int) -> tuple[Judgement, str]:
    """What follows from nothing but the state that the connection sees, the gate, and the instant."""
    ours = Term("asset", (asset,))

    def select(query: str) -> list[str]:
        return queries.matching(database, [ours, *parse_query(query)], now)

    last = head(database)
    kinds = [required.kind for required in demands.attestations]
    recorded = queries.latest_scans(database, asset)
    scans = _that_count(recorded)
    known = Known(
        scans=scans,
        attestations=[attested(one) for one in attestations(database, asset, kinds)],
        not_observed=queries.not_observed(database, asset),
        unknown_as=(in_force(database, asset) or policies.shipped()).terms.unknown_as,
        in_part={scan.scanner for scan in recorded} - {scan.scanner for scan in scans},
    )
    return evaluate(demands, select, known, now), f"{last.seq}:{last.hash}"


def attested(recorded: RecordedAttestation) -> Attested:
    """What a gate knows of an attestation."""
    said = recorded.attestation
    return Attested(recorded.seq, said.kind, recorded.actor, said.at, said.until)


def _understood(query: str) -> None:
    condition(parse_query(query))


def _evidence(asset: str, demands: GatePolicy, judgement: Judgement, snapshot: str) -> Judged:
    """What is written down of a judgement, all that it takes to evaluate it again."""
    return Judged(
        asset=asset,
        name=demands.name,
        digest=demands.digest,
        toml=demands.toml,
        evaluated_at=judgement.evaluated_at,
        snapshot=snapshot,
        verdict=judgement.verdict,
        document=published.gated(judgement, snapshot),
    )


def _again(database: "Database", before: RecordedJudgement, found: Configuration) -> Judged:
    """What the same gate says of the same state at the same instant, by the signers that are allowed today."""
    said = before.judged
    try:
        demands = parse(said.toml, f"the gate of event {before.seq}", _understood)
        with as_of(database, said.seq), here.only_valid(database, found, copied=True):
            return _evidence(said.asset, demands, *_evaluated(database, said.asset, demands, said.evaluated_at))
    except UsageError as error:
        raise StoreError(f"The judgement of event {before.seq} cannot be repeated: {error.message}") from error


def _comparison(before: RecordedJudgement, again: Judged, *, same: bool) -> published.Document:
    return {
        "schema": "fixby.gate_again/1",
        "same": same,
        "event": before.seq,
        "recorded_at": published.instant(before.recorded_at),
        "by": before.actor,
        "asset": before.judged.asset,
        "gate": {"name": before.judged.name, "digest": before.judged.digest},
        "recorded": before.judged.document,
        "again": again.document,
    }


def _compared(before: RecordedJudgement, again: Judged, *, same: bool) -> Iterator[str]:
    said = before.judged
    yield (
        f"event {before.seq}: the gate {safe(said.name)!r} ({said.digest[:12]}) said {said.verdict.upper()} of"
        f" {safe(said.asset)} at {published.instant(said.evaluated_at)}, asked by {safe(before.actor)}"
    )
    yield "again: the same" if same else f"again: {again.verdict.upper()}, but NOT the same"
    was, now = _parts(said), _parts(again)
    for name in sorted({*was, *now}):
        then, today = was.get(name, "not there"), now.get(name, "not there")
        if then != today:
            yield f"  {safe(name)}: it was {safe(then)}; it is {safe(today)}"


def _parts(judged: Judged) -> dict[str, str]:
    """What each rule said, and each other part of a judgement."""
    document = judged.document
    rules = {rule["name"]: f"{rule['verdict']}: {rule['reason']}" for rule in document["rules"]}
    parts = {"digest": judged.digest, "verdict": judged.verdict, "snapshot": judged.snapshot}
    return rules | parts | {"notes": "; ".join(document["notes"])}


_MARKS = {Verdict.PASS: "pass   ", Verdict.FAIL: "FAIL   ", Verdict.UNKNOWN: "unknown"}
_SHOWN = 20


def _broken(database: "Database", judgement: Judgement) -> list[TrackedFinding]:
    """The first of the findings that break a rule, as they stand."""
    some = _broken_ids(judgement)[:_SHOWN]
    return queries.findings(database, [Term("id", some)], judgement.evaluated_at) if some else []


def _broken_ids(judgement: Judgement) -> tuple[str, ...]:
    failed = (rule for rule in judgement.rules if rule.verdict is Verdict.FAIL)
    return tuple(dict.fromkeys(id_ for rule in failed for id_ in rule.findings))


def _that_count(scans: Iterable[queries.RecordedScan]) -> list[LatestScan]:
    """Scans of the whole asset, and those of a part of it that came later: a part alone does not speak for the rest.

    Headers are scanned by URL, and each URL speaks for itself.
    """
    recorded = list(scans)
    whole = {scan.scanner: scan.seq for scan in recorded if scan.target == "."}
    return [
        LatestScan(scan.scanner, scan.outcome, scan.finished_at, scan.reasons)
        for scan in recorded
        if scan.scanner == HEADERS or (scan.scanner in whole and scan.seq >= whole[scan.scanner])
    ]
