"""Reports as other versions of a tool, and other ways to call it, write them: what the corpus does not have."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from fixby.errors import ReportError
from fixby.finding import Category, Finding
from fixby.scan import Complete, Partial, Scan
from fixby.scanners.ingestion import scans_of_report
from fixby.severity import Severity, SeveritySource

Row = Mapping[str, object]


def read(report: object, tool: str | None = None) -> Scan:
    content = report if isinstance(report, bytes) else json.dumps(report).encode()
    [one] = scans_of_report(content, tool, b"key", 1)
    return one


def finding(report: object) -> Finding:
    [one] = read(report).findings
    return one


NO_FINDINGS: dict[str, tuple[str, object]] = {
    "OSV-Scanner before 2.0": ("osv-scanner", {"results": None, "experimental_config": {}}),
    "OSV-Scanner": ("osv-scanner", {"results": [], "experimental_config": {"licenses": {"summary": False}}}),
    "Grype that matched nothing": ("grype", {"matches": None, "descriptor": {"name": "grype"}}),
    "Trivy of schema 1": ("trivy", [{"Target": "alpine (alpine 3.10.2)"}]),
    "Trivy Operator, an image": (
        "trivy-operator",
        {
            "apiVersion": "aquasecurity.github.io/v1alpha1",
            "kind": "VulnerabilityReport",
            "metadata": {},
            "report": {"artifact": {"repository": "nginx"}, "vulnerabilities": []},
        },
    ),
    "Checkov before it named frameworks": (
        "checkov",
        {"results": {"passed_checks": [], "failed_checks": [], "skipped_checks": [], "parsing_errors": []}},
    ),
    "GitLab's dependencies before schema 14": (
        "gitlab-dependencies",
        {"version": "2.0", "vulnerabilities": [], "remediations": [], "dependency_files": []},
    ),
    "GitLab's code before schema 14": ("gitlab", {"version": "2.0", "vulnerabilities": []}),
    "SARIF whose version is in its schema": (
        "x",
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "runs": [{"tool": {"driver": {"name": "x"}}, "results": []}],
        },
    ),
}


def test_results_that_are_none_may_be_anybodys() -> None:
    with pytest.raises(ReportError, match="no format"):
        read({"results": []})
    assert read({"results": []}, "osv-scanner").outcome == Complete()


@pytest.mark.parametrize("name", NO_FINDINGS)
def test_a_report_without_findings_is_complete_and_its_tools(name: str) -> None:
    tool, report = NO_FINDINGS[name]
    scan = read(report)
    assert (scan.scanner, scan.outcome, scan.findings) == (tool, Complete(), ())


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({"error": {"code": "ERR_PNPM_AUDIT_NO_LOCKFILE", "message": "No lockfile"}}, "ERR_PNPM_AUDIT_NO_LOCKFILE"),
        ({"message": "request failed", "statusCode": 400, "error": {"summary": "", "detail": ""}}, "request failed"),
    ],
)
def test_an_audit_that_failed_says_why(report: Row, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        read(report)


def test_an_audit_that_counts_what_it_does_not_list_is_partial() -> None:
    metadata = {"vulnerabilities": {"low": 0, "high": 2}, "totalDependencies": 9}
    assert read({"actions": [], "advisories": {}, "metadata": metadata}).reasons
    nothing = {"vulnerabilities": {"low": 0, "high": 0}, "totalDependencies": 9}
    assert not read({"actions": [], "advisories": {}, "metadata": nothing}).reasons


def test_lines_of_yarn_may_begin_with_any_of_its_kinds() -> None:
    lines = [{"type": "activityStart", "data": {"id": 0}}, {"type": "auditSummary", "data": {"totalDependencies": 3}}]
    assert read("\n".join(map(json.dumps, lines)).encode()).outcome == Complete()


def test_osv_scanner_before_1_0_has_other_keys() -> None:
    package = {
        "Package": {"name": "x", "version": "1", "ecosystem": "Go"},
        "vulnerabilities": [{"id": "GO-2020-0001", "aliases": ["CVE-2020-1111"]}],
    }
    one = finding({"results": [{"packageSource": {"path": "go.mod", "type": "lockfile"}, "packages": [package]}]})
    assert (one.path, one.identifiers.names) == ("go.mod", ("CVE-2020-1111", "GO-2020-0001"))


DEPENDENCY_CHECK_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<analysis xmlns="https://jeremylong.github.io/DependencyCheck/dependency-check.4.0.xsd"><dependencies>
<dependency isVirtual="false"><fileName>a.jar</fileName><filePath>/lib/a.jar</filePath>
<identifiers><package><id>pkg:maven/g/a@1.0</id></package></identifiers><vulnerabilities>
<vulnerability source="NVD"><name>CVE-2020-1</name><severity>HIGH</severity><vulnerableSoftware>
<software versionEndExcluding="9.9">cpe:2.3:a:g:another</software>
<software vulnerabilityIdMatched="true" versionEndExcluding="1.2.3">cpe:2.3:a:g:a</software></vulnerableSoftware>
</vulnerability></vulnerabilities></dependency></dependencies></analysis>"""


