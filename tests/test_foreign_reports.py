"""What the readers of reports of single tools make of them, tool by tool."""

import base64
import json
from hashlib import sha1
from pathlib import Path

import pytest

from fixby.component import component
from fixby.errors import ReportError
from fixby.finding import Category, Finding, Location, Suppression
from fixby.identifiers import identifiers
from fixby.identity import secret_fingerprint
from fixby.scan import Complete, Partial, Scan
from fixby.scanners.ingestion import scans_of_report
from fixby.severity import Severity, SeveritySource
from tests import foreign_reports as made
from tests.command import called

KEY = b"k" * 32


def scans(report: object) -> list[Scan]:
    return scans_of_report(report if isinstance(report, bytes) else json.dumps(report).encode(), None, KEY, 0)


def the_scan(report: object) -> Scan:
    [scan] = scans(report)
    return scan


def the(report: object) -> Finding:
    [finding] = the_scan(report).findings
    return finding


def known(secret: str) -> str:
    """The fingerprint of a secret that a report has whole."""
    return secret_fingerprint(KEY, sha1(secret.encode(), usedforsecurity=False).hexdigest())


def test_an_alert_of_zap_is_one_finding_at_its_site() -> None:
    scan = the_scan(made.ZAP_JSON)
    injection, missing = scan.findings
    assert injection.locations == (
        Location("https://shop.example"),
        Location("https://shop.example/a"),
        Location("https://shop.example/b"),
    )
    assert (injection.rule.id, injection.rule.cwes, injection.severity) == ("40018-1", ("CWE-89",), Severity.HIGH)
    assert injection.rule.references == ("https://owasp.org/sqli", "https://cheatsheetseries.owasp.org/x.html")
    assert injection.message == "SQL injection may be possible.\n\nParameters: id."
    assert injection.fix == "Do not trust client side input."
    assert (missing.suppression, missing.message) == (
        Suppression("zap: false positive"),
        "Parameters: x-frame-options.",
    )
    assert scan.tool_version == "2.14.0"
    assert "geheim" not in repr(scan)


def test_one_site_of_zap_may_stand_without_a_list() -> None:
    [site] = made.ZAP_JSON["site"]
    assert len(the_scan({**made.ZAP_JSON, "site": site}).findings) == 2
    assert isinstance(the_scan({**made.ZAP_JSON, "site": []}).outcome, Partial)


def test_gosec_tells_its_lines_suppressions_and_files_that_do_not_compile() -> None:
    scan = the_scan(made.GOSEC)
    password, file = scan.findings
    assert (password.code, password.rule.cwes) == ('var password = "[redacted]"', ("CWE-798",))
    assert password.locations == (Location("/src/main.go", 7, 7, 5),)
    assert file.locations == (Location("/src/main.go", 10, 11, 2),)
    assert (file.code, file.suppression) == ("os.Open(\n  name)", Suppression("nosec", "the name is our own"))
    assert scan.coverage.skipped == {"/src/broken.go": "line 3: expected ';', found x"}
    assert scan.tool_version == "2.18.2"
    assert isinstance(scan.outcome, Partial)


def test_a_report_of_gosec_that_lists_less_than_it_counts_is_partial() -> None:
    assert the_scan({"Issues": [], "Stats": {"found": 2}}).reasons == ("the report counts 2 findings and lists 0",)
    assert the_scan({"Issues": None, "Stats": {"found": 0}}).outcome == Complete()


def test_eslint_tells_which_files_it_read() -> None:
    scan = the_scan(made.ESLINT)
    first, silenced = scan.findings
    assert (first.code, first.rule.title, first.rule.references) == (
        "  eval(a)",
        "Disallow `eval()`",
        ("https://eslint.org/no-eval",),
    )
    assert silenced.suppression == Suppression("eslint-disable", "trusted")
    assert silenced.locations == (Location("/repo/src/a b.js", 4, 4, 3, 7),)
    assert scan.coverage.scanned == {"/repo/src/a b.js": "", "/repo/src/fine.js": ""}
    assert scan.coverage.skipped == {"/repo/src/broken.js": "eslint: Parsing error: Unexpected token"}
    assert "eslint: Definition for rule 'nope/x' not found." in scan.reasons


