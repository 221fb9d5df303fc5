"""Semgrep: the real tool over real files, with our rules and others, and reports that it wrote elsewhere."""

import csv
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fixby.component import Component
from fixby.errors import ConfigurationError, ReportError, UsageError
from fixby.finding import Category, Finding, Location, Suppression
from fixby.scan import Complete, Scan
from fixby.scanners import semgrep, semgrep_rules
from fixby.scanners.process import run
from fixby.scanners.scanner import NO_OPTIONS, Command, Finished, Options, Request, Scanner, Source
from fixby.scanners.scanning import Setting, scan
from fixby.scanners.target import target
from fixby.severity import Severity

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
ADAPTER: Scanner = semgrep
EVAL = """
- id: test.my-eval
  languages: [python]
  severity: ERROR
  message: eval of $X
  pattern: eval($X)
"""
FLOW = """
- id: test.flow
  mode: taint
  languages: [python]
  severity: ERROR
  message: m
  pattern-sources: [{pattern: src(...)}]
  pattern-sinks: [{pattern: sink(...)}]
"""
JS_EVAL = EVAL.replace("my-eval", "js-eval").replace("python", "javascript, typescript")
SHELL = "import subprocess\nsubprocess.run('ls ' + input(), shell=True)\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty target, and no rules but those of the test."""
    rules = tmp_path / "ours"
    rules.mkdir()
    (rules / "none.yaml").write_text("rules: []\n")
    monkeypatch.setattr(semgrep_rules, "OURS", rules)
    (folder := tmp_path / "target").mkdir()
    return folder


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def options(folder: Path, *rules: str) -> Options:
    """Each of the texts as a file of rules."""
    paths = []
    for number, text in enumerate(rules):
        paths.append(folder.parent / f"rules{number}.yaml")
        paths[-1].write_text(f"rules: {text}\n")
    return Options(rules=tuple(paths))


def scanned(folder: Path, files: Mapping[str, str | bytes], *rules: str, cores: int = 1) -> Scan:
    write(folder, files)
    setting = Setting(key=b"key", clock=lambda: 0, cores=cores, options=options(folder, *rules or (EVAL,)))
    return scan(target(folder), [ADAPTER], setting)[0]


@contextmanager
def commands(folder: Path, given: Options) -> Iterator[Sequence[Command]]:
    (workspace := folder.parent / "work").mkdir()
    goal = target(folder)
    with ADAPTER.commands(Request(goal, tuple(goal.files), workspace, given, 1)) as planned:
        yield planned


def ended(folder: Path, files: Mapping[str, str | bytes], *rules: str) -> Finished:
    write(folder, files)
    with commands(folder, options(folder, *rules or (EVAL,))) as (command,):
        return run(command)


def found(result: Scan) -> set[tuple[str, str, int | None]]:
    return {(one.path, one.rule.id, one.locations[0].line) for one in result.findings}


def a_source(code: str = "") -> Source:
    lines = code.split("\n")
    return Source(str, str, lambda _path, first, last: "\n".join(lines[first - 1 : last]) if code else "")


def a_row(**extra: object) -> dict[str, object]:
    return {
        "check_id": "a.b.some-rule",
        "path": "a.py",
        "start": {"line": 2, "col": 1},
        "end": {"line": 2, "col": 8},
        "extra": {"message": "m", "metadata": {}, "severity": "ERROR", "lines": "requires login", **extra},
    }


def a_report(*rows: object, **more: object) -> bytes:
    return json.dumps({"results": rows, "errors": [], **more}).encode()


def only(report: bytes, code: str = "") -> Finding:
    (one,) = semgrep.read(report, a_source(code)).findings
    return one


