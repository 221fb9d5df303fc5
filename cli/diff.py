"""`fixby scan --diff BASE`: what a change adds and what it fixes, by the identity of findings; no clock is touched.

Both sides are scanned alike and told one after the other to a store that lives as long as the command, so that what was
moved, renamed or edited is recognised as everywhere else.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_bytes
from tempfile import TemporaryDirectory

from fixby.cli import gate as gating
from fixby.cli import place as here
from fixby.cli.bases import Pair, Side, pair
from fixby.cli.configuration import Configuration
from fixby.cli.output import emit
from fixby.cli.scan import LONGEST_TABLE, Result, Wish, looking, record_all
from fixby.closing import units
from fixby.errors import ExitCode
from fixby.finding import Finding
from fixby.policies import policy as policies
from fixby.policies.gate import GatePolicy, Judgement, Known, LatestScan, Verdict, evaluate
from fixby.query import Term, parse
from fixby.reports import published
from fixby.reports.plain import safe
from fixby.scan import Complete, Failed, Scan, outcome_name
from fixby.store import queries
from fixby.store.database import Database
from fixby.store.opening import open_for_reading, open_for_writing, secret_key, sqlite_file
from fixby.store.terms import in_force
from fixby.tracked import State

States = Callable[[Collection[str]], Mapping[str, State]]
"""For ids of findings: how they stand in the store, as far as it knows them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change does to findings, by id; `decided` says what people had decided of the added ones.

    `uncertain` are added ones that may have been there before. `doubts` has for each scanner sentences that say what of
    the change it did not look at.
    """

    added: Mapping[str, Finding]
    fixed: Mapping[str, Finding]
    unchanged: int
    not_observed: int
    decided: Mapping[str, State]
    uncertain: Mapping[str, str]
    doubts: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two scans and what follows: `asked` is what the base was called, `changed` the settings that were, by path.

    `scratch` is the store in which both were recorded, and which lives as long as the command; in it stands what is
    found now.
    """

    asked: str
    both: Pair
    before: Sequence[Result]
    now: Sequence[Result]
    scratch: Database
    difference: Difference
    judgement: Judgement
    changed: Mapping[str, str]

    def exit_code(self, *, gate: bool) -> ExitCode:
        """What a command ends with: the verdict if the `gate` was asked, and 3 where something was not looked at."""
        unsure = self.difference.doubts or (self.difference.uncertain and not gate)
        verdict = self.judgement.exit_code if gate else ExitCode.DONE
        return verdict or (ExitCode.CANNOT_TELL if unsure else ExitCode.DONE)


def run(wish: Wish, base: str, *, as_json: bool) -> ExitCode:
    """Compare what is here with a revision of it, or with another folder, and show it.

    Exit 1 where the gate was asked and fails, 3 where nobody can tell. Raises `FetchError` where the base is not here.
    """
    with compared(wish, base) as comparison:
        if as_json:
            emit(published.written(document(comparison)))
        else:
            show_comparison(comparison)
    return comparison.exit_code(gate=wish.gate)


@contextmanager
def compared(wish: Wish, base: str) -> Iterator[Comparison]:
    """What is here, compared with a base. Raises `FetchError` where that is not here."""
    with TemporaryDirectory(prefix="fixby-diff-") as folder:
        both = pair(wish.place, base, Path(folder).resolve())
        demands = gating.policy(both.before.found)
        demands = replace(demands, rules=demands.added or demands.rules, attestations=(), headers_max_age=None)
        with comparison(wish, base, both, demands) as made:
            yield made


@contextmanager
def comparison(wish: Wish, asked: str, both: Pair, demands: GatePolicy, *, fixed: bool = True) -> Iterator[Comparison]:
    """Two sides compared, and what is added judged by what is demanded; `asked` is what the base was called.

    Where nobody wants to know what is `fixed`, a scanner that finds nothing now is not asked what the base has.
    """
    key, states = _known(both.now.found)
    now = _scanned(wish, both.now, key)
    needed = tuple(result.scan.scanner for result in now if fixed or result.findings)
    before = _scanned(replace(wish, scanners=needed), both.before, key) if needed else []
    with (
        TemporaryDirectory(prefix="fixby-") as folder,
        closing(open_for_writing(str(Path(folder).resolve() / "fixby.db"))) as scratch,
    ):
        difference = _difference(scratch, both, before, now, states)
        judgement = _judged(scratch, demands, now, difference, both.before.found.asset.name)
        yield Comparison(asked, both, before, now, scratch, difference, judgement, both.changed_settings())


