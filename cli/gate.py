"""`fixby gate`: whether this may be released."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fixby.cli import place as here
from fixby.cli.configuration import Configuration
from fixby.cli.output import emit, show
from fixby.cli.place import Place, reading
from fixby.errors import ExitCode
from fixby.policies.gate import GatePolicy, Judgement, LatestScan, Verdict, evaluate, load, shipped
from fixby.query import Term, parse
from fixby.reports import published
from fixby.reports.plain import safe
from fixby.store import queries
from fixby.store.log import head
from fixby.store.terms import in_force

if TYPE_CHECKING:
    from fixby.store.database import Database


def run(place: Place, *, as_json: bool) -> ExitCode:
    """Evaluate the gate on what is stored, show each rule, and say it by the exit code."""
    with reading(place) as (database, found):
        here.note_other_policy(database, found)
        judgement, snapshot = judged(database, found)
        if as_json:
            emit(published.written(published.gated(judgement, snapshot)))
        else:
            emit("\n".join(lines(judgement)))
            _show_broken(database, judgement)
    return judgement.exit_code


def judged(database: "Database", found: Configuration) -> tuple[Judgement, str]:
    """The gate's judgement on one committed state of the store, and the number and hash of that state's last event."""
    demands, now = policy(found), here.now()
    ours = Term("asset", (found.asset.name,))

    def select(query: str) -> list[str]:
        return queries.matching(database, [ours, *parse(query)], now)

    with database.reading():
        unknown_as = (in_force(database, found.asset.name) or here.policy(found)).terms.unknown_as
        last = head(database)
        scans = _that_count(queries.latest_scans(database, found.asset.name))
        return evaluate(demands, select, scans, unknown_as, now), f"{last.seq}:{last.hash}"


def policy(found: Configuration) -> GatePolicy:
    """The gate's policy in force: the configured one, else the shipped one."""
    return load(found.gate) if found.gate else shipped()


def lines(judgement: Judgement) -> list[str]:
    """The judgement for people: the verdict, and what each rule says."""
    rules = (f"  {_MARKS[rule.verdict]}  {safe(rule.name)}: {safe(rule.reason)}" for rule in judgement.rules)
    return [f"gate: {judgement.verdict.upper()}", *rules]


_MARKS = {Verdict.PASS: "pass   ", Verdict.FAIL: "FAIL   ", Verdict.UNKNOWN: "unknown"}
_SHOWN = 20


def _show_broken(database: "Database", judgement: Judgement) -> None:
    """Show the findings that break a rule."""
    broken = {id_: None for rule in judgement.rules if rule.verdict is Verdict.FAIL for id_ in rule.findings}
    if not broken:
        return
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    some, now = tuple(broken)[:_SHOWN], judgement.evaluated_at
    show("", terminal.findings_table(queries.findings(database, [Term("id", some)], now), now))
    if len(broken) > _SHOWN:
        emit(f"... and {len(broken) - _SHOWN} more")


def _that_count(scans: Iterable[queries.RecordedScan]) -> list[LatestScan]:
    """Scans of the whole asset, and those of a part of it that came later: a part alone does not speak for the rest."""
    recorded = list(scans)
    whole = {scan.scanner: scan.seq for scan in recorded if scan.target == "."}
    return [
        LatestScan(scan.scanner, scan.outcome, scan.finished_at, scan.reasons)
        for scan in recorded
        if scan.scanner in whole and scan.seq >= whole[scan.scanner]
    ]
