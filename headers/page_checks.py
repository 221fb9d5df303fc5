"""Checks of a page's other headers: framing, content types, referrers, isolation, caches, what is disclosed, SRI."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fixby.headers import structured_fields
from fixby.headers.check import Check, Evidence, evidence, failed, lines_of
from fixby.headers.page import Page
from fixby.headers.sites_apart import is_other_site
from fixby.severity import Severity

DOCUMENT_IDS = ("FRAMING", "REFERRER-POLICY", "PERMISSIONS-POLICY-MISSING", "COOP", "COEP", "SRI-EXTERNAL")
"""Checks that mean something of pages only."""

RESPONSE_IDS = ("XCTO", "CORP", "DISCLOSURE")


def document(page: Page) -> Iterator[Check]:
    """What is wrong with a page that browsers show."""
    yield from _framing(page)
    yield from _referrer_policy(page)
    if not lines_of(page.answer, "Permissions-Policy"):
        yield failed("PERMISSIONS-POLICY-MISSING", "The header is not sent.")
    yield from _isolation(page)
    yield from _integrity(page)


def response(page: Page) -> Iterator[Check]:
    """What is wrong with any response."""
    yield from _content_type_options(page)
    yield from _resource_policy(page)
    yield from _disclosure(page)
    if page.expected.authenticated:
        yield from _cached(page)


def _framing(page: Page) -> Iterator[Check]:
    if not page.allows.framed_by_other_origin:
        return
    lines = lines_of(page.answer, "X-Frame-Options")
    deciding = any("frame-ancestors" in policy.directives for policy in page.policies.enforced)
    if deciding:
        said = "frame-ancestors lets others frame it, whatever X-Frame-Options says."
    elif lines:
        said = "Browsers ignore this value."
    else:
        said = "Neither frame-ancestors nor X-Frame-Options is sent."
    yield failed("FRAMING", said, *lines, *(page.policies.evidence() if deciding else ()))


def _content_type_options(page: Page) -> Iterator[Check]:
    lines = lines_of(page.answer, "X-Content-Type-Options")
    values = structured_fields.split(page.answer.values("X-Content-Type-Options"))
    if values[0].lower() != "nosniff":
        yield failed("XCTO", "Its first value is not nosniff." if lines else "The header is not sent.", *lines)


_REFERRER_POLICIES = {
    "no-referrer": None,
    "same-origin": None,
    "strict-origin": None,
    "strict-origin-when-cross-origin": None,
    "origin": Severity.LOW,
    "origin-when-cross-origin": Severity.LOW,
    "no-referrer-when-downgrade": Severity.MEDIUM,
    "unsafe-url": Severity.MEDIUM,
}
"""The policies that browsers know, and how bad each is."""


def _referrer_policy(page: Page) -> Iterator[Check]:
    lines = lines_of(page.answer, "Referrer-Policy")
    words = [word.strip("\t ").lower() for value in page.answer.values("Referrer-Policy") for word in value.split(",")]
    if page.markup.referrer is not None:
        words.append(page.markup.referrer.strip().lower())
    known = [word for word in words if word in _REFERRER_POLICIES]
    if not known:
        said = "Browsers know none of its values." if words else "It is not sent; browsers have defaults of their own."
        yield failed("REFERRER-POLICY", said, *lines)
    elif severity := _REFERRER_POLICIES[known[-1]]:
        yield failed("REFERRER-POLICY", f"{known[-1]} tells other sites too much.", *lines, severity=severity)


def _isolation(page: Page) -> Iterator[Check]:
    for id_, name, good in (
        ("COOP", "Cross-Origin-Opener-Policy", ("same-origin", "same-origin-allow-popups", "noopener-allow-popups")),
        ("COEP", "Cross-Origin-Embedder-Policy", ("require-corp", "credentialless")),
    ):
        if structured_fields.token(page.answer.values(name)) not in good:
            lines = lines_of(page.answer, name)
            yield failed(id_, "Its value protects nothing." if lines else "The header is not sent.", *lines)


def _resource_policy(page: Page) -> Iterator[Check]:
    lines = lines_of(page.answer, "Cross-Origin-Resource-Policy")
    value = ", ".join(page.answer.values("Cross-Origin-Resource-Policy"))
    if value not in ("same-origin", "same-site", "cross-origin"):
        said = "Browsers know no such value: small letters count." if lines else "The header is not sent."
        yield failed("CORP", said, *lines)


def _cached(page: Page) -> Iterator[Check]:
    words = {word.strip("\t ").lower() for value in page.answer.values("Cache-Control") for word in value.split(",")}
    if "no-store" not in words:
        yield failed("CACHE-AUTH", "no-store is not there.", *lines_of(page.answer, "Cache-Control"))


_VERSION = re.compile(r"\d\.\d|/v?\d")


def _disclosure(page: Page) -> Iterator[Check]:
    told: set[str] = set()
    for field in page.answer.fields:
        name = field.name.lower()
        if name in _disclosing() and name not in told and _VERSION.search(field.value):
            told.add(name)
            yield failed("DISCLOSURE", f"{field.name} tells a version.", evidence(page.answer, field), subject=name)


@cache
def _disclosing() -> frozenset[str]:
    known = json.loads(Path(__file__).with_name("disclosing.json").read_text(encoding="utf-8"))
    return frozenset(name.lower() for name in known["names"])


_INTEGRITY = re.compile(r"sha(?:256|384|512)-[A-Za-z0-9+/_-]+={0,2}(?:\?[\x21-\x7e]*)?")


def _integrity(page: Page) -> Iterator[Check]:
    """Scripts and style sheets of other sites without an integrity that browsers can check, each site once."""
    told: set[tuple[str, str]] = set()
    for tag, url, integrity in page.markup.loaded:
        checked = any(_INTEGRITY.fullmatch(word) for word in (integrity or "").split())
        if checked or not is_other_site(page.answer.url, url):
            continue
        host = url.split("/")[2]
        if (tag, host) not in told:
            told.add((tag, host))
            severity = Severity.HIGH if url.startswith("http:") else Severity.MEDIUM
            said = "Its integrity is not valid." if integrity is not None else "It has no integrity."
            element = Evidence(page.answer.url, f"<{tag}> {url}")
            yield failed("SRI-EXTERNAL", f"{url}: {said}", element, subject=f"{tag} {host}", severity=severity)
