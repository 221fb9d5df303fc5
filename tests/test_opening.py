"""Opening a store, and what is said when it cannot be used."""

import ctypes
import json
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fixby.errors import StoreError, UsageError
from fixby.store.database import Database, connect
from fixby.store.opening import open_for_reading, open_for_writing, secret_key
from fixby.store.verification import flaws
from tests.stories import found, scan, told, weakness


def test_a_store_is_made_where_there_is_none_and_found_there_again(database_url: str) -> None:
    with closing(open_for_writing(database_url)) as first:
        told(first, scan(weakness(), at=100))
        key = secret_key(first)
    assert len(key) == 32
    with closing(open_for_writing(database_url)) as second, closing(open_for_reading(database_url)) as reader:
        assert secret_key(second) == secret_key(reader) == key
        assert len(found(reader)) == 1


def test_many_at_once_make_one_store(database_url: str) -> None:
    def key(_: int) -> bytes:
        with closing(open_for_writing(database_url)) as database:
            return secret_key(database)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(key, range(8)))) == 1


def test_the_folder_of_a_store_is_made_and_kept_out_of_git(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / ".fixby"
    open_for_writing(str(folder / "fixby.db")).close()
    assert (folder / ".gitignore").read_text() == "*\n"
    open_for_writing(str(tmp_path / "plain" / "fixby.db")).close()
    assert [file.name for file in (tmp_path / "plain").iterdir()] == ["fixby.db"]


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
def test_a_store_is_named_by_a_path_or_an_sqlite_url(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "fixby.db"
    open_for_writing(f"{prefix}{path}").close()
    assert path.exists()


def test_there_is_nothing_to_read_where_there_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no store") as raised:
        open_for_reading(str(tmp_path / "none" / "fixby.db"))
    assert "fixby scan" in raised.value.hint
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_no_store_to_read_from(database_url: str) -> None:
    connect(database_url).close()
    with pytest.raises(StoreError, match="no store of Fixby") as raised:
        open_for_reading(database_url)
    assert "--store" in raised.value.hint


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmark (url TEXT)")
    for open_it in (open_for_writing, open_for_reading):
        with pytest.raises(StoreError, match="no store of Fixby"):
            open_it(str(path))
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmark",)]


@pytest.mark.parametrize(
    ("version", "said", "hint"),
    [("0000", "older version", "fixby db upgrade"), ("9999", "newer Fixby", "pip install -U fixby")],
)
def test_a_store_of_another_version_says_how_to_go_on(database_url: str, version: str, said: str, hint: str) -> None:
    with closing(open_for_writing(database_url)) as database:
        database.run("UPDATE alembic_version SET version_num = :version", version=version)
    for open_it in (open_for_writing, open_for_reading):
        with pytest.raises(StoreError, match=said) as raised:
            open_it(database_url)
        assert hint in raised.value.hint


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Remember the milk. " * 100)
    for open_it in (open_for_writing, open_for_reading):
        with pytest.raises(StoreError, match="not a database") as raised:
            open_it(str(path))
        assert "--store" in raised.value.hint
    assert path.read_text() == "Remember the milk. " * 100


def test_a_damaged_file_is_named_as_one(tmp_path: Path) -> None:
    path = tmp_path / "fixby.db"
    open_for_writing(str(path)).close()
    whole = path.stat().st_size
    with closing(open_for_writing(str(path))) as database:
        told(database, scan(*(weakness(str(number)) for number in range(300)), at=100))
    content = path.read_bytes()
    path.write_bytes(content[:whole] + b"\x55" * (len(content) - whole))
    with closing(open_for_reading(str(path))) as database:
        with pytest.raises(StoreError, match="malformed") as raised:
            found(database)
        assert "backup" in raised.value.hint
        assert any("malformed" in flaw for flaw in flaws(database))


def impatient(url: str) -> Database:
    """A store whose writers wait for the others only for a moment."""
    database = open_for_writing(url)
    database.run("SET lock_timeout = '50ms'" if "://" in url else "PRAGMA busy_timeout = 50")
    return database


def test_a_store_to_which_another_writes_for_too_long_is_said_to_be_busy(database_url: str) -> None:
    with closing(open_for_writing(database_url)) as slow, closing(impatient(database_url)) as quick:
        told(slow, scan(weakness(), at=100))
        with slow.writing(), pytest.raises(StoreError, match="lock") as raised:
            told(quick, scan(weakness("other"), at=200))
        assert "Another process" in raised.value.hint
        assert len(found(quick)) == 1
        assert len(told(quick, scan(weakness("other"), at=200)).new) == 1


def test_a_full_disk_loses_nothing_that_was_stored_before(tmp_path: Path) -> None:
    with closing(open_for_writing(str(tmp_path / "fixby.db"))) as database:
        told(database, scan(weakness(), at=100))
        [(pages,)] = database.run("PRAGMA page_count")
        database.run(f"PRAGMA max_page_count = {int(str(pages)) + 5}")
        with pytest.raises(StoreError, match="full") as raised:
            told(database, scan(*(weakness(str(number)) for number in range(500)), at=200))
        assert "space" in raised.value.hint
        assert list(flaws(database)) == []
        assert len(found(database)) == 1
        database.run("PRAGMA max_page_count = 1000000")
        assert len(told(database, scan(*(weakness(str(number)) for number in range(500)), at=300)).new) == 500


ATTEMPT = """
import json, sys
from fixby.errors import StoreError
from fixby.store import opening
from tests.stories import found, scan, told, weakness
try:
    database = getattr(opening, sys.argv[1])(sys.argv[2])
    if sys.argv[1] == "open_for_writing":
        told(database, scan(*(weakness(f"attempt {number}") for number in range(int(sys.argv[3]))), at=200))
    print(json.dumps({"count": len(found(database))}))
except StoreError as error:
    print(json.dumps({"message": error.message, "hint": error.hint}))
"""


def attempt(how: str, url: Path, count: int = 1, *, before: Callable[[], None] | None = None) -> dict[str, Any]:
    """What comes of opening a store in a process of its own to which permissions apply, even if it is root's."""
    ended = subprocess.run(
        [sys.executable, "-c", ATTEMPT, how, str(url), str(count)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=before or without_privileges,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    said: dict[str, Any] = json.loads(ended.stdout)
    return said


def without_privileges() -> None:
    """The right to read and write whatever its permissions say is dropped with the next program."""
    if os.geteuid() == 0:
        for capability in (_MAY_OVERRIDE_PERMISSIONS, _MAY_READ_AND_SEARCH):
            ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)


_DROP_FROM_BOUNDING_SET = 24
_MAY_OVERRIDE_PERMISSIONS = 1
_MAY_READ_AND_SEARCH = 2


@pytest.fixture
def locked_away(tmp_path: Path) -> Iterator[Path]:
    """A store with one finding, in a folder of its own whose permissions a test may take away."""
    probe = tmp_path / "probe"
    probe.touch(0o000)
    if subprocess.run(["cat", probe], preexec_fn=without_privileges, capture_output=True, check=False).returncode == 0:
        pytest.skip("permissions do not apply to us here")
    path = tmp_path / "folder" / "fixby.db"
    with closing(open_for_writing(str(path))) as database:
        told(database, scan(weakness(), at=100))
    yield path
    path.parent.chmod(0o755)
    path.chmod(0o644)


def test_a_store_that_may_not_be_written_can_be_read_and_says_what_to_do(locked_away: Path) -> None:
    locked_away.chmod(0o444)
    assert attempt("open_for_reading", locked_away) == {"count": 1}
    said = attempt("open_for_writing", locked_away)
    assert "readonly" in said["message"]
    assert "writable" in said["hint"]


def test_a_store_in_a_folder_that_may_not_be_written_can_be_read(locked_away: Path) -> None:
    locked_away.chmod(0o444)
    locked_away.parent.chmod(0o555)
    assert attempt("open_for_reading", locked_away) == {"count": 1}
    said = attempt("open_for_writing", locked_away)
    assert said["hint"]
    assert len(list(locked_away.parent.iterdir())) == 1


def test_a_store_that_may_not_be_read_says_so(locked_away: Path) -> None:
    locked_away.chmod(0o000)
    for how in ("open_for_reading", "open_for_writing"):
        said = attempt(how, locked_away)
        assert "unable to open" in said["message"]
        assert said["hint"]


def test_a_folder_that_may_not_be_made_is_named(locked_away: Path) -> None:
    locked_away.parent.chmod(0o555)
    said = attempt("open_for_writing", locked_away.parent / "deeper" / "fixby.db")
    assert str(locked_away.parent / "deeper") in said["message"]


def test_a_disk_on_which_files_cannot_grow_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "fixby.db"
    with closing(open_for_writing(str(path))) as database:
        told(database, scan(weakness(), at=100))
    limit = path.stat().st_size + 100_000
    said = attempt(
        "open_for_writing", path, 5000, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    assert said["hint"]
    with closing(open_for_writing(str(path))) as database:
        assert list(flaws(database)) == []
        assert len(found(database)) == 1


def test_a_reader_on_a_read_only_disk_does_not_guess_at_what_a_writer_left_half_done(locked_away: Path) -> None:
    copy = locked_away.parent / "copy.db"
    with closing(open_for_writing(str(locked_away))) as database:
        told(database, scan(weakness("second"), at=200))
        for suffix in ("", "-wal"):
            shutil.copy(f"{locked_away}{suffix}", f"{copy}{suffix}")
    locked_away.parent.chmod(0o555)
    assert "unable to open" in attempt("open_for_reading", copy)["message"]
    locked_away.parent.chmod(0o755)
    assert attempt("open_for_reading", copy) == {"count": 2}


def test_what_a_reader_leaves_beside_a_store_does_not_stop_the_next_one_on_a_read_only_disk(locked_away: Path) -> None:
    open_for_reading(str(locked_away)).close()
    Path(f"{locked_away}-shm").unlink()
    locked_away.parent.chmod(0o555)
    assert attempt("open_for_reading", locked_away) == {"count": 1}


@pytest.mark.parametrize("url", ["mysql://host/fixby", "https://host/fixby", "file://x"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="A store cannot be") as raised:
        open_for_writing(url)
    assert "postgresql://" in raised.value.hint


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://ada:hunter2@127.0.0.1:{unused.getsockname()[1]}/fixby"
        with pytest.raises(StoreError, match="cannot be reached") as raised:
            open_for_reading(url)
    assert "postgresql://127.0.0.1/fixby" in raised.value.message
    assert "hunter2" not in raised.value.message
    assert "server runs" in raised.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hunter2@127.0.0.1:none/fixby",
        "postgresql://ada:hunter2@[::1/fixby",
        "postgresql://ada:1/hunter2@127.0.0.1/fixby",
        "postgresql://ada:hunter2#@127.0.0.1/fixby",
        "postgresql://ada:hunter2@127.0.0.1:0/fixby",
    ],
)
def test_a_url_that_makes_no_sense_is_refused_and_nothing_of_it_repeated(url: str) -> None:
    for opening in (open_for_reading, open_for_writing):
        with pytest.raises(UsageError, match="The store's URL makes no sense") as raised:
            opening(url)
        assert "hunter2" not in raised.value.message + raised.value.hint


def test_a_wrong_password_is_refused_by_the_server(postgresql_url: str) -> None:
    user, _, place = postgresql_url.partition("@")
    with pytest.raises(StoreError, match="password authentication failed") as raised:
        open_for_writing(f"{user}x@{place}")
    assert user.rpartition(":")[2] not in raised.value.message


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_server_without_encryption_is_refused_where_encryption_is_asked_for(postgresql_url: str, mode: str) -> None:
    with pytest.raises(StoreError, match="cannot be reached: Server refuses SSL"):
        open_for_writing(f"{postgresql_url}?sslmode={mode}")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_a_server_without_encryption_is_used_where_that_is_allowed(postgresql_url: str, mode: str) -> None:
    connect(f"{postgresql_url}?sslmode={mode}").close()


def test_a_mode_of_encryption_that_does_not_exist_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="There is no sslmode 'verify'") as raised:
        open_for_writing("postgresql://127.0.0.1/fixby?sslmode=verify")
    assert "verify-full" in raised.value.hint


def test_a_connection_that_breaks_in_the_midst_of_a_scan_leaves_nothing(emptied_postgresql: str) -> None:
    with closing(open_for_writing(emptied_postgresql)) as other:
        broken = open_for_writing(emptied_postgresql)
        with pytest.raises(StoreError, match=r"cannot be reached|refused"), broken.writing():
            told_until_cut_off(broken, other)
        assert found(other) == []
        assert len(told(other, scan(weakness(), at=100)).new) == 1
        with pytest.raises(StoreError):
            broken.close()


def told_until_cut_off(broken: Database, other: Database) -> None:
    """Writes, loses its connection, and writes again."""
    broken.run("DELETE FROM meta")
    [(pid,)] = broken.run("SELECT pg_backend_pid()")
    other.run("SELECT pg_terminate_backend(:pid)", pid=pid)
    broken.run("DELETE FROM meta")


MODULES = """
import sys
from fixby.store.opening import open_for_reading, open_for_writing
from fixby.store.verification import flaws
from tests.stories import found, scan, told, weakness
database = open_for_writing(sys.argv[1])
told(database, scan(weakness(), at=100))
assert len(found(database, "is:open")) == 1
assert list(flaws(database)) == []
open_for_reading(sys.argv[1])
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_opening_storing_and_asking_import_no_sqlalchemy(database_url: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", MODULES, database_url],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    modules = said.stdout.split()
    assert "fixby" in modules
    assert not {"sqlalchemy", "alembic", "mako"} & {*modules}
    assert ("pg8000" in modules) is ("://" in database_url)
