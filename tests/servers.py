"""Sites on the loopback interface that answer byte for byte what a test says."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import trustme

from fixby.headers.manner import Manner

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came: its path, and its headers by lower-cased name; `port` is of the other end."""

    path: str
    headers: Mapping[str, str]
    port: int = 0


Reply = bytes | Callable[[socket.socket, Received], bytes | None]
"""What a path answers: bytes, after which the connection stays open, or a function that sends or gives them."""


@dataclass(slots=True)
class Site:
    """A server that runs, what it was asked, and how many connections it got."""

    port: int
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


def site(
    replies: Mapping[str, Reply], tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AbstractContextManager[Site]:
    """A site that gives each path its reply, 404 for others, and those of `*` if that is one."""
    return attended(lambda connection, served: _attend(connection, served, replies), tls, host)


@contextmanager
def attended(
    attend_to: Callable[[socket.socket, Site], None], tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Site]:
    """A site that lets each connection be attended to, in a thread of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=128) as listener:
        served = Site(listener.getsockname()[1])

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                served.connections += 1
                threading.Thread(target=attend, args=(connection,), daemon=True).start()

        def attend(connection: socket.socket) -> None:
            with suppress(OSError, ssl.SSLError), connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if not tls:
                    attend_to(connection, served)
                    return
                with tls.wrap_socket(connection, server_side=True) as wrapped:
                    attend_to(wrapped, served)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield served
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def _attend(connection: socket.socket, served: Site, replies: Mapping[str, Reply]) -> None:
    while request := _received(connection):
        with served.lock:
            served.requests.append(request)
            served.at_once += 1
            served.most_at_once = max(served.most_at_once, served.at_once)
        try:
            reply = replies.get(request.path, replies.get("*", answer(404)))
            said = reply if isinstance(reply, bytes) else reply(connection, request)
        finally:
            with served.lock:
                served.at_once -= 1
        if said is None:
            return
        connection.sendall(said)


def _received(connection: socket.socket) -> Received | None:
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        some = connection.recv(65536)
        if not some:
            return None
        text += some
    first, *lines = text.decode("iso-8859-1").split("\r\n")[:-2]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Received(first.split(" ")[1], headers, connection.getpeername()[1])


def answer(status: int = 200, *lines: str, body: bytes = b"") -> bytes:
    """A response with these headers and the length of its body."""
    head = "\r\n".join((f"HTTP/1.1 {status} Word", *lines, f"Content-Length: {len(body)}"))
    return head.encode("iso-8859-1") + b"\r\n\r\n" + body


def redirect(place: str, status: int = 302, *lines: str) -> bytes:
    """A response that sends the reader elsewhere."""
    return answer(status, f"Location: {place}", *lines, body=b"elsewhere")


def raw(text: bytes) -> Reply:
    """These bytes, and then the end of the connection."""

    def send(connection: socket.socket, _: Received) -> None:
        connection.sendall(text)

    return send


def dripping(first: bytes, drop: bytes, seconds: float = 0.05) -> Reply:
    """Bytes, and then a few more again and again."""

    def send(connection: socket.socket, _: Received) -> None:
        connection.sendall(first)
        while True:
            time.sleep(seconds)
            connection.sendall(drop)

    return send


def in_turn(*replies: bytes | None) -> Reply:
    """Each time the next of these replies, None for no reply at all; the last one for ever."""
    left = list(replies)

    def send(_: socket.socket, __: Received) -> bytes | None:
        return left.pop(0) if len(left) > 1 else left[0]

    return send


def manner(*sites: Site, **other: Any) -> Manner:  # noqa: ANN401 - the fields of Manner
    """How to visit these sites: the loopback interface and their ports are allowed; `*.test` are names of it."""
    names = {f"{name}.test": "127.0.0.1" for name in ("one", "two", "three")}
    resolve = names | other.pop("resolve", {})
    ports = frozenset(one.port for one in sites)
    return Manner(**{"allowed": LOOPBACK, "ports": ports, "resolve": resolve, "seconds": 10} | other)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of a test, and the file that makes it trusted."""

    ca: trustme.CA
    file: Any

    def tls(self, *names: str, **how: Any) -> ssl.SSLContext:  # noqa: ANN401 - trustme's
        """What a server needs to prove that it bears these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names, **how).configure_cert(context)
        return context


def free_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
