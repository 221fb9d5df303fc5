"""SPDX 2 in JSON and in tags and values: the packages of a software bill of materials.

It has no vulnerabilities: there are no findings, the packages are what was listed, and a problem says so, since nobody
looked for anything.
"""

import re
from collections.abc import Iterator, Sequence

from fixby.errors import ReportError
from fixby.scanners.formats.fields import loaded_record, optional_each, records, word
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.report import HINT, Record
from fixby.scanners.scanner import Reading, Source

NAME = "spdx"


def recognises(report: Report) -> bool:
    """Whether it says its version of SPDX."""
    match report.json:
        case {"spdxVersion": str(version)}:
            return version.startswith("SPDX-2")
        case _:
            return bool(_VERSION.search(report.content[:_HEAD]))


def read(report: Report, source: Source) -> Sequence[Told]:  # noqa: ARG001 - no package stands in a file
    """The packages of the document. Raises `ReportError`."""
    if _VERSION.search(report.content[:_HEAD]):
        packages = dict(map(_package, _tagged(report.content)))
    else:
        packages = dict(optional_each(loaded_record(report), "packages", _package))
    problems = ("the document lists packages and says nothing of vulnerabilities",)
    return [Told(NAME, Reading((), scanned=packages, problems=problems))]


_HEAD = 4000
_VERSION = re.compile(rb"^SPDXVersion:\s*SPDX-2", re.MULTILINE)
_END = "</text>"


def _tagged(content: bytes) -> Iterator[Record]:
    """The packages of tags and values as the objects of JSON; what is said of files and snippets is left out."""
    found: Record = {}
    others: list[Record] = []
    for line in _without_texts(content.decode("utf-8", "replace")).splitlines():
        tag, _, value = (part.strip() for part in line.partition(":"))
        if tag == "PackageName":
            yield from [found] if found else []
            others = []
            found = {"name": value, "externalRefs": others}
        elif tag in ("FileName", "SnippetSPDXID", "LicenseID"):
            yield from [found] if found else []
            found = {}
        elif tag == "PackageVersion" and found:
            found["versionInfo"] = value
        elif tag == "ExternalRef" and found:
            _, kind, place = (*value.split(maxsplit=2), "", "", "")[:3]
            others.append({"referenceType": kind, "referenceLocator": place})
    yield from [found] if found else []


def _without_texts(words: str) -> str:
    """The tags without the texts of several lines that may look like tags."""
    kept: list[str] = []
    at = 0
    while (start := words.find("<text>", at)) >= 0:
        end = words.find(_END, start)
        if end < 0:
            raise ReportError("the report ends within a text: it is cut short", HINT)
        kept.append(words[at:start])
        at = end + len(_END)
    return "".join((*kept, words[at:]))


def _package(row: Record) -> tuple[str, str]:
    purls = (
        word(one, "referenceLocator") for one in records(row, "externalRefs") if word(one, "referenceType") == "purl"
    )
    component = package(next(purls, ""), "", word(row, "name") or "unidentified", word(row, "versionInfo"))
    return f"#{component.name}", component.version
