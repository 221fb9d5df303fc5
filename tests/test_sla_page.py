"""The report's page in a real browser: it works, it obeys its own security policy, and it asks nobody for anything."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from select import select
from typing import Any

import pytest

from fixby.reports import sla_html
from fixby.severity import Severity
from fixby.sla.figures import Figures, Month, Report, TimeToFix
from fixby.tracked import TrackedFinding
from tests.test_sla_reports import EMPTY, HOSTILE, a_breach, a_report, breaches, hostile

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
)
PATIENCE = 60


@dataclass
class Browser:
    """A browser that is spoken to through two pipes (the DevTools protocol), and all that it tells of its page."""

    reads: int
    writes: int
    session: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)
    _calls: int = 0
    _rest: bytes = b""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": parameters}
        written = json.dumps(message | ({"sessionId": self.session} if self.session else {})).encode() + b"\0"
        while written:
            written = written[os.write(self.writes, written) :]
        while (answer := self._message()).get("id") != self._calls:
            self.told.append(answer)
        assert "error" not in answer, answer
        return dict(answer["result"])

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select([self.reads], [], [], PATIENCE)[0], "the browser does not answer"
            read = os.read(self.reads, 1 << 20)
            assert read, "the browser has ended"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))

    def ask(self, expression: str) -> Any:  # noqa: ANN401 - JSON
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, file: Path) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.call(f"{domain}.enable")
        self.told.clear()
        self.call("Page.navigate", url=file.as_uri())
        while not any(message.get("method") == "Page.loadEventFired" for message in self.told):
            self.told.append(self._message())

    def wide(self, width: int, height: int = 900) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def click(self, selector: str) -> None:
        """A real click into the middle of an element."""
        x, y = self.ask(
            f"(() => {{ const element = document.querySelector({json.dumps(selector)});"
            "element.scrollIntoView({block: 'center', inline: 'center'}); const box = element.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, code: int, text: str = "") -> None:
        """A real key, down and up."""
        for kind in ("keyDown", "keyUp"):
            said = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **said)

    def complaints(self) -> list[str]:
        """What the page wrote to the console, threw, broke of its policy, or asked of anybody but its own file."""
        self.call("Runtime.evaluate", expression="0")
        methods = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Audits.issueAdded")
        loud = [json.dumps(message) for message in self.told if message.get("method") in methods]
        sent = [message["params"]["request"]["url"] for message in self.heard("Network.requestWillBeSent")]
        return loud + sent[1:]

    def heard(self, method: str) -> list[dict[str, Any]]:
        """The events of a kind."""
        return [message for message in self.told if message.get("method") == method]


@contextmanager
def started(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile, that ends with the test."""
    assert CHROMIUM is not None
    from_us, writes = os.pipe()
    reads, from_it = os.pipe()
    given = [fcntl.fcntl(end, fcntl.F_DUPFD, 100) for end in (from_us, from_it)]
    words = ["bash", "-c", f'exec "$@" 3<&{given[0]} 4>&{given[1]}', "bash", CHROMIUM, *OPTIONS]
    process = subprocess.Popen(
        [*words, f"--user-data-dir={folder}"],
        pass_fds=given,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in (from_us, from_it, *given):
        os.close(end)
    browser = Browser(reads, writes)
    try:
        yield browser
    finally:
        browser.session = ""
        browser.call("Browser.close")
        process.wait(PATIENCE)
        os.close(reads)
        os.close(writes)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with started(tmp_path / "profile") as browser:
        yield browser


def opened(browser: Browser, folder: Path, report: Report, found: list[TrackedFinding]) -> None:
    file = folder / "report.html"
    file.write_text(sla_html.written(report, found), encoding="utf-8")
    browser.wide(1280) if browser.session else None
    browser.open(file)


def column(browser: Browser, table: str, number: int) -> list[str]:
    """The texts of a column's cells, as far as their rows are shown."""
    return list(
        browser.ask(
            f"[...document.querySelectorAll('#{table}-table tbody tr')].filter(row => row.checkVisibility())"
            f".map(row => row.cells[{number}].textContent)"
        )
    )


@needs_browser
def test_a_click_on_a_heading_sorts_and_another_one_turns_it_round(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, a_report(), breaches(40))
    before = column(browser, "breaches", 5)
    browser.click("#breaches-table th:nth-child(6) button")
    assert column(browser, "breaches", 5) == sorted(before, key=float)
    assert browser.ask("document.querySelector('#breaches-table th:nth-child(6)').ariaSort") == "ascending"
    browser.click("#breaches-table th:nth-child(6) button")
    assert column(browser, "breaches", 5) == sorted(before, key=float, reverse=True)
    browser.click("#breaches-table th:nth-child(1) button")
    assert list(dict.fromkeys(column(browser, "breaches", 0))) == ["low", "medium", "high", "critical"]
    sorts = browser.ask("[...document.querySelectorAll('#breaches-table th')].map(heading => heading.ariaSort)")
    assert sorts == ["ascending", *["none"] * 6]
    assert browser.complaints() == []


@needs_browser
def test_the_total_stays_last_and_what_has_no_figure_comes_after_what_has_one(browser: Browser, tmp_path: Path) -> None:
    report = a_report()
    opened(browser, tmp_path, replace(report, severities={**report.severities, Severity.HIGH: TimeToFix(9)}), [])
    for _ in range(2):
        browser.click("#times-table th:nth-child(5) button")
        assert column(browser, "times", 4)[2:] == ["-", "-"]
    browser.click("#groups-table th:nth-child(3) button")
    browser.click("#groups-table th:nth-child(3) button")
    counts = [int(count) for count in column(browser, "groups", 2)]
    assert counts == sorted(counts, reverse=True)
    assert browser.ask("document.querySelector('#groups-table tr:last-child td').textContent") == "shop"
    assert browser.ask("document.querySelector('#groups-table tfoot td').textContent") == "Total"


@needs_browser
def test_severities_are_sorted_by_how_bad_they_are(browser: Browser, tmp_path: Path) -> None:
    groups = tuple(Figures(key=(severity,)) for severity in Severity)
    opened(browser, tmp_path, replace(a_report(), by=("severity",), groups=groups), [])
    browser.click("#groups-table th button")
    assert column(browser, "groups", 0) == ["unknown", "info", "low", "medium", "high", "critical"]


@needs_browser
def test_the_page_is_worked_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, a_report(), breaches(40))
    for _ in range(200):
        browser.press("Tab", 9)
        if browser.ask("document.activeElement.id") == "breaches-filter":
            break
    browser.call("Input.insertText", text="PAYMENTS b608")
    assert browser.ask("document.querySelector('#breaches output').textContent") == "8 of 40 found"
    assert set(column(browser, "breaches", 2)) == {"payments"}
    browser.press("Tab", 9)
    browser.press("Tab", 9)
    browser.press("Tab", 9)
    browser.press("Enter", 13, "\r")
    assert browser.ask("document.querySelector('#breaches-table th:nth-child(2)').ariaSort") == "ascending"
    assert len(column(browser, "breaches", 0)) == 8
    assert browser.complaints() == []


