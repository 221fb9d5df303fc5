"""The report of how the promise was kept, as each of its outputs says it."""

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from jsonschema import ValidationError  # type: ignore[import-untyped]
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.cells import cell_len
from rich.console import Console

from fixby.component import component
from fixby.finding import Category, Finding, Location, Rule
from fixby.known import Presence
from fixby.reports import published, sla_csv, sla_html, sla_json, sla_markdown, sla_terminal, sla_words
from fixby.reports.terminal import rendered
from fixby.severity import Severity, SeveritySource
from fixby.sla.clock import Status
from fixby.sla.figures import Figures, Month, Report, TimeToFix
from fixby.tracked import State, TrackedFinding, Witness
from tests.test_published import validate

DAY = 86_400
SINCE = 1_782_864_000  # 2026-07-01 00:00:00 UTC
AS_OF = SINCE + 92 * DAY
HOSTILE = "</script><img src=x onerror=document.title='pwned'>|`[a](javascript:b)` @me www.a.example\n\x1b[31m\u202e"
ASSETS = ("shop", "payments", "identity", "warehouse", "website")
MONTHS = ("2025-10", "2025-11", "2025-12", *(f"2026-{number:02}" for number in range(1, 10)))
TEAMS = ("checkout", "platform", "security", "logistics", "growth")
RULES = (
    ("B602", "Subprocess call with shell=True"),
    ("B608", "SQL query built by string concatenation"),
    ("B301", "Untrusted data is unpickled"),
    ("CVE-2024-22195", "jinja2: HTML attributes can be injected with xmlattr"),
    ("Secret Keyword", "A password in the source"),
)


def a_report() -> Report:
    """Figures of three months, with a year of trend, by asset and team."""
    groups = tuple(_figures((asset, team), size) for size, (asset, team) in enumerate(zip(ASSETS, TEAMS, strict=True)))
    return Report(
        as_of=AS_OF,
        since=SINCE,
        snapshot=f"48213:{'5e' * 32}",
        by=("asset", "team"),
        policies=tuple((asset, "standard", "b7" * 32) for asset in ASSETS),
        total=replace(_figures((), 24), oldest_breach=AS_OF - 61 * DAY - 7_000),
        groups=groups,
        severities={
            Severity.CRITICAL: TimeToFix(41, 14, 31, 17),
            Severity.HIGH: TimeToFix(128, 92, 190, 120),
            Severity.MEDIUM: TimeToFix(203, 310, 840, 512),
            Severity.LOW: TimeToFix(64, 900, 1900, None),
        },
        months=tuple(
            Month(name, 90 + n % 4, 70 + 5 * n, 40 - 2 * n, 1240 - 47 * n, 95 - 6 * n) for n, name in enumerate(MONTHS)
        ),
    )


def _figures(key: tuple[str, ...], size: int) -> Figures:
    return Figures(
        key=key,
        open={
            Status.ON_TRACK: 30 + 7 * size,
            Status.DUE_SOON: 2 + size,
            Status.BREACHED: size + size // 3,
            Status.PAUSED: size % 3,
            Status.EXEMPT: 11 * size,
        },
        opened=20 + 11 * size,
        met=12 + 16 * size,
        missed=2 * size,
        closed_exempt=size,
        dismissed=size // 2,
        not_observed=size // 4,
        oldest_breach=AS_OF - 9 * DAY * size if size else None,
        ages=(9 + size, 14 + 2 * size, 20 + 4 * size, 8 + size, 3 + size, 1 + size),
        time_to_fix=TimeToFix(14 + 18 * size, 40 + 11 * size, 200 + 60 * size, 60 + 15 * size),
    )


def a_breach(number: int = 0, *, title: str = "", asset: str = "", path: str = "") -> TrackedFinding:
    """One of many findings in breach, each with an id of its own."""
    rule, usual = RULES[number % len(RULES)]
    name = path or f"src/{ASSETS[number % 5]}/{'deeply/nested/' * (number % 4)}module_{number}.py"
    package = component("pypi", "jinja2", "2.7.1", ("3.1.3",)) if rule.startswith("CVE") else None
    severity = (Severity.CRITICAL, Severity.HIGH, Severity.HIGH, Severity.MEDIUM, Severity.LOW)[number % 5]
    finding = Finding(
        Category.DEPENDENCY if package else Category.CODE,
        "pip-audit" if package else "bandit",
        Rule(rule, title or usual),
        severity,
        SeveritySource.SCANNER,
        "Do not do this.",
        (Location(name, number % 400 + 1),),
        package,
    )
    due = AS_OF - (number * 7_919) % (61 * DAY) - 3_600
    first = due - 7 * DAY
    witness = Witness(finding.scanner, Presence.PRESENT, severity, AS_OF)
    id_ = f"{(number + 1) * 2_654_435_761:064x}"[::-1]
    return TrackedFinding(
        id_, asset or ASSETS[number % 5], finding, State.OPEN, first, AS_OF, None, due, Status.BREACHED, (witness,)
    )


