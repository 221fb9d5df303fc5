"""Reports that no tool writes: each is read as something that can be stored, or refused. Nothing crashes."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from fixby.closing import units
from fixby.errors import ReportError
from fixby.identity import numbered
from fixby.scan import Scan
from fixby.scanners.ingestion import scans_of_report
from fixby.store.codec import decoded, encoded
from tests import foreign_reports

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
LARGEST = 200_000
FILES = [file for file in sorted(CORPUS.glob("*/*")) if file.is_file() and file.stat().st_size < LARGEST]
REPORTS = {f"{file.parent.name}/{file.name}": file.read_bytes() for file in FILES} | {
    name: content for name, (_, content, _) in foreign_reports.REPORTS.items()
}

NATIVE = {
    "bandit": {
        "errors": [],
        "generated_at": "2026-01-01T00:00:00Z",
        "metrics": {"a.py": {"nosec": 0, "skipped_tests": 0}, "_totals": {}},
        "results": [
            {
                "code": "1 exec(a)\n",
                "filename": "a.py",
                "issue_confidence": "HIGH",
                "issue_severity": "HIGH",
                "issue_text": "Use of exec.",
                "line_number": 1,
                "line_range": [],
                "more_info": "https://bandit.example/b102",
                "test_id": "B102",
                "test_name": "exec_used",
            }
        ],
    },
    "pip-audit": {
        "dependencies": [
            {
                "name": "pyyaml",
                "version": "5.1",
                "vulns": [{"id": "PYSEC-1", "fix_versions": [], "aliases": [], "description": "NUL \0, half \ud83d"}],
            },
            {"name": "b\udcf8", "skip_reason": "not found: \udcf8"},
        ],
        "fixes": [],
    },
}
SECRET = {
    "SchemaVersion": 2,
    "ArtifactName": ".",
    "Results": [
        {"Target": "a", "Class": "secret", "Secrets": [{"RuleID": "x", "Severity": "HIGH", "StartLine": 2**31}]}
    ],
}
TRUFFLEHOG = {"DetectorName": "AWS", "Raw": "\u00e9", "SourceMetadata": {"Data": {"Git": {"file": "a"}}}}
GITLAB = {"version": "15.0.0", "scan": {"type": {}}, "vulnerabilities": []}
ODD_NAME = {
    "SchemaVersion": 2,
    "ArtifactName": ".",
    "Results": [
        {
            "Target": "a",
            "Class": "lang-pkgs",
            "Type": "npm",
            "Vulnerabilities": [{"VulnerabilityID": "CVE-2020-1", "PkgName": "\r\n", "InstalledVersion": "1"}],
        }
    ],
}
NO_RULE = {
    "kind": "ExposedSecretReport",
    "metadata": {"name": "a", "namespace": "b"},
    "report": {"artifact": {"repository": "a"}, "secrets": [{"ruleID": "", "severity": "HIGH", "title": "t"}]},
}

PIP_AUDIT = {
    "dependencies": [
        {
            "name": "/",
            "version": "1",
            "vulns": [{"id": "PYSEC-1", "fix_versions": [], "description": "d", "aliases": []}],
        }
    ]
}
GITLEAKS = [
    {
        "line": "a",
        "lineNumber": 2**63,
        "offender": "a",
        "commit": "",
        "repo": "",
        "rule": "x",
        "commitMessage": "",
        "author": "",
        "email": "",
        "file": "a.py",
        "date": "",
        "tags": "key",
    }
]


def written(document: object) -> bytes:
    """The document as JSON in UTF-8, halves of characters as the bytes or escapes that they come from."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("tool", NATIVE)
def test_what_no_store_holds_is_spelt_out_or_replaced(tool: str) -> None:
    for content in (written(NATIVE[tool]), json.dumps(NATIVE[tool]).encode()):
        [scan] = stored(content, tool)
        assert scan.findings


def test_a_byte_that_is_no_character_is_spelt_out_and_the_rest_stays_as_it_was() -> None:
    name, reason = b"a\xf8" + rb"\\xf8\ud83d\ude00\ud83d", rb"\u0000\\u0000"
    content = b'{"dependencies": [{"name": "%b", "skip_reason": "%b"}], "fixes": []}' % (name, reason)
    [scan] = stored(content, "pip-audit")
    [(unit, why)] = scan.coverage.skipped.items()
    assert unit.endswith("a\\xf8\\xf8\N{GRINNING FACE}\N{REPLACEMENT CHARACTER}")
    assert "\N{REPLACEMENT CHARACTER}\\u0000" in why


