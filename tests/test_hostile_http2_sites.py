"""Sites that misuse HTTP/2: no visit takes longer than it may, and nothing cut is taken for whole."""

import gzip
import resource
import socket
import struct
import time

import pytest
from hpack import Encoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from fixby.headers.fetching import visit
from fixby.headers.response import Trouble, Visit
from tests.http2_servers import Asked, Reply, frame, http2_site, offering, page, raw
from tests.servers import Authority
from tests.test_hostile_sites import at_most

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
ACK = END_STREAM = 1
END_HEADERS = 4
PADDED = 8


def block(*fields: tuple[str, str], status: str = "200") -> bytes:
    """The headers of a response, packed."""
    return Encoder().encode([(":status", status), *fields])


def head(*fields: tuple[str, str], status: str = "200") -> bytes:
    return frame(HEADERS, END_HEADERS, 1, block(*fields, status=status))


def visited(authority: Authority, reply: Reply, **how: object) -> Visit:
    with http2_site({"/": reply}, authority.tls("one.test")) as one:
        return visit(f"https://one.test:{one.port}/", offering(authority, one, **how))


def bomb() -> bytes:
    """A header of 4000 bytes, and 12000 times the one byte that repeats it."""
    return frame(HEADERS, END_HEADERS, 1, block(("x-large", "x" * 4000)) + b"\xbe" * 12000)


def flood(*sizes: int) -> bytes:
    """The beginning of headers that never end."""
    return frame(HEADERS, 0, 1, block()) + b"".join(frame(CONTINUATION, 0, 1, bytes(size)) for size in sizes)


NO_RESPONSE = {
    "HTTP/1.1 after all": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Trouble.MALFORMED),
    "a frame that is too large": (frame(HEADERS, END_HEADERS, 1, bytes(16385)), Trouble.MALFORMED),
    "headers that cannot be unpacked": (frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\x0f"), Trouble.MALFORMED),
    "more padding than there is": (frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + block()), Trouble.MALFORMED),
    "a body first": (frame(DATA, 0, 1, b"body"), Trouble.MALFORMED),
    "a stream that nobody asked for": (frame(HEADERS, END_HEADERS, 3, block()), Trouble.MALFORMED),
    "a push that was declined": (frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4) + block()), Trouble.MALFORMED),
    "a window of more than there is": (frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), Trouble.MALFORMED),
    "a window of nothing": (frame(WINDOW_UPDATE, 0, 0, bytes(4)), Trouble.MALFORMED),
    "settings of the wrong size": (frame(SETTINGS, 0, 0, b"12345"), Trouble.MALFORMED),
    "no status": (frame(HEADERS, END_HEADERS, 1, Encoder().encode([("x-one", "1")])), Trouble.MALFORMED),
    "no headers": (frame(HEADERS, END_HEADERS, 1), Trouble.MALFORMED),
    "two statuses": (head((":status", "404")), Trouble.MALFORMED),
    "a status that is none": (head(status="2e2"), Trouble.MALFORMED),
    "a name with capitals": (head(("X-One", "1")), Trouble.MALFORMED),
    "a name that is none": (head(("x one", "1")), Trouble.MALFORMED),
    "a value of two lines": (head(("x-one", "1\r\nx-two: 2")), Trouble.MALFORMED),
    "a value with a NUL": (head(("x-one", "\0")), Trouble.MALFORMED),
    "a length that is none": (head(("content-length", "ten")), Trouble.MALFORMED),
    "nothing final": (head(status="103") * 30, Trouble.MALFORMED),
    "many lines": (head(*[("x", "1")] * 101), Trouble.LARGE),
    "headers that unpack to much": (bomb(), Trouble.LARGE),
    "headers that go on": (flood(*[16384] * 60), Trouble.LARGE),
    "headers that go on with nothing": (flood(*[0] * 1000), Trouble.MALFORMED),
    "settings without end": (frame(SETTINGS, 0, 0, b"\0\3\0\0\0\1") * 5000, Trouble.LARGE),
    "pings without end": (frame(PING, 0, 0, b"12345678") * 5000, Trouble.LARGE),
    "frames of no known kind": (frame(0xBE, 0, 0, bytes(16384)) * 100, Trouble.LARGE),
    "nothing": (b"", Trouble.REFUSED),
    "half a frame": (head()[:-1], Trouble.REFUSED),
    "a refusal": (frame(RST_STREAM, 0, 1, bytes(3) + b"\7"), Trouble.REFUSED),
    "an error that has no name": (frame(RST_STREAM, 0, 1, b"\xff" * 4), Trouble.REFUSED),
    "an ending": (frame(GOAWAY, 0, 0, bytes(8)), Trouble.REFUSED),
    "an ending for a reason": (frame(GOAWAY, 0, 0, b"\0\0\0\1\0\0\0\x0bbecause"), Trouble.REFUSED),
    "an ending that says nothing": (frame(GOAWAY, 0, 0), Trouble.REFUSED),
}


