"""What the source of a page says that concerns its headers: policies in meta elements, scripts, styles, nonces."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urljoin


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
    reader = _Reader(url)
    reader.feed(_text(body, content_type))
    return reader.found


def is_html(content_type: str) -> bool:
    """Whether a Content-Type is of HTML; one that is not given may be."""
    return content_type.partition(";")[0].strip().lower() in ("", "text/html", "application/xhtml+xml")


def _text(body: bytes, content_type: str) -> str:
    named = re.search(r'charset\s*=\s*"?([\w-]+)', content_type, re.IGNORECASE)
    try:
        return body.decode(named[1] if named else "utf-8", "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


_IN_HEAD = frozenset(
    {
        *("html", "head", "base", "basefont", "bgsound", "link", "meta", "title", "script", "style", "noscript"),
        *("template", "noframes"),
    }
)
_RAW = frozenset({"title", "textarea", "iframe", "noembed", "noframes", "noscript", "xmp"})
"""Elements beside script and style whose content is text, where scripts run."""

_POLICIES = ("content-security-policy", "content-security-policy-report-only")


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Markup()
        self._base = url
        self._in_head = True
        self._templates = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "template":
            self._templates += 1
        self._in_head = self._in_head and tag in _IN_HEAD
        given: dict[str, str] = {}
        for name, value in attrs:
            given.setdefault(name, value or "")
        if not self._templates:
            self._element(tag, given)
        if tag in _RAW:
            self.set_cdata_mode(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._templates = max(0, self._templates - 1)

    def handle_data(self, data: str) -> None:
        if self._in_head and not self.cdata_elem and data.strip():
            self._in_head = False

    def _element(self, tag: str, given: dict[str, str]) -> None:
        match tag:
            case "meta":
                self._meta(given)
            case "base" if "href" in given:
                self._base = _joined(self._base, given["href"])
            case "script" if "src" in given:
                self.found.loaded.append(Loaded(tag, _joined(self._base, given["src"]), given.get("integrity")))
            case "link" if "stylesheet" in given.get("rel", "").lower().split() and "href" in given:
                self.found.loaded.append(Loaded(tag, _joined(self._base, given["href"]), given.get("integrity")))
        if given.get("nonce") and tag in ("script", "style", "link"):
            self.found.nonces.add(given["nonce"])

    def _meta(self, given: dict[str, str]) -> None:
        name, value = given.get("http-equiv", "").lower(), given.get("content", "")
        if name in _POLICIES and value:
            (self.found.metas if self._in_head else self.found.late).append(Meta(name, value))
        if given.get("name", "").lower() == "referrer" and value:
            self.found.referrer = value


def _joined(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference.strip())
    except ValueError:
        return ""
