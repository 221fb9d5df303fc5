"""`fixby export sarif`: findings for code scanning, and for whatever else reads SARIF."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from fixby.cli.asking import asked
from fixby.cli.output import note
from fixby.cli.place import Place, reading_at
from fixby.cli.written import deliver
from fixby.query import Term, parse
from fixby.reports.plain import safe
from fixby.reports.sarif import CODE_SCANNING, Run, log
from fixby.reports.sarif_results import Result
from fixby.store import queries
from fixby.store.queries import RecordedScan
from fixby.tracked import TrackedFinding


@dataclass(frozen=True, slots=True)
class Wish:
    """The findings that were asked for; `as_of` as it was written, empty for now."""

    query: Sequence[str]
    as_of: str
    output: Path | None


def run(wish: Wish, place: Place) -> None:
    """Print or write the log. Raises `UsageError` where it cannot be written."""
    with reading_at(place, wish.as_of) as (database, found, now), database.reading():
        asset = found.asset.name
        terms = parse(asked(wish.query))
        some = queries.findings(database, (Term("asset", (asset,)), *terms), now)
        scans = queries.latest_scans(database, asset)
    here = [one for one in some if one.closed_at is None]
    if len(here) < len(some):
        note(f"fixby: {len(some) - len(here)} closed findings were left out: what is closed is no result.")
    made = log(runs(asset, here, scans, terms), version("fixby"), CODE_SCANNING)
    for sentence in made.left_out:
        note(f"fixby: {safe(sentence)}")
    deliver(made.text, wish.output)


def runs(
    asset: str, findings: Sequence[TrackedFinding], scans: Sequence[RecordedScan], query: Sequence[Term]
) -> list[Run]:
    """A run for each scanner that found something or looked at the asset, unless the query asks for other scanners.

    Where nothing was found any more a run without results says so: without it, the service would keep what it has.
    """
    by_scanner: dict[str, list[Result]] = {one.scanner: [] for one in scans if _is_meant(one.scanner, query)}
    for one in findings:
        by_scanner.setdefault(one.finding.scanner, []).append(Result(one.id, one.finding, one))
    problems, versions = _problems(scans), {one.scanner: one.tool_version for one in scans}
    return [
        Run(name, versions.get(name, ""), results, problems.get(name, ()), asset)
        for name, results in by_scanner.items()
    ]


def _is_meant(scanner: str, query: Sequence[Term]) -> bool:
    return all((scanner in term.values) is not term.negated for term in query if term.qualifier == "scanner")


def _problems(scans: Sequence[RecordedScan]) -> Mapping[str, Sequence[str]]:
    """What each scanner did not look at when it last did, in sentences."""
    found: dict[str, list[str]] = {}
    for one in scans:
        if one.outcome != "complete":
            words = one.reasons or (f"the scan was {one.outcome}",)
            found.setdefault(one.scanner, []).extend(
                f"{one.target}: {reason}" if one.target != "." else reason for reason in words
            )
    return found
