"""Fetching what others publish, by HTTPS only: the one place that downloads.

Proxies and certificates are those of the environment: `HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`, `SSL_CERT_DIR`.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPMessage, HTTPResponse
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from fixby.errors import FetchError, UsageError


def fetch(url: str, most_bytes: int, seconds: float = 120) -> bytes:
    """What is at an address, as it was sent: unpacking it is the caller's.

    Raises `FetchError` where that is not there, not complete, larger than `most_bytes`, not sent within the time, or
    where the address or one that it redirects to is not of HTTPS.
    """
    deadline = time.monotonic() + seconds
    _demand_https(url)
    request = Request(url, headers={"User-Agent": f"fixby/{version('fixby')}"})  # noqa: S310 - HTTPS, as demanded above
    try:
        with build_opener(_OnlyToHttps).open(request, timeout=min(seconds, _LONGEST_SILENCE)) as response:
            return b"".join(_chunks(response, url, most_bytes, deadline))
    except HTTPError as error:
        with error:
            said = " ".join(f"{error.code} {error.reason}".split())
            raise FetchError(f"{url} cannot be fetched: it answers {said}.", _HINT) from error
    except URLError as error:
        raise FetchError(f"{url} cannot be fetched: {error.reason}.", _HINT) from error
    except (OSError, HTTPException, ValueError) as error:
        raise FetchError(f"{url} cannot be fetched: {error!s}.", _HINT) from error


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


_LONGEST_SILENCE = 30
_CHUNK = 64 * 1024
_HINT = "Check the network and HTTPS_PROXY and SSL_CERT_FILE, or fetch the file elsewhere: fixby update --from FILE."


class _OnlyToHttps(HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0913, PLR0917 - the standard library's
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        _demand_https(newurl)
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
