"""Content Security Policies as browsers read them: CSP Level 3, sections 2.2 and 6.7."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Disposition(StrEnum):
    """Whether a policy is obeyed, or only tells what it would have stopped."""

    ENFORCE = "enforce"
    REPORT = "report"


class Delivery(StrEnum):
    """How a policy came."""

    HEADER = "header"
    META = "meta"


class Flaw(StrEnum):
    """What is wrong with how a policy is written."""

    NOT_ASCII = "not-ascii"
    UNKNOWN_DIRECTIVE = "unknown-directive"
    DUPLICATE_DIRECTIVE = "duplicate-directive"
    MISSING_SEMICOLON = "missing-semicolon"
    UNQUOTED_KEYWORD = "unquoted-keyword"
    UNKNOWN_KEYWORD = "unknown-keyword"
    BAD_NONCE_OR_HASH = "bad-nonce-or-hash"
    BAD_SOURCE = "bad-source"
    NONE_WITH_OTHERS = "none-with-others"
    STRAY_COMMA = "stray-comma"
    NOT_IN_META = "not-in-meta"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in a directive, at `token`; it is `serious` where it changes what the policy means."""

    flaw: Flaw
    directive: str
    token: str
    serious: bool = True


@dataclass(frozen=True, slots=True)
class Sources:
    """A source list, its keywords in lower case. One that is empty, or says `'none'` alone, allows nothing."""

    keywords: frozenset[str] = frozenset()
    nonces: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    hosts: tuple["Host", ...] = ()
    star: bool = False
    _named: dict[str, list["Host"]] = field(default_factory=dict, compare=False, repr=False)

    def hosts_for(self, host: str) -> Iterator["Host"]:
        """The host-sources whose host, written or with `*`, covers one: as many as it takes, however many there are."""
        if not self._named:
            for one in self.hosts:
                self._named.setdefault(one.host, []).append(one)
        labels = host.split(".")
        wildcards = (f"*.{'.'.join(labels[at:])}" for at in range(1, len(labels)))
        for name in ("*", host, *wildcards):
            yield from self._named.get(name, ())

    @property
    def is_closed(self) -> bool:
        """Whether nothing at all matches."""
        return not (self.keywords or self.nonces or self.hashes or self.schemes or self.hosts or self.star)

    @property
    def voids_inline(self) -> bool:
        """Whether a nonce or hash makes browsers pass over `'unsafe-inline'`."""
        return bool(self.nonces or self.hashes)


