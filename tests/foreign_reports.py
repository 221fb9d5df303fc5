"""Reports as other tools write them, made by hand after their documentation: what the corpus does not have."""

import json
from typing import Any

AWS_KEY = "AKIA" + "QYLPMN5HFIQR7XYA"
TOKEN = "ghp_" + "1234567890abcdefghijABCDEFGHIJ123456"

ZAP_JSON: dict[str, Any] = {
    "@programName": "ZAP",
    "@version": "2.14.0",
    "@generated": "Mon, 1 Jan 2024 10:00:00",
    "site": [
        {
            "@name": "https://shop.example",
            "@host": "shop.example",
            "@port": "443",
            "@ssl": "true",
            "alerts": [
                {
                    "pluginid": "40018",
                    "alertRef": "40018-1",
                    "alert": "SQL Injection",
                    "name": "SQL Injection",
                    "riskcode": "3",
                    "confidence": "2",
                    "riskdesc": "High (Medium)",
                    "desc": "<p>SQL injection may be possible.</p>",
                    "instances": [
                        {"uri": "https://shop.example/b?id=1%27", "method": "GET", "param": "id", "evidence": "error"},
                        {"uri": "https://user:geheim@shop.example/a", "method": "GET", "param": "id", "evidence": ""},
                    ],
                    "count": "2",
                    "solution": "<p>Do not trust client side input.</p>",
                    "reference": "<p>https://owasp.org/sqli</p><p>https://cheatsheetseries.owasp.org/x.html</p>",
                    "cweid": "89",
                    "wascid": "19",
                },
                {
                    "pluginid": "10020",
                    "alert": "Missing Anti-clickjacking Header",
                    "riskcode": "2",
                    "confidence": "0",
                    "desc": "",
                    "instances": [{"uri": "https://shop.example/", "method": "GET", "param": "x-frame-options"}],
                    "cweid": "1021",
                },
            ],
        }
    ],
}

GOSEC = {
    "Golang errors": {"/src/broken.go": [{"line": 3, "column": 7, "error": "expected ';', found x"}]},
    "Issues": [
        {
            "severity": "HIGH",
            "confidence": "LOW",
            "cwe": {"id": "798", "url": "https://cwe.mitre.org/data/definitions/798.html"},
            "rule_id": "G101",
            "details": "Potential hardcoded credentials",
            "file": "/src/main.go",
            "code": '6: import "fmt"\n7: var password = "hunter2hunter2"\n8: \n',
            "line": "7",
            "column": "5",
            "nosec": False,
            "suppressions": None,
        },
        {
            "severity": "MEDIUM",
            "confidence": "HIGH",
            "cwe": {"id": "22", "url": "https://cwe.mitre.org/data/definitions/22.html"},
            "rule_id": "G304",
            "details": "Potential file inclusion via variable",
            "file": "/src/main.go",
            "code": "9: \n10: os.Open(\n11:   name)\n12: \n",
            "line": "10-11",
            "column": "2",
            "nosec": True,
            "suppressions": [{"kind": "inSource", "justification": "the name is our own"}],
        },
    ],
    "Stats": {"files": 2, "lines": 30, "nosec": 1, "found": 2},
    "GosecVersion": "2.18.2",
}

ESLINT = {
    "results": [
        {
            "filePath": "/repo/src/a b.js",
            "messages": [
                {"ruleId": "no-eval", "severity": 2, "message": "eval can be harmful.", "line": 2, "column": 3},
                {"ruleId": "nope/x", "severity": 2, "message": "Definition for rule 'nope/x' not found.", "line": 1},
            ],
            "suppressedMessages": [
                {
                    "ruleId": "no-eval",
                    "severity": 2,
                    "message": "eval can be harmful.",
                    "line": 4,
                    "column": 3,
                    "endLine": 4,
                    "endColumn": 7,
                    "suppressions": [{"kind": "directive", "justification": "trusted"}],
                }
            ],
            "errorCount": 2,
            "source": "let a\n  eval(a)\n\n  eval(a)\n",
        },
        {
            "filePath": "/repo/src/broken.js",
            "messages": [
                {
                    "ruleId": None,
                    "fatal": True,
                    "severity": 2,
                    "message": "Parsing error: Unexpected token",
                    "line": 1,
                    "column": 2,
                }
            ],
            "errorCount": 1,
        },
        {"filePath": "/repo/src/fine.js", "messages": [], "errorCount": 0},
    ],
    "metadata": {
        "cwd": "/work",
        "rulesMeta": {"no-eval": {"docs": {"description": "Disallow `eval()`", "url": "https://eslint.org/no-eval"}}},
    },
}