def test_our_own_rules_find_a_weakness_with_its_place_and_its_code(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(SHELL)
    setting = Setting(key=b"key", clock=lambda: 0, cores=1)
    (result,) = scan(target(tmp_path), [ADAPTER], setting)
    assert result.outcome == Complete()
    assert result.tool_version == "1.182.0"
    assert any(one.locations[0].line == 2 and "CWE-78" in one.rule.cwes for one in result.findings)
    assert all(one.rule.id.startswith("fixby.") for one in result.findings)
    assert all(one.code == "subprocess.run('ls ' + input(), shell=True)" for one in result.findings)


def test_a_rule_bound_to_paths_applies_to_files_named_one_by_one(folder: Path) -> None:
    rule = """
- id: test.trigger
  languages: [yaml]
  severity: ERROR
  message: m
  pattern: "on: push"
  paths: {include: ["**/.github/workflows/*.yml"]}
"""
    result = scanned(folder, {".github/workflows/a.yml": "on: push\n", "other.yml": "on: push\n"}, rule)
    assert found(result) == {(".github/workflows/a.yml", "test.trigger", 1)}
    assert result.outcome == Complete()


def test_columns_count_characters(folder: Path) -> None:
    (one,) = scanned(folder, {"a.py": 'é = 1; z = eval("é😀")\n'}).findings
    assert one.locations == (Location("a.py", 1, 1, 12, 22),)
    assert one.message == 'eval of "é😀"'
    assert one.code == 'é = 1; z = eval("é😀")'


def test_a_match_in_a_very_long_line_keeps_a_short_code(folder: Path) -> None:
    (one,) = scanned(folder, {"a.js": "x=1;" * 5000 + "eval(y);" + "x=1;" * 5000}, JS_EVAL).findings
    assert one.code.startswith("eval(y);")
    assert len(one.code) <= 500


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        *(("CRITICAL", Severity.CRITICAL), ("ERROR", Severity.HIGH), ("HIGH", Severity.HIGH)),
        *(("WARNING", Severity.MEDIUM), ("MEDIUM", Severity.MEDIUM), ("INFO", Severity.LOW), ("LOW", Severity.LOW)),
        *(("EXPERIMENT", Severity.INFO), ("INVENTORY", Severity.INFO), ("SOMETHING", Severity.UNKNOWN)),
    ],
)
def test_a_severity_translates_by_the_table(word: str, severity: Severity) -> None:
    assert only(a_report(a_row(severity=word))).severity is severity


def test_what_is_high_in_every_respect_is_critical() -> None:
    high = {"impact": "HIGH", "likelihood": "HIGH", "confidence": "HIGH"}
    assert only(a_report(a_row(metadata=high))).severity is Severity.CRITICAL
    assert only(a_report(a_row(metadata=high, severity="HIGH"))).severity is Severity.CRITICAL
    assert only(a_report(a_row(metadata=high, severity="WARNING"))).severity is Severity.MEDIUM
    assert only(a_report(a_row(metadata={**high, "likelihood": "MEDIUM"}))).severity is Severity.HIGH


def test_the_rule_tells_its_weaknesses_and_links() -> None:
    metadata = {
        "cwe": "CWE-79: XSS",
        "references": ["https://a.example", "https://b.example"],
        "shortlink": "https://c.example",
    }
    rule = only(a_report(a_row(metadata=metadata))).rule
    assert rule.title == "Some rule"
    assert rule.cwes == ("CWE-79",)
    assert rule.references == ("https://a.example", "https://b.example", "https://c.example")
    assert only(a_report(a_row(metadata={"cwe": ["CWE-1: a", "CWE-2: b"]}))).rule.cwes == ("CWE-1", "CWE-2")


def test_a_secret_is_nowhere_in_a_finding(folder: Path) -> None:
    rule = """
- id: test.login
  languages: [python]
  severity: ERROR
  message: "The password is $VALUE."
  metadata: {cwe: ["CWE-798: Use of Hard-coded Credentials"]}
  pattern: login($USER, "$VALUE")
  fix: login($USER, environ["$VALUE"])
"""
    result = scanned(folder, {"a.py": 'login(user, "hunter2")\nlogin(x, "hunter2", password="hunter2")\n'}, rule)
    (one,) = result.findings
    assert "hunter2" not in repr(result.findings)
    assert one.code == 'login(user, "[redacted]")'
    assert one.message == "The password is [redacted]."
    assert one.fix == 'login(user, environ["[redacted]"])'


def test_the_words_of_a_credential_rule_are_withheld_where_the_code_is_not_at_hand() -> None:
    row = a_row(message="The password is hunter2.", fix="x(hunter2)", metadata={"cwe": ["CWE-798: x"]})
    one = only(a_report(row))
    assert "hunter2" not in repr(one)
    assert one.message == "Some rule."


