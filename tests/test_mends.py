"""What is to be pasted into the configuration of a server."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fixby.headers.dialects import Line, Server, written
from fixby.headers.mends import mends
from tests.command import called
from tests.responses import ESCAPES, POOR, judged, saved

CSP = "Content-Security-Policy"
AWKWARD = "default-src 'self'; img-src https://a.com/%20\"\\{x}/"


@pytest.mark.parametrize(
    ("server", "line"),
    [
        (Server.NGINX, 'add_header X-Content-Type-Options "nosniff" always;'),
        (Server.APACHE, 'Header always set X-Content-Type-Options "nosniff"'),
        (Server.CADDY, '\t>X-Content-Type-Options "nosniff"'),
        (Server.NEXTJS, '    { key: "X-Content-Type-Options", value: "nosniff" },'),
        (Server.HELMET, "app.use(helmet.xContentTypeOptions());"),
        (Server.CLOUDFLARE, "  X-Content-Type-Options: nosniff"),
    ],
)
def test_each_server_has_its_way_to_send_a_header(server: Server, line: str) -> None:
    assert line in mends([judged(("Content-Type", "text/html"))], server).splitlines()


@pytest.mark.parametrize(
    ("server", "quoted"),
    [
        (Server.NGINX, r"""add_header X "default-src 'self'; img-src https://a.com/%20\"\\{x}/" always;"""),
        (Server.APACHE, r'''Header always set X "default-src 'self'; img-src https://a.com/%%20\"\\{x}/"'''),
        (Server.CADDY, r'''>X "default-src 'self'; img-src https://a.com/%20\"\\{x\}/"'''),
        (Server.NEXTJS, r"""{ key: "X", value: "default-src 'self'; img-src https://a.com/%20\"\\{x}/" },"""),
        (Server.HELMET, r"""res.setHeader("X", "default-src 'self'; img-src https://a.com/%20\"\\{x}/");"""),
        (Server.CLOUDFLARE, f"X: {AWKWARD}"),
    ],
)
def test_a_value_is_quoted_as_its_server_asks(server: Server, quoted: str) -> None:
    assert quoted in written(server, "https://example.org", [Line("X", AWKWARD)])


@pytest.mark.parametrize(
    ("server", "value"), [(Server.NGINX, "a $b"), (Server.APACHE, "a ${b}"), (Server.CADDY, "a {$b}")]
)
def test_what_would_be_a_variable_stays_a_comment(server: Server, value: str) -> None:
    lines = written(server, "https://example.org", [Line("X", value)]).splitlines()
    assert all(line.strip().startswith("#") for line in lines if "X " in line)


@pytest.mark.parametrize("server", Server)
def test_a_policy_that_needs_a_nonce_is_tried_out_first_and_says_who_makes_it(server: Server) -> None:
    text = mends([judged(("Content-Type", "text/html"), (CSP, "script-src 'unsafe-inline'"))], server)
    assert "Try it out" in text
    assert "random" in text
    assert "{RANDOM}" not in _active(text) if server is not Server.HELMET else "res.locals.nonce}" in _active(text)
    assert not re.search(r"(?m)^\s*[^#/]*Content-Security-Policy\b(?!-).*strict-dynamic", text)


def _active(text: str) -> str:
    """The lines that are no comments."""
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith(("#", "//")))


@pytest.mark.parametrize("server", Server)
def test_what_may_break_the_site_is_a_comment(server: Server) -> None:
    text = mends([judged(("Content-Type", "text/html"))], server)
    assert re.search("Embedder-Policy|EmbedderPolicy", text)
    assert not re.search("Embedder-Policy|EmbedderPolicy", _active(text))


def test_a_header_is_named_once_with_all_that_its_failures_ask_for() -> None:
    short = judged(("Strict-Transport-Security", "max-age=300; preload"))
    text = mends([short, judged(url="https://example.org/other")], Server.NGINX)
    (line,) = [line for line in text.splitlines() if line.startswith("add_header Strict")]
    assert line == 'add_header Strict-Transport-Security "max-age=63072000; includeSubDomains; preload" always;'


def test_a_header_that_is_sent_already_is_replaced() -> None:
    short = judged(("Strict-Transport-Security", "max-age=300"))
    assert "proxy_hide_header Strict-Transport-Security;" in mends([short], Server.NGINX)
    assert "Header onsuccess unset Strict-Transport-Security" in mends([short], Server.APACHE)
    assert "is sent already" in mends([short], Server.CLOUDFLARE)
    assert "is sent already" not in mends([short], Server.CADDY)  # its > sets what is sent in the end


def test_a_page_that_can_be_framed_keeps_its_policy_beside_the_new_one() -> None:
    page = judged(("Content-Type", "text/html"), (CSP, "default-src 'self'"))
    assert f"{CSP} \"default-src 'self', frame-ancestors 'self'\" always;" in mends([page], Server.NGINX)


@pytest.mark.parametrize(
    ("tried", "line"),
    [
        ("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", None),
        ("default-src self", "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"),
    ],
)
def test_a_policy_that_is_tried_out_already_is_what_is_made_strict(tried: str, line: str | None) -> None:
    page = judged(("Content-Type", "text/html"), (CSP, "img-src *"), (f"{CSP}-Report-Only", tried))
    found = re.findall(
        r'^add_header Content-Security-Policy-Report-Only "(.*)" always;$', mends([page], Server.NGINX), re.MULTILINE
    )
    assert found == ([line] if line else [])


def test_each_origin_has_a_block() -> None:
    text = mends([judged(), judged(url="https://other.example.org:8443/a")], Server.NGINX)
    assert re.findall(r"^# (https\S+): for", text, re.MULTILINE) == [
        "https://example.org",
        "https://other.example.org:8443",
    ]


def test_where_nothing_can_be_mended_that_is_said() -> None:
    assert mends([], Server.CADDY) == "# No header mends anything here."


@pytest.mark.parametrize("server", Server)
def test_nothing_that_a_site_sent_leaves_its_quotes(server: Server) -> None:
    hostile = f"default-src 'self'; img-src https://a.com/{ESCAPES}\"; }} evil ON;"
    page = judged(
        ("Content-Type", "text/html"),
        (CSP, hostile),
        (CSP, "default-src a\n} evil"),
        url=f"https://example.org\nevil\x1b\u202e/{ESCAPES}",
    )
    text = mends([page], server)
    assert not set(text) & set("\x1b\x07\u202e\x9b")
    assert all(line.strip().startswith(("#", "//")) for line in text.splitlines() if "evil" in line)


@pytest.mark.skipif(not shutil.which("nginx"), reason="there is no nginx here")
def test_nginx_takes_the_lines(tmp_path: Path) -> None:
    page = judged(
        *(("Content-Type", "text/html"), ("Server", "nginx/1.2.3"), ("X-Powered-By", "PHP/8.1.2"), (CSP, AWKWARD)),
        ("Strict-Transport-Security", "max-age=0"),
    )
    lines = mends([page], Server.NGINX)
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;\n"
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
        f"server {{ listen 127.0.0.1:18999;\n{lines}\n}} }}\n"
    )
    ended = subprocess.run(["nginx", "-t", "-c", str(file)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.skipif(not shutil.which("node"), reason="there is no Node.js here")
@pytest.mark.parametrize("server", [Server.NEXTJS, Server.HELMET])
def test_node_reads_the_lines(tmp_path: Path, server: Server) -> None:
    page = judged(("Content-Type", "text/html"), ("X-Powered-By", "PHP/8.1.2"), (CSP, AWKWARD))
    lines = mends([page], server)
    file = tmp_path / "lines.js"
    file.write_text(f"module.exports = {{\n{lines}\n}};" if server is Server.NEXTJS else lines)
    ended = subprocess.run(["node", "--check", str(file)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_command_prints_the_lines_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "home.txt").write_text(POOR)
    ended = called("headers", "--from", "home.txt", "https://example.org", "--mend", "nginx", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(r"((#|add_header|proxy_hide_header|fastcgi_hide_header|server_tokens) ?.*\n)+", ended.out)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--mend", "iis"), "--mend: there is no server 'iis'."),
        (("--format", "xml"), "--format: there is no format 'xml'."),
        (("--mend", "nginx", "--json"), "--mend prints lines for a server, and nothing else."),
    ],
)
def test_a_wrong_option_is_told(tmp_path: Path, options: tuple[str, ...], error: str) -> None:
    (tmp_path / "home.txt").write_text(saved([]))
    ended = called("headers", "--from", "home.txt", *options, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"fixby: {error}")