@needs_browser
def test_hostile_text_is_inert(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, *hostile())
    assert browser.ask("document.querySelectorAll('img, a, iframe, svg script').length") == 0
    assert browser.ask("document.querySelectorAll('script').length") == 1
    assert browser.ask("document.title").startswith("SLA report, 2026-07-01")
    assert column(browser, "breaches", 2)[0].startswith("</script><img src=x onerror=document.title='pwned'>|")
    browser.click("#breaches-table th:nth-child(3) button")
    assert len(column(browser, "breaches", 2)) == 10
    assert browser.complaints() == []


@needs_browser
def test_what_is_smuggled_in_does_not_run(browser: Browser, tmp_path: Path) -> None:
    page = sla_html.written(a_report(), breaches(9))
    smuggled = (
        '<p style="color:red" id="it">x</p><script>document.title="pwned"</script><img src="https://a.example/x">'
    )
    file = tmp_path / "smuggled.html"
    file.write_text(page.replace("</main>", f"{smuggled}</main>"), encoding="utf-8")
    browser.open(file)
    assert browser.ask("document.title") != "pwned"
    assert browser.ask("getComputedStyle(document.getElementById('it')).color") != "rgb(255, 0, 0)"
    assert len([one for one in browser.complaints() if "Content Security Policy" in one]) >= 3
    [blocked] = browser.heard("Network.loadingFailed")
    assert blocked["params"]["blockedReason"] == "csp"


@needs_browser
@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_the_page_is_no_wider_than_the_screen(browser: Browser, tmp_path: Path, width: int) -> None:
    opened(browser, tmp_path, *hostile())
    browser.wide(width)
    assert browser.ask("document.documentElement.scrollWidth") <= width


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(browser: Browser, tmp_path: Path, scheme: str) -> None:
    opened(browser, tmp_path, a_report(), breaches(9))
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    paper = _luminance(browser.ask("getComputedStyle(document.body).backgroundColor"))
    assert (paper < 0.1) == (scheme == "dark")
    inks = browser.ask(
        "[...new Set([...document.querySelectorAll('body *')].filter(one => one.checkVisibility()).map(one =>"
        "getComputedStyle(one)[one instanceof SVGTextElement ? 'fill' : 'color']))]"
    )
    assert len(inks) >= 3
    for ink in map(_luminance, inks):
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5


