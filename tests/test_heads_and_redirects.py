"""Whatever a site sends, its head and its redirects are read, or told to be nonsense."""

from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis.strategies import binary, characters, one_of, sampled_from, text

from fixby.headers.adapter import Trust
from fixby.headers.connection import Halt
from fixby.headers.cookie_jar import Jar
from fixby.headers.head import HopError, fields, read_head
from fixby.headers.manner import Manner, origin
from fixby.headers.redirects import target
from fixby.headers.response import Answer, Field, Trouble
from fixby.headers.visitor import Turns, Visitor, _seconds_until

BYTES = text(characters(max_codepoint=255))


@given(binary())
def test_no_bytes_break_the_reading_of_a_head(sent: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n"):
        with suppress(HopError):
            head = read_head(BytesIO(start + sent))
            assert all(field.name and "\n" not in field.value and "\r" not in field.value for field in head.fields)


@given(BYTES)
def test_a_well_formed_value_comes_out_as_it_went_in(value: str) -> None:
    for one in "\0\r\n":
        value = value.replace(one, "")
    assert fields(f"X: {value}\r\n".encode("iso-8859-1")) == (Field("X", value.strip(" \t")),)


VISITOR = Visitor(Manner(), Trust.of(Manner()), Halt(), Turns())
PIECES = sampled_from(["http:", "https:", "//", "/", "\\", "@", ":", "?", "#", "[", "]", "%", "..", "one.test", "\t"])


@given(one_of(BYTES, text(characters(max_codepoint=255)).map(lambda one: "//" + one), PIECES.flatmap(
    lambda first: BYTES.map(lambda rest: first + rest))))  # fmt: skip
def test_no_location_breaks_a_visit(location: str) -> None:
    with suppress(HopError):
        place = target(Answer("https://one.test/a", 302, (Field("Location", location),)))
        if place is not None:
            request = VISITOR._request(place, Jar())
            assert origin(str(request.url)).startswith("http")


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("/b", "https://one.test/b"),
        ("b?c#d", "https://one.test/a/b?c"),
        ("?c", "https://one.test/a/x?c"),
        ("#d", "https://one.test/a/x?y"),
        ("//two.test", "https://two.test"),
        ("///two.test/b", "https://two.test/b"),
        ("\\\\two.test\\b", "https://two.test/b"),
        ("HTTP://TWO.test/", "HTTP://TWO.test/"),
        ("http:////two.test", "http://two.test"),
        (" \x1f/b\x00 ", "https://one.test/b"),
        ("/b\n\r\tc", "https://one.test/bc"),
        ("/b?c\\d", "https://one.test/b?c\\d"),
        ("/b c", "https://one.test/b%20c"),
        ("/\xe9", "https://one.test/%E9"),
    ],
)
def test_locations_are_read_as_browsers_read_them(location: str, place: str) -> None:
    assert target(Answer("https://one.test/a/x?y", 301, (Field("Location", location),))) == place


def test_a_time_to_come_again_is_seconds_or_a_date() -> None:
    assert _seconds_until("120", 0, 7) == 120
    assert _seconds_until("Thu, 01 Jan 1970 00:02:00 GMT", 30, 7) == 90
    assert _seconds_until("Thu, 01 Jan 1970 00:02:00 GMT", 300, 7) == 0
    for nonsense in ("", "-1", "soon", "Thu, 99 Jan 1970", "1.5"):
        assert _seconds_until(nonsense, 0, 7) == 7


@given(BYTES)
def test_no_time_to_come_again_breaks_a_visit(said: str) -> None:
    assert _seconds_until(said, 0, 7) >= 0


def jar(url: str, *lines: str, now: float = 1_000_000_000) -> Jar:
    found = Jar()
    for line in lines:
        found.take(Answer(url, 200, (Field("Set-Cookie", line),)), now)
    return found


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("a=b", {"http one.test/x", "https one.test/x", "http one.test/x/y", "https one.test/x/y"}),
        ("a=b; Secure; PATH=/", {"https one.test/", "https one.test/x", "https one.test/x/y", "https one.test/xy"}),
        ("a=b; Secure; path=/x/y", {"https one.test/x/y"}),
        ("a=b; path=x; domain=.ONE.test; Secure", {"https one.test/x", "https one.test/x/y", "https sub.one.test/x"}),
        ("a=b; Secure; path=/x/y; Expires=Sat, 01 Jan 2000 00:00:00 GMT; max-age=9", {"https one.test/x/y"}),
        ("a=b; Secure; max-age; expires; path=/x/y", {"https one.test/x/y"}),
        ("a=b; domain=test", set()),
        ("a=b; domain=two.test", set()),
        ("a=b; domain=sub.one.test", set()),
        ("a=b; domain=ne.test", set()),
        ("a=b; Max-Age=0", set()),
        ("a=b; Max-Age=-1", set()),
        ("a=b; Expires=Sat, 01 Jan 2000 00:00:00 GMT", set()),
        ("=b", set()),
        ("a", set()),
        (f"a={'b' * 5000}", set()),
    ],
)
def test_cookies_are_sent_back_to_where_they_belong(line: str, sent: set[str]) -> None:
    places = ("one.test/", "one.test/x", "one.test/x/y", "one.test/xy", "sub.one.test/x", "two.test/x/y")
    found = jar("https://one.test/x/z", line)
    urls = [(scheme, place) for place in places for scheme in ("http", "https")]
    assert {f"{scheme} {place}" for scheme, place in urls if found.header(f"{scheme}://{place}")} == sent


def test_a_cookie_replaces_the_one_of_its_name_and_place() -> None:
    assert (
        jar("https://one.test/", "a=1", "b=2", "a=3; Secure", "c=4; path=/x").header("https://one.test/") == "b=2; a=3"
    )
    assert jar("https://one.test/", "a=1", "b=2", "a=; Max-Age=0").header("https://one.test/") == "b=2"
    assert jar("https://127.0.0.1/", "a=1; domain=127.0.0.1").header("https://127.0.0.1/") == "a=1"
    assert jar("https://127.0.0.1/", "a=1; domain=0.0.1").header("https://127.0.0.1/") == ""


@given(BYTES)
def test_no_cookie_breaks_a_visit(line: str) -> None:
    assert jar("https://one.test/", line, f"a=b; expires={line}", f"a=b;{line}").header("https://one.test/") is not None


def test_headers_of_more_than_a_browser_takes_are_not_read() -> None:
    lines = "".join(f"X-{number}: {'y' * 60_000}\r\n" for number in range(5))
    with pytest.raises(HopError, match="262144 bytes") as raised:
        read_head(BytesIO(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode()))
    assert raised.value.kind is Trouble.LARGE
