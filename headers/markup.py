"""What the source of a page says that concerns its headers: policies in meta elements, scripts, styles, nonces."""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urljoin

from fixby.headers import html


class Meta(NamedTuple):
    """A `meta` element that stands for a header: its name in lower case, and the value."""

    name: str
    value: str


class Loaded(NamedTuple):
    """A script or style sheet that the page loads: its whole URL, and its integrity where that is given."""

    tag: str
    url: str
    integrity: str | None


@dataclass(slots=True)
class Markup:
    """What was found. `late` are the policies in meta elements outside of the head, which browsers ignore."""

    metas: list[Meta] = field(default_factory=list)
    late: list[Meta] = field(default_factory=list)
    referrer: str | None = None
    loaded: list[Loaded] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)


def read(body: bytes, content_type: str, url: str) -> Markup:
    """What the source says, as far as it was read; nothing where it is not HTML. Never raises for its content."""
    if not is_html(content_type) or not body:
        return Markup()
    text = _text(body, content_type)
    reader = _Reader(Markup(), url)
    for token in html.tokens(text, reader.head(text), skim=True):
        reader.take(token)
    return reader.found


def is_html(content_type: str) -> bool:
    """Whether a Content-Type is of HTML; what is not given, or not one, may be (MIME Sniffing, 7)."""
    kind = content_type.partition(";")[0].strip().lower()
    return "/" not in kind or kind in ("text/html", "application/xhtml+xml", "*/*", "unknown/unknown")


def _text(body: bytes, content_type: str) -> str:
    """The source as characters, by its byte order mark, its header, or a meta element (HTML, 13.2.3)."""
    for mark, encoding in _MARKS.items():
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    encoding = _encoding(_CHARSET.search(content_type))
    if not encoding:
        encoding = _encoding(_CHARSET_WITHIN.search(body[:_PRESCANNED].decode("latin-1")))
        encoding = "utf-8" if encoding.startswith("utf-16") else encoding
    return "" if encoding in _UNREADABLE else body.decode(encoding or "cp1252", "replace")


_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_BE: "utf-16-be", codecs.BOM_UTF16_LE: "utf-16-le"}
_CHARSET = re.compile(r"""[;\s]charset=\s*["']?([\w.:-]+)""", re.ASCII | re.IGNORECASE)
_CHARSET_WITHIN = re.compile(r"""<meta[\s/][^>]*?charset\s*=\s*["']?\s*([\w.:-]+)""", re.ASCII | re.IGNORECASE)
_PRESCANNED = 1024
_UNREADABLE = frozenset({"hz", "iso2022_kr"})
"""Encodings that browsers refuse: they show nothing of the page."""

_ENCODINGS = re.compile(
    r"utf-8|utf-16|utf-16-[bl]e|iso8859-\d+|cp125\d|cp866|cp874|koi8-[ru]|mac-(?:roman|cyrillic)|ascii"
    r"|gbk|gb2312|gb18030|big5|big5hkscs|euc_jp|iso2022_jp|shift_jis|euc_kr|hz|iso2022_kr"
)


def _encoding(named: re.Match[str] | None) -> str:
    """The codec of an encoding that browsers know, or nothing."""
    try:
        codec = codecs.lookup(named[1]).name if named else ""
    except (LookupError, UnicodeError):
        return ""
    codec = {"utf-16": "utf-16-le", "iso8859-1": "cp1252", "ascii": "cp1252"}.get(codec, codec)
    return codec if _ENCODINGS.fullmatch(codec) else ""


_IN_HEAD = frozenset(
    {
        *("html", "head", "base", "basefont", "bgsound", "link", "meta", "title", "script", "style", "noscript"),
        *("template", "noframes"),
    }
)
_ENDS_HEAD = frozenset({"body", "html", "br"})
_POLICIES = ("content-security-policy", "content-security-policy-report-only")


@dataclass(slots=True)
class _Reader:
    found: Markup
    base: str
    has_base: bool = False
    in_head: bool = True
    templates: int = 0

    def head(self, text: str) -> int:
        """Read the head, and say where what follows begins (HTML, 13.2.6.4.1 to .6)."""
        after = False
        for token in html.tokens(text):
            if not self.templates and _leaves_head(token, after=after):
                self.in_head = False
                return token.start
            after = after or (token.is_end and token.name == "head" and not self.templates)
            self.take(token)
        return len(text)

    def take(self, token: html.Token) -> None:
        """Read an element; what is in a template is none."""
        if token.name == "template":
            self.templates = max(0, self.templates + (-1 if token.is_end else 1))
        elif token.name and not token.is_end and not self.templates:
            self._element(token.name, token.attributes)

    def _element(self, tag: str, given: Mapping[str, str]) -> None:
        match tag:
            case "meta":
                self._meta(given)
            case "base" if "href" in given and not self.has_base:
                self.base, self.has_base = _joined(self.base, given["href"]), True
            case "script" if "src" in given:
                self.found.loaded.append(Loaded(tag, _joined(self.base, given["src"]), given.get("integrity")))
            case "link" if "stylesheet" in given.get("rel", "").lower().split() and "href" in given:
                self.found.loaded.append(Loaded(tag, _joined(self.base, given["href"]), given.get("integrity")))
        if given.get("nonce") and tag in ("script", "style", "link"):
            self.found.nonces.add(given["nonce"])

    def _meta(self, given: Mapping[str, str]) -> None:
        name, value = given.get("http-equiv", "").lower(), given.get("content", "")
        if name in _POLICIES and value:
            (self.found.metas if self.in_head else self.found.late).append(Meta(name, value))
        if given.get("name", "").lower() == "referrer" and value:
            self.found.referrer = value


def _leaves_head(token: html.Token, *, after: bool) -> bool:
    """Whether a token begins the body, in the head or `after` it."""
    if not token.name:
        return bool(token.text.strip("\t\n\f\r "))
    if token.is_end:
        return token.name in _ENDS_HEAD
    return token.name not in _IN_HEAD or (after and token.name == "noscript")


def _joined(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference.strip())
    except ValueError:
        return ""