def test_the_first_version_that_what_matched_leaves_out_is_a_fixed_one() -> None:
    software = [
        {"software": {"id": "cpe:2.3:a:g:another", "versionEndExcluding": "9.9"}},
        {"software": {"id": "cpe:2.3:a:g:a", "vulnerabilityIdMatched": "true", "versionEndExcluding": "1.2.3"}},
    ]
    vulnerability = {"name": "CVE-2020-1", "severity": "HIGH", "vulnerableSoftware": software}
    dependency = {
        "fileName": "a.jar",
        "filePath": "/lib/a.jar",
        "packages": [{"id": "pkg:maven/g/a@1.0"}],
        "vulnerabilities": [vulnerability],
    }
    for report in (DEPENDENCY_CHECK_XML, {"reportSchema": "1.1", "dependencies": [dependency]}):
        one = finding(report)
        assert one.component
        assert one.component.fixed_versions == ("1.2.3",)


SPDX = b"""SPDXVersion: SPDX-2.3
SPDXID: SPDXRef-DOCUMENT
PackageName: left-pad
PackageComment: <text>
PackageName: this is no package
</text>
PackageVersion: 1.0.0
ExternalRef: PACKAGE-MANAGER purl pkg:npm/left-pad@1.0.0
FileName: ./index.js
PackageVersion: of no package
PackageName: other
"""


def test_packages_of_spdx_in_tags_are_those_of_its_json() -> None:
    scan = read(SPDX)
    assert (scan.scanner, scan.coverage.scanned) == ("spdx", {"#left-pad": "1.0.0", "#other": ""})
    assert isinstance(scan.outcome, Partial)
    with pytest.raises(ReportError, match="cut short"):
        read(SPDX[: SPDX.index(b"</text>")])


def test_texts_of_spdx_that_never_end_are_refused_at_once() -> None:
    with pytest.raises(ReportError, match="cut short"):
        read(SPDX + b"</text>" * 300_000 + b"<text>" * 300_000)


def test_a_vex_document_may_call_all_versions_unaffected() -> None:
    statement = {
        "id": "CVE-2020-1",
        "affects": [{"ref": "product", "versions": [{"range": "vers:semver/<2", "status": "unaffected"}]}],
    }
    about = {"component": {"name": "app", "type": "application", "bom-ref": "product"}}
    one = finding({"bomFormat": "CycloneDX", "specVersion": "1.4", "metadata": about, "vulnerabilities": [statement]})
    assert one.suppression


CHECKS = {
    "Target": "Deployment/shop",
    "Class": "config",
    "Type": "kubernetes",
    "Misconfigurations": [
        {"ID": "KSV001", "Title": "Privileges", "Severity": "MEDIUM", "Status": "FAIL"},
        {"ID": "KSV002", "Title": "Other", "Severity": "LOW", "Status": "PASS"},
    ],
}


def test_compliance_by_trivy_has_the_checks_of_each_control_or_the_controls_that_fail() -> None:
    controls = [
        {"ID": "1.0", "Name": "Root", "Severity": "LOW", "Results": [CHECKS]},
        {"ID": "1.1", "Name": "Other", "Severity": "LOW", "Results": None},
    ]
    one = finding({"ID": "nsa", "Title": "NSA", "Results": controls})
    assert (one.rule.id, one.severity, one.path) == ("KSV001", Severity.MEDIUM, "Deployment/shop")
    early = [{"id": "1.0", "name": "Root", "severity": "LOW", "results": [CHECKS]}]
    assert finding({"id": "nsa", "title": "NSA", "results": early}) == one
    counts = [
        {"ID": "1.0", "Name": "Root", "Severity": "HIGH", "TotalFail": 2},
        {"ID": "1.1", "Name": "Other", "Severity": "HIGH", "TotalFail": 0},
        {"ID": "1.2", "Name": "By hand", "Severity": "HIGH"},
    ]
    control = finding({"ID": "nsa", "Title": "NSA", "SummaryControls": counts})
    assert (control.rule.id, control.severity, control.category) == ("1.0", Severity.HIGH, Category.MISCONFIGURATION)


