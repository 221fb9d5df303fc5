"""`fixby headers` as people and programs call it: configured sites, URLs, the store, the gate, exit codes."""

import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests import servers
from tests.command import Ended, called
from tests.servers import answer, redirect

HSTS = "Strict-Transport-Security: max-age=63072000"
ALL = (
    HSTS,
    "Content-Type: text/html",
    "Content-Security-Policy: script-src 'self'; object-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options: nosniff",
    "Referrer-Policy: no-referrer",
    "Permissions-Policy: camera=()",
)


@dataclass(frozen=True, slots=True)
class World:
    """A site under https on this machine, what it answers, and a command that may visit it."""

    folder: Path
    port: int
    replies: dict[str, servers.Reply]
    run: Callable[..., Ended]

    @property
    def url(self) -> str:
        return f"https://site.test:{self.port}"

    def configured(self, *lines: str, name: str = "sites.toml") -> Path:
        """A configuration with this site."""
        file = self.folder / name
        told = (f'url = "{self.url}"', *lines)
        file.write_text("[[sites]]\n" + "\n".join(told) + "\n", encoding="utf-8")
        return file


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("site.test").configure_cert(context)
    replies: dict[str, servers.Reply] = {"/": answer(200, *ALL), "*": answer(404, *ALL)}

    def run(*arguments: str, **environment: str) -> Ended:
        return called(*arguments, "--store", database_url, cwd=tmp_path, **environment)

    with servers.site(replies, context) as served:
        yield World(tmp_path, served.port, replies, run)


REACHED = ("--resolve", "site.test=127.0.0.1", "--allow-private", "127.0.0.0/8", "--ca-file", "ca.pem")
OPENED = ('resolve = { "site.test" = "127.0.0.1" }', 'allow_private = ["127.0.0.0/8"]', 'ca_file = "ca.pem"')


def checks(ended: Ended, url: str) -> dict[tuple[str, str | None], str]:
    """The verdicts on a URL by check and subject."""
    [one] = [response for response in json.loads(ended.out)["responses"] if response["url"] == url]
    return {(check["id"], check["subject"]): check["verdict"] for check in one["checks"]}


def listed(world: World, *query: str) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = json.loads(world.run("list", *query, "--json").out)["findings"]
    return findings


def test_a_url_is_visited_judged_and_its_failures_are_findings_with_a_due_date(world: World) -> None:
    world.replies["/"] = answer(200, "Content-Type: text/html")
    ended = world.run("headers", f"{world.url}/", *REACHED)
    assert (ended.code, ended.err) == (0, "")
    assert "HSTS-MISSING" in ended.out
    [finding] = listed(world, "is:open", "rule:HSTS-MISSING")
    assert finding["category"] == "headers"
    assert finding["locations"][0]["path"] == f"{world.url}/"
    assert finding["due_at"]


def test_configured_sites_are_visited_with_all_their_paths_and_other_doors(world: World) -> None:
    bare = "Content-Type: text/html"
    world.replies.update({"/app/": answer(200, bare), "/old": redirect("/"), "*": answer(404, bare)})
    file = world.configured('paths = ["/", "/app/", "/old"]', *OPENED)
    ended = world.run("headers", "--config", str(file), "--json")
    assert ended.code == 0, ended.err
    assert checks(ended, f"{world.url}/")["HSTS-MISSING", None] == "pass"
    app = checks(ended, f"{world.url}/app/")
    assert app["HSTS-MISSING", None] == "fail"
    assert app["COVERAGE-GAP", "Strict-Transport-Security"] == "fail"
    assert checks(ended, f"{world.url}/old")["HSTS-NOT-ON-REDIRECT", "site.test"] == "fail"
    missing = checks(ended, f"{world.url}/fixby-asks-for-a-page-that-does-not-exist")
    assert missing["COVERAGE-GAP", "Strict-Transport-Security"] == "fail"


def test_a_path_whose_policy_is_laxer_than_its_owner_expects_fails(world: World) -> None:
    world.replies["/app/"] = answer(200, *ALL[:2], "Content-Security-Policy: script-src 'self' 'unsafe-inline'")
    expected = "script-src 'self'; object-src 'none'"
    file = world.configured('paths = ["/", "/app/"]', f'csp = {{ "/app/" = "{expected}" }}', *OPENED)
    ended = world.run("headers", "--config", str(file), "--json")
    assert checks(ended, f"{world.url}/app/")["CSP-REGRESSION", "expected"] == "fail"
    assert ("CSP-REGRESSION", "expected") not in checks(ended, f"{world.url}/")


