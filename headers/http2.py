"""HTTP/2 (RFC 9113) over the guarded connections of `connection`, where a server picks it during the handshake.

It needs the package h2, which makes sense of frames and touches no socket. It is given one frame at a time, so that all
that happens between two frames obeys the guard. One request goes at a time.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPMessage
from io import BufferedIOBase
from typing import Any
from urllib.parse import urlsplit

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, InformationalResponseReceived, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import DenialOfServiceError, H2Error
from h2.settings import SettingCodes, Settings
from urllib3 import HTTPHeaderDict, HTTPResponse

from fixby.headers.connection import GuardedSocket, TlsConnection, TlsPool
from fixby.headers.head import MOST_BYTES, MOST_IN_ALL, MOST_INFORMATIONAL, MOST_LINES, TOKEN, HopError
from fixby.headers.manner import origin
from fixby.headers.response import Field, Trouble


class Http2Connection(TlsConnection):
    """A connection that speaks HTTP/2 if the server picked it, and HTTP/1.1 otherwise."""

    _exchanges: "_Exchanges | None" = None

    def connect(self) -> None:
        """As in urllib3."""
        super().connect()
        made: Any = self.sock
        self._exchanges = _Exchanges(made) if made.selected_alpn_protocol() == "h2" else None

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:  # noqa: ANN401 - urllib3's
        """Send a request. Raises `HopError`."""
        if not self._exchanges:
            super().request(method, url, body, headers, **options)
            return
        host, port = self._tunnel_host or self.host, self._tunnel_port or self.port
        authority = urlsplit(origin(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")).netloc
        self._exchanges.ask(method, authority, url, headers or {})

    def getresponse(self) -> Any:  # noqa: ANN401 - urllib3's
        """The response, of which the head was read. Raises `HopError`."""
        if not self._exchanges:
            return super().getresponse()
        raw: Any = Http2Response(self._exchanges)  # which does what urllib3 needs of http.client's
        codings = [(field.name, field.value) for field in raw.fields if field.name == "content-encoding"]
        return HTTPResponse(
            raw,
            HTTPHeaderDict(codings),
            raw.status,
            version=20,
            version_string="HTTP/2",
            preload_content=False,
            original_response=raw,
        )

    def close(self) -> None:
        """As in urllib3."""
        self._exchanges = None
        super().close()


class Http2Pool(TlsPool):
    """The connections to one origin by https, of one thread, which may speak HTTP/2."""

    ConnectionCls = Http2Connection


class Http2Response(BufferedIOBase):
    """A response as `connection.RawResponse` is one: its head, the socket that it came by, and its body as a stream.

    Informational responses before it and trailers are passed over. Making it raises `HopError`: LARGE for more headers
    than are read, by the same measure as in HTTP/1; REFUSED where the server breaks off; MALFORMED where it does not
    keep the rules of HTTP/2.
    """

    def __init__(self, exchanges: "_Exchanges") -> None:
        self.carrier = exchanges.carrier
        self.msg = HTTPMessage()  # where requests looks for cookies, of which it is to keep none
        self.status, self.fields = _head(exchanges)
        self._exchanges = exchanges
        self._piece = b""

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes of the body, as they were sent; none at its end. Raises `HopError`."""
        while not self._piece:
            event = self._exchanges.next()
            if isinstance(event, StreamEnded):
                return b""
            if isinstance(event, DataReceived):
                self._piece = event.data
        end = size if size > 0 else len(self._piece)
        given, self._piece = self._piece[:end], self._piece[end:]
        return given

    def isclosed(self) -> bool:
        """Whether its body was read to the end, or nobody wants more of it."""
        return self.closed


