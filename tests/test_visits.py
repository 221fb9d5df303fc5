"""Visits of real sites on the loopback interface: redirects, headers, repetitions, who is told what."""

import socket
import time
from ipaddress import ip_network
from pathlib import Path

import pytest

from fixby.errors import UsageError
from fixby.headers.fetching import visit
from fixby.headers.manner import ExtraHeader, origin
from fixby.headers.response import Field, Trouble, Visit
from tests.servers import Authority, Received, Reply, answer, in_turn, manner, raw, redirect, site


def kind(found: Visit) -> Trouble | None:
    return found.failure.kind if found.failure else None


def test_a_page_is_fetched_with_its_headers_as_they_were_sent() -> None:
    lines = ("X-One: 1", "x-TWO:\t two  words \t", "Set-Cookie: a=1, b", "X-One: 1", "Set-Cookie: c=2", "Empty:")
    with site({"/": answer(200, *lines, body=b"<p>hello")}) as one:
        found = visit(f"http://one.test:{one.port}", manner(one))
    page = found.page
    assert page
    assert page.fields == (
        Field("X-One", "1"),
        Field("x-TWO", "two  words"),
        Field("Set-Cookie", "a=1, b"),
        Field("X-One", "1"),
        Field("Set-Cookie", "c=2"),
        Field("Empty", ""),
        Field("Content-Length", "8"),
    )
    assert page.values("set-cookie") == ("a=1, b", "c=2")
    assert (page.status, page.body, page.cut, page.address) == (200, b"<p>hello", "", "127.0.0.1")
    assert page.url == f"http://one.test:{one.port}/"
    assert found.url == f"http://one.test:{one.port}"


def test_lines_that_break_the_rules_are_read_as_browsers_read_them() -> None:
    head = (
        b"HTTP/1.1 200\r\n folded onto nothing\r\nX-Latin: caf\xe9 \xe2\x80\x98self\xe2\x80\x99\r\nno colon here\r\n"
        b"X Bad: name\r\n goes on\r\nX-Space : before\r\nX-Folded: one\r\n \t two\r\n\tthree\r\n"
        b"X-Bare: one\rX-Cr: two\n"
        b"X-Tricky: a\x85b\x0bc\x1cd\r\nFrom me: to you\r\n: nameless\r\nX-Last: last\r\n\r\nbody"
    )
    with site({"/": raw(head)}) as one:
        page = visit(f"http://one.test:{one.port}/", manner(one)).page
    assert page
    assert list(map(str, page.fields)) == [
        "X-Latin: caf\xe9 \xe2\x80\x98self\xe2\x80\x99",
        "X-Space: before",
        "X-Folded: one two three",
        "X-Bare: one",
        "X-Cr: two",
        "X-Tricky: a\x85b\x0bc\x1cd",
        "X-Last: last",
    ]
    assert page.body == b"body"


def test_informational_responses_are_passed_over() -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
    with site({"/": early + answer(200, "X-Real: yes", body=b"page")}) as one:
        page = visit(f"http://one.test:{one.port}/", manner(one)).page
    assert page
    assert (page.status, page.values("X-Real"), page.values("Link"), page.body) == (200, ("yes",), (), b"page")


def test_each_hop_of_redirects_is_an_answer(authority: Authority) -> None:
    secure: dict[str, Reply] = {
        "/a?b=c": redirect("../x/./y", 307, "X-Hop: 3"),
        "/x/y": redirect("?q", 303, "X-Hop: 4"),
        "/x/y?q": answer(404, "X-Hop: 5", body=b"gone"),
    }
    insecure: dict[str, Reply] = {}
    with site(secure, authority.tls("one.test", "two.test")) as two, site(insecure) as plain:
        insecure["/"] = redirect(f"https://one.test:{two.port}", 301, "X-Hop: 1")
        secure["/"] = redirect(f"//two.test:{two.port}/a?b=c#part", 308, "X-Hop: 2")
        found = visit(f"http://one.test:{plain.port}/#top", manner(plain, two, ca_file=authority.file))
    assert found.failure is None
    assert [hop.status for hop in found.answers] == [301, 308, 307, 303, 404]
    assert [hop.values("X-Hop") for hop in found.answers] == [("1",), ("2",), ("3",), ("4",), ("5",)]
    assert [hop.url for hop in found.answers] == [
        f"http://one.test:{plain.port}/",
        f"https://one.test:{two.port}/",
        f"https://two.test:{two.port}/a?b=c",
        f"https://two.test:{two.port}/x/y",
        f"https://two.test:{two.port}/x/y?q",
    ]
    assert found.answers[0].tls is None
    assert found.answers[1].tls
    assert found.answers[1].tls.protocol == "TLSv1.3"
    assert [hop.trusted for hop in found.answers] == [True] * 5
    assert two.connections == 2, "one a host: redirects leave the connection open"


