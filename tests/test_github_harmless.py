"""Whatever names, titles, paths and findings say, it stays text wherever GitHub shows it."""

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from fixby.finding import Category, Finding, Location, Rule
from fixby.policies.gate import Judgement, RuleResult, Verdict
from fixby.reports.github import Told
from fixby.reports.github_annotations import MOST, annotations
from fixby.reports.github_comment import BOT, body, marker, ours
from fixby.reports.github_summary import LARGEST_SUMMARY, summary
from fixby.severity import Severity, SeveritySource
from fixby.store.opening import open_for_writing
from fixby.tracked import State, TrackedFinding
from tests.command import advisories
from tests.github_api import Comments, serving
from tests.github_runner import commands
from tests.github_shop import Shop, made
from tests.sarif_logs import check
from tests.stories import scan, weakness
from tests.stories import told as told_store
from tests.test_sla_page import needs_browser, started

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
ACTIVE = (
    "<script>window.pwned = 1</script>",
    "</script><script>window.pwned = 1</script>",
    "</style><svg onload='window.pwned = 1'>",
    "--><img src=x onerror=window.pwned=1>",
    '"><iframe srcdoc="<script>parent.pwned=1</script>">',
    "</td></table><base href=https://evil.example/><link rel=stylesheet href=//evil.example/x>",
    "[click](javascript:window.pwned=1) <javascript:window.pwned=1>",
    "<a href=javascript:window.pwned=1 autofocus onfocus=window.pwned=1>x</a>",
    "]]><![CDATA[<meta http-equiv=refresh content=0;url=https://evil.example>",
    "&lt;script&gt;window.pwned=1&lt;/script&gt; &#60;img src=x onerror=window.pwned=1&#62;",
)
CALL = "import subprocess\nsubprocess.call('ls ' + x, shell=True)\n"
NAMES = (
    "$(touch pwned).py",
    "`touch pwned`.py",
    "::error::injected.py",
    "##[add-path]evil.py",
    "a\n::error file=x::injected.py",
    "a\x1b[31m.py",
    "<img src=x onerror=alert(1)>.py",
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
        image=text,
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
@pytest.mark.parametrize("is_change", [False, True])
def test_in_markdown_it_is_text(text: str, *, is_change: bool) -> None:
    compared = text if is_change else ""
    page = body(replace(told(tracked(text), text=text), compared=compared), ".", "https://github.com/shop/web")
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


def test_a_hostile_pull_request_is_harmless_from_end_to_end(tmp_path: Path, api: Comments) -> None:
    shop: Shop = made(tmp_path, {"web/ok.py": "x = 1\n"}, advisories(tmp_path / "advisories"), api)
    mark = tmp_path / "pwned"
    event = shop.proposed(dict.fromkeys(NAMES, CALL))
    event["pull_request"]["title"] = f"$(touch {mark})"
    event["pull_request"]["head"]["ref"] = f"$(touch${{IFS}}{mark})"
    evil = {"GITHUB_HEAD_REF": f"$(touch {mark})"}
    ended = shop.run("pull_request", event, ref="refs/pull/7/merge", environment=evil)
    assert int(ended.outputs["new"]) >= len(NAMES), ended.log
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
    assert len(results) >= len(NAMES)
    assert not [one for one in results if "\x1b" in one["message"]["text"]]


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What a run has uploaded: the report, and the SARIF log."""

    report: Path
    sarif: Path


def _hostile(number: int, text: str) -> Finding:
    place = (Location(f"{number}/{text}", 1, 1),)
    one = weakness(text, message=text, fix=text, locations=place, severity=Severity.CRITICAL, scanner="gosec")
    return replace(one, rule=Rule(text, text, ("CWE-79",), (text, "javascript:pwned()")))


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """Those of a repository with hostile names, whose store has findings of which every text is hostile, all late."""
    folder = tmp_path_factory.mktemp("artifacts")
    with serving() as api:
        shop = made(folder, dict.fromkeys(NAMES, CALL), advisories(folder / "advisories"), api)
        store = open_for_writing(str(folder / "fixby.db"))
        some = [_hostile(number, text) for number, text in enumerate((*HOSTILE, *ACTIVE))]
        told_store(store, scan(*some, at=1, scanner="gosec", scanned={}))
        store.close()
        words = f"$(touch {folder}/pwned)\n::error::injected <script>pwned()</script>"
        environment = dict.fromkeys(("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "GITHUB_ACTOR", "GITHUB_WORKFLOW"), words)
        event = shop.push() | {"head_commit": {"message": words, "author": {"name": words}}}
        given = {"store": str(folder / "fixby.db"), "upload-report": "true"}
        ended = shop.run_inputs("push", event, given, environment=environment)
    assert (ended.code, ended.outputs["verdict"]) == (1, "fail"), ended.log
    assert int(ended.outputs["breached-critical"]) == len(HOSTILE) + len(ACTIVE), ended.log
    assert {one.name for one in ended.commands} <= {"error", "warning", "notice"}
    assert not list(folder.rglob("pwned*"))
    uploaded = {name.rpartition("/")[2]: given for name, given in ended.used}
    return Artifacts(Path(uploaded["upload-artifact"]["path"]), Path(uploaded["upload-sarif"]["sarif_file"]))


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_in_the_report_all_of_it_is_text(artifacts: Artifacts) -> None:
    written = artifacts.report.read_text(encoding="utf-8")
    page = Page(written)
    tags = Counter(tag for tag, _ in page.elements)
    assert not tags.keys() & {"a", "img", "iframe", "object", "embed", "link", "base", "form", "foreignobject", "set"}
    assert (tags["script"], tags["style"]) == (1, 1)
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not attributes.keys() & {"href", "src", "srcdoc", "action", "style", "xlink:href"}, tag
    [policy] = [about["content"] for _, about in page.elements if about.get("http-equiv") == "Content-Security-Policy"]
    assert str(policy).startswith("default-src 'none'; script-src 'sha256-")
    assert not [sign for sign in written if not sign.isprintable() and sign != "\n"]
    for text in ACTIVE:
        assert text in page.text


def test_in_sarif_all_of_it_is_text(artifacts: Artifacts) -> None:
    written = artifacts.sarif.read_text(encoding="utf-8")
    document = json.loads(written)
    check(document)
    assert "##[" not in written
    assert not [line for line in written.splitlines() if line.lstrip().startswith("::")]
    rules = [rule for run in document["runs"] for rule in run["tool"]["driver"]["rules"]]
    assert not [rule for rule in rules if not rule.get("helpUri", "https://").startswith("https://")]
    results = [one for run in document["runs"] for one in run["results"]]
    messages = [one["message"]["text"] for one in results]
    assert not [text for text in messages if re.search(r"(?<!\\)\[[^\]]*\]\(", text)]
    shown = messages + [
        rule[part]["text"] for rule in rules for part in ("shortDescription", "fullDescription") if part in rule
    ]
    assert len(shown) > 2 * len(ACTIVE)
    assert not [text for text in shown for sign in text if not sign.isprintable() and sign != "\n"]
    markup = [rule["help"]["markdown"] for rule in rules if "markdown" in rule.get("help", {})]
    rendered = Page("".join(MarkdownIt("commonmark", {"html": True}).enable("table").render(text) for text in markup))
    assert not {tag for tag, _ in rendered.elements} & {"script", "img", "svg", "iframe"}
    links = [str(about["href"]) for tag, about in rendered.elements if tag == "a"]
    assert not [link for link in links if not link.startswith("https://")]


@needs_browser
def test_a_browser_runs_nothing_of_it_and_asks_nobody(artifacts: Artifacts, tmp_path: Path) -> None:
    with started(tmp_path / "profile") as browser:
        browser.open(artifacts.report)
        assert browser.ask("document.title").startswith("SLA report, ")
        assert browser.ask("window.pwned") is None
        assert browser.ask("document.querySelectorAll('script').length") == 1
        browser.click("#breaches-table th:nth-child(3) button")
        late = len(HOSTILE) + len(ACTIVE)
        assert browser.ask("document.querySelectorAll('#breaches-table tbody tr').length") == late
        assert browser.complaints() == []