def test_checkov_tells_of_settings_secrets_and_packages() -> None:
    scan = the_scan(made.CHECKOV)
    failed, skipped, secret, package = scan.findings
    assert (failed.category, failed.severity, failed.severity_source) == (
        Category.MISCONFIGURATION,
        Severity.UNKNOWN,
        SeveritySource.DEFAULT,
    )
    assert (failed.locations, failed.code) == ((Location("Dockerfile", 1, 2),), "FROM a\nRUN b")
    assert (skipped.severity, skipped.suppression) == (Severity.LOW, Suppression("checkov:skip", "it is a job"))
    assert (secret.category, secret.code) == (Category.SECRET, "")
    assert secret.secret_fingerprint == secret_fingerprint(KEY, "25910f981e85ca04baf359199dd0bd4a3ae738b6")
    assert package.component == component("pypi", "django", "1.2", ("1.11.27", "3.0.1", "2.2.9"))
    assert (package.identifiers, package.rule.id) == (identifiers(["CVE-2019-19844"]), "CVE-2019-19844")
    assert scan.coverage.skipped == {"/other/Dockerfile": "checkov could not parse it (dockerfile)"}


def test_checkov_without_files_is_partial() -> None:
    nothing = {"passed": 0, "failed": 0, "skipped": 0, "parsing_errors": 0, "resource_count": 0, "checkov_version": "3"}
    assert the_scan(nothing).reasons == ("checkov found nothing that it could check",)
    with pytest.raises(ReportError, match="expected a list of checks"):
        scans({**nothing, "failed": 2})


def test_checkov_that_lists_less_than_it_counts_is_partial() -> None:
    report = made.CHECKOV[1] | {"summary": {"failed": 3, "checkov_version": "3"}}
    assert the_scan(report).reasons == ("the summary of secrets counts 3 failed, and 1 are listed",)


def test_brakeman_has_no_severities_and_tells_what_is_ignored() -> None:
    scan = the_scan(made.BRAKEMAN)
    injection, ignored = scan.findings
    assert (injection.rule.id, injection.rule.cwes, injection.severity_source) == (
        "SQL-0",
        ("CWE-89",),
        SeveritySource.DEFAULT,
    )
    assert ignored.suppression == Suppression("brakeman.ignore", "internal only")
    assert scan.reasons == ("parse error on value (app/models/broken.rb:1)",)


def test_gitleaks_knows_a_secret_by_itself_and_a_masked_one_by_its_place() -> None:
    token, first, second = the_scan(made.GITLEAKS).findings
    assert token.secret_fingerprint == known(made.TOKEN)
    assert token.locations == (Location("ci/deploy.sh", 3, 3, 9, 49),)
    assert (token.message, token.severity) == ("GitHub Personal Access Token.", Severity.HIGH)
    assert first.severity is Severity.MEDIUM
    assert first.secret_fingerprint != second.secret_fingerprint


def test_trufflehog_tells_which_secrets_work() -> None:
    verified, other = the_scan(made.lines(*made.TRUFFLEHOG)).findings
    assert (verified.severity, other.severity) == (Severity.CRITICAL, Severity.HIGH)
    assert verified.secret_fingerprint == other.secret_fingerprint == known(made.AWS_KEY)
    assert verified.locations == (Location("conf/a.env", 4, 4),)


def test_trufflehog_of_2022_writes_secrets_in_base64() -> None:
    old = {key: value for key, value in made.TRUFFLEHOG[0].items() if key not in ("DecoderName", "RawV2")}
    encoded = base64.b64encode(made.AWS_KEY.encode()).decode()
    assert the(made.lines({**old, "Raw": encoded})).secret_fingerprint == known(made.AWS_KEY)
    assert the(made.lines({**old, "Raw": "no base64!"})).secret_fingerprint == known("no base64!")


