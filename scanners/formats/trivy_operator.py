"""Trivy Operator: its custom resources in a Kubernetes cluster, one or several, as `kubectl get -o json` has them.

Read are reports of vulnerabilities, configuration, roles, infrastructure, exposed secrets and compliance; one of any
other kind is a problem by name. Severities are Trivy's own, else by the score; a check without one has its control's.

A package stands in its image, by name without registry of the Docker hub, tag and digest, so that workloads with one
image have one finding. A check stands in `namespace/Kind/name` of the workload; the hash that a rollout appends to the
name of a replica set is left out. A control of a compliance report without details is one finding, however many fail.
Secrets are masked: the rule, the file and the masked line identify one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fixby.finding import Category, Finding, Location, Rule
from fixby.redaction import redacted
from fixby.scanners.formats.advisory import Advisory, Place, nameless, split_versions, units, vulnerability
from fixby.scanners.formats.fields import (
    optional_child,
    optional_each,
    optional_line,
    optional_quantity,
    optional_texts,
    records,
    word,
)
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.places import image_name, in_image, inside
from fixby.scanners.formats.ratings import rating
from fixby.scanners.formats.trivy_compliance import failed_control
from fixby.scanners.formats.trivy_words import masked
from fixby.scanners.report import Record, as_record, child, each, has, items, printable, required_text, text
from fixby.scanners.scanner import Reading, Source

NAME = "trivy-operator"


def recognises(report: Report) -> bool:
    """Whether it is a resource of the operator's group, or a list whose first is."""
    match report.json:
        case {"apiVersion": str(version)} if version.startswith(_GROUP):
            return True
        case {"kind": str(kind), "items": [{"apiVersion": str(version)}, *_]} if kind.endswith("List"):
            return version.startswith(_GROUP)
        case [{"apiVersion": str(version), "kind": str()}, *_]:
            return version.startswith(_GROUP)
        case _:
            return False


def read(report: Report, source: Source) -> Sequence[Told]:  # noqa: ARG001 - no resource names a file of the target
    """What the operator says. Raises `ReportError`. No resource at all is a problem: nothing was looked at."""
    heard = _Heard()
    resources = _resources(report.json)
    for row in resources:
        heard.hear(row)
    if not resources:
        heard.problems.append("the list holds no report: nothing was looked at")
    problems = (*dict.fromkeys(heard.problems), *nameless(heard.findings))
    return [Told(NAME, Reading(tuple(heard.findings), heard.version, heard.scanned, problems=problems))]


_GROUP = "aquasecurity.github.io/"


def _resources(found: object) -> list[Record]:
    if isinstance(found, list):
        return each({"items": found}, "items", lambda row: row)
    top = as_record(found, "the top of the report")
    listed = items(top, "items") if text(top, "kind").endswith("List") else [top]
    return each({"items": listed}, "items", lambda row: row)


@dataclass(slots=True)
class _Heard:
    """What was read so far."""

    findings: list[Finding] = field(default_factory=list)
    scanned: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    version: str = ""

    def hear(self, row: Record) -> None:
        """Take one resource in."""
        kind = text(row, "kind")
        read = _KINDS.get(kind.removeprefix("Cluster"))
        if read is None:
            self.problems.append(f"a resource of the kind {printable(kind)} is not read")
            return
        body = child(row, "status") if kind == "ClusterComplianceReport" else child(row, "report")
        self.version = self.version or word(optional_child(body, "scanner"), "version")
        workload = _workload(optional_child(row, "metadata"))
        found = read(body, workload)
        self.findings += found
        if "artifact" not in body:
            self.scanned[workload] = ""
        self.scanned |= units(found)
        if optional_child(body, "os").get("eosl") is True:
            self.problems.append(f"the system of the image {_image(body)} is past its end of life")


def _workload(metadata: Record) -> str:
    """A workload as `namespace/Kind/name`; a resource without labels by its own name."""
    labels = optional_child(metadata, "labels")
    namespace, kind, name = (word(labels, f"trivy-operator.resource.{part}") for part in ("namespace", "kind", "name"))
    if kind == "ReplicaSet":
        name = _HASH.sub("", name)
    own = word(metadata, "name")
    return inside("/".join(filter(None, (namespace, kind, name or own))))


