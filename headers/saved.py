"""Responses that somebody saved: what `curl -si` prints, and HAR 1.2."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

from fixby.errors import ReportError
from fixby.headers.response import Answer, Field, Visit
from fixby.headers.source_match import place

NOWHERE = "https://saved.invalid/"
"""Where a response is taken to come from that does not say."""


def visits(content: bytes, file: str, url: str = "") -> list[Visit]:
    """The visits in a file that errors call `file`; `url` is where what `curl` printed came from.

    They are taken to have come over the TLS that their URL asks for. Raises `ReportError` where there is none.
    """
    try:
        is_har = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
        found = _har(content, file) if is_har else [_printed(content, file, url or NOWHERE)]
        for visit in found:
            for answer in visit.answers:
                place(answer.url)
    except ValueError as error:
        raise ReportError(f"{file} names what is no URL: {error}.", _HINT) from error
    return found


_STATUS = re.compile(rb"HTTP/[0-9.]+[ \t]+([0-9]{3})[^\r\n]*\r?\n")
_END_OF_HEAD = re.compile(rb"\r?\n[ \t]*\r?\n|\r?\n?\Z")


def _printed(content: bytes, file: str, url: str) -> Visit:
    answers: list[Answer] = []
    rest: bytes | None = content.lstrip(b"\xef\xbb\xbf\r\n")
    while rest is not None:
        status, head, body = _split(rest, file)
        rest = _next(status, body)
        if len(answers) > _MOST_REDIRECTS:
            raise ReportError(f"{file} has more than {_MOST_REDIRECTS} redirects.", _HINT)
        if status >= 200 and not (rest is not None and status == 200):
            fields = tuple(_fields(head, file))
            answers.append(Answer(url, status, fields, b"" if rest is not None else _readable(body)))
            location = answers[-1].values("Location")
            url = _joined(url, location[0], file) if location and rest is not None else url
    if not answers:
        raise ReportError(f"{file} has no response.", _HINT)
    return Visit(answers[0].url, tuple(answers))


_MOST_REDIRECTS = 50
"""What `curl -L` follows at the most, unless told otherwise."""

_HINT = "Save one with: curl -si URL > FILE, or export a HAR file from a browser."


def _split(content: bytes, file: str) -> tuple[int, bytes, bytes]:
    """The status, the head and what follows. A text without a status line is a head of one that was answered 200."""
    line = _STATUS.match(content)
    if line is None and not re.match(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:", content):
        raise ReportError(f"{file} begins with no response.", _HINT)
    start = line.end() if line else 0
    if re.match(rb"\r?\n", content[start : start + 2]):
        return int(line[1]) if line else 200, b"", content[start:].lstrip(b"\r\n")
    end = _END_OF_HEAD.search(content, start)
    head, body = (content[start : end.start()], content[end.end() :]) if end else (content[start:], b"")
    return int(line[1]) if line else 200, head, body


def _joined(url: str, location: str, file: str) -> str:
    try:
        target = urljoin(url, location)
        place(target)
    except ValueError as error:
        raise ReportError(f"{file} redirects to what is no URL: {location[:60]!r}", _HINT) from error
    return target


def _next(status: int, body: bytes) -> bytes | None:
    """What follows the body of a response that is not the last: of a redirect, a proxy, an interim one."""
    if status == 200:
        return body if _STATUS.match(body) else None
    if status >= 400 or 200 < status < 300:
        return None
    following = _STATUS.search(body)
    return body[following.start() :] if following else None


def _fields(head: bytes, file: str) -> Iterator[Field]:
    text = re.sub(r"\r?\n[ \t]+", " ", head.decode("latin-1"))
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not name or name != name.strip():
            raise ReportError(f"{file}: {line[:60]!r} is no header.", _HINT)
        yield Field(name, value.strip(" \t\r"))


def _readable(body: bytes) -> bytes:
    """A body that nobody packed."""
    return b"" if body[:2] == b"\x1f\x8b" else body


def _har(content: bytes, file: str) -> list[Visit]:
    try:
        entries = json.loads(content)["log"]["entries"]
        answers = [_answer(entry) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ReportError(f"{file} is no HAR file: {type(error).__name__} {error!s}.", _HINT) from error
    found = list(_chains([answer for answer in answers if answer.status]))
    pages = [visit for visit in found if _is_page(visit.answers[-1])]
    if not found:
        raise ReportError(f"{file} has no response.", _HINT)
    return pages or found


def _answer(entry: Mapping[str, Any]) -> Answer:
    response = entry["response"]
    fields = [
        Field(str(header["name"]), value.strip(" \t\r"))
        for header in response["headers"]
        for value in str(header["value"]).split("\n")
    ]
    url = str(entry["request"]["url"])
    place(url)
    return Answer(url, int(response["status"]), tuple(fields), _body(response))


def _body(response: Mapping[str, Any]) -> bytes:
    content = response.get("content") or {}
    text = str(content.get("text") or "")
    if content.get("encoding") != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _chains(answers: Sequence[Answer]) -> Iterator[Visit]:
    """The answers, each together with the redirects that led to it."""
    chain: list[Answer] = []
    for answer in answers:
        if chain and not _leads_to(chain[-1], answer.url):
            yield Visit(chain[0].url, tuple(chain))
            chain = []
        chain.append(answer)
        if not (300 <= answer.status < 400 and answer.values("Location")):
            yield Visit(chain[0].url, tuple(chain))
            chain = []
    if chain:
        yield Visit(chain[0].url, tuple(chain))


def _leads_to(answer: Answer, url: str) -> bool:
    try:
        return urljoin(answer.url, answer.values("Location")[0]) == url
    except ValueError:
        return False


def _is_page(answer: Answer) -> bool:
    return any("html" in value.lower() for value in answer.values("Content-Type"))