@pytest.mark.parametrize(
    "document", [SECRET, GITLEAKS, TRUFFLEHOG], ids=["a line that no file has", "a line that no number is", "no base64"]
)
def test_odd_values_are_left_out(document: object) -> None:
    [scan] = stored(written(document))
    [finding] = scan.findings
    assert finding.locations[0].line is None


@pytest.mark.parametrize("content", [b"<!--" * 300_000, b"<?" * 300_000, b"<!DOCTYPE a [" + b"<!ENTITY" * 100_000])
def test_what_never_ends_in_xml_is_refused_at_once(content: bytes) -> None:
    with pytest.raises(ReportError):
        stored(content)


def test_a_kind_of_secret_without_a_letter_is_a_rule_too() -> None:
    row = {"type": "?", "filename": "a.py", "hashed_secret": "0" * 40, "is_verified": False, "line_number": 1}
    [scan] = stored(written({"version": "1.5.0", "plugins_used": [], "filters_used": [], "results": {"a.py": [row]}}))
    assert [finding.rule.id for finding in scan.findings] == ["?"]


@pytest.mark.parametrize(
    "document",
    [GITLAB, ODD_NAME, PIP_AUDIT, NO_RULE],
    ids=["a type that is none", "no name", "a name of nothing but a stroke", "no rule"],
)
def test_what_cannot_be_read_is_refused(document: object) -> None:
    with pytest.raises(ReportError):
        stored(written(document))


@pytest.mark.parametrize("name", REPORTS)
def test_any_part_of_a_report_may_be_another_part_or_anything(name: str) -> None:
    some = random.Random(name)  # noqa: S311 - a test
    for _ in range(25):
        try:
            stored(spoilt(REPORTS[name], some))
        except ReportError:
            continue


def stored(content: bytes, tool: str | None = None) -> list[Scan]:
    """The scans of a report, once it is certain that a store can hold them."""
    scans = scans_of_report(content, tool, bytes(32), 1_700_000_000)
    for scan in scans:
        numbered("asset", scan.findings)
        for finding in scan.findings:
            document = encoded(finding)
            assert decoded(orjson.loads(document)) == finding
            assert b"\\u0000" not in document
            assert finding.rule.id
            assert all(place.line is None or 0 < place.line < 2**31 for place in finding.locations)
            units(finding)
        encoded([scan.tool_version, scan.reasons, dict(scan.coverage.scanned), dict(scan.coverage.skipped)])
    return scans


ODDITIES: list[Any] = [
    *(None, True, 0, -1, 2**31, 2**63, 0.5, 1e308, [], {}, [[]], [{}], {"": ""}),
    *("", " ", "\0", "\n", "x" * 5000, "9" * 400, "../../etc/passwd", "C:\\a", "file://[", "http://[::1", "(", "%s"),
    *("pkg:", "pkg:npm/%40a/b@1", "CWE-99999999999", "CVSS:3.1/", "CVE-2020-1", "0000-99-99", "\x1b[31m", "\u202e"),
]


def spoilt(content: bytes, some: random.Random) -> bytes:
    """The report with some of its parts changed, taken out, doubled or exchanged; bytes where it is no JSON."""
    try:
        document = copy.deepcopy(orjson.loads(content))
    except orjson.JSONDecodeError:
        return _spoilt_bytes(content, some)
    for _ in range(some.choice((1, 1, 2, 4))):
        places = list(_places(document))
        if not places:
            break
        holder, key = some.choice(places)
        other, other_key = some.choice(places)
        match some.randrange(5):
            case 0 | 1:
                holder[key] = copy.deepcopy(some.choice(ODDITIES))
            case 2:
                del holder[key]
            case 3:
                holder[key] = copy.deepcopy(other[other_key])
            case _:
                holder[key] = [holder[key], copy.deepcopy(holder[key])]
    return json.dumps(document).encode()


def _places(document: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - any JSON
    keys = list(document) if isinstance(document, dict) else range(min(len(document or ()), 10))
    for key in keys if depth < 12 else ():
        yield document, key
        if isinstance(document[key], dict | list):
            yield from _places(document[key], depth + 1)


def _spoilt_bytes(content: bytes, some: random.Random) -> bytes:
    spoilt = bytearray(content)
    for _ in range(some.choice((1, 2, 6))):
        start = some.randrange(len(spoilt) + 1)
        end = start + some.choice((0, 1, 40, 400))
        spoilt[start:end] = some.choice((b"", b"\0", b"\xff", b'"', b"<", b"&#0;", b"]]>", b"\n", bytes(spoilt[:99])))
    return bytes(spoilt)
