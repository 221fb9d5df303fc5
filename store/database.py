"""A connection to SQLite or PostgreSQL that speaks the SQL both understand.

Statements carry named parameters (`:name`) and are written once. SQLAlchemy describes the tables and its Alembic moves
them from version to version, but importing it takes half a second: longer than a whole `fixby gate` may take.
"""

import socket
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from fixby.errors import StoreError, UsageError

if TYPE_CHECKING:
    import ssl

    import pg8000.native

Value = str | int | bytes | None
Row = Sequence[Value]


class Database(Protocol):
    """One connection. Every method raises `StoreError` where the database refuses."""

    @property
    def place(self) -> str:
        """Where the store is, fit to be shown: without a password."""

    def run(self, sql: str, /, **parameters: Value) -> list[Row]:
        """The rows that one statement gives."""

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert many rows at once."""

    def writing(self, *, first: bool = False) -> AbstractContextManager[None]:
        """A transaction that no other writer's overlaps; rolled back where its body raises.

        `first` says that nothing was stored before: readers may have to wait for it.
        """

    def reading(self) -> AbstractContextManager[None]:
        """A transaction that sees one committed state throughout."""

    def close(self) -> None:
        """Give the connection back; a transaction under way is rolled back."""


def connect(url: str, *, read_only: bool = False) -> Database:
    """The database of a `postgresql://` URL or of an SQLite file's path. Raises `StoreError` or `UsageError`."""
    scheme = _scheme(url)
    if scheme in ("postgresql", "postgres"):
        return PostgresqlDatabase(url)
    if len(scheme) > 1 and "://" in url and scheme != "sqlite":
        raise UsageError(f"A store cannot be a {scheme} URL.", "Give a file's path or a postgresql:// URL.")
    return SqliteDatabase(Path(url.removeprefix("sqlite:///")), read_only=read_only)


def _scheme(url: str) -> str:
    """The scheme of a URL, or nothing. What is raised repeats nothing of it: a password may stand anywhere in it."""
    with suppress(ValueError):
        parts = urlsplit(url)
        misplaced = "://" in url and "@" in f"{parts.path}{parts.query}{parts.fragment}"
        if parts.port != 0 and not misplaced:
            return parts.scheme
    hint = "Write postgresql://user:password@host:port/name, in the password %40 for @, %2F for /, %23 for #."
    raise UsageError("The store's URL makes no sense.", hint)


class SqliteDatabase:
    """An SQLite file in write-ahead mode: readers and one writer do not block each other."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.place = str(path)
        with self._translated():
            self._connection = _open_read_only(path) if read_only else _open_for_writing(path)

    def run(self, sql: str, /, **parameters: Value) -> list[Row]:
        with self._translated():
            return self._connection.execute(sql, parameters).fetchall()

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(columns))
        with self._translated():
            self._connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    @contextmanager
    def writing(self, *, first: bool = False) -> Iterator[None]:
        """Without a write-ahead log a first transaction is written once, and not twice."""
        with self._without_log() if first else nullcontext(), self._transaction("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._transaction("BEGIN"):
            yield

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self.run(begin)
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise

    @contextmanager
    def _without_log(self) -> Iterator[None]:
        """Inside there is no write-ahead log, unless somebody else has the file open."""
        with suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA journal_mode = DELETE")
        try:
            yield
        finally:
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode = WAL")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"The store {self.place} cannot be used: {error}.", _sqlite_hint(str(error))) from error


class PostgresqlDatabase:
    """A PostgreSQL database by URL: `postgresql://user:password@host:port/name?sslmode=require`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.place = f"postgresql://{parts.hostname or 'localhost'}{parts.path}"
        with self._translated():
            self._connection = _connect_postgresql(url)

    def run(self, sql: str, /, **parameters: Value) -> list[Row]:
        with self._translated():
            return list(self._connection.run(sql, **parameters) or [])

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        with self._translated():
            self._connection.run(f"COPY {table} ({', '.join(columns)}) FROM STDIN", stream=_copy_lines(rows))

    @contextmanager
    def writing(self, *, first: bool = False) -> Iterator[None]:  # noqa: ARG002 - a first one is as any other here
        with self._transaction("BEGIN"):
            self.run("SELECT pg_advisory_xact_lock(:lock)", lock=_WRITERS_LOCK)
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ"):
            yield

    def close(self) -> None:
        with self._translated():
            self._connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self.run(begin)
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        """End the transaction; a connection that is lost has ended it already."""
        from pg8000.exceptions import Error  # noqa: PLC0415 - 0.2 s to import

        try:
            self._connection.run("ROLLBACK")
        except (Error, OSError):
            return

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from pg8000.exceptions import DatabaseError, Error  # noqa: PLC0415 - 0.2 s to import

        try:
            yield
        except DatabaseError as error:
            message, hint = _postgresql_message(error)
            raise StoreError(f"The store {self.place} refused: {message}.", hint) from error
        except (Error, OSError) as error:
            hint = "Check that the server runs and that the URL is right."
            raise StoreError(f"The store {self.place} cannot be reached: {str(error).rstrip('.')}.", hint) from error


