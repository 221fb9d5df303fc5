"""Sites that mean no good, or are broken: no visit takes longer than it may, and nothing cut is taken for whole."""

import gzip
import resource
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fixby.headers.fetching import visit
from fixby.headers.response import Trouble, Visit
from tests.servers import Received, Reply, answer, dripping, manner, raw, redirect, site

HEAD = b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\n"


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def visited(reply: Reply, **how: object) -> Visit:
    with site({"/": reply}) as one:
        return visit(f"http://one.test:{one.port}/", manner(one, **how))


def trouble(found: Visit) -> Trouble | None:
    assert not found.answers or not found.failure, "headers of a response that is not complete"
    return found.failure.kind if found.failure else None


def mute(connection: socket.socket, _: Received) -> None:
    connection.recv(1)


@pytest.mark.parametrize(
    "reply",
    [
        mute,
        dripping(b"", b"H"),
        dripping(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n"),
        dripping(HEAD + b"X-Long: ", b"x"),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.2),
        dripping(answer(503, "Retry-After: 0")[:-4], b"\r\n", 0.45),
    ],
    ids=["nothing", "a status line", "headers", "a long header", "nothing final", "failures"],
)
def test_headers_that_are_not_complete_in_time_are_none(reply: Reply) -> None:
    with at_most(1.3):
        found = visited(reply, seconds=0.8)
    assert trouble(found) in {Trouble.TIME, None}
    assert found.failure or found.answers[0].status == 503


def test_a_body_that_does_not_end_in_time_is_cut_and_its_headers_count() -> None:
    with at_most(1.3):
        found = visited(dripping(HEAD + b"Content-Length: 1000\r\n\r\n<head>", b"x"), seconds=0.8)
    assert found.page
    assert found.page.values("Strict-Transport-Security") == ("max-age=1",)
    assert found.page.body.startswith(b"<head>xxx")
    assert found.page.cut == "It took longer than 0.8 seconds."


def test_chunks_that_do_not_end_in_time_are_cut() -> None:
    with at_most(1.3):
        found = visited(dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), seconds=0.8)
    assert found.page
    assert set(found.page.body) == {ord("x")}
    assert found.page.cut


def test_a_redirect_is_followed_however_slow_its_body_is() -> None:
    slow = dripping(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 1000\r\n\r\n", b"x")
    with site({"/": slow, "/next": answer(200, body=b"here")}) as one, at_most(1.5):
        found = visit(f"http://one.test:{one.port}/", manner(one))
    assert found.page
    assert found.page.body == b"here"


def test_slow_redirects_share_one_deadline() -> None:
    def slow(connection: socket.socket, received: Received) -> None:
        time.sleep(0.3)
        connection.sendall(redirect(received.path + "x"))

    with site({"*": slow}) as one, at_most(1.3):
        found = visit(f"http://one.test:{one.port}/", manner(one, seconds=0.8))
    assert found.failure
    assert found.failure.kind is Trouble.TIME
    assert len(found.answers) == 2


def test_a_handshake_that_does_not_end_takes_no_longer_than_it_may() -> None:
    with site({}) as one, at_most(1.3):
        found = visit(f"https://one.test:{one.port}/", manner(one, seconds=0.8))
    assert trouble(found) is Trouble.TIME


def test_a_peer_that_accepts_nothing_takes_no_longer_than_it_may() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with socket.create_connection(listener.getsockname()), socket.socket() as second:
            second.settimeout(0)
            second.connect_ex(listener.getsockname())
            port = listener.getsockname()[1]
            with at_most(1.3):
                found = visit(f"http://127.0.0.1:{port}/", manner(ports=frozenset({port}), seconds=0.8))
    assert trouble(found) in {Trouble.REFUSED, Trouble.TIME}


def test_a_small_answer_that_unpacks_to_much_is_cut_quickly() -> None:
    bomb = gzip.compress(bytes(200_000_000), 9)
    assert len(bomb) < 210_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with site({"/": answer(200, "Content-Encoding: gzip", body=bomb)}) as one, at_most(1):
        page = visit(f"http://one.test:{one.port}/", manner(one)).page
    assert page
    assert page.body == bytes(512 * 1024)
    assert page.cut == "It is larger than 524288 bytes."
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024, "KiB"


def test_a_packed_body_may_come_in_single_bytes() -> None:
    packed = gzip.compress(b"<html>" * 10)

    def send(connection: socket.socket, _: Received) -> None:
        connection.sendall(HEAD + b"Content-Encoding: gzip\r\n\r\n")
        for byte in packed:
            connection.sendall(bytes([byte]))
            time.sleep(0.002)

    page = visited(send).page
    assert page
    assert (page.body, page.cut) == (b"<html>" * 10, "")


def test_a_coding_that_nobody_knows_is_none_and_one_that_was_not_asked_for_is_told() -> None:
    page = visited(answer(200, "Content-Encoding: UTF-8", body=b"text")).page
    assert page
    assert (page.body, page.cut) == (b"text", "")
    page = visited(answer(200, "Content-Encoding: dcb", body=b"packed")).page
    assert page
    assert (page.body, page.cut) == (b"", "It is packed as dcb, which was not asked for.")


def test_packed_many_times_over_is_damage() -> None:
    body = b"x"
    for _ in range(20):
        body = gzip.compress(body)
    page = visited(answer(200, "Content-Encoding: " + ", ".join(["gzip"] * 20), body=body)).page
    assert page
    assert "damaged" in page.cut


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 16384, 16385])
def test_no_more_than_so_many_bytes_are_read(size: int) -> None:
    page = visited(answer(200, body=b"x" * size), most_body=100).page
    assert page
    assert page.body == b"x" * min(size, 100)
    assert bool(page.cut) == (size > 100)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate"])
