"""The JSON of `fixby headers`, `fixby.headers/1`, and of its workbench, `fixby.csp/1`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fixby.headers.allows import allows
from fixby.headers.changes import Progress
from fixby.headers.check import Check, catalogue
from fixby.headers.csp import FETCH, Disposition, Mistake, Policy
from fixby.headers.csp_checks import sentence
from fixby.headers.explanation import Explanation, explained
from fixby.headers.judge import Judged
from fixby.headers.page import Page, hsts_of
from fixby.headers.response import Answer
from fixby.headers.source_match import Place
from fixby.headers.suggestion import Suggestion
from fixby.headers.transition import would_change
from fixby.reports.published import instant

SCHEMA = "fixby.headers/1"
CSP_SCHEMA = "fixby.csp/1"


def document(judged: Iterable[Judged], progress: Mapping[str, Progress]) -> str:
    """The verdicts on some URLs as JSON text: indented, keys sorted, ASCII only, numbers of any size.

    `progress` is of each URL that is remembered.
    """
    responses = [_response(one, progress.get(one.url)) for one in judged]
    return _written({"schema": SCHEMA, "responses": responses})


def workbench(policies: Sequence[Policy], failures: Iterable[Check], page: Place, better: Suggestion) -> str:
    """What policies that nobody sent yet come to, and what is suggested instead, as JSON text."""
    return _written(
        {
            "schema": CSP_SCHEMA,
            "policies": [
                {**_policy(policy), "mistakes": [_mistake(one) for one in policy.mistakes]} for policy in policies
            ],
            "checks": [_check(check) for check in failures],
            "effective": effective(policies),
            **_meaning(explained(policies, page)),
            "allows": asdict(allows(policies, page)),
            "suggestion": {"policies": list(better.policies), "changes": list(better.changes)},
        }
    )


def _written(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True)


def _response(one: Judged, progress: Progress | None) -> Mapping[str, Any]:
    return {
        "url": one.url,
        "outcome": "inconclusive" if one.reasons else "conclusive",
        "reasons": list(one.reasons),
        "hops": [_hop(answer) for answer in one.look.page.answers],
        "checks": [_check(check) for check in one.checks],
        "hsts": _hsts(one.page.answer) if one.page else None,
        "csp": _csp(one.page) if one.page else None,
        "allows": asdict(one.page.allows) if one.page else None,
        "changes": list(progress.changes) if progress else [],
        "transition": _transition(one.page, progress) if one.page else None,
    }


def _transition(page: Page, progress: Progress | None) -> Mapping[str, Any]:
    """How far the page's policy is; what is only known of a page that is remembered is null elsewhere."""
    return {
        "state": str(progress.state) if progress else None,
        "reports_since": instant(progress.reports_since) if progress else None,
        "enforce_by": instant(progress.enforce_by) if progress else None,
        "would_stop": list(would_change(page)),
    }


def _hop(answer: Answer) -> Mapping[str, Any]:
    return {
        "url": answer.url,
        "status": answer.status,
        "address": answer.address or None,
        "trusted": answer.trusted,
        "tls": answer.tls.protocol if answer.tls else None,
        "protocol": answer.http or None,
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
    enforced, frame_options = page.policies.enforced, page.answer.values("X-Frame-Options")
    return {
        "policies": [_policy(policy) for policy in policies],
        "effective": effective(enforced),
        **_meaning(explained(enforced, page.place, frame_options)),
    }


def _meaning(meaning: Explanation) -> Mapping[str, Any]:
    return {
        "directives": [
            {"directive": rule.directive, "decided_by": [asdict(one) for one in rule.deciding], "allows": rule.said}
            for rule in meaning.rules
        ],
        "attacker": [asdict(threat) for threat in meaning.threats],
    }


def _mistake(mistake: Mistake) -> Mapping[str, Any]:
    return {**asdict(mistake), "flaw": str(mistake.flaw), "message": sentence(mistake)}


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
