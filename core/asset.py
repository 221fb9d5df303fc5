"""What a finding is about in the end: something that a company runs, and what a policy may ask of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset, as its configuration describes it.

    `tier` and `exposure` (such as `internet` or `internal`) are words of the company's own, empty where nobody said;
    `team` is who is responsible. `codeowners` is the text of the `CODEOWNERS` (`fixby.codeowners`) of the repository in
    which it lies, empty for none and None where nobody looked; `folder` is its path from the root of that, empty for
    the root.
    """

    name: str
    tier: str = ""
    exposure: str = ""
    tags: tuple[str, ...] = ()
    team: str = ""
    codeowners: str | None = None
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Exploitation:
    """What is known of how a finding's vulnerability is exploited; nothing at first.

    `known` says that it is in the catalogue of known exploited vulnerabilities, `known_since` the running time (as of
    `fixby.sla.clock`) at which that was learnt first. `epss` is the present probability by EPSS in whole percent;
    `epss_since` has each percentage that was a new highest with the running time at which it was reached, in order.
    """

    known: bool = False
    known_since: int | None = None
    epss: int = 0
    epss_since: tuple[tuple[int, int], ...] = ()


UNEXPLOITED = Exploitation()
