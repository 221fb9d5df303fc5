"""The identity that the store gives: each scan recorded in turn, each observation with the id of its finding."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from observations import Observation

from fixby.asset import Asset
from fixby.finding import Finding, Location
from fixby.policies.policy import shipped
from fixby.query import Term
from fixby.scan import Scan
from fixby.store.ingestion import record
from fixby.store.opening import open_for_writing
from fixby.store.queries import findings
from fixby.store.terms import Occasion

START = 1_700_000_000
DAY = 86_400


def ids(history: Iterable[tuple[Scan, Sequence[Observation]]]) -> Iterator[list[str]]:
    """For each scan the ids of its observations, in their order, when all were recorded in a new store a day apart."""
    with TemporaryDirectory() as folder:
        database = open_for_writing(str(Path(folder) / "fixby.db"))
        for day, (scan, seen) in enumerate(history):
            now = START + day * DAY
            occasion = Occasion(Asset("benchmark"), actor="fixby", now=now, policy=shipped())
            record(database, replace(scan, started_at=now, finished_at=now), occasion)
            known: defaultdict[Hashable, list[str]] = defaultdict(list)
            for one in sorted(findings(database, [Term("is", ("open",))], now), key=lambda one: one.id):
                for place in one.finding.locations:
                    known[_said(one.finding, place)].append(one.id)
            yield [_taken(known[_said(one.finding, one.place)], one) for one in seen]
        database.close()


def _said(finding: Finding, place: Location) -> Hashable:
    if finding.secret_fingerprint:
        return (finding.secret_fingerprint, place)
    return (finding.rule.id, finding.message, finding.code, place)


def _taken(some: list[str], one: Observation) -> str:
    """The id for an observation; several that are alike in everything take one each."""
    if not some:
        raise RuntimeError(f"The store has no open finding for {one}.")
    return some.pop(0) if len(some) > 1 else some[0]
