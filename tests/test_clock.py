"""The clock by hand-made examples; `test_clock_in_sql.py` holds its two forms equal."""

from datetime import UTC, datetime

import pytest

from fixby.severity import Severity
from fixby.sla import clock
from fixby.sla.calendar import working_days
from fixby.sla.clock import (
    Reading,
    Segment,
    Status,
    Terms,
    Timeline,
    Window,
    detected,
    dismissed,
    paused,
    reading,
    reinstated,
    rescored,
    resumed,
    seen_from,
    windows,
)
from fixby.sla.duration import duration, until

CRITICAL, HIGH, MEDIUM, LOW, INFO, UNKNOWN = (
    Severity.CRITICAL,
    Severity.HIGH,
    Severity.MEDIUM,
    Severity.LOW,
    Severity.INFO,
    Severity.UNKNOWN,
)
HOUR, DAY = 3600, 86400
SHIPPED = Terms(
    windows=windows({CRITICAL: DAY, HIGH: 7 * DAY, MEDIUM: 30 * DAY, LOW: 90 * DAY}),
    unknown_as=HIGH,
    due_soon_percent=25,
)


def at(text: str) -> int:
    """An instant of 2026, as in `3 Mar 12:00`."""
    return int(datetime.strptime(f"2026 {text}", "%Y %d %b %H:%M").replace(tzinfo=UTC).timestamp())


def closed(timeline: Timeline, at: int) -> Timeline:
    """The finding is fixed while the shipped policy is in force."""
    return clock.closed(timeline, at, SHIPPED)


def read(timeline: Timeline, now: str) -> Reading:
    return reading(timeline, SHIPPED, at(now))


def due(timeline: Timeline, now: str = "1 Mar 00:00") -> int | None:
    return read(timeline, now).due_at


@pytest.mark.parametrize(
    ("severity", "due_at"),
    [
        (CRITICAL, "2 Mar 00:00"),
        (HIGH, "8 Mar 00:00"),
        (MEDIUM, "31 Mar 00:00"),
        (LOW, "30 May 00:00"),
        (UNKNOWN, "8 Mar 00:00"),
    ],
)
def test_each_severity_has_its_own_window_and_unknown_that_of_high(severity: Severity, due_at: str) -> None:
    assert due(detected(severity, at("1 Mar 00:00"))) == at(due_at)


def test_a_due_date_is_exact_to_the_second() -> None:
    assert due(detected(CRITICAL, at("1 Mar 00:00") + 17)) == at("2 Mar 00:00") + 17


def test_info_has_no_window_and_is_exempt_open_or_closed() -> None:
    info = detected(INFO, at("1 Mar 00:00"))
    assert read(info, "31 Dec 00:00") == Reading(Status.EXEMPT)
    assert read(closed(info, at("2 Mar 00:00")), "31 Dec 00:00") == Reading(Status.EXEMPT)


def test_medium_on_1_march_critical_on_3_march_noon_is_due_on_4_march_noon() -> None:
    upgraded = rescored(detected(MEDIUM, at("1 Mar 00:00")), CRITICAL, at("3 Mar 12:00"))
    assert read(upgraded, "3 Mar 12:00") == Reading(Status.ON_TRACK, at("4 Mar 12:00"), DAY, CRITICAL)


def test_high_on_1_march_critical_on_7_march_evening_stays_due_on_8_march() -> None:
    upgraded = rescored(detected(HIGH, at("1 Mar 00:00")), CRITICAL, at("7 Mar 20:00"))
    assert read(upgraded, "7 Mar 20:00") == Reading(Status.DUE_SOON, at("8 Mar 00:00"), 4 * HOUR, HIGH)


def test_where_two_windows_end_at_one_instant_the_more_severe_decides() -> None:
    upgraded = rescored(detected(HIGH, at("1 Mar 00:00")), CRITICAL, at("7 Mar 00:00"))
    assert read(upgraded, "7 Mar 00:00") == Reading(Status.ON_TRACK, at("8 Mar 00:00"), DAY, CRITICAL)


