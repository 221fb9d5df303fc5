"""Responses as they are saved, and the verdicts on them."""

from collections.abc import Sequence

from fixby.headers.judge import Judged, Look, judge
from fixby.headers.response import Answer, Field, Visit

POOR = """\
HTTP/1.1 200 OK
Content-Type: text/html
Server: nginx/1.22.1
X-Powered-By: PHP/8.1.2
Strict-Transport-Security: max-age=300
Content-Security-Policy: default-src 'self'; script-src 'self' 'unsafe-inline'
Set-Cookie: sid=secret; Path=/; HttpOnly

<!doctype html><title>Shop</title>
"""
"""What `curl -si` prints of a page with much that is wrong."""

ESCAPES = "\x1b]0;owned\x07\x1b[31m\u202e\x9b31m"
"""Text that would steer a terminal, or turn what follows around."""


def judged(*fields: tuple[str, str], url: str = "https://example.org/", body: bytes = b"", status: int = 200) -> Judged:
    """The verdict on a page that was answered with these headers."""
    return judge(Look(Visit(url, (answer(*fields, url=url, body=body, status=status),))), now=0)


def answer(*fields: tuple[str, str], url: str = "https://example.org/", body: bytes = b"", status: int = 200) -> Answer:
    """A response with these headers."""
    return Answer(url, status, tuple(Field(*field) for field in fields), body)


def saved(fields: Sequence[tuple[str, str]], body: str = "") -> str:
    """The same as a file that `curl -si` prints."""
    return "HTTP/1.1 200 OK\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + f"\r\n{body}"
