"""`fixby gate`: whether this may be released."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fixby.cli import place as here
from fixby.cli.configuration import Configuration
from fixby.cli.output import emit
from fixby.cli.place import Place, reading
from fixby.errors import ExitCode
from fixby.policies.gate import Judgement, LatestScan, Verdict, evaluate, load, shipped
from fixby.query import Term, parse
from fixby.reports import published
from fixby.store import queries
from fixby.store.log import head

if TYPE_CHECKING:
    from fixby.store.database import Database


def run(place: Place, *, as_json: bool) -> ExitCode:
    """Evaluate the gate on what is stored, show each rule, and say it by the exit code."""
    with reading(place) as (database, found):
        judgement, snapshot = judged(database, found)
    if as_json:
        emit(published.written(published.gated(judgement, snapshot)))
    else:
        emit("\n".join(lines(judgement)))
    return judgement.exit_code


def judged(database: "Database", found: Configuration) -> tuple[Judgement, str]:
    """The gate's judgement on one committed state of the store, and the number and hash of that state's last event."""
    policy = load(found.gate) if found.gate else shipped()
    clock, now = here.policy(found).terms, here.now()
    ours = Term("asset", (found.asset,))

    def select(query: str) -> list[str]:
        return queries.matching(database, [ours, *parse(query)], clock, now)

    with database.reading():
        last = head(database)
        scans = _that_count(queries.latest_scans(database, found.asset))
        return evaluate(policy, select, scans, clock.unknown_as, now), f"{last.seq}:{last.hash}"


def lines(judgement: Judgement) -> list[str]:
    """The judgement for people: the verdict, and each rule with the findings that break it."""
    told = [f"gate: {judgement.verdict.upper()}"]
    for rule in judgement.rules:
        told.append(f"  {_MARKS[rule.verdict]} {rule.name}: {rule.reason}")
        if rule.verdict is Verdict.FAIL:
            told.append(f"      {_some(rule.findings)}")
    return told


_MARKS = {Verdict.PASS: "pass   ", Verdict.FAIL: "FAIL   ", Verdict.UNKNOWN: "unknown"}
_SHOWN = 10


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return " ".join(id_[:10] for id_ in ids[:_SHOWN]) + more


def _that_count(scans: Iterable[queries.RecordedScan]) -> list[LatestScan]:
    """Scans of the whole asset, and those of a part of it that came later: a part alone does not speak for the rest."""
    recorded = list(scans)
    whole = {scan.scanner: scan.seq for scan in recorded if scan.target == "."}
    return [
        LatestScan(scan.scanner, scan.outcome, scan.finished_at, scan.reasons)
        for scan in recorded
        if scan.scanner in whole and scan.seq >= whole[scan.scanner]
    ]
