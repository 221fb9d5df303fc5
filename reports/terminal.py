"""Findings, scans and verdicts for people: tables that fit the terminal, in colours where nobody asks for none."""

import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import compress
from pathlib import Path
from types import MappingProxyType

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.measure import Measurement
from rich.style import Style
from rich.table import Table
from rich.text import Text

from fixby.finding import Finding
from fixby.reports import fields, links
from fixby.reports.plain import ID_LENGTH, safe
from fixby.reports.words import due, spaced, where
from fixby.scan import Complete, Failed, Partial, Scan
from fixby.severity import Severity
from fixby.sla.clock import Status
from fixby.tracked import TrackedFinding


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
    text = _TRAILING_SPACES.sub(r"\1", captured.get()).rstrip("\n")
    return without_links(text) if os.environ.get("FORCE_HYPERLINK") == "0" else text


def without_links(text: str) -> str:
    """What `rendered` gave, without its links (OSC 8)."""
    return _LINKS.sub("", text)


def findings_table(findings: Sequence[TrackedFinding], now: int, root: Path | None = None) -> Table:
    """Findings in the order given, each on one line; who owns some of them, and why some were not seen, at the end.

    Places are links to files where the folder is known from which their paths are told.
    """
    more = [title for title, value in _MORE.items() if any(map(value, findings))]
    rows = (
        (
            *(_due(one, now), severity_text(one.finding.severity), one.id[:ID_LENGTH], *_columns(one.finding, root)),
            *(safe(_MORE[title](one)) for title in more),
        )
        for one in findings
    )
    return table(("DUE", "SEVERITY", "ID", *_ABOUT, *more), rows, _NEEDED_WIDTHS)


def fields_table(findings: Sequence[TrackedFinding], names: Sequence[str], now: int) -> Table:
    """Some fields of findings, as `fixby.reports.fields` names them; what is long is cut first."""
    rows = (map(_field, names, fields.cells(one, names, now)) for one in findings)
    return table([_title(name) for name in names], rows)


def observations_table(findings: Mapping[str, Finding]) -> Table:
    """Findings that are not stored, by id, in the order given."""
    rows = ((severity_text(one.severity), id_[:ID_LENGTH], *_columns(one)) for id_, one in findings.items())
    return table(("SEVERITY", "ID", *_ABOUT), rows, _NEEDED_WIDTHS)


def scans_table(scans: Sequence[Scan]) -> Table:
    """What each scanner did."""
    titles = ("SCANNER", "VERSION", "OUTCOME", "READ", "NOT READ", "FINDINGS", "SUPPRESSED")
    return table(titles, map(_scan_row, scans))


def parts_table(parts: Iterable[tuple[str, str, str]]) -> Table:
    """What Fixby needs: each part's name, its state, and how much of it there is here."""
    return table(("PART", "STATE", "HERE"), (map(safe, part) for part in parts))


def reasons(scans: Iterable[Scan]) -> list[Text]:
    """Why scans are not complete, and what was left out on purpose: a line each."""
    scanners: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    for scan in scans:
        left_out |= {path: why for path, why in scan.coverage.excluded.items() if not why.startswith("kept by")}
        for reason in scan.reasons:
            scanners.setdefault(reason, []).append(safe(scan.scanner or "unknown"))
    lines = [f"{', '.join(names)}: {reason}" for reason, names in scanners.items()]
    if left_out:
        counts = Counter(left_out.values())
        lines.append(f"left out: {', '.join(f'{number} {reason}' for reason, number in sorted(counts.items()))}")
    return [Text(safe(line)) for line in lines]


def changes(counts: Mapping[str, int]) -> Text:
    """What scans changed, in a sentence: a number for each kind of change, of withdrawn ones where there are any."""
    told = (f"{number} {spaced(kind)}" for kind, number in counts.items() if number or kind != "withdrawn")
    return Text(", ".join(told), "bold")


def linked(text: str, address: str) -> Text:
    """Text from outside on one line, as a link where there is an address."""
    return Text.assemble((safe(text), Style(link=address or None)), no_wrap=True, overflow="ellipsis")


def lines(text: str) -> Text:
    """Text from outside, line by line."""
    return Text("\n".join(safe(line.expandtabs(4)) for line in text.splitlines()))


_LINKS = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\")
_TRAILING_SPACES = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)
_ABOUT = ("SCANNER", "RULE", "WHERE", "TITLE")

_NUMBERS = frozenset({"READ", "NOT READ", "FINDINGS", "SUPPRESSED", "LINE"})
_LONG = frozenset(
    {
        *("RULE", "WHERE", "TITLE", "WHY", "HERE", "PATH", "RULE ID", "MESSAGE", "FIX", "CODE", "REFERENCES"),
        *("LOCATIONS", "COMPONENT", "DECISIONS", "SIGHTINGS", "IDENTIFIERS", "CWES", "NOT OBSERVED", "SUPPRESSED"),
        *("TAGS", "PACKAGE", "OWNER", "ASSIGNEE", "PREVIOUS", "ASSET"),
    }
)
"""Columns that are cut where the terminal is narrow."""

_MORE: Mapping[str, Callable[[TrackedFinding], str]] = {
    "OWNER": lambda one: one.owner,
    "NOT OBSERVED": lambda one: one.not_observed,
}
"""Columns that a table has where one of its findings has something in it."""

_NEEDED_WIDTHS = {"SCANNER": 100, "OWNER": 120, "RULE": 140}
"""From which width on a column of findings is shown; a narrower terminal has better uses for the space."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A place, cut at its beginning where it is too long: its end says more."""

    text: str
    address: str = ""

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Text]:
        text = self.text
        while cell_len(text) > options.max_width:
            text = f"…{text[max(2, len(text) - options.max_width) :]}"
        yield linked(text, self.address)

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, min(cell_len(self.text), options.max_width))


def _columns(finding: Finding, root: Path | None = None) -> tuple[RenderableType, ...]:
    address = links.of_place(root, finding.locations[0]) if finding.locations else ""
    rule = linked(finding.rule.id, links.of_rule(finding))
    return (safe(finding.scanner), rule, _Place(safe(where(finding)), address), safe(finding.rule.title))


def _title(name: str) -> str:
    return name.replace("_", " ").upper()


def _field(name: str, value: str | int) -> RenderableType:
    match name:
        case "id":
            return str(value)[:ID_LENGTH]
        case "severity":
            return severity_text(Severity(str(value)))
        case "path":
            return _Place(str(value))
        case _:
            return " ".join(str(value).split())


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
    return safe(scan.scanner or "unknown"), safe(scan.tool_version), _outcome(scan), *map(str, numbers)


def table(
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
