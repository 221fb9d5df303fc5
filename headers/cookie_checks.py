"""Checks of the cookies that a response sets, and of whom it lets read it across origins."""

from collections.abc import Iterator

from fixby.headers.check import Check, Evidence, evidence, failed, lines_of
from fixby.headers.cookies import Cookie, cookie
from fixby.headers.page import Page
from fixby.headers.response import Answer

COOKIE_IDS = (
    *("COOKIE-SESSION-SECURE", "COOKIE-SESSION-HTTPONLY", "COOKIE-SESSION-SAMESITE", "COOKIE-SESSION-PREFIX"),
    "COOKIE-INSECURE",
)
CORS_IDS = ("CORS-REFLECT-CRED", "CORS-NULL-CRED")


def cookies(page: Page, now: int) -> Iterator[Check]:
    """What is wrong with the cookies of a page and of the redirects to it; `now` is a UTC instant in seconds."""
    set_last: dict[str, tuple[Cookie, Evidence]] = {}
    for answer in (*page.before, page.answer):
        for field in answer.lines("Set-Cookie"):
            if found := cookie(field.value):
                set_last[found.name] = found, Evidence(answer.url, _redacted(str(evidence(answer, field).line)))
    for name, (found, line) in sorted(set_last.items()):
        if not found.is_deleted(now) and not page.expected.is_ignored(name):
            yield from _session(found, line) if page.expected.is_session(name) else _other(found, line)


def _session(found: Cookie, line: Evidence) -> Iterator[Check]:
    name = found.name
    if not found.is_secure:
        yield failed("COOKIE-SESSION-SECURE", f"{name} has no Secure.", line, subject=name)
    if not found.is_http_only:
        yield failed("COOKIE-SESSION-HTTPONLY", f"{name} has no HttpOnly.", line, subject=name)
    if found.same_site in ("", "none"):
        said = "has SameSite=None" if found.same_site else "has no SameSite"
        yield failed("COOKIE-SESSION-SAMESITE", f"{name} {said}.", line, subject=name)
    if refused := found.refused():
        yield failed("COOKIE-SESSION-PREFIX", f"Browsers refuse {name}: {refused}.", line, subject=name)
    elif not name.lower().startswith(("__host-", "__secure-")):
        yield failed("COOKIE-SESSION-PREFIX", f"{name} has no prefix.", line, subject=name)


def _other(found: Cookie, line: Evidence) -> Iterator[Check]:
    if not found.is_secure:
        yield failed("COOKIE-INSECURE", f"{found.name} has no Secure.", line, subject=found.name)


def _redacted(line: str) -> str:
    """A Set-Cookie line without the cookie's value, which may open a session."""
    head, semicolon, rest = line.partition(";")
    name, equals, value = head.partition("=")
    return f"{name}{equals}{'***' if value else ''}{semicolon}{rest}"


def cross_origin(page: Page, probe: Answer | None = None) -> Iterator[Check]:
    """Whom the response lets read it; `probe` is an answer to a request that came from an origin of nobody's."""
    for answer in (page.answer, *((probe,) if probe else ())):
        origin = ", ".join(answer.values("Access-Control-Allow-Origin"))
        credentials = ", ".join(answer.values("Access-Control-Allow-Credentials")) == "true"
        lines = lines_of(answer, "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials")
        if origin == "null" and credentials:
            yield failed("CORS-NULL-CRED", "The origin null is allowed, with credentials.", *lines)
            return
        if origin == PROBE_ORIGIN and credentials:
            yield failed("CORS-REFLECT-CRED", f"{PROBE_ORIGIN} is allowed, with credentials.", *lines)
            return
    if page.expected.authenticated and page.answer.values("Access-Control-Allow-Origin") == ("*",):
        lines = lines_of(page.answer, "Access-Control-Allow-Origin")
        yield failed("CORS-WILDCARD", "Any origin is allowed.", *lines)


PROBE_ORIGIN = "https://fixby-probe.invalid"
"""The origin that a probe says it comes from."""
