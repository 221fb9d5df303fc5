"""Bandit: the real tool over real files, and reports that it wrote elsewhere."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fixby.errors import ReportError
from fixby.finding import Finding, Location, Suppression
from fixby.scan import Complete, Scan
from fixby.scanners import bandit
from fixby.scanners.bandit_checks import IDS, NAMES
from fixby.scanners.process import run
from fixby.scanners.scanner import NO_OPTIONS, File, Finished, Request, Scanner, Source, Target
from fixby.scanners.scanning import Setting, scan
from fixby.scanners.shards import balanced
from fixby.scanners.target import target
from fixby.severity import Severity

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
ADAPTER: Scanner = bandit
SHELL = "import subprocess\nsubprocess.Popen('ls ' + x, shell=True)\n"


def scanned(folder: Path, files: Mapping[str, str | bytes], cores: int = 1) -> Scan:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    setting = Setting(key=b"key", clock=lambda: 0, cores=cores)
    return scan(target(folder), [ADAPTER], setting)[0]


def found(result: Scan) -> set[tuple[str, str, int | None]]:
    return {(one.path, one.rule.id, one.locations[0].line) for one in result.findings}


def only(result: Scan, rule: str) -> Finding:
    (one,) = (one for one in result.findings if one.rule.id == rule)
    return one


def a_source(code: str = "") -> Source:
    lines = code.split("\n")
    return Source(str, str, lambda _path, first, last: "\n".join(lines[first - 1 : last]) if code else "")


def a_row(**changes: object) -> dict[str, object]:
    return {
        "code": "1 import os\n2 assert x\n3 y = 1\n",
        "col_offset": 0,
        "end_col_offset": 8,
        "filename": "a.py",
        "issue_confidence": "HIGH",
        "issue_cwe": {"id": 703, "link": "https://cwe.mitre.org/data/definitions/703.html"},
        "issue_severity": "LOW",
        "issue_text": "Use of assert detected.",
        "line_number": 2,
        "line_range": [2],
        "more_info": "https://bandit.readthedocs.io/en/1.9.4/plugins/b101_assert_used.html",
        "test_id": "B101",
        "test_name": "assert_used",
        **changes,
    }


def a_report(*rows: dict[str, object]) -> bytes:
    return json.dumps({"errors": [], "metrics": {"_totals": {}, "a.py": {}}, "results": rows}).encode()


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[Finished]:
    """How Bandit ended over one file with a weakness."""
    folder = tmp_path / "target"
    folder.mkdir()
    (folder / "a.py").write_text(SHELL)
    (tmp_path / "work").mkdir()
    request = Request(target(folder), ("a.py",), tmp_path / "work", NO_OPTIONS, 1)
    with ADAPTER.commands(request) as (command,):
        yield run(command)


def test_a_weakness_is_found_with_its_place_and_its_code(tmp_path: Path) -> None:
    result = scanned(tmp_path, {"src/a.py": SHELL})
    one = only(result, "B602")
    assert result.outcome == Complete()
    assert one.locations == (Location("src/a.py", 2, 2, 1, 40),)
    assert one.severity is Severity.HIGH
    assert one.rule.cwes == ("CWE-78",)
    assert one.rule.title == "Subprocess popen with shell equals true"
    assert one.code == "subprocess.Popen('ls ' + x, shell=True)"
    assert any("b602" in link for link in one.rule.references)
    assert set(result.coverage.scanned) == {"src/a.py"}


def test_a_denied_import_is_called_by_its_name(tmp_path: Path) -> None:
    assert only(scanned(tmp_path, {"a.py": "import pickle\n"}), "B403").rule.title == "Import pickle"


def test_columns_count_characters(tmp_path: Path) -> None:
    result = scanned(tmp_path, {"a.py": 'x = "é😀"; assert x\n'})
    assert only(result, "B101").locations == (Location("a.py", 1, 1, 11, 19),)


def test_a_statement_of_several_lines_is_taken_whole(tmp_path: Path) -> None:
    result = scanned(tmp_path, {"a.py": "assert (\n  1,\n  2,\n)\nx = 1\n"})
    assert only(result, "B101").locations == (Location("a.py", 1, 4, 1),)
    assert only(result, "B101").code == "assert (\n  1,\n  2,\n)"


def test_the_severity_is_bandits_and_anything_new_is_unknown() -> None:
    words = ["LOW", "MEDIUM", "HIGH", "UNDEFINED", "SOMETHING"]
    reading = bandit.read(a_report(*(a_row(issue_severity=word) for word in words)), a_source())
    severities = [one.severity for one in reading.findings]
    assert severities == [Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.UNKNOWN, Severity.UNKNOWN]


def test_a_password_is_nowhere_in_a_finding(tmp_path: Path) -> None:
    code = """password = "hunter2"
