"""The state on a server that wants a token, over HTTPS as GitHub speaks it."""

import base64
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from threading import Thread
from urllib.parse import urlsplit

import pytest

from tests.command import called, git, repository
from tests.servers import Authority

TOKEN = "ghs_of_the_test"
_EXPECTED = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


class Backend(BaseHTTPRequestHandler):
    """Serves the repositories of a folder by git's own program to whoever has the token."""

    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _serve(self, body: bytes) -> None:
        if self.headers["Authorization"] != _EXPECTED:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        parts = urlsplit(self.path)
        surroundings = {
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "runner",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH": os.environ["PATH"],
        }
        ended = subprocess.run(["git", "http-backend"], input=body, env=surroundings, capture_output=True, check=True)
        head, _, content = ended.stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty repository; `GIT_SSL_CAINFO` makes its server trusted."""
    folder = repository(tmp_path / "served" / "state.git", {})
    git(folder, "init", "--quiet", "--bare")
    git(folder, "config", "http.receivepack", "true")
    handler = type("Handler", (Backend,), {"folder": folder.parent})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        served.socket = authority.tls("localhost").wrap_socket(served.socket, server_side=True)
        monkeypatch.setenv("GIT_SSL_CAINFO", str(authority.file))
        monkeypatch.setenv("FIXBY_STORE_KEY", token_hex(32))
        Thread(target=served.serve_forever, daemon=True).start()
        yield f"https://localhost:{served.server_port}/state.git"
        served.shutdown()


def test_a_state_is_pushed_and_pulled_over_https_with_a_token(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (repository(tmp_path / name, {"fixby.toml": 'asset = "web"\n', "a.py": "eval(x)\n"}) for name in "ab")
    monkeypatch.setenv("FIXBY_STATE_REMOTE", server)
    refused = called("state", "init", cwd=one)
    assert refused.code == 3
    assert "Check the address and the rights" in refused.err
    monkeypatch.setenv("FIXBY_STATE_TOKEN", TOKEN)
    begun = called("state", "init", cwd=one)
    assert begun.code == 0, begun.err
    called("scan", "--scanner", "bandit", cwd=one)
    assert called("state", "push", cwd=one).code == 0
    pulled = called("state", "pull", "--json", cwd=other)
    assert (pulled.code, pulled.document["pulled"]) == (0, 3)
    assert "B307" in called("list", cwd=other).out
    monkeypatch.delenv("GIT_SSL_CAINFO")
    assert called("state", "pull", cwd=other).code == 3