_WRITERS_LOCK = 0x46697862
_BUSY_SECONDS = 60
_BUSY_HINT = f"Another process has been writing for more than {_BUSY_SECONDS} s; try again when it is done."


def _open_for_writing(path: Path) -> sqlite3.Connection:
    """A connection that writes. The size of a page is that of a new file: several events of 2 KiB and more fit in."""
    settings = ("page_size = 16384", "journal_mode = WAL", "synchronous = FULL", "cache_size = -65536")
    return _opened(f"{path.absolute().as_uri()}?mode=rwc", *settings)


def _open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing; on a read-only disk, where SQLite cannot keep its index of the log, too."""
    address = path.absolute().as_uri()
    try:
        return _opened(f"{address}?mode=ro", "schema_version")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or _has_open_ends(path):
            raise
        return _opened(f"{address}?immutable=1")


def _has_open_ends(path: Path) -> bool:
    """Whether a writer was cut off: what it wrote last stands beside the file."""
    beside = path.with_name(f"{path.name}-wal")
    return beside.exists() and beside.stat().st_size > 0


def _opened(address: str, *settings: str) -> sqlite3.Connection:
    """A connection whose LIKE tells upper from lower case, as PostgreSQL's does."""
    connection = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        for setting in ("case_sensitive_like = ON", *settings):
            _set(connection, setting)
    except BaseException:
        connection.close()
        raise
    return connection


def _set(connection: sqlite3.Connection, setting: str) -> None:
    """Change a setting; that of the journal does not wait by itself while another process changes it too."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute(f"PRAGMA {setting}")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


_PAUSE_SECONDS = 0.05


def _sqlite_hint(message: str) -> str:
    for words, hint in (
        ("locked", _BUSY_HINT),
        ("readonly", "Make the file and its folder writable, or name another store with --store."),
        ("disk I/O", "Check the disk: it may be full, gone or damaged; nothing that was stored before is lost."),
        ("full", "Free some space; nothing that was stored before is lost."),
        ("malformed", "Restore it from a backup: the file is damaged."),
        ("not a database", "Name another file with --store: this one is no store, or is damaged."),
        ("unable to open", "Check that its folder exists and may be written."),
    ):
        if words in message:
            return hint
    return ""


def _connect_postgresql(url: str) -> "pg8000.native.Connection":
    import pg8000.native  # noqa: PLC0415 - 0.2 s to import

    connection = pg8000.native.Connection(**postgresql_parameters(url))
    connection.run(f"SET lock_timeout = '{_BUSY_SECONDS}s'")
    connection.run(f"SET statement_timeout = '{2 * _BUSY_SECONDS}s'")
    return connection


def postgresql_parameters(url: str) -> dict[str, Any]:
    """What pg8000 needs for a connection to a `postgresql://` URL. Raises `OSError` where nobody listens there."""
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or 5432
    return {
        "user": unquote(parts.username or "postgres"),
        "host": host,
        "database": unquote(parts.path.lstrip("/")) or None,
        "password": unquote(parts.password) if parts.password else None,
        "ssl_context": _encryption(dict(parse_qsl(parts.query)).get("sslmode", "prefer")),
        "application_name": "fixby",
        "sock": _socket(host, port),
    }


def _socket(host: str, port: int) -> socket.socket:
    """A socket that sends at once: pg8000 writes in small parts, and each would wait 40 ms for the one before it."""
    connected = socket.create_connection((host, port), timeout=2 * _BUSY_SECONDS)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connected


def _encryption(mode: str) -> "ssl.SSLContext | bool | None":
    """What pg8000 calls a mode of libpq's: True encrypts without asking who answers, None where the server can."""
    import ssl  # noqa: PLC0415 - 0.03 s to import

    if mode in ("verify-ca", "verify-full"):
        context = ssl.create_default_context()
        context.check_hostname = mode == "verify-full"
        return context
    known = {"disable": False, "allow": None, "prefer": None, "require": True}
    if mode not in known:
        raise UsageError(f"There is no sslmode {mode!r}.", f"Known are: {', '.join(known)}, verify-ca, verify-full.")
    return known[mode]


def _postgresql_message(error: Exception) -> tuple[str, str]:
    """What the server says, and the mend where it is known."""
    fields = error.args[0] if error.args else {}
    if not isinstance(fields, dict):
        return str(fields), ""
    return str(fields.get("M", fields)), _BUSY_HINT if fields.get("C") == "55P03" else ""


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def _copy_lines(rows: Iterable[Row]) -> Iterator[str]:
    """The rows in the text format of PostgreSQL's COPY, a thousand to a piece."""
    remaining = iter(rows)
    while piece := list(islice(remaining, 1000)):
        yield "".join("\t".join(map(_copy_field, row)) + "\n" for row in piece)


def _copy_field(value: Value) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    return value.translate(_ESCAPES) if isinstance(value, str) else str(value)
