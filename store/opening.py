"""Opening the store: to write to it, made where there is none, or only to read."""

from pathlib import Path

from fixby.errors import StoreError
from fixby.store import schema
from fixby.store.database import Database, SqliteDatabase, connect


def open_for_writing(url: str) -> Database:
    """The store of a path or `postgresql://` URL; a new one where there is none. Raises `StoreError`, `UsageError`."""
    path = sqlite_file(url)
    if path and not path.exists():
        make_folder(path.parent)
    database = connect(url)
    try:
        if schema.version(database) is None and _is_empty(database):
            schema.create(database)
        schema.check(database)
    except BaseException:
        database.close()
        raise
    return database


def open_for_reading(url: str) -> Database:
    """The store of a path or URL, which must exist. Raises `StoreError` or `UsageError`."""
    path = sqlite_file(url)
    if path and not path.exists():
        raise StoreError(f"There is no store at {path}.", "Make one with a first scan: fixby scan")
    database = connect(url, read_only=True)
    try:
        schema.check(database)
    except BaseException:
        database.close()
        raise
    return database


def secret_key(database: Database) -> bytes:
    """The key under which this store fingerprints secrets."""
    [(value,)] = database.run("SELECT value FROM meta WHERE key = 'secret_key'")
    return bytes.fromhex(str(value))


def store_id(database: Database) -> str:
    """The id that the store was given when it was made."""
    [(value,)] = database.run("SELECT value FROM meta WHERE key = 'store_id'")
    return str(value)


def sqlite_file(url: str) -> Path | None:
    """The file of a store that is one, else None."""
    return None if "://" in url and not url.startswith("sqlite:") else Path(url.removeprefix("sqlite:///"))


def make_folder(folder: Path) -> None:
    """Make a store's folder, which git is told to ignore: findings do not belong into the code that they are about.

    Raises `StoreError`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.name == ".fixby":
            (folder / ".gitignore").write_text("*\n")
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be made: {error.strerror}.") from error


def _is_empty(database: Database) -> bool:
    if not isinstance(database, SqliteDatabase):
        return True
    return not database.run("SELECT 1 FROM sqlite_master LIMIT 1")
