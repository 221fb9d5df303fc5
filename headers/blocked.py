"""Answers that say nothing about a site: challenges, block pages, servers that are overloaded or broken."""

from fixby.headers.response import Answer

_MARKS = (
    ("cf-mitigated", "challenge", "Cloudflare asks for a challenge"),
    ("x-amzn-waf-action", "", "AWS WAF asks for a challenge"),
    ("x-datadome", "", "DataDome stands before the site"),
    ("x-sucuri-block", "", "Sucuri blocks the visit"),
    ("x-vercel-mitigated", "", "Vercel asks for a challenge"),
)
_TEXTS = (
    (b"/cdn-cgi/challenge-platform/", "Cloudflare asks for a challenge"),
    (b"_Incapsula_Resource", "Imperva blocks the visit"),
    (b"px-captcha", "HUMAN asks for a challenge"),
    (b"captcha-delivery.com", "DataDome asks for a challenge"),
    (b"errors.edgesuite.net", "Akamai blocks the visit"),
    (b"awsWafCookieDomainList", "AWS WAF asks for a challenge"),
)
_MAY_BE_BLOCKED = (202, 401, 403, 405, 406, 429, 503)


def why_blocked(answer: Answer) -> str:
    """Why an answer is not the site's own, as a sentence, or nothing where it is."""
    if answer.status not in _MAY_BE_BLOCKED and answer.status < 500:
        return ""
    mark = _mark(answer) if answer.status in _MAY_BE_BLOCKED else ""
    if mark:
        return f"{answer.url} answers {answer.status}: {mark}."
    if answer.status in (403, 429) or answer.status >= 500:
        return f"{answer.url} answers {answer.status}: that tells nothing of what it sends otherwise."
    return ""


def _mark(answer: Answer) -> str:
    for name, value, who in _MARKS:
        if any(value in sent.lower() for sent in answer.values(name)):
            return who
    return next((who for text, who in _TEXTS if text in answer.body), "")