def test_a_path_behind_a_login_is_asked_with_credentials_and_judged_as_such(world: World) -> None:
    def account(_: object, request: servers.Received) -> bytes:
        return answer(200 if request.headers.get("authorization") == "Bearer s3cret" else 401, *ALL)

    world.replies["/account"] = account
    file = world.configured(
        'paths = ["/account"]', 'auth = ["/account"]', 'headers = { Authorization = "env:TOKEN" }', *OPENED
    )
    ended = world.run("headers", "--config", str(file), "--json", TOKEN="Bearer s3cret")
    assert checks(ended, f"{world.url}/account")["CACHE-AUTH", None] == "fail"
    assert "s3cret" not in ended.out + ended.err
    refused = world.run("headers", "--config", str(file))
    assert refused.code == 2
    assert "is not in the environment" in refused.err


@pytest.mark.parametrize("line", [*OPENED, 'headers = { Cookie = "env:HOME" }', 'proxy = "http://127.0.0.1:1"'])
def test_what_is_scanned_opens_no_network_and_gives_no_credentials_away(world: World, line: str) -> None:
    world.configured(line, name="fixby.toml")
    ended = world.run("headers")
    assert ended.code == 2
    assert "is not taken from the target's own configuration" in ended.err
    assert "--config" in ended.err


MISTAKES = {
    'paths = ["/"]\nauth = ["/x"]': "names /x, which is no path of the site",
    'csp = { "/x" = "script-src *" }': "names /x, which is no path of the site",
    "csp = 1": "is no text",
    'paths = ["//elsewhere.test/"]': "is no path of the site",
    "ports = [0]": "is wrong",
    "families = [5]": "is wrong",
    'session_cookies = ["("]': "is no regular expression",
    'transition = "1h"': "is no number of days",
    'hsts_least = "soon"': "is wrong",
    "probes = 1": "is neither true nor false",
    "nonsense = 1": "is not known",
}


@pytest.mark.parametrize(("lines", "said"), MISTAKES.items(), ids=MISTAKES)
def test_a_wrong_site_is_refused_with_file_line_and_key(world: World, lines: str, said: str) -> None:
    file = world.configured(lines)
    ended = world.run("headers", "--config", str(file))
    assert ended.code == 2
    assert said in ended.err
    assert f"{file}:{2 + len(lines.splitlines())}" in ended.err


def test_without_a_url_or_a_site_the_hint_says_what_to_write(world: World) -> None:
    ended = world.run("headers")
    assert ended.code == 2
    assert "[[sites]]" in ended.err


def test_a_site_that_cannot_be_read_is_inconclusive_and_the_gate_cannot_tell(world: World) -> None:
    gate = world.folder / "gate.toml"
    gate.write_text(GATE, encoding="utf-8")
    file = world.configured(*OPENED)
    text = file.read_text(encoding="utf-8")
    file.write_text(f'gate = "gate.toml"\n{text}', encoding="utf-8")
    passed = world.run("headers", "--config", str(file), "--gate")
    assert passed.code == 0, passed.err + passed.out
    world.replies["/"] = answer(403, "cf-mitigated: challenge")
    blocked = world.run("headers", "--config", str(file), "--gate")
    assert blocked.code == 3
    assert "Cloudflare" in blocked.err + blocked.out
    assert json.loads(world.run("gate", "--config", str(file), "--json").out)["verdict"] == "unknown"


GATE = """\
name = "headers"

[[rules]]
name = "no open high finding of headers"
query = "is:open scanner:headers severity:high"
limit = 0

[scans]
required = []
recorded = true
max_age = "24h"

[headers]
required = true
max_age = "24h"
"""


def test_private_addresses_are_not_visited_unless_somebody_allows_them(world: World) -> None:
    ended = world.run("headers", f"{world.url}/", "--resolve", "site.test=127.0.0.1")
    assert ended.code == 3
    assert "127.0.0.1" in " ".join(ended.out.split())
    assert "this machine" in " ".join(ended.out.split())


def test_a_bad_certificate_is_a_finding_and_proves_no_hsts(world: World) -> None:
    ended = world.run("headers", f"{world.url}/", *REACHED[:4], "--json")
    verdicts = checks(ended, f"{world.url}/")
    assert verdicts["TLS-UNTRUSTED", None] == "fail" or verdicts["TLS-SELF-SIGNED", None] == "fail"
    assert verdicts["HSTS-INVALID", None] == "fail"


def test_nothing_is_stored_where_that_is_wished(world: World) -> None:
    world.replies["/"] = answer(200)
    assert world.run("headers", f"{world.url}/", "--no-store", *REACHED).code == 0
    assert world.run("list").out.startswith("No finding") or world.run("list").code != 0
