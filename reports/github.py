"""What a run on GitHub has to tell, whoever is told: annotations, the job's summary, the comment of a pull request."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fixby.policies.gate import Judgement, Verdict
from fixby.severity import Severity
from fixby.sla.clock import Status
from fixby.tracked import TrackedFinding


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a run. `now` is a UTC second; `asset` is what was scanned, `image` a container image beside it.

    `compared` names what a change was compared with, and is empty where all was scanned; `new` is then what the change
    adds, else what the last scans found for the first time or again. `open` is empty for a change. `remarks` say of ids
    why they do not count, or not for certain; `unchecked` are sentences on what was not looked at; `problem` is what
    ended the run before its end.
    """

    asset: str
    judgement: Judgement
    now: int
    compared: str = ""
    new: Sequence[TrackedFinding] = ()
    open: Sequence[TrackedFinding] = ()
    fixed: int = 0
    remarks: Mapping[str, str] = field(default_factory=dict)
    unchecked: Sequence[str] = ()
    notes: Sequence[str] = ()
    problem: str = ""
    image: str = ""

    @property
    def breached(self) -> list[TrackedFinding]:
        """Open findings that are past their due date, the latest first."""
        return [one for one in self.open if one.sla_status == Status.BREACHED]

    @property
    def due_soon(self) -> list[TrackedFinding]:
        """Open findings that will be, the first due first."""
        return [one for one in self.open if one.sla_status == Status.DUE_SOON]

    def spoken_of(self) -> list[TrackedFinding]:
        """The findings that people are to look at, the worst first: what is new, late, or breaks a rule of the gate."""
        broken = {id_ for rule in self.judgement.rules if rule.verdict is Verdict.FAIL for id_ in rule.findings}
        some = {one.id: one for one in (*self.new, *self.breached)}
        some |= {one.id: one for one in self.open if one.id in broken}
        return worst_first(some.values())


def worst_first(findings: Iterable[TrackedFinding]) -> list[TrackedFinding]:
    """Findings by severity; what nobody has rated stands before what is low. Of like ones the first due comes first."""
    return sorted(findings, key=lambda one: (-_weight(one.finding.severity), one.due_at or 2**62, one.id))


def counts(told: Told) -> Iterator[tuple[str, str]]:
    """The counts of new, open and breached findings, in all and by severity, as outputs of a step.

    Those of a change are empty where only a whole scan could tell.
    """
    for name, some in (("new", told.new), ("open", told.open), ("breached", told.breached)):
        unknown = not told.judgement.rules or (bool(told.compared) and name != "new")
        by_severity = Counter(one.finding.severity for one in some)
        yield name, "" if unknown else str(len(some))
        for severity in Severity:
            yield f"{name}-{severity}", "" if unknown else str(by_severity[severity])


def _weight(severity: Severity) -> float:
    return 1.5 if severity is Severity.UNKNOWN else severity.rank
