"""When findings are due, and how they stand: the one definition, over the columns of a million findings.

What does not depend on the instant is kept in columns, `columns` of a timeline, and changes only when something happens
to the finding or to its policy. The expressions are the SQL form of `fixby.sla.clock.reading` over those columns of a
table or alias `finding`; they take the parameter `:now` and are the same text for SQLite and PostgreSQL. Nothing that
time alone can change is kept.
"""

from dataclasses import dataclass

from fixby.sla.clock import Status, Terms, Timeline, schedule


@dataclass(frozen=True, slots=True)
class Columns:
    """What is kept of a finding's clock; all is NULL where no window applies, but `verdict` once it is closed.

    Of an open finding: `due_at`, `soon_at`, `paused_from`, `paused_until` and `time_left` (while it is paused) of its
    `Schedule`, and `deciding`, the rank of the level that decides. Of a closed one: its verdict.
    """

    due_at: int | None = None
    soon_at: int | None = None
    deciding: int | None = None
    paused_from: int | None = None
    paused_until: int | None = None
    time_left: int | None = None
    verdict: str | None = None


def columns(timeline: Timeline, terms: Terms) -> Columns:
    """The columns of a finding's clock under the terms in force; a closed one keeps its verdict."""
    if (verdict := timeline.verdict) is not None:
        deciding = None if verdict.level is None else verdict.level.rank
        return Columns(verdict.due_at, None, deciding, None, None, verdict.time_left, str(verdict.status))
    planned = schedule(timeline, terms)
    if planned is None:
        return Columns()
    deciding, until = planned.window.level.rank, planned.paused_until
    return Columns(planned.due_at, planned.soon_at, deciding, planned.paused_from, until, planned.left)


_OPEN = "finding.closed_at IS NULL AND finding.dismissed_at IS NULL"
_PAUSED = "(finding.paused_from <= :now AND (finding.paused_until IS NULL OR :now < finding.paused_until))"

STATUS = f"""CASE
    WHEN finding.dismissed_at IS NOT NULL THEN '{Status.EXEMPT}'
    WHEN finding.closed_at IS NOT NULL THEN finding.verdict
    WHEN finding.deciding IS NULL THEN '{Status.EXEMPT}'
    WHEN finding.due_at < :now THEN '{Status.BREACHED}'
    WHEN finding.due_at = :now THEN '{Status.DUE_SOON}'
    WHEN {_PAUSED} THEN '{Status.PAUSED}'
    WHEN finding.soon_at <= :now THEN '{Status.DUE_SOON}'
    ELSE '{Status.ON_TRACK}' END"""
"""`Reading.status`: one of the words of `Status`."""

DUE_AT = f"""CASE
    WHEN finding.dismissed_at IS NOT NULL THEN NULL
    WHEN finding.closed_at IS NULL AND {_PAUSED} THEN NULL
    ELSE finding.due_at END"""
"""`Reading.due_at`: an instant or NULL."""

TIME_LEFT = f"""CASE
    WHEN finding.dismissed_at IS NOT NULL THEN NULL
    WHEN finding.closed_at IS NOT NULL OR finding.due_at IS NULL THEN finding.time_left
    WHEN finding.due_at > :now AND {_PAUSED} THEN finding.time_left
    ELSE finding.due_at - :now END"""
"""`Reading.time_left`: seconds or NULL."""

BREACHED = f"({_OPEN} AND finding.due_at IS NOT NULL AND finding.due_at < :now)"
"""Whether `STATUS` is breached, said so that an index on `closed_at` and `due_at` answers."""

RAN = """CASE
    WHEN finding.stopped_at < COALESCE(finding.closed_at, :now) THEN COALESCE((
      SELECT later.running_before - later.started_at
        + CASE WHEN later.stopped_at < COALESCE(finding.closed_at, :now)
          THEN later.stopped_at ELSE COALESCE(finding.closed_at, :now) END
      FROM running_segment AS later
      WHERE later.finding_id = finding.id AND later.started_at <= COALESCE(finding.closed_at, :now)
      ORDER BY later.number DESC LIMIT 1), finding.stopped_at - finding.started_at)
    ELSE COALESCE(finding.closed_at, :now) - finding.started_at END"""
"""The seconds that ran until the finding was closed, or until now; its later segments are in `running_segment`."""