def breaches(count: int) -> list[TrackedFinding]:
    return [a_breach(number) for number in range(count)]


def hostile() -> tuple[Report, list[TrackedFinding]]:
    """A report in which every text that others choose attacks whoever reads it."""
    report = a_report()
    group = replace(report.groups[0], key=(HOSTILE, HOSTILE))
    months = (replace(report.months[0], name=HOSTILE), *report.months[1:])
    policies = ((HOSTILE, HOSTILE, HOSTILE),)
    attacked = replace(report, groups=(group, *report.groups[1:]), months=months, policies=policies, snapshot=HOSTILE)
    return attacked, [a_breach(title=HOSTILE, asset=HOSTILE, path=HOSTILE), *breaches(9)]


EMPTY = Report(AS_OF, SINCE, "0:0", (), (), Figures(), (), {}, ())


@pytest.mark.parametrize("report", [a_report(), replace(a_report(), by=(), groups=()), EMPTY])
def test_the_document_is_what_its_schema_says(report: Report) -> None:
    document = json.loads(published.written(sla_json.document(report, breaches(5))))
    validate(document)
    assert [one["id"] for one in document["breaches"]] == [one.id for one in breaches(5)]
    assert (document["since"], document["as_of"]) == ("2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z")


def test_the_schema_refuses_what_was_not_promised() -> None:
    spoilt_parts: tuple[dict[str, Any], ...] = (
        {"more": 1},
        {"as_of": "2026-10-01T00:00:00+02:00"},
        {"months": [{"month": "2026"}]},
        {"total": {}},
        {"severities": {"blocker": {}}},
    )
    for spoilt in spoilt_parts:
        with pytest.raises(ValidationError):
            validate(json.loads(published.written(sla_json.document(a_report(), []) | spoilt)))


def test_the_figures_of_the_document_are_those_of_the_report() -> None:
    document = sla_json.document(a_report(), [])
    group = document["groups"][1]
    assert group["key"] == {"asset": "payments", "team": "platform"}
    assert (group["open"], group["open_by_status"]["exempt"]) == (37 + 3 + 1 + 1 + 11, 11)
    assert group["compliance"] == 0.9032  # 28 of 31
    assert group["ages"][0] == {"over_days": 0, "to_days": 7, "open": 10}
    assert group["ages"][-1] == {"over_days": 365, "to_days": None, "open": 2}
    assert document["severities"]["low"] == {
        "fixed": 64,
        "median_hours": 900,
        "p90_hours": 1900,
        "expected_hours": None,
    }
    assert sla_json.document(EMPTY, [])["total"]["compliance"] is None


@pytest.mark.parametrize(
    ("met", "missed", "share", "percent"),
    [(1, 0, 1.0, "100.0 %"), (99_999, 1, 0.9999, "99.9 %"), (57, 43, 0.57, "57.0 %"), (0, 1, 0.0, "0.0 %")],
)
def test_a_compliance_is_never_rounded_up(met: int, missed: int, share: float, percent: str) -> None:
    compliance = Figures(met=met, missed=missed).compliance
    assert (sla_words.share(compliance), sla_words.percent(compliance)) == (share, percent)


def test_lengths_of_time_are_written_in_units_that_say_enough() -> None:
    assert [sla_words.hours(number) for number in (None, 0, 1, 47, 48, 100, 30_000)] == [
        "-",
        "under 1 h",
        "1 h",
        "47 h",
        "2.0 d",
        "4.1 d",
        "1,250.0 d",
    ]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


