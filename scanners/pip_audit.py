"""pip-audit: known vulnerabilities of the Python packages that a repository's manifests declare.

The manifests are read by us (`fixby.scanners.manifests`) and pip-audit is given one generated lock file of exact pins,
so that no include, marker, extra or duplicate of the repository can make a package vanish. Whatever has no exact
version is skipped by name. What a command carries over to `conclude` stands in files beside that lock.
"""

import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from textwrap import shorten
from urllib.parse import quote

from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import InvalidVersion, Version

from fixby.errors import ReportError, UsageError
from fixby.finding import Category, Finding, Location, Rule
from fixby.identifiers import identifiers
from fixby.identity import digest
from fixby.scanners import advisories, manifests
from fixby.scanners.advisories import Advice, Advisories
from fixby.scanners.formats.packages import package
from fixby.scanners.manifests import Declared, Gap, Pin
from fixby.scanners.osv_endpoint import endpoint
from fixby.scanners.proxies import network
from fixby.scanners.report import Record, as_record, document, each, has, items, required_text, text, texts
from fixby.scanners.scanner import Command, Finished, Kind, Options, Reading, Request, Source
from fixby.severity import Severity, SeveritySource

NAME = "pip-audit"
KIND = Kind.SCA
RENAMED_RULES: Mapping[str, Collection[str]] = {}


def wants(path: str) -> bool:
    """Whether a file of this path declares, locks or constrains Python dependencies."""
    return manifests.is_manifest(path)


def version() -> str:
    """The version of pip-audit in our own environment. Raises `UsageError` where it is not installed."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError as error:
        raise UsageError("pip-audit is not installed", "install Fixby again, with its dependencies") from error


def configuration(options: Options) -> str:
    """A digest of the advisories and options in force. Raises `UsageError` where the advisories do not exist."""
    data = advisories.fingerprint(options.advisories) if options.advisories else "the public service"
    return digest((NAME, data, int(options.resolve)))


def rules(options: Options) -> frozenset[str] | None:  # noqa: ARG001 - as the protocol has it
    """None: what is known of a package is told by its advisories."""
    return None


@contextmanager
def commands(request: Request) -> Iterator[Sequence[Command]]:
    """One audit of all exact pins, and, with `resolve`, one for each manifest that names packages without a version.

    Raises `UsageError` where the advisories cannot be read. No manifest, no command.
    """
    if not request.files:
        yield ()
        return
    declared = manifests.declared(request.target.root, request.files, request.target.files)
    with _service(request) as service:
        yield _commands(request, declared, service)


def conclude(finished: Finished, source: Source) -> Reading:
    """What an audit says, each pin looked up in its report; its exit code and standard error are checked as well.

    Raises `ReportError` where pip-audit reported nothing; for a manifest to be resolved that is a problem instead.
    """
    plan = _plan_in(finished.command.folder)
    try:
        dependencies = _dependencies(document(finished.report))
    except ReportError as error:
        failure = _failure(finished, error)
        if not plan.resolved:
            raise ReportError(failure, _HINT) from error
        return Reading((), scanned={}, skipped={plan.resolved: failure}, problems=(failure,))
    return replace(
        _reading(plan, dependencies, source),
        problems=(*plan.problems, *_doubts(plan, dependencies), *_complaints(finished, dependencies)),
    )


def recognises(document: object) -> bool:
    """Whether a parsed JSON document is a report of pip-audit: the list of old versions, or the object of new ones."""
    listed = document
    if isinstance(document, dict):
        listed = document.get("dependencies")
        if listed == [] and set(document) <= {"dependencies", "fixes"}:
            return True
    return isinstance(listed, list) and bool(listed) and all(_is_dependency(one) for one in listed)


def read(report: bytes, source: Source) -> Reading:
    """What a report says that somebody else had pip-audit write; it names no manifest, so units are `#package`.

    Raises `ReportError` where it is damaged. A report of no dependency at all is a problem: nothing was audited.
    """
    dependencies = _dependencies(document(report))
    pins = tuple(Pin(one.name, one.version, "", None) for one in dependencies if not one.skip_reason)
    skipped = {_unit("", one.name): one.skip_reason for one in dependencies if one.skip_reason}
    problems = () if dependencies else ("the report names no dependency: nothing was audited",)
    return replace(_reading(_Plan(pins=pins, skipped=skipped), dependencies, source), problems=problems)


# What is run


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a command is to find out, kept beside it: `resolved` names the manifest whose `loose` packages pip resolves.

    `answers` is the folder of what our endpoint said, empty where the public service is asked.
    """

    manifests: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    resolved: str = ""
    loose: Mapping[str, int | None] = field(default_factory=dict)
    answers: str = ""


