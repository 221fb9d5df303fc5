"""The JSON that other programs read: documents with a schema's name and version, described in `docs/schemas/`.

Times are RFC 3339 in UTC. Keys of a published version are never renamed, and never dropped.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from fixby.component import Component
from fixby.decision import Decision
from fixby.finding import Finding, Location
from fixby.policies.gate import Judgement
from fixby.scan import Coverage, Scan, outcome_name
from fixby.tracked import Accepted, Dismissed, HistoryEntry, SignOff, TrackedFinding

Document = dict[str, Any]


def written(document: Document) -> str:
    """A document as the text that is printed: indented, keys sorted.

    What turns the direction of reading is escaped, and so is `##[`, in which GitHub's runner sees a command.
    """
    text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2).decode()
    return _STEERING.sub(lambda one: f"\\u{ord(one[0]):04x}", text)


_STEERING = re.compile(r"#(?=#\[)|[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def instant(seconds: int | None) -> str | None:
    """A UTC second as RFC 3339, such as `2026-03-04T12:00:00Z`."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed(scans: Sequence[Document]) -> Document:
    """What `parse --json` prints; each scan comes from `scan`."""
    return {"schema": "fixby.parse/1", "scans": list(scans)}


def scanned(scans: Sequence[Document], gate: Document | None) -> Document:
    """What `scan --json` and `ingest --json` print."""
    return {"schema": "fixby.scan/1", "scans": list(scans), "gate": gate}


def gated(judgement: Judgement, snapshot: str, recorded: int | None = None) -> Document:
    """What `gate --json` prints.

    `snapshot` is the number and hash of the last event that was considered, `recorded` the number of the event in which
    the judgement was written down, if it was.
    """
    return {
        "schema": "fixby.gate/1",
        "verdict": judgement.verdict,
        "snapshot": snapshot,
        "evaluated_at": instant(judgement.evaluated_at),
        "rules": [
            {
                "name": rule.name,
                "verdict": rule.verdict,
                "count": rule.count,
                "limit": rule.limit,
                "findings": list(rule.findings),
                "reason": rule.reason,
            }
            for rule in judgement.rules
        ],
        "notes": list(judgement.notes),
        "recorded": recorded,
    }


def listed(findings: Sequence[TrackedFinding]) -> Document:
    """What `list --json` prints."""
    return {"schema": "fixby.list/1", "findings": [tracked_finding(one) for one in findings]}


def shown(
    finding: TrackedFinding,
    history: Sequence[HistoryEntry],
    sign_offs: Sequence[SignOff] = (),
    blame: Mapping[str, object] | None = None,
) -> Document:
    """What `show --json` prints; `blame` says who wrote the line, where that was asked."""
    events = [
        {"at": instant(entry.at), "actor": entry.actor, "event": entry.kind, "reason": entry.reason or None}
        for entry in history
    ]
    signed = [sign_off(one) for one in sign_offs]
    document = {"schema": "fixby.show/1", "finding": tracked_finding(finding), "history": events, "sign_offs": signed}
    return document if blame is None else document | {"blame": blame}


def sign_off(one: SignOff) -> Document:
    """Who asked for an acceptance or approved it, and what proves that."""
    return {
        "event": one.seq,
        "kind": "approve" if one.kind is Decision.APPROVED else "accept",
        "acceptance": one.acceptance,
        "by": one.by,
        "at": instant(one.at),
        "key": one.key or None,
        "reason": one.why or None,
        "counts": not one.refused,
    }


def decided(findings: Sequence[TrackedFinding]) -> Document:
    """What commands that decide about several findings print with `--json`."""
    return {"schema": "fixby.decided/1", "decided": [tracked_finding(one) for one in findings]}


def initialised(configuration: str, store: str) -> Document:
    """What `init --json` prints."""
    return {"schema": "fixby.init/1", "configuration": configuration, "store": store}


def verified(store: str, flaws: Sequence[str]) -> Document:
    """What `db verify --json` prints."""
    return {"schema": "fixby.verify/1", "store": store, "whole": not flaws, "flaws": list(flaws)}