def test_a_token_in_a_message_is_redacted() -> None:
    row = a_row(message=f"found ghp_{'a1B2' * 9}", fix="password = 'hunter2'", lines="password = 'hunter2'")
    assert (one := only(a_report(row))).message == "found [redacted]"
    assert one.fix == one.code == "password = '[redacted]'"


def test_a_file_that_is_only_partly_understood_is_skipped_by_name(folder: Path) -> None:
    result = scanned(folder, {"bad.py": "eval(x", "good.py": "eval(x)\n"})
    assert result.coverage.skipped == {"bad.py": "semgrep: PartialParsing"}
    assert found(result) == {("good.py", "test.my-eval", 1)}


def test_a_file_over_a_megabyte_is_looked_at(folder: Path) -> None:
    result = scanned(folder, {"big.py": "#" * 1_000_001 + "\neval(x)\n"})
    assert found(result) == {("big.py", "test.my-eval", 2)}
    assert result.outcome == Complete()


def test_too_many_matches_are_told(folder: Path) -> None:
    result = scanned(folder, {"a.py": "eval(x)\n" * 20_000})
    assert "Too many matches" in result.coverage.skipped["a.py"]


def test_a_missing_file_is_not_among_the_scanned(folder: Path) -> None:
    write(folder, {"a.py": "eval(x)\n"})
    with commands(folder, options(folder, EVAL)) as (command,):
        (folder / "a.py").unlink()
        finished = run(command)
    reading = ADAPTER.conclude(finished, a_source())
    assert reading.scanned == {}
    assert any("Invalid scanning root" in problem for problem in reading.problems)


def test_a_time_out_is_told_by_file_and_rule(folder: Path) -> None:
    body = "".join(
        f"    if a:\n        x = x + y{i}\n    else:\n        while a:\n            x = z{i}\n" for i in range(1500)
    )
    write(folder, {"a.py": f"def f(a):\n    x = src(1)\n{body}    sink(x)\n"})
    with commands(folder, options(folder, FLOW)) as (command,):
        position = command.arguments.index("--timeout") + 1
        hasty = (*command.arguments[:position], "0.05", *command.arguments[position + 1 :])
        finished = run(replace(command, arguments=hasty))
    reading = ADAPTER.conclude(finished, a_source())
    assert reading.skipped == {"a.py": "semgrep: Timeout in the rule test.flow"}
    assert finished.exit_code == 0


def test_a_taint_analysis_that_was_cut_short_is_told(folder: Path) -> None:
    size = 3000
    code = "def f(a):\n" + "".join(f"    w{i} = src(a.b{i})\n" for i in range(size))
    code += "    while a:\n        while b:\n            while c:\n"
    code += "".join(f"                v{i} = v{i + 1} + w{i}\n" for i in range(size))
    code += f"                v{size} = src(v0)\n                sink(v0)\n"
    result = scanned(folder, {"a.py": code}, FLOW)
    assert result.coverage.skipped == {"a.py": "semgrep cut the taint analysis of the function in line 1 short"}


RULES_THAT_DO_NOT_RUN = {
    "pattern": EVAL.replace("my-eval", "broken").replace("eval($X)", '"eval($X"'),
    "severity": EVAL.replace("my-eval", "broken").replace("ERROR", "FOO"),
    "language": EVAL.replace("my-eval", "broken").replace("python", "klingon"),
    "paid language": EVAL.replace("my-eval", "broken").replace("python", "apex"),
    "version": EVAL.replace("my-eval", "broken") + "  min-version: 9.0.0\n",
}


@pytest.mark.parametrize("kind", RULES_THAT_DO_NOT_RUN)
def test_a_rule_that_does_not_run_is_a_problem(folder: Path, kind: str) -> None:
    result = scanned(folder, {"a.py": "eval(x)\n"}, EVAL + RULES_THAT_DO_NOT_RUN[kind])
    assert found(result) == {("a.py", "test.my-eval", 1)}
    assert any("test.broken" in reason for reason in result.reasons)


