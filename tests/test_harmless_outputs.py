"""What a scanned repository names its files, and what a report says, is text in every output and nothing else."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from fixby.cli.output import emit
from fixby.component import Component
from fixby.finding import Location, Rule, Step, traced
from fixby.severity import Severity
from fixby.store.opening import open_for_writing
from tests.command import Ended, called
from tests.sarif_logs import check
from tests.stories import scan, told, vulnerability, weakness

HOSTILE = (
    "$(touch pwned) `touch pwned`\n::error::pwned\n##[error]pwned\r\n\x1b[2J\x1b]8;;https://evil.example\x07\u202edenwp"
    " <script>pwned()</script><img src=x onerror=pwned()> ![pwned](https://evil.example/a.png) [pwned](javascript:x)"
    " @everyone #1 https://evil.example | a | b |\n---|---\n# pwned\n- [ ] pwned &lt;b&gt; ${{ github.token }} =1+1 {0}"
)
PATH = "a b/$(pwned) `x` <b>[p](javascript:p)|@all%0A::error::\u202e.py"


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store in whose findings every text is hostile."""
    url = str(tmp_path / "fixby.db")
    database = open_for_writing(url)
    rule = Rule(HOSTILE, HOSTILE, ("CWE-79",), (HOSTILE, "javascript:pwned()", "https://x.org/<b>"))
    said: dict[str, Any] = {
        "message": HOSTILE,
        "fix": HOSTILE,
        "locations": (Location(PATH, 1, 1),),
        "severity": Severity.CRITICAL,
    }
    code = traced(weakness(HOSTILE, **said), [[Step(Location(PATH, 1), HOSTILE), Step(Location(PATH, 2), HOSTILE)]])
    package = vulnerability(component=Component("pkg:npm/x@1", "npm", HOSTILE, HOSTILE, (HOSTILE,)), **said)
    some = tuple(replace(one, rule=rule) for one in (code, package))
    told(database, scan(*some, at=1, scanned={}), asset="shop")
    database.close()
    return url


def ended(shop: Path, store: str, *command: str) -> Ended:
    found = called(*command, "--store", store, cwd=shop)
    assert found.code in (0, 1)
    assert not (shop / "pwned").exists()
    return found


COMMANDS = (
    ("list",),
    ("list", "--format", "csv"),
    ("list", "--json"),
    ("sla", "report"),
    ("sla", "report", "--format", "markdown"),
    ("sla", "report", "--format", "html"),
    ("export", "sarif"),
    ("export", "vex"),
    ("gate",),
    ("list", "--fields", "message,title,path,fix"),
    ("list", "--fields", "message,title,path,fix", "--format", "csv"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_steers_a_terminal(shop: Path, store: str, command: tuple[str, ...]) -> None:
    found = ended(shop, store, *command)
    printed = found.out.replace("\r\n", "\n") + found.err
    assert not [one for one in printed if not one.isprintable() and one != "\n"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("width", ["20", "47", "200"])
def test_in_a_job_nothing_is_a_command_to_the_runner(
    shop: Path, store: str, command: tuple[str, ...], width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("COLUMNS", width)
    found = ended(shop, store, *command)
    printed = found.out + found.err
    assert "pwned" in printed or command[0] == "gate"
    assert "##[" not in printed
    assert not [line for line in printed.splitlines() if line.lstrip().startswith("::")]


def test_a_program_reads_the_same_in_a_job(shop: Path, store: str) -> None:
    for command in (("list", "--json"), ("export", "sarif")):
        assert (
            called(*command, "--store", store, cwd=shop, GITHUB_ACTIONS="true").document
            == called(*command, "--store", store, cwd=shop).document
        )


def test_a_command_that_is_meant_reaches_the_runner(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    emit("::notice::meant", to_runner=True)
    emit("  ::notice::not meant")
    assert capsys.readouterr().out == "::notice::meant\n  : :notice::not meant\n"


def test_in_sarif_nothing_is_markup_and_no_link_leads_astray(shop: Path, store: str) -> None:
    document = ended(shop, store, "export", "sarif").document
    check(document)
    for rule in (rule for run in document["runs"] for rule in run["tool"]["driver"]["rules"]):
        assert "helpUri" not in rule
        _is_only_text(rule["help"]["markdown"])
    for result in (result for run in document["runs"] for result in run["results"]):
        text = result["message"]["text"]
        assert not re.search(r"(?<!\\)\[[^\]]*\]\(", text)
        assert "markdown" not in result["message"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.startswith("a%20b/$(pwned)%20%60x%60%20%3Cb%3E%5Bp%5D(javascript%3Ap)%7C@all%250A%3A%3Aerror%3A%3A")
    shown = json.dumps(_without_ours(document), ensure_ascii=False)
    assert "\u202e" not in shown
    assert "\\u001b" not in shown


def _without_ours(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_ours(one) for key, one in value.items() if key != "fixby/v1"}
    return [_without_ours(one) for one in value] if isinstance(value, list) else value


def test_in_markdown_nothing_is_markup(shop: Path, store: str) -> None:
    _is_only_text(ended(shop, store, "sla", "report", "--format", "markdown").out)


def _is_only_text(text: str) -> None:
    tokens = MarkdownIt("commonmark", {"linkify": False}).enable("table").parse(text)
    flat = [part for token in tokens for part in [token, *(token.children or [])]]
    assert not {part.type for part in flat} & {"html_block", "html_inline", "link_open", "image"}
    plain = " ".join(part.content for part in flat if part.type == "text")
    assert not re.search(r"@[a-z]|evil\.example", plain)


class _Page(HTMLParser):
    """The tags of a page with their attributes, and what its scripts say."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts.append(data)


def test_in_html_nothing_is_an_element_a_script_or_a_link(shop: Path, store: str) -> None:
    page = _Page()
    page.feed(ended(shop, store, "sla", "report", "--format", "html").out)
    assert "img" not in {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not [name for name, value in attributes if name.startswith("on") or "pwned" in (value or "")]
    assert "pwned" not in "".join(page.scripts)


def test_as_reports_of_gitlab_nothing_is_markup(shop: Path, store: str) -> None:
    ended(shop, store, "export", "gitlab")
    for name in ("gl-sast-report.json", "gl-dependency-scanning-report.json"):
        [row] = json.loads((shop / name).read_text())["vulnerabilities"]
        _is_only_text(row["description"])
        _is_only_text(row["solution"])
        assert "links" not in row or all(link["url"] == "https://x.org/<b>" for link in row["links"])
