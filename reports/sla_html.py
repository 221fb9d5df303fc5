"""A report as one page that needs nothing else, no network and no fonts, and runs only its own script."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files

from fixby.reports import sla_charts as charts
from fixby.reports import sla_words as words
from fixby.reports.plain import ID_LENGTH, safe
from fixby.reports.words import where
from fixby.severity import Severity
from fixby.sla.clock import Status
from fixby.sla.figures import Figures, Report
from fixby.tracked import TrackedFinding


def written(report: Report, breaches: Sequence[TrackedFinding]) -> str:
    """The page of a report, with its breaches in the order given. The same report gives the same bytes."""
    script, style = _asset("sla_report.js"), _asset("sla_report.css")
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(script, style)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>SLA report, {_text(words.period(report))}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>SLA report</h1>
<p>{_text(words.period(report))}</p>
</header>
<main>
{_tiles(report)}
{_charts(report)}
{_groups(report)}
{_times(report)}
{_months(report)}
{_breaches(report, breaches)}
{_sources(report)}
{_definitions()}
</main>
<script>{script}</script>
</body>
</html>
"""


def _asset(name: str) -> str:
    return (files("fixby.reports") / name).read_text(encoding="utf-8")


def _policy(script: str, style: str) -> str:
    """A Content-Security-Policy that lets this script and this style work, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _tiles(report: Report) -> str:
    total = report.total
    in_breach, soon = words.breached(total), total.open.get(Status.DUE_SOON, 0)
    time = total.time_to_fix
    fixed = f"median of {time.fixed:,} fixed: {words.hours(time.median)}"
    due = f"due {words.moment(total.oldest_breach)}" if total.oldest_breach is not None else "no breach is open"
    tiles = (
        ("Compliance", words.percent(total.compliance), words.promises(total), ""),
        ("Breached", f"{in_breach:,}", f"of {words.total_open(total):,} open", "bad" if in_breach else ""),
        ("Due soon", f"{soon:,}", "in time, close to their due date", "near" if soon else ""),
        ("Open", f"{words.total_open(total):,}", f"{total.opened:,} opened in the period", ""),
        ("Expected time to fix", words.hours(time.expected), fixed, ""),
        ("Oldest breach", words.overdue(total, report.as_of), due, ""),
    )
    return '<dl class="tiles">\n' + "\n".join(_tile(*tile) for tile in tiles) + "\n</dl>"


def _tile(name: str, value: str, note: str, kind: str) -> str:
    shown = f'<dd class="figure {kind}">{_text(value)}</dd><dd class="note">{_text(note)}</dd>'
    return f"<div><dt>{_text(name)}</dt>{shown}</div>"


def _charts(report: Report) -> str:
    drawn = (
        ("Breaches and backlog", charts.backlog(report.months), report.months),
        ("Compliance by month", charts.compliance(report.months), report.months),
        ("Time to fix by severity", charts.times_to_fix(report), report.severities),
        ("Age of what is open", charts.age(report.total), words.total_open(report.total)),
    )
    figures = (
        f"<figure>\n<figcaption>{title}</figcaption>\n{chart if data else _NOTHING}\n</figure>"
        for title, chart, data in drawn
    )
    return '<section class="charts" aria-label="Charts">\n' + "\n".join(figures) + "\n</section>"


_NOTHING = '<p class="nothing">Nothing in this period.</p>'


@dataclass(frozen=True, slots=True)
class _Cell:
    """What a cell shows, a note beneath it, and the number by which it is sorted where that is not what it shows."""

    text: str
    key: float | None = None
    note: str = ""


_Row = Sequence[_Cell]

_NUMBER, _RANKED, _TEXT = "number", "ranked", "text"
"""How a column is aligned and sorted: as numbers, as text by its cells' keys, as text."""


def _groups(report: Report) -> str:
    names = [(words.title(name), _RANKED if name == "severity" else _TEXT) for name in report.by]
    columns = [*(names or [("", _TEXT)]), *((title, _NUMBER) for title in _GROUP_TITLES)]
    rows = [[*_keys(report.by, words.key(group)), *_figures(group)] for group in report.groups]
    total = [_Cell("Total"), *[_Cell("")] * (len(names) - 1), *_figures(report.total)]
    heading = f"By {' and '.join(report.by)}" if report.by else "All findings"
    table = _table("groups", columns, rows, total)
    return _section("groups", heading, (_filter("groups") if rows else "") + table)


_GROUP_TITLES = (
    "Open",
    "Due soon",
    "Breached",
    "Paused",
    "Exempt",
    "Opened",
    "Met",
    "Missed",
    "Compliance",
    "Median",
    "90 %",
    "Expected",
)


def _keys(by: Iterable[str], key: Iterable[str]) -> Iterator[_Cell]:
    for name, value in zip(by, key, strict=True):
        yield _Cell(value, Severity(value).rank if name == "severity" else None)


def _figures(figures: Figures) -> Iterator[_Cell]:
    yield _count(words.total_open(figures))
    for status in (Status.DUE_SOON, Status.BREACHED, Status.PAUSED, Status.EXEMPT):
        yield _count(figures.open.get(status, 0))
    yield from map(_count, (figures.opened, figures.met, figures.missed))
    yield _Cell(words.percent(figures.compliance))
    time = figures.time_to_fix
    yield from map(_hours, (time.median, time.p90, time.expected))


