"""The findings that a query selects as a queue: their ids alone, so that all of a large store are at hand at once."""

from collections.abc import Sequence

from fixby.query import Term
from fixby.sla.sql import DUE_AT
from fixby.store.database import Database
from fixby.store.selection import condition


def queue(database: Database, query: Sequence[Term], now: int) -> list[str]:
    """The ids of the findings that a query selects at `now`, a UTC second, in the order of `queries.findings`.

    Raises `UsageError` for a value that makes no sense.
    """
    where = condition(query)
    rows = database.run(
        f"SELECT id FROM (SELECT id, closed_at, severity, {DUE_AT} AS due FROM finding WHERE {where.sql}) AS chosen"
        " ORDER BY closed_at IS NOT NULL, due IS NULL, due, severity DESC, id",
        **where.parameters,
        now=now,
    )
    return [str(id_) for (id_,) in rows]
