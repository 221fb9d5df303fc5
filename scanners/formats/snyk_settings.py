"""Snyk Infrastructure as Code: what `snyk iac test --json` says of the settings in one file.

Where Snyk knows no line (`-1`), a finding is told from the others of its rule by the way to the setting.
"""

from collections.abc import Iterator

from fixby.finding import Category, Finding, Rule, Suppression
from fixby.redaction import redacted
from fixby.scanners.formats.fields import optional_child, optional_line, optional_texts, records, word
from fixby.scanners.formats.places import at
from fixby.scanners.formats.ratings import rating
from fixby.scanners.report import Record, printable, required_text
from fixby.scanners.scanner import Source


def settings(scanner: str, source: Source, project: Record) -> Iterator[Finding]:
    """A finding for each issue of a file, those that a policy ignores suppressed. Raises `ReportError`."""
    for row in records(project, "infrastructureAsCodeIssues"):
        severity, severity_source = rating(word(row, "severity"))
        described = optional_child(row, "iacDescription")
        said = (word(row, "issue") or word(described, "issue"), word(row, "impact") or word(described, "impact"))
        way = word(row, "msg") or " > ".join(optional_texts(row, "path"))
        links = (word(row, "documentation"), *optional_texts(row, "references"))
        yield Finding(
            Category.MISCONFIGURATION,
            scanner,
            Rule(
                required_text(row, "id"),
                printable(word(row, "title") or required_text(row, "id")),
                references=tuple(dict.fromkeys(filter(None, links))),
            ),
            severity,
            severity_source,
            redacted(printable("\n\n".join(filter(None, (*said, way))) or word(row, "title"))),
            at(source, word(project, "targetFile", "path"), optional_line(row, "lineNumber")),
            fix=redacted(printable(word(row, "resolve") or word(described, "resolve"))),
            code=redacted(printable(way)),
            suppression=Suppression(scanner, "ignored") if row.get("isIgnored") is True else None,
        )
