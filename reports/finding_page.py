"""All that is known of one finding, for people: its code, what to do, until when, and what happened to it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from rich.console import RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from fixby.decision import Decision
from fixby.excerpt import Excerpt
from fixby.finding import Location
from fixby.lifecycle import Change
from fixby.reports import links
from fixby.reports.plain import safe
from fixby.reports.terminal import lines, table
from fixby.reports.words import due, moment, place, spaced
from fixby.severity import SeveritySource
from fixby.tracked import Accepted, Dismissed, HistoryEntry, SignOff, State, TrackedFinding


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of a finding besides what the store says.

    `excerpt` is its code as it stands now; `root` the folder from which paths are told, absolute, for links; `others`
    is how many more open findings there are of its rule, and `command` lists them; `written` says who wrote the line;
    `sign_offs` prove who accepted its risk; `severity_of` are the scanners whose word the policy puts first.
    """

    excerpt: Excerpt | None = None
    root: Path | None = None
    others: int = 0
    command: str = ""
    written: str = ""
    sign_offs: Sequence[SignOff] = ()
    severity_of: Collection[str] = ()


def finding_page(
    tracked: TrackedFinding, history: Sequence[HistoryEntry], now: int, beside: Beside
) -> Iterator[RenderableType]:
    """A finding: its title, its code, the facts, what is written about it, its history."""
    finding = tracked.finding
    yield Text(safe(finding.rule.title), "bold")
    yield ""
    if beside.excerpt:
        yield from _code(beside.excerpt, beside.root)
        yield ""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(max_width=_READABLE)
    for name, value in _facts(tracked, now, beside):
        if value:
            facts.add_row(name, lines(value) if isinstance(value, str) else value)
    yield facts
    if finding.rule.references:
        yield ""
        yield from (_linked(reference, links.of_address(reference)) for reference in finding.rule.references)
    yield ""
    yield table(("WHEN", "WHO", "WHAT", "WHY"), map(_event, history))


def _code(excerpt: Excerpt, root: Path | None) -> Iterator[Text]:
    """The lines with their numbers; the one that the finding names bears a sign."""
    if excerpt.path:
        here = Location(excerpt.path, excerpt.named)
        yield Text.assemble(_linked(place(here), links.of_place(root, here)), style="bold")
    some = dedent("\n".join(line.expandtabs(4) for line in excerpt.lines)).split("\n")
    for number, line in enumerate(some, start=excerpt.first):
        is_named = number == excerpt.named
        yield Text(f"{'>' if is_named else ' '}{number:>5}  {safe(line)}".rstrip(), "bold" if is_named else "")


def _facts(tracked: TrackedFinding, now: int, beside: Beside) -> Iterator[tuple[str, str | Text]]:
    finding = tracked.finding
    yield "severity", _severity(tracked, beside.severity_of)
    yield "state", _state(tracked)
    yield "due", f"{moment(tracked.due_at)}, {due(tracked, now)}" if tracked.due_at else due(tracked, now)
    yield "owner", _owner(tracked)
    yield "tags", " ".join(tracked.tags)
    yield from map(_decision, tracked.decisions)
    yield from map(_sign_off, beside.sign_offs)
    yield "where", _some(((place(one), links.of_place(beside.root, one)) for one in finding.locations), "\n")
    yield "written", beside.written
    yield "package", finding.component.purl if finding.component else ""
    yield "what", finding.message
    yield "fix", finding.fix
    yield "known as", _some(((name, links.of_name(name)) for name in finding.identifiers.names), ", ")
    yield "weakness", _some(((name, links.of_name(name)) for name in finding.rule.cwes), ", ")
    yield "suppressed", f"by {finding.suppression.by} {finding.suppression.reason}" if finding.suppression else ""
    yield "rule", _linked(f"{finding.scanner} {finding.rule.id}", links.of_rule(finding))
    yield "elsewhere", f"{beside.others} more by this rule: {beside.command}" if beside.others else ""
    yield "seen by", _seen_by(tracked)
    yield "first seen", moment(tracked.first_seen)
    yield "last seen", moment(tracked.last_seen)
    yield "asset", tracked.asset
    yield "id", tracked.id


