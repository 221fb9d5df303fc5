"""The verdict on a URL: every check of what its visits brought, or why nothing can be said."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from fixby.headers import cookie_checks, csp_checks, page_checks, transport_checks
from fixby.headers.blocked import why_blocked
from fixby.headers.check import Check, Verdict, catalogue, failed, lines_of, passed
from fixby.headers.expectations import Expectations
from fixby.headers.page import ENFORCED, Page
from fixby.headers.response import Answer, Trouble, Visit

_DEFAULTS = Expectations()


@dataclass(frozen=True, slots=True)
class Look:
    """The visits to one URL: the page itself, and what was asked beside it, as far as it was.

    `plain` asked the same under http, `again` the page once more, as script of an origin of nobody's would.
    """

    page: Visit
    plain: Visit | None = None
    again: Visit | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of a URL. With `reasons` nothing can be concluded of the page; they are sentences.

    `page` is what was judged, if anything was.
    """

    look: Look
    checks: tuple[Check, ...]
    reasons: tuple[str, ...] = ()
    page: Page | None = None

    @property
    def url(self) -> str:
        """The URL that was asked for."""
        return self.look.page.url

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.verdict is Verdict.FAIL)


def judge(look: Look, now: int, expected: Expectations = _DEFAULTS) -> Judged:
    """The verdict on a URL at `now`, a UTC instant in seconds."""
    checks = [*_plain(look, expected), *_tls(look.page, now)]
    reasons = _why_inconclusive(look.page)
    if reasons:
        return Judged(look, (*checks, _inconclusive("FETCH-BLOCKED", reasons[0])), reasons)
    page = Page(look.page.answers[-1], look.page.answers[:-1], expected)
    if reason := _why_unread(page):
        return Judged(look, (*checks, _inconclusive("FETCH-BLOCKED", reason)), (reason,))
    failures = [*_of_two_answers(page, look, now), *_against(page, look)]
    checks += _with_passes(failures, _judged_ids(page, look))
    if look.again and (reasons := _why_inconclusive(look.again)):
        checks.append(_inconclusive("FETCH-BLOCKED", f"The second visit is not conclusive: {reasons[0]}"))
    return Judged(look, tuple(checks), (), page)


def judge_transport(look: Look, now: int) -> Judged:
    """The verdict on how a name is reached and by what certificate, whatever its page says."""
    redirects = _with_passes(
        list(transport_checks.hsts_of_redirects(look.page.answers[:-1])), ("HSTS-NOT-ON-REDIRECT",)
    )
    checks = (*_plain(look, _DEFAULTS), *_tls(look.page, now), *(redirects if look.page.answers else ()))
    return Judged(look, checks, () if look.page.answers or checks else _why_inconclusive(look.page))


def _why_inconclusive(visit: Visit) -> tuple[str, ...]:
    last = visit.answers[-1] if visit.answers else None
    if visit.failure and not (last and not last.trusted):
        return (visit.failure.reason,)
    if last is None:
        return (f"{visit.url} was not visited.",)
    blocked = why_blocked(last)
    return (blocked,) if blocked else ()


def _why_unread(page: Page) -> str:
    """Why nothing can be said of a page that was cut short: its policy may stand in what was not read."""
    source = page.answer.body.lower()
    has_head = b"</head" in source or b"<body" in source
    if not page.answer.cut or not page.is_document or has_head or page.policies.enforced:
        return ""
    return f"{page.answer.url} was read in part: {page.answer.cut}"


def _inconclusive(id_: str, reason: str) -> Check:
    return Check(id_, Verdict.INCONCLUSIVE, catalogue()[id_].severity, message=reason)


def _of_two_answers(page: Page, look: Look, now: int) -> list[Check]:
    """What fails in either of two answers: servers behind one name differ, and the worst of them counts."""
    first = _by_subject(_page(page, look, now))
    if look.again is None or look.again.page is None or _why_inconclusive(look.again):
        return list(first.values())
    if _lasting(look.again.answers) == _lasting(look.page.answers):
        return list(first.values())
    other = Page(look.again.page, look.again.answers[:-1], page.expected)
    second = _by_subject(_page(other, look, now))
    return [
        check if key in first and key in second else replace(check, message=f"In one of two answers: {check.message}")
        for key, check in (second | first).items()
    ]


