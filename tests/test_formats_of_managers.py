"""What readers make of advisories that package managers and platforms tell, in forms that the corpus has few of."""

import json
from collections.abc import Mapping

import pytest

from fixby.errors import ReportError
from fixby.finding import Category, Finding
from fixby.scan import Scan
from fixby.scanners.ingestion import scans_of_report
from fixby.severity import Severity, SeveritySource

Row = Mapping[str, object]


def scan(document: object) -> Scan:
    [one] = scans_of_report(json.dumps(document).encode(), None, b"key", 1)
    return one


def finding(document: object) -> Finding:
    [one] = scan(document).findings
    return one


def node(name: str, via: list[object], effects: list[str], fix: object = True) -> Row:  # noqa: FBT002 - as npm has it
    return {"name": name, "severity": "high", "via": via, "effects": effects, "nodes": [], "fixAvailable": fix}


def test_npm_tells_an_advisory_once_with_all_that_bring_it_in() -> None:
    url = "https://github.com/advisories/GHSA-vh95-rmgr-6w4m"
    via = {"source": 7, "name": "minimist", "title": "Pollution", "url": url, "severity": "moderate", "range": "<1.2.3"}
    fix = {"name": "mocha", "version": "9.0.0", "isSemVerMajor": True}
    nodes = {
        "minimist": node("minimist", [via], ["mkdirp"], fix),
        "mkdirp": node("mkdirp", ["minimist"], ["mocha"]),
        "mocha": node("mocha", ["mkdirp"], []),
    }
    one = finding({"auditReportVersion": 2, "vulnerabilities": nodes, "metadata": {}})
    assert one.identifiers.names == ("GHSA-vh95-rmgr-6w4m",)
    assert (one.severity, one.fix) == (Severity.MEDIUM, "Upgrade mocha to 9.0.0 (a breaking change).")
    assert "Brought in by: mkdirp, mocha." in one.message


def test_an_audit_that_failed_is_no_report() -> None:
    with pytest.raises(ReportError, match="ENOLOCK"):
        scan({"error": {"code": "ENOLOCK", "summary": "This command requires an existing lockfile.", "detail": ""}})


def test_a_range_of_patched_versions_has_its_first_as_fixed_and_none_where_it_is_not_in_it() -> None:
    advisory = {"module_name": "a", "title": "t", "severity": "low", "findings": [{"version": "1", "paths": ["a"]}]}
    for patched, fixed in {
        ">=3.0.8 <4.0.0 || >=4.5.3": ("3.0.8", "4.5.3"),
        "<0.0.0": (),
        ">1.2.3": (),
        "": (),
    }.items():
        one = finding({"advisories": {"1": {**advisory, "patched_versions": patched}}, "metadata": {}, "actions": []})
        assert one.component
        assert one.component.fixed_versions == fixed


def test_yarn_4_writes_a_line_for_each_issue() -> None:
    children = {
        "ID": 1097682,
        "Issue": "tough-cookie Prototype Pollution",
        "URL": "https://github.com/advisories/GHSA-72xf-g2v4-qvf3",
        "Severity": "moderate",
        "Tree Versions": ["4.0.0"],
        "Dependents": ["jsdom@npm:16.7.0"],
    }
    one = finding({"value": "tough-cookie", "children": children})
    assert (one.scanner, one.rule.id, one.severity) == ("yarn-audit", "GHSA-72xf-g2v4-qvf3", Severity.MEDIUM)
    assert one.component
    assert one.component.version == "4.0.0"


def test_a_report_of_yarn_without_its_summary_was_cut_short() -> None:
    line = {"type": "auditAdvisory", "data": {"advisory": {"id": 1, "module_name": "a", "findings": []}}}
    assert scan(line).reasons == ("the report has no summary: it was cut short",)


ALERT = {
    "number": 1,
    "state": "open",
    "dependency": {"package": {"ecosystem": "pip", "name": "jinja2"}, "manifest_path": "requirements.txt"},
    "security_advisory": {
        "ghsa_id": "GHSA-8r7q-cvjq-x353",
        "cve_id": "CVE-2014-1402",
        "summary": "Code can be run",
        "description": "Long.",
        "severity": "medium",
        "cvss": {"vector_string": None, "score": 0.0},
        "cwes": [{"cwe_id": "CWE-266", "name": "x"}],
        "identifiers": [{"type": "GHSA", "value": "GHSA-8r7q-cvjq-x353"}],
        "references": [{"url": "https://example.org/1"}],
    },
    "security_vulnerability": {
        "package": {"ecosystem": "pip", "name": "jinja2"},
        "severity": "medium",
        "vulnerable_version_range": "< 2.7.2",
        "first_patched_version": {"identifier": "2.7.2"},
    },
    "html_url": "https://github.com/a/b/security/dependabot/1",
}


