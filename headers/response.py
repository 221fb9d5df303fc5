"""What a site answered: each hop of a visit, its headers as they were sent, and the TLS that carried them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit


class Field(NamedTuple):
    """One line of a header: the name as sent, and the value as ISO 8859-1, without white space around it."""

    name: str
    value: str

    def __str__(self) -> str:
        """The line as it was sent."""
        return f"{self.name}: {self.value}"


class TlsFlaw(StrEnum):
    """Why a certificate proves nothing."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    NAME = "name"
    SELF_SIGNED = "self_signed"
    UNTRUSTED = "untrusted"
    OLD_PROTOCOL = "old_protocol"
    HANDSHAKE = "handshake"


@dataclass(frozen=True, slots=True)
class Tls:
    """The connection that carried an answer, or failed to.

    `protocol` is written as OpenSSL does (`TLSv1.3`); of the certificate there are the names it is for, who issued it,
    and from when to when it is valid, in UTC seconds since the epoch. What is not known is empty or None.
    """

    protocol: str = ""
    cipher: str = ""
    names: tuple[str, ...] = ()
    issuer: str = ""
    not_before: int | None = None
    not_after: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. Its headers are complete; `address` is the peer's, if known.

    `body` is decoded from its content coding, as far as it was read, and empty for a redirect; `cut` says why it ends
    early, if it does: too large, too slow, damaged. `trusted` is false of what came over TLS that did not prove whose
    it is: it shows headers, and proves nothing. Where it came through `proxy`, `address` is what the name resolves to
    here; whom the proxy asked is not known. `http` is the protocol that carried it, such as `HTTP/2`; empty where that
    is not known.
    """

    url: str
    status: int
    fields: tuple[Field, ...]
    body: bytes = b""
    tls: Tls | None = None
    address: str = ""
    trusted: bool = True
    cut: str = ""
    proxy: str = ""
    http: str = ""

    def values(self, name: str) -> tuple[str, ...]:
        """The value of each line of a header, in the order sent."""
        return tuple(field.value for field in self.lines(name))

    def lines(self, name: str) -> tuple[Field, ...]:
        """Each line of a header, in the order sent."""
        return tuple(field for field in self.fields if field.name.lower() == name.lower())

    @property
    def is_https(self) -> bool:
        """Whether it was sent over TLS."""
        return urlsplit(self.url).scheme == "https"


class Trouble(StrEnum):
    """What kept a visit from its end."""

    NAME = "name"
    """The host has no address."""
    REFUSED = "refused"
    """Nobody answers there, or the connection broke."""
    TLS = "tls"
    TIME = "time"
    """The deadline passed."""
    LARGE = "large"
    """More headers, or longer lines of them, than are read; or too much that is neither headers nor body."""
    MALFORMED = "malformed"
    """What was sent is no HTTP."""
    REDIRECTS = "redirects"
    """A loop, or too many."""
    FORBIDDEN = "forbidden"
    """An address, port or scheme that is not to be visited."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended a visit early: its kind, the URL of the hop, and a sentence. `flaw` and `tls` where TLS failed."""

    kind: Trouble
    url: str
    reason: str
    flaw: TlsFlaw | None = None
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A URL that was asked for, and the answers of all hops in order; with no failure the last is the page itself.

    Where TLS failed, `answers` may end with one that is not `trusted`, read to see its headers.
    """

    url: str
    answers: tuple[Answer, ...] = ()
    failure: Failure | None = None

    @property
    def page(self) -> Answer | None:
        """The last answer, if the visit came to its end."""
        return self.answers[-1] if self.answers and not self.failure else None
