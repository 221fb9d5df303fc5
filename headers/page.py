"""A page as it is judged: its answer, what its source says, and what both say of policies."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

from fixby.headers import markup, structured_fields
from fixby.headers.allows import Allows, allows
from fixby.headers.check import Evidence, evidence
from fixby.headers.csp import Delivery, Disposition, Policy, policies
from fixby.headers.csp_checks import Policies
from fixby.headers.expectations import Expectations
from fixby.headers.hsts import Hsts
from fixby.headers.hsts import read as read_hsts
from fixby.headers.markup import Markup, Meta
from fixby.headers.response import Answer
from fixby.headers.source_match import Place, place

ENFORCED, REPORTED = "Content-Security-Policy", "Content-Security-Policy-Report-Only"


_DEFAULTS = Expectations()


@dataclass(frozen=True)
class Page:
    """The last answer of a visit. `before` are those of the redirects that led to it."""

    answer: Answer
    before: tuple[Answer, ...] = ()
    expected: Expectations = _DEFAULTS

    @cached_property
    def markup(self) -> Markup:
        """What its source says."""
        return markup.read(self.answer.body, self.content_type, self.answer.url)

    @cached_property
    def place(self) -> Place:
        """Its URL in parts."""
        return place(self.answer.url)

    @cached_property
    def content_type(self) -> str:
        """The Content-Type that counts, or nothing."""
        lines = ",".join(self.answer.values("Content-Type")).split(",")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    @property
    def is_document(self) -> bool:
        """Whether a browser shows it as a page, in which script could run: all but data, images and the like."""
        kind = self.content_type.partition(";")[0].strip().lower()
        return markup.is_html(kind) or kind.endswith(("xml", "+xml")) or "/" not in kind

    @property
    def _is_xhtml(self) -> bool:
        """Whether its source is XML, of which only a reader of XML could tell what browsers make of its elements."""
        return "xhtml" in self.content_type.lower()

    @cached_property
    def hsts(self) -> Hsts:
        """The HSTS policy that the answer sets."""
        return hsts_of(self.answer)

    @cached_property
    def policies(self) -> Policies:
        """All policies of headers and source."""
        sent = list(self._policies_in_headers())
        held = {line for _, line in sent}
        lines = [evidence(self.answer, field) for name in (ENFORCED, REPORTED) for field in self.answer.lines(name)]
        counting = [meta for meta in self.markup.metas if meta.name == ENFORCED.lower() and not self._is_xhtml]
        for meta in counting:
            found = policies([meta.value], delivery=Delivery.META)
            sent += [(policy, self._element(meta)) for policy in found]
        late = [self._element(meta) for meta in (*self.markup.metas, *self.markup.late) if meta not in counting]
        return Policies(
            page=self.place,
            sent=tuple(sent),
            void=tuple(line for line in lines if line not in held),
            late=tuple(late),
            endpoints=frozenset(_endpoints(self.answer)),
        )

    @cached_property
    def nonces(self) -> frozenset[str]:
        """The nonces that its policies name for scripts and styles."""
        names = ("script-src-elem", "style-src-elem")
        lists = [policy.sources(name) for policy in self.policies.enforced for name in names]
        return frozenset(nonce for sources in lists if sources for nonce in sources.nonces)

    @cached_property
    def allows(self) -> Allows:
        """What a browser lets happen on it."""
        return allows(self.policies.enforced, self.place, self.answer.values("X-Frame-Options"))

    def _policies_in_headers(self) -> Iterator[tuple[Policy, Evidence]]:
        for name, disposition in ((ENFORCED, Disposition.ENFORCE), (REPORTED, Disposition.REPORT)):
            for field in self.answer.lines(name):
                line = evidence(self.answer, field)
                yield from ((policy, line) for policy in policies([field.value], disposition))

    def _element(self, meta: Meta) -> Evidence:
        return Evidence(self.answer.url, f'<meta http-equiv="{meta.name}" content="{meta.value}">')


def hsts_of(answer: Answer) -> Hsts:
    """The HSTS policy that an answer sets."""
    host = urlsplit(answer.url).hostname or ""
    lines = answer.values("Strict-Transport-Security")
    return read_hsts(lines, host, over_https=answer.is_https, trusted=answer.trusted)


def _endpoints(answer: Answer) -> Iterator[str]:
    """The names of endpoints that reports can be sent to: those under https (Reporting API, 3.2 and its first form)."""
    for name, url in structured_fields.strings(answer.values("Reporting-Endpoints")).items():
        if _is_under_https(answer.url, url):
            yield name
    for group in _groups(answer.values("Report-To")):
        if isinstance(group, dict) and group.get("endpoints") and group.get("max_age"):
            yield str(group.get("group", "default"))


def _is_under_https(base: str, url: str) -> bool:
    try:
        return urlsplit(urljoin(base, url)).scheme == "https"
    except ValueError:
        return False


def _groups(lines: Sequence[str]) -> list[Any]:
    try:
        found: list[Any] = json.loads(f"[{','.join(lines)}]")
    except (ValueError, RecursionError):
        return []
    return found
