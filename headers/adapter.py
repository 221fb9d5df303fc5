"""requests, over guarded connections: what it sends, it sends through here, and nothing comes from the environment."""

import ssl
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util import parse_url

from fixby.errors import UsageError
from fixby.headers.connection import Guard, GuardedContext, Pool, TlsPool
from fixby.headers.manner import PORTS, Manner, origin


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom TLS believes: authorities alone, or anybody, which proves nothing. Making these takes some milliseconds."""

    proving: ssl.SSLContext
    identified: ssl.SSLContext
    """The same, and shows the client's certificate."""
    lenient: ssl.SSLContext

    @classmethod
    def of(cls, how: Manner) -> Self:
        """What a manner trusts. Raises `UsageError` where its files cannot be read."""
        proving = _proving(how)
        identified = proving
        if how.client:
            identified = _proving(how)
            try:
                identified.load_cert_chain(how.client.file, how.client.key)
            except (OSError, ssl.SSLError) as error:
                raise UsageError(f"{how.client.file} is no certificate with its key: {error}.") from error
        lenient = GuardedContext(ssl.PROTOCOL_TLS_CLIENT, http2=how.http2)
        lenient.check_hostname = False
        lenient.verify_mode = ssl.CERT_NONE
        lenient.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        lenient.set_ciphers("DEFAULT:@SECLEVEL=0")
        return cls(proving, identified, lenient)


def _proving(how: Manner) -> ssl.SSLContext:
    context = GuardedContext(ssl.PROTOCOL_TLS_CLIENT, http2=how.http2)
    context.hostname_checks_common_name = False  # no browser does
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if how.ca_file:
        try:
            context.load_verify_locations(how.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"{how.ca_file} is no file of certificates: {error}.") from error
    return context


class Adapter(HTTPAdapter):
    """Sends the requests of one thread. `verify=False` asks without proof, and without the client's certificate."""

    def __init__(self, guard: Guard, trust: Trust) -> None:
        super().__init__()
        self._guard = guard
        self._trust = trust
        self._pools: dict[tuple[str, bool], Pool | TlsPool] = {}

    def fetch(self, request: PreparedRequest, *, verify: bool) -> Response:
        """The response to a request, of which the head was read. Raises `HopError` and what requests raises."""
        proxy = self._guard.how.proxy
        return self.send(request, stream=True, verify=verify, proxies={"http": proxy, "https": proxy} if proxy else {})

    def close(self) -> None:
        """Close all connections."""
        super().close()
        for pool in self._pools.values():
            pool.close()

    def cert_verify(self, *_: object) -> None:
        """Do nothing: the pools know whom to trust."""

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: Any,  # noqa: ANN401 - requests'
        *_: object,
        **__: object,
    ) -> Pool | TlsPool:
        """The connections to where the request goes."""
        key = (origin(str(request.url)), bool(verify))
        if key not in self._pools:
            self._pools[key] = self._pool(key[0], verify=key[1])
        return self._pools[key]

    def _pool(self, place: str, *, verify: bool) -> Pool | TlsPool:
        parts = urlsplit(place)
        host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
        proxy = self._guard.how.proxy
        options: dict[str, Any] = {"guard": self._guard}
        if proxy:
            options |= {"_proxy": parse_url(proxy), "_proxy_headers": self.proxy_headers(proxy)}
        if parts.scheme == "http":
            to = parse_url(proxy) if proxy else None
            return Pool(str(to.host), to.port or 80, **options) if to else Pool(host, port, **options)
        made = _tls_pool(self._guard.how)
        if not verify:
            options |= {"ssl_context": self._trust.lenient, "cert_reqs": "CERT_NONE", "assert_hostname": False}
            return made(host, port, **options)
        client = self._guard.how.client
        context = self._trust.identified if client and place in client.origins else self._trust.proving
        return made(host, port, ssl_context=context, cert_reqs="CERT_REQUIRED", **options)


def _tls_pool(how: Manner) -> type[TlsPool]:
    """What holds the connections by https."""
    if not how.http2:
        return TlsPool
    from fixby.headers.http2 import Http2Pool  # noqa: PLC0415 - its package may not be installed

    return Http2Pool
