"""Events appended to the log, and the rows of what they are about brought up to date with them."""

from collections.abc import Iterable, Iterator, Sequence

from fixby.store.database import Database
from fixby.store.log import Event, Head, append, events
from fixby.store.projection import Projector
from fixby.store.rows import Rows, load, save, save_terms


def project(database: Database, after: Head, news: Iterable[Event], known: Sequence[str] = ()) -> Head:
    """Append events inside a writing transaction; `known` are the findings they are about that have rows already."""
    rows = load(database, known)
    policies, assets = set(rows.policies), dict(rows.assets)
    projector = Projector(rows)

    def projected() -> Iterator[Event]:
        for event in news:
            projector.apply(event)
            yield event

    last = append(database, after, projected())
    save(database, rows, known)
    adopted = [row for seq, row in rows.policies.items() if seq not in policies]
    save_terms(database, adopted, [row for name, row in rows.assets.items() if row is not assets.get(name)])
    return last


def rebuild(database: Database) -> None:
    """Make the rows anew from the log, inside a writing transaction; the tables are empty."""
    rows = Rows()
    projector = Projector(rows)
    for event, _ in events(database):
        projector.apply(event)
    projector.redate()
    save(database, rows, ())
    save_terms(database, rows.policies.values(), rows.assets.values())
