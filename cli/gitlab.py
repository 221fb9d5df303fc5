"""`fixby export gitlab`: findings as the reports that GitLab takes from a job."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from fixby.cli.asking import asked
from fixby.cli.output import note
from fixby.cli.place import Place, reading_at
from fixby.cli.written import write
from fixby.errors import UsageError
from fixby.query import Term, parse
from fixby.reports import published
from fixby.reports.gitlab import TYPES, Looked, Type, report
from fixby.scanners.registry import NAMES, kind_of
from fixby.scanners.scanner import Kind
from fixby.store import queries
from fixby.store.queries import RecordedScan
from fixby.tracked import TrackedFinding


def run(query: Sequence[str], folder: Path, place: Place) -> None:
    """Write a report of each type for which it was looked, or of which there are findings. Raises `UsageError`."""
    with reading_at(place, "") as (database, found, now), database.reading():
        ours = Term("asset", (found.asset.name,))
        some = queries.findings(database, (ours, *parse(asked(query))), now)
        scans = queries.latest_scans(database, found.asset.name)
    kept = [one for one in some if one.closed_at is None and one.finding.category in TYPES]
    if len(kept) < len(some):
        note(
            f"fixby: {len(some) - len(kept)} findings were left out: they are closed, or GitLab has no report for them."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}.", "Name another folder.") from error
    for kind in Type:
        looked = _looked(kind, kept, scans, now)
        if looked:
            text = published.written(report(kind, kept, looked, version("fixby")))
            write(folder / kind.file, f"{text}\n")


def _looked(kind: Type, findings: Sequence[TrackedFinding], scans: Sequence[RecordedScan], now: int) -> Looked | None:
    """When the scanners of a type looked last, and what they did not see; None where there is none of them.

    Those are ours of that kind, and those that have findings of it.
    """
    names = {one.finding.scanner for one in findings if TYPES[one.finding.category] is kind}
    mine = [one for one in scans if one.scanner in names or _kind(one.scanner) is kind]
    if not mine and not names:
        return None
    problems = [
        f"{one.scanner}: {reason}"
        for one in mine
        if one.outcome != "complete"
        for reason in one.reasons or (one.outcome,)
    ]
    return Looked(max((one.finished_at for one in mine), default=now), problems)


def _kind(name: str) -> Type | None:
    return _OF_OURS[kind_of(name)] if name in NAMES else None


_OF_OURS = {
    Kind.SAST: Type.SAST,
    Kind.SCA: Type.DEPENDENCIES,
    Kind.SECRET: Type.SECRETS,
    Kind.CONTAINER: Type.CONTAINER,
}
