"""What both Observatories say of sites, and what is said here. Each difference has a reason, and all are counted."""

from collections import Counter
from typing import Any

import pytest

from fixby.headers.cookie_checks import PROBE_ORIGIN
from fixby.headers.judge import Judged, Look, judge
from fixby.headers.response import Answer, Failure, Field, TlsFlaw, Trouble, Visit
from fixby.severity import Severity
from tests.test_csp import known, sent

IDS = {
    "content-security-policy": (
        "CSP-MISSING",
        "CSP-INERT",
        "CSP-REPORT-ONLY",
        "CSP-NO-SCRIPT-SRC",
        "CSP-SCRIPT",
        "CSP-EVAL",
        "CSP-HTTP-SOURCE",
    ),
    "cookies": ("COOKIE",),
    "cross-origin-resource-sharing": ("CORS",),
    "redirection": ("HTTPS",),
    "referrer-policy": ("REFERRER-POLICY",),
    "strict-transport-security": ("HSTS", "TLS", "FETCH-BLOCKED"),
    "subresource-integrity": ("SRI",),
    "x-content-type-options": ("XCTO",),
    "x-frame-options": ("FRAMING",),
    "cross-origin-resource-policy": ("CORP",),
    "cross-origin-opener-policy": ("COOP",),
    "cross-origin-embedder-policy": ("COEP",),
}


def answer(url: str, response: dict[str, Any], html: str | None = None) -> Answer:
    fields = tuple(
        Field(
            name,
            sent(value).replace("https://http-observatory.security.mozilla.org", PROBE_ORIGIN)
            if name.lower().startswith("access")
            else sent(value),
        )
        for name, value in response["headers"]
    )
    return Answer(url, response["status"], fields, (html or "").encode(), trusted=response["verified"])


def visit(url: str, response: dict[str, Any] | None, html: str | None = None) -> Visit:
    if response is None:
        return Visit(url, (), Failure(Trouble.REFUSED, url, "Nobody answers."))
    failure = None if response["verified"] else Failure(Trouble.TLS, url, "Untrusted.", TlsFlaw.UNTRUSTED)
    return Visit(url, (answer(url, response, html),), failure)


def foreign(responses: dict[str, Any]) -> dict[str, Any]:
    """The page's answer again, with what was let be read across origins when an origin was named."""
    fields = [
        [name, value]
        for which, is_wanted in (("auto", False), ("cors", True))
        for name, value in responses[which]["headers"]
        if name.lower().startswith("access-control") is is_wanted
    ]
    return {**responses["auto"], "headers": fields}


def judged(case: dict[str, Any]) -> tuple[Judged, Judged]:
    given = case["input"]
    responses, site = given["responses"], f"https://{given['site']}/"
    hops = tuple(Answer(hop["url"], hop["status"], ()) for hop in given["http_redirects"])
    plain = Visit(f"http://{given['site']}/", hops) if hops else visit(f"http://{given['site']}/", None)
    again = visit(given["session_url"], foreign(responses), given["html"]) if responses["cors"] else None
    look = Look(visit(given["session_url"], responses["auto"], given["html"]), plain, again)
    return judge(look, NOW), judge(Look(visit(site, responses["https"])), NOW)


def failing(test: str, found: Judged) -> bool:
    """Whether something of weight is wrong, or nothing could be concluded."""
    told = [check for check in found.failures if check.id.startswith(IDS[test])]
    small = () if test.startswith("cross-origin") else (Severity.INFO,)
    return not found.page or any(check.severity not in small for check in told)


NOW = 1_500_000_000

