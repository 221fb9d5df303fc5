"""The adapter of pip-audit: the real tool on real manifests, and every way in which it would fail open."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from packaging.utils import canonicalize_version

from fixby.errors import ReportError, UsageError
from fixby.finding import Category, Finding
from fixby.scanners import advisories, osv_worker, pip_audit
from fixby.scanners.osv_endpoint import endpoint
from fixby.scanners.scanner import Command, File, Finished, Options, Reading, Request, Source, Target
from fixby.severity import Severity, SeveritySource

SHARED = Path(__file__).parents[2] / "shared"
REAL = SHARED / "advisories" / "PyPI-all.zip"
CORPUS = SHARED / "corpus"
VULNERABLE = "django==3.2\nPillow==9.0.0\nrequests==2.25.0\npyyaml==5.3\n"
SOURCE = Source(fingerprint=str, path=lambda name: f"asset/{name}", lines=lambda *_: "")

RECORDS: list[dict[str, object]] = [
    {
        "id": "PYSEC-1",
        "modified": "2024-01-01T00:00:00Z",
        "aliases": ["GHSA-2222-2222-2222", "CVE-2024-1"],
        "details": "It\nbreaks.",
        "references": [{"type": "WEB", "url": "https://example.org/1"}],
        "affected": [
            {
                "package": {"name": "Django", "ecosystem": "PyPI"},
                "ranges": [
                    {
                        "type": "ECOSYSTEM",
                        "events": [
                            {"introduced": "0"},
                            {"fixed": "2.2.1"},
                            {"introduced": "3"},
                            {"fixed": "3.10"},
                            {"introduced": "4"},
                            {"fixed": "4.1"},
                        ],
                    }
                ],
            }
        ],
    },
    {
        "id": "GHSA-2222-2222-2222",
        "modified": "2024-01-01T00:00:00Z",
        "aliases": ["CVE-2024-1"],
        "summary": "Django breaks",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "database_specific": {"cwe_ids": ["CWE-89"], "severity": "HIGH"},
    },
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two records of one vulnerability of Django before 3.10, of which the second knows how bad it is."""
    folder = tmp_path / "advisories"
    folder.mkdir()
    for record in RECORDS:
        (folder / f"{record['id']}.json").write_bytes(orjson.dumps(record))
    return folder


@pytest.fixture
def real() -> Path:
    if not REAL.exists():
        pytest.skip("the real advisories are not at hand")
    return REAL


def request(tmp_path: Path, files: Mapping[str, str], options: Options) -> Request:
    root, workspace = tmp_path / "target", tmp_path / "workspace"
    workspace.mkdir()
    root.mkdir()
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    target = Target(root.resolve(), {name: File(len(content), "") for name, content in files.items()})
    return Request(target, tuple(filter(pip_audit.wants, files)), workspace, options, cores=1)