@pytest.mark.parametrize("rules", ["[]", "{", RULES_THAT_DO_NOT_RUN["pattern"]], ids=["none", "no YAML", "broken"])
def test_without_a_rule_nothing_is_concluded(folder: Path, rules: str) -> None:
    finished = ended(folder, {"a.py": "eval(x)\n"}, rules)
    with pytest.raises(ReportError, match="ran no rule"):
        ADAPTER.conclude(finished, a_source())


def test_two_rules_of_one_name_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Two different Semgrep rules are called test\.my-eval"):
        ended(folder, {"a.py": "eval(x)\n"}, EVAL, EVAL.replace("ERROR", "INFO"))


def test_two_rules_of_one_name_in_one_file_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="Two different"):
        ended(folder, {"a.py": "eval(x)\n"}, EVAL + EVAL.replace("ERROR", "INFO"))


def test_the_same_rule_twice_is_no_harm(folder: Path) -> None:
    assert found(scanned(folder, {"a.py": "eval(x)\n"}, EVAL, EVAL)) == {("a.py", "test.my-eval", 1)}


def test_rules_that_do_not_exist_are_refused(folder: Path) -> None:
    missing = Options(rules=(folder / "nowhere",))
    with pytest.raises(UsageError, match="no Semgrep rules"):
        ADAPTER.configuration(missing)
    write(folder, {"a.py": ""})
    with pytest.raises(UsageError, match="no Semgrep rules"), commands(folder, missing):
        pass


def test_the_configuration_follows_the_rules_and_not_their_places(folder: Path) -> None:
    first, same, other = options(folder, EVAL, EVAL, EVAL.replace("ERROR", "INFO")).rules
    digests = [ADAPTER.configuration(Options(rules=(path,))) for path in (first, same, other)]
    assert digests[0] == digests[1] != digests[2]
    assert ADAPTER.configuration(NO_OPTIONS) not in digests


def test_the_target_can_neither_run_code_nor_hide_files(folder: Path) -> None:
    trap = folder.parent / "trapped"
    files: dict[str, str | bytes] = {
        name: f"open({str(trap)!r}, 'w')\n" for name in ("semgrep.py", "sitecustomize.py", "semgrep/__init__.py")
    }
    files |= {".semgrepignore": "*\n", ".gitignore": "*\n", "semgrep.yml": "rules: []\n", ".semgrep.yml": "rules: []\n"}
    files |= {"tests/a.py": "eval(x)\n", "vendor/a.py": "eval(x)\n", "build/a.js": "eval(x)\n"}
    result = scanned(folder, files, EVAL + JS_EVAL)
    assert {path for path, _, _ in found(result)} == {"tests/a.py", "vendor/a.py", "build/a.js"}
    assert not trap.exists()


@pytest.mark.parametrize("name", ["new\nline.py", "-x.py", "a b.py", "é.py", "x,y.py", "[x]*.py"])
def test_a_strange_name_is_told_as_it_is(folder: Path, name: str) -> None:
    assert found(scanned(folder, {name: "eval(x)\n"})) == {(name, "test.my-eval", 1)}


def test_a_name_that_is_no_utf_8_is_told_in_full(folder: Path) -> None:
    result = scanned(folder, {"n\udcff.py": "eval(x)\n"})
    assert found(result) == {("n\\xff.py", "test.my-eval", 1)}
    assert result.outcome == Complete()


def test_code_that_is_no_utf_8_leaves_a_finding_that_can_be_written(folder: Path) -> None:
    result = scanned(folder, {"a.py": b"eval('\xe9')\n"})
    assert [one.locations[0].line for one in result.findings] == [1]
    assert repr(result.findings).encode()


NOSEM = """eval(1)
eval(1)  # nosem
eval(1)  # nosemgrep
eval(1)  # NOSEMGREP
eval(1)  #nosemgrep
eval(1)  # nosemgrep because of this
eval(1)  # nosemgrep: test.my-eval
eval(1)  # nosemgrep: my-eval
eval(1)  # nosemgrep: eval
eval(1)  # nosemgrep: other
eval(1)  # nosemgrep: other, test.my-eval
eval(1)  # nosemgrep: other,test.my-eval
eval(1)  # nosemgrep: other test.my-eval
eval(1)  # nosemgrep:other because x
eval(1)  # nosemgrep=other
eval(1)  # nosemgrep:  other
eval(1)  # nosemgrep - other
eval(1)  # nosemgrepx
eval(" nosemgrep")
eval(1)  # x nosemgrep: other # nosemgrep: test.my-eval
# nosemgrep
eval(1)
# nosemgrep: other
eval(1)
x = 1 # nosemgrep
eval(1)
# text nosemgrep
eval(1)

eval(
  1 # nosemgrep
)
eval(1)  # nosemgrep: https://x
eval(1)  # nosemgrep:
eval(1)  # NOSEM: OTHER
# nosemgrep: test.my-eval
eval(1) # nosemgrep: other
# nosemgrep: test.my-eval
eval(1) # nosemgrep
# nosemgrep
eval(1) # nosemgrep: other
"""