def test_alerts_of_the_rest_interface_are_open_dismissed_or_fixed() -> None:
    dismissed = {
        **ALERT,
        "number": 2,
        "state": "dismissed",
        "dismissed_reason": "not_used",
        "dismissed_comment": "Tests",
    }
    one, other = scan([ALERT, dismissed, {**ALERT, "number": 3, "state": "fixed"}]).findings
    assert (one.path, one.rule.cwes, one.suppression) == ("requirements.txt", ("CWE-266",), None)
    assert one.identifiers.names == ("CVE-2014-1402", "GHSA-8r7q-cvjq-x353")
    assert one.component
    assert (one.component.purl, one.component.fixed_versions) == ("pkg:pypi/jinja2", ("2.7.2",))
    assert other.suppression
    assert other.suppression.reason == "not_used: Tests"


def test_a_page_of_alerts_and_a_query_that_failed_make_the_scan_partial() -> None:
    connection = {"nodes": [], "pageInfo": {"hasNextPage": True}}
    document = {"data": {"repository": {"vulnerabilityAlerts": connection}}, "errors": [{"message": "timeout"}]}
    reasons = scan(document).reasons
    assert "the query failed: timeout" in reasons
    assert any("one page of several" in reason for reason in reasons)


SNYK_ROW = {
    "id": "SNYK-JS-A-1",
    "title": "Pollution",
    "severity": "high",
    "severityWithCritical": "critical",
    "packageManager": "npm",
    "name": "a",
    "version": "1.0.0",
    "fixedIn": ["1.0.1"],
    "identifiers": {"CVE": ["CVE-2020-1"], "CWE": ["CWE-79"], "GHSA": ["GHSA-8r7q-cvjq-x353"]},
    "from": ["app@1", "b@1.0.0", "a@1.0.0"],
    "upgradePath": [False, "b@1.2.0", "a@1.0.1"],
}


def project(*rows: Row, **others: object) -> Row:
    return {"vulnerabilities": list(rows), "ok": False, "displayTargetFile": "package-lock.json", **others}


def test_snyk_tells_a_package_once_whatever_leads_to_it() -> None:
    one = finding(project(SNYK_ROW, {**SNYK_ROW, "from": ["app@1", "c@1", "a@1.0.0"], "upgradePath": []}))
    assert (one.severity, one.path, one.rule.cwes) == (Severity.CRITICAL, "package-lock.json", ("CWE-79",))
    assert one.identifiers.names == ("CVE-2020-1", "GHSA-8r7q-cvjq-x353", "SNYK-JS-A-1")
    assert one.fix == "Upgrade b@1.0.0 to 1.2.0."
    assert "app@1 > c@1 > a@1.0.0" in one.message


def test_what_a_policy_of_snyk_ignores_is_suppressed() -> None:
    ignored = {**SNYK_ROW, "filtered": {"ignored": [{"reason": "not reachable"}]}}
    one = finding(project(filtered={"ignore": [ignored], "patch": []}))
    assert one.suppression
    assert one.suppression.reason == "not reachable"


def test_a_project_that_snyk_could_not_test_makes_the_others_partial_and_alone_is_an_error() -> None:
    failed = {"ok": False, "error": "Missing node_modules folder", "path": "web"}
    assert scan([project(SNYK_ROW), failed]).reasons == ("web: Missing node_modules folder",)
    with pytest.raises(ReportError, match="Missing node_modules"):
        scan(failed)


def test_snyk_may_group_the_paths_of_a_vulnerability() -> None:
    names = ["a", "b", "b"]
    ways = [["app@1", "a@1.0.0"], ["app@1", "b@1.0.0"], ["app@1", "c@1", "b@1.0.0"]]
    one, other = scan(project({**SNYK_ROW, "name": names, "from": ways})).findings
    assert [found.component and found.component.name for found in (one, other)] == ["a", "b"]
    assert "app@1 > c@1 > b@1.0.0" in other.message
    assert "c@1" not in one.message


SNYK_SETTING = {
    "id": "SNYK-CC-TF-55",
    "title": "Topic is not encrypted",
    "severity": "medium",
    "isIgnored": False,
    "documentation": "https://security.snyk.io/rules/cloud/SNYK-CC-TF-55",
    "issue": "The topic is not encrypted at rest",
    "impact": "Anybody could read it",
    "resolve": "Set a key",
    "lineNumber": 183,
    "msg": "Resources.Alarm.KmsMasterKeyId",
    "references": ["https://docs.example/encryption"],
    "path": ["[DocId: 0]", "Resources", "Alarm"],
}


