"""A policy as text for people, and as the document that programs read."""

from collections.abc import Iterator, Sequence
from typing import Any

from fixby.policies.policy import AcceptanceRule, Conditions, Override, Policy
from fixby.reports.plain import safe
from fixby.severity import LEVELS
from fixby.sla.clock import Window


def lines(policy: Policy) -> list[str]:
    """All that a policy says, for people; durations are exact."""
    terms = policy.terms
    return [
        f"policy: {safe(policy.name)}, {safe(policy.source)}",
        f"digest: {policy.digest}",
        "",
        "windows:",
        *_windows(terms.windows),
        *(f"  {level:<8}  none" for level in reversed(LEVELS) if level not in {one.level for one in terms.windows}),
        f"  days that count: {safe(terms.calendar.name)}",
        f"  an unknown severity is treated as {terms.unknown_as}",
        f"  of several scanners {_said(policy.severity_of)}",
        f"  due soon with {terms.due_soon_percent}% of the window left",
        f"  the old finding if it is back within {_written(policy.regression_window)}",
        "",
        "overrides:",
        *(line for override in policy.overrides for line in _override(override)),
        *(() if policy.overrides else ("  none",)),
        "",
        "acceptance of risks:",
        *(f"  {severity:<8}  {_rule(rule)}" for severity, rule in policy.acceptance.items()),
    ]


def document(policy: Policy) -> dict[str, Any]:
    """What `policy show --json` prints."""
    return {
        "schema": "fixby.policy/1",
        "name": policy.name,
        "digest": policy.digest,
        "source": policy.source,
        "windows": [_window_document(window) for window in policy.terms.windows],
        "overrides": [_override_document(override) for override in policy.overrides],
        "acceptance": {
            str(severity): {"longest_seconds": rule.longest, "approvers": rule.approvers, "by": list(rule.by)}
            for severity, rule in policy.acceptance.items()
        },
        "calendar": policy.terms.calendar.name,
        "unknown_as": policy.terms.unknown_as,
        "severity_of": list(policy.severity_of) or "highest",
        "due_soon_percent": policy.terms.due_soon_percent,
        "regression_seconds": policy.regression_window,
    }


def _said(severity_of: Sequence[str]) -> str:
    named = ", then ".join(map(safe, severity_of))
    return f"{named} says the severity, else the highest counts" if named else "the highest severity counts"


def _windows(windows: tuple[Window, ...]) -> Iterator[str]:
    return (f"  {one.level:<8}  {_written(one.seconds):<5}  {safe(one.line)}" for one in windows)


def _override(override: Override) -> Iterator[str]:
    yield f"  {safe(override.name)}, where {safe('; '.join(_conditions(override.conditions)))}"
    yield from (f"  {line}" for line in _windows(override.windows))


def _conditions(conditions: Conditions) -> Iterator[str]:
    for name, values in (
        ("category", conditions.categories),
        ("tier", conditions.tiers),
        ("tag", conditions.tags),
        ("exposure", conditions.exposures),
    ):
        if values:
            yield f"{name} {' or '.join(values)}"
    if conditions.exploited:
        yield "known to be exploited"
    if conditions.epss is not None:
        yield f"EPSS {conditions.epss}% or more"


def _rule(rule: AcceptanceRule) -> str:
    if rule.longest is None:
        return "never"
    approvers = f"{rule.approvers} approver{'' if rule.approvers == 1 else 's'}"
    return f"{_written(rule.longest):<5}  {approvers}{' of ' if rule.by else ''}{safe(', '.join(rule.by))}"


def _written(seconds: int) -> str:
    """A duration as a policy writes it, in the largest unit that measures it exactly and is there at least twice."""
    units = (("d", 86_400), ("h", 3_600))
    return next(
        (f"{seconds // size}{unit}" for unit, size in units if seconds % size == 0 and seconds >= 2 * size),
        f"{seconds // 60}m",
    )


def _window_document(window: Window) -> dict[str, Any]:
    return {"severity": window.level, "seconds": window.seconds, "line": window.line}


def _override_document(override: Override) -> dict[str, Any]:
    conditions = override.conditions
    return {
        "name": override.name,
        "when": {
            "category": list(conditions.categories),
            "tier": list(conditions.tiers),
            "tag": list(conditions.tags),
            "exposure": list(conditions.exposures),
            "exploited": conditions.exploited,
            "epss_percent": conditions.epss,
        },
        "windows": [_window_document(window) for window in override.windows],
    }
