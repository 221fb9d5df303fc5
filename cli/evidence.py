"""The files of a package of evidence, made from a store: the same when it is written and when it is verified."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

import orjson

from fixby.decision import Decision
from fixby.query import Term, parse
from fixby.reports import evidence_controls, evidence_readme, sla_csv, sla_html, sla_json
from fixby.reports.evidence import Cover, Part
from fixby.reports.published import Document, instant, sign_off, tracked_finding, written
from fixby.scanners import ssh_keygen
from fixby.store import coverage, evidence, log, queries
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.evidence import Recording, SignedAcceptance, Version
from fixby.store.figures import Period, report
from fixby.store.opening import store_id
from fixby.store.projection import ATTESTATION_RECORDED, GATE_JUDGED
from fixby.store.sign_offs import of_all
from fixby.store.statements import signed
from fixby.tracked import SignOff, TrackedFinding

LOG = "log/events.jsonl"
FINDINGS = "findings/findings.jsonl"
SCANS = "scans/scans.jsonl"
ACCEPTANCES = "decisions/acceptances.jsonl"
COVERAGE = "scans/coverage/"
SIGNERS = "decisions/allowed_signers"


def parts(database: Database, cover: Cover, signers: bytes | None = None) -> Iterator[Part]:
    """All files but the manifest, of a store whose last event is the cover's snapshot.

    `signers` is the content of the file of allowed signers, None where there is none.

    Raises `UsageError` for a query that makes no sense, `ReportError` where the store has lost what a scan looked at.
    """
    period = Period(cover.since, cover.as_of, parse(cover.query))
    yield _text("README.md", evidence_readme.written(cover))
    yield _text("controls.json", evidence_controls.document())
    yield _text("controls.md", evidence_controls.markdown())
    yield _lines(LOG, (_event(event, told) for event, told in log.events(database)))
    yield from _policies(database)
    yield from _figures(database, period)
    yield _lines(FINDINGS, map(_finding, evidence.findings(database, period)))
    yield from _scans(database, period)
    sign_offs = of_all(database, partial(ssh_keygen.check, signers=signers))
    acceptances = evidence.acceptances(database, period, {one.seq for one in sign_offs if one.refused})
    yield _lines(ACCEPTANCES, (_acceptance(one, period.as_of) for one in acceptances))
    yield from _signatures(database, sign_offs)
    if signers is not None:
        yield Part(SIGNERS, [signers])
    attestations = evidence.recordings(database, ATTESTATION_RECORDED)
    yield _lines("decisions/attestations.jsonl", map(partial(_recording, times=("at", "until")), attestations))
    judgements = evidence.recordings(database, GATE_JUDGED)
    yield _lines("gates/judgements.jsonl", map(partial(_recording, times=("evaluated_at",)), judgements))


def _text(name: str, text: str) -> Part:
    return Part(name, [text.encode()])


def _lines(name: str, documents: Iterable[Mapping[str, Any]]) -> Part:
    """A file of one JSON document a line."""
    return Part(name, (encoded(document) + b"\n" for document in documents))


def _event(event: log.Event, told: str) -> Document:
    values = (event.seq, event.at, event.actor, event.kind, event.subject, event.body, told)
    return dict(zip(log.COLUMNS, values, strict=True))


def _policies(database: Database) -> Iterator[Part]:
    versions = list(evidence.policies(database))
    documents = [_version(version) for version in versions]
    yield _text("policies/index.json", f"{written({'schema': 'fixby.policies/1', 'policies': documents})}\n")
    for version in versions:
        yield _text(_policy_file(version), version.policy.toml)


def _policy_file(version: Version) -> str:
    """A name that tells of the asset what every file system can take."""
    row = version.policy
    asset = re.sub(r"[^A-Za-z0-9._-]", "_", row.asset)[:60]
    return f"policies/{row.seq}-{asset}-{row.digest[:12]}.toml"


def _version(version: Version) -> Document:
    row = version.policy
    return {
        "seq": row.seq,
        "file": _policy_file(version),
        "asset": row.asset,
        "name": row.name,
        "digest": row.digest,
        "in_force_from": instant(row.at),
        "in_force_until": instant(version.until),
    }


def _figures(database: Database, period: Period) -> Iterator[Part]:
    """The figures in three forms; databases sort names in different ways, so that they are sorted here."""
    figures = report(database, period)
    figures = replace(figures, policies=tuple(sorted(figures.policies)))
    breaches = queries.findings(database, (*period.query, Term("sla", ("breached",))), period.as_of)
    breaches = [_sorted(breach) for breach in breaches]
    yield _text("figures/report.json", f"{written(sla_json.document(figures, breaches))}\n")
    yield _text("figures/report.csv", sla_csv.written(figures))
    yield _text("figures/report.html", sla_html.written(figures, breaches))


def _sorted(finding: TrackedFinding) -> TrackedFinding:
    return replace(finding, witnesses=tuple(sorted(finding.witnesses, key=attrgetter("scanner"))))


def _finding(finding: TrackedFinding) -> Document:
    return tracked_finding(_sorted(finding))


def _scans(database: Database, period: Period) -> Iterator[Part]:
    """The scans, and each thing that they looked at once."""
    wholes = {str(scan.body["coverage"]) for scan in evidence.scans(database, period.since)}
    parts = (part for whole in wholes for part in coverage.parts(coverage.document(database, whole)))
    yield _lines(SCANS, map(_scan, evidence.scans(database, period.since)))
    for digest in sorted({*wholes, *parts}):
        yield Part(f"{COVERAGE}{digest}.json", _coverage(database, digest))


def _coverage(database: Database, digest: str) -> Iterator[bytes]:
    yield coverage.document(database, digest)


def _scan(scan: Recording) -> Document:
    times = {key: instant(scan.body[key]) for key in ("started_at", "finished_at")}
    return {"seq": scan.seq, "recorded_at": instant(scan.at), "recorded_by": scan.actor, **scan.body, **times}


def _recording(one: Recording, times: Iterable[str]) -> Document:
    """What an event says, with its times as they are published."""
    body = {**one.body, **{key: instant(one.body[key]) for key in times}}
    return {"seq": one.seq, "recorded_at": instant(one.at), "recorded_by": one.actor, "recorded": body}


def _signatures(database: Database, sign_offs: Sequence[SignOff]) -> Iterator[Part]:
    """Who signed off what, and each statement that was signed once, with its signature."""
    under = signed(database, log.selected(database, f"kind IN ('{Decision.ACCEPTED}', '{Decision.APPROVED}')"))
    names = {one: f"decisions/signatures/{seq}.json" for seq, one in sorted(under.items(), reverse=True)}
    documents = (
        sign_off(one) | {"finding": one.finding, "statement": names[under[one.seq]] if one.seq in under else None}
        for one in sign_offs
    )
    yield _lines("decisions/sign_offs.jsonl", documents)
    for one, name in names.items():
        yield _text(name, one.statement)
        yield _text(f"{name}.sig", one.signature)


def _acceptance(signed: SignedAcceptance, now: int) -> Document:
    row = signed.row
    return {
        "seq": row.seq,
        "finding": row.finding_id,
        "asset": signed.asset,
        "requested_at": instant(row.requested_at),
        "requested_by": row.requested_by,
        "owner": row.owner,
        "reason": row.reason,
        "mitigation": row.mitigation or None,
        "until": instant(row.until_at),
        "approvals_needed": row.needed,
        "approvals": [{"by": name, "at": instant(at)} for name, at in signed.approvals],
        "valid_from": instant(row.valid_from),
        "ended_at": instant(_ended(signed, now)),
        "ended_because": row.ended_because or ("expired" if row.until_at <= now else None),
    }


def _ended(signed: SignedAcceptance, now: int) -> int | None:
    """When an acceptance ended: somebody or something ended it, or its time was over."""
    row = signed.row
    return row.until_at if row.ended_at is None and row.until_at <= now else row.ended_at


def cover_of(database: Database, period: tuple[int, int], query: str, version: str) -> Cover:
    """What a package of a period (from, until: UTC instants in seconds) of a store is about."""
    last = log.head(database)
    since, as_of = period
    return Cover(version, store_id(database), since, as_of, query, f"{last.seq}:{last.hash}")


def event_of(line: bytes) -> tuple[log.Event, str]:
    """The event and its hash that a line of the log tells. Raises `KeyError`, `TypeError` or `ValueError`."""
    document = orjson.loads(line)
    seq, at = (_number(document[key]) for key in log.COLUMNS[:2])
    actor, kind, subject, body, told = (_word(document[key]) for key in log.COLUMNS[2:])
    if document.keys() != set(log.COLUMNS):
        raise ValueError("it has other keys than an event")
    return log.Event(seq, at, actor, kind, subject, body), told


def _number(value: Any) -> int:  # noqa: ANN401 - JSON
    if type(value) is not int or not 0 <= value < 2**62:
        raise TypeError(f"{value!r} is no number of an event")
    return value


def _word(value: Any) -> str:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
