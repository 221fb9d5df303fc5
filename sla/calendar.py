"""Which time counts: all of it, or that of working days alone."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

DAY = 86_400


@dataclass(frozen=True)
class Calendar:
    """Days that do not count, as days since the epoch in UTC; a working day counts from midnight to midnight."""

    days_off: tuple[int, ...] = ()
    name: str = field(default="every day", compare=False)

    def between(self, start: int, stop: int) -> int:
        """How many seconds count from an instant to a later one."""
        return self._counted(stop) - self._counted(start)

    def after(self, start: int, seconds: int) -> int:
        """The first instant at which so many seconds have counted since `start`."""
        wanted = self._counted(start) + seconds
        return wanted + self._off_before(bisect_right(self._reached, wanted - 1)) if seconds else start

    def _counted(self, instant: int) -> int:
        """The seconds that count from the epoch to an instant."""
        day, second = divmod(instant, DAY)
        passed = bisect_right(self.days_off, day)
        is_off = passed > 0 and self.days_off[passed - 1] == day
        return instant - self._off_before(passed - is_off) - (second if is_off else 0)

    def _off_before(self, days: int) -> int:
        return days * DAY

    @cached_property
    def _reached(self) -> list[int]:
        """The seconds that have counted when each day off begins."""
        return [day * DAY - position * DAY for position, day in enumerate(self.days_off)]


EVERY_DAY = Calendar()


def working_days(name: str, days_off: Iterable[int]) -> Calendar:
    """The calendar of a name, without these days since the epoch."""
    return Calendar(tuple(sorted(set(days_off))), name)