@pytest.mark.parametrize("name", NO_RESPONSE)
def test_what_is_no_whole_response_is_none(authority: Authority, name: str) -> None:
    sent, trouble = NO_RESPONSE[name]
    with at_most(3):
        found = visited(authority, raw(sent))
    assert found.failure
    assert (found.failure.kind, found.answers) == (trouble, ()), found.failure


def in_pieces(*fields: tuple[str, str]) -> bytes:
    """The headers of a response that has no body, in as many frames as it takes."""
    packed = Encoder().encode([(":status", "200"), *fields], huffman=False)
    first, *others = [packed[start : start + 16384] for start in range(0, len(packed), 16384)]
    frames = [frame(CONTINUATION, 0, 1, piece) for piece in others]
    return frame(HEADERS, END_STREAM, 1, first) + b"".join(frames) + frame(CONTINUATION, END_HEADERS, 1)


def test_headers_are_read_up_to_the_limits_of_http_1(authority: Authority) -> None:
    least = visited(authority, page(*[("x", "1")] * 100)).page
    assert least
    assert len(least.fields) == 100
    assert visited(authority, raw(in_pieces(("x-long", "x" * 65000)))).page
    for fields, reason in (
        ([("x-long", "x" * 65536)], "It sends a line of headers of more than 65536 bytes."),
        ([("x-large", "x" * 60000)] * 5, "It sends more than 262144 bytes of headers."),
    ):
        found = visited(authority, raw(in_pieces(*fields)))
        assert found.failure
        assert (found.failure.kind, found.failure.reason) == (Trouble.LARGE, reason)


def mute(asked: Asked) -> None:
    asked.connection.recv(1)


def deaf(asked: Asked) -> None:
    """Sends pings, reads no answer to any, and then nothing."""
    asked.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    asked.send(frame(PING, 0, 0, b"12345678") * 900)
    time.sleep(3)


def slowly(data: bytes, first: bytes = b"") -> Reply:
    def send(asked: Asked) -> None:
        asked.send(first)
        while True:
            asked.send(data)
            time.sleep(0.05)

    return send


@pytest.mark.parametrize(
    "reply",
    [mute, deaf, slowly(frame(PING, 0, 0, b"12345678")), slowly(frame(SETTINGS, 0, 0)), slowly(head(status="103")[:1])],
    ids=["nothing", "pings that nobody reads", "pings", "settings", "a frame"],
)
def test_headers_that_do_not_come_in_time_are_none(authority: Authority, reply: Reply) -> None:
    with at_most(1.5):
        found = visited(authority, reply, seconds=0.8)
    assert found.failure
    assert found.failure.kind in {Trouble.TIME, Trouble.LARGE, Trouble.MALFORMED}
    assert not found.answers


