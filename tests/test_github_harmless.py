"""Whatever names, titles, paths and findings say, it stays text wherever GitHub shows it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixby.finding import Category, Finding, Location, Rule
from fixby.policies.gate import Judgement, RuleResult, Verdict
from fixby.reports.github import Told
from fixby.reports.github_annotations import MOST, annotations
from fixby.reports.github_comment import BOT, body, marker, ours
from fixby.reports.github_summary import LARGEST_SUMMARY, summary
from fixby.severity import Severity, SeveritySource
from fixby.tracked import State, TrackedFinding
from tests.command import advisories
from tests.github_api import Comments, serving
from tests.github_runner import commands
from tests.github_shop import Shop, made

HOSTILE = (
    "$(touch /tmp/pwned)",
    "`touch /tmp/pwned`",
    "::add-mask::s",
    "x\n::error::injected",
    "x\r\n::set-output name=verdict::pass",
    "##[add-path]/tmp/evil",
    "\x1b[31mred\x1b]8;;https://evil.example\x07",
    "\u202egnp.exe",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/x.png) @everyone [a](javascript:alert(1))",
    "| a | b |\n# heading",
    "--> <!-- fixby -->",
    "a,line=9::b%0A::error::c",
)


def tracked(text: str = "bad", severity: Severity = Severity.HIGH, number: int = 1) -> TrackedFinding:
    finding = Finding(
        category=Category.CODE,
        scanner="bandit",
        rule=Rule(text, text),
        severity=severity,
        severity_source=SeveritySource.SCANNER,
        message=text,
        locations=(Location(text, 1),),
    )
    return TrackedFinding(f"{number:064x}", "web", finding, State.OPEN, 0, 0, None, 3600, "on_track", ())


def told(*findings: TrackedFinding, text: str = "fine") -> Told:
    rule = RuleResult(text, Verdict.FAIL, 1, 0, (), text)
    return Told(
        asset=text,
        judgement=Judgement(Verdict.FAIL, (rule,), 0),
        now=0,
        compared=text,
        new=findings,
        unchecked=(text,),
        notes=(text,),
        problem=text,
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_an_annotation_is_one_command_and_no_other(text: str) -> None:
    lines = annotations(told(tracked(text), text=text))
    assert all("\n" not in line and "\r" not in line and "\x1b" not in line for line in lines)
    obeyed = list(commands(lines))
    assert [one.name for one in obeyed] == ["error", "error", "error", "warning", "notice"]
    [finding] = [one for one in obeyed if "file" in one.properties]
    assert finding.properties.keys() == {"file", "line", "title"}
    assert finding.properties["line"] == "1"


@pytest.mark.parametrize("text", HOSTILE)
def test_in_markdown_it_is_text(text: str) -> None:
    page = body(told(tracked(text), text=text), ".", "https://github.com/shop/web/actions/runs/1")
    assert page.count("<!--") == 1 or "`" in page
    bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", page.removeprefix(marker(".")))
    for sign in ("<img", "](https://evil", "@everyone", "<!--", "javascript:", "\x1b", "\u202e"):
        assert sign not in bare
    assert not re.search(r"^(# heading|::)", page, re.MULTILINE)


def test_ten_annotations_of_a_kind_are_made_the_worst_first_and_the_rest_is_counted() -> None:
    some = [tracked(f"f{number}", Severity.HIGH, number) for number in range(30)]
    lines = annotations(told(*some, tracked("worst", Severity.CRITICAL, 99)))
    by_name = [one.name for one in commands(lines)]
    assert by_name.count("error") == MOST
    assert "worst" in lines[2]
    assert "23 more errors" in lines[-1]


def test_a_summary_stays_below_what_is_shown_and_says_that_it_was_cut() -> None:
    some = [tracked("x" * 5000, Severity.HIGH, number) for number in range(200)]
    large = summary(replace(told(*some), unchecked=["y" * 20_000] * 200))
    assert len(large.encode()) < LARGEST_SUMMARY
    assert "**Cut here" in large
    assert len(body(told(*some), ".", "https://example.org")) < 65536


def test_a_comment_is_ours_by_its_author_and_its_beginning() -> None:
    text = marker(".")
    comments: list[dict[str, object]] = [
        {"id": 1, "user": {"login": "mallory"}, "body": text},
        {"id": 2, "user": None, "body": text},
        {"id": 3, "user": {"login": BOT}, "body": f"see {text}"},
        {"id": 4, "user": {"login": BOT}, "body": marker("web")},
        {"id": 5, "user": {"login": BOT}, "body": f"{text}\nold"},
    ]
    assert ours(comments, ".", BOT) == 5
    assert ours(comments[:4], ".", BOT) is None


@pytest.fixture
def api() -> Iterator[Comments]:
    with serving() as comments:
        yield comments


def test_a_hostile_pull_request_is_harmless_from_end_to_end(tmp_path: Path, api: Comments) -> None:
    shop: Shop = made(tmp_path, {"web/ok.py": "x = 1\n"}, advisories(tmp_path / "advisories"), api)
    mark = tmp_path / "pwned"
    code = "import subprocess\nsubprocess.call('ls ' + x, shell=True)\n"
    names = [
        f"$(touch {mark.name}).py",
        f"`touch {mark.name}`.py",
        "::error::injected.py",
        "##[add-path]evil.py",
        "a\n::error file=x::injected.py",
        "a\x1b[31m.py",
        "<img src=x onerror=alert(1)>.py",
    ]
    event = shop.proposed(dict.fromkeys(names, code))
    event["pull_request"]["title"] = f"$(touch {mark})"
    event["pull_request"]["head"]["ref"] = f"$(touch${{IFS}}{mark})"
    evil = {"GITHUB_HEAD_REF": f"$(touch {mark})"}
    ended = shop.run("pull_request", event, ref="refs/pull/7/merge", environment=evil)
    assert int(ended.outputs["new"]) >= len(names), ended.log
    assert not list(tmp_path.rglob("pwned*"))
    assert {one.name for one in ended.commands} <= {"error", "warning", "notice"}
    assert not [one for one in ended.commands if one.message.startswith("injected")]
    assert all(one.properties.get("title") for one in ended.annotations("error"))
    [comment] = api.bodies()
    for page in (ended.summary, comment, ended.log):
        assert "\x1b" not in page
    for page in (ended.summary, comment):
        assert "<img" not in re.sub(r"`[^`]*`", "", page)
    [sarif] = [given["sarif_file"] for name, given in ended.used if name.endswith("upload-sarif")]
    written = Path(sarif).read_text()
    assert written.isascii()
    results = [one for run in json.loads(written)["runs"] for one in run["results"]]
    assert len(results) >= len(names)
    assert not [one for one in results if "\x1b" in one["message"]["text"]]
