"""Reports as shells and logs leave them: in UTF-16, with a mark before them, after lines that are not their own."""

import json

import pytest

from fixby.errors import ReportError
from fixby.scan import Scan
from fixby.scanners.ingestion import scans_of_report
from tests.foreign_reports import AWS_KEY, GENERIC_CSV, ZAP_JSON

ZAP_XML = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<OWASPZAPReport version="2.7" generated="x"><site name="http://a" host="a" port="1" ssl="false"><alerts>
<alertitem><pluginid>1</pluginid><alert>\N{LATIN SMALL LETTER A WITH DIAERESIS}</alert>
<riskcode>3</riskcode></alertitem>
</alerts></site></OWASPZAPReport>"""
BANDIT: dict[str, object] = {"errors": [], "generated_at": "x", "metrics": {"_totals": {}}, "results": []}


def scan(content: bytes) -> Scan:
    [one] = scans_of_report(content, None, b"key", 1)
    return one


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be-mark", "utf-8-sig"])
@pytest.mark.parametrize("report", [ZAP_XML, json.dumps(ZAP_JSON), json.dumps(BANDIT)], ids=["XML", "JSON", "bandit"])
def test_a_report_may_be_in_any_encoding_that_a_shell_writes(report: str, encoding: str) -> None:
    written = b"\xfe\xff" + report.encode("utf-16-be") if encoding == "utf-16-be-mark" else report.encode(encoding)
    assert scan(written) == scan(report.encode())


def test_half_a_character_at_the_end_is_a_report_that_was_cut() -> None:
    with pytest.raises(ReportError):
        scan(json.dumps(ZAP_JSON).encode("utf-16")[:-1])


def test_lines_of_a_log_before_a_report_are_left_out_and_its_errors_are_told() -> None:
    log = f"Working... 100%\n[INFO] reading\n2024-01-01 ERROR no rules for Java, token {AWS_KEY}\n"
    one = scan(log.encode() + json.dumps(BANDIT).encode())
    [reason] = one.reasons
    assert reason.startswith("2024-01-01 ERROR no rules for Java")
    assert AWS_KEY not in reason
    assert not scan(b"[main] INFO 1\n" + json.dumps(BANDIT).encode()).reasons
    assert not scan(b"yarn audit v1\n" + json.dumps({"type": "auditSummary", "data": {}}).encode()).reasons
    assert scan(b"Starting\n" + ZAP_XML.encode()).scanner == "zap"


@pytest.mark.parametrize(
    "content",
    [
        b'[{"RuleID": "x"},\n[]',
        b'{"results": [\n{}\n',
        b"no report\n",
        b'x\n{"results": [\n{\n',
        b"[1\n[]\n",
        b'"}\n{}\n',
        b'},\n{"a": 1}\n',
    ],
)
def test_of_a_damaged_document_nothing_is_left_out(content: bytes) -> None:
    with pytest.raises(ReportError):
        scan(content)


def test_lines_that_lack_the_beginning_of_the_first_are_damaged() -> None:
    secret = {"SourceMetadata": {}, "DetectorName": "AWS", "Verified": False, "Raw": "x", "RawV2": ""}
    line = json.dumps(secret).encode() + b"\n"
    assert len(scan(line + line).findings) == 2
    for offset in range(1, len(line) - 1):
        with pytest.raises(ReportError):
            scan((line + line)[offset:])


def test_a_table_is_no_log() -> None:
    quoted = 'house,no-md5,,medium,"see\n{}\nthere",src/a.py,3,,,,,,\n'
    assert len(scan((GENERIC_CSV + quoted).encode()).findings) == 3
