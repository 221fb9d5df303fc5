"""The endpoint on the loopback interface: it answers one question, to who knows its path, and is gone afterwards."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, RemoteDisconnected
from urllib.parse import urlsplit

import pytest

from fixby.scanners.osv_endpoint import MOST_BYTES, endpoint
from fixby.scanners.report import Record

QUESTION = {"package": {"name": "django", "ecosystem": "PyPI"}, "version": "3.2"}
TOO_LONG = json.dumps(QUESTION).encode() + b" " * MOST_BYTES


def known(name: str, version: str) -> list[Record]:
    if name == "breaks":
        raise LookupError(name)
    return [{"id": f"{name} {version}"}] if name == "django" else []


@pytest.fixture
def url() -> Iterator[str]:
    with endpoint(known) as url:
        yield url


def ask(url: str, question: object, method: str = "POST") -> tuple[int, object]:
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        body = question if isinstance(question, bytes) else json.dumps(question).encode()
        connection.request(method, parts.path, body)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if answer.headers["Content-Type"] == "application/json" else None
    finally:
        connection.close()


def test_a_question_is_answered_with_the_records(url: str) -> None:
    assert ask(url, QUESTION) == (200, {"vulns": [{"id": "django 3.2"}]})


def test_nothing_known_is_an_empty_object_as_osv_answers(url: str) -> None:
    assert ask(url, {**QUESTION, "package": {"name": "six", "ecosystem": "PyPI"}}) == (200, {})
    assert ask(url, {**QUESTION, "package": {"name": "django", "ecosystem": "npm"}}) == (200, {})


@pytest.mark.parametrize("path", ["/v1/query", "/", "/wrong/v1/query", "//v1/query", "/%C3%A9/v1/query"])
def test_any_other_path_is_not_found(url: str, path: str) -> None:
    parts = urlsplit(url)
    assert ask(f"http://{parts.netloc}{path}", QUESTION)[0] == 404


def test_any_other_method_is_refused(url: str) -> None:
    assert ask(url, QUESTION, "GET")[0] == 501


@pytest.mark.parametrize(
    "question",
    [
        b"",
        b"{",
        [],
        None,
        {},
        {"package": {"name": "django", "ecosystem": "PyPI"}},
        {"package": {"name": "django"}, "version": "1"},
        {"package": "django", "version": "1"},
        {**QUESTION, "version": 3},
        TOO_LONG,
    ],
)
def test_what_is_no_question_is_refused(url: str, question: object) -> None:
    try:
        assert ask(url, question)[0] == 400
    except (BrokenPipeError, ConnectionResetError):
        assert question == TOO_LONG  # the answer may come before the whole of it was sent


def test_a_question_without_its_length_is_refused(url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10) as connection:
        connection.sendall(f"POST {parts.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_where_the_answer_fails_so_does_who_asks(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RemoteDisconnected):
        ask(url, {**QUESTION, "package": {"name": "breaks", "ecosystem": "PyPI"}})
    assert capfd.readouterr() == ("", "")


def test_it_listens_on_the_loopback_interface_under_a_path_of_its_own() -> None:
    with endpoint(known) as one, endpoint(known) as other:
        assert urlsplit(one).hostname == "127.0.0.1"
        assert urlsplit(one).path != urlsplit(other).path
        assert len(urlsplit(one).path.split("/")[1]) >= 43  # 256 bits


def test_many_questions_over_one_connection_and_over_many(url: str) -> None:
    parts = urlsplit(url)
    kept = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    for _ in range(50):
        kept.request("POST", parts.path, json.dumps(QUESTION))
        assert kept.getresponse().read() == b'{"vulns":[{"id":"django 3.2"}]}'
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(url, QUESTION)[0], range(40)))
    kept.close()
    assert answers == [200] * 40


def test_it_is_gone_after_the_context_even_with_a_connection_left_open() -> None:
    with endpoint(known) as url:
        parts = urlsplit(url)
        left_open = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        left_open.request("POST", parts.path, json.dumps(QUESTION))
        assert left_open.getresponse().status == 200
    with pytest.raises((ConnectionRefusedError, HTTPException)):
        ask(url, QUESTION)
    left_open.close()


def test_it_is_gone_after_an_error_too() -> None:
    before = threading.active_count()
    with pytest.raises(KeyError), endpoint(known) as url:
        raise KeyError
    with pytest.raises(ConnectionRefusedError):
        ask(url, QUESTION)
    assert threading.active_count() <= before + 1
