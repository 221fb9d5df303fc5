"""Bandit: weaknesses in Python code, one file at a time.

Severities are Bandit's own: LOW, MEDIUM and HIGH are taken as they are, UNDEFINED and anything new is `unknown`.

Bandit is started apart from the target: isolated from its modules, with its configuration files, default excludes and
`# nosec` comments switched off. Comments are read afterwards, by Bandit's own rules, and mark a finding as suppressed.
A file that was not parsed stands in the report's `errors`; a check that crashed stands on standard error only.
"""

import io
import os
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

from fixby.errors import UsageError
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.identity import digest
from fixby.redaction import MARK, redacted
from fixby.scanners.bandit_checks import DENIED, DESCRIBED, IDS, NAMES
from fixby.scanners.excerpt import CREDENTIAL_CWES, code_at, column
from fixby.scanners.report import (
    Record,
    child,
    each,
    has,
    line_of,
    no_report,
    number,
    numbers,
    optional_text,
    printable,
    quantity,
    root,
    text,
)
from fixby.scanners.scanner import Command, Finished, Kind, Options, Reading, Request, Source
from fixby.scanners.shards import by_argument, in_full, shards
from fixby.severity import Severity, SeveritySource

NAME = "bandit"
KIND = Kind.SAST
RENAMED_RULES = {"B303": ("B324",)}
"""MD5 and SHA-1 of `hashlib` were calls on a list of denied ones until Bandit 1.7.1; later a check of their own."""

_OPTIONS = ("--quiet", "--format", "json", "--ignore-nosec", "--exclude", "", "--ini", os.devnull)


def recognises(document: object) -> bool:
    """Whether a JSON document is a report of Bandit: only its reports have both results and metrics."""
    return isinstance(document, dict) and {"results", "metrics", "errors"} <= document.keys()


def wants(path: str) -> bool:
    """Whether a file is Python by its name; scripts without a suffix are not looked at."""
    return path.endswith((".py", ".pyw"))


def version() -> str:
    """The version of Bandit that is installed. Raises `UsageError` where none is."""
    try:
        return installed_version(NAME)
    except PackageNotFoundError as error:
        raise UsageError("Bandit is not installed.", "Install fixby again: it brings Bandit with it.") from error


def configuration(options: Options) -> str:  # noqa: ARG001 - all checks always run
    """A digest of the options in force."""
    return digest((NAME, *_OPTIONS))


def rules(options: Options) -> frozenset[str] | None:  # noqa: ARG001 - all checks always run
    """The ids of all checks, where the installed version is the one whose checks are known."""
    return frozenset(NAMES) if version() == DESCRIBED else None


@contextmanager
def commands(request: Request) -> Iterator[Sequence[Command]]:
    """One process for each core where there is enough to do."""
    yield [_command(request, files) for files in shards(request, _milliseconds, _WORTHWHILE)]


def read(report: bytes, source: Source) -> Reading:
    """What a report says. Raises `ReportError` where it is damaged."""
    reading, record = _reading(report, source, source.path), root(report)
    metrics = child(record, "metrics")
    told = Counter(each(record, "results", lambda row: text(row, "filename")))
    silenced = {name: _silenced(child(metrics, name), told[name]) for name in metrics if name != "_totals"}
    return replace(
        reading,
        tool_version=_version_in(record),
        silenced={source.path(name): reason for name, reason in silenced.items() if reason},
    )


def _silenced(metrics: Record, told: int) -> str:
    """Why a file holds findings that the report keeps to itself, as far as its metrics tell; early ones have few."""

    def total(*names: str) -> float:
        return sum(quantity(metrics, name) for name in names if has(metrics, name))

    if total("nosec", "skipped_tests"):
        return "suppressed in code: the report leaves out what nosec comments silence"
    found = total(*(f"SEVERITY.{level}" for level in ("UNDEFINED", *_SEVERITIES)))
    return "findings are held back: by a level or a baseline" if found > told else ""


def _version_in(record: Record) -> str:
    """The version of Bandit that a report refers to, where it has results."""
    links = each(record, "results", lambda row: optional_text(row, "more_info"))
    return next((found["version"] for link in links if (found := _VERSION.search(link))), "")


_VERSION = re.compile(r"bandit\.readthedocs\.io/en/(?P<version>\d[\w.]*)/")


def conclude(finished: Finished, source: Source) -> Reading:
    """What a process that ended says; files in which a check crashed count as skipped. Raises `ReportError`."""
    if finished.exit_code not in _ENDED_WELL or not finished.report:
        raise no_report(NAME, finished)
    files = by_argument(finished)
    reading = _reading(finished.report, source, lambda name: files.get(name, name))
    return Reading(
        reading.findings,
        scanned=reading.scanned,
        skipped={**_crashes(finished.errors, files), **reading.skipped},
    )


_ENDED_WELL = (0, 1)
_WORTHWHILE = 6000

_SEVERITIES = {"LOW": Severity.LOW, "MEDIUM": Severity.MEDIUM, "HIGH": Severity.HIGH}

_CRASH = re.compile(
    r"Bandit internal error running: (?P<check>\S+) on file (?P<file>.+?) at line (?P<line>\d+): ", re.DOTALL
)


def _command(request: Request, files: tuple[str, ...]) -> Command:
    cost = sum(_milliseconds(request.target.files[path].size) for path in files)
    start = (sys.executable, "-I", "-X", "utf8", "-m", "bandit", *_OPTIONS)
    return Command((*start, *in_full(request, files)), files, request.workspace, cost=cost)


def _milliseconds(size: int) -> int:
    return 1 + size * 3 // 2000


