"""Which controls of which frameworks a package of evidence bears out, and how far: data, with its two forms."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from fixby.reports.published import Document, written


@dataclass(frozen=True, slots=True)
class Control:
    """A control, what it asks for in our words, what here shows it, in which files, and what it does not show."""

    framework: str
    id: str
    title: str
    shows: str
    files: tuple[str, ...]
    not_shown: str


def document() -> str:
    """The mapping as JSON."""
    controls: list[Document] = [
        {
            "framework": control.framework,
            "id": control.id,
            "title": control.title,
            "shows": control.shows,
            "files": list(control.files),
            "not_shown": control.not_shown,
        }
        for control in CONTROLS
    ]
    return f"{written({'schema': 'fixby.controls/1', 'controls': controls})}\n"


def markdown() -> str:
    """The mapping for people."""
    return "\n".join(_lines()) + "\n"


_SCANS = ("scans/scans.jsonl", "scans/coverage/")
_FIGURES = ("figures/report.json", "figures/report.csv", "figures/report.html")
_SOC_2 = "SOC 2 (Trust Services Criteria 2017)"
_ISO = "ISO/IEC 27001:2022"
_PCI = "PCI DSS v4.0.1"
_SSDF = "NIST SSDF (SP 800-218 v1.1)"
_CRA = "EU Cyber Resilience Act (Regulation 2024/2847)"

CONTROLS = (
    Control(
        _SOC_2,
        "CC7.1",
        "New vulnerabilities, and changes that bring them in, are looked for and found.",
        "Each scan of the period with its tool, version and outcome, and what it looked at; each finding with the "
        "instant it was first detected.",
        (*_SCANS, "findings/findings.jsonl", "log/events.jsonl"),
        "Monitoring of configurations that no scanner here looks at.",
    ),
    Control(
        _SOC_2,
        "CC7.2",
        "Systems are watched for what is out of the ordinary, and it is judged whether that is a security event.",
        "What was found was rated, given a due date and decided on by somebody named; gates judged releases.",
        ("findings/findings.jsonl", "decisions/acceptances.jsonl", "gates/judgements.jsonl", "log/events.jsonl"),
        "Monitoring of running systems: logs, intrusion detection, alerts. This package supports the control in part.",
    ),
    Control(
        _ISO,
        "A.8.8",
        "Technical vulnerabilities are known in time, the exposure to them is judged, and they are dealt with.",
        "The windows that were in force, how they were kept, what is open past its date, and which risks were taken.",
        ("policies/", *_FIGURES, "findings/findings.jsonl", "decisions/acceptances.jsonl", *_SCANS),
        "The inventory of assets, and vulnerabilities of what was never scanned.",
    ),
    Control(
        _PCI,
        "6.3",
        "Vulnerabilities are identified, ranked by risk, and mended within set times.",
        "A severity and its source for each finding, the window of the policy in force for it, when it was closed, and "
        "whether that was in time.",
        ("policies/", "findings/findings.jsonl", *_FIGURES),
        "The inventory of bespoke software (6.3.2), and patches of systems that are not scanned (6.3.3).",
    ),
    Control(
        _PCI,
        "11.3",
        "Internal and external vulnerability scans run regularly; what they find is mended and scanned again.",
        "When each scanner ran, whether its run was complete, what it looked at, and that findings were closed by a "
        "later scan that covered them.",
        (*_SCANS, "findings/findings.jsonl", "log/events.jsonl"),
        "External scans by an Approved Scanning Vendor (11.3.2), and authenticated scans of hosts (11.3.1.2).",
    ),
    Control(
        _SSDF,
        "RV.1",
        "Vulnerabilities are identified and confirmed all the time.",
        "Scans and what they covered; findings as they were first seen; what was dismissed, by whom and why.",
        (*_SCANS, "findings/findings.jsonl", "log/events.jsonl"),
        "Reports from outside, and the policy for disclosing vulnerabilities (RV.1.3).",
    ),
    Control(
        _SSDF,
        "RV.2",
        "Vulnerabilities are assessed, prioritised and remediated.",
        "Due dates by policy, whether each was kept, and risks that were accepted, with reason, mitigation, end and "
        "sign-off.",
        ("policies/", "findings/findings.jsonl", *_FIGURES, "decisions/acceptances.jsonl"),
        "Advisories to customers (RV.2.2).",
    ),
    Control(
        _SSDF,
        "RV.3",
        "The root causes of vulnerabilities are sought, to prevent more of them.",
        "What came back after it was fixed, and which rules and months bring most findings: material for an analysis.",
        ("log/events.jsonl", "figures/report.json"),
        "The analysis itself, and what was changed in the process because of it.",
    ),
    Control(
        _CRA,
        "Annex I, Part I, 2(a)",
        "A product is put on the market without known vulnerabilities that can be exploited.",
        "What the gate was asked and answered before a release, and which findings were open then.",
        ("gates/judgements.jsonl", "findings/findings.jsonl"),
        "Which judgement belongs to which product on the market.",
    ),
    Control(
        _CRA,
        "Annex I, Part II, 1 and 2",
        "Vulnerabilities are identified and documented, and remedied without delay.",
        "Each finding with its instant of detection, due date and end; the times within which they were fixed.",
        ("findings/findings.jsonl", *_FIGURES, "policies/"),
        "The software bill of materials, and the delivery of security updates.",
    ),
    Control(
        _CRA,
        "Annex I, Part II, 3",
        "The security of a product is tested and reviewed regularly and effectively.",
        "The scans with what they covered, and what people vouched for, such as penetration tests.",
        (*_SCANS, "decisions/attestations.jsonl"),
        "The content of such tests and reviews.",
    ),
)
"""The mapping. It says what bears a control out; whether that is enough is for an auditor to say."""


def _lines() -> Iterator[str]:
    yield "# What this package shows"
    yield ""
    yield "For each control: what it asks for in our words, what here bears it out, and what is not shown here."
    yield "Whether that is enough is for the auditor to say."
    for framework, controls in groupby(CONTROLS, lambda control: control.framework):
        yield f"\n## {framework}"
        for control in controls:
            yield f"\n### {control.id}\n\n{control.title}\n"
            yield f"- Shown: {control.shows}"
            yield f"- Files: {', '.join(f'`{file}`' for file in control.files)}"
            yield f"- Not shown: {control.not_shown}"
