"""How a URL is to be visited: what is allowed, what is sent to whom, and how long it may take."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from fixby.errors import UsageError
from fixby.headers.addresses import Network

PORTS = {"http": 80, "https": 443}
"""The schemes that are visited, and their ports, which always may be."""


def origin(url: str) -> str:
    """The origin of a URL as browsers write it: `https://example.com`, the port only where it is not the scheme's.

    Raises `ValueError` where the URL has none.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"{url} has no origin.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class ExtraHeader:
    """A header that is sent to these origins and nobody else, such as a token or a cookie. The origins are of HTTPS.

    Raises `UsageError` where that makes no sense.
    """

    name: str
    value: str = field(repr=False)
    origins: frozenset[str]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.lower() in _OURS:
            raise UsageError(f"{self.name!r} is no header that can be sent in addition.")
        if not _VALUE.fullmatch(self.value):
            raise UsageError(f"The value of the header {self.name} has characters that no header has.")
        object.__setattr__(self, "origins", _of_https(self.origins))


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate that is shown to these origins and nobody else: a PEM file, and its key if not in that file."""

    file: Path
    origins: frozenset[str]
    key: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "origins", _of_https(self.origins))


@dataclass(frozen=True, slots=True)
class Manner:
    """How to visit.

    `allowed` are networks that may be visited though not all of the Internet reaches them, `ports` those beyond 80 and
    443. `resolve` gives hosts (`example.com`, or `example.com:8443`) an address instead of asking for it; that one must
    be allowed all the same. `families` are the versions of IP that may be used, the first rather than the second.
    Authorities of `ca_file` are trusted besides Mozilla's. Through a `proxy` (`http://host:port`) the names are looked
    up here too, and checked, but the proxy chooses whom it asks. `seconds` are of wall time, for the whole visit with
    redirects and repetitions; `most_body` is in bytes, decoded. With `http2` that is offered under https, and spoken
    where the server picks it.

    Nothing is taken from the environment: no proxy, no certificates, no `.netrc`. Raises `UsageError` for what makes no
    sense, and for HTTP/2 where its package is not installed.
    """

    allowed: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset()
    resolve: Mapping[str, str] = field(default_factory=dict, hash=False)
    families: tuple[int, ...] = (4, 6)
    ca_file: Path | None = None
    client: ClientCertificate | None = None
    headers: tuple[ExtraHeader, ...] = ()
    proxy: str = ""
    user_agent: str = f"fixby/{version('fixby')}"
    seconds: float = 30
    most_body: int = 512 * 1024
    http2: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "resolve", dict(map(_override, self.resolve.items())))
        if self.proxy and (urlsplit(self.proxy).scheme != "http" or not urlsplit(self.proxy).hostname):
            raise UsageError(f"The proxy {self.proxy} cannot be used.", "Write it as http://host:port.")
        if not _VALUE.fullmatch(self.user_agent):
            raise UsageError("The user agent has characters that no header has.")
        if self.http2 and not find_spec("h2"):
            raise UsageError("HTTP/2 needs a package that is not installed.", "Install fixby[http2].")


_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_OURS = {"accept-encoding", "connection", "content-length", "expect", "host", "te", "transfer-encoding"}


def _override(given: tuple[str, str]) -> tuple[str, str]:
    host, address = given
    try:
        return host.lower(), str(ip_address(address.strip("[]")))
    except ValueError as error:
        raise UsageError(f"{host} cannot be {address}: that is no address.") from error


def _of_https(urls: frozenset[str]) -> frozenset[str]:
    for url in urls:
        if not url.startswith("https://"):
            raise UsageError(f"{url} is sent no credentials: nothing proves who is asked.", "Name origins of https://.")
    try:
        return frozenset(map(origin, urls))
    except ValueError as error:
        raise UsageError(str(error), "Write origins as https://example.com.") from error
