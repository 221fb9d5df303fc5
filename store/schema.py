"""How the tables come to be and which version of them this Fixby speaks.

A new store is made from `schema.sqlite.sql` or `schema.postgresql.sql`, which `make schema` writes from
`fixby.store.tables`; a test holds them equal to what the migrations make. Alembic brings an older store up to date.
"""

from importlib.resources import files
from secrets import token_hex

from fixby.errors import StoreError
from fixby.store.database import Database, SqliteDatabase
from fixby.store.log import BEGINNING

VERSION = "0005"
"""The newest migration."""


def create(database: Database) -> None:
    """Make the tables of an empty database, with an id, a secret key and an empty log. Raises `StoreError`."""
    name = "schema.sqlite.sql" if isinstance(database, SqliteDatabase) else "schema.postgresql.sql"
    statements = (files("fixby.store") / name).read_text(encoding="utf-8")
    with database.writing():
        if version(database) is not None:
            return
        for statement in statements.split(";\n"):
            if statement.strip():
                database.run(statement)
        database.insert("alembic_version", ("version_num",), [(VERSION,)])
        first_rows = (("head", f"0 0 {BEGINNING}"), ("store_id", token_hex(16)), ("secret_key", token_hex(32)))
        database.insert("meta", ("key", "value"), first_rows)


def version(database: Database) -> str | None:
    """The version of the tables, or None where there are none."""
    catalogue = (
        "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        if isinstance(database, SqliteDatabase)
        else "SELECT 1 FROM pg_tables WHERE tablename = 'alembic_version' AND schemaname = ANY (current_schemas(false))"
    )
    if not database.run(catalogue):
        return None
    rows = database.run("SELECT version_num FROM alembic_version")
    return str(rows[0][0]) if rows else None


def check(database: Database) -> None:
    """Raise `StoreError` unless the tables are of this Fixby's version."""
    found = version(database)
    if found == VERSION:
        return
    if found is None:
        raise StoreError(f"{database.place} is no store of Fixby.", "Name another with --store.")
    if found < VERSION:
        raise StoreError(f"The store {database.place} is of an older version.", "Bring it up to date: fixby db upgrade")
    raise StoreError(f"The store {database.place} was written by a newer Fixby.", "Upgrade: pip install -U fixby")
