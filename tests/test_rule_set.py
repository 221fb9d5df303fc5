"""The Semgrep rules in `policies/rules` against the cases in `tests/rules`.

Cases carry the annotations of Semgrep's own test runner on the line before the code, `# ruleid: ID` and `# ok: ID`.
That runner wants a finding of every rule that a file names, so a file in which a rule must find nothing at all says
`# silent: ID`, which is read here alone. What the runner does not see is checked here too: rules without cases, the
metadata, the paths that a rule is limited to, and that both front ends of Semgrep report the same.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "policies" / "rules"
CASES = ROOT / "tests" / "rules"
LEAST_CASES = 2

ANNOTATION = re.compile(r"(?:#|//)\s?(ruleid|ok|silent):\s*(\S.*)")
RULE_ID = re.compile(r"^fixby\.(python|javascript|dockerfile|github-actions)\.[a-z0-9]+(-[a-z0-9]+)*$")
LEVELS = {"HIGH", "MEDIUM", "LOW"}
SEVERITIES = LEVELS | {"CRITICAL"}


SEMGREP = (str(Path(sys.executable).with_name("semgrep")), "scan", "--metrics", "off", "--disable-version-check")
ENVIRONMENT = {**os.environ, "SEMGREP_ENABLE_VERSION_CHECK": "0", "SEMGREP_SEND_METRICS": "off"}


def scan(*arguments: str, cwd: Path = ROOT) -> dict[str, Any]:
    """What Semgrep reports with the shipped rules, as JSON."""
    command = [*SEMGREP, "--config", str(RULES), "--json", "--no-rewrite-rule-ids", "--no-git-ignore"]
    command += ["--x-ignore-semgrepignore-files", "--disable-nosem", "--timeout", "0", *arguments]
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@cache
def rules() -> dict[str, tuple[Path, dict[str, Any]]]:
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path in sorted(RULES.rglob("*.yaml")):
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]:
            assert rule["id"] not in found, f"{rule['id']} is defined twice"
            found[rule["id"]] = (path.relative_to(RULES), rule)
    return found


def case_files() -> list[Path]:
    return [path for path in sorted(CASES.glob("*/*")) if path.is_file() and path.suffix != ".pyc"]


@cache
def annotations() -> tuple[dict[tuple[str, int], set[str]], dict[tuple[str, int], set[str]], dict[str, set[str]]]:
    """Expected findings and their opposite by file and line; rules that must be silent by file."""
    findings: dict[tuple[str, int], set[str]] = defaultdict(set)
    fine: dict[tuple[str, int], set[str]] = defaultdict(set)
    silent: dict[str, set[str]] = defaultdict(set)
    for path in case_files():
        name = path.relative_to(CASES).as_posix()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if match := ANNOTATION.search(line):
                ids = {part.strip() for part in match[2].split(",")}
                if match[1] == "silent":
                    silent[name] |= ids
                else:
                    (findings if match[1] == "ruleid" else fine)[name, number + 1] |= ids
    return findings, fine, silent


@cache
def reported(front_end: str) -> frozenset[tuple[str, int, str]]:
    report = scan(*([front_end] if front_end else []), str(CASES))
    assert report["errors"] == []
    return frozenset(
        (Path(result["path"]).relative_to(CASES).as_posix(), result["start"]["line"], result["check_id"])
        for result in report["results"]
    )


def test_semgrep_itself_finds_the_cases_right() -> None:
    command = [*SEMGREP, "--test", "--config", str(RULES), str(CASES)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All tests passed" in done.stdout + done.stderr or "✓" in done.stdout, done.stdout + done.stderr


def test_there_are_more_than_sixty_rules_in_four_languages() -> None:
    assert len(rules()) >= 60
    assert {name.split(".")[1] for name in rules()} == {"python", "javascript", "dockerfile", "github-actions"}


def test_every_rule_has_cases() -> None:
    findings, fine, silent = annotations()
    positive = Counter(rule for ids in findings.values() for rule in ids)
    negative = Counter(rule for ids in [*fine.values(), *silent.values()] for rule in ids)
    few = {rule: (positive[rule], negative[rule]) for rule in rules()}
    assert {rule: n for rule, n in few.items() if min(n) < LEAST_CASES} == {}
    assert set(positive) | set(negative) <= set(rules()), "cases name a rule that does not exist"


def test_cases_stand_beside_their_rules() -> None:
    findings, fine, silent = annotations()
    named = [(name, rule) for (name, _), ids in [*findings.items(), *fine.items()] for rule in ids]
    named += [(name, rule) for name, ids in silent.items() for rule in ids]
    for name, rule in named:
        path = rules()[rule][0]
        assert Path(name).parent == path.parent, (name, rule)
        assert Path(name).name.split(".")[0] == path.stem, (name, rule)


@pytest.mark.parametrize("front_end", ["", "--experimental"], ids=["default", "experimental"])
def test_findings_are_the_annotated_ones(front_end: str) -> None:
    findings, _, _ = annotations()
    stems: dict[tuple[str, str], set[str]] = {
        (path.parent.as_posix(), path.stem): set() for path, _ in rules().values()
    }
    for rule, (path, _) in rules().items():
        stems[path.parent.as_posix(), path.stem].add(rule)
    expected = {(name, line, rule) for (name, line), ids in findings.items() for rule in ids}
    # A case speaks for the rules of its own file only, as with `semgrep scan --test`.
    own = {
        (name, line, rule)
        for name, line, rule in reported(front_end)
        if rule in stems.get((Path(name).parent.as_posix(), Path(name).name.split(".")[0]), ())
    }
    # `paths` limits the workflow rules to real places, which the cases are not in; see the test below.
    limited = {rule for rule, (_, text) in rules().items() if "paths" in text}
    expected = {item for item in expected if item[2] not in limited}
    assert {item for item in own if item[2] not in limited} == expected


@pytest.mark.parametrize("front_end", ["", "--experimental"], ids=["default", "experimental"])
@pytest.mark.parametrize("handed_over", ["folder", "files"])
def test_workflow_rules_where_workflows_are(tmp_path: Path, front_end: str, handed_over: str) -> None:
    findings, _, _ = annotations()
    expected = set()
    for case in sorted((CASES / "github-actions").glob("*.test.yaml")):
        target = tmp_path / ".github" / "workflows" / case.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(case, target)
        name = case.relative_to(CASES).as_posix()
        expected |= {(case.name, line, rule) for (file, line), ids in findings.items() if file == name for rule in ids}
        # The same text elsewhere is no workflow.
        shutil.copy(case, tmp_path / case.name)
    files = sorted(str(path) for path in tmp_path.rglob("*.yaml"))
    targets = files if handed_over == "files" else [str(tmp_path)]
    # Without --project-root only the base name of an explicit file outside of git is compared with `paths`.
    root = ["--project-root", str(tmp_path)]
    report = scan(*([front_end] if front_end else []), *root, *targets)
    assert report["errors"] == []
    found = {(result["path"], result["start"]["line"], result["check_id"]) for result in report["results"]}
    assert all("/.github/workflows/" in path for path, _, _ in found)
    by_name = {(Path(path).name, line, rule) for path, line, rule in found}
    stems = {rule: path.stem for rule, (path, _) in rules().items()}
    assert {item for item in by_name if item[0].split(".")[0] == stems[item[2]]} == expected


def test_both_front_ends_report_the_same() -> None:
    assert reported("") == reported("--experimental")


def test_metadata() -> None:
    for name, (path, rule) in rules().items():
        assert RULE_ID.match(name), name
        assert name.split(".")[1] == path.parts[0], name
        assert rule["severity"] in SEVERITIES, name
        assert rule["message"].strip().endswith("."), name
        assert len(re.findall(r"\.(?:\s|$)", rule["message"])) <= 3, name
        metadata = rule["metadata"]
        assert metadata["category"] == "security", name
        for key, form in (("cwe", r"^CWE-\d+: \S"), ("owasp", r"^A\d\d:2021 - \S")):
            assert metadata[key], name
            assert all(re.match(form, value) for value in metadata[key]), name
        assert all(metadata[level] in LEVELS for level in ("confidence", "likelihood", "impact")), name
        assert 1 <= len(metadata["references"]) <= 2, name
        assert all(url.startswith("https://") for url in metadata["references"]), name
