"""Findings, scans and verdicts for people: tables that fit the terminal, in colours where nobody asks for none."""

import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import compress
from textwrap import dedent, indent
from types import MappingProxyType

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from fixby.finding import Finding, Location
from fixby.lifecycle import Change
from fixby.reports.plain import ID_LENGTH, safe
from fixby.reports.published import instant
from fixby.scan import Complete, Failed, Partial, Scan
from fixby.severity import Severity, SeveritySource
from fixby.sla.clock import Status
from fixby.sla.duration import until
from fixby.tracked import Accepted, Dismissed, HistoryEntry, State, TrackedFinding


def rendered(*parts: RenderableType) -> str:
    """What people see on standard output. Elsewhere than on a terminal nothing is cut short and nothing is styled."""
    screen = Console(
        file=StringIO(),
        width=_width(),
        force_terminal=sys.stdout.isatty(),
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )
    with screen.capture() as captured:
        for part in parts:
            screen.print(part, soft_wrap=isinstance(part, str | Text))
    return _TRAILING_SPACES.sub(r"\1", captured.get()).rstrip("\n")


def findings_table(findings: Sequence[TrackedFinding], now: int) -> Table:
    """Findings in the order given, each on one line; why the last scan did not see some of them stands at the end."""
    unseen = any(one.not_observed for one in findings)
    rows = (
        (
            *(_due(one, now), severity_text(one.finding.severity), one.id[:ID_LENGTH], *_columns(one.finding)),
            *((safe(one.not_observed),) if unseen else ()),
        )
        for one in findings
    )
    return _table(("DUE", "SEVERITY", "ID", *_ABOUT, *(("NOT OBSERVED",) if unseen else ())), rows, _NEEDED_WIDTHS)


def observations_table(findings: Mapping[str, Finding]) -> Table:
    """Findings that are not stored, by id, in the order given."""
    rows = ((severity_text(one.severity), id_[:ID_LENGTH], *_columns(one)) for id_, one in findings.items())
    return _table(("SEVERITY", "ID", *_ABOUT), rows, _NEEDED_WIDTHS)


def scans_table(scans: Sequence[Scan]) -> Table:
    """What each scanner did."""
    titles = ("SCANNER", "VERSION", "OUTCOME", "READ", "NOT READ", "FINDINGS", "SUPPRESSED")
    return _table(titles, map(_scan_row, scans))


def parts_table(parts: Iterable[tuple[str, str, str]]) -> Table:
    """What Fixby needs: each part's name, its state, and how much of it there is here."""
    return _table(("PART", "STATE", "HERE"), (map(safe, part) for part in parts))


def reasons(scans: Iterable[Scan]) -> list[Text]:
    """Why scans are not complete, and what was left out on purpose: a line each."""
    scanners: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    for scan in scans:
        left_out |= {path: why for path, why in scan.coverage.excluded.items() if not why.startswith("kept by")}
        for reason in scan.reasons:
            scanners.setdefault(reason, []).append(scan.scanner or "unknown")
    lines = [f"{', '.join(names)}: {reason}" for reason, names in scanners.items()]
    if left_out:
        counts = Counter(left_out.values())
        lines.append(f"left out: {', '.join(f'{number} {reason}' for reason, number in sorted(counts.items()))}")
    return [Text(safe(line)) for line in lines]


def changes(counts: Mapping[str, int]) -> Text:
    """What scans changed, in a sentence: a number for each kind of change."""
    return Text(", ".join(f"{number} {_word(kind)}" for kind, number in counts.items()), "bold")


def finding_page(tracked: TrackedFinding, history: Sequence[HistoryEntry], now: int) -> Iterator[RenderableType]:
    """All that is known of one finding."""
    finding = tracked.finding
    yield Text(safe(finding.rule.title), "bold")
    yield ""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(max_width=_READABLE)
    for name, value in _facts(tracked, now):
        if value:
            facts.add_row(name, _lines(value))
    yield facts
    if finding.code:
        yield ""
        yield _lines(indent(dedent(finding.code), "    "))
    if finding.rule.references:
        yield ""
        yield from (Text(safe(reference)) for reference in finding.rule.references)
    yield ""
    yield _table(("WHEN", "WHO", "WHAT", "WHY"), map(_event, history))


def _facts(tracked: TrackedFinding, now: int) -> Iterator[tuple[str, str]]:
    finding = tracked.finding
    yield "severity", f"{finding.severity}, {_SOURCES[finding.severity_source]}"
    yield "state", _state(tracked)
    yield "due", f"{_moment(tracked.due_at)}, {due(tracked, now)}" if tracked.due_at else due(tracked, now)
    yield "owner", tracked.assignee
    yield "tags", " ".join(tracked.tags)
    yield from map(_decision, tracked.decisions)
    yield "where", "\n".join(place(location) for location in finding.locations)
    yield "package", finding.component.purl if finding.component else ""
    yield "what", finding.message
    yield "fix", finding.fix
    yield "known as", ", ".join(finding.identifiers.names)
    yield "weakness", ", ".join(finding.rule.cwes)
    yield "suppressed", f"by {finding.suppression.by} {finding.suppression.reason}" if finding.suppression else ""
    yield "rule", f"{finding.scanner} {finding.rule.id}"
    yield "seen by", ", ".join(f"{witness.scanner} ({_word(witness.presence)})" for witness in tracked.witnesses)
    yield "first seen", _moment(tracked.first_seen)
    yield "last seen", _moment(tracked.last_seen)
    yield "asset", tracked.asset
    yield "id", tracked.id