@dataclass(frozen=True, slots=True)
class Host:
    """A host-source. What is not written is empty; a path is as written, still escaped."""

    host: str
    scheme: str = ""
    port: str = ""
    path: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy: the values of each directive that counts, and what is wrong with how it is written."""

    directives: Mapping[str, tuple[str, ...]]
    disposition: Disposition = Disposition.ENFORCE
    delivery: Delivery = Delivery.HEADER
    text: str = ""
    mistakes: tuple[Mistake, ...] = ()
    _sources: dict[str, Sources] = field(default_factory=dict, compare=False, repr=False)

    def governing(self, directive: str) -> str | None:
        """The directive that decides where `directive` is asked for: itself, or the one that it falls back to."""
        return next((name for name in (directive, *FALLBACKS.get(directive, ())) if name in self.directives), None)

    def sources(self, directive: str) -> Sources | None:
        """The source list that decides where `directive` is asked for, or None where nothing restricts it."""
        name = self.governing(directive)
        if name is None:
            return None
        if name not in self._sources:
            self._sources[name] = source_list(self.directives[name])
        return self._sources[name]

    @property
    def is_effective(self) -> bool:
        """Whether any directive does something to the page."""
        return not _EFFECTIVE.isdisjoint(self.directives)


_SCRIPT, _STYLE, _CHILD = ("script-src", "default-src"), ("style-src", "default-src"), ("child-src", "default-src")
FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "script-src-elem": _SCRIPT,
    "script-src-attr": _SCRIPT,
    "style-src-elem": _STYLE,
    "style-src-attr": _STYLE,
    "worker-src": ("child-src", *_SCRIPT),
    "frame-src": _CHILD,
    "fenced-frame-src": ("frame-src", *_CHILD),
    **dict.fromkeys(
        (
            *("script-src", "style-src", "child-src", "connect-src", "font-src", "img-src", "manifest-src"),
            *("media-src", "object-src", "prefetch-src"),
        ),
        ("default-src",),
    ),
}
"""The directives that decide in place of one that is absent, the nearest first (CSP 3, 6.8.3)."""

FETCH = frozenset({"default-src", *FALLBACKS})
"""The directives whose values are source lists for what a page loads."""

SOURCE_LISTS = FETCH | {"base-uri", "form-action", "frame-ancestors"}
DEPRECATED = frozenset(
    {"block-all-mixed-content", "plugin-types", "prefetch-src", "referrer", "reflected-xss", "require-sri-for"}
)
"""What browsers no longer obey, or never did."""

REPORTING = frozenset({"report-uri", "report-to"})
DIRECTIVES = frozenset(
    SOURCE_LISTS
    | REPORTING
    | DEPRECATED
    | {
        *("navigate-to", "require-trusted-types-for", "sandbox", "trusted-types", "upgrade-insecure-requests"),
        "webrtc",
    }
)

_EFFECTIVE = DIRECTIVES - REPORTING - DEPRECATED

KEYWORDS = frozenset(
    f"'{word}'"
    for word in (
        *("self", "none", "unsafe-inline", "unsafe-eval", "unsafe-hashes", "strict-dynamic", "report-sample"),
        *("wasm-unsafe-eval", "unsafe-allow-redirects", "inline-speculation-rules", "trusted-types-eval"),
        *("report-sha256", "report-sha384", "report-sha512", "unsafe-webtransport-hashes"),
    )
)
_NOT_IN_META = frozenset({"report-uri", "frame-ancestors", "sandbox"})


def policies(
    values: Iterable[str],
    disposition: Disposition = Disposition.ENFORCE,
    delivery: Delivery = Delivery.HEADER,
) -> list[Policy]:
    """The policies that the lines of a header hold: one between any two commas that has a directive (CSP 3, 2.2.2)."""
    texts = (text for value in values for text in value.split(",") if text.strip(_SPACE))
    found = [parse(text, disposition, delivery) for text in texts]
    return [policy for policy in found if policy.directives or policy.mistakes]


def parse(text: str, disposition: Disposition = Disposition.ENFORCE, delivery: Delivery = Delivery.HEADER) -> Policy:
    """One policy, read as browsers do: the first directive of a name counts, and one that is not ASCII for nothing."""
    directives: dict[str, tuple[str, ...]] = {}
    dropped: set[str] = set()
    mistakes: list[Mistake] = []
    for token in (part.strip(_SPACE) for part in text.split(";")):
        if not token:
            continue
        name, values = _directive(token)
        if not _PRINTABLE.fullmatch(token):
            mistakes.append(Mistake(Flaw.NOT_ASCII, name, token))
            dropped.add(name)
        elif delivery is Delivery.META and name in _NOT_IN_META:
            mistakes.append(Mistake(Flaw.NOT_IN_META, name, name))
        elif name in directives or name in dropped:
            serious = directives.get(name) != values
            mistakes.append(Mistake(Flaw.DUPLICATE_DIRECTIVE, name, token, serious=serious))
        else:
            directives[name] = values
            mistakes += _mistakes(name, values)
    return Policy(directives, disposition, delivery, text.strip(_SPACE), tuple(mistakes))


def source_list(values: Sequence[str]) -> Sources:
    """What a source list says; whatever is malformed matches nothing and voids nothing (CSP 3, 2.3.1)."""
    words = [value.lower() for value in values]
    return Sources(
        keywords=frozenset(word for word in words if word in KEYWORDS and word != _NONE),
        nonces=tuple(match[1] for value in values if (match := _NONCE.fullmatch(value))),
        hashes=tuple(value for value in values if _HASH.fullmatch(value)),
        schemes=tuple(word[:-1] for word in words if _SCHEME.fullmatch(word)),
        hosts=tuple(host for value in values if value != "*" and (host := host_source(value))),
        star="*" in values,
    )


def host_source(text: str) -> Host | None:
    """A host-source, or None for what is none."""
    match = _HOST.fullmatch(text)
    if match is None or len(match["host"]) > _LONGEST_HOST:
        return None
    return Host(match["host"].lower(), (match["scheme"] or "").lower(), match["port"] or "", match["path"] or "", text)


_SPACE = "\t\n\f\r "
_WORDS = re.compile(rf"[{_SPACE}]+")
_PRINTABLE = re.compile(rf"[{_SPACE}\x21-\x7e]*")
_NONE = "'none'"
_BASE64 = r"[A-Za-z0-9+/_-]+={0,2}"
_NONCE = re.compile(rf"'nonce-({_BASE64})'", re.IGNORECASE)
_ALGORITHM = r"(?:sha-?(?:256|384|512)|ed25519)"
_DECODED = r"(?:[\w+/-]{4})*(?:[\w+/-]{2}={0,2}|[\w+/-]{3}=?)?"
_HASH = re.compile(rf"'{_ALGORITHM}-(?=[^'])({_DECODED})'", re.ASCII | re.IGNORECASE)
"""A hash that cannot be decoded is none, as browsers try to; a nonce is a text."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LONGEST_HOST = 253
_LABEL = r"[A-Za-z0-9_-]+"
_HOST = re.compile(
    rf"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<host>\*|(?:\*\.)?{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,9}|\*))?(?:(?P<path>/[^?#]*)(?:[?#].*)?)?"
)


