"""The business days of countries: neither weekend nor public holiday, by the `holidays` library."""

import warnings
from datetime import date
from functools import cache

from fixby.sla.calendar import EVERY_DAY, Calendar, working_days

HINT = f'Write "{EVERY_DAY.name}", a country such as "DE", or one with a subdivision such as "DE-BE" or "US-CA".'
"""How a calendar is named, for error messages."""


@cache
def business_days(name: str) -> Calendar:
    """The calendar of a country by its ISO 3166 code, or of a subdivision of it: `DE`, `US-CA`; or `every day`.

    It knows the days off from 2000 to 2060; a holiday that the library does not know of is a business day. Raises
    `ValueError` for a country or subdivision that nobody knows.
    """
    if name == EVERY_DAY.name:
        return EVERY_DAY
    from holidays import country_holidays, list_supported_countries  # noqa: PLC0415 - it takes a fifth of a second

    country, dash, subdivision = name.partition("-")
    countries = list_supported_countries(include_aliases=False)
    if country not in countries:
        raise ValueError(f"there is no calendar {name!r}: the country {country!r} is not known")
    if dash and subdivision not in countries[country]:
        known = ", ".join(countries[country]) or "none"
        raise ValueError(f"there is no calendar {name!r}: the known subdivisions of {country} are {known}")
    holidays = country_holidays(country, subdiv=subdivision or None)
    with warnings.catch_warnings(action="ignore"):  # of years for which a moving holiday is not known
        return working_days(name, filter(lambda day: not holidays.is_working_day(_date(day)), _DAYS))


@cache
def exceptions(calendar: Calendar) -> str:
    """The days of a calendar from 2000 to 2060 that are unlike those of a plain week, to be written down.

    Weekdays that are off, each as an ISO date; then, behind a `+`, days of weekends that count. Empty where every day
    counts.
    """
    off = set(calendar.days_off)
    if not off:
        return ""
    weekends = set(filter(_is_weekend, _DAYS))
    words = (*map(_iso, sorted(off - weekends)), *(f"+{_iso(day)}" for day in sorted(weekends - off)))
    return " ".join(words) or "weekends"


def written_calendar(name: str, words: str) -> Calendar:
    """The calendar of which `exceptions` gave these words. Raises `ValueError` for others."""
    if not words:
        return EVERY_DAY
    some = words.split() if words != "weekends" else []
    off = {_day(word) for word in some if word[0] != "+"}
    counting = {_day(word[1:]) for word in some if word[0] == "+"}
    return working_days(name, (off | set(filter(_is_weekend, _DAYS))) - counting)


def _is_weekend(day: int) -> bool:
    return _date(day).weekday() in _WEEKEND


def _iso(day: int) -> str:
    return _date(day).isoformat()


def _day(iso: str) -> int:
    return date.fromisoformat(iso).toordinal() - _EPOCH


_WEEKEND = (5, 6)


def _date(day: int) -> date:
    return date.fromordinal(_EPOCH + day)


_EPOCH = date(1970, 1, 1).toordinal()
_DAYS = range(date(2000, 1, 1).toordinal() - _EPOCH, date(2061, 1, 1).toordinal() - _EPOCH)
"""The days from 2000 to 2060, since the epoch."""
