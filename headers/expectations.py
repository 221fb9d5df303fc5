"""What the owner of a site says of it: what is asked beyond what every site owes."""

import re
from dataclasses import dataclass
from typing import Final

DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Expectations:
    """What is expected of a site or of some of its paths.

    `authenticated` paths answer with credentials. `hsts_least` is in seconds. Names of cookies are matched by
    `session_cookies`, regular expressions without regard to case; those in `ignored_cookies` are not judged.
    `transition_days` is how long a policy may only report; `csp` a policy that the page's must be as strict as.
    """

    authenticated: bool = False
    hsts_least: int = 180 * DAY
    hsts_subdomains: bool = False
    hsts_preload: bool = False
    session_cookies: tuple[str, ...] = (r"sess|sid|auth|token|jwt|login|remember",)
    ignored_cookies: tuple[str, ...] = ()
    transition_days: int = 30
    csp: str = ""

    def is_session(self, cookie: str) -> bool:
        """Whether a cookie of this name holds a session; one against forged requests is for script to read."""
        return not re.search(r"csrf|xsrf", cookie, re.IGNORECASE) and _matches(self.session_cookies, cookie)

    def is_ignored(self, cookie: str) -> bool:
        """Whether a cookie of this name is not judged."""
        return any(re.fullmatch(pattern, cookie, re.IGNORECASE) for pattern in self.ignored_cookies)


def _matches(patterns: tuple[str, ...], name: str) -> bool:
    return any(re.search(pattern, name, re.IGNORECASE) for pattern in patterns)


def length(seconds: int) -> str:
    """A length of time in the largest unit that it is made of: `1 year`, `180 days`, `1.5 days`."""
    if seconds >= 100 * _UNITS["year"]:
        return "over 100 years"
    whole = next((name for name, unit in _UNITS.items() if seconds and not seconds % unit and name != "second"), "")
    name = whole or next((name for name, unit in _UNITS.items() if seconds >= unit), "second")
    if whole == "hour" and seconds > _UNITS["day"]:
        name = "day"
    number = round(seconds / _UNITS[name], 1)
    return f"{number:g} {name}{'' if number == 1 else 's'}"


_UNITS = {"year": 365 * DAY, "day": DAY, "hour": 3600, "minute": 60, "second": 1}
