"""An HTTP endpoint on the loopback interface that answers one kind of question: OSV's `POST /v1/query`.

It lives inside our process for the time of one audit, on a port that the system chooses, under a path that nobody can
guess, so that it serves nobody but the process that was told of it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from typing import Any

import orjson

from fixby.errors import ReportError
from fixby.scanners.report import Record, child, root, text

Answer = Callable[[str, str], Sequence[Record]]
"""The OSV records that concern a package of the Python index (its name, its version)."""

MOST_BYTES = 64 * 1024
"""A longer question is refused: a name and a version are short."""


@contextmanager
def endpoint(answer: Answer) -> Iterator[str]:
    """The URL of an endpoint that answers by `answer` for as long as the context lasts.

    `answer` is called in other threads. A question that is no question gets 400, any other path 404; where `answer`
    itself fails the connection breaks, so that whoever asks fails too.
    """
    path = f"/{token_urlsafe()}/v1/query"

    class Handler(_Handler):
        def do_POST(self) -> None:
            known = compare_digest(self.path.encode(), path.encode())
            self.respond(*(self.answered(answer) if known else (HTTPStatus.NOT_FOUND, {})))

    with _Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{path}"
        finally:
            server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a kept-alive connection would hold us up

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the standard library's types
        """Nothing is printed: who asked sees the connection break, and says so."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # one connection for all questions
    wbufsize = -1  # and one packet for an answer
    timeout = 60

    def answered(self, answer: Answer) -> tuple[HTTPStatus, Record]:
        """The status and the body of the answer to the question that stands in the request."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.close_connection = True
            return HTTPStatus.BAD_REQUEST, {}
        try:
            question = root(self.rfile.read(int(length)))
            name, ecosystem = text(child(question, "package"), "name"), text(child(question, "package"), "ecosystem")
            version = text(question, "version")
        except ReportError as error:
            return HTTPStatus.BAD_REQUEST, {"message": error.message}
        records = list(answer(name, version)) if ecosystem == "PyPI" else []
        return HTTPStatus.OK, {"vulns": records} if records else {}

    def respond(self, status: HTTPStatus, body: Record) -> None:
        """Sends an answer in JSON."""
        content = orjson.dumps(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is logged: the path is a secret."""
