"""What people decided of our findings in GitHub's code scanning, as its alerts tell it.

An alert of a result that `fixby export sarif` wrote has the finding's id in the last line of its message; GitHub gives
nothing else back by which a finding could be told for sure. The words for why an alert was dismissed are those of the
REST API: `false positive`, `won't fix`, `used in tests`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fixby.scanners.formats import github_code_scanning as alerts
from fixby.scanners.formats.fields import loaded, loaded_list, optional_child
from fixby.scanners.formats.format import Report
from fixby.scanners.formats.sarif import tool_name
from fixby.scanners.formats.wording import clean, prose
from fixby.scanners.report import Record, as_record, child, optional_text, text

FALSE_POSITIVE, USED_IN_TESTS, WONT_FIX = "false positive", "used in tests", "won't fix"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that is said to be of a finding of ours, found by a tool with a rule.

    Where it was dismissed, `reason` says in which of GitHub's words, `comment` in the person's own; `by` is the login
    and `at` the instant, as GitHub writes it. All are empty of an alert that is open or fixed.
    """

    finding: str
    tool: str
    rule: str
    number: str
    reason: str = ""
    comment: str = ""
    by: str = ""
    at: str = ""


def ours(content: bytes) -> list[Alert]:
    """The alerts of our findings in a report, if it is one of alerts. Raises `ReportError` where it is damaged."""
    report = Report(content)
    if not alerts.recognises(report):
        return []
    rows = loaded_list(report) if isinstance(loaded(report), list) else [loaded(report)]
    return [alert for row in rows for alert in _alert(as_record(row, "an alert"))]


def finding_of(message: str) -> str:
    """The id in the last line of a message of ours, or an empty string."""
    found = _ID.search(message)
    return found[1] if found else ""


_ID = re.compile(r"(?:\A|\n)Fixby finding ([0-9a-f]{64})\s*\Z")


def _alert(row: Record) -> Iterator[Alert]:
    message = optional_text(optional_child(child(row, "most_recent_instance"), "message"), "text")
    if not (id_ := finding_of(message)):
        return
    tool, rule = tool_name(text(child(row, "tool"), "name")), clean(optional_text(child(row, "rule"), "id"))
    number = clean(str(row.get("number", "")))[:20]
    if row.get("state") != "dismissed":
        yield Alert(id_, tool, rule, number)
        return
    yield Alert(
        id_,
        tool,
        rule,
        number,
        optional_text(row, "dismissed_reason"),
        " ".join(prose(optional_text(row, "dismissed_comment")).split()),
        optional_text(optional_child(row, "dismissed_by"), "login"),
        optional_text(row, "dismissed_at"),
    )