def test_a_bug_that_a_later_version_no_longer_has_is_none() -> None:
    bugs = b'<BugInstance type="A" priority="1" last="3"/><BugInstance type="B" priority="1"/>'
    scan = read(b'<BugCollection><FindBugsSummary total_bugs="2"/>' + bugs + b"</BugCollection>")
    assert [one.rule.id for one in scan.findings] == ["B"]
    assert scan.outcome == Complete()


def test_errors_of_the_plan_by_which_zap_ran_make_it_partial() -> None:
    report = {"@version": "2.15", "site": [{"@name": "https://a", "alerts": []}], "afPlanErrors": ["no such user"]}
    assert read(report).reasons == ("ZAP's plan: no such user",)


def test_a_notification_of_sarif_has_the_words_and_the_level_of_what_it_refers_to() -> None:
    strings = {"thrown": {"text": "The rule {0} threw."}}
    kind = {"id": "N1", "defaultConfiguration": {"level": "error"}, "messageStrings": strings}
    message = {"id": "thrown", "arguments": ["R7"]}
    notes = [{"descriptor": {"id": "N1"}, "message": message}, {"descriptor": {"index": 0}, "message": message}]
    run = {
        "tool": {"driver": {"name": "x", "notifications": [kind]}},
        "results": [],
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
    }
    assert read({"version": "2.1.0", "runs": [run]}).reasons == ("N1: The rule R7 threw.",)


ALERT = {
    "state": "open",
    "dependency": {"manifest_path": "package-lock.json"},
    "security_advisory": {"ghsa_id": "GHSA-aaaa-bbbb-cccc", "severity": "high", "summary": "Bad"},
    "security_vulnerability": {"package": {"ecosystem": "npm", "name": "x"}, "severity": "high"},
}


def answer(*, more: bool, **alert: object) -> Row:
    """An answer of GraphQL with one alert."""
    weakness = {"package": {"name": "x", "ecosystem": "NPM"}, "severity": "HIGH"}
    node = {"securityVulnerability": weakness, "securityAdvisory": {"ghsaId": "GHSA-aaaa-bbbb-cccc"}, **alert}
    return {"data": {"repository": {"vulnerabilityAlerts": {"pageInfo": {"hasNextPage": more}, "nodes": [node]}}}}


def test_alerts_may_be_one_or_pages_one_after_the_other() -> None:
    assert len(read(ALERT).findings) == 1
    assert len(read([[ALERT], [ALERT, ALERT]]).findings) == 3
    page = json.dumps([ALERT]).encode()
    assert len(read(page + b"\n" + page).findings) == 2
    with pytest.raises(ReportError):
        read(page + page[:-3])
    pages = json.dumps(answer(more=True)) + json.dumps(answer(more=False))
    assert (len(read(pages.encode()).findings), read(pages.encode()).reasons) == (2, ())
    assert read([answer(more=False), answer(more=True)]).reasons


def test_of_each_repository_the_last_page_must_be_there() -> None:
    def page(name: str, *, more: bool) -> Row:
        told: Any = answer(more=more)
        return {"data": {"repository": {"nameWithOwner": name, **told["data"]["repository"]}}}

    assert read([page("shop/web", more=True), page("shop/web", more=False), page("shop/api", more=False)]).reasons == ()
    assert read([page("shop/web", more=True), page("shop/api", more=False)]).reasons


def test_an_alert_that_was_dismissed_by_a_rule_is_suppressed_and_one_with_a_date_of_its_fix_is_gone() -> None:
    assert finding({**ALERT, "state": "auto_dismissed"}).suppression
    assert finding(answer(more=False, autoDismissedAt="2024-01-01T00:00:00Z")).suppression
    assert not read(answer(more=False, fixedAt="2024-01-01T00:00:00Z")).findings


