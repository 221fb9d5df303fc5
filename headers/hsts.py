"""Strict-Transport-Security as browsers read it (RFC 6797), and whether a policy may be preloaded."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address

PRELOAD_MAX_AGE = 31_536_000
"""A year: what the preload list asks for at the least, in seconds."""


class Effect(StrEnum):
    """What a browser does with the header."""

    SETS = "sets-hsts"
    REMOVES = "removes-hsts"
    IGNORED = "ignored"


class Void(StrEnum):
    """Why a browser ignores the header."""

    ABSENT = "absent"
    NOT_HTTPS = "not-over-https (RFC 6797 8.1)"
    BAD_CERTIFICATE = "tls-error (RFC 6797 8.1)"
    IP_ADDRESS = "host-is-ip-address (RFC 6797 8.1.1)"
    CONTROL_CHARACTER = "control-character"
    SYNTAX = "syntax"
    DUPLICATE = "duplicate-directive"
    VALUE_NOT_ALLOWED = "value-not-allowed"
    NO_MAX_AGE = "max-age-missing"
    NO_VALUE = "max-age-no-value"
    NO_DIGITS = "max-age-not-digits"


@dataclass(frozen=True, slots=True)
class Hsts:
    """A policy that a browser honours, `max_age` in seconds, or why it honours none.

    `unknown` are the directives that nobody knows, which changes nothing; `ineligible` the reasons of its header alone
    why the preload list would not take the host.
    """

    reason: Void | None
    max_age: int | None = None
    include_subdomains: bool = False
    preload: bool = False
    unknown: tuple[str, ...] = ()
    ineligible: tuple[str, ...] = ()

    @property
    def effect(self) -> Effect:
        """What a browser does with it."""
        if self.reason:
            return Effect.IGNORED
        return Effect.SETS if self.max_age else Effect.REMOVES


def read(values: Sequence[str], host: str, *, over_https: bool = True, trusted: bool = True) -> Hsts:
    """What the lines of the header of one response mean for `host`: only the first counts (RFC 6797, 8.1)."""
    if not values:
        return _void(Void.ABSENT)
    if not over_https:
        return _void(Void.NOT_HTTPS)
    if not trusted:
        return _void(Void.BAD_CERTIFICATE)
    if _is_address(host):
        return _void(Void.IP_ADDRESS)
    return _policy(values)


def _policy(values: Sequence[str]) -> Hsts:
    if _CONTROL.search(values[0]):
        return _void(Void.CONTROL_CHARACTER)
    try:
        directives = list(_directives(values[0]))
    except ValueError:
        return _void(Void.SYNTAX)
    named = dict(directives)
    if len(named) < len(directives):
        return _void(Void.DUPLICATE)
    if void := _meaningless(named):
        return _void(void)
    preload = "preload" in named and named["preload"] is None
    policy = Hsts(
        reason=None,
        max_age=int(_text(named["max-age"]).lstrip("0")[:_MOST_DIGITS] or 0),
        include_subdomains="includesubdomains" in named,
        preload=preload,
        unknown=tuple(name for name in named if name not in _KNOWN),
    )
    return replace(policy, ineligible=tuple(_ineligible(policy, values)))


def _void(reason: Void) -> Hsts:
    return Hsts(reason, ineligible=(f"the header is not honoured: {reason}",))


_MOST_DIGITS = 40
_KNOWN = ("max-age", "includesubdomains", "preload")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_UNUSUAL = re.compile(r'max-age(?:[ \t]+=|=[ \t"])', re.IGNORECASE)
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a grammar's word
_DIRECTIVE = re.compile(rf'[ \t]*(?:({_TOKEN})[ \t]*(?:=[ \t]*({_TOKEN}|"(?:[^"\\]|\\.)*")[ \t]*)?)?(?:;|$)', re.ASCII)


def _directives(value: str) -> Iterator[tuple[str, str | None]]:
    """Each directive's name in lower case, and its value if it has one. Raises `ValueError` for a wrong one."""
    at = 0
    while at < len(value):
        directive = _DIRECTIVE.match(value, at)
        if directive is None or directive.end() == at:
            raise ValueError(value)
        if directive[1]:
            yield directive[1].lower(), directive[2]
        at = directive.end()


def _meaningless(named: dict[str, str | None]) -> Void | None:
    if named.get("includesubdomains") is not None:
        return Void.VALUE_NOT_ALLOWED
    if "max-age" not in named:
        return Void.NO_MAX_AGE
    if named["max-age"] is None:
        return Void.NO_VALUE
    digits = _text(named["max-age"])
    return None if digits.isascii() and digits.isdecimal() else Void.NO_DIGITS


def _text(value: str | None) -> str:
    """A value without its quotes."""
    if value and value.startswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value or ""


def _ineligible(policy: Hsts, values: Sequence[str]) -> Iterator[str]:
    """What the preload list's own reader has against a header that browsers honour."""
    max_age = policy.max_age or 0
    if len(values) > 1:
        yield f"the header is sent {len(values)} times"
    if _UNUSUAL.search(values[0]):
        yield "max-age has quotes or white space, which the preload list's reader refuses"
    if max_age < PRELOAD_MAX_AGE:
        yield f"max-age is {max_age}, and {PRELOAD_MAX_AGE} is demanded"
    if max_age >= 2**64:
        yield "max-age is a number that the preload list's reader cannot hold"
    if not policy.include_subdomains:
        yield "includeSubDomains is missing"
    if not policy.preload:
        yield "preload is missing"


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
