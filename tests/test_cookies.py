"""Cookies: what browsers make of a Set-Cookie line, and what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixby.headers.cookies import cookie
from fixby.headers.expectations import Expectations
from fixby.headers.judge import Look, judge
from fixby.headers.response import Answer, Field, Visit

NOW = 1_800_000_000
GOOD = "Path=/; Secure; HttpOnly; SameSite=Lax"


def failures(*lines: str, expected: Expectations | None = None) -> set[tuple[str, str]]:
    """The checks of cookies that fail, and the cookies."""
    fields = tuple(Field("Set-Cookie", line) for line in lines)
    visit = Visit("https://example.org/", (Answer("https://example.org/", 200, fields),))
    judged = judge(Look(visit), NOW, expected or Expectations())
    return {(check.id.removeprefix("COOKIE-"), check.subject) for check in judged.failures if "COOKIE" in check.id}


CASES: dict[str, set[str]] = {
    f"__Host-sid=1; {GOOD}": set(),
    f"__Secure-sid=1; Domain=example.org; {GOOD}": set(),
    f"sid=1; {GOOD}": {"SESSION-PREFIX"},
    "sid=1": {"SESSION-SECURE", "SESSION-HTTPONLY", "SESSION-SAMESITE", "SESSION-PREFIX"},
    "SID=1; secure; httponly; samesite=STRICT": {"SESSION-PREFIX"},
    "__Host-sid=1; Path=/; Secure; HttpOnly": {"SESSION-SAMESITE"},
    "__Host-sid=1; Path=/; Secure; HttpOnly; SameSite=None": {"SESSION-SAMESITE"},
    "__Host-sid=1; Path=/; Secure; HttpOnly; SameSite=Bogus": {"SESSION-SAMESITE"},
    f"__Host-sid=1; Domain=example.org; {GOOD}": {"SESSION-PREFIX"},
    "__Host-sid=1; Path=/app; Secure; HttpOnly; SameSite=Lax": {"SESSION-PREFIX"},
    "__Host-sid=1; Secure; HttpOnly; SameSite=Lax": {"SESSION-PREFIX"},
    "__host-sid=1; Secure; HttpOnly; SameSite=Lax": {"SESSION-PREFIX"},
    "__Secure-sid=1; HttpOnly; SameSite=Lax": {"SESSION-SECURE", "SESSION-PREFIX"},
    "theme=dark": {"INSECURE"},
    "theme=dark; Secure": set(),
    "csrftoken=1": {"INSECURE"},
    "XSRF-TOKEN=1; Secure": set(),
    "csrf_session=1; Secure": set(),
    f"auth_token=1; {GOOD}": {"SESSION-PREFIX"},
    f"remember_me=1; {GOOD}": {"SESSION-PREFIX"},
    "sid=; Max-Age=0": set(),
    "sid=x; Max-Age=-1": set(),
    "sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT": set(),
    "sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60; Secure": {
        "SESSION-HTTPONLY",
        "SESSION-SAMESITE",
        "SESSION-PREFIX",
    },
    "theme=; Expires=Fri, 01 Jan 2100 00:00:00 GMT": {"INSECURE"},
    "theme=; Expires=nonsense": {"INSECURE"},
    "theme=x; Max-Age=--1": {"INSECURE"},
    f"theme=x; Max-Age={'9' * 5000}": {"INSECURE"},
    "theme=x; Max-Age=\u0660": {"INSECURE"},
    "": set(),
    ";": set(),
    "=": set(),
}


@pytest.mark.parametrize(("line", "wrong"), CASES.items(), ids=[repr(line)[:60] for line in CASES])
def test_what_is_wrong_with_a_cookie(line: str, wrong: set[str]) -> None:
    assert {id_ for id_, _ in failures(line)} == wrong


def test_the_line_that_a_browser_reads_last_counts() -> None:
    assert failures("sid=1", "sid=; Max-Age=0") == set()
    assert failures("theme=1; Secure", "theme=2") == {("INSECURE", "theme")}


def test_names_of_sessions_are_configured_and_some_cookies_are_not_judged() -> None:
    expected = Expectations(session_cookies=("^ticket$",), ignored_cookies=("__cf.*",))
    found = failures("ticket=1; Secure", "sid=1; Secure", "__cf_bm=1", expected=expected)
    assert {subject for _, subject in found} == {"ticket"}


def test_the_value_of_a_cookie_is_told_nobody() -> None:
    fields = (Field("Set-Cookie", "sid=s3cr3t; Path=/"),)
    judged = judge(Look(Visit("https://example.org/", (Answer("https://example.org/", 200, fields),))), NOW)
    lines = [line.line for check in judged.failures for line in check.evidence]
    assert lines
    assert not any("s3cr3t" in line for line in lines)


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_any_line_is_read(line: str) -> None:
    found = cookie(line)
    if found:
        assert not found.is_deleted(NOW) or {"max-age", "expires"} & found.attributes.keys()
        assert isinstance(found.refused(), str)
    failures(line)