def _severity(tracked: TrackedFinding, severity_of: Collection[str]) -> str:
    """The severity, and where several scanners speak of it whose word it is, and why."""
    finding = tracked.finding
    said = f"{finding.severity}, {_SOURCES[finding.severity_source]}"
    if len(tracked.witnesses) == 1:
        return said
    why = "the policy names it" if finding.scanner in severity_of else "none says worse"
    return f"{said}; of {len(tracked.witnesses)} scanners {finding.scanner} counts: {why}"


def _seen_by(tracked: TrackedFinding) -> str:
    """The scanners, and where there are several what each of them says."""
    if len(tracked.witnesses) == 1:
        return ", ".join(f"{one.scanner} ({spaced(one.presence)})" for one in tracked.witnesses)
    said = ((f"{one.scanner} ({spaced(one.presence)}): {one.severity}", one.fix) for one in tracked.witnesses)
    return "\n".join(", ".join(filter(None, parts)) for parts in said)


def _sign_off(one: SignOff) -> tuple[str, str]:
    """What proves who asked for an acceptance or approved it."""
    what, said = _SIGNED_OFF.get(one.kind, one.kind), f"by {one.by} {moment(one.at)}"
    if one.refused:
        return "refused", f"{what} {said}\n{one.why}"
    return what, f"{said}\n{f'signed with {one.key}' if one.key else f'unverified: {one.why}'}"


_SIGNED_OFF: Mapping[str, str] = {Decision.ACCEPTED: "asked for", Decision.APPROVED: "approved"}


def _owner(tracked: TrackedFinding) -> str:
    """Who is asked, and who would be if nobody had decided otherwise."""
    owners = f"{' '.join(tracked.owners)} by CODEOWNERS" if tracked.owners else ""
    return ", ".join(filter(None, (tracked.assignee, owners)))


def _some(named: Iterable[tuple[str, str]], between: str) -> Text:
    """Names with the addresses that they lead to."""
    return Text(between).join(_linked(name, address) for name, address in named)


def _linked(text: str, address: str) -> Text:
    return Text.assemble((safe(text), Style(link=address or None)))


def _event(entry: HistoryEntry) -> tuple[RenderableType, ...]:
    what = _EVENTS.get(entry.kind, spaced(entry.kind.removeprefix("finding.")))
    return moment(entry.at), safe(entry.actor), what, lines(entry.reason)


def _decision(decision: Accepted | Dismissed) -> tuple[str, str]:
    """What is in force, and who said it, when and why."""
    if isinstance(decision, Dismissed):
        return "dismissed", f"by {decision.by} {moment(decision.at)}\n{decision.reason}"
    terms, missing = decision.terms, decision.needed - len(decision.approvals)
    said = f"until {moment(terms.until)}, owner {terms.owner}, asked for by {decision.by}"
    approved = f", approved by {' and '.join(decision.approvals)}" if decision.approvals else ""
    waiting = "" if decision.valid else f", waits for {missing} more approval{'s' if missing > 1 else ''}"
    meanwhile = f"\nmeanwhile: {terms.mitigation}" if terms.mitigation else ""
    return "accepted" if decision.valid else "acceptance", f"{said}{approved}{waiting}\n{terms.reason}{meanwhile}"


def _state(tracked: TrackedFinding) -> str:
    if tracked.closed_at is not None:
        return f"{tracked.state} {moment(tracked.closed_at)}"
    if tracked.state is not State.OPEN:
        return str(tracked.state)
    return f"open, not observed: {tracked.not_observed}" if tracked.not_observed else "open"


_READABLE = 100

_SOURCES = {
    SeveritySource.SCANNER: "says the scanner",
    SeveritySource.CVSS: "by its CVSS score",
    SeveritySource.POLICY: "by policy",
    SeveritySource.DEFAULT: "by default: the scanner does not say",
}

_EVENTS: Mapping[str, str] = {
    Change.DETECTED: "detected",
    Change.SIGHTED: "seen by one more scanner",
    Change.CHANGED: "changed",
    Change.OBSERVED: "observed again",
    Change.NOT_OBSERVED: "not observed",
    Change.UNSIGHTED: "gone for one of its scanners",
    Change.FIXED: "fixed",
    Change.WITHDRAWN: "withdrawn by its publisher",
    Change.REOPENED: "back again",
}