def test_critical_lowered_to_high_has_the_high_clock_from_when_it_was_first_at_least_high() -> None:
    lowered = rescored(detected(CRITICAL, at("1 Mar 00:00")), HIGH, at("5 Mar 00:00"))
    assert due(lowered, "5 Mar 00:00") == at("8 Mar 00:00")
    raised_first = rescored(detected(LOW, at("1 Mar 00:00")), CRITICAL, at("3 Mar 00:00"))
    assert due(rescored(raised_first, HIGH, at("4 Mar 00:00")), "4 Mar 00:00") == at("10 Mar 00:00")


def test_lowered_and_raised_again_and_again_moves_nothing() -> None:
    timeline = rescored(detected(MEDIUM, at("1 Mar 00:00")), CRITICAL, at("3 Mar 00:00"))
    for day in range(4, 20, 2):
        timeline = rescored(timeline, LOW, at(f"{day} Mar 00:00"))
        assert due(timeline, "31 Mar 00:00") == at("30 May 00:00")
        timeline = rescored(timeline, CRITICAL, at(f"{day + 1} Mar 00:00"))
        assert due(timeline, "31 Mar 00:00") == at("4 Mar 00:00")


def test_what_is_unknown_counts_as_high_until_somebody_knows_and_that_time_is_not_given_back() -> None:
    unknown = detected(UNKNOWN, at("1 Mar 00:00"))
    assert due(rescored(unknown, HIGH, at("6 Mar 00:00"))) == at("8 Mar 00:00")
    assert due(rescored(unknown, MEDIUM, at("6 Mar 00:00"))) == at("31 Mar 00:00")
    assert due(rescored(unknown, CRITICAL, at("2 Mar 00:00"))) == at("3 Mar 00:00")
    assert read(rescored(unknown, INFO, at("6 Mar 00:00")), "9 Mar 00:00").status is Status.EXEMPT


def test_what_becomes_unknown_counts_as_high_from_then_on_unless_it_was_high_before() -> None:
    assert due(rescored(detected(LOW, at("1 Mar 00:00")), UNKNOWN, at("4 Mar 00:00"))) == at("11 Mar 00:00")
    assert due(rescored(detected(CRITICAL, at("1 Mar 00:00")), UNKNOWN, at("4 Mar 00:00"))) == at("8 Mar 00:00")


def test_a_policy_may_treat_unknown_as_critical_or_as_nothing() -> None:
    unknown = detected(UNKNOWN, 0)
    as_critical = Terms(windows=windows({CRITICAL: 10}), unknown_as=CRITICAL, due_soon_percent=25)
    as_nothing = Terms(windows=windows({LOW: 10}), unknown_as=INFO, due_soon_percent=25)
    assert reading(unknown, as_critical, 0).due_at == 10
    assert reading(unknown, as_nothing, 0).status is Status.EXEMPT


def test_severe_findings_without_a_window_of_their_own_have_those_of_the_milder_levels() -> None:
    terms = Terms(windows=windows({MEDIUM: 10}), unknown_as=HIGH, due_soon_percent=25)
    assert reading(detected(CRITICAL, 0), terms, 0).level is MEDIUM


def test_risk_accepted_on_day_2_until_day_60_is_paused_and_then_runs_with_5_days_left_without_any_job() -> None:
    accepted = paused(detected(HIGH, at("1 Mar 00:00")), at("3 Mar 00:00"), until=at("30 Apr 00:00"))
    assert read(accepted, "3 Mar 00:00") == Reading(Status.PAUSED, None, 5 * DAY, HIGH)
    assert read(accepted, "29 Apr 23:59") == Reading(Status.PAUSED, None, 5 * DAY, HIGH)
    assert read(accepted, "30 Apr 00:00") == Reading(Status.ON_TRACK, at("5 May 00:00"), 5 * DAY, HIGH)
    assert read(accepted, "6 May 00:00") == Reading(Status.BREACHED, at("5 May 00:00"), -DAY, HIGH)


def test_acceptance_revoked_runs_again_from_that_instant() -> None:
    accepted = paused(detected(HIGH, at("1 Mar 00:00")), at("3 Mar 00:00"), until=at("30 Apr 00:00"))
    revoked = resumed(accepted, at("10 Mar 00:00"))
    assert read(revoked, "10 Mar 00:00") == Reading(Status.ON_TRACK, at("15 Mar 00:00"), 5 * DAY, HIGH)
    forever = paused(detected(HIGH, at("1 Mar 00:00")), at("3 Mar 00:00"))
    assert resumed(forever, at("10 Mar 00:00")) == revoked


