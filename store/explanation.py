"""Why a finding of the store is due when it is, and which version of which policy says so."""

from collections.abc import Sequence
from dataclasses import dataclass

from fixby.sla.explanation import Explanation, explained
from fixby.store.conversion import timeline_of as timeline
from fixby.store.database import Database
from fixby.store.projection import Projector
from fixby.store.rows import AcceptanceRow, PolicyRow, load
from fixby.store.terms import policies


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation with the version of the policy that it follows, and the acceptances that paused the clock.

    `version` is None where the shipped policy applies because none was ever adopted.
    """

    explanation: Explanation
    version: PolicyRow | None
    acceptances: Sequence[AcceptanceRow]


def explain(database: Database, id_: str, now: int) -> Explained:
    """The explanation of a finding's due date at `now`, a UTC second; `id_` is one that the store knows."""
    rows = load(database, [id_])
    row = rows.findings[id_]
    versions = policies(database, row.asset)
    in_force = [version for version in versions if row.policy in (None, version.seq)][-1:]
    rows.policies = {version.seq: version for version in in_force}
    terms = Projector(rows).terms(row)
    told = explained(timeline(row, rows.segments.get(id_, ())), terms, now)
    return Explained(told, in_force[0] if in_force else None, rows.acceptances.get(id_, ()))
