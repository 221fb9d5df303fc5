"""When findings are due, and how they stand: the one definition, over the columns of a million findings.

Each expression is the SQL form of a part of `fixby.sla.clock.reading` and reads a row of a table or alias `finding`. It
is the same text for SQLite (3.35 or later) and PostgreSQL, and takes the parameter `:now` besides those that come with
it. The columns, whole numbers all but the ids:

`finding`: `id`, `severity` (its rank), `since_info` to `since_critical` and `since_unknown` (what `Timeline.since` has,
or NULL), `started_at` and `stopped_at` (the first segment; NULL without an end), `closed_at` (or NULL).

`running_segment`: the later segments of the few findings that have any: `finding_id`, `number` (from 2), `started_at`,
`stopped_at` (or NULL), `running_before` (the running time up to its start). It is asked only where a finding outlives
its first segment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fixby.severity import LEVELS, Severity
from fixby.sla.clock import Status, Terms


@dataclass(frozen=True, slots=True)
class Expression:
    """A SQL expression, and the values of its named parameters but for `:now`."""

    sql: str
    parameters: Mapping[str, int]


def due_at(terms: Terms) -> Expression:
    """`Reading.due_at`: an instant or NULL."""
    return _read(terms, f"CASE WHEN NOT {_PAUSED} THEN reached_at END", _NULL)


def time_left(terms: Terms) -> Expression:
    """`Reading.time_left`: seconds or NULL."""
    return _read(terms, "time_left", _NULL)


def status(terms: Terms) -> Expression:
    """`Reading.status`: one of the words of `Status`."""
    return _read(terms, _STATUS, f"'{Status.EXEMPT}'")


def _read(terms: Terms, what: str, exempt: str) -> Expression:
    """What a finding's clock says, or `exempt` where no window applies; each SELECT builds on the one inside it."""
    levels = [level for level in LEVELS if level in terms.windows]
    sql = f"""COALESCE((
  SELECT {what}
  FROM (SELECT due_soon, reached_at, runs, {_TIME_LEFT} AS time_left
  FROM (SELECT target, due_soon, asked_at, {_REACHED_AT} AS reached_at, {_RAN} AS ran, {_RUNS} AS runs
  FROM (SELECT target, due_soon, COALESCE(finding.closed_at, :now) AS asked_at
  FROM ({_targets(terms, levels)}
    ORDER BY target, level DESC LIMIT 1
  ) AS deciding) AS asked) AS run) AS clock
), {exempt})"""  # noqa: S608 - built of the constants below and of names of severities
    return Expression(sql if levels else exempt, _parameters(terms, levels))


def _targets(terms: Terms, levels: Sequence[Severity]) -> str:
    """For each level up to the finding's severity, the running time at which its window is used up."""
    return " UNION ALL".join(
        f"""
    SELECT {_since(terms, level)} + :sla_{level}_window AS target,
      CAST(:sla_{level}_soon AS BIGINT) AS due_soon, {level.rank} AS level
    WHERE finding.severity IN ({_at_least(terms, level)})"""
        for level in levels
    )


def _since(terms: Terms, level: Severity) -> str:
    """The running time since which a finding counted as at least a level: known to be so, or treated so."""
    since, unknown = f"finding.since_{level}", "finding.since_unknown"
    if level.rank > terms.unknown_as.rank:
        return since
    return f"CASE WHEN {unknown} IS NULL OR {since} <= {unknown} THEN {since} ELSE {unknown} END"


def _at_least(terms: Terms, level: Severity) -> str:
    """The ranks of the severities that count as at least a level."""
    treated = [Severity.UNKNOWN] if level.rank <= terms.unknown_as.rank else []
    return ", ".join(str(severity.rank) for severity in [*LEVELS[level.rank :], *treated])


def _parameters(terms: Terms, levels: Sequence[Severity]) -> dict[str, int]:
    windows = {f"sla_{level}_window": terms.windows[level] for level in levels}
    return windows | {f"sla_{level}_soon": terms.due_soon(level) for level in levels}


_NULL = "CAST(NULL AS BIGINT)"

_REACHED_AT = """CASE
    WHEN finding.stopped_at - finding.started_at < target THEN (
      SELECT later.started_at + target - later.running_before FROM running_segment AS later
      WHERE later.finding_id = finding.id
        AND (later.stopped_at IS NULL OR later.running_before + later.stopped_at - later.started_at >= target)
      ORDER BY later.number LIMIT 1)
    ELSE finding.started_at + target END"""

_RAN = """CASE
    WHEN finding.stopped_at <= asked_at THEN COALESCE((
      SELECT later.running_before - later.started_at
        + CASE WHEN later.stopped_at < asked_at THEN later.stopped_at ELSE asked_at END
      FROM running_segment AS later
      WHERE later.finding_id = finding.id AND later.started_at <= asked_at
      ORDER BY later.number DESC LIMIT 1), finding.stopped_at - finding.started_at)
    ELSE asked_at - finding.started_at END"""

_RUNS = """CASE
    WHEN finding.stopped_at <= asked_at AND NOT EXISTS (
      SELECT 1 FROM running_segment AS later
      WHERE later.finding_id = finding.id AND later.started_at <= asked_at
        AND (later.stopped_at IS NULL OR asked_at < later.stopped_at))
    THEN 0 ELSE 1 END"""

_TIME_LEFT = "CASE WHEN reached_at <= asked_at THEN reached_at - asked_at ELSE target - ran END"

_PAUSED = "(runs = 0 AND time_left > 0)"

_STATUS = f"""CASE
    WHEN finding.closed_at IS NOT NULL AND time_left >= 0 THEN '{Status.MET}'
    WHEN finding.closed_at IS NOT NULL THEN '{Status.MISSED}'
    WHEN {_PAUSED} THEN '{Status.PAUSED}'
    WHEN time_left < 0 THEN '{Status.BREACHED}'
    WHEN time_left <= due_soon THEN '{Status.DUE_SOON}'
    ELSE '{Status.ON_TRACK}' END"""
