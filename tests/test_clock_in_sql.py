"""The clock's two forms say the same of any history, in SQLite and in PostgreSQL."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pg8000.native import Connection

from fixby.severity import LEVELS, Severity
from fixby.sla import sql
from fixby.sla.clock import Reading, Segment, Terms, Timeline, closed, detected, paused, reading, rescored, resumed

Run = Callable[..., Sequence[Sequence[object]]]
Clocked = tuple[int | None, int | None, str]

SINCE = [f"since_{severity}" for severity in (*LEVELS, Severity.UNKNOWN)]
TABLES = (
    f"""CREATE TEMPORARY TABLE finding (
      id BIGINT PRIMARY KEY, severity SMALLINT, {" BIGINT, ".join(SINCE)} BIGINT,
      started_at BIGINT, stopped_at BIGINT, closed_at BIGINT)""",
    """CREATE TEMPORARY TABLE running_segment (
      finding_id BIGINT, number INTEGER, started_at BIGINT, stopped_at BIGINT, running_before BIGINT,
      PRIMARY KEY (finding_id, number))""",
)
NOW = 4_102_444_800
"""1 January 2100: too large for four bytes."""

severities = st.sampled_from(Severity)
gaps = st.integers(0, 6)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Histories in small numbers, so that their instants often coincide."""
    at = draw(gaps)
    timeline = detected(draw(severities), at)
    for _ in range(draw(st.integers(0, 7))):
        at += draw(gaps)
        timeline = draw(changes(timeline, at))
    return timeline


def changes(timeline: Timeline, at: int) -> st.SearchStrategy[Timeline]:
    """What may happen to a finding at an instant."""
    again = st.just(resumed(timeline, at))
    if timeline.closed_at is not None:
        return again
    ends = st.none() | gaps.map(lambda gap: at + gap)
    return st.one_of(
        again,
        severities.map(lambda severity: rescored(timeline, severity, at)),
        ends.map(lambda end: paused(timeline, at, end)),
        st.just(closed(timeline, at)),
    )


policies = st.builds(
    Terms,
    windows=st.dictionaries(st.sampled_from(LEVELS), st.integers(0, 12)),
    unknown_as=st.sampled_from(LEVELS),
    due_soon_percent=st.integers(0, 100),
)


@pytest.fixture
def sqlite() -> Iterator[Run]:
    connection = sqlite3.connect(":memory:")
    yield lambda statement, **parameters: connection.execute(statement, parameters).fetchall()
    connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a statement with named parameters in a database that has the empty tables."""
    database: Run | Connection = request.getfixturevalue(request.param)
    run: Run = database.run if isinstance(database, Connection) else database
    for table in TABLES:
        run(table)
    return run


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    histories=[rescored(detected(Severity.HIGH, 0), Severity.CRITICAL, 6)],
    terms=Terms(windows={Severity.HIGH: 8, Severity.CRITICAL: 2}, unknown_as=Severity.HIGH, due_soon_percent=50),
    instant=6,
).via("two windows that end together")
@given(histories=st.lists(timelines(), min_size=1, max_size=10), terms=policies, instant=st.integers(-5, 60))
def test_both_forms_give_the_same_due_date_time_left_and_status_at_any_instant(
    run: Run, histories: list[Timeline], terms: Terms, instant: int
) -> None:
    cases = [
        shifted(timeline_then, NOW - asked_at)
        for timeline in histories
        for asked_at in {instant, *turning_points(timeline, terms)}
        for timeline_then in (timeline, closed(timeline, asked_at))
    ]
    store(run, cases)
    assert clocked(run, terms) == [columns(reading(timeline, terms, NOW)) for timeline in cases]


def turning_points(timeline: Timeline, terms: Terms) -> Iterator[int]:
    """The instants at which what the clock says may change, with those before and after."""
    edges = {edge for segment in timeline.running for edge in (segment.start, segment.stop) if edge is not None}
    for edge in sorted(edges):
        read = reading(timeline, terms, edge)
        due_soon = terms.due_soon(read.level) if read.level else 0
        dues = () if read.due_at is None else (read.due_at, read.due_at - due_soon)
        for turn in (edge, *dues):
            yield from (turn - 1, turn, turn + 1)


def shifted(timeline: Timeline, seconds: int) -> Timeline:
    """The same history at another time."""
    return replace(
        timeline,
        running=tuple(
            Segment(segment.start + seconds, None if segment.stop is None else segment.stop + seconds)
            for segment in timeline.running
        ),
        closed_at=None if timeline.closed_at is None else timeline.closed_at + seconds,
    )


def store(run: Run, cases: Sequence[Timeline]) -> None:
    run("DELETE FROM finding")
    run("DELETE FROM running_segment")
    insert(run, "finding", [finding_row(id_, timeline) for id_, timeline in enumerate(cases)])
    insert(run, "running_segment", [row for id_, timeline in enumerate(cases) for row in later_rows(id_, timeline)])


def insert(run: Run, table: str, rows: Sequence[Iterable[int | None]]) -> None:
    values = ", ".join(f"({', '.join('NULL' if value is None else str(value) for value in row)})" for row in rows)
    if values:
        run(f"INSERT INTO {table} VALUES {values}")  # noqa: S608 - numbers


def finding_row(id_: int, timeline: Timeline) -> list[int | None]:
    since = [timeline.since.get(severity) for severity in (*LEVELS, Severity.UNKNOWN)]
    first = timeline.running[0]
    return [id_, timeline.severity.rank, *since, first.start, first.stop, timeline.closed_at]


def later_rows(id_: int, timeline: Timeline) -> Iterator[list[int | None]]:
    running_before = 0
    for number, segment in enumerate(timeline.running, start=1):
        if number > 1:
            yield [id_, number, segment.start, segment.stop, running_before]
        running_before += 0 if segment.stop is None else segment.stop - segment.start


def clocked(run: Run, terms: Terms) -> list[Clocked]:
    """What the database says of every finding, in order of id."""
    due_at, time_left, status = sql.due_at(terms), sql.time_left(terms), sql.status(terms)
    statement = f"SELECT {due_at.sql}, {time_left.sql}, {status.sql} FROM finding ORDER BY id"  # noqa: S608 - our own
    return [tuple(row) for row in run(statement, now=NOW, **status.parameters)]  # type: ignore[misc]


def columns(read: Reading) -> Clocked:
    return (read.due_at, read.time_left, str(read.status))
