"""What holds for every reader of reports about packages, over the corpus of real reports beside this repository."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import orjson
import pytest

from fixby.errors import ReportError
from fixby.finding import Category, Finding
from fixby.scan import Scan
from fixby.scanners import registry
from fixby.scanners.formats.format import Report
from fixby.scanners.formats.registry import MODULES, format_named
from fixby.scanners.ingestion import scans_of_report
from fixby.severity import Severity, SeveritySource
from fixby.store.database import Database
from tests.stories import told

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
FORMATS = {
    "anchore_grype": "grype",
    "cyclonedx": "cyclonedx",
    "dependency_check": "dependency-check",
    "github_vulnerability": "dependabot",
    "gitlab_container_scan": "gitlab-dependencies",
    "gitlab_dep_scan": "gitlab-dependencies",
    "npm_audit": "npm-audit",
    "npm_audit_7_plus": "npm-audit",
    "osv_scanner": "osv-scanner",
    "pnpm_audit": "npm-audit",
    "snyk": "snyk",
    "trivy": "trivy",
    "trivy_operator": "trivy-operator",
    "yarn_audit": "yarn-audit",
}
NOT_OURS = {"snykcode_issue_9270.json", "empty_with_error.json"}
"""One is SARIF; one is the error of an audit that never happened, and is refused as that."""
GOLDEN = {
    "alpine-310.gitlab.golden": "gitlab-dependencies",
    "conda-cyclonedx.json.golden": "cyclonedx",
    "conda-spdx.json.golden": "spdx",
    "fluentd-multiple-lockfiles-short.cdx.json.golden": "cyclonedx",
    "grype__presenter__cyclonedx__TestCycloneDxPresenterDir.golden": "cyclonedx",
    "npm-cyclonedx.json.golden": "cyclonedx",
}
OTHERWISE_COUNTED = {
    "one alert is fixed, and no finding": {"github_shiro.json": 0},
    "npm counts packages, and reports two advisories of one": {"npm_audit_7_plus/one_vuln.json": 2},
    "yarn writes a line for each path to a package": {"yarn_audit_multiple_cwes2.json": 2},
    "Snyk writes a record for each path to a package": {"single_project_upgrade_libs.json": 52},
    "the same, and the applications of the image beside its system": {"snykcontainer_issue_9270.json": 30},
    "a control of a compliance report that fails is a finding": {"clustercompliancereport.json": 2},
}
EXPECTED = {name: count for some in OTHERWISE_COUNTED.values() for name, count in some.items()}


def reports() -> Iterator[tuple[Path, str]]:
    """The files of the corpus that are ours, and the format of each."""
    for folder, name in FORMATS.items():
        for file in sorted(CORPUS.glob(f"{folder}/*")):
            if not file.name.endswith((".expected.json", ".error.json")) and file.name not in NOT_OURS:
                yield file, "npm-audit" if file.name.startswith("issue_6495") else name
    for file in sorted(CORPUS.glob("trivy-golden/*.golden")):
        if file.name in GOLDEN or (file.name.endswith(".json.golden") and "k8s__summary" not in file.name):
            yield file, GOLDEN.get(file.name, "trivy")
    for file in sorted(CORPUS.glob("grype-upstream/*presenter__[cje]*")):
        if not file.name.endswith(".expected.json"):
            yield file, GOLDEN.get(file.name, "grype")


REPORTS = list(reports())
NAMES = [f"{file.parent.name}/{file.name}" for file, _ in REPORTS]
COUNTS = (
    {
        f"{row[0]}/{row[1]}": int(row[3])
        for row in (line.split("\t") for line in (CORPUS / "INDEX.tsv").read_text().splitlines()[1:])
        if row[3:4] and row[3].isdigit()
    }
    if REPORTS
    else {}
)
every_report = pytest.mark.parametrize(("file", "name"), REPORTS, ids=NAMES)
pytestmark = pytest.mark.skipif(not REPORTS, reason="there is no corpus of reports beside this repository")


def scans(content: bytes, tool: str | None = None) -> list[Scan]:
    return scans_of_report(content, tool, b"key", 1)


def findings_of(content: bytes) -> list[Finding]:
    return [finding for scan in scans(content) for finding in scan.findings]


def is_refused_or_partial(content: bytes, tool: str | None) -> bool:
    try:
        some = scans(content, tool)
    except ReportError as error:
        return bool(error.message)
    return all(scan.reasons for scan in some)


@every_report
def test_a_report_is_recognised_by_its_reader_alone(file: Path, name: str) -> None:
    report = Report(file.read_bytes())
    assert [one for one in MODULES if format_named(one).recognises(report)] == [name]
    assert not any(registry.scanner(native).recognises(report.json) for native in registry.MODULES)


def test_reports_about_anything_else_are_left_to_others() -> None:
    ours, known = {*FORMATS.values(), "spdx"}, {file for file, _ in REPORTS}
    others = [file for file in CORPUS.glob("*/*") if file not in known and file.name not in NOT_OURS]
    for file in others:
        report = Report(file.read_bytes())
        assert not [one for one in MODULES if one in ours and format_named(one).recognises(report)], file


@every_report
def test_as_many_findings_are_read_as_the_report_has(file: Path, name: str) -> None:
    found = findings_of(file.read_bytes())
    place = f"{file.parent.name}/{file.name}"
    if place in COUNTS or file.name in EXPECTED:
        assert len(found) == EXPECTED.get(place, EXPECTED.get(file.name, COUNTS.get(place))), name


@every_report
def test_every_finding_says_what_where_and_how_bad(file: Path, name: str) -> None:
    for one in findings_of(file.read_bytes()):
        assert one.rule.id, name
        assert one.rule.title
        assert one.message
        assert one.locations or one.component
        assert (one.severity is Severity.UNKNOWN) == (one.severity_source is SeveritySource.DEFAULT)
        assert all(re.fullmatch(r"CWE-\d+", cwe) for cwe in one.rule.cwes)
        assert not any(
            "\0" in place.path or place.path.startswith("..") or "\\" in place.path for place in one.locations
        )
        if one.category in (Category.DEPENDENCY, Category.CONTAINER):
            assert one.component
            assert one.component.purl.startswith("pkg:")
            assert all(version.strip() == version != "" for version in one.component.fixed_versions)


_NAME = re.compile(r"\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3})\b")


@every_report
def test_every_name_of_a_vulnerability_is_told(file: Path, name: str) -> None:
    """Names in the structured fields of the report; those in prose and links may be of others."""
    told_of = {known for one in findings_of(file.read_bytes()) for known in one.identifiers.names}
    if file.suffix == ".xml" or name in ("spdx", "yarn-audit") or file.name == "github_shiro.json":
        return
    fields = {"VulnerabilityID", "vulnerabilityID", "ghsaId", "github_advisory_id", "aliases", "cves", "CVE", "GHSA"}
    waiting: list[tuple[str, object]] = [("", orjson.loads(file.read_bytes()))]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(inner, one) for inner, one in value.items() if inner != "remediation"]
        elif isinstance(value, list):
            waiting += [(key, one) for one in value]
        elif key in fields and isinstance(value, str) and _NAME.fullmatch(value):
            assert value in told_of


@every_report
def test_the_same_report_gives_the_same_in_any_order_of_its_keys(file: Path, name: str) -> None:
    assert scans(file.read_bytes()) == scans(file.read_bytes()) == scans(file.read_bytes(), name)


@every_report
def test_a_report_that_is_cut_short_is_refused_or_partial(file: Path, name: str) -> None:
    content = file.read_bytes().rstrip()
    for cut in range(50):
        end = len(content) * cut // 50
        if end and content[:end].rstrip() == content:
            continue
        assert is_refused_or_partial(content[:end], name), f"cut at {end} of {len(content)}"


@pytest.mark.parametrize("name", sorted(MODULES))
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"[null]", b'"a"', b"<a/>", b"<a>", b"\xff\xfe", b"{"])
def test_what_is_no_report_is_refused(content: bytes, name: str) -> None:
    with pytest.raises(ReportError):
        assert all(scan.reasons for scan in scans(content))
    assert is_refused_or_partial(content, name)


PROBES = [file for folder in FORMATS for file in sorted(CORPUS.glob(f"probes/{folder}__*"))]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_probe_is_refused_or_partial(probe: Path) -> None:
    for tool in (None, FORMATS[probe.name.partition("__")[0]]):
        assert is_refused_or_partial(probe.read_bytes(), tool)


def test_the_same_reports_twice_change_nothing(database: Database) -> None:
    for file, _ in REPORTS:
        some = scans(file.read_bytes())
        for one in some:
            told(database, one, asset=f"{file.parent.name}/{file.name}")
        for one in some:
            again = told(database, replace(one, started_at=9, finished_at=9), asset=f"{file.parent.name}/{file.name}")
            assert (again.new, again.fixed, again.reopened, again.not_observed) == ((), (), (), ()), file.name


@pytest.mark.parametrize("name", sorted({name for _, name in REPORTS}))
def test_a_wrong_type_anywhere_is_refused_and_never_a_crash(name: str) -> None:
    """Each value of a small report in turn replaced by one of another type."""
    some = [file for file, own in REPORTS if own == name and file.suffix != ".xml" and file.stat().st_size < 9000]
    for file in some[:2]:
        lines = (
            file.read_bytes().splitlines()
            if name == "yarn-audit" and file.read_bytes()[:2] == b'{"'
            else [file.read_bytes()]
        )
        for number, line in enumerate(lines):
            for damaged in _damaged(orjson.loads(line)):
                content = b"\n".join([*lines[:number], damaged, *lines[number + 1 :]])
                with suppress(ReportError):
                    scans(content, name)


def _damaged(document: object) -> Iterator[bytes]:
    waiting: list[object] = [document]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            kept = holder[key]  # type: ignore[index]
            for other in (None, 7, "a\u0000\u202e", [], {}, [None], {"a": 1}, True):
                holder[key] = other  # type: ignore[index]
                yield orjson.dumps(document)
            holder[key] = kept  # type: ignore[index]
            waiting.append(kept)


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>'


@pytest.mark.parametrize("name", ["cyclonedx", "dependency-check"])
@pytest.mark.parametrize(
    "content",
    [
        f'{BOMB}<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components>&c;</components></bom>',
        f'{BOMB}<analysis xmlns="https://jeremylong.github.io/DependencyCheck/x.xsd">&c;</analysis>',
        '<bom xmlns="http://cyclonedx.org/schema/bom/1.4">' + "<components>" * 100_000,
        '<!DOCTYPE bom [<!ENTITY x SYSTEM "file:///etc/passwd">]><bom>&x;</bom>',
    ],
)
def test_hostile_xml_is_refused(content: str, name: str) -> None:
    with pytest.raises(ReportError):
        scans(content.encode(), name)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_deep_nesting_is_refused(name: str) -> None:
    for content in (b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000):
        with pytest.raises(ReportError):
            scans(content, name)


SECRETS = [unquote("ghp%5F0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")]


def test_no_secret_beside_the_one_that_trivy_masks_gets_through() -> None:
    everything = repr(findings_of((CORPUS / "trivy-golden" / "secrets.json.golden").read_bytes()))
    assert not any(secret in everything for secret in SECRETS)


def test_what_trivy_did_not_mask_is_masked() -> None:
    row = {
        "RuleID": "x",
        "Severity": "HIGH",
        "Title": "T",
        "StartLine": 1,
        "EndLine": 1,
        "Match": "plainly-told-hunter2",
    }
    document = {
        "SchemaVersion": 2,
        "ArtifactName": ".",
        "Results": [{"Target": "a", "Class": "secret", "Secrets": [row]}],
    }
    assert "hunter2" not in repr(findings_of(json.dumps(document).encode()))