def test_what_trufflehog_logs_between_secrets_is_no_secret_and_its_errors_are_told() -> None:
    log = {"level": "info-0", "ts": "2024", "logger": "trufflehog", "msg": "running source"}
    error = log | {"level": "error", "msg": "could not clone"}
    scan = the_scan(made.lines(made.TRUFFLEHOG[0], log, error))
    assert (len(scan.findings), scan.reasons) == (1, ("could not clone",))


def test_trufflehog_2_tells_several_strings_as_one_finding() -> None:
    change = {"reason": "High Entropy", "path": "a.py", "commitHash": "abc", "stringsFound": ["b" * 20, "a" * 20]}
    finding = the(made.lines(change))
    assert (
        finding.secret_fingerprint
        == the(made.lines(change | {"stringsFound": ["a" * 20, "b" * 20]})).secret_fingerprint
    )
    assert (finding.severity, finding.message) == (Severity.LOW, "High Entropy: 2 strings in commit abc.")


def test_gitlab_tells_that_a_scan_did_not_succeed() -> None:
    scan = the_scan(made.GITLAB_SECRETS)
    [finding] = scan.findings
    assert (scan.scanner, scan.tool_version) == ("gitleaks", "8.1")
    assert (finding.secret_fingerprint, finding.message) == (known(made.TOKEN), "a token [redacted]")
    assert scan.reasons == ("GitLab says of the scan: failure", "the history could not be fetched")


def test_what_gitlab_takes_for_a_false_positive_is_suppressed() -> None:
    [row] = made.GITLAB_SECRETS["vulnerabilities"]
    flag = {"type": "flagged-as-likely-false-positive", "origin": "vet", "description": "never reached"}
    doubted = the({**made.GITLAB_SECRETS, "vulnerabilities": [{**row, "flags": [flag]}]})
    assert doubted.suppression == Suppression("gitlab: likely false positive", "never reached")
    dismissed = the({**made.GITLAB_SECRETS, "vulnerabilities": [{**row, "state": "dismissed", "comment": "a sample"}]})
    assert dismissed.suppression == Suppression("gitlab: dismissed", "a sample")


def test_alerts_of_github_that_are_dismissed_are_suppressed_and_fixed_ones_are_gone() -> None:
    codeql, semgrep = scans(made.GITHUB_CODE)
    first, dismissed = codeql.findings
    assert (first.severity, first.rule.cwes, first.locations) == (
        Severity.HIGH,
        ("CWE-22", "CWE-23"),
        (Location("lib/ab.js", 917, 918, 7),),
    )
    assert dismissed.suppression == Suppression("github: dismissed", "false positive: the value is ours")
    assert (semgrep.scanner, semgrep.findings[0].severity) == ("semgrep", Severity.HIGH)
    assert [len(scan.findings) for scan in scans([made.GITHUB_CODE[:2], made.GITHUB_CODE[2:]])] == [2, 1]
    assert the(made.GITHUB_CODE[0]) == first
    assert the_scan([made.GITHUB_CODE[2]]).findings == ()


def test_secrets_of_github_that_were_revoked_are_gone() -> None:
    works, sample, hidden = the_scan(made.GITHUB_SECRETS).findings
    assert (works.severity, works.secret_fingerprint) == (Severity.CRITICAL, known(made.TOKEN))
    assert sample.suppression == Suppression("github: used in tests", "a sample")
    assert hidden.locations == (Location("https://github.com/o/r/security/secret-scanning/4"),)
    assert hidden.severity is Severity.HIGH