CHECKOV = [
    {
        "check_type": "dockerfile",
        "results": {
            "passed_checks": [
                {
                    "check_id": "CKV_DOCKER_1",
                    "check_name": "no 22",
                    "file_path": "/Dockerfile",
                    "file_line_range": [1, 3],
                }
            ],
            "failed_checks": [
                {
                    "check_id": "CKV_DOCKER_3",
                    "check_name": "Ensure that a user for the container has been created",
                    "check_result": {"result": "FAILED"},
                    "code_block": [[1, "FROM a\n"], [2, "RUN b\n"]],
                    "file_path": "/Dockerfile",
                    "file_line_range": [1, 2],
                    "resource": "/Dockerfile.",
                    "guideline": "https://docs.example/docker-3",
                    "severity": None,
                }
            ],
            "skipped_checks": [
                {
                    "check_id": "CKV_DOCKER_2",
                    "check_name": "Ensure that HEALTHCHECK instructions have been added",
                    "check_result": {"result": "SKIPPED", "suppress_comment": "it is a job"},
                    "file_path": "/Dockerfile",
                    "file_line_range": [1, 2],
                    "resource": "/Dockerfile.",
                    "severity": "LOW",
                }
            ],
            "parsing_errors": ["/other/Dockerfile"],
        },
        "summary": {"passed": 1, "failed": 1, "skipped": 1, "parsing_errors": 1, "checkov_version": "3.2.1"},
    },
    {
        "check_type": "secrets",
        "results": {
            "passed_checks": [],
            "failed_checks": [
                {
                    "check_id": "CKV_SECRET_2",
                    "check_name": "AWS Access Key",
                    "check_result": {"result": "FAILED"},
                    "code_block": [[5, "key = AKIA**********"]],
                    "file_path": "/a.env",
                    "file_line_range": [5, 6],
                    "resource": "25910f981e85ca04baf359199dd0bd4a3ae738b6",
                    "severity": "HIGH",
                }
            ],
            "skipped_checks": [],
            "parsing_errors": [],
        },
        "summary": {"passed": 0, "failed": 1, "skipped": 0, "parsing_errors": 0, "checkov_version": "3.2.1"},
    },
    {
        "check_type": "sca_package",
        "results": {
            "passed_checks": [],
            "failed_checks": [
                {
                    "check_id": "CKV_CVE_2019_19844",
                    "check_name": "SCA package scan",
                    "check_result": {"result": "FAILED"},
                    "file_path": "/requirements.txt",
                    "file_line_range": [0, 0],
                    "resource": "requirements.txt.django",
                    "severity": "CRITICAL",
                    "vulnerability_details": {
                        "id": "CVE-2019-19844",
                        "status": "fixed in 3.0.1, 2.2.9, 1.11.27",
                        "severity": "critical",
                        "package_name": "django",
                        "package_version": "1.2",
                        "package_type": "python",
                        "link": "https://nvd.nist.gov/vuln/detail/CVE-2019-19844",
                        "description": "Django before 1.11.27 allows account takeover.",
                        "lowest_fixed_version": "1.11.27",
                    },
                }
            ],
            "skipped_checks": [],
            "parsing_errors": [],
        },
        "summary": {"passed": 0, "failed": 1, "skipped": 0, "parsing_errors": 0, "checkov_version": "3.2.1"},
    },
]

BRAKEMAN = {
    "scan_info": {"app_path": "/app", "rails_version": "7.0", "security_warnings": 1, "brakeman_version": "6.1.0"},
    "warnings": [
        {
            "warning_type": "SQL Injection",
            "warning_code": 0,
            "fingerprint": "ab",
            "check_name": "SQL",
            "message": "Possible SQL injection",
            "file": "app/models/user.rb",
            "line": 12,
            "link": "https://brakemanscanner.org/docs/warning_types/sql_injection/",
            "code": 'User.where("name = #{params[:name]}")',
            "confidence": "High",
            "cwe_id": [89],
        }
    ],
    "ignored_warnings": [
        {
            "warning_type": "Redirect",
            "warning_code": 18,
            "fingerprint": "cd",
            "check_name": "Redirect",
            "message": "Possible unprotected redirect",
            "file": "app/controllers/a.rb",
            "line": 3,
            "link": None,
            "code": None,
            "confidence": "Weak",
            "cwe_id": [601],
            "note": "internal only",
        }
    ],
    "errors": [{"error": "parse error on value", "location": "app/models/broken.rb:1"}],
    "obsolete": [],
}

