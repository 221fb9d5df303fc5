"""What is known of vulnerable packages, for those who use them: VEX as OpenVEX 0.2.0 and as CycloneDX 1.6.

A risk that was accepted is still a risk: what is accepted is affected. Only what somebody said to be none is not.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from json import dumps
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from fixby.component import Component
from fixby.reports.published import Document, instant
from fixby.tracked import Accepted, Dismissed, State, TrackedFinding

if TYPE_CHECKING:
    from cyclonedx.model.vulnerability import Vulnerability, VulnerabilityAnalysis


@dataclass(frozen=True, slots=True)
class Issue:
    """Who says so, of which product (a purl or another IRI), with what, and when: a UTC second."""

    author: str
    product: str
    tool: str
    at: int


def openvex(findings: Sequence[TrackedFinding], issue: Issue) -> Document:
    """The OpenVEX document; of each package and vulnerability one statement."""
    statements = [_statement(finding, component, issue) for finding, component in packages_of(findings)]
    digest = sha256(dumps(statements, sort_keys=True).encode()).hexdigest()
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"urn:fixby:vex:{digest}",
        "author": issue.author,
        "timestamp": instant(issue.at),
        "version": 1,
        "tooling": issue.tool,
        "statements": statements,
    }


def cyclonedx(findings: Sequence[TrackedFinding], issue: Issue) -> str:
    """The CycloneDX document as JSON."""
    from cyclonedx.model.bom import Bom, BomMetaData  # noqa: PLC0415 - nothing else needs it, and it is slow
    from cyclonedx.model.component import Component as Part  # noqa: PLC0415
    from cyclonedx.output import make_outputter  # noqa: PLC0415
    from cyclonedx.schema import OutputFormat, SchemaVersion  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    some = packages_of(findings)
    purls = {component.purl: component for _, component in some}
    parts = [
        Part(name=component.name, version=component.version, purl=PackageURL.from_string(purl), bom_ref=purl)
        for purl, component in sorted(purls.items())
    ]
    bom = Bom(
        components=parts,
        vulnerabilities=[_vulnerability(finding, component) for finding, component in some],
        metadata=BomMetaData(
            timestamp=datetime.fromtimestamp(issue.at, UTC),
            component=Part(name=issue.product, bom_ref=issue.product),
        ),
        serial_number=_serial(findings, issue),
    )
    with warnings.catch_warnings(action="ignore"):  # that it does not say which package needs which
        return str(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2))


def analysis_of(tracked: TrackedFinding, component: Component) -> "VulnerabilityAnalysis":
    """What was decided of a vulnerability, and what is done about it, as CycloneDX says it."""
    from cyclonedx.model import impact_analysis as impact  # noqa: PLC0415
    from cyclonedx.model.vulnerability import VulnerabilityAnalysis  # noqa: PLC0415

    states = {
        State.FIXED: impact.ImpactAnalysisState.RESOLVED,
        State.DISMISSED: impact.ImpactAnalysisState.FALSE_POSITIVE,
        State.WITHDRAWN: impact.ImpactAnalysisState.FALSE_POSITIVE,
        State.ACCEPTED: impact.ImpactAnalysisState.EXPLOITABLE,
        State.OPEN: impact.ImpactAnalysisState.EXPLOITABLE,
    }
    is_open = tracked.state in (State.OPEN, State.ACCEPTED)
    responses = [impact.ImpactAnalysisResponse.WILL_NOT_FIX] if tracked.state is State.ACCEPTED else []
    if tracked.state is State.OPEN and component.fixed_versions:
        responses = [impact.ImpactAnalysisResponse.UPDATE]
    detail = _action(tracked, component) if is_open else _why(tracked)
    return VulnerabilityAnalysis(state=states[tracked.state], responses=responses, detail=detail or None)


def packages_of(findings: Sequence[TrackedFinding]) -> list[tuple[TrackedFinding, Component]]:
    """The findings that are about a package, in order of package and vulnerability."""
    some = [(one, one.finding.component) for one in findings if one.finding.component]
    return sorted(some, key=lambda one: (one[1].purl, name_of(one[0]), one[0].id))


def name_of(tracked: TrackedFinding) -> str:
    """The name by which a vulnerability is known best."""
    return tracked.finding.identifiers.primary or tracked.finding.rule.id


def _statement(tracked: TrackedFinding, component: Component, issue: Issue) -> Document:
    names = tracked.finding.identifiers.names
    return {
        "vulnerability": {"name": name_of(tracked), **({"aliases": list(names[1:])} if names[1:] else {})},
        "timestamp": instant(tracked.closed_at or max(tracked.first_seen, *(one.at for one in tracked.decisions), 0)),
        "products": [{"@id": issue.product, "subcomponents": [{"@id": component.purl}]}],
        **_status(tracked, component),
    }


def _status(tracked: TrackedFinding, component: Component) -> Document:
    match tracked.state:
        case State.FIXED:
            return {"status": "fixed"}
        case State.DISMISSED | State.WITHDRAWN:
            return {"status": "not_affected", "impact_statement": _why(tracked)}
        case State.ACCEPTED | State.OPEN:
            return {"status": "affected", "action_statement": _action(tracked, component)}


def _why(tracked: TrackedFinding) -> str:
    if tracked.state is State.WITHDRAWN:
        return "Its publisher withdrew it."
    return next((one.reason for one in reversed(tracked.decisions) if isinstance(one, Dismissed)), "")


def _action(tracked: TrackedFinding, component: Component) -> str:
    """What is done about it, and by when."""
    accepted = [one for one in tracked.decisions if isinstance(one, Accepted) and one.valid]
    if accepted:
        terms = accepted[-1].terms
        words = f"The risk is accepted until {instant(terms.until)}: {terms.reason}."
        return f"{words} {terms.mitigation}".strip()
    fix = " or ".join(component.fixed_versions)
    what = (
        f"Update {component.name} to {fix}."
        if fix
        else f"No version of {component.name} that is not affected is known."
    )
    return f"{what} Due {instant(tracked.due_at)}." if tracked.due_at else what


def _vulnerability(tracked: TrackedFinding, component: Component) -> "Vulnerability":
    from cyclonedx.model.vulnerability import (  # noqa: PLC0415
        BomTarget,
        Vulnerability,
        VulnerabilityReference,
        VulnerabilitySource,
    )

    return Vulnerability(
        bom_ref=tracked.id,
        id=name_of(tracked),
        references=[
            VulnerabilityReference(id=name, source=VulnerabilitySource(name=name.partition("-")[0]))
            for name in tracked.finding.identifiers.names[1:]
        ],
        analysis=analysis_of(tracked, component),
        affects=[BomTarget(ref=component.purl)],
    )


def _serial(findings: Sequence[TrackedFinding], issue: Issue) -> UUID:
    words = dumps([issue.product, issue.at, *sorted(f"{one.id}{one.state}" for one in findings)])
    return uuid5(NAMESPACE_URL, f"urn:fixby:{words}")
