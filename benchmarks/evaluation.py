"""How long one response takes to judge, against reading its headers with `http.client`; the median of many.

python benchmarks/evaluation.py
"""

import io
import statistics
import time
from collections.abc import Callable
from http.client import parse_headers

from fixby.headers.judge import Look, judge
from fixby.headers.response import Answer, Field, Visit

RUNS = 500
MOST_MILLISECONDS = 2

TYPICAL = b"""\
Server: github.com
Date: Mon, 23 Nov 2026 09:00:00 GMT
Content-Type: text/html; charset=utf-8
Vary: X-PJAX, X-PJAX-Container, Turbo-Visit, Turbo-Frame, Accept-Encoding, Accept, X-Requested-With
ETag: W/"8b1a9953c4611296a827abf8c47804d7"
Cache-Control: max-age=0, private, must-revalidate
Strict-Transport-Security: max-age=31536000; includeSubdomains; preload
X-Frame-Options: deny
X-Content-Type-Options: nosniff
X-XSS-Protection: 0
Referrer-Policy: origin-when-cross-origin, strict-origin-when-cross-origin
Content-Security-Policy: default-src 'none'; base-uri 'self'; child-src example.com/assets-cdn/worker/ \
example.com/assets/; connect-src 'self' uploads.example.com www.status.example.com collector.example.com \
raw.example.com api.example.com store-example.s3.amazonaws.com wss://alive.example.com wss://*.live.example.com; \
font-src assets.example.com; form-action 'self' example.com gist.example.com; frame-ancestors 'none'; \
frame-src viewscreen.example.com notebooks.example.com; img-src 'self' data: blob: assets.example.com \
media.example.com *.usercontent.example.com; manifest-src 'self'; media-src example.com usercontent.example.com; \
script-src assets.example.com; style-src 'unsafe-inline' assets.example.com; upgrade-insecure-requests; \
worker-src example.com/assets-cdn/worker/ example.com/assets/
Set-Cookie: _gh_sess=abcdefghijklmnopqrstuvwxyz; Path=/; HttpOnly; Secure; SameSite=Lax
Set-Cookie: _octo=GH1.1.1234567890.1700000000; Path=/; Domain=example.com; Expires=Tue, 23 Nov 2027 09:00:00 GMT; \
Secure; SameSite=Lax
Set-Cookie: logged_in=no; Path=/; Domain=example.com; Expires=Tue, 23 Nov 2027 09:00:00 GMT; HttpOnly; Secure; \
SameSite=Lax
Accept-Ranges: bytes
X-Request-Id: C0DE:1234:5678:9ABC:DEF0

"""
SOURCE = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Example</title>
<link rel="stylesheet" href="https://assets.example.com/light.css" integrity="sha384-abc">
<script src="https://assets.example.com/app.js" integrity="sha384-abc"></script></head><body>
%s</body></html>""" % (b'<div class="row" id="x"><a href="/somebody/something">Something</a> by somebody</div>\n' * 200)


def main() -> None:
    """Measure one response with its headers alone, and with its source."""
    cases: dict[str, Callable[[], object]] = {
        "http.client reads the headers": lambda: parse_headers(io.BytesIO(TYPICAL)),
        "the headers are judged": lambda: _judged(b""),
        f"with a source of {len(SOURCE) // 1024} KiB": lambda: _judged(SOURCE),
    }
    for case in cases.values():
        case()
    times: dict[str, list[float]] = {label: [] for label in cases}
    for _ in range(RUNS):
        for label, case in cases.items():
            times[label].append(_milliseconds(case))
    base = statistics.median(next(iter(times.values())))
    for label, measured in times.items():
        median = statistics.median(measured)
        print(f"{label:<32} {median:6.3f} ms  {median / base:5.2f}  {'' if median < MOST_MILLISECONDS else 'too slow'}")


FIELDS = tuple(Field(name, value) for name, value in parse_headers(io.BytesIO(TYPICAL)).items())


def _judged(body: bytes) -> object:
    answer = Answer("https://example.com/", 200, FIELDS, body)
    return judge(Look(Visit(answer.url, (answer,))), now=1_795_000_000)


def _milliseconds(case: Callable[[], object]) -> float:
    started = time.perf_counter()
    case()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
