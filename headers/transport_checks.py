"""Checks of how a site is reached: https, the certificate, and HSTS."""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from fixby.headers.check import Check, Evidence, failed, lines_of
from fixby.headers.expectations import DAY, length
from fixby.headers.hsts import Effect, Hsts, Void
from fixby.headers.page import Page, hsts_of
from fixby.headers.response import Answer, TlsFlaw, Trouble, Visit
from fixby.headers.sites_apart import registrable
from fixby.severity import Severity

HTTPS_IDS = (
    *("HTTPS-NOREDIRECT", "HTTPS-FIRSTHOP-OFFHOST", "HTTPS-FIRSTHOP-HTTP", "HTTPS-REDIRECT-TEMPORARY"),
    *("HTTPS-DOWNGRADE", "HSTS-OVER-HTTP"),
)
TLS_IDS = ("TLS-EXPIRED", "TLS-NAME", "TLS-UNTRUSTED", "TLS-SELF-SIGNED", "TLS-EXPIRES-SOON", "TLS-OLD")


def over_http(answers: Sequence[Answer], *, authenticated: bool = False) -> Iterator[Check]:
    """What a visit that began over http says: whether it was led to https at once, on the same host, for good."""
    first = answers[0]
    for answer in answers:
        if not answer.is_https and (lines := lines_of(answer, "Strict-Transport-Security")):
            yield failed("HSTS-OVER-HTTP", "Browsers ignore it.", *lines)
            break
    if len(answers) == 1:
        severity = Severity.CRITICAL if authenticated else Severity.HIGH
        yield failed("HTTPS-NOREDIRECT", f"{first.url} answers {first.status}.", _status(first), severity=severity)
        return
    before, after = urlsplit(first.url), urlsplit(answers[1].url)
    if before.hostname != after.hostname:
        said = f"{before.hostname} leads to {after.hostname}."
        yield failed("HTTPS-FIRSTHOP-OFFHOST", said, *lines_of(first, "Location"))
    if after.scheme != "https":
        yield failed("HTTPS-FIRSTHOP-HTTP", f"It leads to {answers[1].url}.", *lines_of(first, "Location"))
    elif first.status in (302, 303, 307):
        yield failed("HTTPS-REDIRECT-TEMPORARY", f"It answers {first.status}.", _status(first))


def downgrades(answers: Sequence[Answer]) -> Iterator[Check]:
    """Hops of a visit that are under http though one before them was under https, and an end under http."""
    secure = False
    for answer in answers:
        if secure and not answer.is_https:
            yield failed("HTTPS-DOWNGRADE", f"The visit goes through {answer.url}.", _status(answer))
            return
        secure = secure or answer.is_https
    if len(answers) > 1 and not answers[-1].is_https:
        yield failed("HTTPS-DOWNGRADE", f"The visit ends at {answers[-1].url}.", _status(answers[-1]))


def tls(visit: Visit, now: int) -> Iterator[Check]:
    """What the certificates of a visit say at `now`, a UTC instant in seconds."""
    failure = visit.failure
    if failure and failure.kind is Trouble.TLS and failure.flaw in _FLAWS:
        yield failed(_FLAWS[failure.flaw], failure.reason, Evidence(failure.url, failure.reason))
    for answer in visit.answers:
        if answer.trusted and answer.tls and answer.tls.not_after is not None:
            left = (answer.tls.not_after - now) // DAY
            severity = next((severity for days, severity in _EXPIRY if left < days), None)
            if severity:
                host = urlsplit(answer.url).hostname or ""
                said = f"The certificate of {host} is valid for {left} more days."
                yield failed("TLS-EXPIRES-SOON", said, Evidence(answer.url, said), subject=host, severity=severity)


_FLAWS = {
    TlsFlaw.EXPIRED: "TLS-EXPIRED",
    TlsFlaw.NOT_YET_VALID: "TLS-UNTRUSTED",
    TlsFlaw.NAME: "TLS-NAME",
    TlsFlaw.SELF_SIGNED: "TLS-SELF-SIGNED",
    TlsFlaw.UNTRUSTED: "TLS-UNTRUSTED",
    TlsFlaw.OLD_PROTOCOL: "TLS-OLD",
}
_EXPIRY = ((7, Severity.HIGH), (14, Severity.MEDIUM), (30, Severity.LOW))


