"""A stand-in for the few calls of GitHub's REST API that are made, after its published description (2022-11-28).

GET   /repos/{owner}/{repo}/issues/{issue_number}/comments   200: a page of comments, the oldest first
POST  /repos/{owner}/{repo}/issues/{issue_number}/comments   201: the comment; 403 without the right
PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}     200: the comment; 403 without the right
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

MAY_WRITE = "ghs_may_write"
MAY_READ = "ghs_may_read"
BOT = "github-actions[bot]"


@dataclass(slots=True)
class Comments:
    """The comments of pull request 7 of `shop/web`, and the requests that came: method and path."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def add(self, author: str, body: str) -> dict[str, Any]:
        number = 1000 + len(self.comments)
        self.comments.append({"id": number, "user": {"login": author, "type": "User"}, "body": body})
        return self.comments[-1]

    def bodies(self, author: str = BOT) -> list[str]:
        return [one["body"] for one in self.comments if one["user"]["login"] == author]


@pytest.fixture
def api() -> Iterator[Comments]:
    """The service, for one test."""
    with serving() as comments:
        yield comments


@contextmanager
def serving() -> Iterator[Comments]:  # noqa: C901 - a handler is a class of its methods
    """The API on a port of this machine."""
    comments = Comments()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing."""

        def do_GET(self) -> None:
            self._answer(*_listed(comments, self._asked("GET")))

        def do_POST(self) -> None:
            self._answer(*_posted(comments, self._asked("POST"), self._token(), self._body()))

        def do_PATCH(self) -> None:
            self._answer(*_patched(comments, self._asked("PATCH"), self._token(), self._body()))

        def _asked(self, method: str) -> str:
            comments.requests.append((method, self.path))
            assert self.headers["Accept"] == "application/vnd.github+json"
            assert self.headers["X-GitHub-Api-Version"] == "2022-11-28"
            assert self.headers["User-Agent"]
            return self.path

        def _token(self) -> str:
            return str(self.headers["Authorization"]).removeprefix("Bearer ")

        def _body(self) -> dict[str, Any]:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert document.keys() == {"body"}
            assert len(document["body"]) < 65536
            return dict(document)

        def _answer(self, status: int, document: object) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    comments.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield comments
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_OF_PULL_REQUEST = "/repos/shop/web/issues/7/comments"
_NOT_FOUND = (404, {"message": "Not Found"})
_REFUSED = (403, {"message": "Resource not accessible by integration"})


def _listed(comments: Comments, path: str) -> tuple[int, object]:
    parts = urlsplit(path)
    if parts.path != _OF_PULL_REQUEST:
        return _NOT_FOUND
    asked = parse_qs(parts.query)
    size = min(int(asked.get("per_page", ["30"])[0]), 100)
    first = (int(asked.get("page", ["1"])[0]) - 1) * size
    return 200, comments.comments[first : first + size]


def _posted(comments: Comments, path: str, token: str, body: dict[str, Any]) -> tuple[int, object]:
    if path != _OF_PULL_REQUEST:
        return _NOT_FOUND
    if token != MAY_WRITE:
        return _REFUSED
    return 201, comments.add(BOT, body["body"])


def _patched(comments: Comments, path: str, token: str, body: dict[str, Any]) -> tuple[int, object]:
    found = re.fullmatch(r"/repos/shop/web/issues/comments/(\d+)", path)
    comment = next((one for one in comments.comments if found and one["id"] == int(found[1])), None)
    if comment is None:
        return _NOT_FOUND
    if token != MAY_WRITE:
        return _REFUSED
    comment["body"] = body["body"]
    return 200, comment
