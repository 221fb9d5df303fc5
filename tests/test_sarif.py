"""SARIF 2.1.0: what the standard says, and what its writers make of it."""

# ruff: noqa: ANN401 - any property of a run or result may be told otherwise

import json
from typing import Any

import pytest

from fixby.errors import ReportError
from fixby.finding import Category, Finding, Location, Suppression
from fixby.identifiers import identifiers
from fixby.scan import Complete, Partial, Scan
from fixby.scanners.ingestion import scans_of_report
from fixby.severity import Severity, SeveritySource
from tests.foreign_reports import AWS_KEY


def scans(*runs: dict[str, Any]) -> list[Scan]:
    return scans_of_report(json.dumps({"version": "2.1.0", "runs": list(runs)}).encode(), None, b"k" * 32, 0)


def run(
    *results: dict[str, Any], rules: tuple[dict[str, Any], ...] = (), tool: str = "Acme", **others: Any
) -> dict[str, Any]:
    return {"tool": {"driver": {"name": tool, "rules": list(rules)}}, "results": list(results), **others}


def result(rule: str = "R1", uri: str = "src/a.py", line: int | None = 3, **others: Any) -> dict[str, Any]:
    region = {"region": {"startLine": line}} if line else {}
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, **region}}
    return {"ruleId": rule, "message": {"text": "Bad."}, "locations": [place], **others}


def findings(*results: dict[str, Any], **others: Any) -> tuple[Finding, ...]:
    [scan] = scans(run(*results, **others))
    return scan.findings


def the(one: dict[str, Any], **others: Any) -> Finding:
    [finding] = findings(one, **others)
    return finding


def test_each_tool_is_a_scan_and_several_runs_of_one_tool_are_one() -> None:
    some = scans(
        run(result(), tool="CodeQL"), run(result(), result("R2"), tool="Semgrep OSS"), run(result("R3"), tool="CodeQL")
    )
    assert [(scan.scanner, len(scan.findings)) for scan in some] == [("codeql", 2), ("semgrep", 2)]


@pytest.mark.parametrize(
    ("said", "rule", "expected"),
    [
        ({"level": "error"}, {}, (Severity.HIGH, SeveritySource.SCANNER)),
        ({"level": "warning"}, {}, (Severity.MEDIUM, SeveritySource.SCANNER)),
        ({"level": "note"}, {}, (Severity.LOW, SeveritySource.SCANNER)),
        ({"level": "none"}, {}, (Severity.INFO, SeveritySource.SCANNER)),
        ({}, {"defaultConfiguration": {"level": "error"}}, (Severity.HIGH, SeveritySource.SCANNER)),
        ({}, {}, (Severity.MEDIUM, SeveritySource.DEFAULT)),
        ({"level": "note"}, {"properties": {"security-severity": "9.8"}}, (Severity.CRITICAL, SeveritySource.CVSS)),
        ({"level": "note"}, {"properties": {"security-severity": 7.0}}, (Severity.HIGH, SeveritySource.CVSS)),
        (
            {"properties": {"security-severity": "3.9"}},
            {"properties": {"security-severity": "9.8"}},
            (Severity.LOW, SeveritySource.CVSS),
        ),
        ({"level": "note"}, {"properties": {"security-severity": "11"}}, (Severity.LOW, SeveritySource.SCANNER)),
        (
            {"level": "error", "properties": {"issue_severity": "LOW"}},
            {},
            (Severity.LOW, SeveritySource.SCANNER),
        ),
        ({"level": "error"}, {"properties": {"tags": ["CRITICAL"]}}, (Severity.CRITICAL, SeveritySource.SCANNER)),
        ({}, {"properties": {"security-severity": "0.0"}}, (Severity.INFO, SeveritySource.CVSS)),
        (
            {},
            {"properties": {"security-severity": "0.0"}, "help": {"text": "CVE-1\nSeverity: UNKNOWN\nPackage: a"}},
            (Severity.UNKNOWN, SeveritySource.DEFAULT),
        ),
        ({"kind": "review"}, {}, (Severity.UNKNOWN, SeveritySource.DEFAULT)),
        ({"kind": "open", "level": "none"}, {}, (Severity.UNKNOWN, SeveritySource.DEFAULT)),
        ({"kind": "review"}, {"defaultConfiguration": {"level": "error"}}, (Severity.HIGH, SeveritySource.SCANNER)),
        ({"kind": "informational", "level": "none"}, {}, (Severity.INFO, SeveritySource.SCANNER)),
    ],
)
def test_how_bad_a_result_is(
    said: dict[str, Any], rule: dict[str, Any], expected: tuple[Severity, SeveritySource]
) -> None:
    finding = the(result(**said), rules=({"id": "R1", **rule},))
    assert (finding.severity, finding.severity_source) == expected