@pytest.mark.parametrize("status", [300, 304, 305, 306, 399, 200])
def test_other_statuses_do_not_redirect(status: int) -> None:
    with site({"/": redirect("/other", status)}) as one:
        found = visit(f"http://one.test:{one.port}/", manner(one))
    assert [hop.status for hop in found.answers] == [status]
    assert found.failure is None


def test_a_redirect_without_a_place_is_a_page() -> None:
    with site({"/": answer(302, body=b"nowhere"), "/empty": answer(302, "Location:", body=b"nowhere")}) as one:
        for path in ("/", "/empty"):
            page = visit(f"http://one.test:{one.port}{path}", manner(one)).page
            assert page
            assert page.body == b"nowhere"


@pytest.mark.parametrize(
    ("place", "trouble"),
    [
        ("http://[", Trouble.MALFORMED),
        ("http:///10.0.0.1/", Trouble.FORBIDDEN),
        ("////10.0.0.1/", Trouble.FORBIDDEN),
        ("http://one.test:port/", Trouble.MALFORMED),
        ("http://one.test:99999/", Trouble.MALFORMED),
        ("http://%zz/", Trouble.MALFORMED),
        ("http://nowhere.invalid/", Trouble.NAME),
        ("http://one.test:22/", Trouble.FORBIDDEN),
        ("ftp://one.test/", Trouble.FORBIDDEN),
        ("javascript:alert(1)", Trouble.FORBIDDEN),
        ("file:///etc/passwd", Trouble.FORBIDDEN),
        ("http://user:secret@one.test/", Trouble.FORBIDDEN),
        ("http://10.0.0.1/", Trouble.FORBIDDEN),
        ("http://169.254.169.254/latest/meta-data/", Trouble.FORBIDDEN),
        ("/\\10.0.0.1/", Trouble.FORBIDDEN),
        ("http:\\\\10.0.0.1", Trouble.FORBIDDEN),
        ("//1\t0.0.0.1/", Trouble.FORBIDDEN),
        ("//[::ffff:10.0.0.1]/", Trouble.FORBIDDEN),
    ],
)
def test_a_redirect_to_where_nobody_may_go_ends_the_visit(place: str, trouble: Trouble) -> None:
    with site({"/": redirect(place)}) as one:
        found = visit(f"http://one.test:{one.port}/", manner(one))
    assert [hop.status for hop in found.answers] == [302]
    assert kind(found) is trouble, found.failure
    assert found.page is None


def test_a_redirect_to_several_places_makes_no_sense() -> None:
    twice = {"/": answer(302, "Location: /a", "Location: /b"), "/same": answer(302, "Location: /a", "Location: /a")}
    with site(twice) as one:
        assert kind(visit(f"http://one.test:{one.port}/", manner(one))) is Trouble.MALFORMED
        assert kind(visit(f"http://one.test:{one.port}/same", manner(one))) is None


def test_bytes_that_are_not_ascii_are_escaped_in_a_redirect() -> None:
    with site({"/": redirect("/caf\xc3\xa9"), "/caf%C3%A9": answer(200, body=b"here")}) as one:
        page = visit(f"http://one.test:{one.port}/", manner(one)).page
    assert page
    assert page.body == b"here"


