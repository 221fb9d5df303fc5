"""What makes a finding vanish: silencing the scanner closes nothing, mending the code does.

Each way is tried with the real tools, most of them twice: alone, and while the same file gets a line that has nothing
to do with the finding, for a file that changed proves nothing of the lines that did not.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fixby.component import component
from fixby.finding import Category, Finding
from fixby.scan import Coverage, Scan
from fixby.scanners import registry, scanning
from fixby.scanners.detect_secrets_worker import LARGEST
from fixby.scanners.process import LIMITS, Limits
from fixby.scanners.target import target
from fixby.store.database import Database
from fixby.store.opening import open_for_writing
from fixby.tracked import State
from tests.command import advisories, called, clean_environment, git, repository
from tests.stories import scan, the_one, told, vulnerability

APP = """\
import subprocess


def listing(folder):
    print(folder)
    return subprocess.call("ls " + folder, shell=True)
"""

WRAPPED = """\
import subprocess


def listing(folder):
    return subprocess.call(
        "ls " + folder,
        shell=True,
    )
"""

FORMULA = """\
def value(text):
    print(text)
    return eval(text)
"""

SETTINGS = """\
DEBUG = False
password = "correct horse battery"
"""

PINS = "flask==3.0.0\njinja2==2.7.1\n"

EVAL = """\
rules:
  - id: team.no-eval
    pattern: eval(...)
    languages: [python]
    severity: ERROR
    message: Do not evaluate what you are given.
"""

EXEC = EVAL.replace("eval", "exec")

NARROWER = EVAL.replace("eval(...)", 'eval("...")')

UNRELATED = "\n\nLIMIT = 3\n"

FILES = {
    "bandit": ("app.py", APP, "B602"),
    "semgrep": ("app.py", FORMULA, "team.no-eval"),
    "detect-secrets": ("settings.py", SETTINGS, "secret-keyword"),
    "pip-audit": ("requirements.txt", PINS, "PYSEC-2014-8"),
}
"""For each scanner a file, what it holds, and the rule by which the scanner finds one thing in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A repository of one file that is of interest to a scanner, and the rules and advisories beside it."""

    repo: Path
    scanner: str
    file: Path
    rule: str

    @property
    def rules(self) -> Path:
        return self.repo.parent / "rules"

    @property
    def known(self) -> Path:
        return self.repo.parent / "advisories"

    def edit(self, before: str, after: str) -> None:
        text = self.file.read_text()
        assert before in text
        self.file.write_text(text.replace(before, after))

    def write(self, name: str, text: str) -> None:
        repository(self.repo, {name: text})

    def scanned(self) -> dict[str, Any]:
        """What `fixby scan` says of the scan by the one scanner."""
        options: list[object] = []
        if self.scanner == "semgrep" and self.rules.exists():
            options = ["--rules", self.rules]
        elif self.scanner == "pip-audit":
            options = ["--advisories", self.known]
        ended = called("scan", ".", "--scanner", self.scanner, "--json", *options, cwd=self.repo)
        [scan] = ended.document["scans"]
        return dict(scan)

    def listed(self, *query: str) -> list[dict[str, Any]]:
        findings: list[dict[str, Any]] = called("list", *query, "--json", cwd=self.repo).document["findings"]
        return findings

    def the_one(self, *query: str) -> dict[str, Any]:
        [finding] = self.listed(f"rule:{self.rule}", *query)
        return finding


def place(tmp_path: Path, scanner: str, text: str = "") -> Place:
    """A repository that was scanned once and has one finding by the scanner's rule."""
    name, usual, rule = FILES[scanner]
    repo = repository(tmp_path / "repo", {name: text or usual, "other.py": "import os\n", "fixby.toml": ""})
    repository(tmp_path / "rules", {"eval.yaml": EVAL, "exec.yaml": EXEC})
    advisories(tmp_path / "advisories")
    one = Place(repo, scanner, repo / name, rule)
    one.scanned()
    assert one.the_one()["state"] == "open"
    return one


@dataclass(frozen=True, slots=True)
class Way:
    """Something done to a repository or to what surrounds it, and the cause that is told of it."""

    scanner: str
    do: Callable[[Place], None]
    cause: str = ""


def _configure(text: str) -> Callable[[Place], None]:
    return lambda place: place.write("fixby.toml", text)


def _remove(folder: str, name: str) -> Callable[[Place], None]:
    return lambda place: (place.repo.parent / folder / name).unlink()


