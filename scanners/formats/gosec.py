"""gosec: Go code. Its JSON.

Severities are gosec's own (HIGH, MEDIUM, LOW). What a `#nosec` comment silences is in the report only where gosec was
told to track suppressions; it is a suppressed finding then. A file that does not compile makes the scan partial, and
so does a count of findings (`Stats.found`) that the list does not reach. The report does not name the files without
findings.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

from fixby.finding import Category, Finding, Rule, Suppression
from fixby.scanners.excerpt import CREDENTIAL_CWES, code_at
from fixby.scanners.formats.addresses import location, path
from fixby.scanners.formats.fields import loaded_record, optional_child, optional_each, words_at
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.ratings import rating
from fixby.scanners.formats.wording import clean, cwes, prose
from fixby.scanners.report import Record, child, each, has, optional_text, required_text, text
from fixby.scanners.scanner import Reading, Source

NAME = "gosec"


def recognises(report: Report) -> bool:
    """Whether it is an object with gosec's issues and counts."""
    return isinstance(report.json, dict) and {"Issues", "Stats"} <= report.json.keys()


def read(report: Report, source: Source) -> Sequence[Told]:
    """The findings. Raises `ReportError` where the report is damaged."""
    record = loaded_record(report)
    findings = each(record, "Issues", partial(_finding, source)) if has(record, "Issues") else []
    failed = optional_child(record, "Golang errors")
    errors = {path(name, source): "; ".join(_errors(failed, name)) for name in failed}
    unread = {name: reason or "gosec could not compile it" for name, reason in errors.items() if name and name != "."}
    problems = [reason for name, reason in errors.items() if not name or name == "."]
    counted = child(record, "Stats").get("found")
    if isinstance(counted, int) and counted > len(findings):
        problems.append(f"the report counts {counted} findings and lists {len(findings)}")
    reading = Reading(tuple(findings), clean(optional_text(record, "GosecVersion")), None, unread, tuple(problems))
    return [Told(NAME, reading)]


def _errors(failed: Record, name: str) -> Iterator[str]:
    for one in optional_each(failed, name, lambda row: row):
        yield f"line {one.get('line')}: {prose(text(one, 'error'))}"


def _finding(source: Source, row: Record) -> Finding:
    first, last = _lines(row)
    column = str(row.get("column") or "")
    place = location(
        required_text(row, "file"), source, first, last, int(column) if column.isdecimal() and len(column) < 9 else None
    )
    weakness, details = optional_child(row, "cwe"), prose(text(row, "details"))
    rule = _rule(required_text(row, "rule_id"), details, *cwes([weakness.get("id")]), links=words_at(weakness, "url"))
    severity, severity_source = rating(row.get("severity"))
    return Finding(
        Category.CODE,
        NAME,
        rule,
        severity=severity,
        severity_source=severity_source,
        message=details,
        locations=(place,),
        fix=prose(optional_text(row, "autofix")),
        code=code_at(place, source, _code(row, first, last), credential=not CREDENTIAL_CWES.isdisjoint(rule.cwes)),
        suppression=_suppression(row),
    )


def _lines(row: Record) -> tuple[int | None, int | None]:
    """First and last line of `79` or `79-82`; older versions wrote a number."""
    found = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", str(row.get("line") or ""))
    return (int(found[1]), int(found[2] or found[1])) if found else (None, None)


def _code(row: Record, first: int | None, last: int | None) -> str:
    """The lines that a finding is about, of an excerpt in which each line may begin with its number."""
    code = optional_text(row, "code")
    lines = [_NUMBERED.fullmatch(line) for line in code.rstrip("\n").split("\n")]
    numbered = [line for line in lines if line]
    if not first or not last or len(numbered) < len(lines):
        return code
    return "\n".join(line[2] for line in numbered if first <= int(line[1]) <= last)


_NUMBERED = re.compile(r"(\d{1,9}): ?(.*)")


@lru_cache(maxsize=1024)
def _rule(id_: str, details: str, *weaknesses: str, links: tuple[str, ...]) -> Rule:
    credential = ("CWE-798",) if id_ == "G101" and not weaknesses else ()
    title = details.partition(". ")[0].rstrip(".")
    return Rule(clean(id_), title or clean(id_), (*weaknesses, *credential), tuple(map(clean, links)))


def _suppression(row: Record) -> Suppression | None:
    some = optional_each(row, "suppressions", lambda one: one)
    if not some and row.get("nosec") is not True:
        return None
    kinds = dict.fromkeys(clean(optional_text(one, "kind")) for one in some)
    reasons = filter(None, (prose(optional_text(one, "justification")) for one in some))
    return Suppression("config" if set(kinds) == {"external"} else "nosec", "; ".join(reasons))
