"""Whether a source list matches a URL: CSP Level 3, section 6.7.2."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from fixby.headers.csp import Host, Sources


@dataclass(frozen=True, slots=True)
class Place:
    """A URL in the parts that sources are compared with: scheme, host, port and path; 0 where there is no port."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def origin(self) -> tuple[str, str, int]:
        """What has to be equal for two places to be of one origin."""
        return (self.scheme, self.host, self.port)


DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def place(url: str) -> Place:
    """The parts of a URL. Raises `ValueError` for what is none."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return Place(scheme, (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(scheme, 0), parts.path)


def matches(sources: Sources, place: Place, page: Place) -> bool:
    """Whether sources in a policy of `page` match a place."""
    if sources.star and (place.scheme in DEFAULT_PORTS or place.scheme == page.scheme):
        return True
    if "'self'" in sources.keywords and _is_self(place, page):
        return True
    if any(_covers(scheme, place.scheme) for scheme in sources.schemes):
        return True
    return any(host_matches(host, place, page) for host in sources.hosts_for(place.host))


_UPGRADES: Mapping[str, str] = {"http": "https", "ws": "wss"}


def _covers(scheme: str, actual: str) -> bool:
    """Whether a scheme in a source allows another: its secure form is always meant too."""
    return actual in (scheme, _UPGRADES.get(scheme))


def _is_self(place: Place, page: Place) -> bool:
    if place.origin == page.origin:
        return True
    ports_fit = place.port == page.port or {place.port, page.port} <= {80, 443}
    secure = place.scheme in ("https", "wss") or (page.scheme == "http" and place.scheme == "ws")
    return place.host == page.host and ports_fit and secure


def host_matches(source: Host, place: Place, page: Place) -> bool:
    """Whether a host-source whose host covers that of a place matches in all its other parts too."""
    scheme = source.scheme or page.scheme
    return (
        place.scheme in DEFAULT_PORTS
        and _covers(scheme, place.scheme)
        and _is_port(source.port, place, upgraded=scheme != place.scheme)
        and _is_path(source.path, place.path)
    )


def _is_port(port: str, place: Place, *, upgraded: bool) -> bool:
    """Whether a port in a source allows that of a place; one that is written is never also of the secure scheme."""
    if port == "*":
        return True
    if not port:
        return place.port == DEFAULT_PORTS[place.scheme]
    return (int(port), place.port) == (80, 443) if upgraded else int(port) == place.port


def _is_path(pattern: str, path: str) -> bool:
    if not pattern or (pattern == "/" and not path):
        return True
    wanted, actual = unquote(pattern), unquote(path)
    return actual.startswith(wanted) if pattern.endswith("/") else actual == wanted
