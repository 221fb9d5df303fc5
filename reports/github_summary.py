"""What a run came to, in Markdown: the summary of a job, and the body of a comment."""

from collections.abc import Iterator, Sequence

from fixby.policies.gate import Verdict
from fixby.reports.github import Told, worst_first
from fixby.reports.markdown import table, text
from fixby.reports.plain import ID_LENGTH, safe
from fixby.reports.words import due, where
from fixby.tracked import TrackedFinding

LARGEST_SUMMARY = 2**20
"""How many bytes the summary of a step has to stay below; GitHub shows nothing of a larger one."""


def summary(told: Told, largest: int = LARGEST_SUMMARY - 1, rows: int = 200) -> str:
    """The summary, of at most `largest` bytes and `rows` rows in each table; what is cut is said to be."""
    return cut("\n\n".join(_parts(told, rows)) + "\n", largest)


def cut(page: str, largest: int) -> str:
    """A page of Markdown of at most so many bytes, cut between two lines, with a note."""
    if len(page.encode()) <= largest:
        return page
    left = largest - len(_CUT.encode())
    head = page.encode()[:left].decode(errors="ignore")
    return head[: head.rfind("\n") + 1] + _CUT


_CUT = "\n**Cut here: there is no room for more. The report, and `fixby list`, have the rest.**\n"
_TITLES = ("Severity", "Due", "Where", "What", "Scanner", "ID")
_HEADS = {
    Verdict.PASS: "## ✅ Fixby: passed",
    Verdict.FAIL: "## ❌ Fixby: failed",
    Verdict.UNKNOWN: "## ❔ Fixby: cannot tell",
}


def _parts(told: Told, rows: int) -> Iterator[str]:
    yield _HEADS[told.judgement.verdict]
    if told.problem:
        yield f"**Error:** {text(told.problem)}"
    if told.judgement.rules:
        yield _sentence(told)
    if told.judgement.rules:
        rules = told.judgement.rules
        yield table(("Gate", "Verdict", "Why"), ((rule.name, _WORDS[rule.verdict], rule.reason) for rule in rules))
    for title, some in _groups(told):
        if some:
            yield f"### {title} ({len(some):,})"
            yield _findings(some, told, rows)
    if told.unchecked:
        yield f"### Not checked ({len(told.unchecked):,})"
        yield "\n".join(f"- {text(sentence)}" for sentence in told.unchecked[:rows])
        yield from _more(len(told.unchecked), rows)
    if told.notes:
        yield "\n".join(f"- {text(note)}" for note in told.notes)


_WORDS = {Verdict.PASS: "pass", Verdict.FAIL: "FAIL", Verdict.UNKNOWN: "unknown"}


def _sentence(told: Told) -> str:
    if told.compared:
        return f"{_adds(len(told.new))}, and fixes {told.fixed:,}, compared with {text(told.compared)}."
    late, soon = len(told.breached), len(told.due_soon)
    scanned = " and ".join(text(name) for name in (told.asset, told.image) if name)
    return (
        f"{scanned}: {len(told.open):,} open, {late:,} late, {soon:,} due soon;"
        f" {len(told.new):,} new and {told.fixed:,} fixed since the last scan."
    )


def _adds(number: int) -> str:
    if number == 0:
        return "This change adds no finding"
    return f"This change adds {number:,} finding{'s' if number != 1 else ''}"


def _groups(told: Told) -> Iterator[tuple[str, Sequence[TrackedFinding]]]:
    yield "Added" if told.compared else "New", worst_first(told.new)
    yield "Late", worst_first(told.breached)
    yield "Due soon", told.due_soon


def _findings(some: Sequence[TrackedFinding], told: Told, rows: int) -> str:
    shown = table(_TITLES, (_row(one, told) for one in some[:rows]))
    return "\n\n".join((shown, *_more(len(some), rows)))


def _more(number: int, rows: int) -> Iterator[str]:
    if number > rows:
        yield f"and {number - rows:,} more"


def _row(one: TrackedFinding, told: Told) -> tuple[str, ...]:
    finding, remark = one.finding, told.remarks.get(one.id, "")
    return (
        str(finding.severity),
        remark or due(one, told.now),
        where(finding),
        _short(finding.rule.title),
        f"{finding.scanner} {finding.rule.id}",
        one.id[:ID_LENGTH],
    )


def _short(words: str) -> str:
    shown = safe(words)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


_LONGEST = 200
