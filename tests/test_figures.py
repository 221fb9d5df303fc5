"""The figures of a report are those that anybody would count by hand from the findings behind them."""

import random
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf  # type: ignore[import-untyped]

from fixby.asset import Asset
from fixby.errors import UsageError
from fixby.finding import Finding
from fixby.policies.policy import shipped
from fixby.query import parse
from fixby.severity import Severity
from fixby.sla.clock import Status
from fixby.sla.figures import Figures, kaplan_meier, quantile
from fixby.store.database import Database
from fixby.store.figures import Period, report
from fixby.store.ingestion import record
from fixby.store.terms import Occasion
from fixby.tracked import State, TrackedFinding
from tests.stories import DAY, found, scan, weakness
from tests.test_past import START, decide, policies

END = START + 400 * DAY


@pytest.fixture(params=[1, 2])
def busy(database: Database, request: pytest.FixtureRequest) -> tuple[Database, int]:
    """A store with a history, and the instant of its last event."""
    chance = random.Random(request.param)  # noqa: S311 - it makes up histories
    lives = [(first, first + chance.randint(1, 9), any_weakness(chance, first)) for first in range(20) for _ in "ab"]
    for step in range(20):
        at = START + step * 3 * DAY
        asset, policy = Asset(chance.choice(["web", "shop"]), team="one"), chance.choice(policies())
        there = [one for first, last, one in lives if first <= step < last]
        seen = scan(*there, at=at, scanned={"src/a.py": str(step), "src/b.py": str(step)})
        record(database, seen, Occasion(asset, "ada", at + 1, policy))
        for _ in range(2):
            with suppress(UsageError):
                decide(database, chance, at + DAY)
    return database, at + 2 * DAY


def any_weakness(chance: random.Random, number: int) -> Finding:
    severity, path = chance.choice(list(Severity)), chance.choice(["src/a.py", "src/b.py"])
    return weakness(f"call({number}, {chance.random()})", path=path, severity=severity)


def test_the_total_is_what_one_counts_by_hand(busy: tuple[Database, int]) -> None:
    database, now = busy
    since = START + 9 * DAY
    total = report(database, Period(since, now)).total
    findings = found(database, now=now)
    assert total.open == Counter(Status(one.sla_status) for one in findings if is_open(one))
    assert total.opened == sum(since < one.first_seen <= now for one in findings)
    closed = [one for one in findings if one.state is State.FIXED and since < (one.closed_at or 0) <= now]
    assert (total.met, total.missed) == tuple(
        sum(one.sla_status == status for one in closed) for status in (Status.MET, Status.MISSED)
    )
    late = [one.due_at or 0 for one in findings if one.sla_status == Status.BREACHED]
    assert total.oldest_breach == min(late, default=None)
    assert sum(total.ages) == sum(total.open.values())
    assert total.not_observed == sum(bool(one.not_observed) for one in findings if is_open(one))
    assert total.opened > 0
    assert closed


def is_open(one: TrackedFinding) -> bool:
    return one.state in (State.OPEN, State.ACCEPTED)


def test_groups_add_up_to_the_total(busy: tuple[Database, int]) -> None:
    database, now = busy
    for by in (("severity",), ("asset", "severity"), ("team",), ("category", "tier")):
        whole = report(database, Period(now - 20 * DAY, now, by=by))
        assert all(len(group.key) == len(by) for group in whole.groups)
        for name in ("opened", "met", "missed", "closed_exempt", "dismissed", "not_observed"):
            assert sum(getattr(group, name) for group in whole.groups) == getattr(whole.total, name)
        opened = Counter[Status]()
        for group in whole.groups:
            opened.update(group.open)
        assert opened == whole.total.open


def test_a_query_narrows_a_report(busy: tuple[Database, int]) -> None:
    database, now = busy
    by_severity = {group.key[0]: group for group in report(database, Period(0, now)).groups}
    narrowed = report(database, Period(0, now, parse("severity:high")))
    assert narrowed.total.open == by_severity["high"].open
    assert [group.key for group in narrowed.groups] == [("high",)]


def test_an_empty_store_has_figures_of_nothing(database: Database) -> None:
    empty = report(database, Period(START, START + DAY))
    assert empty.total == Figures(ages=(0,) * 6)
    assert (empty.groups, empty.total.compliance) == ((), None)


def test_what_nobody_can_group_by_is_an_error_that_lists_what_one_can(database: Database) -> None:
    with pytest.raises(UsageError, match="'colour'") as raised:
        report(database, Period(0, 1, by=("colour",)))
    assert "severity, asset" in raised.value.hint


def test_months_tell_what_was_open_and_in_breach_when_they_ended(database: Database) -> None:
    january = 1_704_067_200  # 2024-01-01

    def sees(day: int, *codes: str) -> None:
        at = january + day * DAY
        findings = [weakness(code, severity=Severity.HIGH) for code in codes]
        seen = scan(*findings, at=at, scanned={"src/a.py": str(day)})
        record(database, seen, Occasion(Asset("web"), "ada", at + 1, shipped()))

    sees(0, "a()", "b()", "c()")
    sees(3, "b()", "c()")  # a in time
    sees(40, "c()")  # b late, in February
    months = report(database, Period(january, january + 59 * DAY)).months
    assert [(one.name, one.opened, one.met, one.missed) for one in months] == [
        ("2024-01", 3, 1, 0),
        ("2024-02", 0, 0, 1),
    ]
    assert [(one.open_at_end, one.breached_at_end) for one in months] == [(2, 2), (1, 1)]
    assert months[1].compliance == 0.0


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=60))
def test_the_estimate_of_kaplan_and_meier_is_that_of_scipy(times: list[tuple[int, bool]]) -> None:
    fixed, still_open = (
        Counter(time for time, is_fixed in times if is_fixed),
        Counter(time for time, is_fixed in times if not is_fixed),
    )
    ours = kaplan_meier([(time, fixed[time], still_open[time]) for time in sorted({time for time, _ in times})])
    theirs = ecdf(CensoredData(uncensored=list(fixed.elements()), right=list(still_open.elements()))).sf
    reached = [
        int(time) for time, left in zip(theirs.quantiles, theirs.probabilities, strict=True) if left <= 0.5 + 1e-9
    ]
    assert ours == (reached[0] if reached else None)


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.9, 9), (0.1, 1)])
def test_a_quantile_is_the_smallest_value_that_so_many_have_reached(share: float, value: int) -> None:
    assert quantile([(1, 4), (2, 4), (9, 2)], share) == value
    assert quantile([], share) is None