_HASH = re.compile(r"-[0-9a-z]{6,10}\Z")


def _image(body: Record) -> str:
    artifact, server = optional_child(body, "artifact"), word(optional_child(body, "registry"), "server")
    return image_name("/".join(filter(None, (server, word(artifact, "repository")))))


def _vulnerabilities(body: Record, workload: str) -> list[Finding]:
    image = _image(body) if has(optional_child(body, "artifact"), "repository") else workload
    system = word(optional_child(body, "os"), "family")

    def one(row: Record) -> Finding:
        score = optional_quantity(row, "score")
        links = (word(row, "primaryLink"), *optional_texts(row, "links"))
        name = word(row, "vulnerabilityID")
        description = word(row, "description")
        fixed = split_versions(word(row, "fixedVersion"))
        kind = word(row, "packageType") or system
        component = package(word(row, "packagePURL"), kind, text(row, "resource"), word(row, "installedVersion"), fixed)
        advisory = Advisory(
            name,
            (name,),
            word(row, "title"),
            description,
            rating(word(row, "severity"), [(3.0, score)] if score else []),
            references=links,
        )
        file = word(row, "packagePath", "pkgPath") or ("" if " (" in word(row, "target") else word(row, "target"))
        return vulnerability(NAME, advisory, component, Place((in_image(image, file),), in_image=True))

    return each(body, "vulnerabilities", one)


def _checks(body: Record, workload: str) -> list[Finding]:
    found = each(body, "checks", lambda row: _check(row, workload, ""))
    return [finding for finding in found if finding]


def _check(row: Record, workload: str, severity: str) -> Finding | None:
    if row.get("success") is True:
        return None
    title, messages = word(row, "title") or text(row, "checkID"), optional_texts(row, "messages")
    level, source = rating(word(row, "severity") or severity)
    said = "\n".join(messages) or word(row, "description") or title
    return Finding(
        Category.MISCONFIGURATION,
        NAME,
        Rule(required_text(row, "checkID"), printable(title)),
        level,
        source,
        redacted(printable(said)),
        (Location(inside(f"{workload}/{word(row, 'target')}")),),
        fix=redacted(printable(word(row, "remediation"))),
    )


def _secrets(body: Record, workload: str) -> list[Finding]:
    image = _image(body) if has(body, "artifact") else workload

    def one(row: Record) -> Finding:
        title = printable(word(row, "title") or text(row, "ruleID"))
        severity, source = rating(word(row, "severity"))
        return Finding(
            Category.SECRET,
            NAME,
            Rule(required_text(row, "ruleID"), title, ("CWE-798",)),
            severity,
            source,
            f"{title} in the image.",
            (in_image(image, word(row, "target")),),
            code=masked(word(row, "match")),
        )

    return each(body, "secrets", one)


def _compliance(body: Record, workload: str) -> list[Finding]:
    """The checks of a detailed report; of a summary each control that fails."""

    def control(row: Record) -> Iterator[Finding]:
        yield from filter(None, optional_each(row, "checks", lambda one: _check(one, workload, word(row, "severity"))))

    if has(body, "detailReport"):
        results = optional_each(child(body, "detailReport"), "results", control)
        return [finding for some in results for finding in some]
    controls = records(optional_child(body, "summaryReport"), "controlCheck")
    counted = ((row, optional_line(row, "totalFail")) for row in controls)
    return [failed_control(NAME, row, count, workload) for row, count in counted if count]


_KINDS: dict[str, Callable[[Record, str], list[Finding]]] = {
    "ComplianceReport": _compliance,
    "ConfigAuditReport": _checks,
    "ExposedSecretReport": _secrets,
    "InfraAssessmentReport": _checks,
    "RbacAssessmentReport": _checks,
    "ImageVulnerabilityReport": _vulnerabilities,
    "NodeVulnerabilityReport": _vulnerabilities,
    "VulnerabilityReport": _vulnerabilities,
}
"""What reads the resources of each kind, those of the whole cluster too."""