connect(password="hun'ter2")
def login(token="hunter\\\\2"): pass
x = {'api_key': 'hunter2'}; subprocess.Popen('mysql --password=hunter2', shell=True)
"""
    result = scanned(tmp_path, {"a.py": code})
    assert {one.rule.id for one in result.findings} >= {"B105", "B106", "B107", "B602"}
    for secret in ("hunter", "ter2"):
        assert secret not in repr(result.findings)


def test_a_missing_file_is_skipped_and_not_clean(finished: Finished) -> None:
    gone = replace(finished.command, arguments=(*finished.command.arguments[:-1], "/nowhere/a.py"))
    reading = ADAPTER.conclude(run(gone), a_source())
    assert reading.skipped == {"a.py": "No such file or directory"}
    assert reading.scanned == {}


@pytest.mark.parametrize(
    "content",
    [
        b"def f(:\n",
        b'x = "\xe9"\n',
        b"x = 1\0\n",
        b"x = " + b"(" * 3000 + b")" * 3000,
        b"x = " + b"1+" * 20000 + b"1\n",
    ],
    ids=["syntax", "latin-1", "zero byte", "too deep to parse", "too deep to walk"],
)
def test_a_file_that_cannot_be_parsed_is_skipped_by_name(tmp_path: Path, content: bytes) -> None:
    result = scanned(tmp_path, {"bad.py": content, "good.py": "assert x\n"})
    assert set(result.coverage.skipped) == {"bad.py"}
    assert set(result.coverage.scanned) == {"good.py"}
    assert found(result) == {("good.py", "B101", 1)}


def test_a_file_in_which_a_check_crashes_is_skipped_by_name(tmp_path: Path) -> None:
    code = 'from django.utils.safestring import mark_safe\nmark_safe(s=request.GET["q"])\n'
    result = scanned(tmp_path, {"a.py": code, "b.py": "x = 1\n"})
    assert result.coverage.skipped == {"a.py": "Bandit's check django_mark_safe crashed at line 2"}
    assert set(result.coverage.scanned) == {"b.py"}
    assert ("a.py", "B308", 2) in found(result)


@pytest.mark.parametrize("folder", [".github", "CVSSv3", ".tox", ".eggs", ".svn", "a.git", "__pycache__x"])
def test_no_folder_is_left_out_for_its_name(tmp_path: Path, folder: str) -> None:
    root = tmp_path / folder
    root.mkdir()
    assert found(scanned(root, {"CVSv/x.py": "assert x\n"})) == {("CVSv/x.py", "B101", 1)}


@pytest.mark.parametrize("name", ["new\nline.py", "-x.py", "a b.py", "é.py", "a at line 3: .py", "x,y.py"])
def test_a_strange_name_is_told_as_it_is(tmp_path: Path, name: str) -> None:
    assert found(scanned(tmp_path, {name: "assert x\n"})) == {(name, "B101", 1)}


def test_a_name_that_is_no_utf_8_is_told_in_full(tmp_path: Path) -> None:
    (tmp_path / "n\udcff.py").write_text("assert x\n")
    result = scanned(tmp_path, {})
    assert found(result) == {("n\\xff.py", "B101", 1)}
    assert result.outcome == Complete()


def test_the_target_can_neither_run_code_nor_switch_checks_off(tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'trapped')!r}, 'w')\n"
    traps = dict.fromkeys(("bandit.py", "bandit/__init__.py", "sitecustomize.py", "yaml.py", "rich.py"), trap)
    settings = {
        ".bandit": "[bandit]\nskips: B101\nexclude: /\n",
        "pyproject.toml": "[tool.bandit]\nskips = ['B101']\nexclude_dirs = ['.']\n",
        "setup.cfg": "[bandit]\nskips = B101\n",
        "bandit.yaml": "skips: [B101]\n",
    }
    (folder := tmp_path / "target").mkdir()
    result = scanned(folder, {**traps, **settings, "a.py": "assert x\n"})
    assert ("a.py", "B101", 1) in found(result)
    assert not (tmp_path / "trapped").exists()


def test_it_is_isolated_even_where_it_is_started_inside_the_target(tmp_path: Path, finished: Finished) -> None:
    folder = tmp_path / "target"
    for name in ("bandit.py", "sitecustomize.py", "yaml.py"):
        (folder / name).write_text(f"open({str(tmp_path / 'trapped')!r}, 'w')\n")
    inside = replace(finished.command, folder=folder, environment={"PYTHONPATH": str(folder)})
    assert ADAPTER.conclude(run(inside), a_source()).findings == ADAPTER.conclude(finished, a_source()).findings
    assert not (tmp_path / "trapped").exists()


NOSEC = """import subprocess
subprocess.Popen("ls", shell=True)
subprocess.Popen("ls", shell=True)  # nosec
subprocess.Popen("ls", shell=True)  # nosec B602
subprocess.Popen("ls", shell=True)  # nosec B602,B607
subprocess.Popen("ls", shell=True)  # nosec B607,B602
subprocess.Popen("ls", shell=True)  # nosec B602, B607
subprocess.Popen("ls", shell=True)  # nosec: B607 because it is ours
subprocess.Popen("ls", shell=True)  # nosec because it is ours
subprocess.Popen("ls", shell=True)  # nosec B999
subprocess.Popen("ls", shell=True)  # nosec subprocess_popen_with_shell_equals_true
subprocess.Popen("ls", shell=True)  # noqa # nosec B602 # more
subprocess.Popen("ls # nosec", shell=True)
subprocess.Popen(
    "ls",
    shell=True,  # nosec B602
)
subprocess.Popen(
    "ls",  # nosec B607
    shell=True,  # nosec B602
)
subprocess.Popen(
    "ls",
    shell=True,
)  # nosec
# nosec
subprocess.Popen("ls", shell=True)
subprocess.Popen("ls", shell=True)  #nosec
subprocess.Popen("ls", shell=True)  # NOSEC
import pickle  # nosec pickle
import pickle  # nosec import_pickle
import pickle  # nosec B001
import pickle  # nosec blacklist
x = '''
# nosec
'''; assert x
try:
    pass