BANDIT: Row = {
    "code": "3 assert x\n",
    "filename": "./a.py",
    "issue_confidence": "HIGH",
    "issue_severity": "LOW",
    "issue_text": "Use of assert.",
    "line_number": 3,
    "line_range": [3],
    "test_id": "B101",
    "test_name": "assert_used",
}


@pytest.mark.parametrize(
    "own",
    [{}, {"more_info": "https://bandit.example", "col_offset": 0}],
    ids=["no link", "no last column"],
)
def test_early_reports_of_bandit_say_less(own: Row) -> None:
    one = finding({"errors": [], "generated_at": "x", "metrics": {"_totals": {}}, "results": [{**BANDIT, **own}]})
    assert (one.rule.id, one.path, one.locations[0].line, one.severity) == ("B101", "a.py", 3, Severity.LOW)


def test_a_severity_that_bandit_does_not_define_is_nobodys() -> None:
    row = {**BANDIT, "issue_severity": "UNDEFINED"}
    one = finding({"errors": [], "generated_at": "x", "metrics": {"_totals": {}}, "results": [row]})
    assert (one.severity, one.severity_source) == (Severity.UNKNOWN, SeveritySource.DEFAULT)


def test_the_log_of_trufflehog_tells_that_it_is_its_report_and_that_the_scan_ended() -> None:
    begin = {"level": "info-0", "logger": "trufflehog", "msg": "running source"}
    end = {"level": "info-0", "logger": "trufflehog", "msg": "finished scanning", "chunks": 1}
    lines = [json.dumps(one) for one in (begin, end)]
    assert read("\n".join(lines).encode()).outcome == Complete()
    assert read(lines[0].encode()).reasons
    metadata = {"Data": {"Filesystem": {"file": "a.py", "line": 3}}}
    secret = {"SourceMetadata": metadata, "DetectorName": "AWS", "Verified": False, "Raw": "x" * 20, "RawV2": ""}
    assert len(read("\n".join([lines[0], json.dumps(secret), lines[1]]).encode()).findings) == 1


HADOLINT = {
    "code": "DL3006",
    "message": "Always tag it.",
    "file": "Dockerfile",
    "line": 1,
    "column": 1,
    "level": "warning",
}
CLIMATE = {
    "type": "issue",
    "check_name": "DL3006",
    "description": "Always tag it.",
    "severity": "major",
    "location": {"path": "Dockerfile", "lines": {"begin": 1, "end": 1}},
}
UNPARSED = {
    **CLIMATE,
    "check_name": "DL1000",
    "description": "unexpected end",
    "severity": "blocker",
    "location": {"path": "other/Dockerfile", "positions": {"begin": {"line": 2, "column": 3}}},
}
SONARQUBE = {
    "engineId": "Hadolint",
    "ruleId": "DL3006",
    "severity": "MAJOR",
    "type": "CODE_SMELL",
    "primaryLocation": {"message": "Always tag it.", "filePath": "Dockerfile", "textRange": {"startLine": 1}},
}


def test_hadolint_tells_the_same_in_all_of_its_formats() -> None:
    def told(report: object) -> tuple[object, ...]:
        one = finding(report)
        return one.rule, one.severity, one.message, one.path, one.locations[0].line

    expected = told([{**HADOLINT, "level": "warning"}])
    assert told([CLIMATE]) == told({"issues": [SONARQUBE]}) == expected
    separated = b"".join(json.dumps(row).encode() + b"\0" for row in (CLIMATE, UNPARSED))
    scan = read(separated)
    assert (scan.scanner, len(scan.findings), list(scan.coverage.skipped)) == ("hadolint", 1, ["other/Dockerfile"])


def test_a_deprecated_package_is_no_advisory_to_yarn_4() -> None:
    row = {"ID": "b (deprecation)", "Issue": "Old", "Severity": "moderate", "Tree Versions": ["1"], "Dependents": ["x"]}
    one = finding({"value": "b", "children": row})
    assert (one.rule.id, one.identifiers.names) == ("deprecation", ())