GITLEAKS = [
    {
        "Description": "GitHub Personal Access Token",
        "StartLine": 3,
        "EndLine": 3,
        "StartColumn": 9,
        "EndColumn": 48,
        "Match": TOKEN,
        "Secret": TOKEN,
        "File": "ci\\deploy.sh",
        "SymlinkFile": "",
        "Commit": "0" * 40,
        "RuleID": "github-pat",
        "Fingerprint": "ci/deploy.sh:github-pat:3",
    },
    *(
        {
            "Description": "Generic API Key",
            "StartLine": line,
            "EndLine": line,
            "StartColumn": 1,
            "EndColumn": 9,
            "Match": "REDACTED",
            "Secret": "REDACTED",
            "File": "a.py",
            "Commit": "",
            "RuleID": "generic-api-key",
            "Fingerprint": f"a.py:generic-api-key:{line}",
        }
        for line in (5, 6)
    ),
]

TRUFFLEHOG = [
    {
        "SourceMetadata": {"Data": {"Filesystem": {"file": "conf/a.env", "line": 4}}},
        "SourceID": 1,
        "SourceType": 15,
        "SourceName": "trufflehog - filesystem",
        "DetectorType": 2,
        "DetectorName": "AWS",
        "DecoderName": "PLAIN",
        "Verified": verified,
        "Raw": AWS_KEY,
        "RawV2": f"{AWS_KEY}:secret",
        "Redacted": AWS_KEY,
        "ExtraData": {"account": "1"},
        "StructuredData": None,
    }
    for verified in (True, False)
]

GITLAB_SECRETS: dict[str, Any] = {
    "version": "15.0.4",
    "scan": {
        "type": "secret_detection",
        "status": "failure",
        "scanner": {"id": "gitleaks", "name": "Gitleaks", "version": "8.1", "vendor": {"name": "GitLab"}},
        "messages": [{"level": "warn", "value": "the history could not be fetched"}],
    },
    "vulnerabilities": [
        {
            "id": "1",
            "category": "secret_detection",
            "name": "GitHub token",
            "description": f"a token {TOKEN}",
            "severity": "Critical",
            "raw_source_code_extract": TOKEN,
            "location": {"file": "a.py", "start_line": 1},
            "identifiers": [{"type": "gitleaks_rule_id", "name": "Gitleaks rule ID github-pat", "value": "github-pat"}],
        }
    ],
}

_INSTANCE = {
    "ref": "refs/heads/main",
    "state": "open",
    "commit_sha": "39406e42cb832f683daa691dd652a8dc36ee8930",
    "message": {"text": "This path depends on a user-provided value."},
    "location": {"path": "lib/ab.js", "start_line": 917, "end_line": 918, "start_column": 7, "end_column": 18},
    "classifications": [],
}

GITHUB_CODE = [
    {
        "number": number,
        "html_url": f"https://github.com/octocat/hello-world/code-scanning/{number}",
        "state": state,
        "dismissed_reason": reason,
        "dismissed_comment": "the value is ours" if reason else None,
        "rule": {
            "id": "js/path-injection",
            "severity": "error",
            "security_severity_level": level,
            "tags": ["security", "external/cwe/cwe-022", "external/cwe/cwe-023"],
            "description": "Uncontrolled data used in path expression",
            "name": "js/path-injection",
            "help_uri": "https://codeql.github.com/x",
        },
        "tool": {"name": tool, "guid": None, "version": "2.4.0"},
        "most_recent_instance": _INSTANCE,
    }
    for number, state, reason, level, tool in (
        (1, "open", None, "high", "CodeQL"),
        (2, "dismissed", "false positive", "critical", "CodeQL"),
        (3, "fixed", None, "high", "CodeQL"),
        (4, "open", None, None, "Semgrep OSS"),
    )
]