def _directive(token: str) -> tuple[str, tuple[str, ...]]:
    name, *values = _WORDS.split(token)
    return name.lower(), tuple(values)


def _mistakes(name: str, values: Sequence[str]) -> Iterator[Mistake]:
    if name not in DIRECTIVES:
        is_source = name == "*" or any(mark in name.rstrip(":") for mark in "'./:")
        yield Mistake(Flaw.STRAY_COMMA if is_source else Flaw.UNKNOWN_DIRECTIVE, name, name)
    for value in values:
        if value.lower().rstrip(":") in DIRECTIVES and name not in ("trusted-types", "sandbox"):
            yield Mistake(Flaw.MISSING_SEMICOLON, name, value)
        elif name in SOURCE_LISTS and (flaw := _source_flaw(value)):
            yield Mistake(flaw, name, value, serious=flaw is not Flaw.BAD_SOURCE or _would_be_more(value))
    if name in SOURCE_LISTS and len(values) > 1 and _NONE in (value.lower() for value in values):
        yield Mistake(Flaw.NONE_WITH_OTHERS, name, _NONE)


def _source_flaw(value: str) -> Flaw | None:
    word = value.lower()
    if word in KEYWORDS or word == "*" or any(grammar.fullmatch(value) for grammar in (_NONCE, _HASH, _SCHEME)):
        return None
    if word.startswith(_NONCE_OR_HASH):
        return Flaw.BAD_NONCE_OR_HASH
    if f"'{word}'" in KEYWORDS or f"'{word}".startswith(_NONCE_OR_HASH) or word.strip('"') != word:
        return Flaw.UNQUOTED_KEYWORD
    if "'" in word:
        return Flaw.UNKNOWN_KEYWORD
    return None if host_source(value) else Flaw.BAD_SOURCE


_NONCE_OR_HASH = ("'nonce-", "'ed25519-", *(f"'sha{dash}{bits}-" for dash in ("", "-") for bits in (256, 384, 512)))


def _would_be_more(value: str) -> bool:
    """Whether a malformed source was meant to be a place: then what is there does not load."""
    return "." in value or "/" in value


def masked(text: str) -> str:
    """A policy without what is another in each response: the values of its nonces and hashes."""
    return _SECRET.sub(r"'\1-*'", text)


_SECRET = re.compile(rf"'(nonce|{_ALGORITHM})-{_BASE64}'", re.IGNORECASE)
