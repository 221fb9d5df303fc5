"""The sites of a configuration: which of their paths are visited, how, and what is expected of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from fixby.headers.addresses import Network
from fixby.headers.expectations import DAY, Expectations
from fixby.headers.manner import ClientCertificate, ExtraHeader, Manner, origin
from fixby.policies.document import Table, text, texts
from fixby.sla.duration import HINT, duration


@dataclass(frozen=True, slots=True)
class SitePage:
    """A path of a site that is visited, and what is expected of it."""

    url: str
    expected: Expectations


@dataclass(frozen=True, slots=True)
class Site:
    """An origin: the pages of it that are visited, and how.

    With `probes` its other doors are tried too: http, the name with or without www, and a page that does not exist.
    """

    origin: str
    pages: tuple[SitePage, ...]
    how: Manner = field(default_factory=Manner)
    probes: bool = True


def of_url(url: str, how: Manner) -> Site:
    """The site of one URL that somebody names, whatever its port. Raises `ValueError` where it is no http or https."""
    port = urlsplit(url).port
    return Site(
        origin(url), (SitePage(url, Expectations()),), replace(how, ports=how.ports | {port} if port else how.ports)
    )


TRUSTED_KEYS = ("allow_private", "ca_file", "client_certificate", "headers", "proxy", "resolve")
"""What opens a network or gives credentials away: only a configuration that the caller names may say it."""

_KEYS = (
    *("url", "paths", "auth", "hsts_least", "hsts_subdomains", "hsts_preload", "session_cookies", "ignored_cookies"),
    *("transition", "csp", "ports", "families", "user_agent", "deadline", "http2", "probes", *TRUSTED_KEYS),
)


def site(table: Table, folder: Path, environment: Mapping[str, str], *, trusted: bool) -> Site:
    """A site as a configuration says it; its files are told from `folder`.

    Raises `ConfigurationError` with file, line and key.
    """
    table.demand_only(*_KEYS)
    for key in TRUSTED_KEYS:
        if key in table.values and not trusted:
            hint = "Name the file with --config or FIXBY_CONFIG: what is scanned may not choose it."
            raise table.error(key, "is not taken from the target's own configuration", hint)
    url = table.read("url", _url, 'Write url = "https://example.com".')
    paths: tuple[str, ...] = table.read_or(("/",), "paths", _paths, 'Write paths = ["/", "/login"].')
    behind: tuple[str, ...] = table.read_or(
        (), "auth", texts, 'Write auth = ["/account/"]: the paths that ask for credentials.'
    )
    for path in behind:
        if path not in paths:
            raise table.error("auth", f"names {path}, which is no path of the site", "Name it in paths too.")
    expected, policy = _expectations(table), _policies(table, paths)
    pages = tuple(
        SitePage(urljoin(url, path), replace(expected, authenticated=path in behind, csp=policy.get(path, "")))
        for path in paths
    )
    probes = table.read_or(True, "probes", _truth, "Write probes = false, or leave it out.")  # noqa: FBT003 - what holds otherwise
    return Site(origin(url), pages, _manner(table, url, folder, environment), probes)


def _policies(table: Table, paths: Sequence[str]) -> dict[str, str]:
    """The policies that paths must be as strict as: one for all of them, or one each."""
    hint = 'Write csp = "default-src \'self\'", or csp = { "/app/" = "default-src \'self\'" }.'
    nothing: str | dict[str, str] = ""
    said = table.read_or(nothing, "csp", _text_or_mapping, hint)
    if isinstance(said, str):
        return dict.fromkeys(paths, said)
    for path in said:
        if path not in paths:
            raise table.error("csp", f"names {path}, which is no path of the site", "Name it in paths too.")
    return said


def _expectations(table: Table) -> Expectations:
    default = Expectations()
    return Expectations(
        hsts_least=table.read_or(default.hsts_least, "hsts_least", _duration, HINT),
        hsts_subdomains=table.read_or(default.hsts_subdomains, "hsts_subdomains", _truth, "Write true or false."),
        hsts_preload=table.read_or(default.hsts_preload, "hsts_preload", _truth, "Write true or false."),
        session_cookies=table.read_or(default.session_cookies, "session_cookies", _patterns, _PATTERNS),
        ignored_cookies=table.read_or((), "ignored_cookies", _patterns, _PATTERNS),
        transition_days=table.read_or(default.transition_days, "transition", _days, 'Write transition = "30d".'),
    )


_PATTERNS = 'Write a list of regular expressions, such as ["^sid$"].'


def _manner(table: Table, url: str, folder: Path, environment: Mapping[str, str]) -> Manner:
    default, here = Manner(), frozenset({origin(url)})
    ports: tuple[int, ...] = table.read_or((), "ports", _ports, "Write ports = [8443].")
    named = urlsplit(url).port
    none: dict[str, str] = {}
    credentials = table.read_or(none, "headers", _credentials(environment), _CREDENTIALS)
    return Manner(
        allowed=table.read_or((), "allow_private", _networks, 'Write allow_private = ["10.0.0.0/8"].'),
        ports=frozenset(ports) | ({named} if named else frozenset()),
        resolve=table.read_or(none, "resolve", _mapping, 'Write resolve = { "example.com" = "10.0.0.1" }.'),
        families=table.read_or(default.families, "families", _families, "Write families = [4], [6] or [4, 6]."),
        ca_file=_file(table, "ca_file", folder),
        client=_client(table, folder, here),
        headers=tuple(ExtraHeader(name, value, here) for name, value in credentials.items()),
        proxy=table.read_or("", "proxy", text, 'Write proxy = "http://proxy.example.com:3128".'),
        user_agent=table.read_or(default.user_agent, "user_agent", text, 'Write user_agent = "...".'),
        seconds=table.read_or(default.seconds, "deadline", lambda value: float(duration(text(value))), HINT),
        http2=table.read_or(default.http2, "http2", _truth, "Write http2 = true, or leave it out."),
    )


_CREDENTIALS = 'Write headers = { Authorization = "env:NAME" }, with the value in the variable NAME.'


def _credentials(environment: Mapping[str, str]) -> Callable[[object], dict[str, str]]:
    """Reads headers whose values stand in variables, so that no file holds a secret."""

    def convert(value: object) -> dict[str, str]:
        found = {}
        for name, said in _mapping(value).items():
            scheme, _, variable = said.partition(":")
            if scheme != "env" or variable not in environment:
                raise ValueError(f"the value of {name} is not in the environment")
            found[name] = environment[variable]
        return found

    return convert


def _file(table: Table, key: str, folder: Path) -> Path | None:
    name = table.read_or("", key, text, f'Write {key} = "path/to/file.pem".')
    return folder / name if name else None


def _client(table: Table, folder: Path, origins: frozenset[str]) -> ClientCertificate | None:
    file = _file(table, "client_certificate", folder)
    return ClientCertificate(file, origins) if file else None


def _url(value: object) -> str:
    url = text(value)
    origin(url)
    return url


def _paths(value: object) -> tuple[str, ...]:
    some = texts(value)
    for path in some:
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f"{path!r} is no path of the site")
    return some


def _text_or_mapping(value: object) -> str | dict[str, str]:
    return _mapping(value) if isinstance(value, dict) else text(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _duration(value: object) -> int:
    return duration(text(value))


def _days(value: object) -> int:
    days, rest = divmod(_duration(value), DAY)
    if rest or not days:
        raise ValueError(f"{value!r} is no number of days")
    return days


def _patterns(value: object) -> tuple[str, ...]:
    some = texts(value)
    for pattern in some:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return some


def _ports(value: object) -> tuple[int, ...]:
    return _numbers(value, range(1, 65536), "port")


def _families(value: object) -> tuple[int, ...]:
    return _numbers(value, (4, 6), "version of IP")


def _numbers(value: object, known: range | tuple[int, ...], what: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not value or any(item not in known for item in value):
        raise ValueError(f"{value!r} is no list of a {what}")
    return tuple(value)


def _networks(value: object) -> tuple[Network, ...]:
    return tuple(ip_network(name) for name in texts(value))


def _mapping(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no section")
    return {str(name): text(said) for name, said in value.items()}
