"""Instants as people give them on the command line."""

from datetime import UTC, datetime, timedelta

from fixby.errors import UsageError
from fixby.sla.duration import duration

_HINT = "Write a date such as 2026-09-30, or an instant such as 2026-09-30T12:00:00Z."


def end(text: str, option: str, now: int) -> int:
    """The UTC second that a date ends with, or an instant; not in the future. Raises `UsageError`."""
    at = _instant(text, option, timedelta(days=1, seconds=-1))
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    if text == today:
        return now
    if at > now:
        raise UsageError(f"{option}: {text} lies in the future.", _HINT)
    return at


def later(text: str, option: str, now: int) -> int:
    """The UTC second that a date ends with, an instant, or one that lies a duration after now; raises `UsageError`."""
    try:
        return now + duration(text)
    except ValueError:
        at = _instant(text, option, timedelta(days=1, seconds=-1))
    if at <= now:
        raise UsageError(f"{option}: {text} does not lie in the future.", _HINT)
    return at


def beginning(text: str, option: str, as_of: int) -> int:
    """The UTC second that a date begins with, an instant, or one that lies a duration before `as_of`.

    Raises `UsageError`.
    """
    try:
        return as_of - duration(text)
    except ValueError:
        since = _instant(text, option, timedelta())
    if since > as_of:
        raise UsageError(f"{option}: {text} lies after the end of the period.", _HINT)
    return since


def _instant(text: str, option: str, of_a_day: timedelta) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option}: {text!r} is no date and no instant.", _HINT) from error
    if len(text) == len("2026-09-30"):
        moment += of_a_day
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
