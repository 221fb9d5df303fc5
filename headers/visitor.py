"""Who visits URLs: hop by hop, with repetitions where they help, within the time that there is."""

import random
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from threading import Lock, Semaphore
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from requests import PreparedRequest, Request, RequestException, Response
from urllib3.exceptions import HTTPError

from fixby.headers.adapter import Adapter, Trust
from fixby.headers.certificate import flaw_of
from fixby.headers.connection import Guard, Halt, RawResponse
from fixby.headers.cookie_jar import Jar
from fixby.headers.head import HopError
from fixby.headers.manner import PORTS, Manner, origin
from fixby.headers.redirects import REDIRECTS, target
from fixby.headers.response import Answer, Failure, TlsFlaw, Trouble, Visit

MOST_AT_ONE_HOST = 2
MOST_REDIRECTS = 10
MOST_REPETITIONS = 2


class Turns:
    """Lets two requests at once go to a host, over all threads, and the others wait."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._hosts: dict[str, Semaphore] = {}

    @contextmanager
    def taken(self, host: str, halt: Halt) -> Iterator[float]:
        """Wait for a turn; gives the seconds that it took. Raises `Interrupted`."""
        started = time.monotonic()
        with self._lock:
            turns = self._hosts.setdefault(host, Semaphore(MOST_AT_ONE_HOST))
        while not turns.acquire(timeout=_TICK_SECONDS):
            halt.check()
        try:
            yield time.monotonic() - started
        finally:
            turns.release()


class Visitor:
    """Who visits URLs one after the other, and keeps the connections in between. For one thread."""

    def __init__(self, how: Manner, trust: Trust, halt: Halt, turns: Turns) -> None:
        self._how = how
        self._turns = turns
        self._guard = Guard(how, halt)
        self._adapter = Adapter(self._guard, trust)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._adapter.close()

    def visit(self, url: str) -> Visit:
        """As `fetching.visit`; waiting for a turn takes none of its time. Raises `Interrupted` on a halt."""
        self._guard.deadline = time.monotonic() + self._how.seconds
        answers: list[Answer] = []
        failure = self._follow(url.partition("#")[0], answers)
        return Visit(url, tuple(answers), failure)

    def _follow(self, url: str, answers: list[Answer]) -> Failure | None:
        """Collect the answers of all hops; what ended the visit early."""
        jar = Jar()
        seen: set[tuple[str, str]] = set()
        place: str | None = url
        while place is not None:
            url = place
            try:
                request = self._request(url, jar)
                _demand_progress(request, seen, len(answers))
                answers.append(self._answer(request))
                jar.take(answers[-1], time.time())
                place = target(answers[-1])
            except _TlsError as failed:
                return self._without_proof(url, failed, answers)
            except HopError as failed:
                return Failure(failed.kind, url, failed.reason)
        return None

    def _request(self, url: str, jar: Jar, *, with_secrets: bool = True) -> PreparedRequest:
        """The request for a URL that may be visited. Raises `HopError`."""
        try:
            if urlsplit(url).scheme not in PORTS:
                raise HopError(Trouble.FORBIDDEN, f"{url[:200]} is not visited: it is not of http or https.")
            headers = {"User-Agent": self._how.user_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate"}
            request = Request("GET", url, headers=headers).prepare()
            parts = urlsplit(str(request.url))
            port = parts.port or PORTS[parts.scheme]
            place = origin(str(request.url))
        except (RequestException, ValueError) as error:
            raise HopError(Trouble.MALFORMED, f"{url[:200]} is no URL.") from error
        if "@" in parts.netloc:
            raise HopError(Trouble.FORBIDDEN, f"{place} is not visited: the URL names a user.")
        if port not in {*PORTS.values(), *self._how.ports}:
            raise HopError(Trouble.FORBIDDEN, f"{place} is not visited: port {port} is not allowed.")
        secrets = [one for one in self._how.headers if place in one.origins] if with_secrets else []
        request.headers.update({one.name: one.value for one in secrets})
        cookies = [one.value for one in secrets if one.name.lower() == "cookie"] + [jar.header(str(request.url))]
        if any(cookies):
            request.headers["Cookie"] = "; ".join(filter(None, cookies))
        return request

    def _answer(self, request: PreparedRequest) -> Answer:
        """The answer to a request, asked again where that may help. Raises `HopError`."""
        tried = 0
        while True:
            outcome = self._outcome(request)
            tried += 1
            pause = _pause(outcome, tried)
            if pause is None or time.monotonic() + pause >= self._guard.deadline:
                break
            self._guard.halt.sleep(pause)
        if isinstance(outcome, HopError):
            raise outcome
        return outcome

    def _outcome(self, request: PreparedRequest, *, verify: bool = True) -> Answer | HopError:
        """What comes of asking once, when it is this visit's turn."""
        host = str(urlsplit(str(request.url)).hostname)
        with self._turns.taken(host, self._guard.halt) as waited:
            self._guard.deadline += waited
            self._guard.is_fresh = False
            outcome = self._tried(request, verify=verify)
            if isinstance(outcome, HopError) and outcome.kind is Trouble.REFUSED and not self._guard.is_fresh:
                outcome = self._tried(request, verify=verify)  # the connection was kept, and closed meanwhile
            return outcome

    def _tried(self, request: PreparedRequest, *, verify: bool) -> Answer | HopError:
        try:
            address = self._looked_up(str(request.url)) if self._how.proxy else ""
            with closing(self._adapter.fetch(request, verify=verify)) as response:
                return self._read(response, address, trusted=verify)
        except HopError as failed:
            return failed
        except (RequestException, HTTPError, OSError) as error:
            return _reason(error)

    def _read(self, response: Response, address: str, *, trusted: bool) -> Answer:
        """What came, with its body unless it sends its reader elsewhere."""
        raw: Any = response.raw
        head: RawResponse = raw._original_response  # noqa: SLF001 - the only way to what was sent
        answer = Answer(
            str(response.url),
            response.status_code,
            head.fields,
            tls=head.carrier.tls,
            address=address or head.carrier.peer,
            trusted=trusted,
            proxy=origin(self._how.proxy) if self._how.proxy else "",
            http=_PROTOCOLS[raw.version],
        )
        if answer.status in REDIRECTS and any(answer.values("Location")):
            with self._hurrying():
                _body(raw, _LITTLE)
            return answer
        body, cut = _body(raw, self._how.most_body)
        return replace(answer, body=body, cut=cut)

    def _looked_up(self, url: str) -> str:
        parts = urlsplit(url)
        return self._guard.lookup(str(parts.hostname), parts.port or PORTS[parts.scheme])[0]

    @contextmanager
    def _hurrying(self) -> Iterator[None]:
        """Take no more time than it is worth to use a connection again."""
        deadline = self._guard.deadline
        self._guard.deadline = min(deadline, time.monotonic() + _SHORT_SECONDS)
        try:
            yield
        finally:
            self._guard.deadline = deadline

    def _without_proof(self, url: str, failed: "_TlsError", answers: list[Answer]) -> Failure:
        """The failure of TLS, with what the peer shows to those who do not ask for proof."""
        shown = self._outcome(self._request(url, Jar(), with_secrets=False), verify=False)
        if isinstance(shown, Answer):
            answers.append(shown)
        tls = shown.tls if isinstance(shown, Answer) else self._guard.tls
        is_old = failed.flaw is TlsFlaw.HANDSHAKE and tls is not None and tls.protocol in _OLD
        return Failure(Trouble.TLS, url, failed.reason, TlsFlaw.OLD_PROTOCOL if is_old else failed.flaw, tls)


