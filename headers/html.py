"""The tags and the text of a page's source, parted as browsers do (HTML, 13.2.5), in linear time."""

import re
from collections.abc import Iterator
from html import unescape
from html.entities import html5
from typing import NamedTuple


class Token(NamedTuple):
    """A tag, its name in lower case, or a run of text, which has no name; `written` are attributes, or the text."""

    name: str
    written: str
    is_end: bool = False
    start: int = 0

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes by their name in lower case; of those that stand twice the first counts."""
        found: dict[str, str] = {}
        for name, value in _ATTRIBUTE.findall(self.written):
            bare = value[1:-1] if value[:1] in ('"', "'") else value
            found.setdefault(name.lower(), _REFERENCE.sub(_meant, bare.replace("\0", "\ufffd")))
        return found

    @property
    def text(self) -> str:
        """What a run of text says; browsers pass over NUL."""
        return _REFERENCE.sub(_meant, self.written.replace("\0", ""))


def tokens(text: str, at: int = 0, *, skim: bool = False) -> Iterator[Token]:
    """The tags and runs of text from `at` on, without comments and without what is in elements such as script.

    To `skim` is to pass over text and tags that neither load nor hold anything of weight.
    """
    while at < len(text):
        if skim and (boring := _BORING.match(text, at)):
            at = boring.end()
        start = found.start() if (found := _MARKUP.search(text, at)) else len(text)
        if start > at:
            yield Token("", text[at:start], start=at)
        tag = _TAG.match(text, start)
        if tag:
            yield Token(tag["name"].lower(), tag["attributes"], bool(tag["end"]), start)
            at = tag.end() if tag["end"] else _after_raw(text, tag.end(), tag["name"].lower())
        elif _TAG_NAME.match(text, start):
            return
        else:
            at = _after_comment(text, start)


_NAME = r"[A-Za-z][^\s/>]*+"
_ATTRIBUTE_NAME = r"[^\s/>][^\s/>=]*+"
_VALUE = r"""(?:"[^"]*+"|'[^']*+'|(?!["'])[^\s>]++)"""
_ATTRIBUTE = re.compile(rf"({_ATTRIBUTE_NAME})(?:\s*+=\s*+({_VALUE}))?", re.ASCII)
_ATTRIBUTES = rf"(?>[\s/]++|{_ATTRIBUTE_NAME}(?:\s*+=\s*+(?:{_VALUE}|(?=>)))?+)*+"
_TAG = re.compile(rf"<(?P<end>/?)(?P<name>{_NAME})(?P<attributes>{_ATTRIBUTES})>", re.ASCII)
_TAG_NAME = re.compile(r"</?[A-Za-z]")
_MARKUP = re.compile(r"<(?:[A-Za-z!?]|/.)", re.DOTALL)

_RAW = frozenset({"style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript", "plaintext"})
"""Elements beside script whose content is text, where scripts run."""

_HELD = "|".join(sorted(_RAW | {"script", "template", "meta", "base", "link"}))
_BORING = re.compile(
    rf"(?>[^<]++|<(?![A-Za-z!?/])|</?(?!(?:{_HELD})[\s/>]){_NAME}{_ATTRIBUTES}>)*+", re.ASCII | re.IGNORECASE
)


def _after_comment(text: str, start: int) -> int:
    """Where what begins with `<!`, `<?` or `</` and is no tag ends."""
    if text.startswith("<!--", start):
        end = _END_OF_COMMENT.match(text, start + 4) or _COMMENT.search(text, start + 4)
        return end.end() if end else len(text)
    return text.find(">", start) + 1 or len(text)


_END_OF_COMMENT = re.compile("-?>")
_COMMENT = re.compile("--!?>")


def _after_raw(text: str, at: int, name: str) -> int:
    """Where the content of an element ends, at its end tag, if there are no tags in it; else where it begins."""
    if name == "script":
        return _after_script(text, at)
    if name not in _RAW:
        return at
    end = re.compile(rf"</{name}(?=[\s/>])", re.ASCII | re.IGNORECASE).search(text, at)
    return end.start() if end and name != "plaintext" else len(text)


def _after_script(text: str, at: int) -> int:
    """Where a script ends: not at an end tag that another `<script` within `<!--` began (HTML, 13.2.5.15)."""
    escaped = twice = False
    for found in _IN_SCRIPT.finditer(text, at):
        mark = found[0].lower()
        if mark == "<!":
            escaped = True
        elif mark == "-->":
            escaped = twice = False
        elif mark == "<script":
            twice = escaped
        elif not twice:
            return found.start()
        else:
            twice = False
    return len(text)


_IN_SCRIPT = re.compile(r"<!(?=--)|-->|</?script(?=[\s/>])", re.ASCII | re.IGNORECASE)

_REFERENCE = re.compile(r"&(?:#[xX]?[0-9A-Fa-f]+;?|[A-Za-z0-9]+;|[A-Za-z0-9]+(?![A-Za-z0-9=]))")


def _meant(reference: re.Match[str]) -> str:
    """The character that is meant, in an attribute; a name without its semicolon has to end there."""
    name = reference[0][1:]
    if name.startswith("#"):
        digits = name.strip("#xX;").lstrip("0")
        return unescape(reference[0]) if len(digits) < _MOST_DIGITS else "\ufffd"
    return html5.get(name, reference[0])


_MOST_DIGITS = 8
