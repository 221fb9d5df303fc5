"""Visits that offer HTTP/2: what is asked and read is what HTTP/1.1 would have shown."""

import gzip
import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fixby.errors import UsageError
from fixby.headers.fetching import Wish, visit, visit_all
from fixby.headers.manner import ClientCertificate, ExtraHeader, Manner
from fixby.headers.response import Field, TlsFlaw, Trouble
from tests import servers
from tests.command import called
from tests.http2_servers import Asked, Reply, frame, http2_site, offering, page
from tests.servers import Authority
from tests.test_visiting_many import proxy


def test_a_page_is_fetched_with_its_headers_as_they_were_sent(authority: Authority) -> None:
    sent = (("x-one", "1"), ("x-two", " two  words\t"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-empty", ""))
    odd = (("x-latin", "caf\xe9"), ("connection", "keep-alive"))
    with http2_site({"/?q=1": page(*sent, *odd, body=b"<p>hello")}, authority.tls("one.test")) as one:
        found = visit(f"https://one.test:{one.port}/?q=1#top", offering(authority, one)).page
    assert found
    assert found.fields == (
        Field("x-one", "1"),
        Field("x-two", "two  words"),
        Field("set-cookie", "a=1"),
        Field("set-cookie", "b=2"),
        Field("x-empty", ""),
        Field("x-latin", "caf\xc3\xa9"),
        Field("connection", "keep-alive"),
    )
    assert (found.http, found.status, found.body, found.cut) == ("HTTP/2", 200, b"<p>hello", "")
    assert (found.address, found.trusted) == ("127.0.0.1", True)
    assert found.tls
    assert found.tls.protocol == "TLSv1.3"
    [request] = one.requests
    assert dict(request.headers) == {
        ":method": "GET",
        ":scheme": "https",
        ":authority": f"one.test:{one.port}",
        ":path": "/?q=1",
        "user-agent": Manner().user_agent,
        "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
        "accept-encoding": "gzip, deflate",
    }


def test_who_does_not_pick_http_2_is_spoken_to_in_http_1(authority: Authority) -> None:
    for chosen in ([], ["http/1.1"], ["http/1.0"]):
        tls = authority.tls("one.test")
        if chosen:
            tls.set_alpn_protocols(chosen)
        with servers.site({"/": servers.answer(200, "X-One: 1", body=b"page")}, tls) as one:
            found = visit(f"https://one.test:{one.port}/", offering(authority, one)).page
        assert found
        assert (found.http, found.values("X-One"), found.body) == ("HTTP/1.1", ("1",), b"page")


def test_http_2_is_offered_only_where_it_is_wanted_and_under_https(authority: Authority) -> None:
    offered: list[str | None] = []
    tls = authority.tls("one.test")
    tls.set_alpn_protocols(["h2", "http/1.1"])

    def note(connection: Any, _: servers.Received) -> bytes:  # noqa: ANN401 - a socket of TLS
        offered.append(connection.selected_alpn_protocol())
        return servers.answer()

    with servers.site({"/": note}, tls) as one, servers.site({"/": servers.answer()}) as plain:
        usual = servers.manner(one, ca_file=authority.file)
        visit_all([Wish(f"https://one.test:{one.port}/", how) for how in (usual, usual)])
        over_http = visit(f"http://one.test:{plain.port}/", offering(authority, plain)).page
    assert offered == ["http/1.1", "http/1.1"]
    assert over_http
    assert over_http.http == "HTTP/1.1"


def test_manners_that_differ_in_http_2_alone_are_told_apart(authority: Authority) -> None:
    with http2_site({"/": page()}, authority.tls("one.test")) as one:
        how = offering(authority, one)
        plain = servers.manner(one, ca_file=authority.file, seconds=1)
        found = visit_all([Wish(f"https://one.test:{one.port}/", one_of) for one_of in (how, plain)])
    assert [bool(one.page) for one in found] == [True, False]


def test_redirects_cookies_and_credentials_go_as_in_http_1(authority: Authority) -> None:
    replies: dict[str, Reply] = {
        "/": page(("location", "/next"), ("set-cookie", "seen=1"), status="302"),
        "/last": page(body=b"here"),
    }
    tls = authority.tls("one.test", "two.test")
    with http2_site(replies, tls) as one, http2_site(replies, tls) as two:
        replies["/next"] = page(("location", f"https://two.test:{two.port}/last"), status="307")
        secret = ExtraHeader("X-Api-Key", "secret", frozenset({f"https://one.test:{one.port}"}))
        found = visit(f"https://one.test:{one.port}/", offering(authority, one, two, headers=(secret,)))
    assert [(hop.status, hop.http) for hop in found.answers] == [(302, "HTTP/2"), (307, "HTTP/2"), (200, "HTTP/2")]
    asked = [
        (request.headers.get("cookie"), request.headers.get("x-api-key")) for request in (*one.requests, *two.requests)
    ]
    assert asked == [(None, "secret"), ("seen=1", "secret"), (None, None)]
    assert one.connections == 1, "redirects leave the connection open"


def test_a_large_body_is_read_as_far_as_it_may_be(authority: Authority) -> None:
    bomb = gzip.compress(bytes(50_000_000), 9)
    replies = {
        "/": page(body=bytes(300_000)),
        "/bomb": page(("content-encoding", "gzip"), body=bomb),
        "/much": page(body=bytes(600_000)),
    }
    with http2_site(replies, authority.tls("one.test")) as one:
        how = offering(authority, one)
        found = [visit(f"https://one.test:{one.port}{path}", how).page for path in replies]
    assert [(len(one.body), one.cut) for one in found if one] == [
        (300_000, ""),
        (524_288, "It is larger than 524288 bytes."),
        (524_288, "It is larger than 524288 bytes."),
    ]


def test_what_comes_beside_the_response_is_passed_over(authority: Authority) -> None:
    def send(asked: Asked) -> None:
        asked.machine.send_headers(asked.stream, [(":status", "103"), ("link", "</a>; rel=preload")])
        asked.machine.ping(b"whatever")
        asked.send(frame(0xBE, 0, 0, b"of an extension") + frame(0xA, 0, 0, b"\0\0"))
        asked.head(("x-real", "yes"))
        asked.body(b"page", end=False)
        asked.machine.send_headers(asked.stream, [("x-trailer", "late")], end_stream=True)
        asked.send()

    with http2_site({"/": send}, authority.tls("one.test")) as one:
        found = visit(f"https://one.test:{one.port}/", offering(authority, one)).page
    assert found
    assert (found.status, found.fields, found.body, found.cut) == (200, (Field("x-real", "yes"),), b"page", "")


def test_a_server_may_say_that_a_request_is_the_last_one(authority: Authority) -> None:
    def leave(asked: Asked) -> None:
        asked.send(frame(7, 0, 0, asked.stream.to_bytes(4) + bytes(4)))
        page(("location", "/x" + asked.received.path), status="302" if len(asked.received.path) < 5 else "200")(asked)

    with http2_site({"*": leave}, authority.tls("one.test")) as one:
        found = visit(f"https://one.test:{one.port}/", offering(authority, one))
    assert [hop.status for hop in found.answers] == [302, 302, 200]
    assert found.page
    assert found.page.body == b"page"
    assert one.connections == 3


def test_a_certificate_that_proves_nothing_shows_headers_and_gets_no_credentials(authority: Authority) -> None:
    expired = authority.tls("one.test", not_after=datetime.now(UTC) - timedelta(days=3))
    with http2_site({"/": page(("x-one", "1"))}, expired) as one:
        secret = ExtraHeader("Authorization", "secret", frozenset({f"https://one.test:{one.port}"}))
        found = visit(f"https://one.test:{one.port}/", offering(authority, one, headers=(secret,)))
    assert found.failure
    assert (found.failure.kind, found.failure.flaw) == (Trouble.TLS, TlsFlaw.EXPIRED)
    [shown] = found.answers
    assert (shown.http, shown.trusted, shown.values("x-one")) == ("HTTP/2", False, ("1",))
    assert ["authorization" in request.headers for request in one.requests] == [False]


def test_the_clients_certificate_is_shown(authority: Authority, tmp_path: Path) -> None:
    authority.ca.issue_cert("client@one.test").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "me.pem"))
    tls = authority.tls("one.test")
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(tls)
    with http2_site({"/": page()}, tls) as one:
        client = ClientCertificate(tmp_path / "me.pem", frozenset({f"https://one.test:{one.port}"}))
        found = visit(f"https://one.test:{one.port}/", offering(authority, one, client=client)).page
    assert found
    assert found.http == "HTTP/2"