def _luminance(colour: str) -> float:
    """The relative luminance of `rgb(r, g, b)` by WCAG 2."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def long_trend() -> Report:
    """Three years of large numbers, with months in which nothing was promised, and times to fix of years."""
    months = tuple(Month(f"20{24 + n // 12}-{n % 12 + 1:02}", 0, 90 * (n % 5), 0, 98_765, 0) for n in range(36))
    times = dict.fromkeys(Severity, TimeToFix(1, 0, 30_000, None))
    return replace(a_report(), months=months, severities=times)


@needs_browser
@pytest.mark.parametrize("report", [a_report(), long_trend()], ids=["a year", "three years"])
def test_no_label_of_a_chart_covers_another_or_is_cut_off(browser: Browser, tmp_path: Path, report: Report) -> None:
    opened(browser, tmp_path, report, [])
    overlaps = browser.ask(
        "[...document.querySelectorAll('svg')].flatMap(svg => { const texts = [...svg.querySelectorAll('text')];"
        "const boxes = texts.map(text => text.getBBox()); const view = svg.viewBox.baseVal; const bad = [];"
        "boxes.forEach((a, i) => { if (a.x < -1 || a.x + a.width > view.width + 1 || a.y + a.height > view.height + 2)"
        "bad.push(texts[i].textContent); boxes.slice(i + 1).forEach((b, j) => {"
        "if (a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height)"
        "bad.push(texts[i].textContent + ' on ' + texts[i + 1 + j].textContent); }); }); return bad; })"
    )
    assert overlaps == []


@needs_browser
def test_the_charts_are_read_aloud(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, a_report(), [])
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    images = [node for node in nodes if node.get("role", {}).get("value") in ("image", "img")]
    names = [node["name"]["value"] for node in images]
    assert [name.split(" 2")[0] for name in names][1] == "Compliance by month"
    assert "low: median 37.5 d, 90 % within 79.1 d, expected -" in names[2]
    assert len(names) == 4


@needs_browser
def test_paper_shows_no_controls_and_all_rows(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, a_report(), breaches(40))
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.call("Emulation.setEmulatedMedia", media="print", features=dark)
    browser.wide(700)
    assert browser.ask("document.querySelector('#breaches-filter').checkVisibility()") is False
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(column(browser, "breaches", 0)) == 40
    assert browser.ask("getComputedStyle(document.querySelector('th button')).display") == "contents"
    tables = "[...document.querySelectorAll('.scroll')]"
    assert browser.ask(f"{tables}.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText)") == []


FILTERING = """
    const box = document.getElementById('breaches-filter');
    box.value = 'payments 7';
    box.dispatchEvent(new Event('input'));
"""


@needs_browser
def test_five_thousand_breaches_are_sorted_and_filtered_at_once(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, a_report(), breaches(5_000))
    sorting = "document.querySelector('#breaches-table th:nth-child(4) button').click();"
    for act in (sorting, sorting, FILTERING):
        start = time.monotonic()
        browser.ask(f"(() => {{ {act} return document.body.offsetHeight; }})()")
        assert time.monotonic() - start < 1.5
    assert browser.ask("document.querySelector('#breaches output').textContent") == "872 of 5,000 found"
    assert browser.complaints() == []


@needs_browser
def test_of_very_many_rows_the_first_are_drawn_and_all_on_demand_and_on_paper(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, a_report(), breaches(1_200))
    assert len(column(browser, "breaches", 0)) == 200
    browser.click("#breaches-table th:nth-child(6) button")
    assert column(browser, "breaches", 5)[0] == "0.0"
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert len(column(browser, "breaches", 0)) == 1_200
    browser.call("Emulation.setEmulatedMedia", media="screen")
    assert browser.ask("document.querySelector('#breaches .more').textContent") == "Show all 1,200"
    browser.click("#breaches .more")
    assert len(column(browser, "breaches", 0)) == 1_200
    assert browser.ask("document.querySelector('#breaches .more').hidden") is True


def test_the_page_forbids_what_it_does_not_need() -> None:
    page = sla_html.written(a_report(), [a_breach()])
    [policy] = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert re.fullmatch(
        r"default-src 'none'; script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}='; "
        r"base-uri 'none'; form-action 'none'",
        policy,
    )
    assert page.index("Content-Security-Policy") < page.index("<style>")
    assert not re.search(r"\son\w+=|\sstyle=|\shref=|\ssrc=|https?:", page)


def test_no_text_of_others_is_markup() -> None:
    page = sla_html.written(*hostile()).replace("<wbr>", "")
    assert HOSTILE[:20] not in page
    assert page.count("&lt;/script&gt;&lt;img src=x onerror=document.title=&#x27;pwned&#x27;&gt;|") >= 6
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_a_page_of_nothing_says_so() -> None:
    page = sla_html.written(EMPTY, [])
    assert page.count("Nothing in this period.") == 4
    assert '<h2 id="breaches-heading">Breaches (0)</h2>\n<p class="nothing">None.</p>' in page
    assert "no breach is open" in page


def test_a_month_without_promises_leaves_a_gap_in_the_curve() -> None:
    [curve] = re.findall(r'<path class="curve" d="([^"]*)"/>', sla_html.written(long_trend(), []))
    assert curve.count("M") == 7
    assert curve.count("L") == 36 - 8 - 7


def test_every_name_that_the_page_refers_to_is_there_once() -> None:
    page = sla_html.written(a_report(), breaches(3))
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    referred = [name for names in re.findall(r'(?:aria-labelledby|\sfor)="([^"]*)"', page) for name in names.split()]
    assert set(referred) <= set(ids)