def test_a_comment_suppresses_exactly_what_semgrep_would_leave_out(folder: Path) -> None:
    write(folder, {"a.py": NOSEM})
    given = options(folder, EVAL + EVAL.replace("test.my-eval", "test.other"))
    with commands(folder, given) as (command,):
        obedient = [argument for argument in command.arguments if argument != "--disable-nosem"]
        plain = subprocess.run(obedient, capture_output=True, check=False, env=command.environment)
        reading = ADAPTER.conclude(run(command), Source(str, str, a_source(NOSEM).lines))
    kept = {(row["check_id"], row["start"]["line"]) for row in json.loads(plain.stdout)["results"]}
    shown = {(one.rule.id, one.locations[0].line) for one in reading.findings if not one.suppression}
    assert shown == kept
    assert len(reading.findings) > len(kept) > 10


def test_a_suppression_tells_its_reason_and_no_secret(folder: Path) -> None:
    (one,) = scanned(folder, {"a.py": 'eval(x)  # nosemgrep: my-eval agreed, password="hunter2"\n'}).findings
    assert one.suppression == Suppression("nosemgrep", 'my-eval agreed, password="[redacted]"')


def test_what_a_report_says_of_a_suppression_counts() -> None:
    code = "x\neval(1)  # nosemgrep\n"
    assert only(a_report(a_row(is_ignored=True)), "x\neval(1)\n").suppression == Suppression("nosemgrep")
    assert only(a_report(a_row(is_ignored=False)), code).suppression is None


def test_several_processes_find_what_one_finds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scanned(folder, {f"{number}.py": "eval(x)\n" * (number + 1) for number in range(7)})
    monkeypatch.setattr(semgrep, "_WORTHWHILE", 1)
    split = scanned(folder, {}, cores=3)
    assert set(split.findings) == set(whole.findings)
    assert split.coverage == whole.coverage


def test_a_process_that_wrote_nothing_concludes_nothing(folder: Path) -> None:
    finished = ended(folder, {"a.py": "eval(x)\n"})
    assert finished.exit_code == 0
    with pytest.raises(ReportError, match="without a result"):
        ADAPTER.conclude(replace(finished, report=b"", errors="out of memory"), a_source())


def test_memory_that_ran_out_is_told_by_file() -> None:
    error = {"code": 2, "level": "warn", "type": "Out of memory", "rule_id": "r", "message": "m", "path": "a.py"}
    reading = semgrep.read(a_report(errors=[error], paths={"scanned": ["a.py"]}), a_source())
    assert reading.skipped == {"a.py": "semgrep: Out of memory in the rule r"}


def test_what_older_reports_say_of_left_out_files_and_rules_counts() -> None:
    paths = {"scanned": [], "skipped": [{"path": "a.py", "reason": "exceeded_size_limit"}]}
    rule = {"rule_id": "r", "details": "d", "position": {}}
    reading = semgrep.read(a_report(paths=paths, skipped_rules=[rule]), a_source())
    assert reading.skipped == {"a.py": "left out by semgrep: exceeded_size_limit"}
    assert reading.problems == ("semgrep left out the rule r",)