@dataclass(frozen=True, slots=True)
class _Service:
    """Where pip-audit gets its advisories: its arguments and environment, and what was wrong with the data."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    answers: str = ""
    problems: tuple[str, ...] = ()


@contextmanager
def _service(request: Request) -> Iterator[_Service]:
    """The package index, which knows the names that do not exist; or an endpoint of our own over the given records."""
    if request.options.advisories is None:
        yield _Service(("--vulnerability-service=pypi",), {**_ENVIRONMENT, **network()})
        return
    data = advisories.load(request.options.advisories)
    answers = request.workspace / "answers"
    answers.mkdir()
    with endpoint(partial(_answered, data, answers)) as url:
        arguments = ("--vulnerability-service=osv", f"--osv-url={url}")
        yield _Service(arguments, _ENVIRONMENT, str(answers), data.problems)


_ENVIRONMENT = {
    "PYTHONSAFEPATH": "1",  # pip-audit starts `python -m pip`, which otherwise takes any `pip.py` at hand
    "no_proxy": "127.0.0.1",
}


def _answered(data: Advisories, answers: Path, name: str, version: str) -> list[Record]:
    """The records for pip-audit; what it would not pass on is written down for `conclude`."""
    matches = advisories.matching(data, name, version)
    advice = {text(record, "id"): asdict(advisories.advice(data, record)) for record in matches.records}
    gone = sorted(advisories.withdrawn(data, name))
    answer = {"advice": advice, "doubts": matches.doubts, "withdrawn": gone}
    _answer_file(answers, name, version).write_text(json.dumps(answer))
    return [advisories.answer(record, name) for record in matches.records]


def _answer_file(answers: Path, name: str, version: str) -> Path:
    return answers / f"{quote(f'{canonicalize_name(name)}=={version}', safe='=')}.json"


def _commands(request: Request, declared: Declared, service: _Service) -> list[Command]:
    loose = {gap for gap in declared.gaps if gap.name and _resolvable(gap.manifest) and request.options.resolve}
    plan = _Plan(
        manifests=declared.manifests,
        pins=tuple(sorted(declared.pins, key=_pin_order)),
        skipped=_reasons(declared.gaps - loose),
        problems=service.problems,
        answers=service.answers,
    )
    return [_audit(request, plan, service), *_resolutions(request, loose, service)]


def _audit(request: Request, plan: _Plan, service: _Service) -> Command:
    """The audit of all pins, by a lock file, since a package may be pinned in several versions; of none, by nothing."""
    folder = _folder(request, "pinned", plan)
    (folder / "pylock.toml").write_text(_lock(plan.pins))
    nothing = ("--requirement", os.devnull, "--disable-pip", "--no-deps")
    what = ("--locked", str(folder)) if plan.pins else nothing
    return _command(folder, what, plan.manifests, service, cost=_STARTING + len(plan.pins))


def _lock(pins: Iterable[Pin]) -> str:
    packages = sorted({(pin.name, pin.version) for pin in pins})
    head = 'lock-version = "1.0"\ncreated-by = "fixby"\n'
    return head + "".join(f'[[packages]]\nname = "{name}"\nversion = "{version}"\n' for name, version in packages)


def _resolutions(request: Request, loose: Iterable[Gap], service: _Service) -> Iterator[Command]:
    lines: dict[str, dict[str, int | None]] = {}
    for gap in loose:
        lines.setdefault(gap.manifest, {})[gap.name] = gap.line
    connected = replace(service, environment={**service.environment, **network()})
    for manifest, names in sorted(lines.items()):
        plan = _Plan(manifests=(manifest,), resolved=manifest, loose=names, answers=service.answers)
        folder = _folder(request, f"resolved-{sha256(os.fsencode(manifest)).hexdigest()[:16]}", plan)
        path = request.target.root / manifest
        what = (str(path.parent),) if path.name == "pyproject.toml" else ("--requirement", str(path))
        yield _command(folder, what, (manifest,), connected, cost=_COST_OF_RESOLVING)


_STARTING = 500  # milliseconds; a pin costs about one more
_COST_OF_RESOLVING = 10_000  # it makes an environment and installs into it


def _resolvable(manifest: str) -> bool:
    """Whether pip-audit can have pip resolve a manifest: a requirements file, or the `dependencies` of a pyproject."""
    return manifest.endswith((".txt", ".in", "pyproject.toml"))


def _command(folder: Path, what: Sequence[str], files: tuple[str, ...], service: _Service, cost: int) -> Command:
    arguments = [sys.executable, "-I", "-m", "pip_audit", *what, *service.arguments, *_OPTIONS]
    arguments.append(f"--cache-dir={folder / 'cache'}")
    return Command(tuple(arguments), files, folder, environment=service.environment, cost=cost)


_OPTIONS = ("--format=json", "--output=stdout", "--desc=on", "--aliases=on", "--progress-spinner=off")


def _folder(request: Request, name: str, plan: _Plan) -> Path:
    folder = request.workspace / name
    folder.mkdir()
    (folder / _PLAN).write_text(json.dumps(asdict(plan)))
    return folder


_PLAN = "plan.json"


def _plan_in(folder: Path) -> _Plan:
    plan = json.loads((folder / _PLAN).read_text())
    pins = tuple(Pin(**pin) for pin in plan.pop("pins"))
    return _Plan(pins=pins, manifests=tuple(plan.pop("manifests")), problems=tuple(plan.pop("problems")), **plan)


def _reasons(gaps: Iterable[Gap]) -> dict[str, str]:
    reasons: dict[str, set[str]] = {}
    for gap in gaps:
        reasons.setdefault(gap.unit, set()).add(gap.reason)
    return {unit: "; ".join(sorted(why)) for unit, why in sorted(reasons.items())}


def _pin_order(pin: Pin) -> tuple[str, str, str, int]:
    return (pin.manifest, pin.name, pin.version, pin.line or 0)


# What came out of it


@dataclass(frozen=True, slots=True)
class _Vulnerability:
    id: str
    aliases: tuple[str, ...]
    description: str
    fixed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Dependency:
    """A package in pip-audit's report: audited in a version, or skipped for a reason."""

    name: str
    version: str = ""
    vulnerabilities: tuple[_Vulnerability, ...] = ()
    skip_reason: str = ""