def sarif(tool: str, rule: Row, *results: Row) -> Row:
    """A SARIF log of one rule, and results of it in a file."""
    place = {"physicalLocation": {"artifactLocation": {"uri": "lib/a.jar"}}}
    rows = [{"ruleId": rule["id"], "level": "warning", "locations": [place], **row} for row in results]
    return {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": tool, "rules": [rule]}}, "results": rows}]}


def test_packages_of_dependency_check_in_sarif_are_package_urls_and_its_scores_have_names_of_their_own() -> None:
    place = {
        "physicalLocation": {"artifactLocation": {"uri": "lib/a.jar"}},
        "logicalLocations": [{"fullyQualifiedName": "pkg:maven/g/a@1.0"}],
    }
    rule = {"id": "CVE-2020-1111", "properties": {"cvssv2_score": 7.5, "cvssv2_severity": "HIGH"}}
    one = finding(sarif("dependency-check", rule, {"message": {"text": "Bad"}, "locations": [place]}))
    assert one.component
    assert (one.component.purl, one.severity) == ("pkg:maven/g/a@1.0", Severity.HIGH)
    assert one.severity_source is SeveritySource.CVSS


def test_pip_audit_names_its_package_in_sarif_and_no_file() -> None:
    nowhere = {"physicalLocation": {"artifactLocation": {"uri": "pip-audit"}}}
    words = "`foo` has a known vulnerability: PYSEC-2021-1\nBad"
    one = finding(sarif("pip-audit", {"id": "PYSEC-2021-1"}, {"message": {"text": words}, "locations": [nowhere]}))
    assert one.component
    assert (one.component.purl, one.locations) == ("pkg:pypi/foo", ())


def test_fixed_versions_of_osv_scanner_in_sarif_stand_in_a_table() -> None:
    rows = "| GHSA-1 | regex | 1.5.5 |\n| GHSA-2 | other | 2.0 |\n| GHSA-3 | regex | -- |\n"
    table = f"### Fixed Versions\n\n| Vulnerability ID | Package Name | Fixed Version |\n| --- | --- | --- |\n{rows}"
    rule = {"id": "CVE-2022-24713", "help": {"text": table}}
    words = "Package 'regex@1.5.1' is vulnerable to 'CVE-2022-24713'."
    one = finding(sarif("osv-scanner", rule, {"message": {"text": words}}))
    assert one.component
    assert one.component.fixed_versions == ("1.5.5",)


def test_two_secrets_of_trufflehog_in_one_line_are_two() -> None:
    words = {"message": {"text": "Found verified result for detector AWS."}}
    rows = [{**words, "partialFingerprints": {"trufflehogFingerprint/v1": mark}} for mark in ("a", "b")]
    one, other = read(sarif("trufflehog", {"id": "AWS"}, *rows)).findings
    assert one.secret_fingerprint != other.secret_fingerprint


def test_early_sarif_of_snyk_names_package_and_severity_in_its_rule() -> None:
    rule = {
        "id": "SNYK-DEBIAN9-BZIP2-106947",
        "shortDescription": {"text": "Critical severity - Denial of Service vulnerability in bzip2"},
        "fullDescription": {"text": "(CVE-2016-3189) bzip2/libbz2-1.0@1.0.6-8.1"},
    }
    one = finding(sarif("Snyk Container", rule, {"level": "error", "message": {"text": "Vulnerable"}}))
    assert one.component
    assert (one.component.name, one.component.version, one.category) == ("libbz2-1.0", "1.0.6-8.1", Category.CONTAINER)
    assert one.severity is Severity.CRITICAL


def test_early_json_of_dependency_check_has_one_score_and_identifiers() -> None:
    vulnerability = {"name": "CVE-2016-1111", "cvssScore": 7.5, "cwe": "CWE-20 Improper Input Validation"}
    dependency = {
        "fileName": "a.jar",
        "filePath": "/lib/a.jar",
        "identifiers": [{"type": "cpe", "name": "cpe:/a:g:a:1.0"}, {"type": "maven", "name": "(g:a:1.0)"}],
        "vulnerabilities": [vulnerability],
    }
    one = finding({"reportSchema": "1.0", "dependencies": [dependency]})
    assert one.component
    assert (one.component.purl, one.severity, one.rule.cwes) == ("pkg:maven/g/a@1.0", Severity.HIGH, ("CWE-20",))


def test_checkov_may_write_its_lines_as_words() -> None:
    check = {"check_id": "CKV_1", "check_name": "Name", "file_path": "/a.tf", "resource": "r"}
    failed = [{**check, "check_result": {"result": "FAILED"}, "code_block": None, "file_line_range": ["3", "5"]}]
    one = finding({"check_type": "terraform", "results": {"failed_checks": failed}, "summary": {"failed": 1}})
    assert (one.path, one.locations[0].line, one.locations[0].end_line) == ("a.tf", 3, 5)