def test_a_dependency_of_a_result_is_a_finding_of_its_own_kind() -> None:
    found_dependency: dict[str, object] = {"package": "io.grpc:grpc-protobuf", "version": "1.0", "ecosystem": "maven"}
    found_dependency |= {"lockfile_path": "pom.lock", "line_number": 7}
    metadata = {
        "sca-vuln-database-identifier": "CVE-2023-1428",
        "sca-severity": "CRITICAL",
        "sca-fix-versions": [{"grpc": "9"}, {"io.grpc:grpc-protobuf": "1.53.0"}],
    }
    row = a_row(sca_info={"dependency_match": {"found_dependency": found_dependency}}, metadata=metadata)
    one = only(a_report(row))
    assert one.category is Category.DEPENDENCY
    assert one.severity is Severity.CRITICAL
    assert one.component is not None
    assert one.component.purl == "pkg:maven/io.grpc/grpc-protobuf@1.0"
    assert one.component.fixed_versions == ("1.53.0",)
    assert one.identifiers.primary == "CVE-2023-1428"
    assert one.locations == (Location("pom.lock", 7), Location("a.py", 2, 2, 1, 8))


@pytest.mark.parametrize("key", ["check_id", "path", "start", "end", "extra"])
@pytest.mark.parametrize("value", [None, 5])
def test_a_row_that_lacks_something_is_an_error_with_its_position(key: str, value: object) -> None:
    with pytest.raises(ReportError, match=rf"results\[1\]: expected .* at `{key}`, found"):
        semgrep.read(a_report(a_row(), {**a_row(), key: value}), a_source())


def test_what_is_wanted_is_what_the_rules_are_about() -> None:
    wanted = ["a.py", "b/c.tsx", "Dockerfile", "x/Dockerfile", "web.dockerfile", ".github/workflows/ci.yml"]
    assert all(map(ADAPTER.wants, wanted))
    assert not any(
        map(ADAPTER.wants, ["a.md", "Dockerfile.md", "x.yml", "workflows/ci.yml", "a.json", "a.min.js", "a.d.ts"])
    )


def test_a_report_of_bandit_is_not_taken_for_semgreps() -> None:
    assert ADAPTER.recognises({"results": [], "errors": []})
    assert not ADAPTER.recognises({"results": [], "errors": [], "metrics": {}})
    assert not ADAPTER.recognises([])


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of reports is not at hand")
@pytest.mark.parametrize(
    "path",
    [path for path in sorted((CORPUS / "semgrep").glob("*.json")) if "expected" not in path.name],
    ids=lambda path: path.stem,
)
def test_a_report_from_elsewhere_is_read_in_full(path: Path) -> None:
    with (CORPUS / "INDEX.tsv").open() as index:
        rows = csv.DictReader(index, delimiter="\t")
        (expected,) = (row["raw_results"] for row in rows if (row["tool"], row["fixture"]) == ("semgrep", path.name))
    assert ADAPTER.recognises(json.loads(path.read_bytes()))
    reading = semgrep.read(path.read_bytes(), a_source())
    assert len(reading.findings) == int(expected)
    assert all(one.message and one.rule.title and one.locations[0].line for one in reading.findings)


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of reports is not at hand")
def test_the_platforms_export_of_dependencies_is_read_in_full() -> None:
    reading = semgrep.read((CORPUS / "semgrep" / "sca-deployments-vulns.json").read_bytes(), a_source())
    first, last = reading.findings[0], reading.findings[-1]
    assert first.component == Component("pkg:pypi/grpcio@1.47.0", "pypi", "grpcio", "1.47.0", ("1.53.0",))
    assert first.identifiers.names == ("CVE-2023-1428", "GHSA-6628-q6j9-w8vg")
    assert first.locations == (Location("example/rfv/requirements3.txt", 222, 222),)
    assert first.rule.cwes == ("CWE-617",)
    assert last.severity is Severity.CRITICAL
    assert last.suppression == Suppression("semgrep-triage")
    assert Location("example/frontend/src/packages/authorize/isValidRedirectUri.ts", 24, 24, 57, 78) in last.locations
    assert len({(one.path, one.component) for one in reading.findings}) == 22
    assert reading.problems == ("The report is one page of several; export the others too.",)


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of reports is not at hand")
@pytest.mark.parametrize("probe", ["empty_file", "empty_list", "empty_object", "null", "truncated"])
def test_a_damaged_report_is_an_error(probe: str) -> None:
    with pytest.raises(ReportError):
        semgrep.read((CORPUS / "probes" / f"semgrep__{probe}.json").read_bytes(), a_source())
