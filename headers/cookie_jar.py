"""The cookies of one visit (RFC 6265): sites that set one and redirect to themselves expect it back."""

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from fixby.headers.cookies import cookie
from fixby.headers.response import Answer


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a cookie is sent: to a host, or to all below a domain, from a path on, and perhaps by https only."""

    domain: str
    with_hosts_below: bool
    path: str
    secure: bool

    def holds(self, url: str) -> bool:
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path or "/"
        in_domain = host == self.domain or (self.with_hosts_below and host.endswith(f".{self.domain}"))
        on_path = path == self.path or path.startswith(self.path.rstrip("/") + "/")
        return in_domain and on_path and (not self.secure or parts.scheme == "https")


class Jar:
    """What sites set during a visit."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], tuple[_Place, str]] = {}

    def take(self, answer: Answer, now: float) -> None:
        """Keep the cookies that an answer sets, and forget those that it ends; `now` is in seconds since the epoch."""
        for line in answer.values("Set-Cookie"):
            found = cookie(line)
            place = _place(answer.url, found.attributes) if found else None
            if not found or not found.name or not place or len(line) > _LONGEST:
                continue
            key = (found.name, place.domain, place.path)
            self._cookies.pop(key, None)
            if not found.is_deleted(now) and len(self._cookies) < _MOST:
                self._cookies[key] = (place, f"{found.name}={found.value}")

    def header(self, url: str) -> str:
        """What is sent to a URL; empty for nothing."""
        return "; ".join(pair for place, pair in self._cookies.values() if place.holds(url) and pair.isascii())


_LONGEST = 4096
_MOST = 50


def _place(url: str, attributes: dict[str, str]) -> _Place | None:
    """Where a cookie of a URL is sent; None if it may not be set from there."""
    parts = urlsplit(url)
    host, asked = parts.hostname or "", attributes.get("domain", "").lower().removeprefix(".")
    if asked and asked != host and ("." not in asked or not host.endswith(f".{asked}") or _is_address(host)):
        return None
    path = attributes.get("path", "")
    if not path.startswith("/"):
        path = parts.path.rpartition("/")[0] or "/"
    return _Place(asked or host, bool(asked) and not _is_address(host), path, "secure" in attributes)


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        ip_address(host)
        return True
    return False
