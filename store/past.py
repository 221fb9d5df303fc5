"""The store as it was: inside `as_of`, all that is asked on the connection sees the state after an earlier event.

What has not changed since is copied from the rows; the rest is made anew from the log. The tables of that state are
temporary ones of the same names, which stand before the others on their connection.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter

from fixby.errors import UsageError
from fixby.store.database import Database, SqliteDatabase
from fixby.store.log import BEGINNING, Event, head, selected
from fixby.store.projection import ASSET_DESCRIBED, POLICY_ADOPTED, Projector
from fixby.store.rows import Rows, load, marks_for, pieces, save, save_terms


def last_event_at(database: Database, at: int) -> int:
    """The number of the last event that had happened at a UTC instant, 0 where none had."""
    [(seq,)] = database.run("SELECT max(seq) FROM event WHERE at <= :at", at=at)
    return int(seq or 0)


@contextmanager
def as_of(database: Database, seq: int) -> Iterator[None]:
    """Inside, the connection sees the store as it was after the event of number `seq`. Raises `UsageError` for none."""
    newest = head(database).seq
    if not 0 <= seq <= newest:
        raise UsageError(f"There is no event {seq}.", f"The last one is event {newest}.")
    with database.reading():
        _Past(database, seq).make()
    try:
        yield
    finally:
        for kind, name in (("VIEW", "event"), *(("TABLE", table) for table in (*_COPIED, *_FOLLOWING, "meta"))):
            database.run(f"DROP {kind} IF EXISTS {_temporary(database)}.{name}")


_COPIED = ("finding", "policy", "scan", "asset")
_FOLLOWING = ("sighting", "running_segment", "exploitation", "acceptance")


def _temporary(database: Database) -> str:
    return "temp" if isinstance(database, SqliteDatabase) else "pg_temp"


@dataclass(frozen=True, slots=True)
class _Past:
    """The making of the temporary tables."""

    database: Database
    seq: int

    def make(self) -> None:
        """Make them all: what stayed as it was, what was dated otherwise, what changed since."""
        changed = self._changed()
        terms = self._events("kind IN (:adopted, :described)", adopted=POLICY_ADOPTED, described=ASSET_DESCRIBED)
        self._copy("finding", f"last_event <= {self.seq:d}", "id")
        self._analyse("finding")
        for table in _FOLLOWING:
            self._copy(table, "EXISTS (SELECT 1 FROM finding WHERE id = finding_id)", "finding_id")
            self._analyse(table)
        self._copy("scan", f"seq <= {self.seq:d}", "seq")
        self._copy("policy", f"seq <= {self.seq:d}", "seq")
        self._copy("asset", "1 = 0", "name")
        self._copy("meta", "key <> 'head'", "key")
        self._set_head()
        self._describe(terms)
        self._redate()
        for some in pieces(changed, _PIECE):
            self._replay(some, terms)
        self.database.run(self._as("VIEW", "event", f"seq <= {self.seq:d}"))

    def _changed(self) -> list[str]:
        """The findings that were there already and have changed since."""
        since = "SELECT id FROM finding WHERE last_event > :seq AND first_event <= :seq ORDER BY id"
        return [str(row[0]) for row in self.database.run(since, seq=self.seq)]

    def _events(self, which: str, **named: str) -> list[Event]:
        return list(selected(self.database, f"seq <= :seq AND {which}", seq=self.seq, **named))

    def _copy(self, table: str, which: str, key: str) -> None:
        self.database.run(self._as("TABLE", table, which))
        schema = "temp." if isinstance(self.database, SqliteDatabase) else ""
        self.database.run(f"CREATE INDEX {schema}past_{table} ON {table} ({key})")

    def _analyse(self, table: str) -> None:
        """Tell PostgreSQL how large a temporary table is, so that it does not look for each row on its own."""
        if not isinstance(self.database, SqliteDatabase):
            self.database.run(f"ANALYZE {table}")

    def _as(self, kind: str, name: str, which: str) -> str:
        schema = "main." if isinstance(self.database, SqliteDatabase) else ""
        return f"CREATE TEMPORARY {kind} {name} AS SELECT * FROM {schema}{name} WHERE {which}"

    def _set_head(self) -> None:
        rows = self.database.run("SELECT at, hash FROM event WHERE seq = :seq", seq=self.seq)
        at, last_hash = map(str, rows[0] if rows else (0, BEGINNING))
        self.database.insert("meta", ("key", "value"), [("head", f"{self.seq} {at} {last_hash}")])

    def _describe(self, terms: Sequence[Event]) -> None:
        projector = Projector(Rows())
        for event in terms:
            projector.apply(event)
        save_terms(self.database, (), projector.rows.assets.values())

    def _redate(self) -> None:
        """Give what is open the due dates of the policy then in force, where another one or description came later."""
        later = "SELECT DISTINCT kind FROM event WHERE seq > :seq AND kind IN (:adopted, :described)"
        if self.database.run(later, seq=self.seq, adopted=POLICY_ADOPTED, described=ASSET_DESCRIBED):
            ids = self.database.run("SELECT id FROM finding WHERE closed_at IS NULL ORDER BY id")
            for some in pieces((str(row[0]) for row in ids), _PIECE):
                rows = load(self.database, some)
                Projector(rows).redate()
                save(self.database, rows, some)

    def _replay(self, ids: Sequence[str], terms: Sequence[Event]) -> None:
        """The rows of findings as the log tells them up to then."""
        projector = Projector(Rows())
        of_findings: list[Event] = []
        for some in pieces(ids):
            marks, named = marks_for(some)
            of_findings += self._events(f"subject IN ({marks})", **named)
        for event in merge(terms, sorted(of_findings, key=_seq), key=_seq):
            projector.apply(event)
        projector.redate()
        save(self.database, projector.rows, ())


_PIECE = 5000
_seq = attrgetter("seq")
