"""What rows, and the words of events, stand for in the domain, and back."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from fixby.asset import Asset, Exploitation
from fixby.policies import policy as policies
from fixby.policies.business_days import exceptions, written_calendar
from fixby.policies.policy import Policy
from fixby.severity import LEVELS, Severity
from fixby.sla.clock import Reading, Segment, Status, Timeline, dismissed
from fixby.store.rows import AssetRow, ExploitationRow, FindingRow, PolicyRow, SegmentRow

SINCE = {level: f"since_{level}" for level in (*LEVELS, Severity.UNKNOWN)}
"""The column that has the running time at which a finding first had a level of severity."""


def timeline_of(row: FindingRow, segments: Iterable[SegmentRow]) -> Timeline:
    """The timeline that stands in a finding's columns and its later segments."""
    known = ((level, getattr(row, column)) for level, column in SINCE.items())
    later = (Segment(segment.started_at, segment.stopped_at) for segment in segments)
    timeline = Timeline(
        severity=Severity.from_rank(row.severity),
        since={level: since for level, since in known if since is not None},
        running=(Segment(row.started_at, row.stopped_at), *later),
        closed_at=row.closed_at,
        verdict=_verdict(row),
    )
    return timeline if row.dismissed_at is None else dismissed(timeline)


def clock_from(words: Mapping[str, Any], severity: Severity) -> Timeline:
    """The timeline that `clock_words` wrote, of a finding of a severity."""
    since = {Severity(level): ran for level, ran in words["since"].items()}
    return Timeline(severity, since, tuple(Segment(*segment) for segment in words["running"]))


def clock_words(timeline: Timeline) -> Mapping[str, object]:
    """A timeline as an event tells it."""
    running = [(segment.start, segment.stop) for segment in timeline.running]
    return {"since": {str(level): ran for level, ran in timeline.since.items()}, "running": running}


def exploitation_of(row: ExploitationRow) -> Exploitation:
    """What is known of a finding's exploitation."""
    steps = tuple((percent, since) for percent, since in orjson.loads(row.epss_since))
    return Exploitation(bool(row.known), row.known_since, row.epss, steps)


def asset_of(row: AssetRow) -> Asset:
    """An asset as it is described."""
    return Asset(row.name, row.tier, row.exposure, tuple(orjson.loads(row.tags)), row.team, row.codeowners, row.folder)


def policy_of(row: PolicyRow) -> Policy:
    """A policy that was adopted, with the days that its calendar had then."""
    return _policy(row.toml, row.days)


@lru_cache(maxsize=64)
def _policy(toml: str, days: str) -> Policy:
    return policies.parse(text(toml), "the policy in force", lambda name: written_calendar(name, days))


def days_in(body: Mapping[str, Any]) -> str:
    """The days of the calendar of a policy that an event tells of; early ones tell its name only."""
    return text(body["days"]) if "days" in body else exceptions(policies.parse(text(body["toml"]), "").terms.calendar)


def text(value: object) -> str:
    """A text. Raises `TypeError` for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _verdict(row: FindingRow) -> Reading | None:
    if row.verdict is None:
        return None
    level = None if row.deciding is None else Severity.from_rank(row.deciding)
    return Reading(Status(row.verdict), row.due_at, row.time_left, level)
