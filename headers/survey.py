"""A survey of sites: what is visited of each, and the verdicts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from urllib.parse import urljoin, urlsplit

from fixby.headers.check import Check, Verdict, failed, passed
from fixby.headers.cookie_checks import PROBE_ORIGIN
from fixby.headers.expectations import Expectations
from fixby.headers.fetching import Wish, visit_all
from fixby.headers.judge import Judged, Look, judge, judge_transport
from fixby.headers.manner import ExtraHeader
from fixby.headers.response import Trouble, Visit
from fixby.headers.sites import Site
from fixby.headers.sites_apart import registrable

MISSING = "/fixby-asks-for-a-page-that-does-not-exist"
"""The path of a page that no site has."""


def survey(sites: Sequence[Site], now: int, on_visit: Callable[[Visit], None] = lambda _: None) -> list[Judged]:
    """The verdicts on all pages of some sites, each followed by what else of it was tried and is there.

    `now` is a UTC instant in seconds. Raises what `visit_all` raises.
    """
    plans = [plan for site in sites for plan in _plans(site)]
    visits = iter(visit_all([wish for plan in plans for wish in plan.wishes.values()], on_visit))
    looks = [(plan, Look(**{name: next(visits) for name in plan.wishes})) for plan in plans]
    judged: list[Judged] = []
    first: Judged | None = None
    for plan, look in looks:
        match plan.kind:
            case _Kind.FIRST:
                first = judge(look, now, plan.expected)
                judged.append(first)
            case _Kind.PAGE:
                judged.append(_with_gaps(first, judge(look, now, plan.expected)))
            case _Kind.MISSING:
                judged += _gaps_of_missing(first, judge(look, now, plan.expected))
            case _Kind.ALIAS:
                judged += [judge_transport(look, now)] if _is_there(look.page) else []
    return judged


class _Kind(Enum):
    FIRST = auto()
    PAGE = auto()
    MISSING = auto()
    ALIAS = auto()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is visited to judge one URL, by the names of `Look`."""

    kind: _Kind
    wishes: Mapping[str, Wish]
    expected: Expectations


def _plans(site: Site) -> Iterator[_Plan]:
    again = replace(site.how, headers=(*site.how.headers, *_foreign(site)))
    for number, page in enumerate(site.pages):
        wishes = {"page": Wish(page.url, site.how)}
        matters = number == 0 or page.expected.authenticated
        if matters and site.probes and (plain := _plain(page.url)):
            wishes["plain"] = Wish(plain, site.how)
        if urlsplit(page.url).scheme == "https":
            wishes["again"] = Wish(page.url, again)
        yield _Plan(_Kind.PAGE if number else _Kind.FIRST, wishes, page.expected)
    if site.probes:
        expected = replace(site.pages[0].expected, authenticated=False)
        yield _Plan(_Kind.MISSING, {"page": Wish(urljoin(site.origin, MISSING), site.how)}, expected)
        if alias := _alias(site.origin):
            wishes = {"page": Wish(f"https://{alias}/", site.how), "plain": Wish(f"http://{alias}/", site.how)}
            yield _Plan(_Kind.ALIAS, wishes, expected)


def _foreign(site: Site) -> tuple[ExtraHeader, ...]:
    is_secure = site.origin.startswith("https:")
    return (ExtraHeader("Origin", PROBE_ORIGIN, frozenset({site.origin})),) if is_secure else ()


def _plain(url: str) -> str:
    """The same page under http, or nothing where the URL names a port: nobody knows which one http would have."""
    parts = urlsplit(url)
    return parts._replace(scheme="http").geturl() if parts.scheme == "https" and parts.port in (None, 443) else ""


def _alias(origin: str) -> str:
    """The name with www for one without, and the other way round; nothing where people would try neither."""
    host, port = urlsplit(origin).hostname or "", urlsplit(origin).port
    _, dot, top = host.rpartition(".")
    if port or not dot or top.isdigit() or host.removeprefix("www.") != registrable(host):
        return ""
    return host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"


def _is_there(visit: Visit) -> bool:
    return not visit.failure or visit.failure.kind not in (Trouble.NAME, Trouble.REFUSED, Trouble.FORBIDDEN)


_PROTECTING = {
    "HSTS-MISSING": "Strict-Transport-Security",
    "CSP-MISSING": "Content-Security-Policy",
    "FRAMING": "X-Frame-Options",
    "XCTO": "X-Content-Type-Options",
    "REFERRER-POLICY": "Referrer-Policy",
    "PERMISSIONS-POLICY-MISSING": "Permissions-Policy",
}


def _gaps(first: Judged | None, other: Judged) -> Iterator[Check]:
    """The headers that protect the first page of a site, and that another page does not send at all."""
    if not first or not other.page:
        return
    good = {check.id for check in first.checks if check.verdict is Verdict.PASS}
    for check in other.failures:
        header = _PROTECTING.get(check.id, "")
        if header and check.id in good and not other.page.answer.lines(header):
            path, home = urlsplit(other.url).path, urlsplit(first.url).path or "/"
            said = f"{home} is protected by {header}, and {path} is not (it answers {other.page.answer.status})."
            yield failed("COVERAGE-GAP", said, *check.evidence, subject=header, severity=check.severity)


def _with_gaps(first: Judged | None, other: Judged) -> Judged:
    return replace(other, checks=(*other.checks, *_gaps(first, other)))


def _gaps_of_missing(first: Judged | None, missing: Judged) -> list[Judged]:
    """A page that does not exist has nothing wrong with it but what the site's other pages have."""
    if missing.reasons or not missing.page or missing.page.answer.status < 400:
        return []
    return [replace(missing, checks=tuple(_gaps(first, missing)) or (passed("COVERAGE-GAP"),))]