def _rewrite(name: str, text: str) -> Callable[[Place], None]:
    def do(place: Place) -> None:
        (place.rules / name).write_text(text)

    return do


def _edit(before: str, after: str) -> Callable[[Place], None]:
    return lambda place: place.edit(before, after)


def _ignore(place: Place) -> None:
    git(place.repo, "init")
    place.write(".gitignore", f"{place.file.name}\n")


def _withdraw(place: Place) -> None:
    path = place.known / "PYSEC-2014-8.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"withdrawn": "2024-12-01T00:00:00Z"}))


NO_RULES = r"^semgrep no longer has the rule team\.no-eval$"
CHANGED_RULES = r"rules or options changed"
NO_ADVISORY = r"rules or options changed|advisor"
EXCLUDED = "^excluded by configuration$"

SILENCING = {
    "bandit: the file is excluded": Way("bandit", _configure("exclude = ['app.py']"), EXCLUDED),
    "bandit: git ignores the file": Way("bandit", _ignore, "^ignored by git$"),
    "semgrep: the file is excluded": Way("semgrep", _configure("exclude = ['app.*']"), EXCLUDED),
    "semgrep: the rule is taken away": Way("semgrep", _remove("rules", "eval.yaml"), NO_RULES),
    "semgrep: the rule has another name": Way(
        "semgrep", _rewrite("eval.yaml", EVAL.replace("team.no-eval", "group.no-eval")), NO_RULES
    ),
    "semgrep: the rule finds less": Way("semgrep", _rewrite("eval.yaml", NARROWER), CHANGED_RULES),
    "semgrep: a function does not parse": Way("semgrep", _edit("print(text)", "print(text"), "^semgrep: "),
    "detect-secrets: the file is excluded": Way("detect-secrets", _configure("exclude = ['settings.py']"), EXCLUDED),
    "pip-audit: the manifest is excluded": Way("pip-audit", _configure("exclude = ['*.txt']"), EXCLUDED),
    "pip-audit: the advisory is gone": Way("pip-audit", _remove("advisories", "PYSEC-2014-8.json"), NO_ADVISORY),
    "pip-audit: the version is not pinned": Way("pip-audit", _edit("jinja2==2.7.1", "jinja2>=2.7"), "version|pinned"),
}


@pytest.mark.parametrize("edited", [False, True], ids=["", "edited"])
@pytest.mark.parametrize("way", SILENCING.values(), ids=SILENCING)
def test_silencing_the_scanner_closes_nothing_and_tells_the_cause(tmp_path: Path, way: Way, edited: bool) -> None:  # noqa: FBT001 - a case of a test
    one = place(tmp_path, way.scanner)
    before = one.the_one()
    way.do(one)
    if edited:
        _add_something_unrelated(one)
    is_in_doubt(one, before, one.scanned(), way.cause)


def _add_something_unrelated(one: Place) -> None:
    one.file.write_text(one.file.read_text() + ("\nattrs==24.2.0\n" if one.scanner == "pip-audit" else UNRELATED))


def is_in_doubt(one: Place, before: dict[str, Any], said: dict[str, Any], cause: str) -> None:
    """The finding is open, with its due date, and listed as not observed for that cause."""
    assert said["fixed"] == 0
    left = one.the_one("is:not_observed")
    assert (left["id"], left["state"], left["due_at"]) == (before["id"], "open", before["due_at"])
    assert re.search(cause, left["not_observed"])
    assert left["not_observed"] in " ".join(called("show", left["id"], cwd=one.repo).out.split())


@pytest.mark.parametrize("edited", [False, True], ids=["", "edited"])
def test_a_withdrawn_advisory_closes_its_finding_as_withdrawn_and_not_as_fixed(tmp_path: Path, edited: bool) -> None:  # noqa: FBT001 - a case of a test
    one = place(tmp_path, "pip-audit")
    before = one.the_one()
    _withdraw(one)
    if edited:
        _add_something_unrelated(one)
    said = one.scanned()
    assert (said["fixed"], said["not_observed"]) == (0, 0)
    assert one.listed("is:fixed") == []
    after = one.the_one("is:withdrawn")
    assert (after["id"], after["state"], after["sla_status"]) == (before["id"], "withdrawn", "exempt")
    [sla] = [called("sla", "report", "--json", cwd=one.repo).document["total"]]
    assert (sla["withdrawn"], sla["met"], sla["closed_exempt"], sla["time_to_fix"]["fixed"]) == (1, 0, 0, 0)
    shown = " ".join(called("show", before["id"], cwd=one.repo).out.split())
    assert "withdrawn by its publisher PYSEC-2014-8 was withdrawn" in shown


