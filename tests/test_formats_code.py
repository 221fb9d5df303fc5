"""What holds for every reader of reports about code, settings, secrets and sites, over a corpus of real reports."""

import csv
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from fixby.errors import FixbyError, ReportError
from fixby.finding import Category, Finding
from fixby.scan import Complete, Partial, Scan
from fixby.scanners.formats.format import Report
from fixby.scanners.formats.registry import MODULES, format_named
from fixby.scanners.ingestion import scans_of_report
from fixby.scanners.registry import MODULES as NATIVE
from fixby.scanners.registry import scanner
from fixby.severity import Severity, SeveritySource
from fixby.store.database import Database
from tests import foreign_reports
from tests.stories import told

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
FORMATS = {
    "brakeman": "brakeman",
    "checkov": "checkov",
    "eslint": "eslint",
    "gitlab_sast": "gitlab",
    "gitlab_secret_detection_report": "gitlab",
    "gitleaks": "gitleaks",
    "gosec": "gosec",
    "hadolint": "hadolint",
    "sarif": "sarif",
    "spotbugs": "spotbugs",
    "trufflehog": "trufflehog",
    "zap": "zap",
}
"""The format of the reports in each folder of the corpus."""

ELSEWHERE = {
    "grype-upstream/grype__presenter__sarif__TestSarifPresenter_directory.golden": "sarif",
    "snyk/snykcode_issue_9270.json": "sarif",
    "trivy-golden/alpine-310.sarif.golden": "sarif",
}
"""Reports of these formats in folders of other tools."""

NO_FORMAT = {"eslint/empty.json": "an empty list may be of any tool"}
NO_PLACE = {"sarif/dockle_0_3_15.sarif": "Dockle looks at an image, and names no place in it"}
NOTES = (".expected.json", ".error.json")
"""How files end that say what another parser makes of a report."""


def reports() -> dict[str, Path]:
    """The reports of the corpus that are of these formats, by folder and name."""
    found = {
        f"{file.parent.name}/{file.name}": file for folder in FORMATS for file in sorted(CORPUS.glob(f"{folder}/*"))
    }
    own = {name: file for name, file in found.items() if not name.endswith((".expected.json", ".error.json"))}
    return own | {name: CORPUS / name for name in ELSEWHERE if (CORPUS / name).exists()}


REPORTS = reports()
READABLE = {name: file.read_bytes() for name, file in REPORTS.items() if name not in NO_FORMAT} | {
    name: content for name, (_, content, _) in foreign_reports.REPORTS.items()
}
PROBES = [file for folder in FORMATS for file in sorted(CORPUS.glob(f"probes/{folder}__*"))]
KEY = b"k" * 32

NO_CORPUS = pytest.mark.skipif(not REPORTS, reason="there is no corpus of reports beside this repository")
each_report = pytest.mark.parametrize("name", READABLE)


def scans(content: bytes, tool: str | None = None) -> list[Scan]:
    return scans_of_report(content, tool, KEY, 1_700_000_000)


def findings(name: str) -> list[Finding]:
    return [finding for scan in scans(READABLE[name]) for finding in scan.findings]


def format_at(name: str) -> str:
    own = foreign_reports.REPORTS.get(name)
    return own[0] if own else ELSEWHERE.get(name) or FORMATS[name.partition("/")[0]]


def counted() -> dict[str, int]:
    """What each report itself counts, as far as the corpus has it."""
    if not REPORTS:
        return {}
    with (CORPUS / "INDEX.tsv").open(encoding="utf-8", newline="") as index:
        rows = list(csv.DictReader(index, delimiter="\t"))
    return {f"{row['tool']}/{row['fixture']}": int(row["raw_results"]) for row in rows if row["raw_results"]}


@each_report
def test_there_are_as_many_findings_as_the_report_has_results(name: str) -> None:
    own = foreign_reports.REPORTS.get(name)
    expected = own[2] if own else counted().get(name)
    assert expected is None or len(findings(name)) == expected