def upgraded(version: str) -> Document:
    """What `db upgrade --json` prints."""
    return {"schema": "fixby.upgrade/1", "version": version}


def scan(scan: Scan, findings: Mapping[str, Finding]) -> Document:
    """A scan with its findings by id."""
    return {
        "scanner": scan.scanner,
        "tool_version": scan.tool_version,
        "target": scan.target,
        "outcome": outcome_name(scan.outcome),
        "reasons": list(scan.reasons),
        "coverage": _coverage(scan.coverage),
        "suppressed": sum(one.suppression is not None for one in findings.values()),
        "started_at": instant(scan.started_at),
        "finished_at": instant(scan.finished_at),
        "findings": [finding(id_, one) for id_, one in findings.items()],
    }


def finding(id_: str, finding: Finding) -> Document:
    """A finding as a scanner reports it."""
    return {
        "id": id_,
        "category": finding.category,
        "scanner": finding.scanner,
        "rule_id": finding.rule.id,
        "title": finding.rule.title,
        "severity": finding.severity,
        "severity_source": finding.severity_source,
        "identifiers": list(finding.identifiers.names),
        "cwes": list(finding.rule.cwes),
        "locations": [_location(place) for place in finding.locations],
        "component": _component(finding.component) if finding.component else None,
        "message": finding.message,
        "code": finding.code,
        "fix": finding.fix,
        "references": list(finding.rule.references),
        "suppressed": (
            {"by": finding.suppression.by, "reason": finding.suppression.reason} if finding.suppression else None
        ),
    }


def tracked_finding(tracked: TrackedFinding) -> Document:
    """A finding with what the store knows of it."""
    return finding(tracked.id, tracked.finding) | {
        "asset": tracked.asset,
        "state": tracked.state,
        "not_observed": tracked.not_observed or None,
        "first_seen": instant(tracked.first_seen),
        "last_seen": instant(tracked.last_seen),
        "closed_at": instant(tracked.closed_at),
        "due_at": instant(tracked.due_at),
        "sla_status": tracked.sla_status,
        "previous": tracked.previous or None,
        "owner": tracked.owner or None,
        "assignee": tracked.assignee or None,
        "tags": list(tracked.tags),
        "decisions": [_decision(one) for one in tracked.decisions],
        "sightings": [
            {
                "scanner": witness.scanner,
                "presence": witness.presence,
                "severity": witness.severity,
                "last_seen": instant(witness.last_seen),
                "reason": witness.reason or None,
                "fix": witness.fix,
                "counts": witness.counts,
            }
            for witness in tracked.witnesses
        ],
    }


def _decision(decision: Accepted | Dismissed) -> Document:
    if isinstance(decision, Dismissed):
        return {"kind": "dismiss", "by": decision.by, "at": instant(decision.at), "reason": decision.reason}
    return {
        "kind": "accept",
        "by": decision.by,
        "at": instant(decision.at),
        "owner": decision.terms.owner,
        "reason": decision.terms.reason,
        "mitigation": decision.terms.mitigation,
        "until": instant(decision.terms.until),
        "approvals": list(decision.approvals),
        "needed": decision.needed,
        "valid": decision.valid,
    }


def _location(place: Location) -> Document:
    return {
        "path": place.path,
        "line": place.line,
        "end_line": place.end_line,
        "column": place.column,
        "end_column": place.end_column,
    }


def _component(component: Component) -> Document:
    return {
        "purl": component.purl,
        "ecosystem": component.ecosystem,
        "name": component.name,
        "version": component.version,
        "fixed_versions": list(component.fixed_versions),
    }


def _coverage(coverage: Coverage) -> Document:
    return {
        "scanned": len(coverage.scanned),
        "skipped": [{"path": path, "reason": reason} for path, reason in sorted(coverage.skipped.items())],
        "excluded": [{"path": path, "reason": reason} for path, reason in sorted(coverage.excluded.items())],
    }
