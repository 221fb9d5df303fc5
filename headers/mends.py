"""What mends failures, as lines to paste into the configuration of a server: only what a header can mend.

A policy that is new or stricter is sent as one that only reports at first. A line that may break something, or that the
server cannot make by itself, is a comment.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from fixby.headers.check import Check, catalogue
from fixby.headers.dialects import DIALECTS, Line, Server, written
from fixby.headers.judge import Judged
from fixby.headers.page import ENFORCED, REPORTED, Page
from fixby.headers.suggestion import suggested
from fixby.severity import Severity


def mends(judged: Sequence[Judged], server: Server) -> str:
    """The lines for what failed on some URLs, a block for each origin; a comment where there is nothing to paste."""
    origins = dict.fromkeys(_origin(one) for one in judged)
    blocks = []
    for origin in origins:
        lines = _lines([one for one in judged if _origin(one) == origin])
        if lines:
            blocks.append(written(server, origin, lines))
    return "\n\n".join(blocks) or f"{DIALECTS[server].comment} No header mends anything here."


def _origin(one: Judged) -> str:
    """Where the headers of a URL come from in the end."""
    parts = urlsplit(one.page.answer.url if one.page else one.url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _lines(some: Sequence[Judged]) -> list[Line]:
    """What to send from one origin: each header once."""
    found: dict[str, Line] = {}
    for one in some:
        for check in one.failures:
            for line in _mend(check, one, some):
                found[line.name.lower()] = _better(found.get(line.name.lower()), line)
    for page in (one.page for one in some if one.page):
        for line in _policy_lines(page, some):
            found.setdefault(line.name.lower(), line)
    return list(found.values())


def _better(one: Line | None, other: Line) -> Line:
    """Of two lines for a header the one that asks for more: it mends what the other does, too."""
    return one if one and len(one.value) >= len(other.value) else other


def _mend(check: Check, one: Judged, some: Sequence[Judged]) -> Iterator[Line]:
    page = one.page
    if page is None:
        return
    if check.id == "DISCLOSURE":
        yield Line("-".join(map(str.capitalize, check.subject.split("-"))), "")
    elif check.id == "COVERAGE-GAP":
        values = next((v for other in some if other.page and (v := other.page.answer.values(check.subject))), ())
        if values and _is_harmless(values[0]):
            yield Line(check.subject, values[0], f"{urlsplit(one.url).path} does not send it.")
    elif (header := catalogue()[check.id].header) and not check.id.startswith("CSP-") and check.id != "FRAMING":
        name, _, value = header.partition(": ")
        line = Line(name, value, replaces=bool(page.answer.lines(name)))
        yield _with_care(line, check, one)


def _with_care(line: Line, check: Check, one: Judged) -> Line:
    """A line with what is to be thought of before it is used."""
    if check.id == "CACHE-AUTH":
        return replace(line, unless=f"It is for {urlsplit(one.url).path} and what else only users may see.")
    if check.severity is Severity.INFO:
        return replace(line, unless="It may break what embeds or opens the page, or is embedded in it: try it first.")
    if check.id.startswith("HSTS"):
        return replace(line, note="Browsers hold to it for two years, on all subdomains: see that all speak https.")
    return line


def _policy_lines(page: Page, some: Sequence[Judged]) -> Iterator[Line]:
    """A stricter policy to try out, made from the one that is tried out already, and one against frames."""
    failed = {check.id for one in some if one.page is page for check in one.failures if check.severity.rank > 0}
    sent = [value for value in page.answer.values(ENFORCED) if _is_harmless(value)]
    if "FRAMING" in failed:
        note = "A comma begins another policy; both count." if sent else ""
        yield Line(ENFORCED, ", ".join((*sent, "frame-ancestors 'self'")), note, replaces=bool(sent))
    tried = [value for value in page.answer.values(REPORTED) if _is_harmless(value)]
    better = suggested(tried or sent, page.place)
    if better.changes and any(id_.startswith("CSP-") for id_ in failed - _NOT_THE_POLICY):
        yield Line(REPORTED, ", ".join(better.policies), _TRY, replaces=bool(page.answer.lines(REPORTED)))


_NOT_THE_POLICY = {"CSP-REPORT-ONLY", "CSP-NONCE-STATIC", "CSP-NO-REPORTING", "CSP-REPORT-ENDPOINT-UNDEFINED"}
_TRY = "Try it out: once its reports show nothing that the site needs, send it as Content-Security-Policy."


def _is_harmless(value: str) -> bool:
    """Whether a value that somebody sent can be pasted: no control characters, nothing but ASCII."""
    return value.isascii() and value.isprintable()
