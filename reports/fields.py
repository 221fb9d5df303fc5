"""The fields of a finding that `fixby list --fields` picks, as JSON, as CSV and as the words of a table."""

from collections.abc import Mapping, Sequence

import orjson

from fixby.errors import UsageError
from fixby.reports import published, spreadsheet
from fixby.reports.plain import safe
from fixby.reports.published import Document
from fixby.reports.words import due
from fixby.tracked import TrackedFinding

FIELDS = (
    *("id", "severity", "due", "due_at", "sla_status", "state", "owner", "assignee", "asset", "category", "path"),
    *("line", "package", "version", "scanner", "rule_id", "title", "identifiers", "cwes", "message", "fix", "code"),
    *("tags", "first_seen", "last_seen", "closed_at", "not_observed", "previous", "severity_source", "suppressed"),
    *("references", "locations", "component", "decisions", "sightings"),
)
"""All that are known: the keys of a published finding, the due date in words, and its first place and package flat."""

OF_CSV = (
    *("id", "severity", "state", "due_at", "sla_status", "owner", "asset", "category", "scanner", "rule_id"),
    *("path", "line", "package", "version", "identifiers", "title", "first_seen", "closed_at"),
)
"""The columns of a CSV of which nobody said which."""


def picked(text: str) -> tuple[str, ...]:
    """The fields that a list with commas names, each once. Raises `UsageError` for one that is unknown, or for none."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    known = f"Known are: {', '.join(FIELDS)}."
    if unknown := [name for name in names if name not in FIELDS]:
        raise UsageError(f"--fields: there is no field {unknown[0]!r}.", known)
    if not names:
        raise UsageError("--fields names no field.", known)
    return names


def document(findings: Sequence[TrackedFinding], names: Sequence[str], now: int) -> Document:
    """What `list --fields ... --json` prints."""
    rows = [{name: value[name] for name in names} for value in (_values(one, now) for one in findings)]
    return {"schema": "fixby.list_fields/1", "fields": list(names), "findings": rows}


def csv(findings: Sequence[TrackedFinding], names: Sequence[str], now: int) -> str:
    """A header and a line for each finding; see `cell` for what stands in one."""
    return spreadsheet.written(names, (cells(one, names, now) for one in findings))


def cells(tracked: TrackedFinding, names: Sequence[str], now: int) -> list[str | int]:
    """The fields of a finding as one text or number each, without characters that steer a terminal."""
    values = _values(tracked, now)
    return [_cell(values[name]) for name in names]


def _values(tracked: TrackedFinding, now: int) -> Mapping[str, object]:
    place = tracked.finding.locations[0] if tracked.finding.locations else None
    component = tracked.finding.component
    return published.tracked_finding(tracked) | {
        "due": due(tracked, now),
        "path": place.path if place else None,
        "line": place.line if place else None,
        "package": component.name if component else None,
        "version": component.version if component else None,
    }


def _cell(value: object) -> str | int:
    """Nothing for null, words with a space between them for a list of words, compact JSON for what has parts."""
    match value:
        case None:
            return ""
        case int():
            return value
        case str():
            return "\n".join(map(safe, value.splitlines()))
        case list() if all(isinstance(part, str) for part in value):
            return safe(" ".join(value))
        case _:
            return safe(orjson.dumps(value).decode())
