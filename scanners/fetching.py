"""Fetching what others publish, by HTTPS only: the one place that downloads.

Proxies and certificates are those of the environment: `HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`, `SSL_CERT_DIR`.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage, HTTPResponse
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from fixby.errors import FetchError, UsageError


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands at an address, or None where it is still what `tag` stood for, and the tag (ETag) that it has now."""

    content: bytes | None
    tag: str


def fetch(url: str, most_bytes: int, seconds: float = 120) -> bytes:
    """What is at an address, as it was sent: unpacking it is the caller's.

    Raises `FetchError` where that is not there, not complete, larger than `most_bytes`, not sent within the time, or
    where the address or one that it redirects to is not of HTTPS.
    """
    deadline = time.monotonic() + seconds
    with _opened(url, seconds) as response:
        return b"".join(_chunks(response, url, most_bytes, deadline))


def fetch_unless(url: str, tag: str, most_bytes: int, seconds: float = 120) -> Answer:
    """What is at an address, unless it is what had the tag (RFC 9110, 13.1.2); no tag asks for it anyway.

    Raises as `fetch` does.
    """
    deadline = time.monotonic() + seconds
    try:
        with _opened(url, seconds, {"If-None-Match": tag} if tag else {}) as response:
            content = b"".join(_chunks(response, url, most_bytes, deadline))
            return Answer(content, response.headers.get("ETag") or "")
    except _Unchanged:
        return Answer(None, tag)


def download(url: str, file: Path, most_bytes: int, seconds: float = 3600) -> None:
    """Write what is at an address into a new file, which is not there or to be thrown away where this raises.

    Raises as `fetch` does, and `UsageError` where the file cannot be written.
    """
    deadline = time.monotonic() + seconds
    with _new(file) as stream, _opened(url, seconds) as response:
        for chunk in _chunks(response, url, most_bytes, deadline):
            _write(stream, chunk)


def keep(file: Path, content: bytes) -> None:
    """Make the content the file's, whole or not at all, and its folders. Raises `UsageError` where it cannot be."""
    beside = file.with_name(f".{file.name}.{token_hex(8)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            beside.unlink()


_NO_HEADERS: Mapping[str, str] = {}
_LONGEST_SILENCE = 30
_CHUNK = 64 * 1024
_HINT = "Check the network and HTTPS_PROXY and SSL_CERT_FILE, or fetch the file elsewhere: fixby update --from FILE."


class _Unchanged(Exception):  # noqa: N818 - no error of anybody
    """The publisher says that what we have is what it has."""


@contextmanager
def _opened(url: str, seconds: float, headers: Mapping[str, str] = _NO_HEADERS) -> Iterator[HTTPResponse]:
    """The answer of an address; whatever goes wrong with it, inside too, becomes a `FetchError`."""
    _demand_https(url)
    asked = {"User-Agent": f"fixby/{version('fixby')}", **headers}
    request = Request(url, headers=asked)  # noqa: S310 - HTTPS, as demanded above
    try:
        with build_opener(_OnlyToHttps).open(request, timeout=min(seconds, _LONGEST_SILENCE)) as response:
            yield response
    except HTTPError as error:
        with error:
            if error.code == HTTPStatus.NOT_MODIFIED:
                raise _Unchanged from error
            said = " ".join(f"{error.code} {error.reason}".split())
            raise FetchError(f"{url} cannot be fetched: it answers {said}.", _HINT) from error
    except URLError as error:
        raise FetchError(f"{url} cannot be fetched: {error.reason}.", _HINT) from error
    except (OSError, HTTPException, ValueError) as error:
        raise FetchError(f"{url} cannot be fetched: {error!s}.", _HINT) from error


def _new(file: Path) -> IO[bytes]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("xb")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error


def _write(stream: IO[bytes], chunk: bytes) -> None:
    try:
        stream.write(chunk)
    except OSError as error:
        raise UsageError(f"{stream.name} cannot be written: {error.strerror}.") from error


class _OnlyToHttps(HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0913, PLR0917 - the standard library's
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        try:
            _demand_https(newurl)
        except FetchError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _demand_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise FetchError(f"{url} is not fetched: only HTTPS proves who sent it.", _HINT)


def _chunks(response: HTTPResponse, url: str, most_bytes: int, deadline: float) -> Iterator[bytes]:
    promised, received = _length(response), 0
    while received != promised and (chunk := response.read1(_CHUNK)):
        received += len(chunk)
        if received > most_bytes:
            raise FetchError(f"{url} is not fetched: it is larger than {most_bytes} bytes.", _HINT)
        if time.monotonic() > deadline:
            raise FetchError(f"{url} is not fetched: it is sent too slowly.", _HINT)
        yield chunk
    if promised is not None and received != promised:
        raise FetchError(f"{url} is not fetched: {received} of {promised} bytes were sent.", _HINT)


def _length(response: HTTPResponse) -> int | None:
    """How many bytes will be sent, where that is said; it is not of what is sent in pieces."""
    return None if response.chunked else response.length
