"""The clock's two forms say the same of any history, in SQLite and in PostgreSQL."""

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, fields
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pg8000.native import Connection

from fixby.severity import LEVELS, Severity
from fixby.sla import sql
from fixby.sla.calendar import EVERY_DAY, working_days
from fixby.sla.clock import (
    Reading,
    Status,
    Terms,
    Timeline,
    Window,
    closed,
    detected,
    dismissed,
    paused,
    reading,
    reinstated,
    rescored,
    resumed,
    schedule,
    withdrawn,
)

Run = Callable[..., Sequence[Sequence[object]]]
Choose = Callable[[Sequence[Any]], Any]

BEGINNING = 4_102_444_800
"""1 January 2100: too large for four bytes; a Friday."""
HALF_DAY = 43_200
CALENDARS = (
    EVERY_DAY,
    EVERY_DAY,
    working_days("weekdays", [day for day in range(47_400, 47_700) if (day + 3) % 7 >= 5]),
)
KEPT = [column.name for column in fields(sql.Columns)]
KINDS = [f"{name} {'TEXT' if name == 'verdict' else 'BIGINT'}" for name in KEPT]
TABLE = f"CREATE TEMPORARY TABLE finding (id BIGINT, closed_at BIGINT, dismissed_at BIGINT, {', '.join(KINDS)})"


class Case(NamedTuple):
    """A history, the terms that are in force at its end, and the instant of its last event."""

    timeline: Timeline
    terms: Terms
    at: int


def history(choose: Choose) -> Case:
    """A history in steps of half a day, so that its instants often coincide with what follows from them."""
    at, terms = BEGINNING, any_terms(choose)
    timeline = detected(choose(list(Severity)), at)
    for _ in range(choose(range(9))):
        at += choose(range(7)) * HALF_DAY
        if choose(range(5)) == 0:
            terms = any_terms(choose)
        timeline = choose(list(changes(timeline, terms, at, choose)))
    return Case(timeline, terms, at)


def changes(timeline: Timeline, terms: Terms, at: int, choose: Choose) -> Iterator[Timeline]:
    """What may happen to a finding at an instant: scans, acceptances, their end and expiry, decisions, a policy."""
    yield timeline
    yield reinstated(timeline) if timeline.dismissed else dismissed(timeline)
    if timeline.closed_at is not None:
        back = resumed(timeline, at)
        yield back
        yield paused(back, at, at + choose(range(1, 9)) * HALF_DAY)
        return
    yield resumed(timeline, at)
    yield rescored(timeline, choose(list(Severity)), at)
    yield paused(timeline, at)
    yield paused(timeline, at, at + choose(range(9)) * HALF_DAY)
    yield closed(timeline, at, terms)
    yield withdrawn(timeline, at)


def any_terms(choose: Choose) -> Terms:
    """What a policy may allow: none, one or several windows a level, some of which apply from later on only."""
    level, since = list(LEVELS), [0, 0, HALF_DAY, 5 * HALF_DAY]
    windows = [
        Window(choose(level), choose(range(13)) * HALF_DAY, f"line {number}", choose(since))
        for number in range(choose(range(6)))
    ]
    return Terms(
        windows=tuple(windows),
        unknown_as=choose(level),
        due_soon_percent=choose([0, 25, 50, 100]),
        calendar=choose(CALENDARS),
    )


@pytest.fixture
def sqlite() -> Iterator[Run]:
    connection = sqlite3.connect(":memory:")
    yield lambda statement, **parameters: connection.execute(statement, parameters).fetchall()
    connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a statement with named parameters in a database that has the empty table."""
    database: Run | Connection = request.getfixturevalue(request.param)
    run: Run = database.run if isinstance(database, Connection) else database
    run(TABLE)
    return run


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_both_forms_give_the_same_due_date_time_left_and_status_at_any_instant(run: Run, data: st.DataObject) -> None:
    hold(run, [history(lambda some: data.draw(st.sampled_from(some)))])


def test_both_forms_agree_over_5000_random_histories(run: Run) -> None:
    chance = random.Random(20_260_301)  # noqa: S311 - no secret
    cases = [history(chance.choice) for _ in range(5000)]
    hold(run, cases)
    assert {reading(*case).status for case in cases} == set(Status)


def hold(run: Run, cases: Sequence[Case]) -> None:
    """Fail unless the forms agree on the cases at the instants at which something changes, and beside them."""
    store(run, cases)
    by_instant: dict[int, list[int]] = {}
    for number, case in enumerate(cases):
        for instant in instants(case):
            by_instant.setdefault(instant, []).append(number)
    for instant in sorted(by_instant):
        said = clocked(run, by_instant[instant], instant)
        for number in by_instant[instant]:
            assert said[number] == expected(cases[number], instant), (cases[number], instant)


def instants(case: Case) -> set[int]:
    """The instants from the last event on at which what the clock says may change, with those before and after."""
    planned = schedule(case.timeline, case.terms)
    turns = (planned.due_at, planned.soon_at, planned.paused_until) if planned else ()
    edges = {case.at, *(turn for turn in turns if turn is not None)}
    return {instant for edge in edges for instant in (edge - 1, edge, edge + 1) if instant >= case.at}


def store(run: Run, cases: Sequence[Case]) -> None:
    run("DELETE FROM finding")
    rows = [
        (number, timeline.closed_at, at if timeline.dismissed else None, *astuple(sql.columns(timeline, terms)))
        for number, (timeline, terms, at) in enumerate(cases)
    ]
    for start in range(0, len(rows), 500):
        values = ", ".join(f"({', '.join(map(literal, row))})" for row in rows[start : start + 500])
        run(f"INSERT INTO finding VALUES {values}")  # noqa: S608 - numbers and words of ours


def literal(value: object) -> str:
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


def clocked(run: Run, ids: Sequence[int], now: int) -> dict[object, tuple[object, ...]]:
    """What the database says of some findings."""
    said = f"{sql.DUE_AT}, {sql.TIME_LEFT}, {sql.STATUS}, {sql.BREACHED}"
    statement = f"SELECT id, {said} FROM finding WHERE id IN ({', '.join(map(str, ids))})"  # noqa: S608 - numbers
    return {id_: (*rest, bool(is_breached)) for id_, *rest, is_breached in run(statement, now=now)}


def expected(case: Case, now: int) -> tuple[object, ...]:
    read: Reading = reading(case.timeline, case.terms, now)
    return read.due_at, read.time_left, str(read.status), read.status is Status.BREACHED
