"""No secret of a scanned repository reaches the screen, a document, the store or a temporary file."""

import base64
import secrets
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Ended, advisories, called, fixby, git, repository

LETTERS = string.ascii_letters + string.digits


def made(alphabet: str, length: int) -> str:
    """A random secret that has a digit in it."""
    return "".join(secrets.choice(alphabet) for _ in range(length - 1)) + secrets.choice(string.digits)


@pytest.fixture(scope="module")
def kinds() -> dict[str, str]:
    """A new secret of each kind."""
    return {
        "aws key": "AKIA" + made(string.ascii_uppercase + string.digits, 16),
        "aws secret": made(LETTERS + "+/", 40),
        "github token": "ghp_" + made(LETTERS, 36),
        "slack token": f"xoxb-{made(string.digits, 11)}-{made(string.digits, 11)}-{made(LETTERS, 24)}",
        "stripe key": "sk_live_" + made(LETTERS, 24),
        "private key": base64.b64encode(secrets.token_bytes(48)).decode(),
        "url password": made(LETTERS, 16),
        "password": made(LETTERS + "!#%", 14),
        "short password": "hunter" + made(LETTERS, 3),
        "passed password": made(LETTERS, 12),
        "django key": "django-insecure-" + made(LETTERS + "!@#^&*(-_=+)", 50),
        "json password": made(LETTERS, 18),
        "environment": made(LETTERS, 20),
        "allowed": made(LETTERS, 22),
    }


@pytest.fixture(scope="module")
def repo(kinds: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that keeps each of them where such are found, beside code that scanners quote."""
    repo = tmp_path_factory.mktemp("secrets") / "repo"
    code = f"""\
import subprocess
import requests
from flask import Flask

SECRET_KEY = "{kinds["django key"]}"
aws_access_key_id = "{kinds["aws key"]}"
aws_secret_access_key = "{kinds["aws secret"]}"
password = "{kinds["password"]}"
allowed_token = "{kinds["allowed"]}"  # nosec # pragma: allowlist secret
app = Flask(__name__)
app.config["SECRET_KEY"] = "{kinds["django key"]}"


def login(user, password="{kinds["short password"]}"):
    subprocess.call("dump --password {kinds["password"]} " + user, shell=True)
    connect(user, password="{kinds["passed password"]}")
    if password == "{kinds["short password"]}":
        requests.get("https://admin:{kinds["url password"]}@example.org/", verify=False, timeout=5)
    headers = {{"Authorization": "token {kinds["github token"]}"}}
    return subprocess.call(f"stripe --key {kinds["stripe key"]} {{user}}", shell=True), headers
"""
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{kinds['private key']}\n-----END RSA PRIVATE KEY-----\n"
    repository(
        repo,
        {
            "app.py": code,
            "id_rsa": key,
            "key.py": f'KEY = """{key}"""\n',
            "settings.json": f'{{"password": "{kinds["json password"]}", "slack": "{kinds["slack token"]}"}}\n',
            ".env": f"API_KEY={kinds['environment']}\nGITHUB_TOKEN={kinds['github token']}\n",
            "app.js": f'const token = "{kinds["github token"]}"; eval(location.hash + token);\n',
            "Dockerfile": f"FROM python:3.12\nENV DB_PASSWORD={kinds['environment']}\nUSER root\n",
            "requirements.txt": f"--index-url https://u:{kinds['url password']}@example.org/simple\njinja2==2.7.1\n",
        },
    )
    git(repo, "init")
    git(repo, "config", "remote.origin.url", f"https://u:{kinds['url password']}@example.org/repo.git")
    return repo


@pytest.fixture(scope="module")
def told(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Ended]:
    """All that is said of it, by every command."""
    temporary = tmp_path_factory.mktemp("temporary")
    known = advisories(tmp_path_factory.mktemp("advisories"))
    arguments = ("scan", ".", "--advisories", known)
    scans = [
        fixby(*arguments, cwd=repo, TMPDIR=str(temporary)),
        fixby(*arguments, "--json", cwd=repo, TMPDIR=str(temporary)),
        fixby("scan", "--only", "sast,secret", "--no-store", cwd=repo, TMPDIR=str(temporary)),
    ]
    assert list(temporary.iterdir()) == []
    ids = [one["id"] for one in called("list", "--json", cwd=repo).document["findings"]]
    shown = [called("show", id_, *form, cwd=repo) for id_ in ids for form in ((), ("--json",))]
    rest = [called(*words, cwd=repo) for words in (("list",), ("list", "--json"), ("gate",), ("gate", "--json"))]
    return [*scans, *shown, *rest, called("doctor", "--json", cwd=repo)]


def pieces(secret: str) -> Iterator[bytes]:
    """What gives a secret away: any twelve characters of it in a row, or all of a shorter one."""
    length = min(12, len(secret))
    for start in range(len(secret) - length + 1):
        yield secret[start : start + length].encode()


def leaked(kinds: dict[str, str], text: bytes) -> set[str]:
    return {kind for kind, secret in kinds.items() if any(piece in text for piece in pieces(secret))}


def test_the_scanners_found_what_they_could_have_leaked(repo: Path, told: list[Ended], kinds: dict[str, str]) -> None:
    seen = {scan["scanner"]: len(scan["findings"]) for scan in told[1].document["scans"]}
    assert seen["bandit"] >= 7
    assert seen["detect-secrets"] >= 8
    assert seen["pip-audit"] >= 2
    assert seen["semgrep"] >= 2
    files = b"".join(path.read_bytes() for path in repo.glob("*") if path.is_file())
    assert leaked(kinds, files) == kinds.keys()


def test_no_command_prints_a_secret(told: list[Ended], kinds: dict[str, str]) -> None:
    for ended in told:
        assert leaked(kinds, f"{ended.out}{ended.err}".encode()) == set()
        assert "Traceback" not in ended.err


def test_no_secret_is_stored(repo: Path, told: list[Ended], kinds: dict[str, str]) -> None:
    stored = [path for path in (repo / ".fixby").iterdir() if path.is_file()]
    assert "fixby.db" in {path.name for path in stored}
    assert len(told) > 10
    for path in stored:
        assert leaked(kinds, path.read_bytes()) == set()


def test_the_same_secret_is_one_finding_wherever_it_stands(repo: Path, told: list[Ended]) -> None:
    assert told
    [token] = called("list", "rule:github-token", "--json", cwd=repo).document["findings"]
    assert {place["path"] for place in token["locations"]} == {".env", "app.js", "app.py"}