def test_whoever_started_the_tool_may_say_how_bad_a_rule_is() -> None:
    override = {"descriptor": {"index": 0}, "configuration": {"level": "note"}}
    invocation = {"executionSuccessful": True, "ruleConfigurationOverrides": [override]}
    rule = {"id": "R1", "defaultConfiguration": {"level": "error"}}
    assert the(result(), rules=(rule,), invocations=[invocation]).severity is Severity.LOW


def test_what_passed_and_what_is_gone_is_no_finding() -> None:
    some = findings(
        result(kind="pass"),
        result(kind="notApplicable"),
        result(baselineState="absent"),
        result("R2", baselineState="unchanged"),
        result("R3", baselineState="new"),
    )
    assert [one.rule.id for one in some] == ["R2", "R3"]


@pytest.mark.parametrize(
    ("suppressions", "expected"),
    [
        ([], None),
        ([{"kind": "inSource"}], Suppression("sarif: inSource")),
        (
            [{"kind": "external", "status": "accepted", "justification": "not reachable"}],
            Suppression("sarif: external", "not reachable"),
        ),
        ([{"kind": "external", "status": "underReview"}], None),
        ([{"kind": "external", "status": "rejected"}], None),
        ([{"kind": "inSource"}, {"kind": "external", "status": "rejected"}], None),
    ],
)
def test_a_result_is_suppressed_if_all_of_its_suppressions_are_accepted(
    suppressions: list[dict[str, str]], expected: Suppression | None
) -> None:
    assert the(result(suppressions=suppressions)).suppression == expected


def test_a_suppression_that_is_not_accepted_is_told() -> None:
    one = result(suppressions=[{"kind": "external", "status": "underReview", "justification": "perhaps"}])
    assert the(one).message == "Bad.\n\nA suppression is under review: perhaps"


def test_rules_are_found_by_index_by_id_by_hierarchy_by_guid_and_in_extensions() -> None:
    driver = {
        "name": "Acme",
        "rules": [{"id": "R0"}, {"id": "CA1", "guid": "g1", "shortDescription": {"text": "First"}}],
    }
    extension = {"name": "pack", "rules": [{"id": "E0"}, {"id": "E1", "shortDescription": {"text": "Of a pack"}}]}
    plain = {"message": {"text": "Bad."}}
    some: list[dict[str, Any]] = [
        {"ruleIndex": 1},
        {"ruleId": "CA1"},
        {"ruleId": "CA1/2", "ruleIndex": 1},
        {"ruleId": "CA1/3"},
        {"rule": {"guid": "g1"}},
        {"rule": {"id": "CA1", "index": 1}},
        {"ruleId": "E1"},
        {"rule": {"index": 1, "toolComponent": {"index": 0}}},
        {"ruleId": "E1", "rule": {"id": "E1", "toolComponent": {"name": "pack"}}},
        {"ruleId": "unheard-of"},
        {},
    ]
    document = {"tool": {"driver": driver, "extensions": [extension]}, "results": [{**plain, **one} for one in some]}
    [scan] = scans(document)
    assert [(one.rule.id, one.rule.title) for one in scan.findings] == [
        ("CA1", "First"),
        ("CA1", "First"),
        ("CA1/2", "First"),
        ("CA1/3", "First"),
        ("CA1", "First"),
        ("CA1", "First"),
        ("E1", "Of a pack"),
        ("E1", "Of a pack"),
        ("E1", "Of a pack"),
        ("unheard-of", "Unheard of"),
        ("unnamed", "Unnamed"),
    ]
    with pytest.raises(ReportError, match=r"runs\[0\]: results\[0\]: expected a rule of index 7"):
        scans({**document, "results": [{**plain, "ruleIndex": 7}]})