def _lasting(answers: Iterable[Answer]) -> list[object]:
    """What is the same in two answers that say the same."""
    return [
        (one.url, one.status, one.trusted, one.body, [field for field in one.fields if field.name.lower() != "date"])
        for one in answers
    ]


def _by_subject(checks: Iterable[Check]) -> dict[tuple[str, str], Check]:
    """The first check of each id and subject."""
    found: dict[tuple[str, str], Check] = {}
    for check in checks:
        found.setdefault((check.id, check.subject), check)
    return found


def _page(page: Page, look: Look, now: int) -> Iterator[Check]:
    if page.answer.is_https:
        yield from transport_checks.hsts(page, look.plain)
    if _has_policies(page):
        yield from csp_checks.failures(page.policies)
    if page.is_document:
        yield from page_checks.document(page)
    yield from page_checks.response(page)
    yield from cookie_checks.cookies(page, now)


def _against(page: Page, look: Look) -> Iterator[Check]:
    """What only a second visit can tell."""
    again = look.again.page if look.again else None
    yield from cookie_checks.cross_origin(page, again)
    if again and (same := page.nonces & Page(again).nonces):
        said = f"Two answers have {len(same)} nonce{'s' if len(same) > 1 else ''} in common."
        yield failed("CSP-NONCE-STATIC", said, *lines_of(page.answer, ENFORCED))


def _has_policies(page: Page) -> bool:
    return page.is_document or bool(page.policies.sent or page.policies.void)


def _judged_ids(page: Page, look: Look) -> Iterator[str]:
    """The checks that a page was held against."""
    if page.answer.is_https:
        yield from transport_checks.hsts_ids(page)
    if _has_policies(page):
        yield from csp_checks.IDS if page.policies.enforced else csp_checks.PRESENCE
    if page.is_document:
        yield from (id_ for id_ in page_checks.DOCUMENT_IDS if id_ != "SRI-EXTERNAL" or not page.answer.cut)
    yield from page_checks.RESPONSE_IDS
    yield from cookie_checks.COOKIE_IDS
    if page.expected.authenticated:
        yield from ("CACHE-AUTH", "CORS-WILDCARD")
    if look.again and look.again.page:
        yield from cookie_checks.CORS_IDS
        yield from ("CSP-NONCE-STATIC",) if page.nonces else ()


def _with_passes(failures: Sequence[Check], ids: Iterable[str]) -> list[Check]:
    """The failures, and for each of these checks that did not fail that it passed."""
    wrong = {check.id for check in failures}
    return [*failures, *(passed(id_) for id_ in dict.fromkeys(ids) if id_ not in wrong)]


def _plain(look: Look, expected: Expectations) -> list[Check]:
    """How the URL is reached: over http, where that was asked, and by redirects."""
    failures = list(transport_checks.downgrades(look.page.answers))
    ids = ["HTTPS-DOWNGRADE"] if look.page.answers else []
    if look.plain:
        refused = look.page.failure and look.page.failure.kind is Trouble.REFUSED and not look.page.answers
        if look.plain.answers and not why_blocked(look.plain.answers[0]):
            failures += transport_checks.over_http(look.plain.answers, authenticated=expected.authenticated)
            if refused:
                failures.append(failed("HTTPS-UNREACHABLE", f"{look.page.url} is refused, and http is answered."))
            ids += [*transport_checks.HTTPS_IDS, "HTTPS-UNREACHABLE"]
        elif look.plain.failure and look.plain.failure.kind is Trouble.REFUSED:
            ids += transport_checks.HTTPS_IDS
        else:
            failures.append(_inconclusive("HTTPS-NOREDIRECT", "; ".join(_why_inconclusive(look.plain))))
    if not look.plain and _began_plain(look.page.answers):
        failures += transport_checks.over_http(look.page.answers, authenticated=expected.authenticated)
        ids += transport_checks.HTTPS_IDS
    return _with_passes(list(_by_subject(failures).values()), ids)


def _began_plain(answers: Sequence[Answer]) -> bool:
    return bool(answers) and not answers[0].is_https


def _tls(visit: Visit, now: int) -> list[Check]:
    failures = list(transport_checks.tls(visit, now))
    seen = any(answer.tls and answer.trusted for answer in visit.answers)
    return _with_passes(failures, transport_checks.TLS_IDS if seen else ())
