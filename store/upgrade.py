"""An older store brought up to date, by Alembic. Imported only when asked for: SQLAlchemy takes half a second."""

import pg8000.dbapi
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from fixby.errors import StoreError
from fixby.store.database import postgresql_parameters
from fixby.store.opening import sqlite_file


def upgrade(url: str, *, to: str = "head") -> None:
    """Run the migrations of the store at a path or `postgresql://` URL in one transaction. Raises `StoreError`."""
    engine = _engine(url)
    configuration = Config()
    configuration.set_main_option("script_location", "fixby.store:migrations")
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, to)
    except (SQLAlchemyError, CommandError, OSError) as error:
        raise StoreError(f"The store cannot be brought up to date: {error}.") from error
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    """A way to the store; Python's own transactions for SQLite do not hold definitions of tables, so they are off."""
    if file := sqlite_file(url):
        return create_engine(URL.create("sqlite", database=str(file)), connect_args={"isolation_level": None})
    return create_engine("postgresql+pg8000://", creator=lambda: pg8000.dbapi.connect(**postgresql_parameters(url)))
