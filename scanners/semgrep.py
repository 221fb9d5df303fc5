"""Semgrep: weaknesses in Python, JavaScript, TypeScript, Dockerfiles and GitHub workflows, by rules.

The rules are our own and those that the user names; which files are looked at follows from the languages of our own.

The program inside the package is run directly, in its OCaml front end, with one thread: two processes of one thread
took a third of the processor time of one process with two threads. The root of the target is told to it: without,
rules that are bound to paths never apply to files that are named one by one. Time-outs are so long that only a rule
gone astray meets them. In-code `nosemgrep` comments are switched off, and read by `semgrep_report` afterwards.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from importlib.util import find_spec
from pathlib import Path

from fixby.errors import ReportError, UsageError
from fixby.identity import digest
from fixby.scanners import semgrep_report, semgrep_rules
from fixby.scanners.report import no_report
from fixby.scanners.scanner import Command, Finished, Kind, Options, Reading, Request, Source
from fixby.scanners.shards import by_argument, in_full, shards

NAME = "semgrep"
KIND = Kind.SAST
RENAMED_RULES: Mapping[str, Collection[str]] = {}


def recognises(document: object) -> bool:
    """Whether a JSON document is Semgrep's: a report, or what its platform exports of dependencies."""
    if not isinstance(document, dict):
        return False
    keys = document.keys()
    return {"vulns", "hasMore"} <= keys or ({"results", "errors"} <= keys and "metrics" not in keys)


def wants(path: str) -> bool:
    """Whether a file is in a language of our own rules, by its name; rules of the user's see the same files.

    Minified scripts and declarations of types are generated from something else; Semgrep does not take them for code.
    """
    if path.endswith(_SUFFIXES):
        return not path.endswith((".min.js", ".d.ts"))
    return path.rpartition("/")[2] == "Dockerfile" or bool(_WORKFLOW.search(path))


def version() -> str:
    """The version of Semgrep that is installed. Raises `UsageError` where none is."""
    _program()
    return installed_version(NAME)


def configuration(options: Options) -> str:
    """A digest of the contents of all rules and of the options in force. Raises `UsageError` for missing rules."""
    return digest((NAME, *_OPTIONS, *semgrep_rules.digests(options)))


def rules(options: Options) -> frozenset[str] | None:
    """The names of all rules. Raises `UsageError` for missing ones."""
    return semgrep_rules.names(options)


@contextmanager
def commands(request: Request) -> Iterator[Sequence[Command]]:
    """One process for each core where there is enough to do.

    Raises `UsageError` for missing rules and `ConfigurationError` for different rules of one name.
    """
    semgrep_rules.check_names(request.options)
    program = request.workspace / "osemgrep"
    program.symlink_to(_program())
    yield [_command(request, program, files) for files in shards(request, _milliseconds, _WORTHWHILE)]


def read(report: bytes, source: Source) -> Reading:
    """What a report says. Raises `ReportError` where it is damaged."""
    return semgrep_report.reading(report, source, source.path)


def conclude(finished: Finished, source: Source) -> Reading:
    """What a process that ended says. Raises `ReportError` where no rule was run or there is no report."""
    if not finished.report:
        raise no_report(NAME, finished)
    files = by_argument(finished)
    reading = semgrep_report.reading(finished.report, source, lambda name: files.get(name, name))
    if finished.exit_code not in _ENDED_WELL:
        said = f": {'; '.join(reading.problems)}" if reading.problems else ""
        raise ReportError(f"semgrep ran no rule (exit code {finished.exit_code}){said}", "Check the rules.")
    return reading


_OPTIONS = (
    *("scan", "--experimental", "--json", "--quiet", "--metrics", "off", "--disable-version-check"),
    *("--disable-nosem", "--no-rewrite-rule-ids", "--no-git-ignore", "--max-target-bytes", "0"),
    *("--jobs", "1", "--timeout", "60", "--timeout-threshold", "0"),
)
_ENVIRONMENT = {"SEMGREP_ENABLE_VERSION_CHECK": "0", "SEMGREP_SEND_METRICS": "off", "NO_COLOR": "1"}

_ENDED_WELL = (0, 1, 2)
_WORTHWHILE = 6000

_SUFFIXES = (".py", ".pyi", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".dockerfile", ".Dockerfile")
_WORKFLOW = re.compile(r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$")


def _program() -> Path:
    """The program inside the package; called `osemgrep` it is the whole command-line tool."""
    spec = find_spec(NAME)
    folders = spec.submodule_search_locations if spec else None
    program = Path(folders[0]) / "bin" / "semgrep-core" if folders else None
    if program is None or not program.is_file():
        raise UsageError("Semgrep is not installed.", "Install fixby again: it brings Semgrep with it.")
    return program


def _command(request: Request, program: Path, files: tuple[str, ...]) -> Command:
    rules = (part for place in semgrep_rules.places(request.options) for part in ("--config", str(place)))
    root = ("--project-root", str(request.target.root))
    return Command(
        (str(program), *_OPTIONS, *rules, *root, *in_full(request, files)),
        files,
        request.workspace,
        environment=_ENVIRONMENT,
        cost=sum(_milliseconds(request.target.files[path].size) for path in files),
    )


def _milliseconds(size: int) -> int:
    return 1 + size * 6 // 1000