def test_the_csv_has_a_row_for_each_group_and_one_for_the_total() -> None:
    rows = table(sla_csv.written(a_report()))
    assert [row["row"] for row in rows] == ["group"] * 5 + ["total"]
    assert [row["asset"] for row in rows] == [*ASSETS, ""]
    assert rows[1]["compliance"] == "0.9032"
    assert (rows[0]["oldest_breach"], rows[1]["oldest_breach"]) == ("", "2026-09-22T00:00:00Z")
    assert (rows[1]["open_to_7_days"], rows[1]["open_over_365_days"]) == ("10", "2")
    assert (rows[1]["median_hours"], rows[1]["since"]) == ("51", "2026-07-01T00:00:00Z")
    [total] = table(sla_csv.written(EMPTY))
    assert (total["open"], total["compliance"], total["expected_hours"]) == ("0", "", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_computes_no_cell_of_the_csv(start: str) -> None:
    group = Figures(key=(f'{start}1+1,"\r\nx',))
    [row, _] = table(sla_csv.written(replace(EMPTY, by=("asset",), groups=(group,))))
    assert row["asset"] == f"'{start}1+1,\"\r\nx"
    assert row["open"] == "0"


def test_the_csv_ends_its_lines_as_the_standard_says() -> None:
    text = sla_csv.written(a_report())
    assert text.count("\r\n") == text.count("\n") == 7
    assert text.endswith("\r\n")


def tokens(text: str) -> list[Token]:
    """All that a Markdown reader sees in a text, with what stands within lines."""
    seen = MarkdownIt("commonmark").enable("table").parse(text)
    return [*seen, *(child for token in seen for child in token.children or [])]


def test_no_text_of_a_finding_is_markup_in_markdown() -> None:
    report, found = hostile()
    seen = tokens(sla_markdown.written(report, found, AS_OF))
    calm = tokens(sla_markdown.written(a_report(), breaches(10), AS_OF))
    assert {token.type for token in seen} - {token.type for token in calm} <= {"code_inline"}
    assert "link_open" not in {token.type for token in seen}
    assert _columns(seen) == _columns(calm)
    assert "\x1b" not in "".join(token.content for token in seen)


def _columns(seen: Iterable[Token]) -> list[int]:
    """How many cells each row has; policies left out, of which there are not equally many."""
    rows: list[int] = []
    for token in seen:
        if token.type == "tr_open":
            rows.append(0)
        rows[-1:] = [rows[-1] + (token.type in ("td_open", "th_open"))] if rows else []
    return [number for number in rows if number != 3]


@pytest.mark.parametrize(
    "text",
    [
        "a|b", "\\|", "`", "``a```b", "<b>x</b>", "[a](b)", "![a](b)", "**a**", "_a_", "https://a.example",
        "www.a.example", "WWW.a.example", "me@a.example", "@me", "#1", "&lt;", "a\nb", "~~a~~", "$a$", ":smile:",
        "\\", "`|`", "a | b", "a\\|b",
    ],
)  # fmt: skip
def test_text_stays_the_text_it_is_in_markdown(text: str) -> None:
    page = sla_markdown.written(EMPTY, [a_breach(title=text)], AS_OF)
    seen = tokens(page)
    contents = "".join(token.content for token in seen if token.type in ("text", "code_inline", "text_special"))
    assert text.replace("\n", "�").strip() in contents
    assert {"link_open", "image", "em_open", "html_inline"}.isdisjoint(token.type for token in seen)
    row = page.split("## Breaches")[1].split("\n")[4]
    outside = re.sub(r"(`+).*?\1|&#124;", "", row)
    assert not re.search(r"[@#<~$&]|www|://|:smile", outside, re.IGNORECASE)


def test_markdown_has_all_breaches_and_says_where_there_are_none() -> None:
    page = sla_markdown.written(a_report(), breaches(30), AS_OF)
    assert "## Breaches (30)\n" in page
    assert page.count("| payments |") == 6 + 2
    assert "| Compliance | 83.1 % |" in page
    assert "| Oldest breach | 61.0 d |" in page
    assert "## Breaches (0)\n\nNone.\n" in sla_markdown.written(EMPTY, [], AS_OF)


def shown(report: Report, found: list[TrackedFinding], width: int) -> list[str]:
    console = Console(width=width, file=StringIO(), highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        for part in sla_terminal.page(report, found, AS_OF):
            console.print(part)
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_page_fits_the_terminal(width: int) -> None:
    lines = shown(a_report(), [], width)
    assert all(cell_len(line.rstrip()) <= width for line in lines)
    assert not any("…" in line for line in lines)
    heading = next(line for line in lines if line.startswith("ASSET"))
    assert ("EXPECTED" in heading, "MISSED" in heading, "COMPLIANCE" in heading) == (width >= 100, width >= 70, True)


def test_the_terminal_shows_the_figures_and_the_first_breaches() -> None:
    page = rendered(*sla_terminal.page(a_report(), breaches(13), AS_OF))
    assert page.startswith("2026-07-01 00:00:00 UTC to 2026-10-01 00:00:00 UTC\n\ncompliance     83.1 % (")
    assert "\nbreached       32, the oldest for 61.0 d\n" in page
    assert re.search(r"\ntotal +5\d\d ", page)
    assert page.endswith("\n3 more in breach")
    assert len(re.findall(r"^\d+ \w+ late", page, re.MULTILINE)) == 10


def test_the_terminal_says_that_nothing_happened_and_is_not_steered() -> None:
    page = rendered(*sla_terminal.page(EMPTY, [], AS_OF))
    assert "compliance     - (0 of 0 promises kept)\nbreached       0\n" in page
    assert "DUE" not in page
    assert "\x1b" not in rendered(*sla_terminal.page(*hostile(), AS_OF))


def test_the_same_report_gives_the_same_bytes() -> None:
    def outputs() -> tuple[object, ...]:
        report, found = a_report(), breaches(20)
        return (
            published.written(sla_json.document(report, found)),
            sla_csv.written(report),
            sla_markdown.written(report, found, AS_OF),
            rendered(*sla_terminal.page(report, found, AS_OF)),
            sla_html.written(report, found),
        )

    assert outputs() == outputs()
