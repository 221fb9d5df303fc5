"""From a policy that only reports to one that is enforced: what is remembered of a page, and what follows from it.

The states go `none`, `report-only`, `dual` (both), `enforced`, `hardened`. A page must not stay in `report-only` for
ever, and must not go back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from fixby.headers.allows import allows, loads, loads_script
from fixby.headers.check import Check, failed
from fixby.headers.csp import Disposition, Policy, masked, policies
from fixby.headers.csp_checks import ANYWHERE
from fixby.headers.expectations import DAY
from fixby.headers.page import Page
from fixby.severity import Severity


class State(StrEnum):
    """How far a page is."""

    NONE = "none"
    REPORT_ONLY = "report-only"
    DUAL = "dual"
    ENFORCED = "enforced"
    HARDENED = "hardened"


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a page from its last conclusive visit.

    `promised` are the capabilities that the strictest policies enforced so far left to a page, None before there was
    one; `tried` those that the reporting policies would leave. `reports_since` is the UTC second from which the
    deadline counts; `restarted` whether it began anew once. `headers` are the values that protect, nonces and hashes
    masked.
    """

    state: State = State.NONE
    promised: tuple[str, ...] | None = None
    tried: tuple[str, ...] | None = None
    reports_since: int | None = None
    restarted: bool = False
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NOTHING_YET = Memory()

REMEMBERED = (
    *("Strict-Transport-Security", "Content-Security-Policy", "Content-Security-Policy-Report-Only"),
    *("X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy"),
)
"""The headers whose changes are told."""


def advance(before: Memory, page: Page, now: int) -> tuple[Memory, list[Check]]:
    """What is remembered after a conclusive visit at `now`, a UTC instant in seconds, and what failed by it."""
    enforced = [policy for policy in page.policies.enforced if policy.is_effective]
    reporting = [policy for policy in page.policies.reporting if policy.is_effective]
    granted = capabilities(enforced, page) if enforced else None
    tried = capabilities(reporting, page) if reporting else None
    state = _state(granted, tried)
    since, restarted = _clock(before, state, tried, now)
    memory = Memory(
        state=state,
        promised=_promised(before, granted),
        tried=tried if reporting else before.tried,
        reports_since=since,
        restarted=restarted,
        headers={name: tuple(masked(value) for value in page.answer.values(name)) for name in REMEMBERED},
    )
    return memory, [*_regressions(before, granted, page), *_overdue(memory, page, now)]


def capabilities(policies: Sequence[Policy], page: Page) -> tuple[str, ...]:
    """What policies together leave to whoever writes into a page, sorted: the fewer, the stricter."""
    allowed = allows(policies, page.place)

    def all_load(directive: str) -> bool:
        return all(loads(policy, directive, ANYWHERE, page.place) for policy in policies)

    granted = {
        "inline script": allowed.inline_script,
        "inline event handlers": allowed.inline_handler,
        "script from anywhere": all(loads_script(policy, ANYWHERE, page.place) for policy in policies),
        "script from data: addresses": allowed.data_script,
        "text as script": allowed.eval,
        "plug-ins from anywhere": all_load("object-src"),
        "another base": all_load("base-uri"),
        "frames of anybody": all_load("frame-ancestors"),
        "forms to anywhere": all_load("form-action"),
    }
    return tuple(sorted(name for name, is_granted in granted.items() if is_granted))


def _state(granted: tuple[str, ...] | None, tried: tuple[str, ...] | None) -> State:
    if granted is None:
        return State.NONE if tried is None else State.REPORT_ONLY
    if tried is not None:
        return State.DUAL
    return State.ENFORCED if _WEAK & set(granted) else State.HARDENED


_WEAK = frozenset(
    {"inline script", "inline event handlers", "script from anywhere", "script from data: addresses", "another base"}
)


def _clock(before: Memory, state: State, tried: tuple[str, ...] | None, now: int) -> tuple[int | None, bool]:
    """Since when the page only reports, and whether that was set anew: once, for a policy that is really another."""
    if state is not State.REPORT_ONLY:
        keeps = state is State.NONE  # a policy that was taken away and comes back has not earned new time
        return (before.reports_since, before.restarted) if keeps else (None, False)
    if before.reports_since is None:
        return now, before.restarted
    if tried != before.tried and not before.restarted:
        return now, True
    return before.reports_since, before.restarted


def _promised(before: Memory, granted: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The strictest that was enforced so far: what comes after it is held against it."""
    if granted is None:
        return before.promised
    if before.promised is None:
        return _only_common(granted, before.tried)
    return tuple(sorted(set(granted) & set(before.promised)))


def _only_common(granted: tuple[str, ...], tried: tuple[str, ...] | None) -> tuple[str, ...]:
    """What a first enforced policy promises: no more than the one that was tried out before it."""
    return granted if tried is None else tuple(sorted(set(granted) & set(tried)))


def _regressions(before: Memory, granted: tuple[str, ...] | None, page: Page) -> Iterator[Check]:
    lines = page.policies.evidence()
    if before.promised is not None and granted is None:
        yield failed("CSP-REGRESSION", "A policy was enforced, and none is any more.", *lines)
        return
    promised = before.promised if before.promised is not None else before.tried
    if promised is not None and granted is not None and (more := sorted(set(granted) - set(promised))):
        was = "the policy before it" if before.promised is not None else "the policy that was tried out"
        yield failed("CSP-REGRESSION", f"It allows what {was} did not: {', '.join(more)}.", *lines)


def _overdue(memory: Memory, page: Page, now: int) -> Iterator[Check]:
    """How long a policy has only reported; after the deadline that is worse."""
    if memory.state is not State.REPORT_ONLY or memory.reports_since is None:
        return
    deadline = memory.reports_since + page.expected.transition_days * DAY
    said = f"It has only reported since {_day(memory.reports_since)}; it was to be enforced by {_day(deadline)}."
    lines = page.policies.evidence(Disposition.REPORT)
    yield failed("CSP-REPORT-ONLY", said, *lines, severity=Severity.HIGH if now >= deadline else Severity.MEDIUM)


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def expected_failures(page: Page) -> Iterator[Check]:
    """What the page's policies allow and the one that its owner asks for does not."""
    if not page.expected.csp:
        return
    enforced = [policy for policy in page.policies.enforced if policy.is_effective]
    wanted = capabilities(policies([page.expected.csp]), page)
    if more := sorted(set(capabilities(enforced, page)) - set(wanted)):
        said = f"It allows what is not expected: {', '.join(more)}."
        yield failed("CSP-REGRESSION", said, *page.policies.evidence(), subject="expected")


def would_change(page: Page) -> tuple[str, ...]:
    """What would no longer be allowed if the policies that only report were enforced as well."""
    now, then = page.policies.enforced, [*page.policies.enforced, *page.policies.reporting]
    return tuple(name for name in capabilities(now, page) if name not in capabilities(then, page))


def merged(checks: Sequence[Check], others: Sequence[Check]) -> tuple[Check, ...]:
    """Checks, of which those that others say more about are replaced by them; the others follow."""
    better = {(check.id, check.subject): check for check in others}
    kept = [better.pop((check.id, check.subject), check) for check in checks]
    return tuple(kept) + tuple(better.values())
