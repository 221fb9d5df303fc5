"""What Trivy and Grype have in common: how they get files, and how report and standard error are judged together.

Both walk a folder by themselves, obey what lies in it, and tell neither which files they read nor which they could not.
So they are given copies of exactly the files on our list, in which no comment silences them; and where one of them
lists no package of a lock file in which our own readers see some, that file counts as not read.
"""

import json
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from fixby.errors import FixbyError, ReportError
from fixby.finding import Finding, Location
from fixby.redaction import redacted
from fixby.scanners.copies import copied
from fixby.scanners.formats.format import Format, Report
from fixby.scanners.lockfiles.lockfile import Package
from fixby.scanners.lockfiles.registry import is_bill, is_read, read
from fixby.scanners.report import HINT, document, printable
from fixby.scanners.scanner import Finished, Reading, Request, Source
from fixby.scanners.target_ignores import COMMENTS
from fixby.sla.duration import length


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command carries over to `conclude`, in a file beside it.

    `now` is the UTC second of the scan, `database_age` how many seconds old the tool's data may be, `built` when that
    was made as far as it is known before the scan, `tree` the folder of the copies, `unread` what could not be copied.
    """

    now: int
    database_age: int
    tree: str
    built: str = ""
    unread: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def handed_over(request: Request) -> Plan:
    """Copy the files of a request to where the tool may walk. Nothing is known of its data yet."""
    tree = request.workspace / "tree"
    unread = copied(request.target.root, request.files, tree / _FILES, COMMENTS)
    tree.mkdir(exist_ok=True)
    return Plan(request.now, request.options.database_age, str(tree), unread=unread)


_FILES = "files"
"""The folder of the copies in the tree: at the top of a tree Trivy passes over `dev`, `proc` and `sys`."""


def folder_with(plan: Plan, workspace: Path) -> Path:
    """An empty folder for the tool to work in, but for the plan."""
    folder = workspace / "run"
    folder.mkdir()
    (folder / _PLAN).write_text(json.dumps(asdict(plan)))
    return folder


def plan_of(finished: Finished) -> Plan:
    """The plan of the command that ended."""
    plan = json.loads((finished.command.folder / _PLAN).read_text())
    return Plan(**{**plan, "problems": tuple(plan["problems"])})


_PLAN = "plan.json"


def report_of(tool: Format, finished: Finished, harmless: Collection[str]) -> Report:
    """The report of a process that ended well. Raises `ReportError`, which says what went wrong as the tool told it."""
    if finished.exit_code != 0 or not finished.report.strip():
        said = list(complaints(finished.errors, harmless)) or finished.errors.strip().splitlines()[-1:]
        words = redacted(printable("; ".join(said[-3:])))
        ended = f"{tool.NAME} ended with exit code {finished.exit_code} and without a result"
        raise ReportError(f"{ended}: {words}" if words else ended, HINT)
    document(finished.report)
    report = Report(finished.report)
    if not tool.recognises(report):
        raise ReportError(f"the report is none of {tool.NAME}", HINT)
    return report


def reading_of(tool: Format, report: Report, plan: Plan, source: Source) -> Reading:
    """What a report says of the copies: findings as they are published, units as they were handed over."""
    named = source.path
    plain = replace(
        source,
        path=lambda name: name.removeprefix(plan.tree).lstrip("/").removeprefix(f"{_FILES}/"),
        lines=lambda path, first, last: source.lines(named(path), first, last),
    )
    [one] = tool.read(report, plain)
    return replace(one.reading, findings=tuple(placed(finding, named) for finding in one.reading.findings))


def placed(finding: Finding, named: Callable[[str], str]) -> Finding:
    """A finding whose paths have other names."""
    places = (replace(one, path=named(one.path)) if one.path else one for one in finding.locations)
    return replace(finding, locations=tuple[Location, ...](places))


def age_problem(tool: str, built: str, now: int, allowed: int, mend: str) -> Iterator[str]:
    """A sentence where a tool's data, built at an instant in RFC 3339, is older than allowed (seconds), or unknown."""
    try:
        instant = datetime.fromisoformat(built)
    except ValueError:
        yield f"{tool} does not say how old its database is"
        return
    age = now - int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp())
    if age > allowed:
        yield f"the database of {tool} is of {built[:10]}, {length(age)} old; {length(allowed)} are allowed: {mend}"


def complaints(errors: str, harmless: Collection[str]) -> Iterator[str]:
    """The warnings and errors among the log lines of a tool, as sentences, without what is known to be harmless."""
    for line in errors.splitlines():
        found = _COMPLAINT.match(_COLOURS.sub("", line))
        if found and not any(words in line for words in harmless):
            yield " ".join((found["words"] or found["other"]).split())


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_COMPLAINT = re.compile(
    r"\s*(?:(?:\S+\s+)?(?:WARN|ERROR|FATAL)\S*|\*)\s+(?P<words>.+)|(?P<other>panic: .+|\d+ packages? from EOL .+)"
)


def concluded(reading: Reading, finished: Finished, plan: Plan, problems: Iterable[str]) -> Reading:
    """The reading with everything that was said against it, no more of it than people read."""
    places = re.compile(rf"(?:{re.escape(plan.tree)}/|(?<![\w/.-])){_FILES}/")
    said = [places.sub("", one).replace(plan.tree, "the target") for one in problems]
    files = dict.fromkeys(finished.command.files, "")
    scanned = files | {unit: version for unit, version in (reading.scanned or {}).items() if _file(unit) in files}
    skipped = {**plan.unread, **reading.skipped}
    return replace(
        reading,
        scanned={unit: version for unit, version in scanned.items() if _file(unit) not in skipped},
        skipped=skipped,
        problems=told((*plan.problems, *reading.problems, *said)),
    )


def told(problems: Iterable[str]) -> tuple[str, ...]:
    """Problems as they are published: each once, without secrets, and no more of them than people read."""
    some = tuple(dict.fromkeys(redacted(printable(one)) for one in problems))
    return (*some[:_TOLD], f"and {len(some) - _TOLD} more complaints") if len(some) > _TOLD else some


_TOLD = 20


def _file(unit: str) -> str:
    return unit.partition("#")[0]


def passed_over(tool: str, files: Sequence[str], units: Collection[str], source: Source) -> dict[str, str]:
    """The lock files of which a tool lists no package though they name some, and why they count as not read.

    Bills of materials are none of them: in folders the tools pass over them, and `osv` reads them.
    """
    listed = {_file(unit) for unit in units if "#" in unit}
    return {
        path: f"{tool} lists none of the packages that the file names"
        for path in files
        if is_read(path) and not is_bill(path) and path not in listed and _names_packages(path, source)
    }


def _names_packages(path: str, source: Source) -> bool:
    """Whether a lock file names a package with a version, or cannot be read by us either."""
    content = source.lines(source.path(path), 1, sys.maxsize).encode()
    try:
        return any(isinstance(item, Package) for item in read(path, content))
    except FixbyError:
        return True
