"""What Fixby writes as SARIF is valid, and reads back to the same findings; nobody gains by forging it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixby.errors import FixbyError, ReportError
from fixby.finding import Category, Finding, Location, Rule, Step, Suppression, traced
from fixby.identity import numbered
from fixby.reports.sarif import Run, log
from fixby.reports.sarif_results import Result
from fixby.scan import Scan, outcome_name
from fixby.scanners.ingestion import scans_of_report
from fixby.severity import Severity, SeveritySource
from tests import foreign_reports
from tests.command import called
from tests.sarif_logs import check
from tests.stories import secret, vulnerability, weakness

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


def reports() -> Iterator[tuple[str, bytes]]:
    """All reports that there are, of whatever tool."""
    for file in sorted(CORPUS.glob("*/*")):
        if file.parent.name != "probes" and not file.name.endswith((".expected.json", ".error.json")):
            yield f"{file.parent.name}/{file.name}", file.read_bytes()
    for name, (_, content, _) in foreign_reports.REPORTS.items():
        yield name, content


def scans(content: bytes, tool: str | None = None) -> list[Scan]:
    return scans_of_report(content, tool, b"k" * 32, 0)


def written(*some: Scan) -> Any:  # noqa: ANN401 - JSON
    runs = [
        Run(
            one.scanner,
            one.tool_version,
            [Result(*each) for each in numbered("web", one.findings).items()],
            one.reasons,
        )
        for one in some
    ]
    return json.loads(log(runs, "1.0").text)


def log_of(*findings: Finding) -> Any:  # noqa: ANN401 - JSON
    results = [Result(*each) for each in numbered("web", findings).items()]
    return json.loads(log([Run(findings[0].scanner, "1", results)], "1.0").text)


def read(document: Any) -> dict[str, Finding]:  # noqa: ANN401 - JSON
    return {
        id_: finding
        for one in scans(json.dumps(document).encode())
        for id_, finding in numbered("web", one.findings).items()
    }


def readable(content: bytes) -> list[Scan]:
    try:
        return scans(content)
    except FixbyError:
        return []


@pytest.mark.skipif(not CORPUS.exists(), reason="there is no corpus of reports beside this repository")
def test_every_report_is_valid_as_sarif_and_reads_back_to_the_same_findings() -> None:
    findings = 0
    for name, content in reports():
        some = readable(content)
        document = written(*some)
        check(document)
        again = {one.scanner: one for one in scans(json.dumps(document).encode())} if some else {}
        for one in some:
            expected = numbered("web", one.findings)
            assert numbered("web", again[one.scanner].findings) == expected, name
            assert outcome_name(again[one.scanner].outcome) == outcome_name(one.outcome), name
            findings += len(expected)
    assert findings > 1000


FLOW = (Step(Location("in.py", 3, 3, 1, 9), "where it comes in"), Step(Location("out.py", 4, 5)))
SOME = (
    weakness(locations=()),
    weakness("a\tb", message="See [this](0) and [that](https://x.org), \\[not this\\] {0}\r\nnor\x1b[2Jthat\u202e"),
    weakness(
        locations=(Location("a b%41ü#?:[x].py"), Location("C:/x", 1, None, 2, None), Location("https://x.org/a?b"))
    ),
    weakness(rule="B1", locations=tuple(Location("x", line) for line in range(1, 1200))),
    weakness(suppression=Suppression("nosec", "we trust it"), severity=Severity.UNKNOWN),
    traced(weakness("eval(a)"), [FLOW]),
    weakness("a", rule="R\u202e1\x1b[2J"),
    replace(weakness(), rule=Rule("T", "title " * 60 + "\n", ("CWE-79", "CWE-1"), ("javascript:x", "https://x.org"))),
    vulnerability(fix="Upgrade.", locations=()),
    secret(fingerprint="5e" * 32),
)


@pytest.mark.parametrize("finding", SOME)
def test_what_is_odd_is_valid_and_reads_back(finding: Finding) -> None:
    document = log_of(finding)
    check(document)
    assert read(document) == numbered("web", [finding])


def test_findings_of_one_rule_that_say_different_things_of_it_keep_what_they_say() -> None:
    other = replace(weakness("c"), rule=Rule("B307", "another title", ("CWE-1",), ("https://x.org",)))
    some = (weakness("a"), weakness("b", severity=Severity.LOW, severity_source=SeveritySource.CVSS), other)
    assert read(log_of(*some)) == numbered("web", some)


@pytest.mark.parametrize("severity", Severity)
def test_any_reader_finds_the_same_severity_again(severity: Severity) -> None:
    document = log_of(weakness(severity=severity), weakness("b", rule="B2", severity=Severity.HIGH))
    for rule in document["runs"][0]["tool"]["driver"]["rules"]:
        assert rule["properties"].pop("fixby/v1")
    for result in document["runs"][0]["results"]:
        assert result["properties"].pop("fixby/v1")
    found = {one.rule.id: one for one in read(document).values()}
    expected = Severity.MEDIUM if severity is Severity.UNKNOWN else severity
    assert (found["B307"].severity, found["B2"].severity) == (expected, Severity.HIGH)


def test_a_result_that_is_milder_than_the_worst_of_its_rule_says_so_itself() -> None:
    document = log_of(weakness("a"), weakness("b", severity=Severity.LOW))
    [run] = document["runs"]
    assert run["tool"]["driver"]["rules"][0]["properties"]["security-severity"] == "8.0"
    assert [one["properties"].get("security-severity") for one in run["results"]] == [None, "2.0"]
    assert [one["level"] for one in run["results"]] == ["error", "note"]


def _spoilt(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def spoil(ours: dict[str, Any]) -> None:
        ours[key] = value

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        _spoilt("category", "harmless"),
        _spoilt("severity", None),
        _spoilt("severity_source", "policy"),
        _spoilt("secret_fingerprint", "5e" * 32),
        _spoilt("locations", [["a", 0, None, None, None]]),
        _spoilt("locations", [["a", True, None, None, None]]),
        _spoilt("locations", [["a", 1]]),
        _spoilt("locations", [{"path": "a"}]),
        _spoilt("suppression", ["", "why"]),
        _spoilt("suppression", [1, 2]),
        _spoilt("identifiers", "CVE-2024-1"),
        _spoilt("component", {"purl": "no purl", "ecosystem": "x", "name": "x", "version": "1", "fixed_versions": []}),
        _spoilt(
            "component", {"purl": "pkg:npm/x", "ecosystem": "pypi", "name": "x", "version": "1", "fixed_versions": []}
        ),
        _spoilt("component", {"purl": "pkg:npm/x"}),
        _spoilt("rule", {"title": "x", "cwes": ["seventy-nine"], "references": []}),
        _spoilt("message", 1),
    ],
)
def test_a_property_of_ours_that_is_damaged_is_refused(spoil: Callable[[dict[str, Any]], None]) -> None:
    document = log_of(weakness())
    spoil(document["runs"][0]["results"][0]["properties"]["fixby/v1"])
    with pytest.raises(ReportError):
        read(document)


def test_a_forged_property_leads_nowhere_and_decides_nothing() -> None:
    document = log_of(weakness())
    token = "ghp_" + "1234567890abcdefghijABCDEFGHIJ123456"
    forged = {
        "locations": [["../../etc/passwd", 1, 1, None, None]],
        "message": f"a {token}",
        "fix": token,
        "code": f"x = '{token}'",
        "tracked": {"state": "dismissed", "due_at": "2099-01-01T00:00:00Z", "owner": "nobody"},
    }
    document["runs"][0]["results"][0]["properties"]["fixby/v1"] |= forged
    [found] = read(document).values()
    assert found.path == "etc/passwd"
    assert token not in repr(found)
    assert found.suppression is None


def test_a_hash_of_a_secret_is_kept_and_one_that_is_none_is_refused() -> None:
    document = log_of(secret(fingerprint="5e" * 32))
    [id_] = read(document)
    assert id_ in numbered("web", [secret(fingerprint="5e" * 32)])
    document["runs"][0]["results"][0]["properties"]["fixby/v1"]["secret_fingerprint"] = "geheim"
    with pytest.raises(ReportError):
        read(document)


def test_parse_converts_to_sarif_and_reads_that_again(tmp_path: Path) -> None:
    (tmp_path / "zap.json").write_text(json.dumps(foreign_reports.ZAP_JSON))
    (tmp_path / "damaged.json").write_text("{")
    before = called("parse", "zap.json", "--json", cwd=tmp_path).document["scans"][0]["findings"]
    (tmp_path / "out.sarif").write_text(called("parse", "zap.json", "--format", "sarif", cwd=tmp_path).out)
    check(json.loads((tmp_path / "out.sarif").read_text()))
    assert called("parse", "out.sarif", "--json", cwd=tmp_path).document["scans"][0]["findings"] == before
    ended = called("parse", "zap.json", "damaged.json", "--format", "sarif", cwd=tmp_path)
    check(ended.document)
    assert ended.code == 3
    [failed] = [run for run in ended.document["runs"] if run["tool"]["driver"]["name"] == "unknown"]
    assert not failed["invocations"][0]["executionSuccessful"]
    assert called("parse", "zap.json", "--format", "xml", cwd=tmp_path).code == 2


def test_a_category_of_every_kind_is_read_back() -> None:
    for category in Category:
        finding = weakness(category=category)
        assert read(log_of(finding)) == numbered("web", [finding])
