"""GitHub's code scanning alerts, as its REST API lists them (`GET /repos/{owner}/{repo}/code-scanning/alerts`).

One alert, a list, or pages in a list. Alerts are told by tool.

| GitHub says | severity |
|---|---|
| `security_severity_level` critical, high, medium, low | the same |
| else `severity` error, warning, note, none | high, medium, low, info |
| neither | unknown, by default |

Alerts that are `fixed` are gone; those that were dismissed are suppressed findings. The list may be of one tool,
branch or state only, and does not say what was looked at: nothing closes by it. What people decided of findings that
Fixby uploaded is read by `github_triage`.
"""

from collections.abc import Sequence
from functools import partial

from fixby.finding import Category, Finding, Rule, Suppression
from fixby.identifiers import NO_IDENTIFIERS, identifiers
from fixby.scanners.excerpt import CREDENTIAL_CWES
from fixby.scanners.formats.addresses import line_at, location
from fixby.scanners.formats.fields import (
    NOTHING_SAID,
    each_of,
    first_record,
    grouped,
    loaded,
    loaded_list,
    optional_child,
    words_at,
)
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.ratings import UNRATED, rating
from fixby.scanners.formats.sarif import tool_name
from fixby.scanners.formats.sarif_categories import vulnerability_names
from fixby.scanners.formats.wording import clean, cwes, prose, spoken
from fixby.scanners.report import Record, child, optional_text, required_text, text
from fixby.scanners.scanner import Reading, Source

NAME = "github-code-scanning"


def recognises(report: Report) -> bool:
    """Whether it is an alert or a list of alerts with a rule, a tool and an instance."""
    return {"rule", "tool", "most_recent_instance"} <= first_record(report).keys()


def read(report: Report, source: Source) -> Sequence[Told]:
    """The alerts that are not fixed, by tool. Raises `ReportError` where the report is damaged."""
    rows = loaded_list(report) if isinstance(loaded(report), list) else [loaded(report)]
    some = each_of(rows, partial(_told, source))
    if not rows:
        return [Told(NAME, Reading((), problems=(NOTHING_SAID,)))]
    return [Told(tool, _reading(alerts)) for tool, alerts in grouped(some).items()]


def _reading(alerts: list[tuple[str, Finding | None]]) -> Reading:
    versions = {version for version, _ in alerts}
    found = tuple(finding for _, finding in alerts if finding)
    return Reading(found, versions.pop() if len(versions) == 1 else "")


def _told(source: Source, row: Record) -> tuple[str, tuple[str, Finding | None]]:
    """The tool of an alert, its version, and the finding, unless it is fixed."""
    tool = child(row, "tool")
    name, state = tool_name(text(tool, "name")), optional_text(row, "state")
    found = None if state == "fixed" else _finding(source, name, row)
    return name, (clean(optional_text(tool, "version")), found)


def _finding(source: Source, tool: str, row: Record) -> Finding:
    said, instance = child(row, "rule"), child(row, "most_recent_instance")
    place = optional_child(instance, "location")
    rule = _rule(said, words_at(row, "html_url"))
    severity, severity_source = rating(said.get("security_severity_level"))
    if (severity, severity_source) == UNRATED:
        severity, severity_source = rating(said.get("severity"))
    name = optional_text(place, "path")
    at = location(name or required_text(row, "html_url"), source, *(line_at(place, key) for key in _POSITIONS))
    known = vulnerability_names((rule.id,))
    words = optional_text(optional_child(instance, "message"), "text") or optional_text(said, "full_description")
    message = prose(words, credential=not CREDENTIAL_CWES.isdisjoint(rule.cwes))
    return Finding(
        Category.DEPENDENCY if known else Category.CODE,
        tool,
        rule,
        severity=severity,
        severity_source=severity_source,
        message=message or rule.title,
        locations=(at,),
        identifiers=identifiers(known) if known else NO_IDENTIFIERS,
        fix=prose(optional_text(said, "help")),
        suppression=_suppression(row),
    )


_POSITIONS = ("start_line", "end_line", "start_column")


def _rule(row: Record, links: tuple[str, ...]) -> Rule:
    id_ = clean(optional_text(row, "id") or required_text(row, "name"))
    title = prose(optional_text(row, "description")) or spoken(id_)
    return Rule(id_, title, cwes(words_at(row, "tags")), tuple(map(clean, (*words_at(row, "help_uri"), *links))))


def _suppression(row: Record) -> Suppression | None:
    if row.get("state") != "dismissed":
        return None
    reasons = filter(None, (prose(optional_text(row, key)) for key in ("dismissed_reason", "dismissed_comment")))
    return Suppression("github: dismissed", ": ".join(reasons))
