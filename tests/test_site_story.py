"""The story of a site over many visits: findings, due dates and transitions, with a real server and a real store."""

import ssl
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import trustme

from fixby.cli.site_history import compared
from fixby.headers.expectations import Expectations
from fixby.headers.manner import Manner
from fixby.headers.scan import scan
from fixby.headers.sites import Site, SitePage
from fixby.headers.survey import survey
from fixby.severity import Severity
from fixby.store.database import Database
from fixby.store.verification import flaws
from fixby.tracked import State, TrackedFinding
from tests import servers
from tests.servers import LOOPBACK, answer
from tests.stories import DAY, found, told

START = int(time.time()) // DAY * DAY


class Story:
    """A site whose page answers what it is told, and the days on which it is visited."""

    def __init__(self, database: Database, port: int, replies: dict[str, servers.Reply], how: Manner) -> None:
        self.database = database
        self.replies = replies
        self.url = f"https://site.test:{port}/"
        self._how = how

    def visited(
        self,
        day: int,
        *headers: str,
        status: int = 200,
        paths: Sequence[str] = ("/",),
        reply: servers.Reply | None = None,
    ) -> list[str]:
        """Let the page answer with these headers, or that, visit it on a day, and give what is said to have changed."""
        for path in paths:
            self.replies[path] = reply or answer(status, "Content-Type: text/html", *headers, body=b"<p>here</p>")
        now = START + day * DAY
        pages = tuple(SitePage(f"{self.url}{path[1:]}", Expectations()) for path in paths)
        judged = survey([Site(self.url.rstrip("/"), pages, self._how, probes=False)], now)
        judged, made = compared(self.database, "web", judged, now)
        told(self.database, scan(judged, now))
        return [change for one in made.values() for change in one.changes]

    def open(self, day: int, *checks: str) -> dict[str, TrackedFinding]:
        """The open findings of these checks on a day, by check."""
        now = START + day * DAY
        some = found(self.database, "is:open", now=now)
        return {one.finding.rule.id: one for one in some if not checks or one.finding.rule.id in checks}


@pytest.fixture
def story(database: Database, tmp_path: Path) -> Iterator[Story]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("site.test").configure_cert(context)
    replies: dict[str, servers.Reply] = {}
    with servers.site(replies, context) as served:
        how = Manner(
            allowed=LOOPBACK,
            ports=frozenset({served.port}),
            resolve={"site.test": "127.0.0.1"},
            ca_file=tmp_path / "ca.pem",
            seconds=10,
        )
        yield Story(database, served.port, replies, how)