@each_report
def test_every_finding_says_what_where_and_how_bad(name: str) -> None:
    for finding in findings(name):
        assert finding.rule.id
        assert finding.rule.title
        assert finding.message
        assert finding.locations or finding.component or name in NO_PLACE
        assert finding.severity is not Severity.UNKNOWN or finding.severity_source is SeveritySource.DEFAULT
        assert (finding.category is Category.SECRET) == bool(finding.secret_fingerprint)
        assert all(place.path and "\\" not in place.path for place in finding.locations)
        assert all(".." not in place.path.split("/") for place in finding.locations)
        assert all(place.line is None or place.line > 0 for place in finding.locations)


@each_report
def test_a_report_is_recognised_by_one_reader(name: str) -> None:
    report = Report(READABLE[name])
    assert [one for one in MODULES if format_named(one).recognises(report)] == [format_at(name)]
    assert not [one for one in NATIVE if scanner(one).recognises(report.json)]


@NO_CORPUS
def test_no_reader_takes_the_report_of_another_tool() -> None:
    own = set(FORMATS.values()) | {"generic-json", "generic-csv", "github-code-scanning", "github-secret-scanning"}
    others = [
        file
        for file in sorted(CORPUS.glob("*/*"))
        if f"{file.parent.name}/{file.name}" not in REPORTS
        and not file.name.endswith((".expected.json", ".error.json"))
    ]
    taken = {
        str(file.relative_to(CORPUS)): one
        for file in others
        for one in own
        if format_named(one).recognises(Report(file.read_bytes()))
    }
    assert not taken


@NO_CORPUS
@pytest.mark.parametrize("name", sorted(NO_FORMAT))
def test_what_may_be_anybodys_is_refused_and_partial_for_the_format_that_is_named(name: str) -> None:
    content = REPORTS[name].read_bytes()
    with pytest.raises(ReportError):
        scans(content)
    [scan] = scans(content, format_at(name))
    assert isinstance(scan.outcome, Partial)


@NO_CORPUS
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_probe_is_refused_or_partial(probe: Path) -> None:
    tool, content = FORMATS[probe.name.partition("__")[0]], probe.read_bytes()
    with pytest.raises(ReportError):
        scans(content)
    try:
        outcomes = [scan.outcome for scan in scans(content, tool)]
    except ReportError:
        return
    assert outcomes
    assert all(isinstance(outcome, Partial) for outcome in outcomes)


@each_report
def test_a_report_that_is_cut_short_is_refused_or_partial(name: str) -> None:
    content = READABLE[name]
    whole = content.rstrip()
    before = len(findings(name))
    offsets = sorted({random.Random(offset).randrange(len(whole)) for offset in range(50)})  # noqa: S311 - a test
    for offset in offsets:
        if format_at(name) in OF_LINES and whole[offset - 1 : offset + 1].count(b"\n"):
            continue
        for tool in (None, format_at(name)):
            assert _is_told_as_damaged(whole[:offset], tool, before), offset


OF_LINES = ("trufflehog", "generic-csv")
"""Formats of which nobody can tell that they were cut between two lines."""


def _is_told_as_damaged(content: bytes, tool: str | None, before: int) -> bool:
    try:
        some = scans(content, tool)
    except FixbyError as error:
        return isinstance(error, ReportError)
    partial = all(isinstance(scan.outcome, Partial) for scan in some)
    return bool(some) and (partial or sum(len(scan.findings) for scan in some) == before)


@each_report
def test_reading_it_again_gives_the_same(name: str) -> None:
    content = READABLE[name]
    assert [replace(scan, outlines={}) for scan in scans(content)] == [
        replace(scan, outlines={}) for scan in scans(content)
    ]


RAW = ("secret", "Secret", "Match", "offender", "Raw", "RawV2", "stringsFound", "raw_source_code_extract")
"""Where reports have secrets."""


TELLING = ("gitleaks", "trufflehog", "secret", "generic.json")
"""In the names of reports with secrets."""