def test_an_acceptance_that_is_extended_before_its_end_leaves_no_time_in_between() -> None:
    accepted = paused(detected(HIGH, at("1 Mar 00:00")), at("3 Mar 00:00"), until=at("20 Mar 00:00"))
    extended = paused(accepted, at("10 Mar 00:00"), until=at("30 Mar 00:00"))
    assert read(extended, "25 Mar 00:00") == Reading(Status.PAUSED, None, 5 * DAY, HIGH)
    assert due(extended, "30 Mar 00:00") == at("4 Apr 00:00")


def test_a_pause_after_the_due_instant_does_not_undo_the_breach() -> None:
    late = paused(detected(CRITICAL, at("1 Mar 00:00")), at("2 Mar 00:01"), until=at("9 Mar 00:00"))
    assert read(late, "5 Mar 00:00") == Reading(Status.BREACHED, at("2 Mar 00:00"), -3 * DAY, CRITICAL)


def test_a_pause_at_the_due_instant_comes_too_late() -> None:
    late = paused(detected(CRITICAL, at("1 Mar 00:00")), at("2 Mar 00:00"))
    assert read(late, "2 Mar 00:00") == Reading(Status.DUE_SOON, at("2 Mar 00:00"), 0, CRITICAL)
    assert read(late, "2 Mar 00:01").status is Status.BREACHED


def test_a_severity_that_rises_during_a_pause_counts_from_the_running_time_of_the_pause() -> None:
    accepted = paused(detected(MEDIUM, at("1 Mar 00:00")), at("3 Mar 00:00"), until=at("10 Mar 00:00"))
    risen = rescored(accepted, CRITICAL, at("5 Mar 00:00"))
    assert read(risen, "5 Mar 00:00") == Reading(Status.PAUSED, None, DAY, CRITICAL)
    assert due(risen, "10 Mar 00:00") == at("11 Mar 00:00")


def test_fixed_and_back_within_the_regression_window_resumes_and_the_time_while_fixed_does_not_count() -> None:
    fixed = closed(detected(HIGH, at("1 Mar 00:00")), at("3 Mar 00:00"))
    back = resumed(fixed, at("23 Mar 00:00"))
    assert back.closed_at is None
    assert read(back, "23 Mar 00:00") == Reading(Status.ON_TRACK, at("28 Mar 00:00"), 5 * DAY, HIGH)


def test_fixed_late_and_back_is_breached_at_once() -> None:
    back = resumed(closed(detected(CRITICAL, at("1 Mar 00:00")), at("4 Mar 00:00")), at("10 Mar 00:00"))
    assert read(back, "10 Mar 00:00") == Reading(Status.BREACHED, at("2 Mar 00:00"), -8 * DAY, CRITICAL)


def test_closed_during_a_pause_met_its_promise_and_back_it_has_the_time_that_was_left() -> None:
    accepted = paused(detected(HIGH, at("1 Mar 00:00")), at("3 Mar 00:00"), until=at("30 Mar 00:00"))
    fixed = closed(accepted, at("10 Mar 00:00"))
    assert read(fixed, "1 May 00:00") == Reading(Status.MET, None, 5 * DAY, HIGH)
    assert due(resumed(fixed, at("12 Mar 00:00")), "12 Mar 00:00") == at("17 Mar 00:00")


def test_open_findings_follow_the_policy_that_is_asked() -> None:
    stricter = Terms(windows=windows({HIGH: 2 * DAY}), unknown_as=HIGH, due_soon_percent=25)
    assert reading(detected(HIGH, at("1 Mar 00:00")), stricter, at("1 Mar 00:00")).due_at == at("3 Mar 00:00")


