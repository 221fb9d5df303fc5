"""The packages that are known of an asset, and what is known against them: a CycloneDX 1.6 bill of materials.

What was decided of a vulnerability stands in its analysis, in the words of `fixby.reports.vex`.
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from fixby.component import Component
from fixby.known import Presence
from fixby.reports import vex
from fixby.reports.vex import Issue
from fixby.severity import SeveritySource
from fixby.tracked import State, TrackedFinding, Witness

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component as Part
    from cyclonedx.model.vulnerability import BomTarget, Vulnerability, VulnerabilityAdvisory, VulnerabilityRating


@dataclass(frozen=True, slots=True)
class Placed:
    """A package and the file that names it, or an empty path. In two files it is to be mended, and listed, twice."""

    component: Component
    path: str

    @property
    def reference(self) -> str:
        """What the document calls it."""
        return f"{self.component.purl}#{self.path}" if self.path else self.component.purl


def cyclonedx(findings: Sequence[TrackedFinding], packages: Iterable[Placed], issue: Issue) -> str:
    """The document as JSON; those of the findings that are about a package bring it with them.

    The same content gives the same text, its serial number included. `issue.at` is the instant of which it tells.
    """
    some = [(one, Placed(component, one.finding.path)) for one, component in vex.packages_of(findings)]
    listed = {placed.reference: placed for placed in (*packages, *(placed for _, placed in some))}
    bom = _bom([listed[reference] for reference in sorted(listed)], some, issue)
    bom.serial_number = uuid5(NAMESPACE_URL, _written(bom))
    return _written(bom)


def _bom(listed: Sequence[Placed], some: Sequence[tuple[TrackedFinding, Placed]], issue: Issue) -> "Bom":
    from cyclonedx.model.bom import Bom, BomMetaData  # noqa: PLC0415 - nothing else needs it, and it is slow
    from cyclonedx.model.component import Component as Part  # noqa: PLC0415
    from cyclonedx.model.component import ComponentType  # noqa: PLC0415
    from cyclonedx.model.tool import ToolRepository  # noqa: PLC0415

    name, _, version = issue.tool.partition(" ")
    return Bom(
        serial_number=UUID(int=0),
        components=[_part(placed) for placed in listed],
        vulnerabilities=[_vulnerability(finding, placed) for finding, placed in some],
        metadata=BomMetaData(
            timestamp=datetime.fromtimestamp(issue.at, UTC),
            tools=ToolRepository(components=[Part(name=name, version=version, type=ComponentType.APPLICATION)]),
            component=Part(name=issue.product, bom_ref=issue.product, type=ComponentType.APPLICATION),
        ),
    )


def _written(bom: "Bom") -> str:
    from cyclonedx.output import make_outputter  # noqa: PLC0415
    from cyclonedx.schema import OutputFormat, SchemaVersion  # noqa: PLC0415

    with warnings.catch_warnings(action="ignore"):  # that it does not say which package needs which
        return str(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2))


def _part(placed: Placed) -> "Part":
    from cyclonedx.model.component import Component as Part  # noqa: PLC0415
    from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    component = placed.component
    return Part(
        name=component.name,
        version=component.version or None,
        purl=PackageURL.from_string(component.purl),
        bom_ref=placed.reference,
        evidence=ComponentEvidence(occurrences=[Occurrence(location=placed.path)]) if placed.path else None,
    )


def _vulnerability(tracked: TrackedFinding, placed: Placed) -> "Vulnerability":
    from cyclonedx.model.vulnerability import (  # noqa: PLC0415
        Vulnerability,
        VulnerabilityReference,
        VulnerabilitySource,
    )

    finding, name = tracked.finding, vex.name_of(tracked)
    others = [other for other in dict.fromkeys((*finding.identifiers.names, finding.rule.id)) if other != name]
    return Vulnerability(
        bom_ref=tracked.id,
        id=name,
        source=VulnerabilitySource(name=name.partition("-")[0]),
        references=[
            VulnerabilityReference(id=other, source=VulnerabilitySource(name=other.partition("-")[0]))
            for other in others
        ],
        ratings=[_rating(witness, tracked) for witness in tracked.witnesses if _counts(witness, tracked)],
        cwes=[int(number) for cwe in finding.rule.cwes if (number := cwe.removeprefix("CWE-")).isdecimal()],
        description=finding.rule.title,
        detail=finding.message,
        recommendation=finding.fix or None,
        advisories=list(_links(finding.rule.references)),
        analysis=vex.analysis_of(tracked, placed.component),
        affects=[_target(tracked, placed)],
    )


def _links(references: Iterable[str]) -> Iterator["VulnerabilityAdvisory"]:
    """Where more is to be read; what is no address, as reports of others may have it, is left out."""
    from cyclonedx.exception.model import InvalidUriException  # noqa: PLC0415
    from cyclonedx.model import XsUri  # noqa: PLC0415
    from cyclonedx.model.vulnerability import VulnerabilityAdvisory  # noqa: PLC0415

    for reference in references:
        with suppress(InvalidUriException):
            yield VulnerabilityAdvisory(url=XsUri(reference))


def _counts(witness: Witness, tracked: TrackedFinding) -> bool:
    """Whether a scanner still says so; of what is closed the last one's word stands."""
    return witness.presence is not Presence.GONE or tracked.closed_at is not None


def _rating(witness: Witness, tracked: TrackedFinding) -> "VulnerabilityRating":
    """What a scanner says; the findings keep no scores, so the method is none of those that give one."""
    from cyclonedx.model.vulnerability import (  # noqa: PLC0415
        VulnerabilityRating,
        VulnerabilityScoreSource,
        VulnerabilitySeverity,
        VulnerabilitySource,
    )

    return VulnerabilityRating(
        source=VulnerabilitySource(name=witness.scanner),
        severity=VulnerabilitySeverity(str(witness.severity)),
        method=VulnerabilityScoreSource.OTHER,
        justification=_SOURCES[tracked.finding.severity_source] if witness.counts else None,
    )


_SOURCES = {
    SeveritySource.SCANNER: "It counts: the scanner says so.",
    SeveritySource.CVSS: "It counts: by the CVSS score.",
    SeveritySource.POLICY: "It counts: by policy.",
    SeveritySource.DEFAULT: "It counts: the scanner does not say.",
}


def _target(tracked: TrackedFinding, placed: Placed) -> "BomTarget":
    """The package; its version is affected, or somebody said that it is not. Of what was fixed nobody knows it now."""
    from cyclonedx.model.impact_analysis import ImpactAnalysisAffectedStatus  # noqa: PLC0415
    from cyclonedx.model.vulnerability import BomTarget, BomTargetVersionRange  # noqa: PLC0415

    version, closed = placed.component.version, tracked.state is State.FIXED
    is_none = tracked.state in (State.DISMISSED, State.WITHDRAWN)
    status = ImpactAnalysisAffectedStatus.UNAFFECTED if is_none else ImpactAnalysisAffectedStatus.AFFECTED
    versions = [BomTargetVersionRange(version=version, status=status)] if version and not closed else []
    return BomTarget(ref=placed.reference, versions=versions)
