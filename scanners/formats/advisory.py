"""What is published about a vulnerability, and the finding that it makes of a package."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import shorten

from fixby.component import Component
from fixby.finding import Finding, Location, Rule, Suppression
from fixby.identifiers import identifiers
from fixby.scanners.formats.packages import category, fix_of
from fixby.scanners.formats.ratings import UNRATED, Rating
from fixby.scanners.report import printable

NAMELESS = "unidentified"
"""The id of a vulnerability of which a report says none."""


@dataclass(slots=True)
class Advisory:
    """A vulnerability as a report describes it: `names` are its id and all others under which it is published.

    One without an id is `unidentified`.
    """

    id: str
    names: tuple[str, ...]
    title: str = ""
    description: str = ""
    rating: Rating = UNRATED
    cwes: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule:
        """The vulnerability as a rule; where it has no title, what its description says first."""
        return Rule(
            self.id or NAMELESS,
            printable(self.title or first_sentence(self.description) or self.id or NAMELESS),
            self.cwes,
            tuple(dict.fromkeys(filter(None, self.references))),
        )


@dataclass(slots=True)
class Place:
    """Where the package stands: `in_image` where it is part of a container's image."""

    locations: tuple[Location, ...] = ()
    in_image: bool = False


def vulnerability(  # noqa: PLR0913 - a finding has these parts
    scanner: str,
    advisory: Advisory,
    component: Component,
    place: Place,
    *,
    fix: str = "",
    suppression: Suppression | None = None,
) -> Finding:
    """A package with a vulnerability. `fix` is what can be done where there is no fixed version."""
    severity, source = advisory.rating
    rule = advisory.rule
    return Finding(
        category(component, in_image=place.in_image),
        scanner,
        rule,
        severity,
        source,
        printable(advisory.description) or rule.title,
        place.locations,
        component,
        identifiers(advisory.names),
        fix_of(component, fix),
        suppression=suppression,
    )


def nameless(findings: Iterable[Finding]) -> tuple[str, ...]:
    """A sentence about the vulnerabilities of which a report says no name, where there are any."""
    count = sum(finding.rule.id == NAMELESS for finding in findings)
    return (f"{count} of the vulnerabilities have no id in the report",) if count else ()


def units(findings: Iterable[Finding]) -> dict[str, str]:
    """The packages of findings as units of coverage, with their versions: no more is known of what was looked at."""
    return {f"{one.path}#{one.component.name}": one.component.version for one in findings if one.component}


def split_versions(words: str) -> tuple[str, ...]:
    """The versions in a list such as `1.2.3, 2.0.1`."""
    return tuple(dict.fromkeys(filter(None, map(str.strip, words.split(","))))) if words else ()


def versions_in(advice: str) -> tuple[str, ...]:
    """The versions to which an advice such as `Upgrade it from 1.0 to 1.2.3, 2.0.1 or higher` says to upgrade."""
    found = _UPGRADE.match(advice)
    return tuple(dict.fromkeys(_VERSION.findall(found[1]))) if found else ()


def first_sentence(words: str) -> str:
    """What a description says first, at most 120 characters of it."""
    return shorten(_SENTENCE_END.split(words[:2000].strip(), maxsplit=1)[0], width=120, placeholder=" ...")


_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n\n")
_UPGRADE = re.compile(r"\s*upgrade\b.*?\bto\b(.*)", re.IGNORECASE | re.DOTALL)
_VERSION = re.compile(r"(?<![\w.])(v?\d[\w.+:~-]*\w|v?\d)(?!\w)")