class _Exchanges:
    """One request and response after the other on a connection where both sides speak HTTP/2."""

    def __init__(self, carrier: GuardedSocket) -> None:
        self.carrier = carrier
        self._unread = bytearray()
        self._events: deque[Event] = deque()
        self._stream = 0
        self._ended = False
        self._is_last = False
        self._machine = H2Connection(_AS_CLIENT)
        self._machine.local_settings = Settings(client=True, initial_values=_SETTINGS)
        self._machine.decoder.max_header_list_size = MOST_IN_ALL
        self._machine.initiate_connection()

    def ask(self, method: str, authority: str, path: str, headers: Mapping[str, str]) -> None:
        """Send a request without a body. Raises `HopError`."""
        if self._is_last:
            raise HopError(Trouble.REFUSED, "The server takes no more requests on this connection.")
        pseudo = {":method": method, ":scheme": "https", ":authority": authority, ":path": path}
        self._ended = False
        self._events.clear()
        with _rules_kept():
            self._stream = self._machine.get_next_available_stream_id()
            fields = [(name.lower(), value) for name, value in headers.items()]
            self._machine.send_headers(self._stream, [*pseudo.items(), *fields], end_stream=True)
        self._flush()

    def next(self) -> Event:
        """The next thing that happens to the request; once its response has ended, always that. Raises `HopError`."""
        octets = 0
        for _ in range(_MOST_FRAMES):
            while self._events:
                if event := self._heeded(self._events.popleft()):
                    return event
            if self._ended:
                return StreamEnded(stream_id=self._stream)
            frame = self._frame()
            octets += len(frame)
            if octets > _MOST_OCTETS:
                break
            if frame[3] == _GOAWAY:
                self._demand_goodwill(frame[9:])
                continue
            with _rules_kept():
                self._events += self._machine.receive_data(frame)
            self._acknowledge()
        raise HopError(Trouble.LARGE, "It sends too many frames that lead to nothing.")

    def _heeded(self, event: Event) -> Event | None:
        """An event that tells something of the response."""
        if getattr(event, "stream_id", None) != self._stream:
            return None
        match event:
            case DataReceived():
                with _rules_kept():
                    self._machine.acknowledge_received_data(event.flow_controlled_length or 0, self._stream)
                self._acknowledge()
                return event if event.data else None
            case StreamReset():
                raise HopError(Trouble.REFUSED, f"The server breaks off: {_error(event.error_code or 0)}.")
            case StreamEnded():
                self._ended = True
                return event
            case ResponseReceived() | InformationalResponseReceived():
                return event
            case _:
                return None

    def _demand_goodwill(self, goaway: bytes) -> None:
        """Raises `HopError` where the server says that it goes without answering.

        h2 is not told of the others: it would read nothing more, and servers say that this request is the last one.
        """
        last, error = int.from_bytes(goaway[:4]) & 0x7FFFFFFF, int.from_bytes(goaway[4:8])
        if error or last < self._stream:
            raise HopError(Trouble.REFUSED, f"The server breaks the connection off: {_error(error)}.")
        self._is_last = True

    def _frame(self) -> bytes:
        """The next frame (RFC 9113, 4.1)."""
        size = int.from_bytes(self._taken(9)[:3])
        if size > _LARGEST_FRAME:
            begin = bytes(self._unread[:40])
            raise HopError(Trouble.MALFORMED, f"It does not answer in HTTP/2, which it chose, but sends {begin!r}.")
        frame = self._taken(9 + size)
        del self._unread[: len(frame)]
        return frame

    def _taken(self, size: int) -> bytes:
        """So many bytes of what is unread, without taking them out."""
        while len(self._unread) < size:
            some = bytearray(_LARGEST_FRAME)
            count = self.carrier.recv_into(some)
            if not count:
                raise HopError(Trouble.REFUSED, "The connection ended before the response did.")
            self._unread += some[:count]
        return bytes(self._unread[:size])

    def _acknowledge(self) -> None:
        """Send what h2 has to say by itself; who has closed the connection may have sent all before."""
        with suppress(OSError):
            self._flush()

    def _flush(self) -> None:
        if waiting := self._machine.data_to_send():
            self.carrier.sendall(waiting)


_AS_CLIENT = H2Configuration(
    client_side=True,
    header_encoding=None,
    validate_inbound_headers=False,  # it refuses `connection`, which browsers pass over; `_fields` does the rest
    normalize_inbound_headers=False,
)
_SETTINGS = {SettingCodes.ENABLE_PUSH: 0, SettingCodes.MAX_HEADER_LIST_SIZE: MOST_IN_ALL}
_LARGEST_FRAME = 16384
_MOST_FRAMES = 1000
_MOST_OCTETS = 512 * 1024
_GOAWAY = 7
_STATUS = re.compile(rb"[2-9][0-9]{2}")
_NO_VALUE = re.compile("[\0\r\n]")


def _head(exchanges: _Exchanges) -> tuple[int, tuple[Field, ...]]:
    """The status and the headers of the response that is asked for. Raises `HopError`."""
    for _ in range(MOST_INFORMATIONAL):
        match exchanges.next():
            case ResponseReceived(headers=sent):
                return _status(sent or ()), tuple(_fields(sent or ()))
            case InformationalResponseReceived():
                continue
            case _:
                raise HopError(Trouble.MALFORMED, "It sends a body before the headers.")
    raise HopError(Trouble.MALFORMED, "It sends nothing but informational responses.")


def _status(sent: Sequence[tuple[bytes, bytes]]) -> int:
    """The status (RFC 9113, 8.3.2), which stands before the headers."""
    said = [value for name, value in sent if name.startswith(b":")]
    if len(said) != 1 or sent[0][0] != b":status" or not _STATUS.fullmatch(said[0]):
        raise HopError(Trouble.MALFORMED, "It answers without a status.")
    return int(said[0])


def _fields(sent: Sequence[tuple[bytes, bytes]]) -> Iterator[Field]:
    """The headers, each as good as RFC 9113, 8.2.1 demands: its name a token in lower case, its value one line."""
    if len(sent) - 1 > MOST_LINES:
        raise HopError(Trouble.LARGE, f"It sends more than {MOST_LINES} lines of headers.")
    for name, value in ((name.decode("iso-8859-1"), value.decode("iso-8859-1")) for name, value in sent[1:]):
        if len(name) + len(value) > MOST_BYTES:
            raise HopError(Trouble.LARGE, f"It sends a line of headers of more than {MOST_BYTES} bytes.")
        if not TOKEN.fullmatch(name) or name != name.lower() or _NO_VALUE.search(value):
            raise HopError(Trouble.MALFORMED, f"It sends a header that HTTP/2 does not allow: {name[:40]!r}.")
        yield Field(name, value.strip(" \t"))


@contextmanager
def _rules_kept() -> Iterator[None]:
    """Turns what h2 objects to into `HopError`."""
    try:
        yield
    except DenialOfServiceError as error:
        raise HopError(Trouble.LARGE, f"It sends more than {MOST_IN_ALL} bytes of headers.") from error
    except H2Error as error:
        raise HopError(Trouble.MALFORMED, f"It does not keep the rules of HTTP/2: {str(error).rstrip('.')}.") from error


def _error(code: int) -> str:
    """An error as RFC 9113, 7 names it."""
    return ErrorCodes(code).name if code in set(ErrorCodes) else f"error {code}"