def _crashes(errors: str, files: Mapping[str, str]) -> dict[str, str]:
    """The files in which a check crashed; what it would have found there is lost."""
    return {
        files.get(crash["file"], crash["file"]): f"Bandit's check {crash['check']} crashed at line {crash['line']}"
        for crash in _CRASH.finditer(errors)
    }


def _reading(report: bytes, source: Source, unit: Callable[[str], str]) -> Reading:
    record = root(report)
    reader = _Reader(source)
    findings = tuple(each(record, "results", reader.finding))
    skipped = dict(each(record, "errors", lambda row: (unit(text(row, "filename")), text(row, "reason"))))
    named = [unit(name) for name in child(record, "metrics") if name != "_totals"]
    return Reading(findings, scanned={name: "" for name in named if name not in skipped}, skipped=skipped)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads results one after the other; rules and the comments of a file are made once."""

    source: Source
    rules: dict[tuple[str, ...], Rule] = field(default_factory=dict)
    comments: dict[str, dict[int, str]] = field(default_factory=dict)

    def finding(self, row: Record) -> Finding:
        rule = self._rule(row)
        location, statement, excerpt = _place(row, self.source)
        credential = rule.id in _PASSWORD_CHECKS or not CREDENTIAL_CWES.isdisjoint(rule.cwes)
        message = printable(text(row, "issue_text"))
        severity = _SEVERITIES.get(text(row, "issue_severity"), Severity.UNKNOWN)
        return Finding(
            Category.CODE,
            NAME,
            rule,
            severity=severity,
            severity_source=SeveritySource.DEFAULT if severity is Severity.UNKNOWN else SeveritySource.SCANNER,
            message=_QUOTED.sub(f"'{MARK}'", message) if credential else redacted(message),
            locations=(location,),
            code=code_at(statement, self.source, excerpt, credential=credential),
            suppression=self._suppression(rule.id, numbers(row, "line_range"), location),
        )

    def _rule(self, row: Record) -> Rule:
        cwe = child(row, "issue_cwe") if has(row, "issue_cwe") else {}
        key = (text(row, "test_id"), text(row, "test_name"), optional_text(row, "more_info"), str(cwe.get("id", "")))
        if key not in self.rules:
            test, name, more_info, weakness = key
            cwes = (f"CWE-{weakness}",) if weakness else ()
            references = (more_info, optional_text(cwe, "link"))
            self.rules[key] = Rule(test, _title(NAMES.get(test, name)), cwes, tuple(filter(None, references)))
        return self.rules[key]

    def _suppression(self, test: str, line_range: tuple[int, ...], location: Location) -> Suppression | None:
        """By Bandit's rules: a comment on the line of the finding, and the first one on any line of the statement."""
        first, last = min(line_range, default=1), max(line_range, default=0)
        if "nosec" not in self.source.lines(location.path, first, last):
            return None
        comments = self._comments(location.path)
        statement = next((comments[line] for line in line_range if line in comments), None)
        found = [comment for comment in (comments.get(location.line or 0), statement) if comment is not None]
        tests = {test for comment in found for test in _tests(comment)}
        if not found or (tests and test not in tests):
            return None
        return Suppression("nosec", redacted(printable(found[0])))

    def _comments(self, path: str) -> dict[int, str]:
        if path not in self.comments:
            self.comments[path] = _nosec_comments(self.source.lines(path, 1, sys.maxsize))
        return self.comments[path]


_PASSWORD_CHECKS = frozenset({"B105", "B106", "B107"})

_QUOTED = re.compile(r"'.*'", re.DOTALL)


def _title(name: str) -> str:
    """A name such as `hardcoded_tmp_directory` in words."""
    return re.sub(r"[_-]+", " ", name).capitalize()


def _place(row: Record, source: Source) -> tuple[Location, Location, str]:
    """Where a result stands, the lines of the whole statement, and those as the report has them."""
    path, first = source.path(text(row, "filename")), line_of(row, "line_number")
    line_range = numbers(row, "line_range")
    begin, last = min((*line_range, first)), max((*line_range, first))
    excerpt = _numbered_lines(text(row, "code"), begin, last)
    start = end = None
    if has(row, "col_offset") and first == min(line_range, default=0):
        line = source.lines(path, first, first) or excerpt.partition("\n")[0]
        start = column(line, number(row, "col_offset"))
        end = column(line, number(row, "end_col_offset")) if first == last and has(row, "end_col_offset") else None
    place = Location(path, first, last, start, end if start and end and end > start else None)
    return place, Location(path, begin, last), excerpt


def _numbered_lines(code: str, first: int, last: int) -> str:
    """The lines from `first` to `last` of an excerpt in which each line begins with its number."""
    lines = (line.partition(" ") for line in code.split("\n"))
    return "\n".join(line for digits, _, line in lines if digits.isdigit() and first <= int(digits) <= last)


def _nosec_comments(code: str) -> dict[int, str]:
    """What stands after `nosec` in the comments of a file, by line; what cannot be tokenised has none."""
    found = {}
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.COMMENT and (comment := _NOSEC.search(token.string)):
                found[token.start[0]] = (comment["rest"] or "").strip()
    return found


_NOSEC = re.compile(r"#\s*nosec:?\s*(?P<rest>[^#]+)?#?")
_TESTS = re.compile(r"(?:(?P<last>B\d+|[a-z\d_]+),?)+", re.IGNORECASE)


@lru_cache(maxsize=1024)
def _tests(comment: str) -> frozenset[str]:
    """The ids of the checks that a comment names; none means all of them.

    Of names joined by commas without a space Bandit heeds the last only, and a word that names no check not at all.
    """
    words = [names["last"] for names in _TESTS.finditer(comment)]
    return frozenset(test for word in words if (test := IDS.get(word, word)) in NAMES or test == DENIED)
