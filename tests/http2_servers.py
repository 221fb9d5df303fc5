"""Sites on the loopback interface that speak HTTP/2, well or badly, as a test says."""

import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from h2.exceptions import ProtocolError

from fixby.headers.manner import Manner
from tests.servers import Authority, Received, Site, attended, manner


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on a stream of a connection, which waits for its answer."""

    machine: H2Connection
    connection: socket.socket
    stream: int
    received: Received

    def send(self, data: bytes = b"") -> None:
        """These bytes after all that waits to be sent."""
        self.connection.sendall(self.machine.data_to_send() + data)

    def head(self, *fields: tuple[str, str], status: str = "200", end: bool = False) -> None:
        """Send a status and headers."""
        self.machine.send_headers(self.stream, [(":status", status), *fields], end_stream=end)
        self.send()

    def body(self, data: bytes, *, end: bool = True) -> None:
        """Send a body, no more at once than the other side takes."""
        while data:
            room = min(self.machine.local_flow_control_window(self.stream), self.machine.max_outbound_frame_size)
            if not room:
                self.machine.receive_data(self.connection.recv(65536))
                continue
            self.machine.send_data(self.stream, data[:room])
            data = data[room:]
            self.send()
        if end:
            self.machine.end_stream(self.stream)
            self.send()


Reply = Callable[[Asked], object]


def page(*fields: tuple[str, str], body: bytes = b"page", status: str = "200") -> Reply:
    """A response with these headers and this body."""

    def send(asked: Asked) -> None:
        asked.head(*fields, status=status)
        asked.body(body)

    return send


def raw(*frames: bytes) -> Reply:
    """These bytes, and then the end of the connection."""

    def send(asked: Asked) -> None:
        asked.send(b"".join(frames))
        asked.connection.shutdown(socket.SHUT_WR)
        while asked.connection.recv(65536):
            pass

    return send


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame (RFC 9113, 4.1)."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def http2_site(
    replies: Mapping[str, Reply], tls: ssl.SSLContext, host: str = "127.0.0.1"
) -> AbstractContextManager[Site]:
    """A site that picks HTTP/2 and gives each path its reply; `*` is all others."""
    tls.set_alpn_protocols(["h2"])

    def attend_to(connection: socket.socket, served: Site) -> None:
        machine = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding="utf-8",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        machine.initiate_connection()
        connection.sendall(machine.data_to_send())
        with suppress(ProtocolError):
            while some := connection.recv(65536):
                for event in machine.receive_data(some):
                    if isinstance(event, RequestReceived):
                        asked = Asked(machine, connection, event.stream_id, _received(event, connection))
                        _answer(asked, served, replies)
                connection.sendall(machine.data_to_send())

    return attended(attend_to, tls, host)


def _received(event: RequestReceived, connection: socket.socket) -> Received:
    fields = {str(name): str(value) for name, value in event.headers}
    return Received(fields[":path"], fields, connection.getpeername()[1])


def _answer(asked: Asked, served: Site, replies: Mapping[str, Reply]) -> None:
    served.requests.append(asked.received)
    (replies.get(asked.received.path) or replies["*"])(asked)


def offering(authority: Authority, *sites: Site, **other: Any) -> Manner:  # noqa: ANN401 - the fields of Manner
    """How to visit these sites and offer HTTP/2."""
    return manner(*sites, ca_file=authority.file, http2=True, **other)
