"""An older store brought up to date, by Alembic. Imported only when asked for: SQLAlchemy takes half a second."""

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from fixby.errors import StoreError


def upgrade(url: str, *, to: str = "head") -> None:
    """Run the migrations of the store at a path or `postgresql://` URL in one transaction. Raises `StoreError`."""
    engine = create_engine(_sqlalchemy_url(url))
    configuration = Config()
    configuration.set_main_option("script_location", "fixby.store:migrations")
    try:
        with engine.begin() as connection:
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, to)
    except (SQLAlchemyError, CommandError) as error:
        raise StoreError(f"The store cannot be brought up to date: {error}.") from error
    finally:
        engine.dispose()


def _sqlalchemy_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        return f"postgresql+pg8000://{rest}"
    return url if separator else f"sqlite:///{url}"
