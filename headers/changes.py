"""What changed between two visits to a page, and how far its policy is, in words that people use."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fixby.headers.csp import Policy, policies
from fixby.headers.expectations import DAY, length
from fixby.headers.hsts import Effect, Hsts, Void, read
from fixby.headers.transition import Memory, State

_Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How a page went on since its last conclusive visit: sentences, and the state of its policy.

    `reports_since` and `enforce_by` are UTC seconds, None where nothing only reports.
    """

    changes: tuple[str, ...]
    state: State
    reports_since: int | None = None
    enforce_by: int | None = None


def progress(before: Memory, after: Memory, transition_days: int) -> Progress:
    """How a page went on; a policy may only report for so many days."""
    changed = tuple(changes(before.headers, after.headers))
    if after.state is not State.REPORT_ONLY or after.reports_since is None:
        return Progress(changed, after.state)
    return Progress(changed, after.state, after.reports_since, after.reports_since + transition_days * DAY)


def standing(made: Progress, now: int) -> str:
    """The state of a page's policy at `now`, a UTC second: how long it has only reported, and until when it may."""
    if made.reports_since is None or made.enforce_by is None:
        return _STATES[made.state]
    due = "to be enforced by" if now < made.enforce_by else "and was to be enforced by"
    return f"reports only since {_day(made.reports_since)}, {due} {_day(made.enforce_by)}"


_STATES = {
    State.NONE: "there is none",
    State.REPORT_ONLY: "reports only",
    State.DUAL: "enforced, and another one only reports",
    State.ENFORCED: "enforced, and still weak",
    State.HARDENED: "enforced",
}


def changes(before: Mapping[str, _Values], after: Mapping[str, _Values]) -> Iterator[str]:
    """What changed in the headers that are remembered of a page, a sentence for each change.

    Nothing where no visit is remembered. Nonces and hashes are masked in what is remembered, so that they never count.
    """
    for name in after if before else ():
        was, is_now = before.get(name, ()), after[name]
        if was != is_now:
            yield from _TELLERS.get(name, _plain(name))(was, is_now)


def _plain(name: str) -> Callable[[_Values, _Values], Iterator[str]]:
    def tell(was: _Values, is_now: _Values) -> Iterator[str]:
        if not is_now:
            yield f"{name} is gone"
        elif not was:
            yield f"{name} is new: {_said(is_now)}"
        else:
            yield f"{name} changed from {_said(was)} to {_said(is_now)}"

    return tell


def _hsts(was: _Values, is_now: _Values) -> Iterator[str]:
    old, new = read(was, ""), read(is_now, "")
    if new.reason is Void.ABSENT:
        yield "HSTS is gone"
    elif new.reason:
        yield f"HSTS is no longer honoured: {new.reason}" if was else f"HSTS is sent and not honoured: {new.reason}"
    elif old.reason:
        yield f"HSTS is {'new' if old.reason is Void.ABSENT else 'honoured now'}, for {length(new.max_age or 0)}"
    else:
        yield from list(_hsts_terms(old, new)) or ["HSTS is written differently"]


def _hsts_terms(old: Hsts, new: Hsts) -> Iterator[str]:
    before, after = old.max_age or 0, new.max_age or 0
    if new.effect is Effect.REMOVES and old.effect is Effect.SETS:
        yield "HSTS is switched off: max-age is 0"
    elif before != after:
        yield f"HSTS max-age {'fell' if after < before else 'rose'} from {length(before)} to {length(after)}"
    if old.include_subdomains != new.include_subdomains:
        yield "HSTS covers subdomains now" if new.include_subdomains else "HSTS no longer covers subdomains"
    if old.preload != new.preload:
        yield "HSTS asks to be preloaded now" if new.preload else "HSTS no longer asks to be preloaded"


def _enforced(was: _Values, is_now: _Values) -> Iterator[str]:
    return _csp("CSP", ("CSP is enforced now", "CSP is no longer enforced"), was, is_now)


def _reporting(was: _Values, is_now: _Values) -> Iterator[str]:
    here = "a CSP that only reports is sent now", "the CSP that only reports is gone"
    return _csp("the CSP that only reports", here, was, is_now)


def _csp(name: str, come_and_gone: tuple[str, str], was: _Values, is_now: _Values) -> Iterator[str]:
    old, new = _effective(was), _effective(is_now)
    if bool(old) != bool(new):
        yield come_and_gone[0] if new else come_and_gone[1]
    elif len(old) != len(new):
        yield f"{name} is made of {len(new)} policies, not of {len(old)}"
    else:
        pairs = zip(old, new, strict=True)
        yield from [f"{name}: {said}" for pair in pairs for said in _directives(*pair)] or [
            f"{name} is written differently"
        ]


def _effective(values: Sequence[str]) -> list[Policy]:
    return [policy for policy in policies(values) if policy.is_effective]


def _directives(old: Policy, new: Policy) -> Iterator[str]:
    for name in dict.fromkeys((*old.directives, *new.directives)):
        was, is_now = old.directives.get(name), new.directives.get(name)
        if is_now is None:
            yield f"{_cut(name)} is gone"
        elif was is None:
            yield f"{_cut(' '.join((name, *is_now)))} is new"
        else:
            gained, lost = ([one for one in some if one not in other] for some, other in ((is_now, was), (was, is_now)))
            said = [f"gained {_cut(' '.join(gained))}"] if gained else []
            said += [f"lost {_cut(' '.join(lost))}"] if lost else []
            if said:
                yield f"{_cut(name)} {' and '.join(said)}"


_TELLERS: Mapping[str, Callable[[_Values, _Values], Iterator[str]]] = {
    "Strict-Transport-Security": _hsts,
    "Content-Security-Policy": _enforced,
    "Content-Security-Policy-Report-Only": _reporting,
}


def _said(values: _Values) -> str:
    return _cut(", ".join(values)) or "nothing"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST = 80


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
