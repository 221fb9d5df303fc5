"""Compliance reports of Trivy (`trivy image --compliance`, `trivy k8s --compliance`), in JSON.

Those of all checks hold, for each control, results as other reports have them. A summary has how many checks of a
control fail: each control of which some do is one finding. Early versions write the keys in small letters.
"""

from collections.abc import Iterator

from fixby.finding import Category, Finding, Location, Rule
from fixby.scanners.formats.fields import optional_line, records, word
from fixby.scanners.formats.ratings import rating
from fixby.scanners.report import Record, printable, required_text


def is_compliance(document: object) -> bool:
    """Whether it is a report about controls, or the summary of one."""
    match document:
        case {"SummaryControls": list()}:
            return True
        case {"Title": str(), "Results": [{"Name": str(), "Severity": _, "Results": _}, *_]}:
            return True
        case {"title": str(), "results": [{"name": str(), "severity": _, "results": _}, *_]}:
            return True
        case _:
            return False


def results(document: Record) -> list[Record]:
    """The results of all controls. Raises `ReportError`."""
    controls = (*records(document, "Results"), *records(document, "results"))
    return [row for control in controls for row in (*records(control, "Results"), *records(control, "results"))]


def failed_controls(scanner: str, document: Record) -> Iterator[Finding]:
    """A finding for each control of a summary of which checks fail. Raises `ReportError`."""
    place = printable(word(document, "Title", "ReportTitle", "ID", "ReportID") or "compliance")
    for row in records(document, "SummaryControls"):
        count = optional_line(row, "TotalFail") or optional_line(row, "totalFail")
        if count:
            yield failed_control(scanner, row, count, place)


def failed_control(scanner: str, row: Record, count: int, place: str) -> Finding:
    """The finding of a control of which so many checks fail. Raises `ReportError`."""
    severity, source = rating(word(row, "Severity", "severity"))
    id_ = word(row, "ID") or required_text(row, "id")
    name = printable(word(row, "Name", "name") or id_)
    return Finding(
        Category.MISCONFIGURATION,
        scanner,
        Rule(id_, name),
        severity,
        source,
        f"{count} checks of this control fail. {name}",
        (Location(place),),
    )