def test_loops_end() -> None:
    with site({"/": redirect("/b"), "/b": redirect("/#again")}) as one:
        found = visit(f"http://one.test:{one.port}/", manner(one))
    assert kind(found) is Trouble.REDIRECTS
    assert [hop.status for hop in found.answers] == [302, 302]


def test_ten_redirects_are_followed_and_no_more() -> None:
    chain = {f"/{n}": redirect(f"/{n + 1}") for n in range(20)} | {"/20": answer()}
    with site(chain) as one:
        assert kind(visit(f"http://one.test:{one.port}/10", manner(one))) is None
        found = visit(f"http://one.test:{one.port}/9", manner(one))
    assert kind(found) is Trouble.REDIRECTS
    assert len(found.answers) == 11


def test_cookies_of_the_site_are_sent_back_during_a_visit_and_forgotten_after_it() -> None:
    with site({"/": redirect("/", 302, "Set-Cookie: seen=1")}) as one:
        found = visit(f"http://one.test:{one.port}/", manner(one))
        visit(f"http://one.test:{one.port}/", manner(one))
    assert [request.headers.get("cookie") for request in one.requests] == [None, "seen=1", None, "seen=1"]
    assert kind(found) is Trouble.REDIRECTS


def secret(*origins: str, name: str = "X-Api-Key", value: str = "secret") -> ExtraHeader:
    return ExtraHeader(name, value, frozenset(origins))


def test_credentials_go_to_the_origins_they_are_for_and_nowhere_else(authority: Authority) -> None:
    tls = authority.tls("one.test", "two.test")
    replies: dict[str, Reply] = {"/last": answer()}
    plain_replies: dict[str, Reply] = {}
    with site(replies, tls) as secure, site(replies, tls) as other, site(plain_replies) as plain:
        mine = f"https://one.test:{secure.port}"
        replies["/"] = redirect(f"https://one.test:{other.port}/port")
        replies["/port"] = redirect(f"https://two.test:{secure.port}/host")
        replies["/host"] = redirect(f"http://one.test:{plain.port}/scheme")
        plain_replies["/scheme"] = redirect(f"{mine}/last")
        headers = (secret(mine), secret(mine, name="Cookie", value="session=1"), secret(mine, name="User-Agent"))
        found = visit(f"{mine}/", manner(secure, other, plain, ca_file=authority.file, headers=headers))
    assert found.failure is None
    seen = {request.path: request.headers for one in (secure, other, plain) for request in one.requests}
    assert len(seen) == 5
    told = {path for path, sent in seen.items() if "secret" in str(sent) or "session" in str(sent)}
    assert told == {"/", "/last"}
    assert seen["/"]["x-api-key"] == seen["/"]["user-agent"] == "secret"
    assert seen["/"]["cookie"] == "session=1"
    assert seen["/host"]["user-agent"].startswith("fixby/")


def test_credentials_make_sense_or_are_refused() -> None:
    for origins in ("http://one.test", "one.test", "https://", "https://one.test:port", "https://[", ""):
        with pytest.raises(UsageError):
            secret(origins)
    for name in ("Host", "content-length", "X:", "X Y", ""):
        with pytest.raises(UsageError):
            secret("https://one.test", name=name)
    with pytest.raises(UsageError):
        secret("https://one.test", value="a\r\nHost: b")
    assert "hush" not in repr(secret("https://one.test", value="hush"))
    assert secret("https://One.test:443/path").origins == {"https://one.test"}


def test_origins_are_written_as_browsers_do() -> None:
    assert origin("https://EXAMPLE.com:443/a?b") == "https://example.com"
    assert origin("http://example.com:443") == "http://example.com:443"
    assert origin("http://[2001:DB8::1]:8080/") == "http://[2001:db8::1]:8080"


def test_the_environment_and_netrc_change_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine one.test login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with site({"/": answer()}) as one:
        assert visit(f"http://one.test:{one.port}/", manner(one)).page
    assert "authorization" not in one.requests[0].headers