_ACCEPT = "text/html,application/xhtml+xml,*/*;q=0.8"
_PROTOCOLS = {10: "HTTP/1.0", 11: "HTTP/1.1", 20: "HTTP/2"}  # as http.client numbers them
_OLD = {"SSLv3", "TLSv1", "TLSv1.1"}
_CHUNK = 16 * 1024
_LITTLE = 4 * 1024
_SHORT_SECONDS = 0.5
_TICK_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.5
_UNASKED = {"br", "dcb", "dcz", "zstd"}  # browsers pass over codings that they do not know
_MAY_PASS = {502, 503, 504}


class _TlsError(HopError):
    """TLS failed, and why."""

    def __init__(self, flaw: TlsFlaw, reason: str) -> None:
        super().__init__(Trouble.TLS, reason)
        self.flaw = flaw


def _demand_progress(request: PreparedRequest, seen: set[tuple[str, str]], hops: int) -> None:
    """Raises `HopError` where the visit goes round, or on for too long. New cookies may change what a URL answers."""
    step = (str(request.url), str(request.headers.get("Cookie")))
    if step in seen:
        raise HopError(Trouble.REDIRECTS, f"It redirects in a loop: back to {request.url}.")
    if hops > MOST_REDIRECTS:
        raise HopError(Trouble.REDIRECTS, f"It redirects more than {MOST_REDIRECTS} times.")
    seen.add(step)


def _pause(outcome: Answer | HopError, tried: int) -> float | None:
    """How many seconds to wait before asking again; None for not at all."""
    if tried > MOST_REPETITIONS:
        return None
    backoff = _FIRST_PAUSE_SECONDS * 2 ** (tried - 1) * random.uniform(0.5, 1)  # noqa: S311 - no secret
    if isinstance(outcome, HopError):
        return backoff if outcome.kind is Trouble.REFUSED else None
    if outcome.status not in _MAY_PASS:
        return None
    wished = outcome.values("Retry-After")
    return backoff if not wished else _seconds_until(wished[0], time.time(), backoff)


def _seconds_until(text: str, now: float, otherwise: float) -> float:
    """What a `Retry-After` says (RFC 9110, 10.2.3): seconds, or a date."""
    if text.isdecimal():
        return float(text[:9])
    with suppress(ValueError, OverflowError):
        return max(parsedate_to_datetime(text).timestamp() - now, 0)
    return otherwise


def _body(raw: Any, most: int) -> tuple[bytes, str]:  # noqa: ANN401 - urllib3's response
    """The decoded body, no more than `most` bytes of it, and why it ends early, if it does."""
    coding = raw.headers.get("Content-Encoding", "").strip().lower()
    if coding in _UNASKED and coding not in raw.CONTENT_DECODERS:
        return b"", f"It is packed as {coding}, which was not asked for."
    pieces: list[bytes] = []
    left = most
    try:
        while piece := raw.read1(min(left, _CHUNK) or 1, decode_content=True):
            if not left:
                return b"".join(pieces), f"It is larger than {most} bytes."
            pieces.append(piece)
            left -= len(piece)
    except HopError as failed:
        return b"".join(pieces), failed.reason
    except (HTTPError, OSError) as error:
        return b"".join(pieces), f"It is damaged: {error}."
    return b"".join(pieces), ""


def _reason(error: BaseException) -> HopError:
    """What an exception of requests comes down to."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ssl.SSLError):
            flaw = flaw_of(cause)
            said = getattr(cause, "verify_message", "") or (cause.reason or str(cause)).replace("_", " ").lower()
            return _TlsError(flaw, f"TLS fails: {said.rstrip('.')}.")
        last, cause = cause, cause.__cause__ or cause.__context__
    return HopError(Trouble.REFUSED, f"The connection broke: {last}.")