def raw_secrets(value: object, key: str = "") -> Iterator[str]:
    """All secrets of a JSON document, and their lines."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from raw_secrets(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from raw_secrets(inner, key)
    elif isinstance(value, str) and key in RAW:
        yield from (line.strip() for line in (value, *value.splitlines()) if len(line.strip()) > 8)


def documents(name: str, content: bytes) -> list[Any]:
    """What a report is made of: a document, lines of them, or rows of a table."""
    if name.endswith(".csv"):
        return list(csv.DictReader(content.decode().splitlines()))
    return [orjson.loads(line) for line in (content.splitlines() if name.startswith("trufflehog") else [content])]


@pytest.mark.parametrize("name", [name for name in READABLE if any(word in name for word in TELLING)])
def test_no_secret_gets_through(name: str) -> None:
    content = READABLE[name]
    secrets = {secret for document in documents(name, content) for secret in raw_secrets(document)}
    some = scans(content)
    kept = repr([(scan.findings, scan.outcome, scan.coverage) for scan in some])
    assert not [secret for secret in secrets if secret in kept]
    assert secrets or not any(scan.findings for scan in some)


def test_recording_all_of_them_twice_changes_nothing(database: Database) -> None:
    for name, content in READABLE.items():
        for scan in scans(content):
            told(database, scan, asset=name.replace("/", "-").lower())
    before = _everything(database)
    for name, content in READABLE.items():
        for scan in scans(content):
            again = told(database, scan, asset=name.replace("/", "-").lower())
            assert (again.new, again.fixed, again.reopened) == ((), (), ()), name
    assert _everything(database) == before


def _everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    tables = ("finding", "sighting")
    return {table: [tuple(row) for row in database.run(f"SELECT * FROM {table} ORDER BY 1, 2")] for table in tables}  # noqa: S608 - ours


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE BugCollection [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><%s><BugInstance type="&c;"/></%s>"""

HOSTILE = {
    "lists in lists": b"[" * 100_000,
    "closed lists in lists": b"[" * 100_000 + b"]" * 100_000,
    "objects in objects": b'{"runs":' * 100_000,
    "elements in elements": b"<BugCollection>" * 100_000 + b"</BugCollection>" * 100_000,
    "a long path of ids": b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "a"}}, "results": [{"ruleId": "'
    + b"a/" * 500_000,
    "many spaces in HTML": b'{"@version": "2", "site": [{"alerts": [{"pluginid": "1", "name": "a", "desc": "'
    + b" " * 2_000_000
    + b'"}]}]',
    "no text": bytes(range(256)),
    "a number": b"1",
    "a string": b'"runs"',
    "null in a list": b"[null]",
    "numbers in a list": b"[1, 2]",
    "lists in a list": b"[[], []]",
    "an empty object in a list": b"[{}]",
    "entities": LAUGHS % (b"BugCollection", b"BugCollection"),
    "entities of a site": LAUGHS % (b"OWASPZAPReport", b"OWASPZAPReport"),
}


@pytest.mark.parametrize("tool", [None, *MODULES])
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_nonsense_is_refused_or_partial(tool: str | None, content: bytes) -> None:
    assert _is_told_as_damaged(content, tool, -1)


@each_report
def test_any_field_may_hold_anything_and_nothing_crashes(name: str) -> None:
    if not name.endswith((".json", ".sarif", ".golden")) or name.startswith("trufflehog/"):
        pytest.skip("this is about single documents of JSON")
    content = READABLE[name]
    rng = random.Random(name)  # noqa: S311 - a test
    for _ in range(60):
        document = orjson.loads(content)
        _spoil(document, rng)
        with suppress(ReportError):
            assert all(
                isinstance(one.outcome, Complete | Partial) for one in scans(orjson.dumps(document), format_at(name))
            )


def _spoil(document: object, rng: random.Random) -> None:
    """Put something else into one field at some depth."""
    here: Any = document
    while isinstance(here, dict | list) and here:
        key = rng.choice(list(here) if isinstance(here, dict) else range(len(here)))
        if not here[key] or not isinstance(here[key], dict | list) or rng.random() > 0.85:
            here[key] = rng.choice(ANYTHING)
            return
        here = here[key]


ANYTHING = [None, 1, -1, 2**40, 1.5, True, "", "x\0y", "../../etc", [], {}, [None], {"": None}, ["a"]]