def _is_dependency(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return False
    return "skip_reason" in value or ("version" in value and isinstance(value.get("vulns"), list))


def _dependencies(report: object) -> list[_Dependency]:
    listed = report if isinstance(report, list) else items(as_record(report, "the top of the report"), "dependencies")
    return each({"dependencies": listed}, "dependencies", _dependency)


def _dependency(row: Record) -> _Dependency:
    name = canonicalize_name(required_text(row, "name"))
    if "skip_reason" in row:
        return _Dependency(name, skip_reason=text(row, "skip_reason") or "skipped by pip-audit")
    return _Dependency(name, text(row, "version"), tuple(each(row, "vulns", _vulnerability)))


def _vulnerability(row: Record) -> _Vulnerability:
    return _Vulnerability(
        text(row, "id"),
        tuple(sorted(texts(row, "aliases"))) if has(row, "aliases") else (),
        text(row, "description") if has(row, "description") else "",
        texts(row, "fix_versions"),
    )


def _reading(plan: _Plan, dependencies: Sequence[_Dependency], source: Source) -> Reading:
    audited = {_key(one.name, one.version): one for one in dependencies if not one.skip_reason}
    refused = {one.name: one.skip_reason for one in dependencies if one.skip_reason}
    scanned, skipped = dict.fromkeys(plan.manifests, ""), dict(plan.skipped)
    findings: list[Finding] = []
    withdrawn: dict[str, frozenset[str]] = {}
    for (manifest, name, version), lines in _places(plan, audited.values()).items():
        unit, key = _unit(manifest, name), _key(name, version)
        if key in audited:
            scanned[unit] = f"{scanned[unit]}, {version}" if unit in scanned else version
            pinned = replace(audited[key], version=version)
            findings += _findings(pinned, _locations(source, manifest, lines), _advice_of(plan, audited[key]))
            if names := _answer(plan, audited[key]).withdrawn:
                withdrawn[unit] = withdrawn.get(unit, frozenset()) | names
        else:
            skipped[unit] = refused.get(name, "pip-audit did not report on it")
    return Reading(
        tuple(findings),
        scanned={unit: version for unit, version in scanned.items() if unit not in skipped},
        skipped=skipped,
        withdrawn=withdrawn,
    )


def _key(name: str, version: str) -> tuple[str, str]:
    """What pip-audit takes for one and the same: it reports 3.2 and 3.2.0 once."""
    return name, canonicalize_version(version)


def _places(plan: _Plan, audited: Iterable[_Dependency]) -> dict[tuple[str, str, str], list[int]]:
    """The lines at which each package in a version stands in each manifest; of a resolved one, what pip made of it."""
    pins = list(plan.pins)
    if plan.resolved:
        versions = {one.name: one.version for one in audited}
        lines = {**dict.fromkeys(sorted(versions)), **plan.loose}
        pins += [Pin(name, versions.get(name, ""), plan.resolved, line) for name, line in lines.items()]
    places: dict[tuple[str, str, str], list[int]] = {}
    for pin in pins:
        places.setdefault((pin.manifest, pin.name, pin.version), []).extend([pin.line] if pin.line else [])
    return places


def _unit(manifest: str, package: str) -> str:
    return f"{manifest}#{package}"


def _locations(source: Source, manifest: str, lines: Sequence[int]) -> tuple[Location, ...]:
    if not manifest:
        return ()
    return tuple(Location(source.path(manifest), line) for line in sorted(lines) or (None,))


def _advice_of(plan: _Plan, dependency: _Dependency) -> Mapping[str, Advice]:
    return _answer(plan, dependency).advice if dependency.vulnerabilities else {}


def _findings(
    dependency: _Dependency, locations: tuple[Location, ...], known: Mapping[str, Advice]
) -> Iterator[Finding]:
    for vulnerability in dependency.vulnerabilities:
        names = (vulnerability.id, *vulnerability.aliases)
        advice = next((known[name] for name in names if name in known), _NO_ADVICE)
        yield _finding(dependency, vulnerability, advice, locations)


_NO_ADVICE = Advice("", Severity.UNKNOWN, SeveritySource.DEFAULT, (), ())


def _finding(
    dependency: _Dependency, vulnerability: _Vulnerability, advice: Advice, locations: tuple[Location, ...]
) -> Finding:
    title = f"{dependency.name}: {advice.title or _first_sentence(vulnerability.description) or vulnerability.id}"
    return Finding(
        category=Category.DEPENDENCY,
        scanner=NAME,
        rule=Rule(vulnerability.id, title, advice.cwes, advice.references),
        severity=advice.severity,
        severity_source=advice.severity_source,
        message=vulnerability.description or title,
        locations=locations,
        component=package("", "pypi", dependency.name, dependency.version, vulnerability.fixed),
        identifiers=identifiers((vulnerability.id, *vulnerability.aliases)),
        fix=_fix(dependency, vulnerability.fixed),
    )


def _first_sentence(text: str) -> str:
    """What a description says first, as the public advisories have no summary of their own."""
    return shorten(_SENTENCE_END.split(text.strip(), maxsplit=1)[0], width=120, placeholder=" ...")


_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n\n")


def _fix(dependency: _Dependency, fixed: Sequence[str]) -> str:
    """The advice to take the smallest fixed version above the installed one; empty where there is none."""
    try:
        later = [version for version in map(Version, fixed) if version > Version(dependency.version)]
    except InvalidVersion:
        return ""
    return f"Upgrade {dependency.name} to {min(later)} or later" if later else ""


@dataclass(frozen=True, slots=True)
class _Answer:
    advice: Mapping[str, Advice] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    withdrawn: frozenset[str] = frozenset()


def _answer(plan: _Plan, dependency: _Dependency) -> _Answer:
    """What our endpoint said of a package; nothing where the public service was asked."""
    if not plan.answers:
        return _Answer()
    try:
        answer = json.loads(_answer_file(Path(plan.answers), dependency.name, dependency.version).read_text())
    except FileNotFoundError:
        return _Answer(doubts=(f"pip-audit never asked for advisories of {dependency.name} {dependency.version}",))
    gone = frozenset(identifiers(answer["withdrawn"]).names)
    return _Answer({name: _advice(**row) for name, row in answer["advice"].items()}, tuple(answer["doubts"]), gone)


def _advice(title: str, severity: str, severity_source: str, cwes: Sequence[str], references: Sequence[str]) -> Advice:
    return Advice(title, Severity(severity), SeveritySource(severity_source), tuple(cwes), tuple(references))


def _doubts(plan: _Plan, dependencies: Iterable[_Dependency]) -> list[str]:
    return [doubt for one in dependencies if not one.skip_reason for doubt in _answer(plan, one).doubts]


def _complaints(finished: Finished, dependencies: Iterable[_Dependency]) -> list[str]:
    """What standard error says of advisories that pip-audit dropped, and an exit code that does not fit the report."""
    said = [f"pip-audit: {line}" for line in finished.errors.splitlines() if line.startswith(_WARNINGS)]
    expected = 1 if any(one.vulnerabilities for one in dependencies) else 0
    if finished.exit_code != expected:
        said.append(f"pip-audit ended with exit code {finished.exit_code}, which does not fit its report")
    return said


_WARNINGS = ("WARNING:pip_audit._service", "WARNING:pip_audit._audit", "ERROR:")


def _failure(finished: Finished, error: ReportError) -> str:
    lines = [line[:_LONGEST] for line in finished.errors.splitlines() if line.strip()]
    unreached = [line for line in lines if any(word in line for word in _UNREACHABLE)]
    if unreached:
        return f"the advisory service could not be reached: {unreached[-1]}"
    last = lines[-1] if lines else error.message
    return f"pip-audit reported nothing and ended with exit code {finished.exit_code}: {last}"


_LONGEST = 500
_UNREACHABLE = (
    "ConnectionError",
    "ConnectTimeout",
    "Could not connect",
    "HTTPError",
    "ProxyError",
    "ReadTimeout",
    "SSLError",
)
_HINT = "check the network, or give a copy of the advisories by --advisories"