def hsts(page: Page, plain: Visit | None = None) -> Iterator[Check]:
    """What is wrong with Strict-Transport-Security on a page under https, and on the redirects that led to it.

    `plain` is the visit that began over http, if there was one: the preload list asks for it too.
    """
    lines = lines_of(page.answer, "Strict-Transport-Security")
    if not lines:
        yield failed("HSTS-MISSING", "The header is not sent.")
    elif page.hsts.reason:
        yield failed("HSTS-INVALID", f"Browsers ignore it: {page.hsts.reason}.", *lines)
    elif page.hsts.effect is Effect.REMOVES:
        yield failed("HSTS-DISABLED", "max-age is 0.", *lines)
    else:
        yield from _policy(page, page.hsts, plain, lines)
    if len(lines) > 1:
        yield failed("HSTS-MULTIPLE", f"It is sent {len(lines)} times; browsers obey the first.", *lines)
    yield from hsts_of_redirects(page.before)


def hsts_of_redirects(answers: Iterable[Answer]) -> Iterator[Check]:
    """The redirects over https that set no HSTS policy: each host's first one."""
    told: set[str] = set()
    for answer in answers:
        host = urlsplit(answer.url).hostname or ""
        if answer.is_https and host not in told and hsts_of(answer).effect is not Effect.SETS:
            told.add(host)
            yield failed("HSTS-NOT-ON-REDIRECT", f"{answer.url} redirects without it.", _status(answer), subject=host)


def hsts_ids(page: Page) -> Iterator[str]:
    """The checks of Strict-Transport-Security that a page can pass: only a policy in force can be a good one."""
    yield from ("HSTS-MISSING", "HSTS-NOT-ON-REDIRECT")
    if page.hsts.reason is not Void.ABSENT:
        yield from ("HSTS-INVALID", "HSTS-MULTIPLE")
    if page.hsts.reason is None:
        yield "HSTS-DISABLED"
    if page.hsts.effect is Effect.SETS:
        yield from ("HSTS-SHORT", "HSTS-NO-SUBDOMAINS", "HSTS-PRELOAD-INELIGIBLE")


def _policy(page: Page, policy: Hsts, plain: Visit | None, lines: tuple[Evidence, ...]) -> Iterator[Check]:
    expected, max_age = page.expected, policy.max_age or 0
    if max_age < expected.hsts_least:
        severity = Severity.HIGH if max_age < DAY else Severity.MEDIUM
        said = f"max-age is {length(max_age)}, and {length(expected.hsts_least)} are asked for."
        yield failed("HSTS-SHORT", said, *lines, severity=severity)
    if expected.hsts_subdomains and not policy.include_subdomains:
        yield failed("HSTS-NO-SUBDOMAINS", "includeSubDomains is missing.", *lines)
    wants = policy.preload or expected.hsts_preload
    if wants and (reasons := (*policy.ineligible, *_why_not_preloaded(page, plain))):
        yield failed("HSTS-PRELOAD-INELIGIBLE", f"{'; '.join(reasons)}.", *lines)


def _why_not_preloaded(page: Page, plain: Visit | None) -> Iterator[str]:
    """What the preload list has against how a registered domain is reached; it takes no others (hstspreload.org)."""
    first = page.before[0] if page.before else page.answer
    host = urlsplit(first.url).hostname or ""
    if host != registrable(host):
        return
    if page.before and first.is_https and (reasons := hsts_of(first).ineligible):
        yield f"{host} itself redirects, and there {', '.join(reasons)}"
    hops = [urlsplit(answer.url) for answer in plain.answers] if plain else []
    if len(hops) > 1 and (hops[1].scheme, hops[1].hostname) != ("https", host):
        yield f"http://{host} does not lead to https://{host} first"
    if any(hop.scheme != "https" for hop in hops[1:]):
        yield "a redirect leads to http"
    if len(hops) - 1 > _MOST_REDIRECTS:
        yield f"there are {len(hops) - 1} redirects, and {_MOST_REDIRECTS} are allowed"


_MOST_REDIRECTS = 3


def _status(answer: Answer) -> Evidence:
    location = "".join(f", Location: {value}" for value in answer.values("Location"))
    return Evidence(answer.url, f"status {answer.status}{location}")