@pytest.mark.parametrize(
    ("seconds_after_due", "open_status", "closed_status"),
    [
        (-6 * HOUR - 1, Status.ON_TRACK, Status.MET),
        (-6 * HOUR, Status.DUE_SOON, Status.MET),
        (0, Status.DUE_SOON, Status.MET),
        (1, Status.BREACHED, Status.MISSED),
    ],
)
def test_the_due_instant_itself_is_in_time_and_the_last_quarter_is_due_soon(
    seconds_after_due: int, open_status: Status, closed_status: Status
) -> None:
    finding, due_at = detected(CRITICAL, at("1 Mar 00:00")), at("2 Mar 00:00")
    instant = due_at + seconds_after_due
    expected = Reading(open_status, due_at, -seconds_after_due, CRITICAL)
    assert reading(finding, SHIPPED, instant) == expected
    assert reading(closed(finding, instant), SHIPPED, at("31 Dec 00:00")) == Reading(
        closed_status, due_at, -seconds_after_due, CRITICAL
    )


@pytest.mark.parametrize(("percent", "status"), [(0, Status.ON_TRACK), (100, Status.DUE_SOON)])
def test_how_soon_due_soon_begins_is_set_by_the_policy(percent: int, status: Status) -> None:
    terms = Terms(windows=windows({HIGH: 100}), unknown_as=HIGH, due_soon_percent=percent)
    assert reading(detected(HIGH, 0), terms, 0).status is status
    assert reading(detected(HIGH, 0), terms, 100).status is Status.DUE_SOON


def test_a_window_that_ends_with_a_segment_is_due_then_and_not_when_the_next_one_begins() -> None:
    timeline = Timeline(HIGH, detected(HIGH, 0).since, (Segment(0, 4), Segment(10, 13), Segment(20)))
    terms = Terms(windows=windows({HIGH: 7}), unknown_as=HIGH, due_soon_percent=25)
    assert reading(timeline, terms, 12).due_at == 13
    assert reading(timeline, terms, 13) == Reading(Status.DUE_SOON, 13, 0, HIGH)
    assert reading(timeline, terms, 14) == Reading(Status.BREACHED, 13, -1, HIGH)


def test_a_pause_that_is_known_beforehand_is_in_the_due_date() -> None:
    planned = paused(detected(HIGH, 0), 4, until=100)
    terms = Terms(windows=windows({HIGH: 7}), unknown_as=HIGH, due_soon_percent=25)
    assert reading(planned, terms, 2) == Reading(Status.ON_TRACK, 103, 101, HIGH)


def test_what_a_clock_set_back_says_changes_nothing_from_before_the_start() -> None:
    assert rescored(detected(MEDIUM, 100), CRITICAL, 40).since[CRITICAL] == 0
    assert read(detected(HIGH, at("1 Mar 00:00")), "28 Feb 00:00").status is Status.ON_TRACK


def test_marked_false_positive_and_later_reopened_the_time_in_between_counts() -> None:
    found = detected(HIGH, at("1 Mar 00:00"))
    silenced = dismissed(found)
    assert read(silenced, "5 Mar 00:00") == Reading(Status.EXEMPT)
    assert read(reinstated(silenced), "9 Mar 00:00") == Reading(Status.BREACHED, at("8 Mar 00:00"), -DAY, HIGH)


def test_a_closed_finding_keeps_its_verdict_whatever_the_policy_says_later() -> None:
    stricter = Terms(windows=windows({HIGH: HOUR}), unknown_as=HIGH, due_soon_percent=25)
    fixed = closed(detected(HIGH, at("1 Mar 00:00")), at("3 Mar 00:00"))
    assert reading(fixed, stricter, at("9 Mar 00:00")) == Reading(Status.MET, at("8 Mar 00:00"), 5 * DAY, HIGH)
    back = resumed(fixed, at("4 Mar 00:00"))
    assert reading(back, stricter, at("4 Mar 00:00")).status is Status.BREACHED


def test_of_several_windows_the_strictest_decides_and_says_where_it_stands() -> None:
    terms = Terms(
        windows=(Window(HIGH, 7 * DAY, "line 3"), Window(HIGH, 3 * DAY, "line 9")), unknown_as=HIGH, due_soon_percent=25
    )
    found = reading(detected(HIGH, 0), terms, 0)
    assert (found.due_at, found.line) == (3 * DAY, "line 9")


