"""Fetching by HTTPS: whole, bounded, only from who proves to be it. The server is a real one with a certificate."""

import gzip
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from fixby.cli.update import update
from fixby.errors import FetchError, ReportError, UsageError
from fixby.scanners.exploitation import EPSS_FILE, KNOWN_FILE
from fixby.scanners.fetching import fetch, keep
from tests.test_exploitation import KNOWN, SCORES, catalogue, filled, vulnerability

MOST = 1_000_000

Answer = Callable[[BaseHTTPRequestHandler], None]


def body(content: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer with a length and perhaps other headers."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(content)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@contextmanager
def serving(tls: ssl.SSLContext | None, answers: dict[str, Answer]) -> Iterator[str]:
    """The address of a server that gives each path its answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers[self.path](self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the standard library's
            """A client that hangs up is what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate for this machine and its key."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl, which makes the certificate of the test's server, is not installed")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    asked = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    names = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-", "-out", "-")
    made = subprocess.run((openssl, *asked.split(), *names), check=True, capture_output=True)
    file.write_bytes(made.stdout)
    return file


@pytest.fixture
def tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server needs to prove itself to this process, which trusts it, and asks no proxy."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_what_is_published_is_fetched_byte_for_byte(tls: ssl.SSLContext) -> None:
    content = bytes(range(256)) * 1000
    with serving(tls, {"/file": body(content)}) as address:
        assert fetch(f"{address}/file", len(content)) == content


def test_we_say_who_asks(tls: ssl.SSLContext) -> None:
    def echo(handler: BaseHTTPRequestHandler) -> None:
        body(str(handler.headers["User-Agent"]).encode())(handler)

    with serving(tls, {"/": echo}) as address:
        assert fetch(f"{address}/", MOST).startswith(b"fixby/")


