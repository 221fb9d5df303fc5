"""Visits of a real nginx: what its `add_header` leaves out, and that its answers are read as they are sent."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from fixby.headers.fetching import Wish, visit, visit_all
from fixby.headers.response import Answer
from tests.servers import Authority, Site, free_port, manner

CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; default_type text/html; gzip on; gzip_min_length 1;
  server {{ listen 127.0.0.1:{plain}; return 301 https://$host:{secure}$request_uri; }}
  server {{
    listen 127.0.0.1:{secure} ssl http2; ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.pem;
    root {folder}/root;
    add_header Strict-Transport-Security "max-age=31536000";
    add_header Content-Security-Policy "default-src 'self'" always;
    add_header X-Content-Type-Options nosniff;
    location /app/ {{ add_header X-App yes; }}
    location /twice {{ add_header X-Twice 1; add_header X-Twice 2; return 200 twice; }}
    location /connection {{ add_header X-Connection $connection; return 200; }}
    location /broken {{ return 500; }}
  }}
}}
"""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[tuple[Site, Site]]:
    """Where nginx answers by http and by https."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "root" / "app").mkdir(parents=True)
    for page in ("index.html", "app/index.html"):
        (folder / "root" / page).write_text("<p>page</p>" * 100)
    authority.ca.issue_cert("one.test").private_key_and_cert_chain_pem.write_to_path(str(folder / "site.pem"))
    plain, secure = Site(free_port()), Site(free_port())
    file = folder / "nginx.conf"
    file.write_text(f"user root;{CONFIGURATION}".format(folder=folder, plain=plain.port, secure=secure.port))
    server = subprocess.Popen([program, "-c", str(file), "-e", str(folder / "error.log")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(20):
            if visit(f"http://one.test:{plain.port}/", manner(plain, seconds=1)).answers:
                break
            time.sleep(0.05)
        yield plain, secure
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)


def test_what_nginx_leaves_out_is_seen(nginx: tuple[Site, Site], authority: Authority) -> None:
    plain, secure = nginx
    how = manner(plain, secure, ca_file=authority.file)
    paths = ("/", "/app/", "/missing", "/broken", "/twice")
    found = visit_all([Wish(f"http://one.test:{plain.port}{path}", how) for path in paths])
    assert [[hop.status for hop in one.answers] for one in found] == [
        [301, 200],
        [301, 200],
        [301, 404],
        [301, 500],
        [301, 200],
    ]
    pages = {path: one.page for path, one in zip(paths, found, strict=True) if one.page}

    def sent(page: Answer) -> tuple[int, int, int]:
        return (
            len(page.values("Strict-Transport-Security")),
            len(page.values("Content-Security-Policy")),
            len(page.values("X-Content-Type-Options")),
        )

    assert {path: sent(page) for path, page in pages.items()} == {
        "/": (1, 1, 1),
        "/app/": (0, 0, 0),
        "/missing": (0, 1, 0),
        "/broken": (0, 1, 0),
        "/twice": (0, 0, 0),
    }
    assert pages["/twice"].values("x-twice") == ("1", "2")
    assert pages["/"].values("Content-Encoding") == ("gzip",)
    assert pages["/"].body == b"<p>page</p>" * 100
    assert pages["/"].tls
    assert pages["/"].tls.names == ("one.test",)


def test_by_http_2_nginx_sends_the_same(nginx: tuple[Site, Site], authority: Authority) -> None:
    _, secure = nginx
    for path in ("/", "/app/", "/missing", "/twice"):
        by_one, by_two = (
            visit(f"https://one.test:{secure.port}{path}", manner(secure, ca_file=authority.file, http2=http2)).page
            for http2 in (False, True)
        )
        assert by_one
        assert by_two
        assert (by_one.http, by_two.http) == ("HTTP/1.1", "HTTP/2")
        assert (by_two.status, by_two.body, by_two.cut) == (by_one.status, by_one.body, "")
        assert sorted(_of_the_page(by_two)) == sorted(_of_the_page(by_one))


def _of_the_page(answer: Answer) -> Iterator[tuple[str, str]]:
    """Its headers without those of the connection."""
    for name, value in answer.fields:
        if name.lower() not in ("connection", "transfer-encoding", "date"):
            yield name.lower(), value


def test_redirects_share_a_connection_to_nginx(nginx: tuple[Site, Site], authority: Authority) -> None:
    _, secure = nginx
    how = manner(secure, ca_file=authority.file, http2=True)
    found = [one.page for one in visit_all([Wish(f"https://one.test:{secure.port}/connection", how)] * 6)]
    numbers = {page.values("x-connection") for page in found if page}
    assert all(page and page.http == "HTTP/2" for page in found)
    assert len(numbers) <= 2, "one for each of the two threads"
