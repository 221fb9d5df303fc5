"""What the store gives as evidence of a period; and a store made again from the log that such evidence carries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from typing import Any

import orjson

from fixby.decision import Decision
from fixby.errors import ReportError
from fixby.query import Term
from fixby.store import queries
from fixby.store.database import Database
from fixby.store.figures import Period
from fixby.store.log import COLUMNS, Event, selected
from fixby.store.projection import ASSET_DESCRIBED, POLICY_ADOPTED, SCAN_RECORDED, Projector
from fixby.store.rows import AcceptanceRow, PolicyRow, Rows, marks_for, pieces, save, save_terms, select
from fixby.store.selection import OPEN, condition
from fixby.tracked import TrackedFinding


@dataclass(frozen=True, slots=True)
class Version:
    """A policy that was in force for an asset, until the UTC instant at which another was, if one was."""

    policy: PolicyRow
    until: int | None


@dataclass(frozen=True, slots=True)
class Recording:
    """An event as it was written down: its number, its UTC second, who acted, and what it says."""

    seq: int
    at: int
    actor: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SignedAcceptance:
    """An acceptance of a risk, with who approved it and at which UTC second, in that order."""

    asset: str
    row: AcceptanceRow
    approvals: Sequence[tuple[str, int]]


def policies(database: Database) -> Iterator[Version]:
    """Every version of a policy that was ever in force, in the order in which they came into force."""
    rows = select(database, PolicyRow, "policy", "1 = 1 ORDER BY seq")
    for number, row in enumerate(rows):
        later = (other.at for other in rows[number + 1 :] if other.asset == row.asset)
        yield Version(row, next(later, None))


def scans(database: Database, since: int) -> Iterator[Recording]:
    """The scans that were stored after an instant, and before them the latest of each scanner, target and asset."""
    rows = database.run(
        "SELECT scan.seq FROM scan JOIN event ON event.seq = scan.seq WHERE event.at > :since UNION"
        " SELECT max(scan.seq) FROM scan JOIN event ON event.seq = scan.seq WHERE event.at <= :since"
        " GROUP BY asset, scanner, target ORDER BY 1",
        since=since,
    )
    for some in pieces(str(seq) for (seq,) in rows):
        yield from _recorded(database, f"seq IN ({', '.join(some)})")


def findings(database: Database, period: Period) -> Iterator[TrackedFinding]:
    """The findings behind a period's figures, in order of id: what is open at its end, and what ended or began in it.

    Some thousand are held at a time.
    """
    for prefix in _prefixes(database):
        behind = _behind(database, period, prefix)
        some = queries.findings(database, (*period.query, Term("id", (prefix,))), period.as_of)
        yield from sorted((one for one in some if one.id in behind), key=attrgetter("id"))


def acceptances(database: Database, period: Period, refused: Collection[int]) -> Iterator[SignedAcceptance]:
    """All acceptances of the findings that the period's query selects, in the order in which they were asked for.

    What was said in the events of the numbers in `refused` did not count.
    """
    where = condition(period.query)
    rows = database.run(
        f"SELECT id, asset FROM finding WHERE {where.sql} AND id IN (SELECT finding_id FROM acceptance)",
        **where.parameters,
        now=period.as_of,
    )
    assets = {str(id_): str(asset) for id_, asset in rows}
    every = select(database, AcceptanceRow, "acceptance", "1 = 1 ORDER BY seq")
    some = [row for row in every if row.finding_id in assets]
    signed = _approvals(database, some, refused)
    return (SignedAcceptance(assets[row.finding_id], row, signed[row.seq]) for row in some)


def recordings(database: Database, kind: str) -> Iterator[Recording]:
    """All events of a kind, in order."""
    return _recorded(database, "kind = :kind", kind=kind)


def restore(database: Database, log: Iterable[tuple[Event, str]], snapshot: str, identity: str) -> None:
    """Write a log into an empty store: events, each with the hash that is told of it, and how the log is said to end.

    Raises `ReportError` where the events are not in order.
    """
    last = Event(0, 0, "", "", "", "")

    def rows() -> Iterator[tuple[str | int, ...]]:
        nonlocal last
        for event, told in log:
            if event.seq <= last.seq:
                raise ReportError(f"The log is not in order: after event {last.seq} comes event {event.seq}.")
            last = event
            yield (event.seq, event.at, event.actor, event.kind, event.subject, event.body, told)

    with database.writing():
        database.insert("event", COLUMNS, rows())
        seq, _, last_hash = snapshot.partition(":")
        head = f"{seq} {last.at} {last_hash}"
        for key, value in {"head": head, "store_id": identity}.items():
            database.run("UPDATE meta SET value = :value WHERE key = :key", key=key, value=value)


def replay(database: Database) -> None:
    """Make the rows of a store that has only its log, some thousand findings at a time.

    Raises `KeyError`, `TypeError`, `ValueError`, `IndexError` or `OverflowError` for events that Fixby did not write.
    """
    with database.writing():
        whole = Projector(Rows())
        for event in selected(database, "kind = :scan", scan=SCAN_RECORDED):
            whole.apply(event)
        terms = list(selected(database, "kind IN (:policy, :asset)", policy=POLICY_ADOPTED, asset=ASSET_DESCRIBED))
        for event in terms:
            whole.apply(event)
        save(database, whole.rows, ())
        save_terms(database, whole.rows.policies.values(), whole.rows.assets.values())
        ids = database.run("SELECT DISTINCT subject FROM event WHERE kind LIKE 'finding.%' ORDER BY subject")
        for some in pieces((str(id_) for (id_,) in ids), 5000):
            _replay(database, some, terms)


def _replay(database: Database, ids: Sequence[str], terms: Sequence[Event]) -> None:
    """The rows of some findings."""
    projector = Projector(Rows())
    told: list[Event] = []
    for some in pieces(ids):
        marks, named = marks_for(some)
        told += selected(database, f"kind LIKE 'finding.%' AND subject IN ({marks})", **named)
    for event in merge(terms, sorted(told, key=attrgetter("seq")), key=attrgetter("seq")):
        projector.apply(event)
    projector.redate()
    save(database, projector.rows, ())


def _recorded(database: Database, which: str, **named: str) -> Iterator[Recording]:
    for event in selected(database, which, **named):
        yield Recording(event.seq, event.at, event.actor, orjson.loads(event.body))


def _prefixes(database: Database) -> list[str]:
    """Beginnings of ids that part the findings into lots of a few thousand."""
    [(count,)] = database.run("SELECT count(*) FROM finding")
    digits = 0
    while int(count or 0) > 4096 * 16**digits:
        digits += 1
    return [f"{number:0{digits}x}" if digits else "" for number in range(16**digits)]


def _behind(database: Database, period: Period, prefix: str) -> set[str]:
    where = condition([Term("id", (prefix,))])
    within = (f"{column} > :since AND {column} <= :now" for column in ("started_at", "closed_at", "dismissed_at"))
    rows = database.run(
        f"SELECT id FROM finding WHERE {where.sql} AND ({OPEN} OR {' OR '.join(within)})",
        **where.parameters,
        since=period.since,
        now=period.as_of,
    )
    return {str(id_) for (id_,) in rows}


def _approvals(
    database: Database, rows: Sequence[AcceptanceRow], refused: Collection[int]
) -> Mapping[int, list[tuple[str, int]]]:
    """Who approved each acceptance, and when: with the request, or later, as the events say."""
    waiting = {row.seq: list(orjson.loads(row.approvals)) for row in rows}
    by_finding: defaultdict[str, list[AcceptanceRow]] = defaultdict(list)
    for row in rows:
        by_finding[row.finding_id].insert(0, row)
    given: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    kinds = {"accepted": str(Decision.ACCEPTED), "approved": str(Decision.APPROVED)}
    for some in pieces(sorted(by_finding)):
        marks, named = marks_for(some)
        for event in selected(database, f"kind IN (:accepted, :approved) AND subject IN ({marks})", **kinds, **named):
            for name in () if event.seq in refused else orjson.loads(event.body)["approvals"]:
                taking = [row.seq for row in by_finding[event.subject] if _takes(row, event, waiting[row.seq], name)]
                if not taking:
                    raise ReportError(f"Event {event.seq} approves no acceptance that is on record.")
                given[taking[0]].append((waiting[taking[0]].pop(0), event.at))
    return given


def _takes(row: AcceptanceRow, event: Event, waiting: Sequence[str], name: str) -> bool:
    """Whether an approval by a name was of this acceptance: it was asked for, and in force or waiting."""
    is_living = row.until_at > event.at and (row.ended_at is None or row.ended_at >= event.at)
    return row.seq <= event.seq and is_living and waiting[:1] == [name]
