"""The connection of a migration as the rest of the store knows databases, to make rows anew from the log."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import sqlalchemy as sa

from fixby.store.database import Row, Value


class ConnectedDatabase:
    """A `Database` inside the transaction of a migration, which begins and ends it."""

    place = "under migration"

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, /, **parameters: Value) -> list[Row]:
        """The rows that one statement gives."""
        result = self._connection.execute(sa.text(sql), parameters)
        return [tuple(row) for row in result] if result.returns_rows else []

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert many rows, a thousand at a time."""
        marks = ", ".join(f":{column}" for column in columns)
        statement = sa.text(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})")
        remaining = (dict(zip(columns, row, strict=True)) for row in rows)
        while some := list(islice(remaining, 1000)):
            self._connection.execute(statement, some)

    @contextmanager
    def writing(self, *, first: bool = False) -> Iterator[None]:  # noqa: ARG002 - it has begun already
        """The migration's transaction."""
        yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The migration's transaction."""
        yield

    def close(self) -> None:
        """Nothing to give back: the connection is the migration's."""
