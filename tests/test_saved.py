"""Responses that somebody saved: what curl printed, and what a browser exported."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixby.errors import ReportError
from fixby.headers.judge import Look, judge
from fixby.headers.response import Visit
from fixby.headers.saved import NOWHERE, visits

URL = "https://example.org/"


def printed(text: str) -> Visit:
    (visit,) = visits(text.replace("\n", "\r\n").encode(), "saved.txt", URL)
    return visit


def statuses(visit: Visit) -> list[int]:
    return [answer.status for answer in visit.answers]


def har(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"log": {"entries": entries}}).encode()


def entry(url: str, status: int = 200, headers: dict[str, str] | None = None, **content: str) -> dict[str, Any]:
    named = [{"name": name, "value": value} for name, value in (headers or {}).items()]
    return {"request": {"url": url}, "response": {"status": status, "headers": named, "content": content}}


def test_what_curl_prints_is_a_head_and_a_body() -> None:
    (answer,) = printed("HTTP/1.1 200 OK\nServer: nginx\nX-Frame-Options: DENY\n\n<html>\n\nHTTP/1.1 is old").answers
    assert (answer.url, answer.status, answer.values("x-frame-options")) == (URL, 200, ("DENY",))
    assert answer.body == b"<html>\r\n\r\nHTTP/1.1 is old"


@pytest.mark.parametrize(
    "line", ["HTTP/2 200", "HTTP/2 200 ", "HTTP/3 200", "HTTP/1.0 200 All is well", "HTTP/1.1 200"]
)
def test_every_version_has_its_status_line(line: str) -> None:
    assert statuses(printed(f"{line}\nServer: x\n\n")) == [200]


def test_headers_alone_are_those_of_an_answer() -> None:
    (answer,) = visits(b"Content-Security-Policy: default-src 'none'", "saved.txt")[0].answers
    assert (answer.url, answer.status) == (NOWHERE, 200)
    assert answer.values("Content-Security-Policy") == ("default-src 'none'",)


def test_lines_that_stand_several_times_stay_apart_and_those_that_are_folded_are_joined() -> None:
    visit = printed("HTTP/1.1 200 OK\nSet-Cookie: a=1\nX: one\n  two\n\tthree\nSet-Cookie: b=2\n\n")
    assert visit.answers[0].values("Set-Cookie") == ("a=1", "b=2")
    assert visit.answers[0].values("X") == ("one two three",)


@pytest.mark.parametrize("end", ["\x85", "\v", "\f", "\x1c", "\u2028", "\r"])
def test_only_a_line_feed_ends_a_line(end: str) -> None:
    content = f"HTTP/1.1 200 OK\r\nX: y{end}Content-Security-Policy: default-src 'none'\r\n\r\n".encode()
    (visit,) = visits(content if end == "\u2028" else content.replace(b"\xc2\x85", b"\x85"), "saved.txt")
    assert not visit.answers[0].values("Content-Security-Policy")


def test_a_chain_of_redirects_is_one_visit() -> None:
    visit = printed(
        "HTTP/1.1 301 Moved\nLocation: /there\n\n<h1>Moved</h1>\n"
        "HTTP/1.1 302 Found\nLocation: https://www.example.org/end\n\nHTTP/2 200\nServer: x\n\n<html>",
    )
    assert [answer.url for answer in visit.answers] == [URL, f"{URL}there", "https://www.example.org/end"]
    assert statuses(visit) == [301, 302, 200]
    assert [answer.body for answer in visit.answers] == [b"", b"", b"<html>"]


def test_what_a_proxy_and_a_server_that_makes_one_wait_say_is_passed_over() -> None:
    visit = printed("HTTP/1.1 200 Connection established\n\nHTTP/1.1 100 Continue\n\nHTTP/1.1 404 Not Found\nA: b\n\nx")
    assert statuses(visit) == [404]


def test_a_page_that_is_packed_is_not_read() -> None:
    (visit,) = visits(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00", "saved.txt")
    assert visit.answers[0].body == b""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "hello",
        "<html>",
        "HTTP/1.1 200 OK\nno header\n\n",
        "HTTP/1.1 200 OK\nName : x\n\n",
        "HTTP/1.1 100 C\n\n",
    ],
)
def test_what_is_no_response_is_an_error(text: str) -> None:
    with pytest.raises(ReportError, match=r"saved\.txt"):
        printed(text)


def test_a_redirect_to_what_is_no_url_is_an_error() -> None:
    with pytest.raises(ReportError, match="no URL"):
        printed("HTTP/1.1 301 x\nLocation: http://[\n\nHTTP/1.1 200 OK\nA: b\n\n")


def test_more_redirects_than_anybody_follows_are_an_error() -> None:
    with pytest.raises(ReportError, match="more than 50 redirects"):
        printed("HTTP/1.1 301 x\nLocation: a/\n\n" * 10_000)


def test_an_archive_has_the_visits_to_its_pages_with_their_redirects() -> None:
    moved = entry("http://example.org/", 301, {"location": URL})
    page = entry(URL, 200, {"content-type": "text/html"}, text="<html>")
    image = entry(f"{URL}x.png", 200, {"content-type": "image/png"})
    (visit,) = visits(har(moved, page, image), "saved.har")
    assert [answer.url for answer in visit.answers] == ["http://example.org/", URL]
    assert visit.answers[-1].body == b"<html>"
    assert [visit.url for visit in visits(har(image), "saved.har")] == [f"{URL}x.png"]


def test_values_that_a_browser_joined_by_line_breaks_are_parted_again() -> None:
    (visit,) = visits(har(entry(URL, 200, {"set-cookie": "a=1; Secure\nb=2", "X": "y"})), "saved.har")
    assert visit.answers[0].values("Set-Cookie") == ("a=1; Secure", "b=2")


def test_a_body_may_be_base64() -> None:
    text = base64.b64encode("<html>é".encode()).decode()
    (visit,) = visits(har(entry(URL, text=text, encoding="base64")), "saved.har")
    assert visit.answers[0].body == "<html>é".encode()
    (broken,) = visits(har(entry(URL, text="a", encoding="base64")), "saved.har")
    assert broken.answers[0].body == b""


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"{",
            b"{}",
            b'{"log": []}',
            b'{"log": {"entries": []}}',
            b'{"log": {"entries": [null]}}',
            har({"request": {}}),
        ),
        *(har(entry("http://[")), har(entry("https://a:b/")), har(entry(URL, status=0)), b'{"log": {"entries": 1}}'),
        har(entry(URL)).replace(b"200", b"1e400"),
    ],
)
def test_what_is_no_archive_is_an_error(content: bytes) -> None:
    with pytest.raises(ReportError, match=r"saved\.har"):
        visits(content, "saved.har")


pieces = st.sampled_from(
    [
        *(
            "HTTP/1.1 200 OK\r\n",
            "HTTP/2 301\n",
            "HTTP/1.1 100 C\r\n\r\n",
            "\r\n",
            "\n",
            " ",
            "Location: ",
            "http://[",
            "x: y\r\n",
        ),
        *(
            "Content-Security-Policy: ",
            "default-src",
            " 'none'",
            ";",
            ",",
            "\0",
            "\xff",
            "<html>",
            "Set-Cookie: a=b; max-age=--1",
        ),
        *(
            "Strict-Transport-Security: max-age=",
            "9" * 5000,
            'Reporting-Endpoints: a="https://["',
            "Content-Type: text/html",
        ),
        *("<![if", "&#" + "9" * 5000, "<base href='http://['>", '{"log": {"entries": [', "]}}", '"', "null", "{}"),
    ],
)


@given(st.lists(pieces | st.text(st.characters(max_codepoint=255), max_size=10), max_size=20))
def test_any_file_is_read_or_is_an_error_and_never_has_more_policies_than_are_in_it(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        found = visits(text.encode("latin-1"), "saved.txt")
    except ReportError:
        return
    for visit in found:
        judged = judge(Look(visit), now=0)
        told = {check.id for check in judged.failures}
        if "default-src" not in text and not judged.reasons and judged.page and judged.page.is_document:
            assert told & {"CSP-MISSING", "CSP-INERT"}
