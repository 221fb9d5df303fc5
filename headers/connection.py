"""Connections that know their limits: whom they may reach, until when, and when to give up at once.

urllib3's timeouts are of one read each: whoever drips bytes stretches them for ever. Here every read may take what is
left of the visit, and peers are looked at before the first byte is sent.
"""

import queue
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from http.client import HTTPResponse
from io import BufferedReader, BytesIO
from ipaddress import ip_address
from threading import Event, RLock, Thread
from typing import Any, Self
from weakref import WeakSet

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from fixby.errors import Interrupted
from fixby.headers.addresses import objection
from fixby.headers.certificate import tls_of
from fixby.headers.head import Head, HopError, read_head
from fixby.headers.manner import Manner
from fixby.headers.response import Field, Tls, Trouble


class Halt:
    """What ends visits in other threads: their sockets are shut, and whatever they do next raises `Interrupted`."""

    def __init__(self) -> None:
        self._is_called = False
        self._event = Event()
        self._lock = RLock()
        self._sockets: WeakSet[socket.socket] = WeakSet()

    def call(self) -> None:
        """End them. A signal may come while another is heeded: an event that is being set cannot be set once more."""
        if self._is_called:
            return
        self._is_called = True
        self._event.set()
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def watch(self, one: socket.socket) -> None:
        """Shut this socket too when the time comes."""
        with self._lock:
            self._sockets.add(one)
        self.check()

    def check(self) -> None:
        """Do nothing. Raises `Interrupted` if all is to end."""
        self.sleep(0)

    def sleep(self, seconds: float) -> None:
        """Wait. Raises `Interrupted` as soon as all is to end."""
        if self._event.wait(seconds) if seconds > 0 else self._event.is_set():
            raise Interrupted("The visits were interrupted.")