HSTS = "Strict-Transport-Security: max-age=63072000"
STRICT = "script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
LAX = (
    "script-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
CSP = ("CSP-MISSING", "CSP-REPORT-ONLY", "CSP-REGRESSION", "CSP-SCRIPT-INLINE")


def enforced(policy: str) -> str:
    return f"Content-Security-Policy: {policy}"


def reporting(policy: str) -> str:
    return f"Content-Security-Policy-Report-Only: {policy}; report-uri /csp"


def test_a_policy_goes_from_nothing_to_reporting_to_enforced_and_back(story: Story) -> None:
    story.visited(0, HSTS)
    assert set(story.open(0, *CSP)) == {"CSP-MISSING"}
    assert story.open(0, *CSP)["CSP-MISSING"].due_at == START + 7 * DAY

    changes = story.visited(1, HSTS, reporting(STRICT))
    [begun] = story.open(1, *CSP).values()
    assert (begun.finding.rule.id, begun.finding.severity) == ("CSP-REPORT-ONLY", Severity.MEDIUM)
    assert "only report" in " ".join(changes)

    story.visited(5, HSTS, reporting(LAX))
    story.visited(8, HSTS, reporting(STRICT))
    [restarted] = story.open(8, *CSP).values()
    assert restarted.id == begun.id
    assert day(5) in restarted.finding.message
    assert day(35) in restarted.finding.message

    story.visited(10, HSTS, status=403)
    [unseen] = story.open(10, *CSP).values()
    assert (unseen.id, unseen.finding.severity) == (begun.id, Severity.MEDIUM)
    assert "403" in unseen.not_observed

    story.visited(36, HSTS, reporting(STRICT))
    [late] = story.open(36, *CSP).values()
    assert (late.id, late.finding.severity, late.sla_status) == (begun.id, Severity.HIGH, "breached")

    story.visited(37, HSTS, enforced(LAX), reporting(STRICT))
    assert set(story.open(37, *CSP)) == {"CSP-REGRESSION", "CSP-SCRIPT-INLINE"}

    story.visited(38, HSTS, enforced(STRICT))
    assert set(story.open(38, *CSP)) == set()

    story.visited(40, HSTS, reporting(STRICT))
    back = story.open(40, *CSP)
    assert set(back) == {"CSP-REGRESSION", "CSP-REPORT-ONLY"}
    assert back["CSP-REGRESSION"].due_at == max(back["CSP-REGRESSION"].due_at or 0, START + 44 * DAY)

    story.visited(41, HSTS, enforced(STRICT))
    assert set(story.open(41, *CSP)) == set()
    assert list(flaws(story.database)) == []


def day(number: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(START + number * DAY))


def test_a_visit_that_finds_the_same_writes_no_finding_and_remembers_nothing_new(story: Story) -> None:
    story.visited(0, HSTS, reporting(STRICT))
    [(before,)] = story.database.run("SELECT count(*) FROM event")
    assert story.visited(1, HSTS, reporting(STRICT)) == []
    [(after,)] = story.database.run("SELECT count(*) FROM event WHERE kind <> 'scan.recorded'")
    assert int(str(after)) < int(str(before))
    kinds = {
        str(kind) for (kind,) in story.database.run("SELECT DISTINCT kind FROM event WHERE seq > :seq", seq=before)
    }
    assert kinds == {"scan.recorded"}


def test_a_mended_header_closes_its_finding_and_one_that_falls_is_told(story: Story) -> None:
    story.visited(0, enforced(STRICT))
    assert "HSTS-MISSING" in story.open(0)
    story.visited(1, enforced(STRICT), HSTS)
    assert "HSTS-MISSING" not in story.open(1)
    changes = story.visited(2, enforced(STRICT), "Strict-Transport-Security: max-age=86400")
    assert story.open(2)["HSTS-SHORT"].finding.severity is Severity.MEDIUM
    assert any("Strict-Transport-Security" in change or "HSTS" in change for change in changes)


TROUBLES = {
    "closed at once": servers.raw(b""),
    "a challenge": answer(403, "cf-mitigated: challenge"),
    "a challenge that answers 202": answer(202, "x-amzn-waf-action: challenge"),
    "too many requests": answer(429),
    "overloaded": answer(503),
    "broken": answer(500, HSTS),
    "150 headers": answer(200, HSTS, *(f"X-{number}: y" for number in range(150))),
    "no HTTP": servers.raw(b"SSH-2.0-OpenSSH\r\n"),
}


@pytest.mark.parametrize("reply", TROUBLES.values(), ids=TROUBLES)
def test_what_cannot_be_read_opens_and_closes_nothing(story: Story, reply: servers.Reply) -> None:
    story.visited(0, enforced(STRICT))
    before = {check: one.id for check, one in story.open(0).items()}
    story.visited(1, reply=reply)
    assert {check: one.id for check, one in story.open(1).items()} == before
    assert all(one.not_observed for one in story.open(1).values())
    [(outcome,)] = story.database.run("SELECT outcome FROM scan ORDER BY seq DESC LIMIT 1")
    assert outcome == "partial"


def test_the_worst_of_two_answers_counts_and_one_good_answer_closes_nothing(story: Story) -> None:
    story.visited(0, enforced(STRICT))
    first = story.open(0)["HSTS-MISSING"].id
    good, bad = (answer(200, "Content-Type: text/html", *some, body=b"<p>") for some in ((HSTS,), ()))
    story.visited(1, reply=servers.in_turn(good, bad))
    assert story.open(1)["HSTS-MISSING"].id == first
    assert "one of two answers" in story.open(1)["HSTS-MISSING"].finding.message
    story.visited(2, reply=good)
    assert "HSTS-MISSING" not in story.open(2)


def test_a_page_that_is_no_longer_asked_for_keeps_its_findings(story: Story) -> None:
    story.visited(0, paths=("/", "/old"))
    story.visited(1, HSTS, paths=("/",))
    left = [one for one in found(story.database) if one.finding.path.endswith("/old") and one.state is State.OPEN]
    assert left
    assert all("does not say that" in one.not_observed for one in left)


def test_a_page_that_ends_within_its_head_is_not_said_to_have_no_policy(story: Story) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 500\r\n\r\n<html><head><title>"
    story.visited(0, reply=servers.raw(head))
    assert story.open(0) == {}
    [(outcome,)] = story.database.run("SELECT outcome FROM scan ORDER BY seq DESC LIMIT 1")
    assert outcome == "partial"