def _event(entry: HistoryEntry) -> tuple[RenderableType, ...]:
    what = _EVENTS.get(entry.kind, _word(entry.kind.removeprefix("finding.")))
    return _moment(entry.at), safe(entry.actor), what, _lines(entry.reason)


def _decision(decision: Accepted | Dismissed) -> tuple[str, str]:
    """What is in force, and who said it, when and why."""
    if isinstance(decision, Dismissed):
        return "dismissed", f"by {decision.by} {_moment(decision.at)}\n{decision.reason}"
    terms, missing = decision.terms, decision.needed - len(decision.approvals)
    said = f"until {_moment(terms.until)}, owner {terms.owner}, asked for by {decision.by}"
    approved = f", approved by {' and '.join(decision.approvals)}" if decision.approvals else ""
    waiting = "" if decision.valid else f", waits for {missing} more approval{'s' if missing > 1 else ''}"
    meanwhile = f"\nmeanwhile: {terms.mitigation}" if terms.mitigation else ""
    return "accepted" if decision.valid else "acceptance", f"{said}{approved}{waiting}\n{terms.reason}{meanwhile}"


def _state(tracked: TrackedFinding) -> str:
    if tracked.closed_at is not None:
        return f"fixed {_moment(tracked.closed_at)}"
    if tracked.state is not State.OPEN:
        return str(tracked.state)
    return f"open, not observed: {tracked.not_observed}" if tracked.not_observed else "open"


def where(finding: Finding) -> str:
    """The first place of a finding, how many more there are, and the package that it is about."""
    more = f" +{len(finding.locations) - 1}" if len(finding.locations) > 1 else ""
    package = f" {finding.component.name} {finding.component.version}" if finding.component else ""
    return f"{place(finding.locations[0])}{more}{package}" if finding.locations else package.strip()


def place(location: Location) -> str:
    """A location as editors and terminals understand it: `path:line`."""
    return location.path if location.line is None else f"{location.path}:{location.line}"


def due(tracked: TrackedFinding, now: int) -> str:
    """The due date in words: `in 3 h`, `2 d late`, or why there is none."""
    if tracked.state is State.OPEN and tracked.due_at is not None:
        return until(tracked.due_at - now)
    return _WITHOUT_DATE.get(tracked.sla_status, _word(tracked.sla_status))


_TRAILING_SPACES = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)
_ABOUT = ("SCANNER", "RULE", "WHERE", "TITLE")
_READABLE = 100

_NUMBERS = frozenset({"READ", "NOT READ", "FINDINGS", "SUPPRESSED"})
_LONG = frozenset({"RULE", "WHERE", "TITLE", "WHY", "HERE"})

_NEEDED_WIDTHS = {"SCANNER": 100, "RULE": 140}
"""From which width on a column of findings is shown; a narrower terminal has better uses for the space."""

_WITHOUT_DATE: dict[str, str] = {
    Status.MET: "fixed in time",
    Status.MISSED: "fixed late",
    Status.EXEMPT: "no deadline",
}

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
    Change.REOPENED: "back again",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """A place, cut at its beginning where it is too long: its end says more."""

    text: str

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Text]:
        text = self.text
        while cell_len(text) > options.max_width:
            text = f"…{text[max(2, len(text) - options.max_width) :]}"
        yield Text(text, no_wrap=True)

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, min(cell_len(self.text), options.max_width))


def _columns(finding: Finding) -> tuple[RenderableType, ...]:
    return (finding.scanner, safe(finding.rule.id), _Place(safe(where(finding))), safe(finding.rule.title))


def _due(tracked: TrackedFinding, now: int) -> Text:
    return Text(due(tracked, now), _STATUS_STYLES.get(tracked.sla_status, ""))


def severity_text(severity: Severity) -> Text:
    """The word of a severity, coloured."""
    return Text(severity, _SEVERITY_STYLES.get(severity, ""))


def _outcome(scan: Scan) -> Text:
    match scan.outcome:
        case Complete():
            return Text("complete", "green")
        case Partial():
            return Text("partial", "yellow")
        case Failed():
            return Text("failed", "bold red")


def _scan_row(scan: Scan) -> tuple[RenderableType, ...]:
    numbers = (len(scan.coverage.scanned), len(scan.coverage.skipped), len(scan.findings), scan.suppressed)
    return scan.scanner or "unknown", scan.tool_version, _outcome(scan), *map(str, numbers)


def _moment(seconds: int | None) -> str:
    return (instant(seconds) or "").replace("T", " ").replace("Z", " UTC")


def _word(name: str) -> str:
    return name.replace("_", " ")


def _lines(text: str) -> Text:
    return Text("\n".join(safe(line.expandtabs(4)) for line in text.splitlines()))


def _table(
    titles: Sequence[str],
    rows: Iterable[Iterable[RenderableType]],
    needed_widths: Mapping[str, int] = MappingProxyType({}),
) -> Table:
    """A table whose long columns give way where the terminal is narrow, and some of them first of all."""
    shown = [_width() >= needed_widths.get(title, 0) for title in titles]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in compress(titles, shown):
        justify: JustifyMethod = "right" if title in _NUMBERS else "left"
        table.add_column(title, no_wrap=title not in _LONG, justify=justify)
    for row in rows:
        table.add_row(*(_cell(value) for value in compress(row, shown)))
    return table


def _cell(value: RenderableType) -> RenderableType:
    return Text(value, no_wrap=True, overflow="ellipsis") if isinstance(value, str) else value


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNLIMITED


_UNLIMITED = 10_000

_STATUS_STYLES: dict[str, str] = {Status.BREACHED: "bold red", Status.DUE_SOON: "yellow"}
_SEVERITY_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow"}
