"""One notice of what is new, delivered once, by real servers that take it or do not."""

import hmac
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from fixby.decision import Acceptance
from fixby.severity import Severity
from fixby.store import decisions, notices
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.opening import open_for_writing
from fixby.store.verification import flaws
from tests.command import Ended, called
from tests.stories import DAY, scan, the_one, told, vulnerability, weakness


def test_news_are_what_happened_in_between(database: Database) -> None:
    low = weakness("low()", severity=Severity.LOW)
    told(database, scan(weakness("eval(x)", severity=Severity.CRITICAL), low, at=100))
    critical = the_one(database, "severity:critical").id
    before = notices.news(database, "web", 0, 100 + DAY // 2)
    assert before.ids == ()
    soon = notices.news(database, "web", 100 + DAY // 2, 100 + DAY - 60)
    assert (soon.due_soon, soon.breached) == ((critical,), ())
    late = notices.news(database, "web", 100 + DAY - 60, 100 + 2 * DAY)
    assert (late.due_soon, late.breached) == ((), (critical,))
    assert notices.news(database, "web", 100 + 2 * DAY, 100 + 3 * DAY).ids == ()
    assert notices.news(database, "other", 0, 100 + 2 * DAY).ids == ()


def test_what_came_back_and_what_is_no_longer_accepted_is_news(database: Database) -> None:
    told(database, scan(weakness(), at=100))
    told(database, scan(at=200, scanned={"src/a.py": "v2"}))
    [back] = told(database, scan(weakness(), at=300, scanned={"src/a.py": "v1"})).reopened
    assert notices.news(database, "web", 250, 400).reopened == (back,)
    [id_] = told(database, scan(vulnerability(severity=Severity.LOW), at=500, scanner="pip-audit")).new
    decisions.accept(database, [id_], Acceptance("ada", "no", 9 * DAY), By("ada", 600), ["bob"])
    told(database, scan(vulnerability(severity=Severity.CRITICAL), at=700, scanner="pip-audit"))
    assert notices.news(database, "web", 650, 800).void == (id_,)


class Receiver(BaseHTTPRequestHandler):
    """Takes what is posted, after it refused as often as it was told to."""

    refusals: ClassVar[int] = 0
    received: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/x")
            self.end_headers()
            return
        if Receiver.refusals:
            Receiver.refusals -= 1
            self.send_error(503)
            return
        Receiver.received.append((dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[index,misc]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[int]:
    Receiver.refusals, Receiver.received = 0, []
    with serving(HTTPServer(("127.0.0.1", 0), Receiver)) as port:
        yield port


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder whose store knows a critical finding that has been late for some hours."""
    import time  # noqa: PLC0415 - this fixture alone

    root = tmp_path / "shop"
    (root / ".fixby").mkdir(parents=True)
    database = open_for_writing(str(root / ".fixby/fixby.db"))
    at = int(time.time()) - DAY - 3590
    told(database, scan(weakness(severity=Severity.CRITICAL), at=at), asset="shop")
    database.close()
    return root


def notify(root: Path, *arguments: str, **environment: str) -> Ended:
    return called("notify", *arguments, cwd=root, **environment)


def test_without_a_receiver_the_notice_is_shown(shop: Path) -> None:
    ended = notify(shop)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[:3] == ["Fixby: shop", "", "1 past their due date:"]
    assert "critical 59 min late B307 src/a.py" in lines[3]
    assert notify(shop, "--json").document["notices"][0]["receiver"] is None


def test_a_notice_is_sent_once(shop: Path, receiver: int) -> None:
    environment = {"FIXBY_WEBHOOK": f"http://127.0.0.1:{receiver}/x", "FIXBY_WEBHOOK_SECRET": "s3cret"}
    assert notify(shop, **environment).out == "webhook: sent\n"
    assert notify(shop, **environment).out == "webhook: nothing new\n"
    [(headers, body)] = Receiver.received
    assert headers["X-Fixby-Signature-256"] == f"sha256={hmac.new(b's3cret', body, sha256).hexdigest()}"
    assert json.loads(body)["id"] == headers["Idempotency-Key"]
    assert "1 past their due date" in json.loads(body)["text"]


def test_each_receiver_gets_its_own(shop: Path, receiver: int) -> None:
    url = f"http://127.0.0.1:{receiver}/"
    assert notify(shop, FIXBY_WEBHOOK=url).code == 0
    ended = notify(shop, FIXBY_WEBHOOK=url, FIXBY_SLACK_WEBHOOK=url, NO_COLOR="1")
    assert ended.out == "slack: sent\nwebhook: nothing new\n"
    assert set(json.loads(Receiver.received[-1][1])) == {"text"}


def test_a_receiver_that_is_busy_for_a_moment_gets_it(shop: Path, receiver: int) -> None:
    Receiver.refusals = 2
    assert notify(shop, FIXBY_WEBHOOK=f"http://127.0.0.1:{receiver}/").out == "webhook: sent\n"
    assert len(Receiver.received) == 1


def test_nothing_is_lost_while_a_receiver_is_down(shop: Path, receiver: int) -> None:
    environment = {"FIXBY_WEBHOOK": f"http://127.0.0.1:{receiver}/"}
    Receiver.refusals = 3
    ended = notify(shop, "--json", **environment)
    assert (ended.code, ended.document["failed"]) == (3, ["webhook"])
    assert "did not take the notice: it answers 503" in ended.err
    assert notify(shop, **environment).out == "webhook: sent\n"
    assert len(Receiver.received) == 1
    database = open_for_writing(str(shop / ".fixby/fixby.db"))
    kinds = [str(kind) for (kind,) in database.run("SELECT kind FROM event WHERE kind LIKE 'notice.%' ORDER BY seq")]
    assert kinds == ["notice.prepared", "notice.sent"]
    assert list(flaws(database)) == []
    database.close()


def test_nobody_at_the_other_end_is_a_failure_that_says_so(shop: Path) -> None:
    ended = notify(shop, FIXBY_SLACK_WEBHOOK="http://127.0.0.1:1/secret-part")
    assert ended.code == 3
    assert "127.0.0.1 did not take the notice" in ended.err
    assert "secret-part" not in ended.err


@pytest.mark.parametrize("variable", ["FIXBY_WEBHOOK", "FIXBY_SLACK_WEBHOOK", "FIXBY_SMTP"])
def test_an_address_that_is_none_is_refused(shop: Path, variable: str) -> None:
    ended = notify(shop, **{variable: "ftp://example.org"})
    assert (ended.code, variable in ended.err) == (2, True)


def test_a_redirection_is_no_delivery(shop: Path, receiver: int) -> None:
    ended = notify(shop, FIXBY_WEBHOOK=f"http://127.0.0.1:{receiver}/moved")
    assert (ended.code, Receiver.received) == (3, [])
    assert "it answers 302" in ended.err


def test_what_is_sent_goes_encrypted_but_on_this_machine(shop: Path) -> None:
    ended = notify(shop, FIXBY_WEBHOOK="http://example.org/x")
    assert (ended.code, "FIXBY_WEBHOOK holds no address" in ended.err) == (2, True)


def test_a_password_is_not_told_to_a_mail_server_without_encryption(shop: Path) -> None:
    Mailbox.messages = []
    with serving(socketserver.TCPServer(("127.0.0.1", 0), Mailbox)) as port:
        ended = notify(shop, FIXBY_SMTP=f"smtp://ada:s3cret@127.0.0.1:{port}/?from=a@example.org&to=b@example.org")
    assert (ended.code, Mailbox.messages) == (3, [])
    assert "offers no encryption" in ended.err


class Mailbox(socketserver.StreamRequestHandler):
    """A mail server that takes one message."""

    messages: ClassVar[list[str]] = []

    def handle(self) -> None:
        self._say(220)
        while line := self.rfile.readline().decode().strip():
            if line.upper() == "DATA":
                self._say(354)
                Mailbox.messages.append(self._message())
            self._say(221 if line.upper() == "QUIT" else 250)

    def _say(self, code: int) -> None:
        self.wfile.write(f"{code} ok\r\n".encode())

    def _message(self) -> str:
        lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
        return "".join(lines)


def test_a_notice_goes_by_mail(shop: Path) -> None:
    Mailbox.messages = []
    with serving(socketserver.TCPServer(("127.0.0.1", 0), Mailbox)) as port:
        url = f"smtp://127.0.0.1:{port}/?from=fixby@example.org&to=ada@example.org&to=bob@example.org"
        ended = notify(shop, FIXBY_SMTP=url)
    assert (ended.out, ended.err) == ("mail: sent\n", "")
    [message] = Mailbox.messages
    assert "Subject: Fixby: shop\r\n" in message
    assert "To: ada@example.org, bob@example.org\r\n" in message
    assert "1 past their due date" in message