def test_nothing_is_sent_to_whom_nobody_may_visit(authority: Authority) -> None:
    with http2_site({"/": page()}, authority.tls("one.test")) as one:
        found = visit(f"https://one.test:{one.port}/", offering(authority, one, allowed=()))
    assert found.failure
    assert found.failure.kind is Trouble.FORBIDDEN
    assert not one.requests


def test_an_address_of_ipv6_is_asked_for_in_brackets(authority: Authority) -> None:
    with http2_site({"/": page()}, authority.tls("::1"), host="::1") as six:
        found = visit(f"https://[::1]:{six.port}/", offering(authority, six)).page
    assert found
    assert (found.http, found.address) == ("HTTP/2", "::1")
    assert six.requests[0].headers[":authority"] == f"[::1]:{six.port}"


def test_a_proxy_is_gone_through(authority: Authority) -> None:
    with proxy() as (address, asked), http2_site({"/": page()}, authority.tls("public.test")) as one:
        how = offering(authority, one, allowed=(), resolve={"public.test": "93.184.215.14"}, proxy=address)
        found = visit(f"https://public.test:{one.port}/", how).page
    assert found
    assert (found.http, found.address) == ("HTTP/2", "93.184.215.14")
    assert [request.path for request in asked] == [f"public.test:{one.port}"]
    assert one.requests[0].headers[":authority"] == f"public.test:{one.port}"
    assert "proxy-authorization" not in one.requests[0].headers


def test_without_its_package_http_2_is_a_mistake_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h2", None)
    with pytest.raises(UsageError) as refused:
        Manner(http2=True)
    assert refused.value.hint == "Install fixby[http2]."
    assert not Manner().http2


def test_the_command_offers_http_2_where_it_is_told_to(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Path(authority.file).read_bytes())
    reached = ("--resolve", "site.test=127.0.0.1", "--allow-private", "127.0.0.0/8", "--ca-file", "ca.pem")
    tls = authority.tls("site.test")
    with http2_site({"*": page(("content-type", "text/plain"))}, tls) as one:
        url = f"https://site.test:{one.port}"
        named = called("headers", url, *reached, "--http2", "--no-store", "--json", cwd=tmp_path)
        (tmp_path / "sites.toml").write_text(
            f'[[sites]]\nurl = "{url}"\nhttp2 = true\nresolve = {{ "site.test" = "127.0.0.1" }}\n'
            'allow_private = ["127.0.0.0/8"]\nca_file = "ca.pem"\n'
        )
        configured = called("headers", "--config", "sites.toml", "--no-store", "--json", cwd=tmp_path)
    for ended in (named, configured):
        assert ended.document["responses"][0]["hops"] == [
            {
                "url": f"{url}/",
                "status": 200,
                "address": "127.0.0.1",
                "trusted": True,
                "tls": "TLSv1.3",
                "protocol": "HTTP/2",
            }
        ]
