"""SPDX 2 in JSON: the packages of a software bill of materials.

It has no vulnerabilities: there are no findings, the packages are what was listed, and a problem says so, since nobody
looked for anything.
"""

from collections.abc import Sequence

from fixby.scanners.formats.fields import records, word
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.report import Record, as_record, each
from fixby.scanners.scanner import Reading, Source

NAME = "spdx"


def recognises(report: Report) -> bool:
    """Whether it says its version of SPDX."""
    match report.json:
        case {"spdxVersion": str(version), "SPDXID": str()}:
            return version.startswith("SPDX-2")
        case _:
            return False


def read(report: Report, source: Source) -> Sequence[Told]:  # noqa: ARG001 - no package stands in a file
    """The packages of the document. Raises `ReportError`."""
    record = as_record(report.json, "the top of the report")
    packages = dict(each(record, "packages", _package)) if "packages" in record else {}
    problems = ("the document lists packages and says nothing of vulnerabilities",)
    return [Told(NAME, Reading((), scanned=packages, problems=problems))]


def _package(row: Record) -> tuple[str, str]:
    purls = (
        word(one, "referenceLocator") for one in records(row, "externalRefs") if word(one, "referenceType") == "purl"
    )
    component = package(next(purls, ""), "", word(row, "name") or "unidentified", word(row, "versionInfo"))
    return f"#{component.name}", component.version