def test_weaknesses_come_from_taxonomies_tags_and_properties() -> None:
    taxonomy = {"name": "CWE", "guid": "t1", "taxa": [{"id": "22"}, {"id": "79"}]}
    rule = {
        "id": "R1",
        "relationships": [
            {"target": {"id": "89", "toolComponent": {"name": "CWE"}}},
            {"target": {"index": 1, "toolComponent": {"index": 0}}},
            {"target": {"id": "A1", "toolComponent": {"name": "OWASP"}}},
        ],
        "properties": {"tags": ["security", "external/cwe/cwe-020", "CWE-78: OS Command Injection"], "cwe": ["CWE-77"]},
    }
    one = result(taxa=[{"index": 0, "toolComponent": {"guid": "t1"}}], properties={"cwe": "CWE-327: Broken crypto"})
    finding = the(one, rules=(rule,), taxonomies=[taxonomy])
    assert finding.rule.cwes == ("CWE-89", "CWE-79", "CWE-20", "CWE-78", "CWE-77", "CWE-22", "CWE-327")


def test_messages_are_filled_in_and_links_are_words() -> None:
    rule = {"id": "R1", "messageStrings": {"default": {"text": "'{0}' is {{not}} [set here]({1}), says {2}."}}}
    own = {"id": "default", "arguments": ["x", "4"]}
    assert the(result(message=own), rules=(rule,)).message == "'x' is {not} set here, says {2}."
    shared = {"name": "Acme", "globalMessageStrings": {"m": {"markdown": "**{0}**"}}}
    [scan] = scans({"tool": {"driver": shared}, "results": [result(message={"id": "m", "arguments": ["y"]})]})
    assert scan.findings[0].message == "**y**"
    assert the(result(message={"text": r"see [this](1), [that](https://a.example) and \[x\] {0}"})).message == (
        "see this, [that](https://a.example) and [x] {0}"
    )
    assert the(result(message={})).message == "R1"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"uri": "a%20b/c.py"}, "a b/c.py"),
        ({"uri": "./a//b/../c.py"}, "a/c.py"),
        ({"uri": "../../etc/passwd"}, "etc/passwd"),
        ({"uri": "..%2f..%2fetc/passwd"}, "etc/passwd"),
        ({"uri": "src\\win\\a.cs"}, "src/win/a.cs"),
        ({"uri": "file:///build/repo/src/a.py"}, "src/a.py"),
        ({"uri": "file:///elsewhere/a%23b.py"}, "/elsewhere/a#b.py"),
        ({"uri": "file:///C:/code/a.c"}, "C:/code/a.c"),
        ({"uri": "file://server/share/a.c"}, "/server/share/a.c"),
        ({"uri": "https://shop.example/a?b=1"}, "https://shop.example/a?b=1"),
        ({"uri": "a.py", "uriBaseId": "ROOT"}, "a.py"),
        ({"uri": "a.py", "uriBaseId": "TESTS"}, "tests/unit/a.py"),
        ({"uri": "a.py", "uriBaseId": "NOBODY"}, "a.py"),
        ({"uri": "a.py", "uriBaseId": "INNER"}, "src/a.py"),
        ({"uri": "a.py", "uriBaseId": "LOOP"}, "x/a.py"),
        ({"uri": "file:///build/repo"}, "repo"),
        ({"uri": "file:///build/repository/a.py"}, "repository/a.py"),
        ({"index": 0}, "lib/b.py"),
        ({"index": 2}, "app.zip/docs/intro.docx"),
        ({"uri": "x\u0000\u202ey.py"}, "x\ufffd\u202ey.py"),
    ],
)
def test_paths_are_relative_to_what_was_scanned(place: dict[str, Any], expected: str) -> None:
    bases = {
        "ROOT": {"uri": "file:///build/repo/"},
        "TESTS": {"uri": "tests/unit", "uriBaseId": "ROOT"},
        "INNER": {"uri": "file:///build/repo/src"},
        "LOOP": {"uri": "x/", "uriBaseId": "LOOP"},
    }
    working = [{"workingDirectory": {"uri": "file:///build"}, "executionSuccessful": True}]
    artifacts = [
        {"location": {"uri": "lib/b.py", "uriBaseId": "ROOT"}},
        {"location": {"uri": "app.zip"}},
        {"location": {"uri": "/docs/intro.docx"}, "parentIndex": 1},
    ]
    one = result(locations=[{"physicalLocation": {"artifactLocation": place}}])
    [found] = the(one, originalUriBaseIds=bases, artifacts=artifacts, invocations=working).locations
    assert found == Location(expected)


