"""What is known of findings from earlier scans, and what a scan says of them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fixby.finding import Category, Finding


class Presence(StrEnum):
    """What the last scan of one scanner said of a finding."""

    PRESENT = "present"
    NOT_OBSERVED = "not_observed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of a finding through one scanner.

    `details` is a digest of what the scanner last said of it; `units` are the units of coverage in which it stands;
    `last_scan` names the last scan that saw it, or is None while the latest one does. `outline` is the digest of the
    outline of its file as it was then, or empty.
    """

    presence: Presence
    details: str
    units: tuple[str, ...]
    reason: str = ""
    last_scan: int | None = None
    outline: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A finding of the asset: when its clock began, when it was closed (None while open), who sees it.

    `identity` is what it was last observed as, `is_dismissed` whether somebody said that it is none.
    """

    id: str
    identity: str
    category: Category
    rule: str
    started_at: int
    closed_at: int | None
    is_dismissed: bool
    sightings: Mapping[str, Sighting]


@dataclass(slots=True)
class Observed:
    """What a scan says of a finding, the same as canonical JSON, a digest of that, and what it identifies it as."""

    identity: str
    finding: Finding
    document: str
    details: str


@dataclass(frozen=True, slots=True)
class Look:
    """How a scanner last looked at a unit: the digest of its content, and the scanner's version and configuration."""

    content: str
    tool_version: str
    configuration: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier scans by the same scanner left behind; it is asked only for what is needed.

    `looked` gives what the scanner had looked at, by unit, up to the scan of a number, or up to its latest usable one
    for None. `said` gives what it last said of findings, by id, and `outline` the outline of a digest, or nothing.
    """

    looked: Callable[[int | None], Mapping[str, Look]]
    said: Callable[[Collection[str]], Mapping[str, Finding]]
    outline: Callable[[str], bytes]
