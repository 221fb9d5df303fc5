"""What a scanner's adapter must define, and what it is given."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from fixby.finding import Finding


class Kind(StrEnum):
    """What sort of weakness a scanner looks for; the values of `scan --only`."""

    SAST = "sast"
    SCA = "sca"
    SECRET = "secret"  # noqa: S105 - a kind's name
    CONTAINER = "container"


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of the target: its size in bytes and the SHA-256 of its content in hexadecimal."""

    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be scanned: the root directory (absolute, resolved), the files that are in, and what is not, and why.

    Paths are relative to the root, `/` between their parts; bytes that are not UTF-8 are written as surrogate escapes.
    `unreadable` files should be scanned and cannot be; `excluded` paths (a directory stands for all below it) are left
    out on purpose.
    """

    root: Path
    files: Mapping[str, File]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptFolder:
    """Where the advisories of the last update are, and the UTC second from before which they are too old."""

    path: Path
    oldest: int = 0


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked of the scanners.

    `rules` are Semgrep rule files or folders beside our own; `advisories` is a folder or zip of OSV records to use
    instead of the public service, and `kept_advisories` those of the last update, for what has no service to ask;
    `resolve` lets pip-audit resolve dependencies, which may run the target's build code. `database_age` is how many
    seconds old the database of Trivy or Grype may be; `licences` lets Trivy judge those of packages too.
    """

    rules: tuple[Path, ...] = ()
    advisories: Path | None = None
    resolve: bool = False
    kept_advisories: KeptFolder | None = None
    database_age: int = 5 * 86400
    licences: bool = False


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Request:
    """One scan to be planned: the target, those of its files that the adapter wants, and a private empty folder.

    `now` is the UTC second of the scan, by which data of others is too old or not.
    """

    target: Target
    files: tuple[str, ...]
    workspace: Path
    options: Options
    cores: int
    now: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """One process to run: its arguments, the files it is to look at, and where its report will be.

    `report` is a file that the process writes, or None for its standard output. `folder` is the working directory,
    never one in which the scanned repository could place code. `cost` orders the processes, dearest first. `input` is
    what its standard input gives.
    """

    arguments: tuple[str, ...]
    files: tuple[str, ...]
    folder: Path
    report: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    cost: int = 0
    input: bytes = b""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended: `failure` is empty where it ended by itself, else a sentence (time-out, memory, output)."""

    command: Command
    exit_code: int
    report: bytes
    errors: str
    seconds: float
    cpu_seconds: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """How a reader of reports reaches what stands outside the report.

    `fingerprint` turns the SHA-1 of a secret (hexadecimal) into its keyed hash. `path` turns a file name as the tool
    wrote it into one relative to the target. `lines(path, first, last)` are the file's lines, from 1, both ends
    included, or an empty string where the file is not at hand.
    """

    fingerprint: Callable[[str], str]
    path: Callable[[str], str]
    lines: Callable[[str, int, int], str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a report says.

    `scanned` maps each file or package (`manifest#package`) that the tool says it looked at to its version, or to an
    empty string for a file; it is None where the format does not tell. `skipped` maps each that was not looked at to
    the reason; `problems` are sentences about the scan as a whole. Either makes the scan partial. `silenced` maps each
    file of which the tool kept findings to itself to the reason. `rules` are those that were in force, as far as the
    report says. `withdrawn` has by package the names of its vulnerabilities that their publishers withdrew.
    """

    findings: tuple[Finding, ...]
    tool_version: str = ""
    scanned: Mapping[str, str] | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    silenced: Mapping[str, str] = field(default_factory=dict)
    rules: frozenset[str] | None = None
    withdrawn: Mapping[str, frozenset[str]] = field(default_factory=dict)


class Reader(Protocol):
    """Something that reads the reports of one tool."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """The tool's name, as it stands in findings and on the command line."""

    @property
    def RENAMED_RULES(self) -> Mapping[str, Collection[str]]:  # noqa: N802 - a constant of the module
        """For a rule the names under which other versions of the tool report the same."""

    def recognises(self, document: object) -> bool:
        """Whether a parsed JSON document is a report of this tool."""

    def read(self, report: bytes, source: Source) -> Reading:
        """What the report says. Raises `ReportError` where it is damaged, with the position and what was expected."""


class Scanner(Reader, Protocol):
    """A reader that can also run its tool. An adapter is a module that defines these names."""

    @property
    def KIND(self) -> Kind:  # noqa: N802 - a constant of the module
        """What sort of weakness it looks for."""

    def wants(self, path: str) -> bool:
        """Whether a file of this path is for this scanner."""

    def version(self) -> str:
        """The version of the tool that `commands` would run. Raises `UsageError` where it is not installed."""

    def configuration(self, options: Options) -> str:
        """A digest of the rules and options in force."""

    def rules(self, options: Options) -> frozenset[str] | None:
        """The ids of the rules in force, or None where none stands for a finding's vanishing. Raises `UsageError`."""

    def commands(self, request: Request) -> AbstractContextManager[Sequence[Command]]:
        """The processes to run; what they need (a server, a generated file) lives as long as the context."""

    def conclude(self, finished: Finished, source: Source) -> Reading:
        """What a process that ended by itself says, its exit code and standard error considered as well.

        Raises `ReportError` where nothing can be concluded.
        """
