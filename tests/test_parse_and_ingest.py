"""`fixby parse` and `fixby ingest`: reports that other tools wrote, whole and damaged."""

import json
from pathlib import Path

import pytest

from tests.command import SAFE, SHELL, called, fixby, repository

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
TOOLS = {"bandit": "bandit", "detect_secrets": "detect-secrets", "pip_audit": "pip-audit", "semgrep": "semgrep"}
PROBES = [file for tool in TOOLS for file in sorted(CORPUS.glob(f"probes/{tool}__*"))]
FIXTURES = [
    file for tool in TOOLS for file in sorted(CORPUS.glob(f"{tool}/*")) if not file.name.endswith(".expected.json")
]
NO_CORPUS = pytest.mark.skipif(not FIXTURES, reason="there is no corpus of reports beside this repository")

ONE_FINDING = {
    "errors": [],
    "generated_at": "2026-01-02T03:04:05Z",
    "metrics": {"_totals": {}, "app.py": {}},
    "results": [
        {
            "code": "4 def listing(folder):\n5     return subprocess.call(folder, shell=True)\n",
            "col_offset": 11,
            "end_col_offset": 46,
            "filename": "app.py",
            "issue_confidence": "HIGH",
            "issue_cwe": {"id": 78, "link": "https://cwe.mitre.org/data/definitions/78.html"},
            "issue_severity": "HIGH",
            "issue_text": "subprocess call with shell=True identified, security issue.",
            "line_number": 5,
            "line_range": [5],
            "more_info": "https://bandit.readthedocs.io/en/1.9.4/plugins/b602.html",
            "test_id": "B602",
            "test_name": "subprocess_popen_with_shell_equals_true",
        }
    ],
}


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder with a report of Bandit's, one that is cut short, and one of a format that nobody knows."""
    whole = json.dumps(ONE_FINDING)
    files = {"whole.json": whole, "cut.json": whole[:200], "other.json": '{"findings": []}', "empty.json": ""}
    return repository(tmp_path / "reports", files)


@NO_CORPUS
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
@pytest.mark.parametrize("forced", [False, True], ids=["found out", "forced"])
def test_a_damaged_report_is_a_failed_scan_and_3(probe: Path, forced: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    tool = TOOLS[probe.name.partition("__")[0]]
    options = ("--scanner", tool) if forced else ()
    ended = called("parse", probe, "--json", *options, cwd=tmp_path)
    [scan] = ended.document["scans"]
    if (tool, forced, probe.read_text().strip()) == ("pip-audit", True, "[]"):
        assert (ended.code, scan["outcome"]) == (0, "partial")  # an old report of no dependency at all
    else:
        assert (ended.code, scan["outcome"], scan["findings"]) == (3, "failed", [])
    assert scan["reasons"]
    assert "Traceback" not in ended.err


@NO_CORPUS
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_report_of_the_corpus_is_read_by_the_tool_that_wrote_it(fixture: Path, tmp_path: Path) -> None:
    ended = called("parse", fixture, "--json", cwd=tmp_path)
    [scan] = ended.document["scans"]
    assert (ended.code, ended.err) == (0, "")
    assert scan["scanner"] == TOOLS[fixture.parent.name]
    assert scan["outcome"] in ("complete", "partial")
    table = called("parse", fixture, cwd=tmp_path)
    assert table.code == 0
    assert all(finding["id"][:10] in table.out for finding in scan["findings"])


def test_several_files_are_told_in_their_order(reports: Path) -> None:
    ended = called("parse", "cut.json", "whole.json", "other.json", "empty.json", "--json", cwd=reports)
    assert ended.code == 3
    scans = ended.document["scans"]
    assert [scan["outcome"] for scan in scans] == ["failed", "complete", "failed", "failed"]
    assert scans[1]["findings"][0]["locations"][0]["line"] == 5
    assert [scan["reasons"][0].partition(":")[0] for scan in scans if scan["reasons"]] == [
        "cut.json",
        "other.json",
        "empty.json",
    ]
    assert [line.split(": ")[1] for line in ended.err.splitlines()] == ["cut.json", "other.json", "empty.json"]


def test_a_report_comes_from_standard_input_too(reports: Path) -> None:
    ended = fixby("parse", "-", "--json", cwd=reports, stdin=json.dumps(ONE_FINDING).encode())
    assert (ended.code, len(ended.document["scans"][0]["findings"])) == (0, 1)
    assert fixby("parse", "-", cwd=reports).code == 3


def test_a_tool_that_is_named_and_did_not_write_the_report_does_not_read_it(reports: Path) -> None:
    for tool in ("semgrep", "detect-secrets", "pip-audit"):
        ended = called("parse", "whole.json", "--scanner", tool, "--json", cwd=reports)
        [scan] = ended.document["scans"]
        assert (scan["scanner"], bool(scan["findings"])) == (tool, False)
        assert (ended.code, scan["outcome"]) == (3, "failed")


def test_reading_stores_nothing(reports: Path) -> None:
    before = sorted(reports.rglob("*"))
    called("parse", "whole.json", cwd=reports)
    assert sorted(reports.rglob("*")) == before


def test_a_report_that_is_ingested_is_stored_once(reports: Path) -> None:
    first, second = (called("ingest", "whole.json", "--json", cwd=reports) for _ in range(2))
    assert (first.code, first.document["scans"][0]["new"], first.document["gate"]) == (0, 1, None)
    assert (second.code, second.document["scans"][0]["new"]) == (0, 0)
    [finding] = called("list", "--json", cwd=reports).document["findings"]
    assert (finding["rule_id"], finding["due_at"] is not None) == ("B602", True)
    assert "1 new, 0 fixed" in called("ingest", "whole.json", "--store", "other.db", cwd=reports).out


def test_a_damaged_report_that_is_ingested_closes_nothing_and_is_3(reports: Path) -> None:
    called("ingest", "whole.json", cwd=reports)
    for options in ((), ("--scanner", "bandit")):
        ended = called("ingest", "cut.json", "--json", *options, cwd=reports)
        assert (ended.code, ended.document["scans"][0]["outcome"]) == (3, "failed")
    assert len(called("list", "is:open", "--json", cwd=reports).document["findings"]) == 1


def test_a_report_closes_what_it_says_was_looked_at_and_no_more(reports: Path) -> None:
    called("ingest", "whole.json", cwd=reports)
    elsewhere = ONE_FINDING | {"results": [], "metrics": {"_totals": {}, "other.py": {}}}
    repository(reports, {"elsewhere.json": json.dumps(elsewhere)})
    assert called("ingest", "elsewhere.json", "--json", cwd=reports).document["scans"][0]["fixed"] == 0
    repository(reports, {"here.json": json.dumps(ONE_FINDING | {"results": []})})
    assert called("ingest", "here.json", "--json", cwd=reports).document["scans"][0]["fixed"] == 1


def test_a_scan_and_a_report_of_the_same_tool_see_the_same_finding(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SHELL, "safe.py": SAFE})
    scan = called("scan", "--scanner", "bandit", "--json", cwd=repo).document["scans"][0]
    [high] = [one for one in scan["findings"] if one["severity"] == "high"]
    result = ONE_FINDING["results"][0] | {"code": '5     return subprocess.call("ls " + folder, shell=True)\n'}  # type: ignore[index]
    repository(tmp_path, {"report.json": json.dumps(ONE_FINDING | {"results": [result]})})
    ingested = called("ingest", tmp_path / "report.json", "--json", cwd=repo).document["scans"][0]
    assert (ingested["findings"][0]["id"], ingested["new"]) == (high["id"], 0)


