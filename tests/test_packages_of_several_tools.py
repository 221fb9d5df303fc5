"""One vulnerable package told by several tools is one finding; and what the readers of their reports make of states."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from fixby.finding import Category, Finding
from fixby.scan import Scan
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.places import image_name
from fixby.scanners.ingestion import scans_of_report
from fixby.severity import Severity, SeveritySource
from fixby.store.database import Database
from tests.command import called, repository
from tests.stories import found, the_one, told

Row = Mapping[str, object]

RECORD = {
    "id": "PYSEC-2014-8",
    "modified": "2024-01-01T00:00:00Z",
    "aliases": ["CVE-2014-1402", "GHSA-8r7q-cvjq-x353"],
    "summary": "Code can be run by jinja2",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.7.2"}]}],
        }
    ],
}
TRIVY_ROW = {
    "VulnerabilityID": "CVE-2014-1402",
    "PkgName": "Jinja2",
    "PkgIdentifier": {"PURL": "pkg:pypi/jinja2@2.7.1"},
    "InstalledVersion": "2.7.1",
    "FixedVersion": "2.7.2",
    "Severity": "MEDIUM",
}
GRYPE_MATCH = {
    "vulnerability": {
        "id": "GHSA-8r7q-cvjq-x353",
        "severity": "Medium",
        "fix": {"versions": ["2.7.2"], "state": "fixed"},
    },
    "relatedVulnerabilities": [{"id": "CVE-2014-1402"}],
    "artifact": {
        "name": "Jinja2",
        "version": "2.7.1",
        "type": "python",
        "purl": "pkg:pypi/Jinja2@2.7.1",
        "locations": [{"path": "/requirements.txt"}],
    },
}


def trivy(*results: Row, kind: str = "filesystem", name: str = ".", **others: object) -> Row:
    return {"SchemaVersion": 2, "ArtifactName": name, "ArtifactType": kind, "Results": list(results), **others}


def pip(*rows: Row, target: str = "requirements.txt", **others: object) -> Row:
    return {"Target": target, "Class": "lang-pkgs", "Type": "pip", "Vulnerabilities": list(rows), **others}


def grype(*matches: Row, **others: object) -> Row:
    source = {"type": "directory", "target": "."}
    return {"matches": list(matches), "source": source, "descriptor": {"name": "grype", "version": "0.90.0"}, **others}


def scan(document: object) -> Scan:
    [one] = scans_of_report(json.dumps(document).encode(), None, b"key", 1)
    return one


def finding(document: object) -> Finding:
    [one] = scan(document).findings
    return one


def test_one_package_told_by_pip_audit_trivy_and_grype_is_one_finding_with_three_sightings(tmp_path: Path) -> None:
    files = {
        "shop/requirements.txt": "jinja2==2.7.1\n",
        "known/PYSEC-2014-8.json": json.dumps(RECORD),
        "trivy.json": json.dumps(trivy(pip(TRIVY_ROW))),
        "grype.json": json.dumps(grype(GRYPE_MATCH)),
    }
    shop = repository(tmp_path, files) / "shop"
    arguments = ("--scanner", "pip-audit", "--advisories", tmp_path / "known")
    assert called("scan", ".", *arguments, "--store", "f.db", cwd=shop).code == 0
    for report in ("trivy.json", "grype.json"):
        ended = called("ingest", tmp_path / report, "--store", "f.db", "--json", cwd=shop)
        assert (ended.code, ended.document["scans"][0]["new"]) == (0, 0)
    [one] = called("list", "--store", "f.db", "--json", cwd=shop).document["findings"]
    assert {sighting["scanner"] for sighting in one["sightings"]} == {"grype", "pip-audit", "trivy"}


@pytest.mark.parametrize("reverse", [False, True])
def test_a_package_of_an_image_is_one_finding_for_trivy_grype_and_the_operator(
    database: Database, *, reverse: bool
) -> None:
    inner = "usr/lib/python3/dist-packages/Jinja2-2.7.1.dist-info/METADATA"
    by_trivy = trivy(pip({**TRIVY_ROW, "PkgPath": inner}, target="Python"), kind="container_image", name="shop:1")
    artifact = {**GRYPE_MATCH["artifact"], "locations": [{"path": f"/{inner}"}]}  # type: ignore[dict-item]
    image = {"type": "image", "target": {"userInput": "docker.io/library/shop:2@sha256:" + 64 * "0"}}
    by_grype = grype({**GRYPE_MATCH, "artifact": artifact}, source=image)
    row = {
        "vulnerabilityID": "CVE-2014-1402",
        "resource": "Jinja2",
        "installedVersion": "2.7.1",
        "packagePURL": "pkg:pypi/jinja2@2.7.1",
        "pkgPath": inner,
        "severity": "MEDIUM",
    }
    by_operator = {
        "apiVersion": "aquasecurity.github.io/v1alpha1",
        "kind": "VulnerabilityReport",
        "metadata": {"name": "a"},
        "report": {
            "artifact": {"repository": "library/shop"},
            "registry": {"server": "index.docker.io"},
            "vulnerabilities": [row],
        },
    }
    documents = [by_trivy, by_grype, by_operator]
    for document in reversed(documents) if reverse else documents:
        told(database, scan(document))
    assert the_one(database).finding.component
    assert {name for (name,) in database.run("SELECT scanner FROM sighting")} == {"trivy", "grype", "trivy-operator"}


def test_systems_of_a_new_tag_of_an_image_are_the_same_findings(database: Database) -> None:
    row = {**TRIVY_ROW, "PkgName": "bash", "PkgIdentifier": {"PURL": "pkg:deb/debian/bash@5?arch=amd64"}}
    for tag in ("1", "2@sha256:" + 64 * "a"):
        result = {"Target": f"shop:{tag} (debian 12.5)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [row]}
        told(database, scan(trivy(result, kind="container_image", name=f"shop:{tag}")))
    assert [one.finding.path for one in found(database)] == ["shop"]


def test_what_was_told_not_to_matter_is_suppressed_with_the_reason() -> None:
    modified = {"Type": "vulnerability", "Status": "not_affected", "Statement": "never called", "Source": "vex.json"}
    one = finding(trivy(pip(ExperimentalModifiedFindings=[{**modified, "Finding": TRIVY_ROW}])))
    assert one.suppression
    assert (one.suppression.by, one.suppression.reason) == ("vex.json", "not affected: never called")
    rules = [{"vulnerability": "GHSA-8r7q-cvjq-x353", "reason": "only in tests"}]
    ignored = finding(grype(ignoredMatches=[{**GRYPE_MATCH, "appliedIgnoreRules": rules}]))
    assert ignored.suppression
    assert ignored.suppression.reason == "only in tests"


def test_checks_that_passed_are_no_findings_and_those_with_an_exception_are_suppressed() -> None:
    rows = [{"ID": f"DS00{number}", "Severity": "LOW", "Status": status} for number, status in enumerate(_STATUSES)]
    failed, excepted = scan(trivy({"Target": "Dockerfile", "Class": "config", "Misconfigurations": rows})).findings
    assert (failed.rule.id, failed.suppression, failed.category) == ("DS001", None, Category.MISCONFIGURATION)
    assert (excepted.rule.id, bool(excepted.suppression)) == ("DS002", True)


_STATUSES = ("PASS", "FAIL", "EXCEPTION")


def test_a_system_past_its_end_of_life_makes_the_scan_partial() -> None:
    metadata = {"OS": {"Family": "alpine", "Name": "3.9.4", "EOSL": True}}
    assert "past its end of life" in scan(trivy(pip(TRIVY_ROW), Metadata=metadata)).reasons[0]


def test_a_database_that_is_not_in_order_makes_the_scan_partial() -> None:
    descriptor = {
        "name": "grype",
        "version": "0.90.0",
        "db": {"status": {"built": "2020-01-02T00:00:00Z", "error": "old"}},
    }
    one = scan(grype(GRYPE_MATCH, descriptor=descriptor))
    assert one.reasons == ("the database, built 2020-01-02T00:00:00Z, is not in order: old",)
    assert one.tool_version == "0.90.0 (database of 2020-01-02)"


def test_a_severity_that_nobody_says_is_that_of_cvss_or_unknown() -> None:
    unknown = {**TRIVY_ROW, "Severity": "UNKNOWN"}
    assert finding(trivy(pip(unknown))).severity is Severity.UNKNOWN
    scored = finding(trivy(pip({**unknown, "CVSS": {"nvd": {"V2Score": 9.9, "V3Score": 7.5}}})))
    assert (scored.severity, scored.severity_source) == (Severity.HIGH, SeveritySource.CVSS)


def test_all_fixed_versions_are_told() -> None:
    one = finding(trivy(pip({**TRIVY_ROW, "FixedVersion": "2.7.2, 3.0.1"})))
    assert one.component
    assert one.component.fixed_versions == ("2.7.2", "3.0.1")
    assert one.fix == "Upgrade Jinja2 to one of the fixed versions: 2.7.2, 3.0.1."


def test_a_notice_about_several_vulnerabilities_is_no_name_of_one() -> None:
    one = finding(trivy(pip({**TRIVY_ROW, "VendorIDs": ["DSA-1-1", "GHSA-8r7q-cvjq-x353"]})))
    assert one.identifiers.names == ("CVE-2014-1402", "GHSA-8r7q-cvjq-x353")
    assert "DSA-1-1" in one.message


def test_a_document_of_components_alone_closes_nothing(database: Database) -> None:
    component = {
        "bom-ref": "a",
        "type": "library",
        "name": "jinja2",
        "version": "2.7.1",
        "purl": "pkg:pypi/jinja2@2.7.1",
    }
    weakness = {"id": "CVE-2014-1402", "ratings": [{"severity": "high"}], "affects": [{"ref": "a"}]}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}
    assert len(told(database, scan({**document, "vulnerabilities": [weakness]})).new) == 1
    later = told(database, scan({**document, "components": [{**component, "version": "2.8"}], "vulnerabilities": []}))
    assert later.fixed == ()


@pytest.mark.parametrize("state", ["false_positive", "not_affected", "resolved"])
def test_an_analysis_that_closes_a_vulnerability_suppresses_it(state: str) -> None:
    analysis = {"state": state, "justification": "code_not_reachable", "detail": "Not called."}
    weakness = {"id": "CVE-1-1", "analysis": analysis, "affects": [{"ref": "pkg:pypi/a@1"}]}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [], "vulnerabilities": [weakness]}
    one = finding(document)
    assert one.suppression
    assert one.suppression.reason == f"{state}: code_not_reachable: Not called.".replace("_", " ")


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("nginx", "nginx"),
        ("docker.io/library/nginx:1.27@sha256:" + 64 * "f", "nginx"),
        ("index.docker.io/library/nginx", "nginx"),
        ("registry:5000/team/shop:1.0", "registry:5000/team/shop"),
        ("registry:5000/team/shop", "registry:5000/team/shop"),
        ("docker-image|team/shop", "team/shop"),
        ("images/alpine-39.tar.gz", "images/alpine-39.tar.gz"),
        ("../images/alpine.tar", "images/alpine.tar"),
        ("sha256:" + 64 * "f", "image"),
        ("", "image"),
    ],
)
def test_the_name_of_an_image_is_what_stays_when_it_is_built_again(reference: str, name: str) -> None:
    assert image_name(reference) == name


@pytest.mark.parametrize(
    ("word", "name", "purl"),
    [
        ("java-archive", "org.apache:log4j", "pkg:maven/org.apache/log4j@1"),
        ("npm", "@scope/name", "pkg:npm/%40scope/name@1"),
        ("gomod", "github.com/a/b", "pkg:golang/github.com/a/b@1"),
        ("Debian:10", "bash", "pkg:deb/debian/bash@1"),
        ("pip", "Jinja2", "pkg:pypi/jinja2@1"),
        ("of nobody", "a", "pkg:generic/a@1"),
    ],
)
def test_every_tools_word_for_an_ecosystem_is_a_type_of_package_url(word: str, name: str, purl: str) -> None:
    assert package("", word, name, "1").purl == purl
    assert package("no purl", word, name, "1").purl == purl
