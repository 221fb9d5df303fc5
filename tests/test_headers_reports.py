"""What `fixby headers` shows: tables that fit and steer no terminal, Markdown, SARIF."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len

from fixby.headers.changes import Progress, progress
from fixby.headers.check import Verdict, catalogue
from fixby.headers.judge import Judged, Look, judge
from fixby.headers.markdown import summary
from fixby.headers.response import Failure, Trouble, Visit
from fixby.headers.terminal import verdicts
from fixby.headers.transition import NOTHING_YET, State, advance
from fixby.reports.terminal import rendered
from tests.command import called, repository
from tests.responses import ESCAPES, POOR, answer, judged, saved
from tests.sarif_logs import check
from tests.test_terminal import on_terminal, plain

CSP, REPORTING = "Content-Security-Policy", "Content-Security-Policy-Report-Only"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "saved", {"home.txt": POOR})


def shown(one: Judged, made: Progress | None = None, *, with_passes: bool = False) -> str:
    return rendered(*verdicts(one, made, 0, with_passes=with_passes))


@pytest.mark.parametrize("options", [(), ("--all", "--explain")])
def test_the_table_fits_80_columns(folder: Path, options: tuple[str, ...]) -> None:
    written = on_terminal("headers", "--from", "home.txt", "https://example.org", *options, cwd=folder)
    lines = plain(written).splitlines()
    assert len(lines) > 30
    assert [line for line in lines if cell_len(line) > 80] == []


def test_failures_come_first_and_passes_are_only_counted(folder: Path) -> None:
    ended = called("headers", "--from", "home.txt", "https://example.org", cwd=folder)
    found = re.findall(r"^(\w+) +(\w+) +([A-Z-]+)(?: |:)", ended.out, re.MULTILINE)[1:]
    assert [severity for _, severity, _ in found] == sorted(
        (severity for _, severity, _ in found), key=["critical", "high", "medium", "low", "info"].index
    )
    assert re.search(r"^\d+ failed \(\d+ high, \d+ medium, \d+ low, \d+ info\), \d+ passed$", ended.out, re.MULTILINE)
    assert "pass " not in ended.out
    everything = called("headers", "--from", "home.txt", "https://example.org", "--all", cwd=folder)
    assert re.search(r"^pass +CSP-INERT: ", everything.out, re.MULTILINE)


def test_what_was_sent_and_its_mend_are_shown_once(folder: Path) -> None:
    out = called("headers", "--from", "home.txt", "https://example.org", cwd=folder).out
    assert out.count("seen: Strict-Transport-Security: max-age=300") == 1
    assert out.count("send: Strict-Transport-Security: max-age=63072000; includeSubDomains") == 1
    assert "sid=secret" not in out


def test_hops_are_shown_where_there_were_any() -> None:
    first = replace(answer(("Location", "https://example.org/b"), url="https://example.org/a"), status=301)
    one = judge(Look(Visit("https://example.org/a", (first, answer(url="https://example.org/b")))), 0)
    assert "  301 https://example.org/a\n  200 https://example.org/b\n" in shown(one)


def test_what_is_inconclusive_is_told_with_its_reason() -> None:
    failure = Failure(Trouble.TIME, "https://example.org/", "The deadline passed.")
    one = judge(Look(Visit("https://example.org/", (), failure)), 0)
    assert "0 failed, 1 inconclusive" in shown(one)
    assert re.search(r"inconclusive +info +FETCH-BLOCKED.*\n +The deadline passed\.", shown(one))


def test_what_changed_and_how_far_the_policy_is_are_told() -> None:
    one = judged((REPORTING, "default-src 'none'; report-uri /r"))
    assert one.page
    before, _ = advance(NOTHING_YET, judged(("X-Frame-Options", "DENY")).page or one.page, 0)
    after, _ = advance(before, one.page, 0)
    text = shown(one, progress(before, after, 30))
    assert "  changed since the last visit: X-Frame-Options is gone\n" in text
    assert "  Content Security Policy: reports only since 1970-01-01, to be enforced by 1970-01-31\n" in text
    assert "  enforcing the policy that only reports would stop: another base, " not in text
    assert "would stop: forms to anywhere" not in text
    assert re.search(r"would stop: .*inline script", text)


HOSTILE = (
    ("Content-Type", "text/html"),
    (CSP, f"default-src 'self' {ESCAPES}; script-src 'unsafe-inline' x{ESCAPES}y"),
    ("Set-Cookie", f"sid{ESCAPES.replace(';', '')}=1; Path=/"),
    ("Server", f"a/1.2 {ESCAPES}"),
    ("X-Frame-Options", f"DENY{ESCAPES}"),
    ("Strict-Transport-Security", f"max-age{ESCAPES}"),
    ("Referrer-Policy", ESCAPES),
)


def test_nothing_that_a_site_sends_steers_the_terminal() -> None:
    one = judged(*HOSTILE, url=f"https://example.org/{ESCAPES}")
    made = Progress((f"X-Frame-Options changed from {ESCAPES} to DENY",), State.ENFORCED)
    text = rendered(*verdicts(one, made, 0, with_passes=True, with_policy=True))
    assert "COOKIE-SESSION-SECURE sid" in text
    assert not set(text) & set("\x1b\x07\u202e\x9b")


def test_a_saved_response_steers_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "hostile.txt").write_bytes(saved(HOSTILE).encode())
    for options in ((), ("--all", "--explain"), ("--format", "markdown"), ("--mend", "caddy")):
        ended = called("headers", "--from", "hostile.txt", *options, cwd=tmp_path)
        assert ended.code == 0
        assert not set(ended.out + ended.err) & set("\x1b\x07\u202e\x9b")


def test_only_a_table_needs_rich(folder: Path) -> None:
    code = "import sys; from fixby.cli.main import main\ntry: main()\nfinally: assert 'rich' not in sys.modules"
    for options in (("--json",), ("--format", "sarif"), ("--mend", "nginx")):
        subprocess.run(
            [sys.executable, "-c", code, "headers", "--from", "home.txt", *options],
            cwd=folder,
            check=True,
            capture_output=True,
        )


MARKUP = "<img src=x onerror=alert(1)> [a](https://evil.test) `b` | ** @somebody #1 https://evil.test"


def test_nothing_that_a_site_sends_is_markup() -> None:
    fields = (("Content-Type", "text/html"), ("Set-Cookie", f"sid {MARKUP}=1"), (CSP, f"script-src {MARKUP}; {MARKUP}"))
    one = judged(*fields, url=f"https://example.org/{MARKUP}")
    made = Progress((f"X-Frame-Options changed from {MARKUP} to {MARKUP}",), State.ENFORCED)
    text = summary([one], {one.url: made}, 0)
    tokens = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(["table"]).parse(text)
    kinds = {part.type for token in tokens for part in [token, *(token.children or [])]}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "strong_open", "em_open"}
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5, 6}
    assert "evil" not in re.sub(r"`+.*?`+", "", text)


def test_the_summary_says_what_failed_and_what_changed() -> None:
    one = judged(("Content-Type", "text/html"))
    text = summary([one], {one.url: Progress(("HSTS is gone",), State.NONE)}, 0)
    assert "| high | HSTS-MISSING |  | Browsers are not told to use https only. The header is not sent. |" in text
    assert "- Changed since the last visit: HSTS is gone\n" in text


def test_sarif_is_what_its_schema_says(folder: Path) -> None:
    ended = called("headers", "--from", "home.txt", "https://example.org/a b?c=1", "--format", "sarif", cwd=folder)
    assert ended.code == 0
    check(ended.document)
    (run,) = ended.document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(catalogue())
    result = next(one for one in run["results"] if one["ruleId"] == "HSTS-SHORT")
    assert rules[result["ruleIndex"]]["id"] == "HSTS-SHORT"
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "example.org/a%20b"
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "https://example.org/a b"
    assert re.fullmatch("[0-9a-f]{64}", result["partialFingerprints"]["fixbyIdentity/v1"])


def test_a_result_keeps_its_fingerprint_though_its_values_differ(tmp_path: Path) -> None:
    prints = []
    for nonce in ("YWJj", "ZGVm"):
        (tmp_path / "page.txt").write_text(saved([(CSP, f"script-src 'nonce-{nonce}'"), ("Content-Type", "text/html")]))
        document = called("headers", "--from", "page.txt", "--format", "sarif", cwd=tmp_path).document
        prints.append({one["partialFingerprints"]["fixbyIdentity/v1"] for one in document["runs"][0]["results"]})
    assert prints[0] == prints[1]
    assert len(prints[0]) > 3


def test_sarif_says_what_stayed_inconclusive(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text(saved([]).replace("200 OK", "503 Unavailable"))
    ended = called("headers", "--from", "page.txt", "--format", "sarif", cwd=tmp_path)
    assert ended.code == 3
    check(ended.document)
    (invocation,) = ended.document["runs"][0]["invocations"]
    assert not invocation["executionSuccessful"]
    assert "503" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert "503" in ended.err


def test_every_verdict_is_counted() -> None:
    one = judged(("Content-Type", "text/html"))
    passed = sum(check.verdict is Verdict.PASS for check in one.checks)
    assert f"{len(one.failures)} failed" in shown(one)
    assert f", {passed} passed" in shown(one)


@pytest.mark.parametrize("content", ["HTTP/1.1 302 Found\nLocation: http://[x\n\nHTTP/1.1 200 OK\n\n", POOR])
def test_an_address_that_is_none_is_no_bug_of_ours(tmp_path: Path, content: str) -> None:
    (tmp_path / "page.txt").write_text(content)
    ended = called("headers", "--from", "page.txt", *(["https://[x"] if content == POOR else []), cwd=tmp_path)
    assert (ended.code, ended.out) == (3, "")
    assert "what is no URL" in ended.err