def test_generic_json_says_all_that_a_finding_can_be() -> None:
    scan = the_scan(made.GENERIC_JSON)
    code, package, secret = scan.findings
    assert (scan.scanner, scan.tool_version) == ("house-rules", "3.1")
    assert (code.rule.cwes, code.locations, code.code) == (("CWE-327",), (Location("src/a.py", 3, 3, 5),), "md5(text)")
    assert package.component == component("npm", "left-pad", "1.0.0", ("1.0.1", "2.0.0"))
    assert package.suppression == Suppression("security team", "not reachable")
    assert (secret.category, secret.secret_fingerprint) == (Category.SECRET, known(made.TOKEN))
    assert scan.coverage.scanned.keys() == {"src/a.py", "b.py", "package-lock.json"}
    assert scan.reasons == ("the advisories are a year old", "not scanned: src/c.py: no Python")


GOOD = {"rule": "r", "severity": "low", "path": "a"}


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"severity": "Low"}, "expected one of critical, high, medium, low, info, unknown at `severity`, found 'Low'"),
        ({"severity": None}, "expected one of critical, high, medium, low, info, unknown at `severity`, found ''"),
        ({"path": ""}, "expected a place at `path` or a package at `package`, found neither"),
        ({"line": 0}, "expected numbers from 1 at `line`, `end_line` and `column`"),
        ({"line": "3"}, "expected a whole number at `line`, found a string"),
        ({"rule": " "}, "expected a string at `rule`, found nothing"),
        ({"cwes": ["79x"]}, "expected weaknesses such as CWE-79 at `cwes`, found something else"),
        ({"package": "a", "ecosystem": ""}, "expected the type of a package URL such as npm at `ecosystem`"),
        ({"category": "secret"}, "expected `secret` in findings of the category secret, and in no others"),
        ({"suppression_reason": "x"}, "expected who or what suppresses it at `suppressed_by`, found only a reason"),
        ({"sevrity": "low"}, "expected no field `sevrity`, which the format does not have"),
    ],
)
def test_generic_json_is_read_loudly(wrong: dict[str, object], error: str) -> None:
    with pytest.raises(ReportError) as refused:
        scans({"format": "fixby-findings", "version": 1, "scanner": "a", "findings": [GOOD, GOOD | wrong]})
    assert refused.value.message == f"findings[1]: {error}"


def test_generic_csv_says_the_same_by_columns() -> None:
    scan = the_scan(made.GENERIC_CSV.encode())
    code, package = scan.findings
    assert (code.message, code.rule.cwes, code.locations[0].line) == ("Do not hash, ever", ("CWE-327", "CWE-328"), 3)
    assert package.component == component("npm", "left-pad", "1.0.0", ("1.0.1", "2.0.0"))
    assert len(package.identifiers.names) == 2


@pytest.mark.parametrize(
    ("report", "error"),
    [
        ("scanner,rule,severity,path\n", "the report has no row, and so does not say whose it is"),
        ("scanner,rule,severity,path\na,r,low\n", "row 2: expected 4 values, found 3"),
        ("scanner,rule,severity,path\na,r,low,b,c\n", "row 2: expected 4 values, found 5"),
        (
            "scanner,rule,severity,path\na,r,low,b",
            "the report does not end with the end of a line: it may be cut short",
        ),
        ("scanner,rule,severity,path,x\n", "expected no column 'x', which the format does not have"),
        ("scanner,rule,severity,path,path\n", "expected every column once"),
        (
            "scanner,rule,severity,path\na,r,low,b\na,r,bad,b\n",
            "row 3: expected one of critical, high, medium, low, info, unknown at `severity`, found 'bad'",
        ),
        ("scanner,rule,severity,path,line\na,r,low,b,x\n", "row 2: expected a whole number at `line`, found 'x'"),
        (
            "scanner,rule,severity,path\nA B,r,low,b\n",
            "row 2: expected a name of small letters, digits, `.`, `_` and `-` at `scanner`",
        ),
    ],
)
def test_generic_csv_is_read_loudly(report: str, error: str) -> None:
    with pytest.raises(ReportError) as refused:
        scans(report.encode())
    assert refused.value.message == error


