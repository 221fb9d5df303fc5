"""The action's inputs that name servers: `urls`, whose pages are verified, and `store`, where findings are kept."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import servers
from tests.command import SHELL, advisories, called
from tests.github_api import Comments
from tests.github_runner import Ended
from tests.github_shop import Shop, made
from tests.servers import Authority, answer
from tests.test_headers_command import ALL

GATE = """\
name = "pages"

[[rules]]
name = "no page fails"
query = "is:open category:headers severity:high,medium"
limit = 0

[scans]
required = ["bandit"]
recorded = true
max_age = "24h"

[headers]
required = true
max_age = "24h"
"""
FAST = 'scanners = ["bandit"]\ngate = "gate.toml"\n'


@pytest.fixture
def shop(tmp_path: Path, api: Comments) -> Shop:
    """A repository with a weakness and a configuration, which the workflow may name."""
    files = {"web/shell.py": SHELL, "ci/gate.toml": GATE, "ci/fixby.toml": FAST}
    return made(tmp_path / "shop", files, advisories(tmp_path / "advisories"), api)


@dataclass(frozen=True, slots=True)
class Pages:
    """A site under https on this machine, which the configuration of a shop names."""

    shop: Shop
    replies: dict[str, servers.Reply]
    store: Path

    def run(self, urls: str = "sites", **others: str) -> Ended:
        given = {"urls": urls, "config": "ci/fixby.toml", "store": str(self.store), **others}
        return self.shop.run_inputs("push", self.shop.push(), given)


@pytest.fixture
def pages(shop: Shop, authority: Authority, tmp_path: Path) -> Iterator[Pages]:
    replies: dict[str, servers.Reply] = {"/": answer(200, *ALL), "*": answer(404, *ALL)}
    with servers.site(replies, authority.tls("site.test")) as served:
        site = (
            "[[sites]]",
            f'url = "https://site.test:{served.port}"',
            'resolve = { "site.test" = "127.0.0.1" }',
            'allow_private = ["127.0.0.0/8"]',
            f'ca_file = "{authority.file}"',
        )
        shop.pushed({"ci/fixby.toml": FAST + "\n".join(site) + "\n"})
        yield Pages(shop, replies, tmp_path / "fixby.db")


def test_a_page_that_fails_is_a_finding_that_is_judged_and_one_that_is_mended_is_closed(pages: Pages) -> None:
    assert (clean := pages.run()).code == 0, clean.log
    pages.replies["/"] = answer(200, "Content-Type: text/html")
    failing = pages.run()
    assert (failing.code, failing.outputs["verdict"]) == (1, "fail"), failing.log
    assert int(failing.outputs["new"]) > 0
    assert "HSTS-MISSING" in failing.summary
    shown = [one for one in failing.annotations() if "HSTS-MISSING" in one.message]
    assert shown
    assert not [one for one in shown if "file" in one.properties]
    [sarif] = [given["sarif_file"] for name, given in failing.used if name.endswith("upload-sarif")]
    assert "headers" in {run["tool"]["driver"]["name"] for run in json.loads(Path(sarif).read_text())["runs"]}
    again = pages.run()
    assert (again.code, again.outputs["new"]) == (1, "0"), again.log
    pages.replies["/"] = answer(200, *ALL)
    mended = pages.run()
    assert (mended.code, mended.outputs["verdict"]) == (0, "pass"), mended.log
    assert f"{failing.outputs['new']} fixed since the last scan" in mended.summary


@pytest.mark.parametrize("urls", ["https://site.invalid", "https://127.0.0.1:9/", "sites\nhttps://site.invalid/a"])
@pytest.mark.parametrize("fail_on", ["gate", "error"])
def test_a_page_that_cannot_be_reached_or_may_not_be_visited_cannot_be_told(
    pages: Pages, urls: str, fail_on: str
) -> None:
    ended = pages.run(urls, **{"fail-on": fail_on})
    assert (ended.code, ended.outputs["verdict"], ended.outputs["exit-code"]) == (3, "unknown", "3"), ended.log
    assert "headers verified | unknown" in ended.summary


def test_a_site_whose_server_is_gone_cannot_be_told(pages: Pages) -> None:
    pages.replies["/"] = servers.in_turn(None)
    ended = pages.run()
    assert (ended.code, ended.outputs["verdict"]) == (3, "unknown"), ended.log


@pytest.mark.parametrize(
    "urls",
    ["--help", "$(touch${IFS}pwned)", "`touch pwned`", "file:///etc/passwd", "javascript:alert(1)", "::error::x"],
)
def test_a_url_is_an_address_whatever_stands_in_it(pages: Pages, tmp_path: Path, urls: str) -> None:
    ended = pages.run(urls)
    assert (ended.code in {2, 3}, ended.outputs["verdict"]) == (True, "unknown"), ended.log
    assert {one.name for one in ended.commands} <= {"error", "notice"}
    assert not [one for one in ended.commands if one.message == "x"]
    assert not list(tmp_path.rglob("pwned"))
    assert "root:" not in ended.log


def test_the_word_sites_without_one_is_an_error(shop: Shop, tmp_path: Path) -> None:
    ended = shop.run_inputs("push", shop.push(), {"urls": "sites", "store": str(tmp_path / "fixby.db")})
    assert ended.code == 2, ended.log
    assert "There is no site to verify." in ended.summary


def test_a_store_on_a_server_keeps_clocks_and_its_password_shows_nowhere(
    shop: Shop, api: Comments, emptied_postgresql: str, tmp_path: Path
) -> None:
    password = str(urlsplit(emptied_postgresql).password)
    given = {"store": emptied_postgresql, "upload-report": "true"}
    first = shop.run_inputs("push", shop.push(), given)
    assert (first.code, first.outputs["new"], first.outputs["open"]) == (0, "3", "3"), first.log
    before = began(emptied_postgresql, tmp_path)
    second = shop.run_inputs("schedule", shop.nightly(), given)
    assert (second.code, second.outputs["new"], second.outputs["open"]) == (0, "0", "3"), second.log
    assert began(emptied_postgresql, tmp_path) == before
    proposal = shop.proposed({"web/more.py": SHELL})
    third = shop.run_inputs("pull_request", proposal, given, ref="refs/pull/7/merge")
    assert (third.code, third.outputs["new"]) == (0, "3"), third.log
    assert began(emptied_postgresql, tmp_path) == before
    assert shop.state() == ""
    assert len(api.bodies()) == 1
    for ended in (first, second, third):
        for page in told(ended, api):
            assert password not in page


@pytest.mark.parametrize("where", ["postgresql", "a file"])
def test_of_another_branch_the_store_gives_its_clocks_and_keeps_nothing(
    shop: Shop, request: pytest.FixtureRequest, tmp_path: Path, where: str
) -> None:
    file = str(tmp_path / "fixby.db")
    store = str(request.getfixturevalue("emptied_postgresql")) if where == "postgresql" else file
    shop.run_inputs("push", shop.push(), {"store": store})
    before = began(store, tmp_path)
    shop.pushed({"web/shell.py": "", "web/more.py": "eval(input())\n"}, branch="release")
    ended = shop.run_inputs("push", shop.push("refs/heads/release"), {"store": store}, ref="refs/heads/release")
    assert (ended.outputs["verdict"], int(ended.outputs["new"]) > 0) == ("pass", True), ended.log
    assert "Nothing of this run is kept" in ended.summary
    assert began(store, tmp_path) == before
    listed = called("list", "is:open", "--json", "--store", store, cwd=tmp_path).document["findings"]
    assert {one["id"] for one in listed} == set(before)
    again = shop.run_inputs("schedule", shop.nightly(), {"store": store})
    assert (again.outputs["new"], again.outputs["open"]) == ("0", str(len(before))), again.log


def test_neither_does_the_password_of_a_store_that_cannot_be_reached(shop: Shop, api: Comments) -> None:
    password = "hunter2-is-secret"
    for url in (
        f"postgresql://ada:{password}@127.0.0.1:{servers.free_port()}/web",
        f"postgresql://ada:{password}@127.0.0.1:none/web",
        f"postgresql://ada:{password}@[::1/web",
        f"postgresql://ada:1/{password}@127.0.0.1/web",
        f"postgresql://ada:{password}#@127.0.0.1/web",
        f"postgresql://ada:{password}@127.0.0.1:9/web?sslmode=odd",
    ):
        ended = shop.run_inputs("push", shop.push(), {"store": url})
        assert (ended.code in {2, 3}, ended.outputs["verdict"]) == (True, "unknown"), ended.log
        assert ended.annotations("error")
        assert not [page for page in told(ended, api) if password in page], ended.log


def began(store: str, folder: Path) -> dict[str, str]:
    """When each finding was seen first, by id."""
    listed = called("list", "--json", "--store", store, cwd=folder).document["findings"]
    return {one["id"]: one["first_seen"] for one in listed}


def told(ended: Ended, api: Comments) -> Iterator[str]:
    """All that somebody may read of a run."""
    yield from (ended.log, ended.summary, *api.bodies(), *ended.outputs.values(), str(ended.commands))
    for name in ("sarif-file", "report-file"):
        if ended.outputs[name]:
            yield Path(ended.outputs[name]).read_text()