def test_a_result_with_several_locations_is_one_finding() -> None:
    first, second = result("R1", "b.py", 2), result("R1", "a.py", 1)
    finding = the(first | {"locations": first["locations"] + second["locations"] + first["locations"]})
    assert finding.locations == (Location("b.py", 2, 2), Location("a.py", 1, 1))


def test_a_result_may_be_of_something_that_is_no_file() -> None:
    named = {"logicalLocations": [{"fullyQualifiedName": "arn:aws:s3:::logs"}]}
    assert the(result(locations=[named])).locations == (Location("arn:aws:s3:::logs"),)
    cached = {"logicalLocations": [{"index": 0}]}
    one = the(result(locations=[cached]), logicalLocations=[{"name": "main", "fullyQualifiedName": "a.main"}])
    assert one.locations == (Location("a.main"),)
    assert the(result(locations=[], analysisTarget={"uri": "a.dll"})).locations == (Location("a.dll"),)
    assert the(result(locations=[])).locations == ()


def test_regions_without_lines_and_with_strange_ones_are_read() -> None:
    def region(**parts: int) -> Location:
        place = {"artifactLocation": {"uri": "a"}, "region": parts}
        [found] = the(result(locations=[{"physicalLocation": place}])).locations
        return found

    assert region(charOffset=5, charLength=2) == Location("a")
    assert region(startLine=0) == Location("a")
    assert region(startLine=5, endLine=2) == Location("a", 5, 5)
    assert region(startLine=5, startColumn=3, endColumn=3) == Location("a", 5, 5, 3)
    assert region(startLine=5, endLine=7, startColumn=3, endColumn=1) == Location("a", 5, 7, 3, 1)


def test_the_code_is_kept_without_secrets() -> None:
    one = result()
    one["locations"][0]["physicalLocation"]["region"]["snippet"] = {"text": f'password = "{AWS_KEY}"'}
    assert the(one).code == 'password = "[redacted]"'


def test_what_a_tool_quotes_of_a_password_is_not_kept() -> None:
    rule = {"id": "B105", "properties": {"tags": ["external/cwe/cwe-259"]}}
    one = result("B105", message={"text": "Possible hardcoded password: 'hunter2'"})
    assert the(one, rules=(rule,)).message == "Possible hardcoded password: '[redacted]'"


def test_the_way_of_the_data_is_told_in_words() -> None:
    steps = [
        {"location": result("R", uri, line)["locations"][0]} for uri, line in (("a.js", 1), ("a.js", 1), ("b.js", 9))
    ]
    flow = {"threadFlows": [{"locations": steps}]}
    assert the(result(codeFlows=[flow])).message == "Bad.\n\nThe data go this way: a.js:1 -> b.js:9."