AFTER_THE_HEAD = {
    "a reset": (frame(RST_STREAM, 0, 1, bytes(3) + b"\2"), "The server breaks off: INTERNAL_ERROR."),
    "an ending": (
        frame(GOAWAY, 0, 0, bytes(3) + b"\1" + bytes(3) + b"\2"),
        "breaks the connection off",
    ),
    "the end of the connection": (b"", "The connection ended before the response did."),
    "no frame": (b"HTTP/1.1 200 OK", "It does not answer in HTTP/2"),
    "more than the window": (frame(DATA, 0, 1, bytes(16384)) + frame(DATA, END_STREAM, 1, b"x"), "HTTP/2"),
    "nothing again and again": (frame(DATA, 0, 1) * 5000, "It sends too many frames that lead to nothing."),
    "padding again and again": (frame(DATA, PADDED, 1, b"\xfe" + bytes(254)) * 250, ""),
    "trailers that go on": (frame(HEADERS, 0, 1) + frame(CONTINUATION, 0, 1, bytes(16384)) * 60, "lead to nothing"),
    "headers in the middle": (frame(HEADERS, END_HEADERS, 1, Encoder().encode([("x", "1")])), "HTTP/2"),
}


@pytest.mark.parametrize("name", AFTER_THE_HEAD)
def test_a_body_that_breaks_off_is_cut_and_its_headers_count(authority: Authority, name: str) -> None:
    after, reason = AFTER_THE_HEAD[name]
    start = head(("x-one", "1"), ("content-length", "16388")) + frame(DATA, 0, 1, b"body")
    with at_most(3):
        found = visited(authority, raw(start, after)).page
    assert found
    assert (found.values("x-one"), found.body[:4]) == (("1",), b"body")
    assert found.cut
    assert reason in found.cut


def test_a_body_that_does_not_end_in_time_is_cut(authority: Authority) -> None:
    with at_most(1.5):
        found = visited(authority, slowly(frame(DATA, 0, 1, b"x"), head() + frame(DATA, 0, 1, b"body")), seconds=0.8)
    assert found.page
    assert found.page.body.startswith(b"bodyx")
    assert found.page.cut == "It took longer than 0.8 seconds."


def test_who_sends_more_than_the_window_is_cut(authority: Authority) -> None:
    found = visited(authority, raw(head() + frame(DATA, 0, 1, bytes(16384)) * 5)).page
    assert found
    assert len(found.body) <= 5 * 16384
    assert found.cut


def test_a_small_answer_that_unpacks_to_much_is_cut_quickly(authority: Authority) -> None:
    packed = gzip.compress(bytes(200_000_000), 9)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with at_most(1.5):
        found = visited(authority, page(("content-encoding", "gzip"), body=packed)).page
    assert found
    assert (found.body, found.cut) == (bytes(512 * 1024), "It is larger than 524288 bytes.")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024, "KiB"


def test_a_response_is_whole_though_its_server_hears_nothing_more(authority: Authority) -> None:
    def leave(asked: Asked) -> None:
        asked.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        pings = frame(PING, 0, 0, b"12345678") * 100
        asked.send(pings + head(("x-one", "1")) + frame(DATA, END_STREAM, 1, b"body"))
        asked.connection.close()

    with http2_site({"/": leave}, authority.tls("one.test")) as one:
        found = visit(f"https://one.test:{one.port}/", offering(authority, one)).page
    assert found
    assert (found.values("x-one"), found.body, found.cut) == (("1",), b"body", "")
    assert len(one.requests) == 1


def test_a_server_that_resets_is_asked_again(authority: Authority) -> None:
    def once(asked: Asked) -> None:
        reply = replies.pop() if replies else page(body=b"here")
        reply(asked)

    replies = [raw(frame(RST_STREAM, 0, 1, bytes(3) + b"\7"))]
    found = visited(authority, once).page
    assert found
    assert found.body == b"here"


FRAMES = some.builds(
    frame, some.integers(0, 12), some.integers(0, 255), some.sampled_from((0, 1, 1, 1, 2, 3)), some.binary(max_size=64)
)
SENT = some.lists(some.one_of(some.just(head()), FRAMES, some.binary(max_size=40)), max_size=12)


def test_whatever_is_sent_something_comes_of_it(authority: Authority) -> None:
    replies: dict[str, Reply] = {}
    with http2_site(replies, authority.tls("one.test")) as one:
        how = offering(authority, one, seconds=0.3)

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(SENT)
        def sent(frames: list[bytes]) -> None:
            replies["/"] = raw(*frames)
            found = visit(f"https://one.test:{one.port}/", how)
            assert found.failure or found.answers

        sent()