def run(command: Command, environment: Mapping[str, str] | None = None) -> Finished:
    base = {"PATH": os.environ["PATH"], "HOME": str(command.folder), "LANG": "C.UTF-8"}
    ended = subprocess.run(
        command.arguments,
        cwd=command.folder,
        env={**base, **(environment or {}), **command.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
    )
    return Finished(command, ended.returncode, ended.stdout, ended.stderr.decode(), 0, 0)


def audit(tmp_path: Path, files: Mapping[str, str], advisories: Path) -> Reading:
    with pip_audit.commands(request(tmp_path, files, Options(advisories=advisories))) as commands:
        (command,) = commands
        return pip_audit.conclude(run(command), SOURCE)


@pytest.fixture
def planned(tmp_path: Path, data: Path) -> Iterator[Command]:
    """The command for `django==3.2` and `six==1.15`, not run: its report is the test's."""
    files = {"requirements.txt": "django==3.2\nsix==1.15\n"}
    with pip_audit.commands(request(tmp_path, files, Options(advisories=data))) as commands:
        (command,) = commands
        answers = tmp_path / "workspace" / "answers"
        for name in ("django==3.2", "six==1.15"):
            (answers / f"{name}.json").write_text('{"advice": {}, "doubts": [], "withdrawn": []}')
        yield command


def ended(command: Command, report: object, exit_code: int = 0, errors: str = "") -> Finished:
    content = report if isinstance(report, bytes) else json.dumps(report).encode()
    return Finished(command, exit_code, content, errors, 0, 0)


def dependency(name: str, version: str, *vulnerabilities: str) -> dict[str, object]:
    vulns = [{"id": one, "fix_versions": [], "aliases": [], "description": "d"} for one in vulnerabilities]
    return {"name": name, "version": version, "vulns": vulns}


# The whole way


def test_findings_equal_those_of_the_tool_run_by_hand_and_those_matched_in_process(tmp_path: Path, real: Path) -> None:
    reading = audit(tmp_path, {"requirements.txt": VULNERABLE}, real)
    found = {(one.component.name, one.rule.id) for one in reading.findings if one.component}
    data = advisories.load(real)
    pins = [("django", "3.2"), ("pillow", "9.0.0"), ("requests", "2.25.0"), ("pyyaml", "5.3")]
    in_process = {
        (name, str(one["id"])) for name, version in pins for one in advisories.matching(data, name, version).records
    }
    assert found == by_hand(tmp_path / "target" / "requirements.txt", data) == in_process
    assert len(reading.findings) == len(found) == 32
    assert (reading.skipped, reading.problems) == ({}, ())
    assert reading.scanned == {"requirements.txt": ""} | {f"requirements.txt#{name}": version for name, version in pins}


@pytest.mark.slow
def test_our_own_matcher_finds_what_pip_audit_finds(tmp_path: Path, real: Path) -> None:
    """Three versions of many packages: pip-audit as it runs, and `osv` by a bill of materials of the same."""
    data = advisories.load(real)
    pins = []
    for package in sorted(data.by_package)[::4]:
        parts = [part for one in data.by_package[package] for part in json.loads(one)["affected"]]
        listed = {one for part in parts for one in part.get("versions", ()) if _is_plain(one)}
        pins += [(package, one) for one in sorted(listed)[:: max(1, len(listed) // 2)]]
    assert len(pins) > 300
    lock = "".join(f'[[packages]]\nname = "{name}"\nversion = "{version}"\n' for name, version in pins)
    audited = audit(tmp_path, {"pylock.toml": f'lock-version = "1.0"\ncreated-by = "us"\n{lock}'}, real)
    parts = [{"type": "library", "name": name, "purl": f"pkg:pypi/{name}@{version}"} for name, version in pins]
    bill = tmp_path / "bill"
    bill.mkdir()
    (bill / "bom.json").write_text(json.dumps({"bomFormat": "CycloneDX", "components": parts}))
    ours = osv_worker.report(bill, ["bom.json"], real)
    rows: Any = ours["packages"]
    found = {
        (row["name"], canonicalize_version(row["version"]), one["id"]) for row in rows for one in row["advisories"]
    }
    known = [(one.component, one.rule.id) for one in audited.findings if one.component]
    assert found == {(part.name, canonicalize_version(part.version), id_) for part, id_ in known}
    assert len(found) > 300


def _is_plain(version: str) -> bool:
    return all(part.isdecimal() for part in version.split("."))


def by_hand(requirements: Path, data: advisories.Advisories) -> set[tuple[str, str]]:
    def whole(name: str, version: str) -> Sequence[dict[str, object]]:
        return advisories.matching(data, name, version).records

    with endpoint(whole) as url:
        report = plain(requirements, "--vulnerability-service=osv", f"--osv-url={url}").stdout
    return {(one["name"], vuln["id"]) for one in json.loads(report)["dependencies"] for vuln in one["vulns"]}


def plain(requirements: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What `pip-audit -r` alone makes of a file, by default asked of a service that knows nothing bad."""
    with endpoint(lambda *_: ()) as url:
        service = options or ("--vulnerability-service=osv", f"--osv-url={url}")
        arguments = ["-r", str(requirements), "--disable-pip", "--no-deps", "--format=json", "--progress-spinner=off"]
        return subprocess.run(
            [
                sys.executable,
                "-I",
                "-m",
                "pip_audit",
                *arguments,
                *service,
                f"--cache-dir={requirements.parent / 'cache'}",
            ],
            capture_output=True,
            text=True,
            cwd=requirements.parent,
            timeout=120,
            check=False,
        )


def test_a_finding_says_what_where_how_bad_and_what_to_do(tmp_path: Path, data: Path) -> None:
    (finding,) = audit(tmp_path, {"a/requirements.txt": "six==1.15\nDjango==3.2  # old\n"}, data).findings
    assert (finding.category, finding.scanner, finding.message) == (Category.DEPENDENCY, "pip-audit", "It breaks.")
    assert (finding.rule.id, finding.rule.title, finding.rule.cwes) == ("PYSEC-1", "django: Django breaks", ("CWE-89",))
    assert finding.rule.references == ("https://example.org/1",)
    assert (finding.severity, finding.severity_source) == (Severity.CRITICAL, SeveritySource.CVSS)
    assert [(place.path, place.line) for place in finding.locations] == [("asset/a/requirements.txt", 2)]
    assert finding.identifiers.names == ("CVE-2024-1", "GHSA-2222-2222-2222", "PYSEC-1")
    assert finding.component is not None
    assert finding.component.purl == "pkg:pypi/django@3.2"
    assert finding.component.fixed_versions == ("2.2.1", "3.10", "4.1")
    assert finding.fix == "Upgrade django to 3.10 or later"


def test_a_package_is_found_in_each_manifest_and_at_each_line_that_pins_it(tmp_path: Path, data: Path) -> None:
    lock = '[[package]]\nname = "django"\nversion = "3.3"\n'
    files = {
        "requirements.txt": "django==3.2\ndjango==3.2 ; sys_platform == 'x'\n",
        "b/requirements.txt": "DJANGO==3.2.0",
        "uv.lock": lock,
    }
    reading = audit(tmp_path, files, data)
    found = {
        (one.path, one.component.version, *(place.line for place in one.locations))
        for one in reading.findings
        if one.component
    }
    assert found == {
        ("asset/requirements.txt", "3.2", 1, 2),
        ("asset/b/requirements.txt", "3.2.0", 1),
        ("asset/uv.lock", "3.3", 3),
    }
    assert (reading.skipped, reading.problems) == ({}, ())


def test_two_versions_of_a_package_in_one_manifest_are_both_audited(tmp_path: Path, data: Path) -> None:
    reading = audit(tmp_path, {"requirements.txt": "django==3.2\ndjango==3.99\n"}, data)
    assert [one.component.version for one in reading.findings if one.component] == ["3.2"]
    assert (reading.scanned or {})["requirements.txt#django"] == "3.2, 3.99"


def test_what_the_tool_alone_would_lose_is_found_or_skipped_by_name(tmp_path: Path, data: Path) -> None:
    files = {
        "requirements.txt": "-r deps/base.list\n",
        "deps/base.list": 'django==3.2 ; python_version < "3"\nbleach==1.0\nbleach[css]\nflask>=1\n-e git+https://h/x.git#egg=x\n',
        "dev-requirements.txt": "django==3.3 --hash=sha256:0\n",
    }
    reading = audit(tmp_path, files, data)
    assert [(one.path, one.locations[0].line) for one in reading.findings] == [
        ("asset/deps/base.list", 1),
        ("asset/dev-requirements.txt", 1),
    ]
    assert set(reading.skipped) == {"deps/base.list#flask", "deps/base.list#x"}
    assert set(reading.scanned or {}) == {
        *files,
        "deps/base.list#bleach",
        "deps/base.list#django",
        "dev-requirements.txt#django",
    }


def test_manifests_that_declare_nothing_are_a_complete_scan(tmp_path: Path, data: Path) -> None:
    reading = audit(tmp_path, {"pyproject.toml": "[tool.x]\n", "requirements.txt": "# none\n"}, data)
    assert reading == Reading((), scanned={"pyproject.toml": "", "requirements.txt": ""})


def test_manifests_of_which_nothing_can_be_audited_are_no_complete_scan(tmp_path: Path, data: Path) -> None:
    reading = audit(tmp_path, {"requirements.txt": "django\n", "uv.lock": "[["}, data)
    assert set(reading.skipped) == {"requirements.txt#django", "uv.lock"}
    assert reading.scanned == {"requirements.txt": ""}


def test_without_a_manifest_nothing_is_run(tmp_path: Path) -> None:
    with pip_audit.commands(request(tmp_path, {"main.py": ""}, Options(advisories=Path("missing")))) as commands:
        assert commands == ()


def test_a_hostile_repository_is_never_run(tmp_path: Path, data: Path) -> None:
    marker = tmp_path / "marker"
    evil = f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n"
    evil += "from setuptools import setup; setup(install_requires=['django==3.2'])"
    names = ("setup.py", "pip.py", "pip_audit.py", "sitecustomize.py", "json.py", "pip/__main__.py")
    reading = audit(tmp_path, {**dict.fromkeys(names, evil), "requirements.txt": "-e .\n./\n"}, data)
    assert not marker.exists()
    assert [one.path for one in reading.findings] == ["asset/setup.py"]


def test_a_pip_of_the_working_directory_is_not_run(tmp_path: Path, data: Path) -> None:
    marker = tmp_path / "marker"
    with pip_audit.commands(request(tmp_path, {"requirements.txt": "six==1.15"}, Options(advisories=data))) as (
        command,
    ):
        (command.folder / "pip.py").write_text(f"import pathlib; pathlib.Path({str(marker)!r}).touch()")
        assert pip_audit.conclude(run(command), SOURCE).problems == ()
    assert not marker.exists()


def test_no_proxy_stands_between_the_tool_and_our_endpoint(tmp_path: Path, data: Path) -> None:
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:9")
    with pip_audit.commands(request(tmp_path, {"requirements.txt": "django==3.2"}, Options(advisories=data))) as (
        command,
    ):
        assert len(pip_audit.conclude(run(command, proxies), SOURCE).findings) == 1


def test_a_public_service_that_cannot_be_reached_is_an_error_not_a_clean_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pip_audit.commands(request(tmp_path, {"requirements.txt": "django==3.2"}, Options())) as (command,):
        impatient = replace(command, arguments=(*command.arguments, "--timeout=3"))
        with pytest.raises(ReportError, match=r"the advisory service could not be reached: .*ProxyError"):
            pip_audit.conclude(run(impatient), SOURCE)


def test_the_callers_proxies_and_certificates_reach_the_tool_that_asks_the_public_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "HTTPS_PROXY": "http://p",
        "NO_PROXY": "intern",
        "SSL_CERT_FILE": "/c",
        "AWS_SECRET": "x",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)
    with pip_audit.commands(request(tmp_path, {"requirements.txt": "django==3.2"}, Options())) as (command,):
        assert command.environment["HTTPS_PROXY"] == "http://p"
        assert command.environment["no_proxy"] == "intern,127.0.0.1"
        assert command.environment["SSL_CERT_FILE"] == "/c"
        assert "AWS_SECRET" not in command.environment


def test_damaged_advisories_and_doubtful_ones_are_problems(tmp_path: Path, data: Path) -> None:
    (data / "broken.json").write_text("{")
    part = {"package": {"name": "django", "ecosystem": "PyPI"}}
    (data / "P2.json").write_bytes(orjson.dumps({"id": "P2", "modified": "2024-01-01", "affected": [part]}))
    reading = audit(tmp_path, {"requirements.txt": "django==3.2"}, data)
    assert [problem.split(":")[0] for problem in reading.problems] == [
        "advisory broken.json cannot be read",
        "P2 cannot be judged for django 3.2",
    ]
    assert len(reading.findings) == 1


def test_advisories_that_are_not_there_are_wrong_usage(tmp_path: Path) -> None:
    options = Options(advisories=tmp_path / "missing.zip")
    with pytest.raises(UsageError, match="no advisories"):
        pip_audit.configuration(options)
    with (
        pytest.raises(UsageError, match="no advisories"),
        pip_audit.commands(request(tmp_path, {"setup.py": ""}, options)),
    ):
        pytest.fail("it started")


def test_the_configuration_tells_data_and_options_apart(data: Path) -> None:
    every = [Options(), Options(advisories=data), Options(resolve=True), Options(advisories=data, resolve=True)]
    assert len({pip_audit.configuration(options) for options in every}) == 4
    assert pip_audit.configuration(Options(advisories=data)) == pip_audit.configuration(Options(advisories=data))


def test_the_version_is_that_of_the_tool_that_is_run() -> None:
    said = subprocess.run(
        [sys.executable, "-I", "-m", "pip_audit", "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip().endswith(f" {pip_audit.version()}")


# What the tool alone does: the reasons why its manifests are ours


@pytest.mark.parametrize(
    "text",
    [
        "-r other.txt\n",
        'django==3.2 ; python_version < "3"\n',
        "# nothing\n",
        "https://example.org/django-3.2.tar.gz\n",
    ],
)
def test_the_tool_alone_calls_it_clean_when_it_audited_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "requirements.txt").write_text(text)
    (tmp_path / "other.txt").write_text("django==3.2\n")
    ended = plain(tmp_path / "requirements.txt")
    assert (ended.returncode, "No known vulnerabilities found" in ended.stderr) == (0, True)
    assert not [one for one in json.loads(ended.stdout)["dependencies"] if "skip_reason" not in one]


@pytest.mark.parametrize(
    "text", ["bleach==1.0\nbleach[css]\n", "django==3.2\ndjango==3.3\n", "django\n", "what is this\n"]
)
def test_the_tool_alone_gives_up_on_the_whole_file_with_the_exit_code_of_findings(tmp_path: Path, text: str) -> None:
    (tmp_path / "requirements.txt").write_text(text)
    ended = plain(tmp_path / "requirements.txt")
    assert (ended.returncode, ended.stdout) == (1, "")


# What is concluded from reports that the tool could write


def test_a_dependency_that_the_report_lacks_is_skipped_by_name(planned: Command) -> None:
    reading = pip_audit.conclude(ended(planned, {"dependencies": [dependency("six", "1.15")], "fixes": []}), SOURCE)
    assert reading.skipped == {"requirements.txt#django": "pip-audit did not report on it"}
    assert reading.scanned == {"requirements.txt": "", "requirements.txt#six": "1.15"}


def test_a_dependency_in_another_version_than_asked_is_not_taken_for_it(planned: Command) -> None:
    report = {"dependencies": [dependency("six", "1.15"), dependency("django", "3.3", "PYSEC-9")], "fixes": []}
    reading = pip_audit.conclude(ended(planned, report, exit_code=1), SOURCE)
    assert "requirements.txt#django" in reading.skipped
    assert any("never asked for advisories of django 3.3" in problem for problem in reading.problems)


def test_a_dependency_that_the_tool_skipped_is_skipped_with_its_reason(planned: Command) -> None:
    report = {"dependencies": [{"name": "django", "skip_reason": "not found"}, dependency("six", "1.15")], "fixes": []}
    reading = pip_audit.conclude(ended(planned, report), SOURCE)
    assert reading.skipped == {"requirements.txt#django": "not found"}


def test_zero_dependencies_collected_are_all_skipped(planned: Command) -> None:
    reading = pip_audit.conclude(ended(planned, {"dependencies": [], "fixes": []}), SOURCE)
    assert set(reading.skipped) == {"requirements.txt#django", "requirements.txt#six"}


@pytest.mark.parametrize(("vulnerabilities", "exit_code"), [([], 1), (["PYSEC-1"], 0), (["PYSEC-1"], 2), ([], 137)])
def test_an_exit_code_that_does_not_fit_the_report_is_a_problem(
    planned: Command, vulnerabilities: list[str], exit_code: int
) -> None:
    report = {"dependencies": [dependency("six", "1.15"), dependency("django", "3.2", *vulnerabilities)]}
    (problem,) = pip_audit.conclude(ended(planned, report, exit_code), SOURCE).problems
    assert "does not fit its report" in problem


def test_an_advisory_that_the_tool_says_it_dropped_is_a_problem(planned: Command) -> None:
    said = "WARNING:pip_audit._cli:harmless\nWARNING:pip_audit._service.osv:Unsupported OSV schema version: 2.0\n"
    report = {"dependencies": [dependency("six", "1.15"), dependency("django", "3.2")]}
    (problem,) = pip_audit.conclude(ended(planned, report, errors=said), SOURCE).problems
    assert "Unsupported OSV schema version" in problem


@pytest.mark.parametrize(
    ("report", "errors", "said"),
    [
        (b"", "Traceback\nValueError: it broke\n", "exit code 1: ValueError: it broke"),
        (b"", "", "exit code 1: the report is empty"),
        (b'{"dependencies": [', "", "exit code 1: the report is no JSON"),
        (b"", "x.ReadTimeout: HTTPSConnectionPool\n\nthe above\n", "could not be reached: x.ReadTimeout"),
    ],
)
def test_a_crash_is_an_error_that_says_why(planned: Command, report: bytes, errors: str, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        pip_audit.conclude(ended(planned, report, 1, errors), SOURCE)


def test_what_is_concluded_does_not_depend_on_the_order_of_aliases(planned: Command, tmp_path: Path) -> None:
    words = {"severity": "low", "severity_source": "cvss", "cwes": [], "references": []}
    advice = {name: {"title": name, **words} for name in ("CVE-1", "GHSA-3333-3333-3333")}
    answer = tmp_path / "workspace" / "answers" / "django==3.2.json"
    answer.write_text(json.dumps({"advice": advice, "doubts": [], "withdrawn": []}))

    def concluded(*aliases: str) -> Reading:
        row = {"id": "PYSEC-1", "fix_versions": ["3.3"], "aliases": list(aliases), "description": "d"}
        report = {"dependencies": [dependency("six", "1.15"), {**dependency("django", "3.2"), "vulns": [row]}]}
        return pip_audit.conclude(ended(planned, report, 1), SOURCE)

    assert concluded("CVE-1", "GHSA-3333-3333-3333") == concluded("GHSA-3333-3333-3333", "CVE-1")


# Reports of others


def read(report: object) -> Reading:
    return pip_audit.read(report if isinstance(report, bytes) else json.dumps(report).encode(), SOURCE)


def corpus() -> list[tuple[str, int]]:
    index = CORPUS / "INDEX.tsv"
    rows = [line.split("\t") for line in index.read_text().splitlines()] if index.exists() else []
    return [(row[1], int(row[3])) for row in rows if row[0] == "pip_audit"]


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of reports is not at hand")
@pytest.mark.parametrize(("name", "count"), corpus())
def test_each_report_of_the_corpus_gives_as_many_findings_as_it_holds(name: str, count: int) -> None:
    content = (CORPUS / "pip_audit" / name).read_bytes()
    assert pip_audit.recognises(orjson.loads(content))
    assert len(read(content).findings) == count


def test_a_report_of_others_names_no_manifest_and_no_severity() -> None:
    skipped = {"name": "Azure_X", "skip_reason": "not found"}
    row = {"id": "PYSEC-1", "fix_versions": ["3.10", "odd"]}
    for report in ([{"name": "Django", "version": "3.2", "vulns": [row]}, skipped],):
        for form in (report, {"dependencies": report, "fixes": []}):
            reading = read(form)
            (finding,) = reading.findings
            assert (finding.locations, finding.severity, finding.fix) == ((), Severity.UNKNOWN, "")
            assert (finding.severity_source, finding.message) == (SeveritySource.DEFAULT, "django: PYSEC-1")
            assert (reading.scanned, reading.skipped) == ({"#django": "3.2"}, {"#azure-x": "not found"})


@pytest.mark.parametrize("report", [[], {"dependencies": []}, {"dependencies": [], "fixes": []}])
def test_a_report_of_no_dependency_is_a_problem_not_a_clean_result(report: object) -> None:
    assert read(report) == Reading((), scanned={}, problems=("the report names no dependency: nothing was audited",))


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (b"", "empty"),
        (b'{"dependencies":', "no JSON"),
        ({}, "expected a list at `dependencies`, found nothing"),
        (None, "expected an object at the top of the report, found null"),
        ("text", "expected an object"),
        ({"dependencies": {}}, "expected a list"),
        (["x"], r"dependencies\[0\]"),
        ([{"version": "1", "vulns": []}], r"dependencies\[0\]: expected a string at `name`"),
        ([{"name": "a", "vulns": []}], "`version`"),
        ([{"name": "a", "version": 1, "vulns": []}], "`version`"),
        ([{"name": "a", "version": "1"}], "`vulns`"),
        ([{"name": "a", "skip_reason": None}], "`skip_reason`"),
        ([{"name": "a", "version": "1", "vulns": [{"fix_versions": []}]}], r"vulns\[0\]: expected a string at `id`"),
        ([{"name": "a", "version": "1", "vulns": [{"id": "x"}]}], "`fix_versions`"),
        ([{"name": "a", "version": "1", "vulns": [{"id": "x", "fix_versions": [1]}]}], "`fix_versions`"),
        ([{"name": "a", "version": "1", "vulns": [{"id": "x", "fix_versions": [], "aliases": "y"}]}], "`aliases`"),
    ],
)
def test_a_damaged_report_is_an_error_that_says_where(report: object, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        read(report)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        None,
        "x",
        {"dependencies": {}},
        {"dependencies": [], "name": "a lock of npm"},
        [{"name": "x"}],
        ["x"],
        [{"id": "x", "version": "1", "vulns": []}],
        {"dependencies": [{"fileName": "x"}]},
    ],
)
def test_what_others_write_is_not_recognised(document: object) -> None:
    assert not pip_audit.recognises(document)


# Resolving


def test_resolving_is_off_by_default_and_then_one_command_more_for_each_loose_manifest(
    tmp_path: Path, data: Path
) -> None:
    loose = '[project]\ndependencies = ["django>=3"]'
    files = {
        "requirements.txt": "six\n",
        "full-requirements.txt": "six==1.15",
        "a/pyproject.toml": loose,
        "setup.cfg": "[options]\ninstall_requires = x",
    }
    planning = request(tmp_path, files, Options(advisories=data))
    with pip_audit.commands(planning) as commands:
        assert len(commands) == 1
    for path in planning.workspace.iterdir():
        path.rename(tmp_path / path.name)
    with pip_audit.commands(replace(planning, options=Options(advisories=data, resolve=True))) as commands:
        pinned, first, second = commands
        assert (first.files, second.files) == (("a/pyproject.toml",), ("requirements.txt",))
        assert str(planning.target.root / "a") in first.arguments
        assert str(planning.target.root / "requirements.txt") in second.arguments
        assert "--disable-pip" not in second.arguments
        assert first.cost > pinned.cost
        reading = pip_audit.conclude(ended(pinned, {"dependencies": [dependency("six", "1.15")]}), SOURCE)
        assert set(reading.skipped) == {"setup.cfg#x"}


def test_what_resolving_would_not_even_try_stays_skipped(tmp_path: Path, data: Path) -> None:
    pyproject = '[project]\ndynamic = ["dependencies"]\n[dependency-groups]\na = ["django"]\n'
    with pip_audit.commands(
        request(tmp_path, {"pyproject.toml": pyproject}, Options(advisories=data, resolve=True))
    ) as (pinned, resolving):
        nothing: dict[str, object] = {"dependencies": []}
        assert set(pip_audit.conclude(ended(pinned, nothing), SOURCE).skipped) == {"pyproject.toml:2"}
        assert set(pip_audit.conclude(ended(resolving, nothing), SOURCE).skipped) == {"pyproject.toml#django"}


@pytest.fixture
def resolution(tmp_path: Path, data: Path) -> Iterator[Command]:
    """The command that has pip resolve `django>=3` and `six`."""
    files = {"requirements.txt": "django>=3\nsix\n"}
    with pip_audit.commands(request(tmp_path, files, Options(advisories=data, resolve=True))) as (_, command):
        yield command


def test_what_pip_resolved_is_found_at_the_line_that_asked_for_it(resolution: Command, tmp_path: Path) -> None:
    for name in ("django==3.2", "six==1.15", "transitive==1"):
        (tmp_path / "workspace" / "answers" / f"{name}.json").write_text(
            '{"advice": {}, "doubts": [], "withdrawn": []}'
        )
    packages = [dependency("django", "3.2", "P-1"), dependency("transitive", "1", "P-2")]
    reading = pip_audit.conclude(ended(resolution, {"dependencies": packages}, 1), SOURCE)

    def place(finding: Finding) -> tuple[str, str, int | None]:
        return finding.rule.id, finding.locations[0].path, finding.locations[0].line

    assert [place(one) for one in reading.findings] == [
        ("P-1", "asset/requirements.txt", 1),
        ("P-2", "asset/requirements.txt", None),
    ]
    assert reading.skipped == {"requirements.txt#six": "pip-audit did not report on it"}


def test_a_resolution_that_failed_is_a_problem_and_its_manifest_is_skipped(resolution: Command) -> None:
    reading = pip_audit.conclude(ended(resolution, b"", 1, "ERROR:pip_audit._cli:Failed to install packages\n"), SOURCE)
    assert (reading.findings, reading.scanned) == ((), {})
    assert "Failed to install packages" in reading.problems[0]
    assert reading.skipped == {"requirements.txt": reading.problems[0]}


@pytest.mark.slow
def test_the_real_tool_resolves_or_says_why_not(tmp_path: Path, data: Path) -> None:
    files = {"requirements.txt": "six>=1.10\n", "a/requirements.txt": "--no-index\nno-such-package-anywhere>=1\n"}
    with pip_audit.commands(request(tmp_path, files, Options(advisories=data, resolve=True))) as (
        _,
        failing,
        resolving,
    ):
        refused = pip_audit.conclude(run(failing), SOURCE)
        resolved = pip_audit.conclude(run(resolving), SOURCE)
    assert set(refused.skipped) == {"a/requirements.txt"}
    if resolved.problems:
        pytest.skip(f"there is no package index to resolve with: {resolved.problems[0]}")
    assert set(resolved.scanned or {}) == {"requirements.txt", "requirements.txt#six"}