class Guard:
    """What the connections of one thread obey.

    `tls` is of the last connection, once its handshake is complete; making a connection sets `is_fresh`.
    """

    def __init__(self, how: Manner, halt: Halt) -> None:
        self.how = how
        self.halt = halt
        self.deadline = 0.0
        self.tls: Tls | None = None
        self.is_fresh = False

    def remaining(self) -> float:
        """The seconds that are left. Raises `HopError` if none are, `Interrupted` if all is to end."""
        self.halt.check()
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self.late()
        return left

    def late(self) -> HopError:
        """What to raise when the time is over."""
        return HopError(Trouble.TIME, f"It took longer than {self.how.seconds:g} seconds.")

    def connect(self, host: str, port: int, *, is_proxy: bool = False) -> "GuardedSocket":
        """A connection to whoever bears the name and may be visited, or to a proxy, wherever it is.

        Each address may take half of the time that is left, so that there is some for the others. Raises `HopError`.
        """
        failure: OSError | None = None
        for address in self._resolved(host, port) if is_proxy else self.lookup(host, port):
            try:
                return self._opened(address, port, is_proxy=is_proxy)
            except OSError as error:
                failure = error
        whose = "The proxy " if is_proxy else ""
        raise HopError(Trouble.REFUSED, f"{whose}{host} does not answer on port {port}: {_said(failure)}.")

    def lookup(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be visited. Raises `HopError` where there is none."""
        found = self._resolved(host, port)
        objections = [objection(address, self.how.allowed) for address in found]
        usable = [address for address, why in zip(found, objections, strict=True) if not why]
        if not usable:
            raise HopError(Trouble.FORBIDDEN, f"{host} is not visited: {objections[0]}.")
        return usable

    def _opened(self, address: str, port: int, *, is_proxy: bool) -> "GuardedSocket":
        made = GuardedSocket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        made.guard, self.tls, self.is_fresh = self, None, True
        try:
            self.halt.watch(made)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.settimeout(self.remaining() / 2)
            made.connect((address, port))
            if not is_proxy:
                made.peer = self._checked(made.getpeername()[0])
        except BaseException:
            made.close()
            raise
        return made

    def _checked(self, peer: str) -> str:
        """The address of who is at the other end; 0.0.0.0, for one, leads to another than it says."""
        if why := objection(peer, self.how.allowed):
            raise HopError(Trouble.FORBIDDEN, f"Who answers is not visited: {why}.")
        return peer

    def _resolved(self, host: str, port: int) -> list[str]:
        """The addresses of a host, of the wanted families."""
        given = self.how.resolve.get(f"{host}:{port}") or self.how.resolve.get(host)
        found = [given or host] if given or _is_address(host) else self._asked(host, port)
        ordered = [one for family in self.how.families for one in found if ip_address(one).version == family]
        if not ordered:
            raise HopError(Trouble.NAME, f"{host} has no address of IPv{' or '.join(map(str, self.how.families))}.")
        return ordered

    def _asked(self, host: str, port: int) -> list[str]:
        """Ask the system, which cannot be told how long it may take, in a thread of its own."""
        answers: queue.SimpleQueue[list[str] | HopError] = queue.SimpleQueue()
        Thread(target=lambda: answers.put(_addresses(host, port)), daemon=True).start()
        while True:
            with suppress(queue.Empty):
                answer = answers.get(timeout=min(self.remaining(), _TICK_SECONDS))
                if isinstance(answer, HopError):
                    raise answer
                return answer


class GuardedSocket(socket.socket):
    """A socket of which each read and write may take what is left of the visit. `peer` is the address at its end."""

    guard: Guard
    peer: str = ""
    tls: Tls | None = None

    def recv_into(self, *arguments: Any) -> int:  # noqa: ANN401 - the standard library's
        """As in the standard library. Raises `HopError` when the time is over."""
        self.settimeout(self.guard.remaining())
        try:
            return super().recv_into(*arguments)
        except TimeoutError as error:
            raise self.guard.late() from error

    def sendall(self, *arguments: Any) -> None:  # noqa: ANN401 - the standard library's
        """As in the standard library. Raises `HopError` when the time is over."""
        self.settimeout(self.guard.remaining())
        try:
            super().sendall(*arguments)
        except TimeoutError as error:
            raise self.guard.late() from error


class GuardedTlsSocket(GuardedSocket, ssl.SSLSocket):
    """The same, over TLS."""


class GuardedContext(ssl.SSLContext):
    """Wraps a guarded socket into one that obeys the same guard during the handshake and after it."""

    sslsocket_class = GuardedTlsSocket

    def __new__(cls, protocol: int, *, http2: bool = False) -> Self:
        """A context that offers HTTP/1.1, or that and HTTP/2 (ALPN, RFC 7301)."""
        made = super().__new__(cls, protocol)
        ssl.SSLContext.set_alpn_protocols(made, ["h2", "http/1.1"] if http2 else ["http/1.1"])
        return made

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """Do nothing: urllib3 sets them again for every connection, while other threads may be reading them."""

    def wrap_socket(self, sock: "GuardedSocket", *_: object, server_hostname: str | None = None, **__: object) -> Any:  # type: ignore[override]  # noqa: ANN401 - the standard library's
        """The socket after its handshake. Raises `HopError` when the time is over, `ssl.SSLError` where it fails."""
        guard, peer = sock.guard, sock.peer
        wrapped: Any = super().wrap_socket(sock, server_hostname=server_hostname, do_handshake_on_connect=False)
        wrapped.guard, wrapped.peer = guard, peer
        try:
            guard.halt.watch(wrapped)
            wrapped.settimeout(guard.remaining())
            wrapped.do_handshake()
            wrapped.tls = guard.tls = tls_of(wrapped)
        except BaseException as error:
            wrapped.close()
            if isinstance(error, TimeoutError):
                raise guard.late() from error
            raise
        return wrapped


class RawResponse(HTTPResponse):
    """A response whose `fields` are as they were sent, and that knows the socket that it came by."""

    fields: tuple[Field, ...] = ()

    def __init__(self, sock: GuardedSocket, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - the standard library's
        super().__init__(sock, *arguments, **named)
        self.carrier = sock

    def begin(self, **named: Any) -> None:  # noqa: ANN401 - the standard library's
        """Read the head; of it, `http.client` is told what it needs to read the body."""
        stream = self.fp
        head = read_head(stream)
        self.fields = head.fields
        self.fp = BufferedReader(BytesIO(_framing(head)))
        try:
            super().begin(**named)
        finally:
            self.fp = stream


class Connection(HTTPConnection):
    """A connection by http that reaches whom its guard lets it reach."""

    response_class = RawResponse

    def __init__(self, *arguments: Any, guard: Guard, **named: Any) -> None:  # noqa: ANN401 - urllib3's
        super().__init__(*arguments, **named)
        self.guard = guard

    def _new_conn(self) -> GuardedSocket:
        return _reached(self)


class TlsConnection(HTTPSConnection):
    """The same by https."""

    response_class = RawResponse

    def __init__(self, *arguments: Any, guard: Guard, **named: Any) -> None:  # noqa: ANN401 - urllib3's
        super().__init__(*arguments, **named)
        self.guard = guard

    def _new_conn(self) -> GuardedSocket:
        return _reached(self)


def _reached(connection: Connection | TlsConnection) -> GuardedSocket:
    host = connection._dns_host  # noqa: SLF001 - `host` lacks the dot at the end
    return connection.guard.connect(host, connection.port, is_proxy=bool(connection.proxy))


class Pool(HTTPConnectionPool):
    """The connections to one origin by http, of one thread."""

    ConnectionCls = Connection


class TlsPool(HTTPSConnectionPool):
    """The connections to one origin by https, of one thread."""

    ConnectionCls = TlsConnection

    def _validate_conn(self, conn: Any) -> None:  # noqa: ANN401 - urllib3's
        """Connect; urllib3's own warns of certificates that are not verified, which is known here."""
        if conn.is_closed:
            conn.connect()


_TICK_SECONDS = 0.1
_FRAMING = {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}


def _framing(head: Head) -> bytes:
    fields = (f"{field}\r\n" for field in head.fields if field.name.lower() in _FRAMING)
    return head.line + "".join(fields).encode("iso-8859-1") + b"\r\n"


def _addresses(host: str, port: int) -> list[str] | HopError:
    """What the system says, or why it says nothing."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return HopError(Trouble.NAME, f"{host} has no address: {_said(error)}.")
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        ip_address(host)
        return True
    return False


def _said(error: Exception | None) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