def _known(found: Configuration) -> tuple[bytes, States]:
    """The key of the store, and how findings stand in it; another key, and nothing known, where there is no store."""
    file = sqlite_file(found.store)
    if file is not None and not file.exists():
        return token_bytes(32), lambda _: {}
    here.refuse_tracked_store(found)
    with closing(open_for_reading(found.store)) as database:
        key = secret_key(database)

    def states(ids: Collection[str]) -> Mapping[str, State]:
        with closing(open_for_reading(found.store)) as database, here.only_valid(database, found):
            return {one.id: one.state for one in queries.with_ids(database, ids, here.now())}

    return key, states


def _scanned(wish: Wish, side: Side, key: bytes) -> list[Result]:
    return looking(replace(wish, gate=False, place=replace(wish.place, path=side.path)), side.found, side.files)(key)


def _difference(
    scratch: Database, both: Pair, before: Sequence[Result], now: Sequence[Result], states: States
) -> Difference:
    found = both.before.found
    record_all(scratch, found, found.asset, before)
    changes = [result.recorded for result in record_all(scratch, found, found.asset, now) if result.recorded]
    added = {id_ for change in changes for id_ in (*change.new, *change.reopened)}
    fixed = {id_ for change in changes for id_ in change.fixed}
    unseen = {id_ for change in changes for id_ in change.not_observed}
    still_open = set(queries.matching(scratch, [Term("is", ("open",))], here.now()))
    if blind := tuple(result.scan.scanner for result in now if isinstance(result.scan.outcome, Failed)):
        unseen |= set(queries.matching(scratch, [Term("scanner", blind)], here.now())) & still_open
    new = _findings(scratch, added & still_open)
    scans = {result.scan.scanner: result.scan for result in before if both.before.files.files}
    known = states(new) if new else {}
    return Difference(
        added=new,
        fixed=_findings(scratch, fixed - still_open),
        unchanged=len(still_open - added - unseen),
        not_observed=len(unseen),
        decided={id_: state for id_, state in known.items() if state in (State.ACCEPTED, State.DISMISSED)},
        uncertain={id_: why for id_, one in new.items() if (why := _why_uncertain(one, scans.get(one.scanner)))},
        doubts={result.scan.scanner: some for result in now if (some := list(_doubts(both, result.scan)))},
    )


def _findings(database: Database, ids: Collection[str]) -> dict[str, Finding]:
    """Findings by id, the worst first."""
    some = queries.with_ids(database, ids, here.now())
    ordered = sorted(some, key=lambda one: (-one.finding.severity.rank, one.finding.path, one.id))
    return {one.id: one.finding for one in ordered}


def _why_uncertain(finding: Finding, before: Scan | None) -> str:
    """Why a finding that is new may have been there before; empty where the base's scan looked there."""
    if before is None or isinstance(before.outcome, Complete):
        return ""
    if isinstance(before.outcome, Failed):
        return f"of the base nothing is known: {before.reasons[0]}"
    skipped = before.coverage.skipped
    for unit in units(finding):
        for place in (unit, unit.partition("#")[0]):
            if place in skipped:
                return f"in the base, {place} was not scanned: {skipped[place]}"
    return next((f"the base's scan was cut short: {why}" for why in _of_no_place(before)), "")


def _doubts(both: Pair, scan: Scan) -> Iterator[str]:
    """What a scan did not look at and the change may have touched: files that stay as they were concern nobody."""
    if isinstance(scan.outcome, Failed) and both.now.files.files:
        yield from scan.reasons
        return
    for unit, reason in sorted(scan.coverage.skipped.items()):
        if not both.is_same(unit.partition("#")[0]):
            yield f"not scanned: {unit}: {reason}"
    if both.now.files.files:
        yield from _of_no_place(scan)


def _of_no_place(scan: Scan) -> Iterator[str]:
    """The reasons of a partial scan that concern no file."""
    of_places = tuple(filter(None, set(scan.coverage.skipped.values())))
    return (reason for reason in scan.reasons if not of_places or not reason.endswith(of_places))