def test_a_withdrawn_advisory_that_comes_back_reopens_its_finding_and_the_time_between_does_not_count(
    tmp_path: Path,
) -> None:
    one = place(tmp_path, "pip-audit")
    before = one.the_one()
    advisory = (one.known / "PYSEC-2014-8.json").read_text()
    _withdraw(one)
    one.scanned()
    (one.known / "PYSEC-2014-8.json").write_text(advisory)
    assert one.scanned()["reopened"] == 1
    after = one.the_one()
    assert (after["id"], after["state"], after["first_seen"]) == (before["id"], "open", before["first_seen"])
    assert after["due_at"] >= before["due_at"]
    assert called("db", "verify", cwd=one.repo).code == 0


def test_a_withdrawn_advisory_that_another_one_in_force_replaces_closes_nothing(tmp_path: Path) -> None:
    one = place(tmp_path, "pip-audit")
    before = one.the_one()
    other = json.loads((one.known / "PYSEC-2014-8.json").read_text())
    (one.known / "GHSA-new.json").write_text(json.dumps(other | {"id": "GHSA-new", "aliases": [other["id"]]}))
    _withdraw(one)
    said = one.scanned()
    assert (said["new"], said["fixed"]) == (0, 0)
    [after] = one.listed(f"id:{before['id']}")
    assert after["state"] == "open"


def test_a_rule_that_is_taken_away_while_the_file_is_renamed_closes_nothing(tmp_path: Path) -> None:
    one = place(tmp_path, "semgrep")
    before = one.the_one()
    one.file.rename(one.repo / "renamed.py")
    (one.rules / "eval.yaml").unlink()
    is_in_doubt(one, before, one.scanned(), NO_RULES)


TOO_LARGE = {
    "bandit": ("bandit", 2**33 + 1, "^File too large$"),
    "semgrep": ("semgrep", 2**33 + 1, "^File too large$"),
    "detect-secrets": ("detect-secrets", LARGEST + 1, "^the file is larger than 100 MiB$"),
    "pip-audit": ("pip-audit", 2**33 + 1, "^File too large$"),
}


