"""The tables of a new store and those that the migrations make are the same."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import orjson
import pytest
from sqlalchemy.dialects import registry

from fixby.asset import Asset
from fixby.errors import StoreError
from fixby.store import log, schema
from fixby.store.codec import encoded
from fixby.store.database import Database, Row, SqliteDatabase, connect
from fixby.store.log import Event, head
from fixby.store.opening import open_for_reading, open_for_writing, secret_key
from fixby.store.tables import definitions, metadata
from fixby.store.upgrade import upgrade
from fixby.store.verification import flaws
from tests.stories import found, scan, told, weakness


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_the_sql_of_a_new_store_is_what_its_description_says(name: str) -> None:
    dialect = registry.load(name)()
    text = (files("fixby.store") / f"schema.{dialect.name}.sql").read_text(encoding="utf-8")
    assert text == definitions(dialect), "run make schema"


@pytest.fixture
def migrated_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> str:
    """Another empty place of the same kind as `database_url`."""
    if "://" in database_url:
        url: str = request.getfixturevalue("postgresql_database")
        return url
    return str(tmp_path / "migrated.db")


def test_a_new_store_is_what_the_migrations_make(database: Database, migrated_url: str) -> None:
    upgrade(migrated_url)
    migrated = connect(migrated_url)
    assert structure(migrated) == structure(database)
    assert schema.version(migrated) == schema.version(database) == schema.VERSION
    assert head(migrated) == head(database)
    assert keys(migrated) == keys(database) == [("head",), ("secret_key",), ("store_id",)]
    assert secret_key(migrated) != secret_key(database)
    migrated.close()


def keys(database: Database) -> list[Row]:
    return [tuple(row) for row in database.run("SELECT key FROM meta ORDER BY key")]


def structure(database: Database) -> list[Row]:
    """All tables, columns and indexes."""
    if isinstance(database, SqliteDatabase):
        rows = database.run("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
        return [(*names, " ".join(str(sql).split())) for *names, sql in rows]
    columns = database.run(
        "SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default,"
        " character_maximum_length FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3"
    )
    indexes = database.run("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")
    return [*columns, *indexes]


def test_the_structure_that_is_compared_has_every_table(database: Database) -> None:
    told_of = repr(structure(database))
    assert all(table in told_of for table in (*metadata.tables, "alembic_version"))


def test_a_store_that_the_migrations_made_takes_scans(database_url: str) -> None:
    upgrade(database_url)
    database = open_for_writing(database_url)
    assert len(told(database, scan(weakness(), at=100)).new) == 1
    assert list(flaws(database)) == []
    database.close()


def test_an_older_store_has_its_rows_made_anew_from_its_log(database: Database, migrated_url: str) -> None:
    told(database, scan(weakness("a()"), weakness("b()"), at=100))
    told(database, scan(weakness("b()"), at=200, scanned={"src/a.py": "v2"}))
    upgrade(migrated_url, to="0001")
    older = connect(migrated_url)
    older.run("UPDATE meta SET value = :value WHERE key = 'head'", value=_value(database, "head"))
    older.insert("event", log.COLUMNS, database.run(f"SELECT {', '.join(log.COLUMNS)} FROM event"))  # noqa: S608 - ours
    for digest, body in database.run("SELECT digest, body FROM coverage"):
        older.run("INSERT INTO coverage (digest, body) VALUES (:digest, :body)", digest=digest, body=body)
    with pytest.raises(StoreError, match="older version"):
        schema.check(older)
    upgrade(migrated_url)
    assert list(flaws(older)) == []
    assert found(older, now=300) == found(database, now=300)
    older.close()


def test_a_store_from_before_owners_were_on_record_has_none(database: Database, migrated_url: str) -> None:
    told(database, scan(weakness("a()"), at=100), asset=Asset("web", tier="1"))
    upgrade(migrated_url, to="0003")
    older = connect(migrated_url)
    with older.writing():
        log.append(older, head(older), [_without_owners(event) for event, _ in log.events(database)])
    for digest, body in database.run("SELECT digest, body FROM coverage"):
        older.run("INSERT INTO coverage (digest, body) VALUES (:digest, :body)", digest=digest, body=body)
    upgrade(migrated_url)
    assert list(flaws(older)) == []
    assert found(older, "tier:1 owner:nobody", now=300) == found(database, now=300)
    told(older, scan(weakness("a()"), at=400), asset=Asset("web", tier="1", codeowners="* @ada"))
    assert [one.owner for one in found(older, now=400)] == ["@ada"]
    assert list(flaws(older)) == []
    older.close()


def _without_owners(event: Event) -> Event:
    """As Fixby wrote it then."""
    body = orjson.loads(event.body)
    body.pop("codeowners", None)
    return replace(event, body=encoded(body).decode())


def _value(database: Database, key: str) -> str:
    [(value,)] = database.run("SELECT value FROM meta WHERE key = :key", key=key)
    return str(value)


def test_upgrading_a_store_that_is_up_to_date_changes_nothing(database: Database, database_url: str) -> None:
    told(database, scan(weakness(), at=100))
    before = (head(database), secret_key(database), structure(database))
    upgrade(database_url)
    assert (head(database), secret_key(database), structure(database)) == before


def test_an_upgrade_that_fails_half_way_leaves_the_store_as_it_was(database_url: str) -> None:
    database = connect(database_url)
    database.run("CREATE TABLE scan (x INTEGER)")
    before = structure(database)
    with pytest.raises(StoreError, match="cannot be brought up to date"):
        upgrade(database_url)
    assert structure(database) == before
    database.close()


def test_a_store_of_a_newer_fixby_is_not_downgraded(database: Database, database_url: str) -> None:
    database.run("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="cannot be brought up to date"):
        upgrade(database_url)
    assert schema.version(database) == "9999"


def test_what_is_no_database_cannot_be_upgraded(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, and longer than the sixteen bytes of a header" * 20)
    with pytest.raises(StoreError, match="cannot be brought up to date"):
        upgrade(str(file))


def test_a_database_that_nobody_serves_cannot_be_upgraded() -> None:
    with pytest.raises(StoreError, match="cannot be brought up to date"):
        upgrade("postgresql://ada:secret@127.0.0.1:1/fixby")


def test_a_path_with_signs_that_mean_something_in_a_url_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "50% #1?x=y & more.db"
    open_for_writing(str(path)).close()
    upgrade(str(path))
    open_for_reading(str(path)).close()
    assert all(file.name.startswith(path.name) for file in tmp_path.iterdir())