def test_what_was_told_to_be_sent_is_sent() -> None:
    with site({"/": answer()}) as one:
        visit(f"http://one.test:{one.port}/", manner(one, user_agent="Browser/1.0"))
        visit(f"http://one.test:{one.port}/", manner(one))
    assert one.requests[0].headers["user-agent"] == "Browser/1.0"
    assert one.requests[0].headers["host"] == f"one.test:{one.port}"
    assert one.requests[1].headers["user-agent"].startswith("fixby/")


def test_a_failing_connection_and_a_passing_failure_are_tried_twice_more() -> None:
    well = answer(200, body=b"well")
    troubles: dict[str, tuple[bytes | None, ...]] = {
        "/broken": (None, None, well),
        "/502": (answer(502), answer(503), well),
        "/504": (answer(504), None, well),
        "/500": (answer(500), well),
        "/503": (answer(503), answer(503), answer(503, "X-Third: yes"), well),
        "/gone": (None, None, None, well),
    }
    with site({path: in_turn(*replies) for path, replies in troubles.items()}) as one:
        found = {path: visit(f"http://one.test:{one.port}{path}", manner(one)) for path in troubles}
    assert {path: one.page.status for path, one in found.items() if one.page} == {
        "/broken": 200,
        "/502": 200,
        "/504": 200,
        "/500": 500,
        "/503": 503,
    }
    assert all(len(one.answers) == 1 for path, one in found.items() if path != "/gone")
    assert kind(found["/gone"]) is Trouble.REFUSED
    assert one.paths().count("/gone") == one.paths().count("/503") == 3


def test_a_connection_that_was_kept_and_closed_meanwhile_is_no_failure() -> None:
    ports: list[int] = []

    def redirected(_: socket.socket, received: Received) -> bytes:
        ports.append(received.port)
        return redirect("/next")

    def failing(_: socket.socket, received: Received) -> bytes | None:
        ports.append(received.port)
        return answer() if len(ports) == 5 else None

    with site({"/": redirected, "/next": failing}) as one:
        found = visit(f"http://one.test:{one.port}/", manner(one))
    assert found.page
    assert ports[0] == ports[1], "the kept one; then three attempts"
    assert len(set(ports)) == 4


def test_a_closed_port_is_refused() -> None:
    with site({}) as one:
        pass
    found = visit(f"http://one.test:{one.port}/", manner(one))
    assert kind(found) is Trouble.REFUSED
    assert found.failure
    assert "refused" in found.failure.reason


def test_a_site_may_say_when_to_come_again() -> None:
    again = {"/": in_turn(answer(503, "Retry-After: 1"), answer(200)), "/long": answer(503, "Retry-After: 60")}
    with site(again) as one:
        started = time.monotonic()
        assert visit(f"http://one.test:{one.port}/", manner(one)).answers[0].status == 200
        assert 1 <= time.monotonic() - started < 1.5
        started = time.monotonic()
        assert visit(f"http://one.test:{one.port}/long", manner(one)).answers[0].status == 503
        assert time.monotonic() - started < 0.5, "longer than there is time: not waited for"
    assert one.paths() == ["/", "/", "/long"]


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "[::ffff:127.0.0.1]", "[::1]", "localhost", "one.test"]
)
def test_this_machine_is_not_visited_however_it_is_written(host: str) -> None:
    with site({"/": answer()}) as one, site({"/": answer()}, host="::1") as six:
        how = manner(one, six, allowed=())
        for served in (one, six):
            assert kind(visit(f"http://{host}:{served.port}/", how)) is Trouble.FORBIDDEN
    assert one.connections == six.connections == 0


def test_the_address_at_the_other_end_is_looked_at_before_anything_is_sent() -> None:
    with site({"/": answer()}) as one:
        how = manner(one, allowed=(ip_network("0.0.0.0/32"),), resolve={"one.test": "0.0.0.0"})  # noqa: S104 - leads to 127.0.0.1
        found = visit(f"http://one.test:{one.port}/", how)
    assert kind(found) is Trouble.FORBIDDEN
    assert found.failure
    assert "127.0.0.1 belongs to this machine" in found.failure.reason
    assert not one.requests