def test_bodies_are_unpacked(coding: str) -> None:
    text = b"<html>" * 1000
    packed = {"gzip": gzip.compress(text), "deflate": zlib.compress(text), "raw deflate": zlib.compress(text)[2:-4]}
    page = visited(answer(200, f"Content-Encoding: {coding.rsplit(maxsplit=1)[-1]}", body=packed[coding])).page
    assert page
    assert (page.body, page.cut) == (text, "")


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, "Content-Encoding: gzip", body=b"this is not packed"),
        answer(200, "Content-Encoding: deflate", body=b"this is not packed"),
        answer(200, "Content-Encoding: gzip", body=gzip.compress(bytes(9000))[:-20] + b"damaged by something"),
        raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n"),
        raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n50\r\nno more"),
        raw(HEAD + b"Content-Length: 100\r\n\r\nno more"),
    ],
    ids=["gzip", "deflate", "gzip's end", "chunks", "a chunk's end", "the end"],
)
def test_a_damaged_body_is_cut_and_its_headers_count(reply: Reply) -> None:
    found = visited(reply)
    assert found.failure is None
    assert found.page
    assert found.page.status == 200
    assert found.page.fields
    assert "damaged" in found.page.cut


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(200, *(f"X-{n}: {n}" for n in range(99))), None),
        (answer(200, *(f"X-{n}: {n}" for n in range(100))), Trouble.LARGE),
        (answer(200, *(f"X-{n}: {n}" for n in range(150))), Trouble.LARGE),
        (answer(200, "X-Long: " + "x" * 65_500), None),
        (answer(200, "X-Long: " + "x" * 66_560), Trouble.LARGE),
        (raw(b"HTTP/1.1 200 " + b"x" * 70_000), Trouble.LARGE),
        (raw(b"<html>HTTP/0.9\n"), Trouble.MALFORMED),
        (raw(b"HTTP/0.9 200 OK\r\n\r\n"), Trouble.MALFORMED),
        (raw(b"HTTP/2 200\r\n\r\n"), Trouble.MALFORMED),
        (raw(b"HTTP/1.1 abc OK\r\n\r\n"), Trouble.MALFORMED),
        (raw(b"HTTP/1.1 99 OK\r\n\r\n"), Trouble.MALFORMED),
        (raw(b"\x15\x03\x01\x00\x02\x02\x46\n"), Trouble.MALFORMED),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), Trouble.MALFORMED),
        (raw(HEAD + b"X-Nul: a\0b\r\n\r\n"), Trouble.MALFORMED),
        (raw(HEAD), Trouble.REFUSED),
        (raw(HEAD + b"X-Cu"), Trouble.REFUSED),
        (raw(b"HTTP/1.1 2"), Trouble.REFUSED),
        (raw(b""), Trouble.REFUSED),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 50, Trouble.MALFORMED),
    ],
)
def test_what_is_no_whole_response_is_told_as_such(reply: Reply, expected: Trouble | None) -> None:
    with at_most(5):
        assert trouble(visited(reply)) is expected


def test_an_answer_without_headers_is_one() -> None:
    found = visited(raw(b"HTTP/1.0 200\n\nall"))
    assert found.page
    assert (found.page.fields, found.page.body) == ((), b"all")


def test_a_response_that_has_no_body_ends_with_its_head() -> None:
    for status in (204, 304):
        with at_most(1):
            page = visited(f"HTTP/1.1 {status} No\r\nContent-Length: 9\r\n\r\n".encode()).page
        assert page
        assert (page.status, page.body, page.cut) == (status, b"", "")