BLOCKED = "an answer of 403 tells nothing of the site: nothing is concluded"
DIFFERENCES: dict[str, tuple[int, tuple[str, ...]]] = {
    "of two directives of a name the first counts; it is told as a mistake": (
        11,
        ("csp-header-invalid",),
    ),
    "script over ftp: is never loaded": (
        4,
        ("csp-implemented-with-insecure-scheme",),
    ),
    "http: on a page under https is told, for images too": (
        4,
        ("csp-implemented-with-insecure-scheme-in-passive-content-only",),
    ),
    "Chromium runs script: the policy is not ASCII, or its hashes are glued together": (
        6,
        ("csp-implemented-with-no-unsafe",),
    ),
    "Chromium runs script: directives of one policy say nothing of the others": (
        7,
        ("csp-implemented-with-no-unsafe-default-src-none",),
    ),
    "a policy without object-src runs no script: plug-ins are a check of their own": (
        7,
        ("csp-implemented-with-unsafe-inline",),
    ),
    "script runs in documents only: data needs no policy": (
        6,
        ("csp-not-implemented",),
    ),
    "browsers take SameSite=Lax where it is not said; a cookie against forged requests holds no session": (
        2,
        ("cookies-anticsrf-without-samesite-flag",),
    ),
    "whose cookies are not judged is configured, not built in": (
        1,
        ("cookies-not-found",),
    ),
    "a cookie of a session needs SameSite and a prefix": (
        9,
        (
            "cookies-secure-with-httponly-sessions",
            "cookies-secure-with-httponly-sessions-and-samesite",
        ),
    ),
    "a cookie that is deleted is not judged": (
        1,
        ("cookies-session-without-secure-flag",),
    ),
    "what isolates a page is asked for, although only as information": (
        854,
        (
            "coep-not-implemented",
            "coop-not-implemented",
            "corp-not-implemented",
        ),
    ),
    "unsafe-none isolates nothing": (
        2,
        (
            "coep-implemented-with-unsafe-none",
            "coop-implemented-with-unsafe-none",
        ),
    ),
    "browsers let nobody in by crossdomain.xml, nor by another word than true": (
        4,
        ("cross-origin-resource-sharing-implemented-with-universal-access",),
    ),
    "no-referrer-when-downgrade tells other sites everything": (
        2,
        ("referrer-policy-no-referrer-when-downgrade",),
    ),
    "a policy is asked for, although browsers have a default": (
        530,
        ("referrer-policy-not-implemented",),
    ),
    "quotes, white space and a second header do not void a header": (
        3,
        ("hsts-header-invalid",),
    ),
    "browsers ignore it, or the preload list would": (
        7,
        ("hsts-implemented-max-age-at-least-six-months",),
    ),
    "the header is asked for although a browser has the host in its list": (
        6,
        ("hsts-preloaded",),
    ),
    "where no source was read, none of its scripts is wrong": (
        163,
        ("html-not-parsable",),
    ),
    "an integrity proves what comes over http too": (
        8,
        ("sri-implemented-but-external-scripts-not-loaded-securely",),
    ),
    "style sheets of other sites need an integrity too": (
        2,
        ("sri-not-implemented-but-no-scripts-loaded",),
    ),
    "of several values the first counts": (
        6,
        ("x-content-type-options-header-invalid",),
    ),
    "browsers ignore ALLOW-FROM": (
        4,
        ("x-frame-options-allow-from-origin",),
    ),
    "the same value twice works, and different ones let nobody frame": (
        4,
        ("x-frame-options-header-invalid",),
    ),
    "frame-ancestors * protects nothing": (
        6,
        ("x-frame-options-implemented-via-csp",),
    ),
    "only documents are framed: data needs no protection": (
        6,
        ("x-frame-options-not-implemented",),
    ),
    "an answer of 403 tells nothing of the site: nothing is concluded": (
        13,
        (),
    ),
}
"""Why what is said here differs: how often, of 296 sites and two Observatories, and from which of their results."""

RULES = {code: reason for reason, (_, codes) in DIFFERENCES.items() for code in codes}


@pytest.mark.skipif(not known("observatory_cases_open.json"), reason="../shared/headers is not here")
def test_every_difference_from_the_observatories_has_a_reason() -> None:
    found: Counter[str] = Counter()
    for case in known("observatory_cases_open.json"):
        site, over_https = judged(case)
        for tool in ("mdn", "mozilla_py"):
            for test, (code, _, passes) in case["expected"][tool]["all_results"].items():
                judgement = over_https if test == "strict-transport-security" else site
                if test in IDS and passes == failing(test, judgement):
                    found[RULES[code] if judgement.page else BLOCKED] += 1
    assert found == {reason: count for reason, (count, _) in DIFFERENCES.items()}