def test_snyk_tells_of_settings_in_reports_that_list_no_vulnerability() -> None:
    elsewhere = {**SNYK_SETTING, "lineNumber": -1, "msg": "Resources.Other", "isIgnored": True}
    report = {"vulnerabilities": [], "ok": False, "targetFile": "infra/a.yml"}
    one, other = scan([{**report, "infrastructureAsCodeIssues": [SNYK_SETTING, elsewhere]}]).findings
    assert (one.category, one.severity, one.path, one.locations[0].line) == (
        Category.MISCONFIGURATION,
        Severity.MEDIUM,
        "infra/a.yml",
        183,
    )
    assert (one.rule.id, one.fix, one.suppression) == ("SNYK-CC-TF-55", "Set a key", None)
    assert "Resources.Alarm.KmsMasterKeyId" in one.message
    assert other.suppression
    assert (other.locations[0].line, other.code) == (None, "Resources.Other")


def test_a_project_that_snyk_calls_bad_without_a_word_is_partial() -> None:
    assert "lists nothing" in scan(project()).reasons[0]


def test_a_group_of_osv_scanner_is_one_vulnerability_with_all_its_names() -> None:
    rows = [
        {"id": "PYSEC-2014-8", "aliases": ["CVE-2014-1402"], "details": "Long."},
        {
            "id": "GHSA-8r7q-cvjq-x353",
            "aliases": ["CVE-2014-1402"],
            "summary": "Code can be run",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "database_specific": {"cwe_ids": ["CWE-266"]},
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": "jinja2"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.7.2"}]}],
                }
            ],
        },
    ]
    package = {
        "package": {"name": "jinja2", "version": "2.7.1", "ecosystem": "PyPI"},
        "vulnerabilities": rows,
        "groups": [{"ids": ["GHSA-8r7q-cvjq-x353", "PYSEC-2014-8"], "max_severity": "9.8"}],
    }
    clean = {"package": {"name": "flask", "version": "3", "ecosystem": "PyPI"}}
    one_scan = scan({"results": [{"source": {"path": "uv.lock", "type": "lockfile"}, "packages": [package, clean]}]})
    [one] = one_scan.findings
    assert one.identifiers.names == ("CVE-2014-1402", "GHSA-8r7q-cvjq-x353", "PYSEC-2014-8")
    assert (one.severity, one.severity_source) == (Severity.CRITICAL, SeveritySource.CVSS)
    assert (one.rule.title, one.rule.cwes, one.fix) == ("Code can be run", ("CWE-266",), "Upgrade jinja2 to 2.7.2.")
    assert one_scan.coverage.scanned == {"uv.lock#jinja2": "2.7.1", "uv.lock#flask": "3"}


def test_gitlab_says_what_is_likely_a_false_positive_and_what_went_wrong() -> None:
    row = {
        "id": "1",
        "name": "Pollution",
        "severity": "Critical",
        "solution": "Upgrade to versions 1.2.3, 2.0.0 or above.",
        "location": {"file": "package-lock.json", "dependency": {"package": {"name": "a"}, "version": "1.0"}},
        "identifiers": [
            {"type": "ghsa", "name": "GHSA-8r7q-cvjq-x353", "value": "GHSA-8r7q-cvjq-x353"},
            {"type": "cwe", "name": "CWE-79", "value": "79"},
        ],
        "flags": [{"type": "flagged-as-likely-false-positive", "origin": "analyser", "description": "a test"}],
    }
    messages = [{"level": "fatal", "value": "no such file"}, {"level": "info", "value": "hello"}]
    about = {"type": "dependency_scanning", "status": "failure", "scanner": {"id": "gemnasium"}, "messages": messages}
    one_scan = scan({"version": "15.0.7", "vulnerabilities": [row], "scan": about})
    [one] = one_scan.findings
    assert one.component
    assert (one.component.purl, one.component.fixed_versions) == ("pkg:npm/a@1.0", ("1.2.3", "2.0.0"))
    assert (one.rule.cwes, one.suppression and one.suppression.reason) == (("CWE-79",), "a test")
    assert one_scan.reasons == ("the scan failed, by its own words", "no such file")


def test_dependency_check_writes_the_same_in_json() -> None:
    weakness = {
        "name": "CVE-2020-9488",
        "severity": "LOW",
        "cwes": ["CWE-295"],
        "references": [{"url": "https://example.org"}],
    }
    dependency = {
        "fileName": "log4j.jar",
        "filePath": "/app/log4j.jar",
        "packages": [{"id": "pkg:maven/org.apache/log4j@2.12"}],
        "vulnerabilities": [weakness],
        "suppressedVulnerabilities": [{**weakness, "name": "CVE-2020-1", "notes": "never used"}],
    }
    exceptions = [{"exception": {"message": "no network"}}]
    info = {"engineVersion": "9.0.0", "analysisExceptions": exceptions}
    one_scan = scan({"reportSchema": "1.1", "scanInfo": info, "dependencies": [dependency]})
    one, other = one_scan.findings
    assert (one.path, one.category, one.severity) == ("/app/log4j.jar", Category.DEPENDENCY, Severity.LOW)
    assert other.suppression
    assert (other.suppression.reason, one_scan.reasons) == ("never used", ("no network",))