def test_an_answer_without_a_length_is_read_to_its_end(tls: ssl.SSLContext) -> None:
    def until_closed(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"all of it")

    def in_pieces(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nall\r\n6\r\n of it\r\n0\r\n\r\n")

    def in_too_few_pieces(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nall\r\n6\r\n o")

    with serving(tls, {"/a": until_closed, "/b": in_pieces, "/c": in_too_few_pieces}) as address:
        assert fetch(f"{address}/a", MOST) == fetch(f"{address}/b", MOST) == b"all of it"
        with pytest.raises(FetchError):
            fetch(f"{address}/c", MOST)


def test_an_answer_that_is_cut_short_is_an_error(tls: ssl.SSLContext) -> None:
    answers = {"/file": body(b"half", Content_Length="8")}
    with serving(tls, answers) as address, pytest.raises(FetchError, match="4 of 8 bytes"):
        fetch(f"{address}/file", MOST)


def test_an_answer_that_is_too_large_is_given_up(tls: ssl.SSLContext) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(65536))

    with serving(tls, {"/endless": endless, "/large": body(bytes(101))}) as address:
        for path in ("endless", "large"):
            with pytest.raises(FetchError, match="larger than 100 bytes"):
                fetch(f"{address}/{path}", 100)


def test_an_answer_that_drips_or_stops_is_given_up(tls: ssl.SSLContext) -> None:
    over = Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            over.wait(0.05)
            handler.wfile.write(b".")

    def stop(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        over.wait(30)

    with serving(tls, {"/drip": drip, "/stop": stop}) as address:
        with pytest.raises(FetchError, match="too slowly"):
            fetch(f"{address}/drip", MOST, seconds=0.4)
        with pytest.raises(FetchError, match="timed out"):
            fetch(f"{address}/stop", MOST, seconds=0.4)
    over.set()


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_answer_that_is_a_refusal_is_an_error(tls: ssl.SSLContext, status: int) -> None:
    answers = {"/file": body(b"no", status)}
    with serving(tls, answers) as address, pytest.raises(FetchError, match=f"answers {status}"):
        fetch(f"{address}/file", MOST)


def test_a_redirect_is_followed_to_https_and_nowhere_else(tls: ssl.SSLContext, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with serving(None, {"/file": body(b"plain")}) as plain:
        answers = {
            "/file": body(b"here"),
            "/moved": body(b"", 301, Location="/file"),
            "/down": body(b"", 302, Location=f"{plain}/file"),
            "/local": body(b"", 302, Location=(tmp_path / "secret").as_uri()),
            "/loop": body(b"", 302, Location="/loop"),
            "/nowhere": body(b"", 302, Location="https://[/"),
        }
        with serving(tls, answers) as address:
            assert fetch(f"{address}/moved", MOST) == b"here"
            for path in ("down", "local"):
                with pytest.raises(FetchError, match=r"only HTTPS|not allowed"):
                    fetch(f"{address}/{path}", MOST)
            with pytest.raises(FetchError, match="answers 302"):
                fetch(f"{address}/loop", MOST)
            with pytest.raises(FetchError, match="Invalid"):
                fetch(f"{address}/nowhere", MOST)


def test_an_address_without_https_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    for address in ("http://127.0.0.1:9/file", (tmp_path / "file").as_uri(), "data:,x"):
        with pytest.raises(FetchError, match="only HTTPS"):
            fetch(address, MOST)


def test_a_server_that_nobody_vouches_for_is_not_believed(
    tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nobody.pem").write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nobody.pem"))
    with serving(tls, {"/file": body(b"mine")}) as address, pytest.raises(FetchError, match=r"(?i)certificate"):
        fetch(f"{address}/file", MOST)


def test_a_server_of_another_name_is_not_believed(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("no_proxy", "localhost")
    with serving(tls, {"/file": body(b"mine")}) as address, pytest.raises(FetchError, match=r"(?i)mismatch"):
        fetch(f"{address.replace('127.0.0.1', 'localhost')}/file", MOST)


def test_the_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        heard: list[bytes] = []

        def refuse() -> None:
            connection, _ = proxy.accept()
            with connection:
                heard.append(connection.recv(1000))
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

        listening = Thread(target=refuse)
        listening.start()
        with pytest.raises(FetchError, match="407"):
            fetch("https://published.invalid/file", MOST)
        listening.join(10)
    assert heard[0].startswith(b"CONNECT published.invalid:443 ")


def test_a_machine_without_network_is_told_what_else_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchError, match="cannot be fetched") as raised:
        fetch(f"https://127.0.0.1:{port}/", MOST)
    assert "--from" in raised.value.hint
    assert raised.value.exit_code == 3


def test_a_file_that_cannot_be_replaced_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    keep(tmp_path / "a" / "file", b"first")
    keep(tmp_path / "a" / "file", b"second")
    assert (tmp_path / "a" / "file").read_bytes() == b"second"
    (tmp_path / "a" / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        keep(tmp_path / "a" / "folder", b"third")
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == ["file", "folder"]


def test_an_update_fetches_both_files(tls: ssl.SSLContext, tmp_path: Path) -> None:
    packed = body(gzip.compress(KNOWN), Content_Encoding="gzip")
    with serving(tls, {"/known.json": packed, "/scores.csv.gz": body(gzip.compress(SCORES))}) as address:
        found = update(tmp_path / "kept", addresses=(f"{address}/known.json", f"{address}/scores.csv.gz"))
    assert (len(found.known), found.scored, found.known_date) == (2, 3, "2026-06-15")
    assert (tmp_path / "kept" / KNOWN_FILE).read_bytes() == KNOWN
    assert (tmp_path / "kept" / EPSS_FILE).read_bytes() == gzip.compress(SCORES)


def test_an_update_of_which_a_half_fails_replaces_nothing(tls: ssl.SSLContext, tmp_path: Path) -> None:
    kept = filled(tmp_path / "kept")
    before = {file.name: file.read_bytes() for file in kept.iterdir()}
    answers = {
        "/known.json": body(catalogue(vulnerability("CVE-2026-0001"))),
        "/missing": body(b"", 404),
        "/login.csv.gz": body(b"<html>Please log in to this network</html>"),
    }
    with serving(tls, answers) as address:
        with pytest.raises(FetchError, match="404"):
            update(kept, addresses=(f"{address}/known.json", f"{address}/missing"))
        with pytest.raises(ReportError, match=r"login\.csv\.gz: line 1"):
            update(kept, addresses=(f"{address}/known.json", f"{address}/login.csv.gz"))
    assert {file.name: file.read_bytes() for file in kept.iterdir()} == before