def _half_a_gigabyte(file: Path, *, whole: bool) -> Path:
    """A report of one finding whose code is 500 MB long."""
    before, after = json.dumps(ONE_FINDING).split("4 def listing", 1)
    with file.open("w") as stream:
        stream.write(f"{before}4 ")
        for _ in range(500):
            stream.write("password = 'hunter2' " * 49_932)
        stream.write(after if whole else "")
    return file


def test_a_report_of_500_mb_is_read_and_what_is_kept_of_it_is_short(tmp_path: Path) -> None:
    ended = called("ingest", _half_a_gigabyte(tmp_path / "report.json", whole=True), cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert "1 new" in ended.out
    assert (tmp_path / ".fixby" / "fixby.db").stat().st_size < 1_000_000


def test_a_report_of_500_mb_that_is_cut_short_is_a_failed_scan(tmp_path: Path) -> None:
    ended = called("parse", _half_a_gigabyte(tmp_path / "report.json", whole=False), "--json", cwd=tmp_path)
    assert (ended.code, ended.document["scans"][0]["outcome"]) == (3, "failed")
    assert len(ended.out) < 10_000


def test_a_report_that_is_too_large_to_be_one_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "report.json").open("wb") as stream:
        stream.truncate((1 << 30) + 1)
    ended = called("parse", "report.json", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "report.json is larger than 1024 MiB." in ended.err


def test_a_table_ends_where_nobody_reads_on_and_says_so(tmp_path: Path) -> None:
    result = ONE_FINDING["results"][0]  # type: ignore[index]
    results = [result | {"filename": f"{number:04}.py"} for number in range(1003)]
    repository(tmp_path, {"many.json": json.dumps(ONE_FINDING | {"results": results})})
    assert "\n3 more: --json tells all\n" in called("ingest", "many.json", cwd=tmp_path).out
    assert "\n1000 of 1003 shown; " in called("list", cwd=tmp_path).out
    assert "\n2 of 1003 shown; " in called("list", "--limit", "2", cwd=tmp_path).out
    assert len(called("list", "--json", cwd=tmp_path).document["findings"]) == 1003
