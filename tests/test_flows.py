"""The ways that data take are kept as Semgrep and SARIF tell them, without secrets and within bounds."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from fixby.finding import Finding, Flow, Location, Step, traced
from fixby.scanners.ingestion import scans_of_report
from fixby.store.codec import decoded, encoded
from tests.command import called
from tests.stories import weakness

TOKEN = "ghp_" + "1234567890abcdefghijABCDEFGHIJ123456"


def place(line: int, path: str = "a.py") -> dict[str, Any]:
    return {"path": path, "start": {"line": line, "col": 1, "offset": 0}, "end": {"line": line, "col": 9, "offset": 8}}


def semgrep(trace: object, **metadata: object) -> bytes:
    extra = {"message": "Bad.", "severity": "ERROR", "metadata": metadata, "lines": "eval(a)", "dataflow_trace": trace}
    row = {"check_id": "r", **place(9), "extra": extra}
    return json.dumps({"version": "1.90.0", "results": [row], "errors": [], "paths": {"scanned": ["a.py"]}}).encode()


def the(content: bytes) -> Finding:
    [scan] = scans_of_report(content, None, b"k" * 32, 0)
    [finding] = scan.findings
    return finding


def told(flow: Flow) -> list[tuple[int | None, str]]:
    return [(step.location.line, step.message) for step in flow]


INNER = ["CliLoc", [place(4), "input()"]]
CALLED = ["CliCall", [[place(6), "read()"], [{"location": place(5), "content": "text"}], INNER]]


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        (
            {
                "taint_source": INNER,
                "intermediate_vars": [{"location": place(7), "content": "a"}],
                "taint_sink": ["CliLoc", [place(9), f"eval(a, '{TOKEN}')"]],
            },
            [(4, "input()"), (7, "a"), (9, "eval(a, '[redacted]')")],
        ),
        (
            {"taint_source": CALLED, "taint_sink": ["CliLoc", [place(9), "eval(a)"]]},
            [(4, "input()"), (5, "text"), (6, "read()"), (9, "eval(a)")],
        ),
        ({"taint_source": ["CliLoc", [place(9), "x"]], "taint_sink": ["CliLoc", [place(9), "x"]]}, None),
        ({"taint_source": "requires login", "intermediate_vars": 1}, None),
        (None, None),
    ],
)
def test_what_semgrep_traces_is_a_flow(trace: object, expected: list[tuple[int, str]] | None) -> None:
    assert [told(flow) for flow in the(semgrep(trace)).flows] == ([expected] if expected else [])


def test_nothing_is_quoted_where_the_code_is_a_credential() -> None:
    trace = {"taint_source": INNER, "taint_sink": ["CliLoc", [place(9), "login('geheim')"]]}
    [flow] = the(semgrep(trace, cwe="CWE-798")).flows
    assert "geheim" not in repr(flow)


def test_a_call_that_calls_itself_for_ever_ends() -> None:
    trace: object = INNER
    for _ in range(100):
        trace = ["CliCall", [[place(1), "f()"], [], trace]]
    assert len(the(semgrep({"taint_source": trace, "taint_sink": INNER})).flows) == 1


def test_few_flows_are_kept_and_of_long_ones_the_ends() -> None:
    long = [Step(Location("a", line)) for line in range(1, 200)]
    finding = traced(weakness(), [long, long, *([Step(Location("b", line)), *long] for line in range(5))])
    assert len(finding.flows) == 3
    lines = [step.location.line for step in finding.flows[0]]
    assert lines == [*range(1, 26), *range(175, 200)]


def test_a_finding_without_flows_is_written_as_before_and_one_with_them_comes_back() -> None:
    assert b"flows" not in encoded(traced(weakness(), [[Step(Location("a"))]]))
    finding = traced(weakness(), [[Step(Location("a", 1), "x"), Step(Location("b", 2))]])
    assert decoded(orjson.loads(encoded(finding))) == finding
    assert finding != weakness()


def test_flows_are_stored_proved_and_no_news_the_second_time(tmp_path: Path) -> None:
    trace = {"taint_source": INNER, "taint_sink": ["CliLoc", [place(9), "eval(a)"]]}
    (tmp_path / "semgrep.json").write_bytes(semgrep(trace))
    assert called("ingest", "semgrep.json", "--json", cwd=tmp_path).document["scans"][0]["new"] == 1
    before = called("list", "--json", cwd=tmp_path).out
    called("ingest", "semgrep.json", cwd=tmp_path)
    [finding] = json.loads(before)["findings"]
    history = called("show", finding["id"], "--json", cwd=tmp_path).document["history"]
    assert [event["event"] for event in history] == ["finding.detected"]
    assert called("db", "verify", cwd=tmp_path).code == 0
    assert '"threadFlows"' in called("export", "sarif", cwd=tmp_path).out
