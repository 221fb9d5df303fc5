"""The JSON of `fixby headers`, `fixby.headers/1`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fixby.headers.check import Check, catalogue
from fixby.headers.csp import FETCH, Disposition, Policy
from fixby.headers.judge import Judged
from fixby.headers.page import Page, hsts_of
from fixby.headers.response import Answer

SCHEMA = "fixby.headers/1"


def document(judged: Iterable[Judged]) -> str:
    """The verdicts on some URLs as JSON text: indented, keys sorted, ASCII only, numbers of any size."""
    return json.dumps({"schema": SCHEMA, "responses": [_response(one) for one in judged]}, indent=2, sort_keys=True)


def _response(one: Judged) -> Mapping[str, Any]:
    return {
        "url": one.url,
        "outcome": "inconclusive" if one.reasons else "conclusive",
        "reasons": list(one.reasons),
        "hops": [_hop(answer) for answer in one.look.page.answers],
        "checks": [_check(check) for check in one.checks],
        "hsts": _hsts(one.page.answer) if one.page else None,
        "csp": _csp(one.page) if one.page else None,
        "allows": asdict(one.page.allows) if one.page else None,
    }


def _hop(answer: Answer) -> Mapping[str, Any]:
    return {
        "url": answer.url,
        "status": answer.status,
        "address": answer.address or None,
        "trusted": answer.trusted,
        "tls": answer.tls.protocol if answer.tls else None,
    }


def _check(check: Check) -> Mapping[str, Any]:
    kind = catalogue()[check.id]
    return {
        "id": check.id,
        "subject": check.subject or None,
        "verdict": str(check.verdict),
        "severity": str(check.severity),
        "title": kind.title,
        "message": check.message or None,
        "evidence": [{"url": one.url, "line": one.line} for one in check.evidence],
        "why": kind.why,
        "mend": kind.header or kind.mend,
        "standard": kind.standard,
        "cwe": kind.cwe,
    }


def _hsts(answer: Answer) -> Mapping[str, Any]:
    policy = hsts_of(answer)
    honoured = policy.reason is None
    return {
        "honoured": honoured,
        "reason": str(policy.reason) if policy.reason else None,
        "max_age": policy.max_age,
        "include_subdomains": policy.include_subdomains if honoured else None,
        "preload": policy.preload if honoured else None,
        "preload_eligible": not policy.ineligible,
        "ineligible": list(policy.ineligible),
        "unknown": list(policy.unknown),
        "effect": str(policy.effect),
    }


def _csp(page: Page) -> Mapping[str, Any]:
    policies = [policy for policy, _ in page.policies.sent]
    return {"policies": [_policy(policy) for policy in policies], "effective": effective(page.policies.enforced)}


def _policy(policy: Policy) -> Mapping[str, Any]:
    return {
        "disposition": "enforce" if policy.disposition is Disposition.ENFORCE else "report",
        "delivery": str(policy.delivery),
        "text": policy.text,
        "directives": {name: list(values) for name, values in policy.directives.items()},
    }


def effective(enforced: Sequence[Policy]) -> dict[str, list[list[str]]]:
    """What decides for each directive: the lists of values that must all allow, fallbacks followed, one a policy."""
    names = sorted((FETCH | {name for policy in enforced for name in policy.directives}) - {"default-src"})
    return {
        name: [list(policy.directives[by]) for policy in enforced if (by := policy.governing(name))] for name in names
    }
