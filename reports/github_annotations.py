"""Annotations of GitHub's runner: lines of a step's log that put a message at a line of a file.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions says how they are written. A step may
have ten of each type; the worst are told, and how many were left out.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from fixby.finding import Category
from fixby.policies.gate import Verdict
from fixby.reports.github import Told
from fixby.reports.plain import ID_LENGTH, safe
from fixby.reports.words import due
from fixby.severity import Severity
from fixby.tracked import TrackedFinding


class Type(StrEnum):
    """How an annotation is shown."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


MOST = 10
"""The most annotations of each type that a step may have."""


def annotations(told: Told, folder: str = "") -> list[str]:
    """The lines to print; `folder` is where the paths of findings begin, from the top of the checkout."""
    first = list(_of_the_run(told))
    some = [(_TYPES[one.finding.severity], _of_finding(one, told, folder)) for one in told.spoken_of()]
    lines: list[str] = []
    left_out: list[str] = []
    for kind in Type:
        room = MOST - (kind is Type.NOTICE)
        ours = [line for type_, line in (*first, *some) if type_ is kind]
        lines += ours[:room]
        if len(ours) > room:
            left_out.append(f"{len(ours) - room} more {kind}s")
    if left_out:
        lines.append(command(Type.NOTICE, f"Not annotated: {', '.join(left_out)}; the job's summary has them."))
    return lines


def command(name: str, message: str, **properties: str | int | None) -> str:
    """A command to the runner, in which nothing of the message or the properties is one."""
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value not in (None, ""))
    return f"::{name}{' ' if given else ''}{given}::{_data(message)}"


_TYPES = {
    Severity.CRITICAL: Type.ERROR,
    Severity.HIGH: Type.ERROR,
    Severity.MEDIUM: Type.WARNING,
    Severity.UNKNOWN: Type.WARNING,
    Severity.LOW: Type.NOTICE,
    Severity.INFO: Type.NOTICE,
}
_LONGEST = 1000


def _of_the_run(told: Told) -> Iterator[tuple[Type, str]]:
    """What concerns no line: the gate's verdict, and what nobody looked at."""
    if told.problem:
        yield Type.ERROR, command("error", told.problem, title="Fixby")
    broken = [f"{rule.name}: {rule.reason}" for rule in told.judgement.rules if rule.verdict is not Verdict.PASS]
    if broken:
        title = "The gate fails" if told.judgement.verdict is Verdict.FAIL else "The gate cannot tell"
        yield Type.ERROR, command("error", "; ".join(broken), title=title)
    if told.unchecked:
        yield Type.WARNING, command("warning", _joined(told.unchecked), title="Not checked")
    for note in told.notes:
        yield Type.NOTICE, command("notice", note)


def _joined(sentences: Sequence[str]) -> str:
    shown = "\n".join(sentences[:MOST])
    return shown if len(sentences) <= MOST else f"{shown}\nand {len(sentences) - MOST} more"


def _of_finding(one: TrackedFinding, told: Told, folder: str) -> str:
    finding = one.finding
    remark = told.remarks.get(one.id, "") or due(one, told.now)
    in_checkout = finding.category is not Category.HEADERS and one.asset != told.image
    place = finding.locations[0] if finding.locations and in_checkout else None
    message = f"{finding.message or finding.rule.title} ({finding.scanner} {finding.rule.id}, {remark})"
    return command(
        _TYPES[finding.severity],
        f"{message}\nfixby show {one.id[:ID_LENGTH]}",
        file=f"{folder}{place.path}" if place else None,
        line=place.line if place else None,
        endLine=place.end_line if place else None,
        title=f"{finding.severity}: {finding.rule.title}",
    )


def _data(text: str) -> str:
    """A message as the runner reads it back: `%` and ends of lines are escaped, other control characters go."""
    lines = "\n".join(safe(line) for line in text[:_LONGEST].split("\n"))
    return lines.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """The value of a property: `:` and `,` are escaped, too."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