@pytest.mark.parametrize(("scanner", "size", "cause"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_file_that_became_too_large_closes_nothing(tmp_path: Path, scanner: str, size: int, cause: str) -> None:
    one = place(tmp_path, scanner)
    before = one.the_one()
    os.truncate(one.file, size)
    is_in_doubt(one, before, one.scanned(), cause)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that is added to a file, and the name of its kind."""

    scanner: str
    text: str
    before: str
    after: str
    by: str


COMMENTS = {
    "bandit": Comment("bandit", APP, "shell=True)", "shell=True)  # nosec", "nosec"),
    "bandit, by the rule": Comment("bandit", APP, "shell=True)", "shell=True)  # nosec B602", "nosec"),
    "bandit, before the place": Comment("bandit", WRAPPED, "folder,", "folder,  # nosec", "nosec"),
    "bandit, inside the place": Comment("bandit", WRAPPED, "shell=True,", "shell=True,  # nosec", "nosec"),
    "semgrep": Comment("semgrep", FORMULA, "eval(text)", "eval(text)  # nosemgrep", "nosemgrep"),
    "semgrep, before": Comment("semgrep", FORMULA, "    return", "    # nosemgrep: no-eval\n    return", "nosemgrep"),
    "detect-secrets": Comment(
        "detect-secrets", SETTINGS, 'ry"', 'ry"  # pragma: allowlist secret', "pragma: allowlist secret"
    ),
}


@pytest.mark.parametrize("edited", [False, True], ids=["", "edited"])
@pytest.mark.parametrize("comment", COMMENTS.values(), ids=COMMENTS)
def test_a_comment_that_silences_a_finding_leaves_it_open_and_marked(
    tmp_path: Path,
    comment: Comment,
    edited: bool,  # noqa: FBT001 - a case of a test
) -> None:
    one = place(tmp_path, comment.scanner, comment.text)
    unsilenced = one.the_one()
    one.edit(comment.before, comment.after)
    if edited:
        _add_something_unrelated(one)
    said = one.scanned()
    assert (said["suppressed"], said["new"], said["fixed"]) == (1, 0, 0)
    silenced = one.the_one("is:suppressed")
    assert (silenced["id"], silenced["state"]) == (unsilenced["id"], "open")
    assert (silenced["suppressed"]["by"], silenced["not_observed"]) == (comment.by, None)


OF_THE_TARGET = {
    "bandit": ("bandit", {".bandit": "[bandit]\nskips: B602\n", "pyproject.toml": "[tool.bandit]\nskips = ['B602']\n"}),
    "semgrep": ("semgrep", {".semgrepignore": "*\n", ".semgrep.yml": "rules: []\n"}),
    "detect-secrets": ("detect-secrets", {".secrets.baseline": '{"plugins_used": [], "results": {}}'}),
    "pip-audit": ("pip-audit", {"pyproject.toml": "[tool.pip-audit]\nignore-vulns = ['PYSEC-2014-8']\n"}),
}


@pytest.mark.parametrize(("scanner", "files"), OF_THE_TARGET.values(), ids=OF_THE_TARGET)
def test_what_the_target_says_of_its_own_scanners_hides_nothing(
    tmp_path: Path, scanner: str, files: dict[str, str]
) -> None:
    one = place(tmp_path, scanner)
    before = one.the_one()
    repository(one.repo, files)
    _add_something_unrelated(one)
    said = one.scanned()
    assert (said["fixed"], said["not_observed"]) == (0, 0)
    after = one.the_one()
    assert (after["id"], after["not_observed"]) == (before["id"], None)


def test_a_file_that_git_tracks_is_not_hidden_by_an_ignore_file(tmp_path: Path) -> None:
    one = place(tmp_path, "bandit")
    git(one.repo, "init")
    git(one.repo, "add", "app.py")
    one.write(".gitignore", "app.py\n")
    _add_something_unrelated(one)
    assert one.scanned()["not_observed"] == 0
    assert one.the_one()["not_observed"] is None


# Scans that the command cannot be made to run: another version of a tool, and a limit of a second


def looked(one: Place, limits: Limits = LIMITS) -> Scan:
    """What the scanner says of the repository now."""
    setting = scanning.Setting(key=b"key", clock=lambda: 100, cores=1, limits=limits)
    [said] = scanning.scan(target(one.repo), [registry.scanner(one.scanner)], setting)
    return said


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Database]:
    """A store beside the repository."""
    database = open_for_writing(str(tmp_path / "beside.db"))
    yield database
    database.close()


@pytest.mark.parametrize("edited", [False, True], ids=["", "edited"])
@pytest.mark.parametrize("scanner", ["bandit", "detect-secrets"])
def test_another_version_of_the_scanner_without_the_rule_closes_nothing(
    tmp_path: Path,
    known: Database,
    scanner: str,
    edited: bool,  # noqa: FBT001 - a case of a test
) -> None:
    one = place(tmp_path, scanner)
    told(known, replace(looked(one), tool_version="1.0.0"))
    if edited:
        _add_something_unrelated(one)
    later = looked(one)
    without = tuple(finding for finding in later.findings if finding.rule.id != one.rule)
    recorded = told(known, replace(later, findings=without, tool_version="2.0.0", started_at=200, finished_at=200))
    assert recorded.fixed == ()
    left = the_one(known, f"rule:{one.rule} is:not_observed")
    assert (left.state, left.not_observed) == (State.OPEN, "scanner changed from 1.0.0 to 2.0.0")


def test_another_version_of_the_scanner_closes_what_was_mended_at_the_same_time(
    tmp_path: Path, known: Database
) -> None:
    one = place(tmp_path, "bandit")
    told(known, replace(looked(one), tool_version="1.0.0"))
    one.edit('"ls " + folder, shell=True', '["ls", folder]')
    told(known, replace(looked(one), tool_version="2.0.0", started_at=200, finished_at=200))
    assert the_one(known, "rule:B602").state is State.FIXED


def test_a_scan_that_ran_out_of_time_closes_nothing(tmp_path: Path, known: Database) -> None:
    one = place(tmp_path, "bandit")
    told(known, looked(one))
    one.write("large.py", "numbers = [1, 2, 3]\n" * 100_000)
    recorded = told(known, replace(looked(one, Limits(seconds=0)), started_at=200, finished_at=200))
    assert (recorded.fixed, the_one(known, "rule:B602").state) == ((), State.OPEN)
    assert the_one(known, "rule:B602 is:not_observed").not_observed == "the last scan by bandit failed"


# Reports of runs that somebody else configured


def reported(one: Place, *options: str) -> dict[str, Any]:
    """What Bandit itself reports of the repository."""
    command = [sys.executable, "-I", "-m", "bandit", "--quiet", "--format", "json", *options, one.file.name, "other.py"]
    ran = subprocess.run(command, cwd=one.repo, env=clean_environment(), capture_output=True, check=False)
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


def ingested(one: Place, report: object) -> dict[str, Any]:
    """What `fixby ingest` says of a report."""
    repository(one.repo.parent, {"report.json": json.dumps(report)})
    ended = called("ingest", one.repo.parent / "report.json", "--json", cwd=one.repo)
    [said] = ended.document["scans"]
    return dict(said)


def reported_place(tmp_path: Path, text: str = APP) -> Place:
    """A repository of which the store knows a report of Bandit's, and nothing else."""
    repo = repository(tmp_path / "repo", {"app.py": text, "other.py": "import os\n", "fixby.toml": ""})
    one = Place(repo, "bandit", repo / "app.py", "B602")
    assert ingested(one, reported(one))["new"] == 2
    return one


def _obeying(one: Place) -> dict[str, Any]:
    one.edit("shell=True)", "shell=True)  # nosec")
    return reported(one)


def _obeying_by_name(one: Place) -> dict[str, Any]:
    one.edit("shell=True)", "shell=True)  # nosec B602")
    return reported(one)


def _of_less(one: Place) -> dict[str, Any]:
    document = reported(one, "--exclude", "./app.py,app.py")
    assert list(document["metrics"]) == ["./other.py", "_totals"]
    return document


def _of_less_and_edited(one: Place) -> dict[str, Any]:
    _add_something_unrelated(one)
    return reported(one, "--skip", "B602")


def _of_a_broken_file(one: Place) -> dict[str, Any]:
    one.edit("return", "return )(")
    return reported(one)


def _of_another_version(one: Place) -> dict[str, Any]:
    text = json.dumps(reported(one, "--skip", "B602"))
    assert "/1.9.4/" in text
    return dict(json.loads(text.replace("/1.9.4/", "/1.8.0/")))


NOT_SAID = r"^the report does not say that app\.py was looked at$"

REPORTS: dict[str, tuple[Callable[[Place], object], str]] = {
    "it obeyed a comment": (_obeying, "nosec"),
    "it obeyed a comment that names the rule": (_obeying_by_name, "nosec"),
    "the rule was left out": (lambda one: reported(one, "--skip", "B602"), "B602|did not change"),
    "the rule was left out while the file was edited": (_of_less_and_edited, "B602|did not change"),
    "only other rules were run": (lambda one: reported(one, "--tests", "B404"), "B602|did not change"),
    "another version without the rule": (_of_another_version, "^scanner changed from 1.9.4 to 1.8.0$|B602"),
    "the file was excluded": (_of_less, NOT_SAID),
    "the file does not parse": (_of_a_broken_file, "syntax error"),
    "nothing was looked at": (lambda _: {"results": [], "errors": [], "metrics": {}}, NOT_SAID),
    "only totals are told": (lambda _: {"results": [], "errors": [], "metrics": {"_totals": {}}}, NOT_SAID),
}


@pytest.mark.parametrize(("report", "cause"), REPORTS.values(), ids=REPORTS)
def test_a_report_of_a_run_that_saw_less_closes_nothing(
    tmp_path: Path, report: Callable[[Place], object], cause: str
) -> None:
    one = reported_place(tmp_path)
    before = one.the_one()
    is_in_doubt(one, before, ingested(one, report(one)), cause)


@pytest.mark.parametrize("kind", ["by severity", "by a baseline"])
def test_a_report_that_holds_back_findings_closes_nothing(tmp_path: Path, kind: str) -> None:
    one = replace(reported_place(tmp_path), rule="B404")
    before = one.the_one()
    baseline = repository(tmp_path, {"baseline.json": json.dumps(reported(one))}) / "baseline.json"
    document = reported(one, *(["-lll"] if kind == "by severity" else ["--baseline", str(baseline)]))
    assert document["metrics"]["./app.py"]["SEVERITY.LOW"] == 1
    assert "B404" not in {row["test_id"] for row in document["results"]}
    is_in_doubt(one, before, ingested(one, document), r"held back|B404|did not change")


def test_a_report_after_the_code_was_replaced_closes_the_finding(tmp_path: Path) -> None:
    one = reported_place(tmp_path)
    one.edit('"ls " + folder, shell=True', '["ls", folder]')
    assert ingested(one, reported(one))["fixed"] == 1
    assert one.the_one()["state"] == "fixed"


def test_a_report_of_a_run_that_obeyed_a_comment_in_another_file_closes_what_was_mended(tmp_path: Path) -> None:
    one = reported_place(tmp_path)
    one.write("other.py", "import subprocess  # nosec\n")
    one.edit('    return subprocess.call("ls " + folder, shell=True)\n', "")
    assert ingested(one, reported(one))["fixed"] == 1


def test_a_report_after_the_line_was_removed_closes_the_finding(tmp_path: Path) -> None:
    one = reported_place(tmp_path)
    one.edit('    return subprocess.call("ls " + folder, shell=True)\n', "")
    assert ingested(one, reported(one))["fixed"] == 1
    assert one.the_one()["state"] == "fixed"


def test_a_report_of_semgrep_that_ran_out_of_time_closes_nothing(tmp_path: Path) -> None:
    one = place(tmp_path, "semgrep")
    before = one.the_one()
    error = {"code": 2, "level": "warn", "type": "Timeout", "message": "", "path": "app.py", "rule_id": one.rule}
    late = {"version": "1.182.0", "results": [], "errors": [error], "paths": {"scanned": ["app.py", "other.py"]}}
    is_in_doubt(one, before, ingested(one, late), r"^semgrep: Timeout in the rule team\.no-eval$")


def test_a_report_of_semgrep_that_names_its_rules_closes_nothing_of_the_others(tmp_path: Path) -> None:
    one = place(tmp_path, "semgrep")
    before = one.the_one()
    _add_something_unrelated(one)
    timed = {"rules": ["team.no-exec"]}
    other = {"version": "1.182.0", "results": [], "errors": [], "paths": {"scanned": ["app.py"]}, "time": timed}
    is_in_doubt(one, before, ingested(one, other), NO_RULES)


def test_a_baseline_without_the_plugin_closes_nothing(tmp_path: Path) -> None:
    one = place(tmp_path, "detect-secrets")
    before = one.the_one()
    command = [sys.executable, "-I", "-m", "detect_secrets", "scan", "--no-verify", "--all-files"]
    command += ["--disable-plugin", "KeywordDetector", "settings.py"]
    ran = subprocess.run(command, cwd=one.repo, env=clean_environment(), capture_output=True, check=True)
    document = json.loads(ran.stdout)
    assert (document["results"], len(document["plugins_used"]) > 20) == ({}, True)
    is_in_doubt(
        one, before, ingested(one, document), "secret-keyword|^the report does not say that settings.py was looked at$"
    )


# Mending


def _write(name: str, text: str) -> Callable[[Place], None]:
    return lambda place: place.write(name, text)


def _delete(place: Place) -> None:
    place.file.unlink()


def _also(*some: Callable[[Place], None]) -> Callable[[Place], None]:
    def do(place: Place) -> None:
        for one in some:
            one(place)

    return do


CALL = '    return subprocess.call("ls " + folder, shell=True)\n'

MENDING = {
    "bandit: the line is removed": Way("bandit", _edit(CALL, "")),
    "bandit: the function is removed": Way("bandit", _write("app.py", "import subprocess\n")),
    "bandit: the code is replaced": Way("bandit", _edit('"ls " + folder, shell=True', '["ls", folder]')),
    "bandit: the file is emptied": Way("bandit", _write("app.py", "")),
    "semgrep: the line is removed": Way("semgrep", _edit("    return eval(text)\n", "")),
    "semgrep: the file is removed": Way("semgrep", _delete),
    "semgrep: the code is replaced": Way("semgrep", _edit("eval(text)", "int(text)")),
    "semgrep: the code is replaced while a rule is added": Way(
        "semgrep", _also(_edit("eval(text)", "int(text)"), _rewrite("more.yaml", EVAL.replace("eval", "compile")))
    ),
    "semgrep: the line is removed while another rule is taken away": Way(
        "semgrep", _also(_edit("    return eval(text)\n", ""), _remove("rules", "exec.yaml"))
    ),
    "detect-secrets: the line is removed": Way("detect-secrets", _write("settings.py", "DEBUG = False\n")),
    "detect-secrets: the file is removed": Way("detect-secrets", _delete),
    "detect-secrets: the secret is read from elsewhere": Way(
        "detect-secrets", _edit('"correct horse battery"', 'environ["PASSWORD"]')
    ),
    "pip-audit: the package is removed": Way("pip-audit", _edit("jinja2==2.7.1\n", "")),
    "pip-audit: the manifest is removed": Way(
        "pip-audit", _also(_delete, _write("dev-requirements.txt", "six==1.17.0"))
    ),
    "pip-audit: the package is upgraded while an advisory goes": Way(
        "pip-audit",
        _also(_edit("jinja2==2.7.1", "jinja2==2.10"), _remove("advisories", "PYSEC-2019-217.json")),
    ),
}


@pytest.mark.parametrize("way", MENDING.values(), ids=MENDING)
def test_mending_the_code_closes_the_finding(tmp_path: Path, way: Way) -> None:
    one = place(tmp_path, way.scanner)
    before = one.the_one()
    way.do(one)
    assert one.scanned()["fixed"] >= 1
    after = one.the_one()
    assert (after["id"], after["state"], after["not_observed"]) == (before["id"], "fixed", None)


def test_the_last_file_of_a_language_takes_its_findings_along(tmp_path: Path) -> None:
    one = place(tmp_path, "semgrep")
    one.write("Dockerfile", "FROM python:latest\nRUN curl https://example.org/install | sh\n")
    found = one.scanned()["new"]
    assert found >= 1
    (one.repo / "Dockerfile").unlink()
    assert one.scanned()["fixed"] == found


# Images, of which there is no scanner yet


PACKAGES = "var/lib/dpkg/status"


def library(version: str) -> Finding:
    """A vulnerable package of an image's system."""
    package = component("deb", "debian/openssl", version)
    return vulnerability(path=PACKAGES, category=Category.CONTAINER, scanner="trivy", component=package)


def image(version: str, *findings: Finding, at: int, base: str = "sha256:1111", **others: Any) -> Scan:  # noqa: ANN401 - any field
    """A scan of an image that holds openssl in a version (none where it is empty); `base` is what it was built on."""
    packages = {f"{PACKAGES}#bash": "5.2"} | ({f"{PACKAGES}#debian/openssl": version} if version else {})
    return scan(*findings, at=at, **{"scanner": "trivy", "scanned": packages, "configuration": base} | others)


IMAGES = {
    "without the package": (image("", at=200, base="sha256:2222"), State.FIXED),
    "with a version that is not vulnerable": (image("3.0.15", at=200, base="sha256:2222"), State.FIXED),
    "with another vulnerable version": (image("3.0.11", library("3.0.11"), at=200, base="sha256:2222"), State.OPEN),
    "with a database of packages that cannot be read": (
        image("", at=200, coverage=Coverage({"etc/os-release": "1"}, skipped={PACKAGES: "it is damaged"})),
        State.OPEN,
    ),
    "with the same version": (image("3.0.9", at=200, base="sha256:2222"), State.OPEN),
    "without any package": (image("", at=200, scanned={}), State.OPEN),
}


@pytest.mark.parametrize(("rebuilt", "state"), IMAGES.values(), ids=IMAGES)
def test_an_image_that_is_rebuilt_keeps_what_it_still_holds(known: Database, rebuilt: Scan, state: State) -> None:
    [id_] = told(known, image("3.0.9", library("3.0.9"), at=100), asset="registry.example.org/shop").new
    told(known, rebuilt, asset="registry.example.org/shop")
    after = the_one(known)
    assert (after.id, after.asset, after.state) == (id_, "registry.example.org/shop", state)
    seen = bool(rebuilt.findings) or state is State.FIXED
    assert bool(after.not_observed) is not seen


def test_the_list_says_why_nobody_saw_a_finding(tmp_path: Path) -> None:
    one = place(tmp_path, "bandit")
    one.the_one()
    one.file.write_text("def broken(:\n")
    assert called("scan", "--only", "sast", cwd=one.repo).code == 3
    listed = called("list", "is:not_observed", cwd=one.repo, COLUMNS="200").out
    assert "NOT OBSERVED" in listed.splitlines()[0]
    assert "syntax error" in listed
