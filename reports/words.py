"""The words that reports of all formats use of a finding: where it is, and until when."""

from fixby.finding import Finding, Location
from fixby.reports.published import instant
from fixby.sla.clock import Status
from fixby.sla.duration import until
from fixby.tracked import State, TrackedFinding


def where(finding: Finding) -> str:
    """The first place of a finding, how many more there are, and the package that it is about."""
    more = f" +{len(finding.locations) - 1}" if len(finding.locations) > 1 else ""
    package = f" {finding.component.name} {finding.component.version}" if finding.component else ""
    return f"{place(finding.locations[0])}{more}{package}" if finding.locations else package.strip()


def place(location: Location) -> str:
    """A location as editors and terminals understand it: `path:line`."""
    return location.path if location.line is None else f"{location.path}:{location.line}"


def due(tracked: TrackedFinding, now: int) -> str:
    """The due date in words: `in 3 h`, `2 d late`, or why there is none."""
    if tracked.state is State.OPEN and tracked.due_at is not None:
        return until(tracked.due_at - now)
    if tracked.state is State.WITHDRAWN:
        return "withdrawn"
    return _WITHOUT_DATE.get(tracked.sla_status, spaced(tracked.sla_status))


def spaced(name: str) -> str:
    """A name of the program as people write it: `not_observed` becomes `not observed`."""
    return name.replace("_", " ")


def moment(seconds: int | None) -> str:
    """A UTC second such as `2026-03-04 12:00:00 UTC`; empty for None."""
    return (instant(seconds) or "").replace("T", " ").replace("Z", " UTC")


_WITHOUT_DATE: dict[str, str] = {
    Status.MET: "fixed in time",
    Status.MISSED: "fixed late",
    Status.EXEMPT: "no deadline",
}