GITHUB_SECRETS = [
    {
        "number": number,
        "html_url": f"https://github.com/o/r/security/secret-scanning/{number}",
        "locations_url": f"https://api.github.com/repos/o/r/secret-scanning/alerts/{number}/locations",
        "state": state,
        "resolution": resolution,
        "resolution_comment": "a sample" if resolution else None,
        "secret_type": "github_personal_access_token",
        "secret_type_display_name": "GitHub Personal Access Token",
        "secret": secret,
        "validity": validity,
    }
    for number, state, resolution, secret, validity in (
        (1, "open", None, TOKEN, "active"),
        (2, "resolved", "used_in_tests", TOKEN + "2", "inactive"),
        (3, "resolved", "revoked", TOKEN + "3", "inactive"),
        (4, "open", None, None, "unknown"),
    )
]

GENERIC_JSON: dict[str, Any] = {
    "format": "fixby-findings",
    "version": 1,
    "scanner": "house-rules",
    "scanner_version": "3.1",
    "findings": [
        {
            "rule": "no-md5",
            "title": "MD5 is broken",
            "severity": "medium",
            "message": "Do not hash passwords with MD5.",
            "path": "src/a.py",
            "line": 3,
            "column": 5,
            "code": "md5(text)",
            "cwes": ["CWE-327"],
            "references": ["https://example.org/md5"],
        },
        {
            "rule": "CVE-2024-0001",
            "severity": "critical",
            "path": "package-lock.json",
            "ecosystem": "npm",
            "package": "left-pad",
            "version": "1.0.0",
            "fixed_versions": ["1.0.1", "2.0.0"],
            "identifiers": ["CVE-2024-0001"],
            "suppressed_by": "security team",
            "suppression_reason": "not reachable",
        },
        {"rule": "token", "severity": "high", "path": "b.py", "secret": TOKEN},
    ],
    "scanned": ["src/a.py", "b.py", "package-lock.json"],
    "skipped": {"src/c.py": "no Python"},
    "problems": ["the advisories are a year old"],
}

GENERIC_CSV = """\
scanner,rule,title,severity,message,path,line,ecosystem,package,version,fixed_versions,cwes,identifiers
house,no-md5,MD5 is broken,medium,"Do not hash, ever",src/a.py,3,,,,,CWE-327 CWE-328,
house,CVE-2024-0001,,critical,,package-lock.json,,npm,left-pad,1.0.0,1.0.1 2.0.0,,CVE-2024-0001 GHSA-2222-3333-4456
"""

GITLEAKS_COLUMNS = "RuleID,Commit,File,SymlinkFile,Secret,Match,StartLine,EndLine,StartColumn,EndColumn,Fingerprint"
GITLEAKS_CSV = f"""\
{GITLEAKS_COLUMNS}
aws-access-token,c0ffee,src/a.py,,{AWS_KEY},"key, {AWS_KEY}",3,3,7,27,c0ffee:src/a.py:3
"""


def lines(*rows: object) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


REPORTS: dict[str, tuple[str, bytes, int]] = {
    "zap.json": ("zap", json.dumps(ZAP_JSON).encode(), 2),
    "gosec.json": ("gosec", json.dumps(GOSEC).encode(), 2),
    "eslint.json": ("eslint", json.dumps(ESLINT).encode(), 2),
    "checkov.json": ("checkov", json.dumps(CHECKOV).encode(), 4),
    "brakeman.json": ("brakeman", json.dumps(BRAKEMAN).encode(), 2),
    "gitleaks.csv": ("gitleaks", GITLEAKS_CSV.encode(), 1),
    "gitleaks.json": ("gitleaks", json.dumps(GITLEAKS).encode(), 3),
    "trufflehog.jsonl": ("trufflehog", lines(*TRUFFLEHOG), 2),
    "gitlab_secrets.json": ("gitlab", json.dumps(GITLAB_SECRETS).encode(), 1),
    "github_code.json": ("github-code-scanning", json.dumps(GITHUB_CODE).encode(), 3),
    "github_secrets.json": ("github-secret-scanning", json.dumps(GITHUB_SECRETS).encode(), 3),
    "generic.json": ("generic-json", json.dumps(GENERIC_JSON).encode(), 3),
    "generic.csv": ("generic-csv", GENERIC_CSV.encode(), 2),
}
"""The format of each report, the report, and how many findings it has."""