def test_spotbugs_tells_what_it_could_not_analyse() -> None:
    report = b"""<BugCollection version="4.8.0"><BugInstance type="EI_EXPOSE_REP" priority="1">
        <ShortMessage>May expose internals</ShortMessage><LongMessage>a.B.c() may expose</LongMessage>
        <Class classname="a.B"><SourceLine classname="a.B" start="1" end="9" sourcepath="a/B.java"/></Class>
        <Method name="c"><SourceLine classname="a.B" start="4" end="6" sourcepath="a/B.java"/></Method></BugInstance>
        <Errors><Error><ErrorMessage>Unable to read x.class</ErrorMessage></Error>
        <MissingClass>a.C</MissingClass></Errors>
        <FindBugsSummary total_bugs="2"/></BugCollection>"""
    scan = the_scan(report)
    [finding] = scan.findings
    assert (finding.locations, finding.severity) == ((Location("a/B.java", 4, 6),), Severity.HIGH)
    assert scan.reasons == (
        "spotbugs: Unable to read x.class",
        "spotbugs lacked 1 classes that the analysis needs, such as a.C",
        "the report counts 2 bugs and lists 1",
    )


def test_hadolint_that_could_not_parse_a_file_is_partial() -> None:
    row = {
        "line": 1,
        "code": "DL1000",
        "message": "unexpected 'x'",
        "column": 2,
        "file": "Dockerfile",
        "level": "error",
    }
    scan = the_scan([row, row | {"code": "SC2086", "file": "b/Dockerfile", "level": "info"}])
    assert scan.coverage.skipped == {"Dockerfile": "unexpected 'x'"}
    [finding] = scan.findings
    assert (finding.rule.references, finding.severity) == (("https://www.shellcheck.net/wiki/SC2086",), Severity.LOW)


def test_the_examples_of_the_documentation_are_read() -> None:
    document = (Path(__file__).parents[1] / "docs" / "reports.md").read_text(encoding="utf-8")
    as_json, as_csv = (block.partition("\n")[2] for block in document.split("```")[1::2])
    assert [len(scan.findings) for scan in (*scans(as_json.encode()), *scans(as_csv.encode()))] == [2, 1]


def test_what_a_report_says_was_looked_at_closes_what_is_gone(tmp_path: Path) -> None:
    report = {**made.GENERIC_JSON, "skipped": {}, "problems": []}
    (tmp_path / "first.json").write_text(json.dumps(report))
    (tmp_path / "second.json").write_text(json.dumps({**report, "findings": report["findings"][1:]}))
    first = called("ingest", "first.json", "--json", cwd=tmp_path)
    assert (first.code, first.document["scans"][0]["new"]) == (0, 3)
    second = called("ingest", "second.json", "--json", cwd=tmp_path)
    assert (second.code, second.document["scans"][0]["fixed"]) == (0, 1)


def test_control_characters_of_a_report_stay_harmless(tmp_path: Path) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\u202eevil\x00"
    row = {"ruleId": f"R{evil}", "message": {"text": evil}, "level": "error"}
    place = {"physicalLocation": {"artifactLocation": {"uri": f"a{evil}.py"}, "region": {"startLine": 1}}}
    driver = {"name": f"Tool{evil}", "version": evil, "rules": [{"id": f"R{evil}", "name": evil, "helpUri": evil}]}
    report = {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": [{**row, "locations": [place]}]}]}
    (tmp_path / "evil.sarif").write_text(json.dumps(report))
    for command, harmful in (
        (("parse",), STEERING),
        (("ingest",), STEERING),
        (("parse", "--json"), STEERING - {"\u202e"}),
    ):
        ended = called(*command, "evil.sarif", cwd=tmp_path)
        assert ended.code == 0
        assert not harmful & {*ended.out, *ended.err}


STEERING = {"\x1b", "\x07", "\x00", "\u202e"}
"""Characters that steer a terminal; JSON escapes all but the last."""
