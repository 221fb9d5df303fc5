"""The cookies of one visit (RFC 6265): sites that set one and redirect to themselves expect it back."""

from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

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
            pair, *rest = line.split(";")
            name, equals, value = (part.strip(" \t") for part in pair.partition("="))
            attributes = _attributes(rest)
            place = _place(answer.url, attributes)
            if not equals or not name or len(line) > _LONGEST or not place:
                continue
            key = (name, place.domain, place.path)
            self._cookies.pop(key, None)
            if not _is_over(attributes, now) and len(self._cookies) < _MOST:
                self._cookies[key] = (place, f"{name}={value}")

    def header(self, url: str) -> str:
        """What is sent to a URL; empty for nothing."""
        return "; ".join(pair for place, pair in self._cookies.values() if place.holds(url) and pair.isascii())


_LONGEST = 4096
_MOST = 50


def _attributes(parts: list[str]) -> dict[str, str]:
    """Attributes by lower-cased name; the last of a name counts."""
    pairs = (part.partition("=") for part in parts)
    return {name.strip(" \t").lower(): value.strip(" \t") for name, _, value in pairs}


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


def _is_over(attributes: dict[str, str], now: float) -> bool:
    """Whether a cookie is set in order to end it."""
    lifetime = attributes.get("max-age", "")
    if lifetime.removeprefix("-").isdecimal():
        return lifetime.startswith("-") or not lifetime.strip("0")
    with suppress(ValueError, OverflowError):
        return parsedate_to_datetime(attributes["expires"]).timestamp() <= now if "expires" in attributes else False
    return False