def _times(report: Report) -> str:
    columns = [("Severity", _RANKED), *((title, _NUMBER) for title in ("Fixed", "Median", "90 % within", "Expected"))]
    rows = [
        [_severity(severity), _count(time.fixed), *map(_hours, (time.median, time.p90, time.expected))]
        for severity, time in words.times(report)
    ]
    return _section("times", "Time to fix", _table("times", columns, rows))


def _months(report: Report) -> str:
    titles = ("Opened", "Met", "Missed", "Compliance", "Open at its end", "Breached at its end")
    rows = [
        [
            _Cell(month.name),
            *map(_count, (month.opened, month.met, month.missed)),
            _Cell(words.percent(month.compliance)),
            *map(_count, (month.open_at_end, month.breached_at_end)),
        ]
        for month in report.months
    ]
    table = _table("months", [("Month", _TEXT), *((title, _NUMBER) for title in titles)], rows)
    return _section("months", "By month", table)


def _breaches(report: Report, breaches: Sequence[TrackedFinding]) -> str:
    rows = [_breach(breach, report.as_of) for breach in breaches]
    table = _table("breaches", _BREACH_COLUMNS, rows)
    return _section("breaches", f"Breaches ({len(breaches):,})", (_filter("breaches") if rows else "") + table)


_BREACH_COLUMNS = (
    ("Severity", _RANKED),
    ("Finding", _TEXT),
    ("Asset", _TEXT),
    ("Where", _TEXT),
    ("Due (UTC)", _TEXT),
    ("Days late", _NUMBER),
    ("ID", _TEXT),
)


def _breach(breach: TrackedFinding, now: int) -> _Row:
    finding = breach.finding
    return (
        _severity(finding.severity),
        _Cell(finding.rule.title, note=f"{finding.scanner} {finding.rule.id}"),
        _Cell(breach.asset),
        _Cell(where(finding)),
        _Cell(words.moment(breach.due_at).removesuffix(" UTC")),
        _Cell(words.days(words.late(breach, now))),
        _Cell(breach.id[:ID_LENGTH]),
    )


def _sources(report: Report) -> str:
    columns = [("Asset", _TEXT), ("Policy", _TEXT), ("Digest", _TEXT)]
    policies = _table("policies", columns, [[_Cell(part) for part in policy] for policy in report.policies])
    facts = (
        ("Period", words.period(report)),
        ("As of", words.moment(report.as_of)),
        ("Snapshot", report.snapshot),
        ("Grouped by", ", ".join(report.by) or "nothing"),
    )
    heading = '<h3 id="policies-heading">Policies in force</h3>'
    return _section("sources", "What this report is made from", f"{_facts(facts)}\n{heading}\n{policies}")


def _definitions() -> str:
    return _section("definitions", "What the figures mean", _facts(words.DEFINITIONS))


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    listed = "\n".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in facts)
    return f'<dl class="facts">\n{listed}\n</dl>'


def _section(name: str, heading: str, content: str) -> str:
    return (
        f'<section id="{name}" aria-labelledby="{name}-heading">\n'
        f'<h2 id="{name}-heading">{_text(heading)}</h2>\n{content}\n</section>'
    )


def _filter(name: str) -> str:
    """A box to filter a table by; it stays hidden where no script runs."""
    return (
        f'<p class="filter" hidden><label for="{name}-filter">Filter</label> '
        f'<input type="search" id="{name}-filter" autocomplete="off" spellcheck="false"> '
        f'<output for="{name}-filter"></output></p>\n'
    )


def _table(name: str, columns: Iterable[tuple[str, str]], rows: Iterable[_Row], total: _Row = ()) -> str:
    """A table that scrolls sideways in a place of its own, or a word where it has no rows."""
    columns = tuple(columns)
    body = "\n".join(_row(columns, row) for row in rows)
    if not body and not total:
        return '<p class="nothing">None.</p>'
    heads = "".join(f'<th scope="col" class="{kind}">{_text(title)}</th>' for title, kind in columns)
    foot = f"<tfoot>\n{_row(columns, total)}\n</tfoot>\n" if total else ""
    return (
        f'<div class="scroll" role="region" aria-labelledby="{name}-heading" tabindex="0">\n'
        f'<table id="{name}-table">\n<thead>\n<tr>{heads}</tr>\n</thead>\n'
        f"<tbody>\n{body}\n</tbody>\n{foot}</table>\n</div>"
    )


def _row(columns: Iterable[tuple[str, str]], row: _Row) -> str:
    cells = (_drawn(cell, kind) for cell, (_, kind) in zip(row, columns, strict=True))
    return f"<tr>{''.join(cells)}</tr>"


def _drawn(cell: _Cell, kind: str) -> str:
    aligned = ' class="number"' if kind == _NUMBER else ""
    key = "" if cell.key is None else f' data-key="{cell.key}"'
    note = f"<small>{_text(cell.note)}</small>" if cell.note else ""
    return f"<td{aligned}{key}>{_breakable(cell.text)}{note}</td>"


def _breakable(text: str) -> str:
    """Text that may go on in a new line after each slash."""
    return _text(text).replace("/", "/<wbr>")


def _severity(severity: str) -> _Cell:
    return _Cell(severity, Severity(severity).rank)


def _count(number: int) -> _Cell:
    return _Cell(f"{number:,}", number if number >= 1000 else None)


def _hours(number: int | None) -> _Cell:
    return _Cell(words.hours(number), number)


def _text(text: str) -> str:
    """Text as the page shows it: inert, and without characters that are not seen."""
    return escape(safe(text))