except Exception:  # nosec
    pass
"""


def test_a_comment_suppresses_exactly_what_bandit_would_leave_out(tmp_path: Path) -> None:
    result = scanned(tmp_path, {"a.py": NOSEC})
    plain = subprocess.run(
        [sys.executable, "-I", "-m", "bandit", "-q", "-f", "json", str(tmp_path / "a.py")],
        capture_output=True,
        check=False,
    )
    kept = {("a.py", row["test_id"], row["line_number"]) for row in json.loads(plain.stdout)["results"]}
    shown = {(one.path, one.rule.id, one.locations[0].line) for one in result.findings if not one.suppression}
    assert shown == kept
    assert len(found(result)) > len(kept) > 10


def test_a_suppression_tells_its_reason_and_no_secret(tmp_path: Path) -> None:
    result = scanned(tmp_path, {"a.py": 'assert x  # nosec B101 as agreed, password="hunter2"\n'})
    assert only(result, "B101").suppression == Suppression("nosec", 'B101 as agreed, password="[redacted]"')
    assert result.suppressed == 1


def test_several_processes_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{number}.py": SHELL * (number + 1) for number in range(7)}
    whole = scanned(tmp_path, files)
    monkeypatch.setattr(bandit, "_WORTHWHILE", 1)
    split = scanned(tmp_path, {}, cores=3)
    assert set(split.findings) == set(whole.findings)
    assert split.coverage == whole.coverage


def test_the_processes_get_about_the_same_to_do(tmp_path: Path) -> None:
    sizes = {"z.py": 90_000, "b.py": 30_000, "c.py": 30_000, "d.py": 30_000}
    files = {name: File(size, "") for name, size in sizes.items()}
    request = Request(Target(tmp_path, files), tuple(files), tmp_path, NO_OPTIONS, 2)
    assert balanced(request, lambda size: size, 1) == [("z.py",), ("b.py", "c.py", "d.py")]
    assert balanced(request, lambda size: size, 100_000) == [tuple(sorted(files))]


def test_many_names_are_handed_over_in_several_commands(tmp_path: Path) -> None:
    files = {f"{'long' * 50}/{number:04}.py": "" for number in range(2500)}
    result = scanned(tmp_path, files)
    assert result.outcome == Complete()
    assert len(result.coverage.scanned) == 2500


def test_a_process_that_wrote_nothing_concludes_nothing(finished: Finished) -> None:
    for ended in (replace(finished, report=b""), replace(finished, exit_code=2, errors="password='hunter2'\n")):
        with pytest.raises(ReportError, match="without a result") as caught:
            ADAPTER.conclude(ended, a_source())
        assert "hunter2" not in caught.value.message


def test_a_file_that_bandit_cannot_report_fails_the_scan(tmp_path: Path) -> None:
    result = scanned(tmp_path, {"a.py": 'password = "\\ud800"\n', "b.py": "assert x\n"})
    assert result.findings == ()
    assert set(result.coverage.skipped) == {"a.py", "b.py"}


@pytest.mark.parametrize("key", ["test_id", "test_name", "filename", "issue_text", "line_number", "line_range", "code"])
@pytest.mark.parametrize("value", [None, {}])
def test_a_row_that_lacks_something_is_an_error_with_its_position(key: str, value: object) -> None:
    with pytest.raises(ReportError, match=rf"results\[1\]: expected .* at `{key}`, found"):
        bandit.read(a_report(a_row(), a_row(**{key: value})), a_source())


def test_without_the_file_the_code_is_the_reports() -> None:
    (one,) = bandit.read(a_report(a_row()), a_source()).findings
    assert one.code == "assert x"
    assert one.suppression is None


def test_what_is_wanted_is_python() -> None:
    assert [path for path in ("a.py", "x/b.pyw", "c.txt", "py", "d.pyc") if ADAPTER.wants(path)] == ["a.py", "x/b.pyw"]


def test_every_check_of_bandit_is_known_by_its_name() -> None:
    code = (
        "from bandit.core.extension_loader import MANAGER as m; import json\n"
        "print(json.dumps({i: p.name for i, p in m.plugins_by_id.items()} "
        "| {i: b['name'] for i, b in m.blacklist_by_id.items()}))"
    )
    told = subprocess.run([sys.executable, "-W", "ignore", "-I", "-c", code], capture_output=True, check=True)
    assert json.loads(told.stdout) == NAMES
    assert len(IDS) == len(NAMES)


def test_the_configuration_and_the_version_are_told() -> None:
    assert ADAPTER.version() == "1.9.4"
    assert len(ADAPTER.configuration(NO_OPTIONS)) == 64


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of reports is not at hand")
@pytest.mark.parametrize("name", ["dd.json", "many_vulns.json", "one_vuln.json"])
def test_a_report_from_elsewhere_is_read_in_full(name: str) -> None:
    with (CORPUS / "INDEX.tsv").open() as index:
        rows = csv.DictReader(index, delimiter="\t")
        (expected,) = (row["raw_results"] for row in rows if (row["tool"], row["fixture"]) == ("bandit", name))
    report = (CORPUS / "bandit" / name).read_bytes()
    reading = bandit.read(report, a_source())
    assert ADAPTER.recognises(json.loads(report))
    assert len(reading.findings) == int(expected)
    assert all(one.code and one.message and one.locations[0].line for one in reading.findings)
    assert reading.scanned is not None
    assert {one.path for one in reading.findings} <= reading.scanned.keys()


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of reports is not at hand")
@pytest.mark.parametrize("probe", ["empty_file", "empty_list", "empty_object", "null", "truncated"])
def test_a_damaged_report_is_an_error(probe: str) -> None:
    with pytest.raises(ReportError):
        bandit.read((CORPUS / "probes" / f"bandit__{probe}.json").read_bytes(), a_source())
