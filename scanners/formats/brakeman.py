"""Brakeman: Ruby on Rails. Its JSON.

It has no severities, only how sure it is, so that all are `unknown`. What its file of ignored warnings names is a
suppressed finding. An error, such as a file that does not parse, makes the scan partial. Controllers and models are
counted and not named: the report does not say what was looked at.
"""

import re
from collections.abc import Sequence
from functools import lru_cache, partial

from fixby.finding import Category, Finding, Rule, Suppression
from fixby.identifiers import identifiers
from fixby.scanners.excerpt import code_at
from fixby.scanners.formats.addresses import line_at, location
from fixby.scanners.formats.fields import loaded_record, optional_each, optional_items, words_at
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.ratings import UNRATED
from fixby.scanners.formats.wording import clean, cwes, prose, spoken
from fixby.scanners.report import Record, child, each, optional_text, required_text, text
from fixby.scanners.scanner import Reading, Source

NAME = "brakeman"


def recognises(report: Report) -> bool:
    """Whether it is an object with Brakeman's warnings and what it says of its scan."""
    return isinstance(report.json, dict) and {"scan_info", "warnings"} <= report.json.keys()


def read(report: Report, source: Source) -> Sequence[Told]:
    """The findings, ignored ones among them. Raises `ReportError` where the report is damaged."""
    record = loaded_record(report)
    info = child(record, "scan_info")
    warnings = each(record, "warnings", partial(_finding, source, ""))
    ignored = optional_each(record, "ignored_warnings", partial(_finding, source, "brakeman.ignore"))
    failures = optional_each(record, "errors", _failure)
    counted = info.get("security_warnings")
    if isinstance(counted, int) and counted > len(warnings):
        failures.append(f"the report counts {counted} warnings and lists {len(warnings)}")
    reading = Reading((*warnings, *ignored), clean(optional_text(info, "brakeman_version")), problems=tuple(failures))
    return [Told(NAME, reading)]


def _failure(row: Record) -> str:
    place = optional_text(row, "location")
    words = " ".join(prose(text(row, "error")).split())
    return f"{words} ({clean(place)})" if place and place not in words else words


def _finding(source: Source, ignored_by: str, row: Record) -> Finding:
    message, kind = prose(text(row, "message")), required_text(row, "warning_type")
    place = location(required_text(row, "file"), source, line_at(row, "line"))
    check, code = optional_text(row, "check_name") or kind, row.get("warning_code")
    weaknesses = cwes(optional_items(row, "cwe_id"))
    return Finding(
        Category.CODE,
        NAME,
        _rule(check, code if isinstance(code, int) else None, kind, weaknesses, words_at(row, "link")),
        severity=UNRATED[0],
        severity_source=UNRATED[1],
        message=message,
        locations=(place,),
        identifiers=identifiers(_CVE.findall(message)),
        code=code_at(place, source, optional_text(row, "code"), credential=kind == "Authentication"),
        suppression=Suppression(ignored_by, prose(optional_text(row, "note"))) if ignored_by else None,
    )


_CVE = re.compile(r"CVE-\d{4}-\d{4,19}")


@lru_cache(maxsize=1024)
def _rule(check: str, code: int | None, kind: str, weaknesses: tuple[str, ...], links: tuple[str, ...]) -> Rule:
    """A rule by the check and the number of its warning: one check warns of several things."""
    id_ = clean(check if code is None else f"{check}-{code}")
    return Rule(id_, clean(f"{kind} ({spoken(check)})"), weaknesses, tuple(map(clean, links)))
