"""`fixby headers` on a live site that changes between two visits."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
import trustme

from tests.command import Ended, called, repository

STRICT = "default-src 'none'; base-uri 'none'; report-uri /r"


@contextmanager
def site(folder: Path, headers: dict[str, str]) -> Iterator[str]:
    """The URL of a site under https whose pages all have these headers, as they are when they are asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in {"Content-Type": "text/html", "Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"https://shop.example:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", {"fixby.toml": 'asset = "shop"\n'})


def visited(url: str, folder: Path, *options: str) -> Ended:
    host = urlsplit(url).hostname
    reach = ("--allow-private", "127.0.0.0/8", "--resolve", f"{host}=127.0.0.1", "--ca-file", "ca.pem")
    return called("headers", url, *reach, *options, cwd=folder)


def test_what_changed_since_the_last_visit_is_told(folder: Path) -> None:
    headers = {
        "Strict-Transport-Security": "max-age=31536000",
        "Content-Security-Policy": STRICT,
        "X-Frame-Options": "DENY",
    }
    with site(folder, headers) as url:
        first = visited(url, folder)
        assert (first.code, "changed since" in first.out) == (0, False)
        assert "\n  Content Security Policy: enforced\n" in f"{first.out}\n"
        headers["Strict-Transport-Security"] = "max-age=86400"
        headers["Content-Security-Policy-Report-Only"] = headers.pop("Content-Security-Policy")
        del headers["X-Frame-Options"]
        second = visited(url, folder)
    for said in (
        "HSTS max-age fell from 1 year to 1 day",
        "CSP is no longer enforced",
        "a CSP that only reports is sent now",
        "X-Frame-Options is gone",
    ):
        assert f"\n  changed since the last visit: {said}\n" in second.out
    assert "CSP-REGRESSION" in second.out
    assert "reports only since 20" in second.out
    assert "enforcing the policy that only reports would stop: " in second.out


def test_the_document_tells_until_when_a_policy_may_only_report(folder: Path) -> None:
    headers = {"Content-Security-Policy-Report-Only": STRICT}
    with site(folder, headers) as url:
        visited(url, folder)
        headers["Referrer-Policy"] = "no-referrer"
        (response,) = visited(url, folder, "--json").document["responses"]
    assert response["changes"] == ["Referrer-Policy is new: no-referrer"]
    transition = response["transition"]
    assert transition["state"] == "report-only"
    assert transition["reports_since"][:4] <= transition["enforce_by"][:4]
    assert "inline script" in transition["would_stop"]


def test_without_a_store_nothing_is_compared(folder: Path) -> None:
    headers = {"X-Frame-Options": "DENY"}
    with site(folder, headers) as url:
        visited(url, folder, "--no-store")
        headers.clear()
        (response,) = visited(url, folder, "--no-store", "--json").document["responses"]
    assert (response["changes"], response["transition"]["state"]) == ([], None)


def test_the_fingerprint_of_a_result_is_the_identity_of_the_finding(folder: Path) -> None:
    with site(folder, {}) as url:
        log = visited(url, folder, "--format", "sarif").document
    prints = {one["ruleId"]: one["partialFingerprints"]["fixbyIdentity/v1"] for one in log["runs"][0]["results"]}
    stored = called("list", "category:headers", "--json", cwd=folder).document["findings"]
    assert {one["rule_id"]: one["id"] for one in stored} == prints
