"""Sending a notice: to a chat or another program by HTTP, or by mail. Addresses come from the environment alone."""

import hmac
import json
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from functools import partial
from hashlib import sha256
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from fixby.errors import FetchError, UsageError
from fixby.store.notices import Notice

Send = Callable[[Notice], None]
"""Sends a notice once. Raises `FetchError` where it was not taken."""


def receivers(environment: Mapping[str, str]) -> dict[str, Send]:
    """Who gets notices, by name, as the environment says. Raises `UsageError` for an address that is none."""
    found: dict[str, Send] = {}
    if url := environment.get("FIXBY_SLACK_WEBHOOK"):
        found["slack"] = partial(_to_slack, _of_http(url, "FIXBY_SLACK_WEBHOOK"))
    if url := environment.get("FIXBY_WEBHOOK"):
        secret = environment.get("FIXBY_WEBHOOK_SECRET", "").encode()
        found["webhook"] = partial(_to_webhook, _of_http(url, "FIXBY_WEBHOOK"), secret)
    if url := environment.get("FIXBY_SMTP"):
        found["mail"] = partial(_by_mail, _address(url, "FIXBY_SMTP", "smtp", "smtps"))
    return found


def persistently(send: Send, notice: Notice) -> None:
    """Send a notice; where it is not taken, twice more after a pause. Raises `FetchError`."""
    for pause in _PAUSES:
        try:
            return send(notice)
        except FetchError:
            time.sleep(pause)
    return send(notice)


_PAUSES = (0.5, 2.0)
_SECONDS = 15


def _address(url: str, variable: str, *schemes: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise UsageError(f"{variable} holds no address.", f"Write {' or '.join(f'{name}://...' for name in schemes)}.")
    return url


def _of_http(url: str, variable: str) -> str:
    """An address of HTTPS, or of HTTP on this machine: the address itself is a secret, and so is what is sent."""
    if urlsplit(url).scheme == "http" and urlsplit(url).hostname in _HERE:
        return url
    return _address(url, variable, "https")


_HERE = ("localhost", "127.0.0.1", "::1")


class _NoRedirects(HTTPRedirectHandler):
    """Elsewhere the body would not arrive: a redirection is no delivery."""

    def redirect_request(self, *_: object) -> None:
        """None: the answer is an error then."""


def _to_slack(url: str, notice: Notice) -> None:
    _post(url, json.dumps({"text": notice.text}).encode(), {})


def _to_webhook(url: str, secret: bytes, notice: Notice) -> None:
    """The id stays the same when a notice is sent again; the signature is over the body, under the shared secret."""
    body = json.dumps({"schema": "fixby.notice/1", "id": notice.id, "text": notice.text}).encode()
    signature = {"X-Fixby-Signature-256": f"sha256={hmac.new(secret, body, sha256).hexdigest()}"} if secret else {}
    _post(url, body, {"Idempotency-Key": notice.id, **signature})


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    request = Request(url, body, {"Content-Type": "application/json", **headers})  # noqa: S310 - by http, as demanded
    host = urlsplit(url).hostname
    try:
        with build_opener(_NoRedirects).open(request, timeout=_SECONDS):
            return
    except HTTPError as error:
        with error:
            raise FetchError(f"{host} did not take the notice: it answers {error.code}.") from error
    except (URLError, OSError, HTTPException) as error:
        raise FetchError(f"{host} did not take the notice: {getattr(error, 'reason', error)}.") from error


def _by_mail(url: str, notice: Notice) -> None:
    """`smtp://user:password@host:port?from=a@example.org&to=b@example.org`; `smtp` asks for STARTTLS if it is there.

    A password is only told to a server that proved its name.
    """
    parts, asked = urlsplit(url), parse_qs(urlsplit(url).query)
    message = EmailMessage()
    message["Subject"] = notice.text.partition("\n")[0]
    message["From"], message["To"] = asked.get("from", [""])[0], ", ".join(asked.get("to", []))
    message["Message-ID"] = f"<{notice.id}@fixby>"
    message.set_content(notice.text)
    try:
        with _mail_server(parts.scheme, parts.hostname or "", parts.port or 0) as server:
            if parts.username:
                if not isinstance(server.sock, ssl.SSLSocket):
                    raise FetchError(f"{parts.hostname} offers no encryption, and gets no password.")
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise FetchError(f"{parts.hostname} did not take the notice: {error}.") from error


@contextmanager
def _mail_server(scheme: str, host: str, port: int) -> Iterator[smtplib.SMTP]:
    trusted = ssl.create_default_context()
    if scheme == "smtps":
        with smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=trusted) as server:
            yield server
        return
    with smtplib.SMTP(host, port, timeout=_SECONDS) as server:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=trusted)
        yield server