def test_a_window_that_applies_from_the_day_exploitation_is_known_counts_from_that_day_and_never_gives_more_time() -> (
    None
):
    def due_if_known_after(days: int) -> int | None:
        later = Window(HIGH, 3 * DAY, "line 9", since=days * DAY)
        terms = Terms(windows=(Window(HIGH, 7 * DAY), later), unknown_as=HIGH, due_soon_percent=25)
        return reading(detected(HIGH, 0), terms, 0).due_at

    assert due_if_known_after(2) == 5 * DAY
    assert due_if_known_after(6) == 7 * DAY


WEEKENDS = working_days("weekdays", [day for day in range(30000) if (day + 3) % 7 >= 5])
"""The epoch was a Thursday."""


@pytest.mark.parametrize(
    ("severity", "found", "due_at"),
    [
        (CRITICAL, "6 Mar 12:00", "9 Mar 12:00"),  # a Friday
        (CRITICAL, "7 Mar 12:00", "10 Mar 00:00"),  # a Saturday: Monday, whole
        (CRITICAL, "5 Mar 00:00", "6 Mar 00:00"),
        (HIGH, "2 Mar 00:00", "11 Mar 00:00"),
    ],
)
def test_a_calendar_of_working_days_counts_no_others(severity: Severity, found: str, due_at: str) -> None:
    terms = Terms(windows=SHIPPED.windows, unknown_as=HIGH, due_soon_percent=25, calendar=WEEKENDS)
    assert reading(detected(severity, at(found)), terms, at(found)).due_at == at(due_at)


def test_a_calendar_counts_from_the_instant_at_which_a_severity_was_reached() -> None:
    terms = Terms(windows=SHIPPED.windows, unknown_as=HIGH, due_soon_percent=25, calendar=WEEKENDS)
    risen = rescored(detected(MEDIUM, at("2 Mar 00:00")), CRITICAL, at("6 Mar 12:00"))
    assert reading(risen, terms, at("6 Mar 12:00")).due_at == at("9 Mar 12:00")


@pytest.mark.parametrize(("text", "seconds"), [("24h", DAY), ("7d", 7 * DAY), ("90m", 5400), ("2w", 14 * DAY)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "7", "7 d", "d", "-7d", "0h", "1.5h", "7days", "36501d", "\u0667d", "9" * 14 + "d"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        duration(text)


@pytest.mark.parametrize(
    ("time_left", "words"),
    [
        (3 * HOUR + 1799, "in 3 h"),
        (47 * HOUR, "in 47 h"),
        (2 * DAY, "in 2 d"),
        (119, "in 119 s"),
        (120, "in 2 min"),
        (0, "in 0 s"),
        (-1, "1 s late"),
        (-3 * DAY + 1, "2 d late"),
    ],
)
def test_a_time_left_reads_as_people_say_it_and_never_promises_more_than_there_is(time_left: int, words: str) -> None:
    assert until(time_left) == words


def test_what_another_run_saw_earlier_counts_from_then() -> None:
    ours = rescored(detected(MEDIUM, at("3 Mar 00:00")), HIGH, at("4 Mar 00:00"))
    earlier = detected(MEDIUM, at("1 Mar 00:00"))
    both = seen_from(ours, earlier)
    assert both.running == (Segment(at("1 Mar 00:00")),)
    assert (both.since[MEDIUM], both.since[HIGH]) == (0, 3 * DAY)
    assert due(both) == at("11 Mar 00:00")
    assert seen_from(earlier, ours) == earlier


def test_what_another_run_saw_earlier_and_worse_is_due_as_it_was_then() -> None:
    ours = detected(HIGH, at("3 Mar 00:00"))
    assert due(seen_from(ours, detected(CRITICAL, at("1 Mar 00:00")))) == at("8 Mar 00:00")


def test_a_pause_stays_where_it_was_though_another_run_saw_the_finding_earlier() -> None:
    ours = paused(detected(HIGH, at("3 Mar 00:00")), at("4 Mar 00:00"), at("6 Mar 00:00"))
    both = seen_from(ours, detected(HIGH, at("1 Mar 00:00")))
    assert due(both, "7 Mar 00:00") == at("10 Mar 00:00")
