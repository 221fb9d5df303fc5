"""Whether the vanishing of a finding proves its fix: only a scan that could have seen it closes it.

What was published as a vulnerability and withdrawn is no finding any more, and not fixed either.

Whatever a scan did not look at, or looked at unchanged and no longer reports, stays open and is not observed, with the
reason.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fixby.finding import Finding
from fixby.identity import PACKAGES
from fixby.known import Known, Look, Memory, Presence, Sighting
from fixby.matching import Trace
from fixby.outline import line_map
from fixby.scan import Coverage, Partial, Scan


def units(finding: Finding) -> tuple[str, ...]:
    """The units of coverage in which a finding stands: its files, or `manifest#package` for a dependency.

    The empty name stands for the target as a whole, where a finding has no location.
    """
    places = finding.locations
    paths = tuple(dict.fromkeys(place.path for place in places)) if len(places) > 1 else (finding.path,)
    if finding.component and finding.category in PACKAGES:
        return tuple(f"{path}#{finding.component.name}" for path in paths)
    return paths


def in_scope(unit: str, target: str) -> bool:
    """Whether a unit or path lies in a target: a folder, a file, or `.` for everything."""
    return target in (".", unit, _file(unit)) or unit.startswith(f"{target}/")


@dataclass(frozen=True, slots=True)
class Judge:
    """What tells whether a finding that a scan does not report is fixed.

    `observed_before` counts those that the scanner saw before where it looked now; `doubt` is why it closes nothing.
    """

    scan: Scan
    memory: Memory
    observed_before: int
    doubt: str

    def why_not_gone(self, unit: str, last_scan: int | None) -> str:
        """Why a finding may still stand in a unit that last showed it in `last_scan`; empty where it does not."""
        scan = self.scan
        if not in_scope(unit, scan.target):
            return f"{_file(unit)} is outside of what was scanned"
        uncovered = _uncovered(scan.coverage, unit) or self.doubt
        return uncovered or _unchanged(scan, unit, self.memory.looked(last_scan).get(unit))

    def why_not_fixed(self, known: Known, sighting: Sighting, trace: Trace | None) -> str:
        """Why a finding may still be there, wherever it stood; empty where its vanishing proves the fix.

        Of a package its version tells, not the line that names it: that stays when the version below it is another.
        """
        scan, rules = self.scan, self.scan.coverage.rules
        if rules is not None and rules.isdisjoint({known.rule, *scan.renamed_rules.get(known.rule, ())}):
            return f"{scan.scanner} no longer has the rule {known.rule}"
        reason = next(filter(None, (self.why_not_gone(unit, sighting.last_scan) for unit in sighting.units)), "")
        if reason or known.category in PACKAGES or trace is None or not self._survives(trace):
            return reason
        before = self.memory.looked(sighting.last_scan).get(trace.path)
        changed = _changed_scanner(scan, before) if before else ""
        if not changed and rules is None and not scan.coverage.whole:
            return f"{trace.path}:{trace.line} did not change, and the report does not say which rules were run"
        return changed or self._suspicious_silence()

    def withdrawn(self, known: Known, sighting: Sighting) -> str:
        """The name by which a finding was withdrawn in all units in which it stood; empty where it was not."""
        told = [self.scan.withdrawn.get(unit, ()) for unit in sighting.units]
        if not all(told) or self.doubt or any(_uncovered(self.scan.coverage, unit) for unit in sighting.units):
            return ""
        names = self.memory.said([known.id])[known.id].identifiers.names
        return next((name for name in names if all(name in some for some in told)), "")

    def _survives(self, trace: Trace) -> bool:
        """Whether all lines of a finding are in its file as they were."""
        now = self.scan.outlines.get(trace.path)
        if not now or not trace.outline or not trace.line:
            return False
        mapped = line_map(trace.outline, now)
        return all(mapped.get(line) for line in (trace.line, trace.last_line or trace.line))

    def _suspicious_silence(self) -> str:
        if self.scan.findings or self.observed_before < _MUCH:
            return ""
        return f"the scan reports nothing where {self.observed_before} findings stood, and the code is as it was"


_MUCH = 5


def judge(scan: Scan, memory: Memory, still_open: Iterable[Known]) -> Judge:
    """What judges a scan; `still_open` are the open findings of the asset."""
    seen = [one for one in still_open if was_observed(one, scan.scanner)]
    here = (any(in_scope(unit, scan.target) for unit in one.sightings[scan.scanner].units) for one in seen)
    return Judge(scan, memory, sum(here), _why_nothing_closes(scan))


def was_observed(known: Known, scanner: str) -> bool:
    """Whether the last scan of a scanner saw a finding."""
    return scanner in known.sightings and known.sightings[scanner].presence is Presence.PRESENT


def _why_nothing_closes(scan: Scan) -> str:
    """Why a scan closes nothing at all: it saw nothing, or a reason of its being partial concerns no place."""
    if not scan.findings and not scan.coverage.scanned:
        return "the scan saw nothing at all"
    if not isinstance(scan.outcome, Partial):
        return ""
    of_places = tuple(filter(None, set(scan.coverage.skipped.values())))
    return next((f"the scan was cut short: {said}" for said in scan.reasons if not said.endswith(of_places)), "")


def _uncovered(coverage: Coverage, unit: str) -> str:
    """Why a scan cannot speak of a unit; empty where it looked at it, or the unit no longer exists."""
    for place in (unit, _file(unit), *_folders(unit)):
        if place in coverage.skipped:
            return coverage.skipped[place] or "it was skipped"
    if not coverage.whole and unit not in coverage.scanned:
        return f"the report does not say that {unit or 'everything'} was looked at"
    excluded = (reason for path, reason in coverage.excluded.items() if in_scope(_file(unit), path))
    return next((reason or "it is excluded" for reason in excluded), "")


def _unchanged(scan: Scan, unit: str, before: Look | None) -> str:
    """What else may explain the vanishing where the unit's content did not change, or nobody knows whether it did."""
    content = scan.coverage.scanned.get(unit)
    if content is None or before is None or (content and before.content and content != before.content):
        return ""
    is_the_same = content == before.content != ""
    silent = f"{unit} did not change, yet {scan.scanner} no longer reports it" if is_the_same else ""
    return _changed_scanner(scan, before) or silent


def _changed_scanner(scan: Scan, before: Look) -> str:
    if "" not in (scan.tool_version, before.tool_version) and scan.tool_version != before.tool_version:
        return f"scanner changed from {before.tool_version} to {scan.tool_version}"
    return "the scanner's rules or options changed" if scan.configuration != before.configuration else ""


def _file(unit: str) -> str:
    return unit.partition("#")[0]


def _folders(unit: str) -> Iterator[str]:
    """The folders in which a unit lies, written as folders that cannot be read are: with a `/` at the end."""
    parts = _file(unit).split("/")
    yield "./"
    for depth in range(1, len(parts)):
        yield "/".join(parts[:depth]) + "/"
