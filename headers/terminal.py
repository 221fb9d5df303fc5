"""Verdicts on sites for people: a table a URL, what changed since the last visit, and what its policies come to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fixby.headers.changes import Progress, standing
from fixby.headers.check import Check, Verdict, catalogue
from fixby.headers.explanation import Explanation, explained
from fixby.headers.judge import Judged
from fixby.headers.page import Page
from fixby.headers.response import Answer
from fixby.headers.suggestion import Suggestion
from fixby.headers.transition import would_change
from fixby.reports.plain import safe
from fixby.reports.terminal import severity_text
from fixby.severity import LEVELS


def verdicts(
    one: Judged, progress: Progress | None, now: int, *, with_passes: bool = False, with_policy: bool = False
) -> Iterator[RenderableType]:
    """All that is known of a URL at `now`, a UTC second; the worst first. `progress` is None where nothing is kept."""
    yield Text(safe(one.url), "bold")
    yield from _hops(one.look.page.answers)
    yield Text(_counts(one.checks))
    shown = [check for check in one.checks if with_passes or check.verdict is not Verdict.PASS]
    if shown:
        yield _table(sorted(shown, key=lambda check: (_ORDER[check.verdict], -check.severity.rank)))
    if progress:
        yield from _progress(one.page, progress, now)
    if one.page and (stricter := would_change(one.page)):
        yield _indented(f"enforcing the policy that only reports would stop: {', '.join(stricter)}")
    if one.page and with_policy:
        page = one.page
        yield from _explanation(explained(page.policies.enforced, page.place, page.answer.values("X-Frame-Options")))


def workbench(failures: Sequence[Check], meaning: Explanation, better: Suggestion) -> Iterator[RenderableType]:
    """What policies that nobody sent yet come to, and stricter ones."""
    yield Text(_counts(failures))
    if failures:
        yield _table(sorted(failures, key=lambda check: -check.severity.rank))
    yield from _explanation(meaning)
    yield from _titled("SUGGESTED", (f"Content-Security-Policy: {policy}" for policy in better.policies))
    yield from _titled("WHY", better.changes)


def _explanation(meaning: Explanation) -> Iterator[RenderableType]:
    """The policy that counts, directive by directive, and what an attacker could do and could not."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("DIRECTIVE", no_wrap=True)
    table.add_column("DECIDED BY", no_wrap=True)
    table.add_column("ALLOWS", overflow="fold")
    for rule in meaning.rules:
        by = ", ".join(dict.fromkeys(one.by for one in rule.deciding))
        table.add_row(*(Text(safe(cell)) for cell in (rule.directive, by or "nothing", rule.said)))
    yield ""
    yield table
    could = [f"{one.sentence} What stops it: {one.directive}." for one in meaning.threats if one.possible]
    yield from _titled("WHAT AN ATTACKER COULD DO", could)
    stopped = [f"{one.sentence} What stops it: {one.directive}." for one in meaning.threats if not one.possible]
    yield from _titled("WHAT IS STOPPED", stopped)


_ORDER = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}
_STYLES = {Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow", Verdict.PASS: "green"}


def _hops(answers: Sequence[Answer]) -> Iterator[RenderableType]:
    """The way to the page, where there was one."""
    for answer in answers if len(answers) > 1 else ():
        yield _indented(f"{answer.status} {answer.url}")


def _counts(checks: Sequence[Check]) -> str:
    """How many checks failed, by severity, and how many did not."""
    numbers = Counter(check.verdict for check in checks)
    levels = Counter(check.severity for check in checks if check.verdict is Verdict.FAIL)
    by = ", ".join(f"{levels[level]} {level}" for level in reversed(LEVELS) if levels[level])
    said = [f"{numbers[Verdict.FAIL]} failed{f' ({by})' if by else ''}"]
    said += [f"{numbers[verdict]} {word}" for verdict, word in _OTHERS if numbers[verdict]]
    return ", ".join(said)


_OTHERS = (Verdict.INCONCLUSIVE, "inconclusive"), (Verdict.PASS, "passed")


def _table(checks: Iterable[Check]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("VERDICT", no_wrap=True)
    table.add_column("SEVERITY", no_wrap=True)
    table.add_column("CHECK", overflow="fold")
    told: set[str] = set()
    for check in checks:
        severity = Text("") if check.verdict is Verdict.PASS else severity_text(check.severity)
        table.add_row(Text(check.verdict, _STYLES[check.verdict]), severity, _check(check, told))
    return table


def _check(check: Check, told: set[str]) -> Text:
    """A check on one line, and below it what is wrong, what was sent and the mend; nothing of that twice in a table."""
    kind = catalogue()[check.id]
    text = Text(f"{check.id}{f' {safe(check.subject)}' if check.subject else ''}: ", "bold")
    text.append(kind.title, "not bold")
    if check.verdict is Verdict.PASS:
        return text
    sent = [f"seen: {_cut(line.line)}" for line in check.evidence[:1]]
    mend = f"send: {kind.header}" if kind.header else kind.mend
    for line in (check.message, *sent, mend):
        if line and line not in told:
            text.append(f"\n{safe(line)}", "not bold")
            told |= {line} - {check.message}
    return text


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


_LONGEST = 200


def _progress(page: Page | None, progress: Progress, now: int) -> Iterator[RenderableType]:
    for change in progress.changes:
        yield _indented(f"changed since the last visit: {change}")
    if page and page.policies.sent:
        yield _indented(f"Content Security Policy: {standing(progress, now)}")


def _titled(title: str, lines: Iterable[str]) -> Iterator[RenderableType]:
    some = list(lines)
    if some:
        yield ""
        yield Text(title, "bold")
        yield from map(_indented, some)


def _indented(line: str) -> Padding:
    return Padding(Text(safe(line), overflow="fold"), (0, 0, 0, 2), expand=False)
