"""Findings, scans and verdicts for people: tables that fit the terminal, without colour where NO_COLOR asks for it."""

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import indent

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fixby.finding import Finding, Location
from fixby.reports.published import instant
from fixby.scan import Complete, Failed, Partial, Scan
from fixby.severity import Severity
from fixby.sla.clock import Status
from fixby.sla.duration import until
from fixby.tracked import HistoryEntry, State, TrackedFinding

ID_LENGTH = 10
"""How much of an id is shown: enough to be unique among a million findings."""


def console() -> Console:
    """Standard output; where it is no terminal, wide enough to cut nothing short."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 200
    return Console(width=width, highlight=False, markup=False, emoji=False)


def findings_table(findings: Sequence[TrackedFinding], now: int) -> Table:
    """Findings in the order given, each on one line."""
    table = _table("DUE", "SEVERITY", "ID", "SCANNER", "RULE", "WHERE", "TITLE")
    for one in findings:
        table.add_row(
            _due(one, now),
            _severity(one.finding.severity),
            one.id[:ID_LENGTH],
            *_columns(one.finding),
        )
    return table


def scans_table(scans: Sequence[Scan]) -> Table:
    """What each scanner did."""
    table = _table("SCANNER", "VERSION", "OUTCOME", "READ", "NOT READ", "FINDINGS", "SUPPRESSED", "TIME")
    for scan in scans:
        table.add_row(
            scan.scanner,
            scan.tool_version,
            _outcome(scan),
            str(len(scan.coverage.scanned)),
            str(len(scan.coverage.skipped)),
            str(len(scan.findings)),
            str(scan.suppressed),
            f"{scan.finished_at - scan.started_at} s",
        )
    return table


def observations_table(findings: Mapping[str, Finding]) -> Table:
    """Findings that are not stored, by id: the worst first."""
    table = _table("SEVERITY", "ID", "SCANNER", "RULE", "WHERE", "TITLE")
    for id_, one in sorted(findings.items(), key=lambda item: (-item[1].severity.rank, item[1].path, item[0])):
        table.add_row(_severity(one.severity), id_[:ID_LENGTH], *_columns(one))
    return table


def changes(new: int, fixed: int, reopened: int, not_observed: int) -> Text:
    """What the scans changed, in a sentence."""
    return Text(f"{new} new, {fixed} fixed, {reopened} reopened, {not_observed} no longer observed", "bold")


def parts_table(parts: Iterable[tuple[str, str, str]]) -> Table:
    """What Fixby needs: each part's name, its state, and how much of it there is here."""
    table = _table("PART", "STATE", "HERE")
    for part in parts:
        table.add_row(*map(_plain, part))
    return table


def reasons(scans: Iterable[Scan]) -> list[Text]:
    """Why scans are not complete, a line each."""
    return [_plain(f"{scan.scanner}: {reason}") for scan in scans for reason in scan.reasons]


def finding_page(tracked: TrackedFinding, history: Sequence[HistoryEntry], now: int) -> list[Table | Text]:
    """All that is known of one finding."""
    finding = tracked.finding
    facts = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _facts(tracked, now):
        if value:
            facts.add_row(Text(name, "bold"), _lines(value))
    code = _lines(indent(finding.code, "    "))
    events = _table("WHEN", "WHO", "WHAT", "WHY")
    for entry in history:
        events.add_row(instant(entry.at), entry.actor, entry.kind, safe(entry.reason))
    return [Text(safe(finding.rule.title), "bold"), Text(""), facts, Text(""), code, Text(""), events]


def _facts(tracked: TrackedFinding, now: int) -> Iterator[tuple[str, str]]:
    finding = tracked.finding
    yield "id", tracked.id
    yield "severity", f"{finding.severity} (from {finding.severity_source})"
    yield "state", f"{tracked.state}, not observed: {tracked.not_observed}" if tracked.not_observed else tracked.state
    yield "due", f"{instant(tracked.due_at)} ({due(tracked, now)}, {tracked.sla_status})" if tracked.due_at else "never"
    yield "first seen", instant(tracked.first_seen) or ""
    yield "last seen", instant(tracked.last_seen) or ""
    yield "asset", tracked.asset
    yield "rule", f"{finding.scanner} {finding.rule.id}"
    yield "where", "\n".join(place(location) for location in finding.locations)
    yield "package", finding.component.purl if finding.component else ""
    yield "known as", ", ".join(finding.identifiers.names)
    yield "weakness", ", ".join(finding.rule.cwes)
    yield "suppressed", f"by {finding.suppression.by} {finding.suppression.reason}" if finding.suppression else ""
    yield "seen by", ", ".join(f"{witness.scanner} ({witness.presence})" for witness in tracked.witnesses)
    yield "what", finding.message
    yield "fix", finding.fix
    yield "more", "\n".join(finding.rule.references)


def where(finding: Finding) -> str:
    """The first place of a finding, or its package, and how many more there are."""
    if finding.component:
        return f"{finding.component.name} {finding.component.version} ({place(finding.locations[0])})"
    if not finding.locations:
        return ""
    more = f" +{len(finding.locations) - 1}" if len(finding.locations) > 1 else ""
    return f"{place(finding.locations[0])}{more}"


def place(location: Location) -> str:
    """A location as editors and terminals understand it: `path:line`."""
    return location.path if location.line is None else f"{location.path}:{location.line}"


def due(tracked: TrackedFinding, now: int) -> str:
    """The due date in words: `in 3 h`, `2 d late`, or why there is none."""
    if tracked.state is State.FIXED:
        return "fixed"
    return until(tracked.due_at - now) if tracked.due_at is not None else tracked.sla_status


def safe(text: str) -> str:
    """Text of a scanned repository without characters that steer a terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)


def _columns(finding: Finding) -> tuple[str | Text, ...]:
    return (
        finding.scanner,
        _plain(finding.rule.id),
        _plain(where(finding)),
        _plain(finding.rule.title),
    )


def _due(tracked: TrackedFinding, now: int) -> Text:
    return Text(due(tracked, now), _STATUS_STYLES.get(tracked.sla_status, ""))


def _severity(severity: Severity) -> Text:
    return Text(severity, _SEVERITY_STYLES.get(severity, ""))


def _outcome(scan: Scan) -> Text:
    match scan.outcome:
        case Complete():
            return Text("complete", "green")
        case Partial():
            return Text("partial", "yellow")
        case Failed():
            return Text("failed", "bold red")


def _lines(text: str) -> Text:
    return Text("\n".join(safe(line) for line in text.splitlines()))


def _plain(text: str) -> Text:
    return Text(safe(text), no_wrap=True, overflow="ellipsis")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    return table


_STATUS_STYLES: dict[str, str] = {Status.BREACHED: "bold red", Status.DUE_SOON: "yellow"}
_SEVERITY_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow"}