def test_a_secret_is_known_by_a_keyed_hash_and_shown_nowhere() -> None:
    def leak(tool: str, line: int, **others: Any) -> dict[str, Any]:
        region = {"startLine": line, "snippet": {"text": AWS_KEY}}
        place = {"physicalLocation": {"artifactLocation": {"uri": "a.env"}, "region": region}}
        words = {"text": f"aws-key has detected {AWS_KEY} for file a.env."}
        return run(result("aws-key", message=words, locations=[place], **others), tool=tool)

    [gitleaks, whispers] = scans(leak("gitleaks", 1, partialFingerprints={"commitSha": "abc"}), leak("Whispers", 1))
    assert AWS_KEY not in repr((gitleaks, whispers))
    [first], [second] = gitleaks.findings, whispers.findings
    assert (first.category, first.rule.cwes) == (Category.SECRET, ("CWE-798",))
    assert first.message == "aws-key has detected [redacted] for file a.env. In commit abc."
    [again] = scans(leak("gitleaks", 7))[0].findings
    assert again.secret_fingerprint == first.secret_fingerprint != second.secret_fingerprint


def test_vulnerable_packages_are_found_in_the_words_of_the_tools() -> None:
    trivy = {"text": "Package: lodash\nInstalled Version: 4.17.4\nVulnerability X\nFixed Version: 4.17.12, 5.0.0"}
    osv = {"text": "Package 'minimist@1.2.5' is vulnerable to 'CVE-2021-44906'."}
    grype = {"text": "Vulnerability GHSA-aaaa\nPackage: curl\nVersion: 7.0\nFix Version: \nType: deb"}
    rules = (
        {"id": "CVE-2019-10744", "name": "LanguageSpecificPackageVulnerability", "help": {"text": "Package: other"}},
        {"id": "CVE-2021-44906", "deprecatedIds": ["GHSA-xvch-5gv4-984h"]},
        {"id": "CVE-2020-1234-curl", "help": grype},
    )
    first, second, third = findings(
        result("CVE-2019-10744", "package-lock.json", message=trivy),
        result("CVE-2021-44906", "yarn.lock", message=osv),
        result("CVE-2020-1234-curl", "image"),
        rules=rules,
    )
    assert first.component
    assert (first.category, first.component.purl) == (Category.DEPENDENCY, "pkg:npm/lodash@4.17.4")
    assert first.component.fixed_versions == ("4.17.12", "5.0.0")
    assert second.component
    assert (second.component.purl, second.identifiers) == (
        "pkg:npm/minimist@1.2.5",
        identifiers(["CVE-2021-44906", "GHSA-xvch-5gv4-984h"]),
    )
    assert third.component
    assert (third.category, third.component.purl) == (Category.CONTAINER, "pkg:deb/curl@7.0")


def test_snyk_names_packages_as_logical_locations() -> None:
    rule = {
        "id": "SNYK-JAVA-ORGX-1",
        "shortDescription": {"text": "High severity - XXE in org.x:y"},
        "fullDescription": {"text": "(CVE-2020-1111) org.x:y@1.2"},
        "properties": {"security-severity": "7.5", "tags": ["security", "CWE-611", "maven"]},
    }
    place = result("x", "pom.xml", 1)["locations"][0] | {"logicalLocations": [{"fullyQualifiedName": "org.x:y@1.2"}]}
    finding = the(result("SNYK-JAVA-ORGX-1", locations=[place]), rules=(rule,))
    assert finding.component
    assert (finding.component.purl, finding.rule.cwes) == ("pkg:maven/org.x/y@1.2", ("CWE-611",))
    assert finding.identifiers.primary == "CVE-2020-1111"