def _judged(
    scratch: Database, demands: GatePolicy, now: Sequence[Result], difference: Difference, asset: str
) -> Judgement:
    """What the gate says of the added findings of which nobody decided anything.

    It fails by what is certainly new; where only what may be new breaks a rule, or something was not looked at, nobody
    can tell.
    """
    at, ours = here.now(), Term("asset", (asset,))
    unknown_as = (in_force(scratch, asset) or policies.shipped()).terms.unknown_as
    known = Known([_latest(result.scan, difference) for result in now], (), unknown_as)

    def evaluated(counted: Collection[str]) -> Judgement:
        def select(query: str) -> list[str]:
            return [id_ for id_ in queries.matching(scratch, [ours, *parse(query)], at) if id_ in counted]

        return replace(evaluate(demands, select, known, at), notes=())

    counted = difference.added.keys() - difference.decided.keys()
    judgement = evaluated(counted)
    if judgement.verdict is Verdict.FAIL:
        certain = evaluated(counted - difference.uncertain.keys())
        if certain.verdict is not Verdict.FAIL:
            return replace(judgement, verdict=Verdict.UNKNOWN)
    return judgement


def _latest(scan: Scan, difference: Difference) -> LatestScan:
    doubts = tuple(difference.doubts.get(scan.scanner, ()))
    return LatestScan(scan.scanner, "partial" if doubts else "complete", scan.finished_at, doubts)


def document(comparison: Comparison) -> published.Document:
    """A comparison as it is published, `fixby.diff/1`."""
    both, difference = comparison.both, comparison.difference
    commit = both.base
    gate = published.gated(comparison.judgement, "")
    return {
        "schema": "fixby.diff/1",
        "base": {
            "asked": comparison.asked,
            "commit": commit.commit if commit else None,
            "is_ancestor": commit.is_ancestor if commit else None,
        },
        "scans": [
            {
                "scanner": result.scan.scanner,
                "side": side,
                "outcome": outcome_name(result.scan.outcome),
                "reasons": list(result.scan.reasons),
            }
            for side, results in (("base", comparison.before), ("change", comparison.now))
            for result in results
        ],
        "added": [
            published.finding(id_, one)
            | {"decision": difference.decided.get(id_), "uncertain": difference.uncertain.get(id_)}
            for id_, one in difference.added.items()
        ],
        "fixed": [published.finding(id_, one) for id_, one in difference.fixed.items()],
        "unchanged": difference.unchanged,
        "not_observed": difference.not_observed,
        "doubts": [f"{scanner}: {doubt}" for scanner, some in difference.doubts.items() for doubt in some],
        "settings": [{"path": path, "change": change} for path, change in comparison.changed.items()],
        "unknown": [{"path": path, "reason": reason} for path, reason in sorted(both.unknown.items())],
        "gate": {name: gate[name] for name in ("verdict", "evaluated_at", "rules")},
    }


def show_comparison(comparison: Comparison) -> None:
    """Show what was added and fixed, what is not certain, and the gate's verdict."""
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    difference = comparison.difference
    for title, some in (("added", difference.added), ("fixed", difference.fixed)):
        if some:
            emit(
                terminal.rendered(f"{title}:", terminal.observations_table(dict(list(some.items())[:LONGEST_TABLE])))
                + "\n"
            )
    counts = (
        f"{len(difference.added)} added, {len(difference.fixed)} fixed, {difference.unchanged} unchanged,"
        f" {difference.not_observed} not observed, compared with {base_named(comparison)}"
    )
    lines = [counts, *remarks(comparison)]
    emit("\n".join((*map(safe, lines), "", *gating.lines(comparison.judgement))))


def base_named(comparison: Comparison) -> str:
    """What was compared with, in words."""
    both, base = comparison.both, comparison.asked
    if both.base is None:
        return base
    where = "" if both.base.is_ancestor else " itself: where this branched off is not known"
    return f"{base} ({both.base.commit[:10]}){where}"


def remarks(comparison: Comparison) -> Iterator[str]:
    """What is to be known of a comparison, in sentences."""
    difference = comparison.difference
    for path, change in comparison.changed.items():
        yield f"{path} is {change}: it says how to judge, and what it says counts from when it is merged"
    for id_, state in difference.decided.items():
        yield f"{id_[:10]} is {state}: the gate does not count it"
    for id_, why in difference.uncertain.items():
        yield f"{id_[:10]} may have been there before: {why}"
    for scanner, some in difference.doubts.items():
        yield from (f"{scanner}: {doubt}" for doubt in some)
    for path, why in comparison.both.unknown.items():
        yield f"{path}: {why}; what was found there counts as added"
