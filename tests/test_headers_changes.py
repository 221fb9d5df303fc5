"""What changed between two visits to a page, in words."""

import pytest

from fixby.headers.changes import changes, progress, standing
from fixby.headers.check import Check
from fixby.headers.expectations import DAY, length
from fixby.headers.page import Page
from fixby.headers.transition import NOTHING_YET, Memory, advance
from tests.responses import answer

HSTS, CSP, REPORTING = (
    "Strict-Transport-Security",
    "Content-Security-Policy",
    "Content-Security-Policy-Report-Only",
)
STRICT = "default-src 'none'"
YEAR = "max-age=31536000"


def told(before: tuple[tuple[str, str], ...], after: tuple[tuple[str, str], ...]) -> list[str]:
    """What is said of a page that answered with other headers before."""
    visits = [advance(NOTHING_YET, Page(answer(*fields)), 0)[0].headers for fields in (before, after)]
    return list(changes(*visits))


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        (HSTS, YEAR, "max-age=86400", ["HSTS max-age fell from 1 year to 1 day"]),
        (HSTS, "max-age=300", YEAR, ["HSTS max-age rose from 5 minutes to 1 year"]),
        (HSTS, YEAR, None, ["HSTS is gone"]),
        (HSTS, None, YEAR, ["HSTS is new, for 1 year"]),
        (HSTS, YEAR, "max-age=0", ["HSTS is switched off: max-age is 0"]),
        (HSTS, YEAR, "max-age=abc", ["HSTS is no longer honoured: max-age-not-digits"]),
        (HSTS, "max-age=abc", YEAR, ["HSTS is honoured now, for 1 year"]),
        (HSTS, YEAR, "max-age = 31536000", ["HSTS is written differently"]),
        (
            HSTS,
            f"{YEAR}; includeSubDomains; preload",
            YEAR,
            ["HSTS no longer covers subdomains", "HSTS no longer asks to be preloaded"],
        ),
        (CSP, STRICT, None, ["CSP is no longer enforced"]),
        (CSP, None, STRICT, ["CSP is enforced now"]),
        (CSP, STRICT, "default-scr 'none'", ["CSP is no longer enforced"]),
        (CSP, "script-src 'self' a.com", "script-src 'self' b.com", ["CSP: script-src gained b.com and lost a.com"]),
        (CSP, "default-src a; object-src 'none'", "default-src a", ["CSP: object-src is gone"]),
        (CSP, STRICT, f"{STRICT}; base-uri 'none'", ["CSP: base-uri 'none' is new"]),
        (CSP, "img-src a b", "img-src b a", ["CSP is written differently"]),
        (CSP, STRICT, f"{STRICT}, {STRICT}", ["CSP is made of 2 policies, not of 1"]),
        (REPORTING, STRICT, None, ["the CSP that only reports is gone"]),
        (REPORTING, None, STRICT, ["a CSP that only reports is sent now"]),
        ("X-Frame-Options", "DENY", None, ["X-Frame-Options is gone"]),
        ("X-Frame-Options", None, "DENY", ["X-Frame-Options is new: DENY"]),
        ("X-Frame-Options", "DENY", "SAMEORIGIN", ["X-Frame-Options changed from DENY to SAMEORIGIN"]),
        ("Server", "a", "b", []),
    ],
)
def test_a_change_is_told_in_words(name: str, before: str | None, after: str | None, said: list[str]) -> None:
    others = (("Referrer-Policy", "no-referrer"),)
    old, new = (((name, value), *others) if value else others for value in (before, after))
    assert told(old, new) == said


def test_another_nonce_is_no_change() -> None:
    assert told(((CSP, "script-src 'nonce-YWJj'"),), ((CSP, "script-src 'nonce-ZGVm'"),)) == []


def test_a_first_visit_changes_nothing() -> None:
    first, _ = advance(NOTHING_YET, Page(answer((CSP, STRICT))), 0)
    assert progress(NOTHING_YET, first, 30).changes == ()


def test_long_values_are_cut() -> None:
    (said,) = told(((CSP, STRICT),), ((CSP, f"{STRICT}; img-src {'a.com ' * 100}"),))
    assert len(said) < 120


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (90, "1.5 minutes"),
        (3600, "1 hour"),
        (86_400, "1 day"),
        (15_552_000, "180 days"),
        (15_768_000, "182.5 days"),
        (31_536_000, "1 year"),
        (63_072_000, "2 years"),
        (10**400, "over 100 years"),
    ],
)
def test_a_length_of_time_is_told_in_the_unit_that_people_use(seconds: int, said: str) -> None:
    assert length(seconds) == said


def reporting(*days: int) -> tuple[Memory, list[Check]]:
    """What is remembered of a page that only reports, visited on these days."""
    memory = NOTHING_YET
    failures: list[Check] = []
    for day in days:
        memory, failures = advance(memory, Page(answer((REPORTING, f"{STRICT}; report-uri /r"))), day * DAY)
    return memory, failures


def test_a_policy_that_only_reports_says_since_when_and_until_when() -> None:
    memory, _ = reporting(0, 3)
    made = progress(NOTHING_YET, memory, 30)
    assert standing(made, 3 * DAY) == "reports only since 1970-01-01, to be enforced by 1970-01-31"
    assert standing(made, 30 * DAY) == "reports only since 1970-01-01, and was to be enforced by 1970-01-31"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (((CSP, STRICT),), "enforced, and still weak"),
        (((CSP, f"{STRICT}; base-uri 'none'"),), "enforced"),
        (((CSP, STRICT), (REPORTING, STRICT)), "enforced, and another one only reports"),
        ((), "there is none"),
    ],
)
def test_other_states_have_no_date(fields: tuple[tuple[str, str], ...], said: str) -> None:
    memory, _ = advance(NOTHING_YET, Page(answer(*fields)), 0)
    assert standing(progress(NOTHING_YET, memory, 30), 0) == said