def test_what_codeql_extracted_is_scanned() -> None:
    place = result("R", "a.py", None)["locations"]
    told = {"level": "none", "message": {"text": ""}, "locations": place}
    notes = [told | {"descriptor": {"id": "py/diagnostics/successfully-extracted-files"}}]
    [scan] = scans(run(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": notes}], tool="CodeQL"))
    assert (scan.outcome, scan.coverage.scanned) == (Complete(), {"a.py": ""})


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"results": None}, "the run has no results"),
        ({"invocations": [{"executionSuccessful": False, "exitCode": 2}]}, "it did not succeed (exit code 2)"),
        ({"externalPropertyFileReferences": {"results": [{}]}}, "results of the run are in other files"),
        (
            {"invocations": [{"toolExecutionNotifications": [{"level": "error", "message": {"text": "It broke."}}]}]},
            "It broke.",
        ),
        (
            {
                "invocations": [
                    {
                        "toolConfigurationNotifications": [
                            {"level": "error", "descriptor": {"id": "NO_RULE"}, "message": {"text": "no rule"}}
                        ]
                    }
                ]
            },
            "NO_RULE: no rule",
        ),
        (
            {
                "invocations": [
                    {
                        "toolExecutionNotifications": [
                            {"descriptor": {"id": "Syntax error"}, "message": {"text": "at a.py:1"}, "level": "warning"}
                        ]
                    }
                ]
            },
            "Syntax error: at a.py:1",
        ),
        ({"properties": {"coverage": [{"files": 2, "lang": "XML", "type": "FAILED_PARSING"}]}}, "2 files of XML"),
    ],
)
def test_what_the_tool_could_not_do_makes_the_scan_partial(others: dict[str, Any], reason: str) -> None:
    [scan] = scans(run(result()) | others)
    assert isinstance(scan.outcome, Partial)
    assert any(reason in one for one in scan.reasons)


def test_notes_and_warnings_of_other_things_leave_it_complete() -> None:
    notes = [{"level": "note", "message": {"text": "skipped 3"}}, {"message": {"text": "A new version is out."}}]
    [scan] = scans(run(result(), invocations=[{"executionSuccessful": True, "toolExecutionNotifications": notes}]))
    assert scan.outcome == Complete()


def test_a_file_that_could_not_be_read_is_skipped_and_what_was_analysed_is_scanned() -> None:
    failure = {"level": "error", "message": {"text": "no"}, "locations": result("R", "b.py")["locations"]}
    artifacts = [{"location": {"uri": uri}, "roles": ["analysisTarget"]} for uri in ("a.py", "b.py", "c.py")]
    [scan] = scans(run(artifacts=artifacts, invocations=[{"toolExecutionNotifications": [failure]}]))
    assert scan.coverage.skipped == {"b.py": "no"}
    assert scan.coverage.scanned == {"a.py": "", "c.py": ""}
    [silent] = scans(run(artifacts=[{"location": {"uri": "a.py"}}]))
    assert silent.coverage.scanned == {}


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"version": "2.1.0", "runs": []}, "the report has no run: no tool says anything"),
        ({"version": "2.0.0", "runs": []}, "expected SARIF 2.1.0, found version 2.0.0"),
        ({"version": "2.1.0", "runs": None}, "expected a list at `runs`, found null"),
        ({"version": "2.1.0", "runs": [{"results": []}]}, "runs[0]: expected an object at `tool`, found nothing"),
        (
            {"version": "2.1.0", "runs": [run({"ruleId": 5, "message": {"text": "x"}})]},
            "runs[0]: results[0]: expected a string at `ruleId`, found a number",
        ),
        (
            {
                "version": "2.1.0",
                "runs": [run(result(locations=[{"physicalLocation": {"artifactLocation": {"index": 3}}}]))],
            },
            "runs[0]: results[0]: expected an object at `artifacts[3]`, found nothing",
        ),
    ],
)
def test_what_is_no_sarif_is_refused_with_its_place(document: dict[str, Any], error: str) -> None:
    with pytest.raises(ReportError) as refused:
        scans_of_report(json.dumps(document).encode(), None, b"k", 0)
    assert refused.value.message == error


def test_a_byte_order_mark_and_names_that_are_no_utf_8_are_read() -> None:
    document = json.dumps({"version": "2.1.0", "runs": [run(result("R1", "caf-.py"))]}).encode()
    for content in (b"\xef\xbb\xbf" + document, document.replace(b"caf-", b"caf\xe9")):
        [scan] = scans_of_report(content, None, b"k" * 32, 0)
        [finding] = scan.findings
        assert finding.path.encode().startswith(b"caf")
