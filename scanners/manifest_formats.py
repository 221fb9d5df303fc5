"""The formats of Python manifests: what one file declares, requirement by requirement, without running anything.

The text of a requirement may hold a password (in a URL), so no reason given here ever quotes one.
"""

import ast
import codecs
import configparser
import json
import optparse
import posixpath
import re
import shlex
import tokenize
import tomllib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from io import BytesIO
from pathlib import Path
from typing import NoReturn

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from fixby.errors import ReportError
from fixby.scanners import report
from fixby.scanners.report import Record, as_record


class Kind(Enum):
    """What a manifest is for: a source is what locks are made from, constraints count only where something is loose."""

    SOURCE = auto()
    REQUIREMENTS = auto()
    CONSTRAINTS = auto()
    LOCK = auto()


@dataclass(frozen=True, slots=True)
class File:
    """A manifest: its path in the target, the root directory, and the paths of all files of the target."""

    path: str
    root: Path
    known: Container[str]

    @property
    def location(self) -> Path:
        """Where it is on disk."""
        return self.root / self.path

    def text(self) -> str:
        """What stands in it. Raises `OSError` or `ValueError`."""
        return self.location.read_text(encoding="utf-8-sig")


@dataclass(frozen=True, slots=True)
class Entry:
    """A declared dependency: its version, or the reason why there is none and which pins would settle it (None: no)."""

    line: int | None
    name: str = ""
    version: str = ""
    reason: str = ""
    allowed: SpecifierSet | None = None


@dataclass(frozen=True, slots=True)
class Include:
    """Another file of the target that a manifest takes in, as requirements or as mere constraints."""

    path: str
    constraint: bool = False


@dataclass(frozen=True, slots=True)
class Own:
    """A folder of the target's own code that a manifest names as a dependency: its own manifests are read."""

    folder: str


@dataclass(frozen=True, slots=True)
class Content:
    """What one manifest declares, or the sentence that says why it cannot be read."""

    entries: tuple[Entry, ...] = ()
    includes: tuple[Include, ...] = ()
    own: tuple[Own, ...] = ()
    failure: str = ""


def kind_of(path: str) -> Kind | None:
    """What a file of this path is for, None where it is no manifest."""
    name = posixpath.basename(path)
    if name in _BY_NAME:
        return _BY_NAME[name][0]
    return Kind.LOCK if re.fullmatch(r"pylock\.[^.]+\.toml", name) else _kind_of_text(path.lower())


def content_of(file: File) -> Content:
    """What a manifest declares; a file that is named as no other format is read as a requirements file."""
    try:
        if file.location.stat().st_size > LARGEST:
            return Content(failure="is too large to be a manifest")
        items = tuple(_reader(file.path)(file))
    except _UNREADABLE as error:
        return Content(failure=f"cannot be read: {(str(error) or type(error).__name__).splitlines()[0]}")
    return Content(
        tuple(item for item in items if isinstance(item, Entry)),
        tuple(item for item in items if isinstance(item, Include)),
        tuple(item for item in items if isinstance(item, Own)),
    )


LARGEST = 16 * 2**20
"""Bytes; the largest lock files of real projects have a tenth of that."""

_UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    SyntaxError,
    RecursionError,
    MemoryError,
    configparser.Error,
    ReportError,
)
"""How the parsers of TOML, JSON, Python, INI and text answer a damaged file."""

_Item = Entry | Include | Own
_Read = Callable[[File], Iterator[_Item]]

_UNPINNED = "not pinned to an exact version"
_ELSEWHERE = "comes from a URL, a repository or a path, not from the package index"
_NO_REQUIREMENT = "not a requirement that can be read"
_COMPUTED = "its dependencies are known only by running its build"
_NOT_COMPARABLE = "its version is none that can be compared (PEP 440)"


def _kind_of_text(path: str) -> Kind | None:
    folder, name = posixpath.split(path)
    stem, extension = posixpath.splitext(name)
    if extension not in (".txt", ".in"):
        return None
    if stem.startswith("constraints") or stem.endswith("constraints"):
        return Kind.CONSTRAINTS
    if posixpath.basename(folder) == "requirements" or stem.startswith("requirements") or stem.endswith("requirements"):
        return Kind.REQUIREMENTS if extension == ".txt" else Kind.SOURCE
    return None


def _reader(path: str) -> _Read:
    name = posixpath.basename(path)
    if name in _BY_NAME:
        return _BY_NAME[name][1]
    return _toml_lock("packages") if kind_of(path) is Kind.LOCK else _requirements


# One requirement


def _parsed(requirement: str, line: int | None) -> Entry:
    try:
        return _requirement(Requirement(requirement), line)
    except InvalidRequirement:
        return Entry(line, reason=_NO_REQUIREMENT)


def _requirement(requirement: Requirement, line: int | None) -> Entry:
    if requirement.url:
        return Entry(line, canonicalize_name(requirement.name), reason=_ELSEWHERE)
    exact = {part.version for part in requirement.specifier if part.operator in ("==", "===")}
    if len(exact) == 1 and not (version := exact.pop()).endswith(".*"):
        return _pinned(requirement.name, version, line)
    return Entry(line, canonicalize_name(requirement.name), reason=_UNPINNED, allowed=requirement.specifier)


def _pinned(name: str, version: str, line: int | None) -> Entry:
    try:
        return Entry(line, canonicalize_name(name), str(Version(version)))
    except InvalidVersion:
        return Entry(line, canonicalize_name(name), reason=_NOT_COMPARABLE)


def _is_name(name: str) -> bool:
    """Whether it can be the name of a package: the key of a table or the field of a lock may be anything."""
    try:
        canonicalize_name(name, validate=True)
    except InvalidName:
        return False
    return True


def _include(file: File, place: str, line: int | None, *, constraint: bool = False) -> _Item:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), place))
    if "://" in place or posixpath.isabs(path) or path.startswith("../"):
        return Entry(line, reason="includes a file outside of the target")
    if path not in file.known:
        return Entry(line, reason="includes a file that is not among those of the target")
    return Include(path, constraint)


def _local(file: File, place: str, name: str, line: int | None) -> _Item:
    """A dependency on a path: pip takes it from its working directory, locks take it from their own folder."""
    for start in (posixpath.dirname(file.path), ""):
        folder = posixpath.normpath(posixpath.join(start, place))
        folder = "" if folder == "." else folder
        if any(posixpath.join(folder, project) in file.known for project in _PROJECTS):
            return Own(folder)
    return Entry(line, name, reason=_ELSEWHERE)


_PROJECTS = ("pyproject.toml", "setup.cfg", "setup.py")


# Requirements files, read as pip reads them


def _requirements(file: File) -> Iterator[_Item]:
    for line, text in _logical_lines(_decoded(file.location.read_bytes())):
        options = _AN_OPTION.search(text)
        stated = text[: options.start()] if options else text
        if stated:
            yield _stated(file, stated, line)
        if options:
            yield from _option_line(file, text[options.start() :], line)


_AN_OPTION = re.compile(r"(?:^| )-")


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return content.decode("utf-32")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
    return content.decode(encoding)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines without comments, each with the number of the first line of the file that it is made of.

    A backslash at the end joins a line with the next one, but not a comment's; a line of comment ends what it joins.
    """
    parts: list[str] = []
    first = 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        first = first if parts else number
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            parts.append(line.strip("\\"))
            continue
        if whole := _COMMENT.split("".join(parts) + (" " if comment else "") + line, maxsplit=1)[0].strip():
            yield first, whole
        parts = []


_COMMENT = re.compile(r"(?:^|(?<=\s))#")


def _stated(file: File, stated: str, line: int) -> _Item:
    try:
        return _requirement(Requirement(stated), line)
    except InvalidRequirement:
        return (
            _located(file, stated, line) if "/" in stated or stated[0] == "." else Entry(line, reason=_NO_REQUIREMENT)
        )


def _located(file: File, place: str, line: int) -> _Item:
    """A requirement that is a URL or a path, which may name its package at its end."""
    egg = _EGG.search(place)
    name = canonicalize_name(egg[1]) if egg else ""
    place = place.removeprefix("file:")
    if _SCHEME.match(place):
        return Entry(line, name, reason=_ELSEWHERE)
    return _local(file, re.split(r"[\[;#]", place, maxsplit=1)[0].strip(), name, line)


_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def _option_line(file: File, text: str, line: int) -> Iterator[_Item]:
    try:
        options, arguments = _OPTIONS.parse_args(shlex.split(text))
    except ValueError:
        yield Entry(line, reason=_NO_REQUIREMENT)
        return
    if arguments:
        yield Entry(line, reason=_NO_REQUIREMENT)
    for place in options.editable or ():
        yield _located(file, place, line)
    for place in options.requirement or ():
        yield _include(file, place, line)
    for place in options.constraint or ():
        yield _include(file, place, line, constraint=True)


class _OptionParser(optparse.OptionParser):
    def error(self, msg: str) -> NoReturn:
        raise ValueError(msg)


def _option_parser() -> optparse.OptionParser:
    parser = _OptionParser(add_help_option=False)
    for names in _WITH_VALUE:
        parser.add_option(*names, action="append")
    for name in ("--no-index", "--pre", "--prefer-binary", "--require-hashes"):
        parser.add_option(name, action="store_true")
    return parser


_WITH_VALUE = (
    ("-r", "--requirement"),
    ("-c", "--constraint"),
    ("-e", "--editable"),
    ("-f", "--find-links"),
    ("-i", "--index-url", "--pypi-url"),
    ("-C", "--config-setting", "--config-settings"),
    ("--extra-index-url",),
    ("--global-option",),
    ("--hash",),
    ("--install-option",),
    ("--no-binary",),
    ("--only-binary",),
    ("--trusted-host",),
    ("--use-feature",),
)
_OPTIONS = _option_parser()


# Sources


def _pyproject(file: File) -> Iterator[_Item]:
    text = file.text()
    document: Record = tomllib.loads(text)
    strings, keys = _first_lines(text, _STRING), _first_lines(text, _KEY)
    project, tools = _table(document, "project"), _table(document, "tool")
    for listed in (
        *_lists(project, "dependencies"),
        *_lists(project, "optional-dependencies"),
        *_lists(document, "dependency-groups"),
        *_lists(_table(tools, "uv"), "dev-dependencies"),
        *_lists(_table(tools, "pdm"), "dev-dependencies"),
    ):
        yield from _quoted(listed, strings)
    for table in _poetry_tables(_table(tools, "poetry")):
        yield from _table_entries(file, table, keys)
    dynamic = report.texts(project, "dynamic") if report.has(project, "dynamic") else ()
    if {"dependencies", "optional-dependencies"} & set(dynamic):
        yield from _dynamic(file, tools, keys.get("dynamic"))


def _table(record: Record, key: str) -> Record:
    return as_record(record.get(key, {}), f"`{key}`")


def _lists(record: Record, key: str) -> Iterator[list[object]]:
    """The lists of requirements at a key that holds one, or a table of several."""
    value = record.get(key, [])
    for listed in value.values() if isinstance(value, dict) else (value,):
        if not isinstance(listed, list):
            raise ReportError(f"expected a list of requirements at `{key}`")
        yield listed


def _quoted(requirements: Iterable[object], lines: Mapping[str, int]) -> Iterator[Entry]:
    for requirement in requirements:
        if isinstance(requirement, str):
            yield _parsed(requirement, lines.get(requirement))
        elif not (isinstance(requirement, dict) and set(requirement) == {"include-group"}):
            yield Entry(None, reason=_NO_REQUIREMENT)


def _first_lines(text: str, pattern: re.Pattern[str]) -> dict[str, int]:
    """Where each thing that a pattern finds in a line stands first; the parsers of these formats give no positions."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        for found in pattern.finditer(line.strip()):
            lines.setdefault(found[found.lastindex or 0], number)
    return lines


_STRING = re.compile(r"""\"([^"]*)"|'([^']*)'""")
_KEY = re.compile(r"""^["']?([\w.-]+)["']?[ \t]*=""")
_JSON_KEY = re.compile(r'^"([^"]+)"[ \t]*:')
_SETUP_VALUE = re.compile(r"^(?:[\w.-]+[ \t]*=(?!=)[ \t]*)?(\S.*)$")


def _poetry_tables(poetry: Record) -> Iterator[Record]:
    groups = _table(poetry, "group")
    for owner in (poetry, *(_table(groups, name) for name in groups)):
        yield {name: wanted for name, wanted in _table(owner, "dependencies").items() if name != "python"}
        yield _table(owner, "dev-dependencies")


def _table_entries(file: File, table: Record, lines: Mapping[str, int]) -> Iterator[_Item]:
    """The dependencies of a table as Poetry and Pipenv write it: `name = "1.0"` or `name = {version = "==1.0"}`."""
    for name, wanted in table.items():
        for choice in wanted if isinstance(wanted, list) else [wanted]:
            record: Record = {"version": choice} if isinstance(choice, str) else as_record(choice, f"`{name}`")
            line = lines.get(name)
            yield _table_item(file, name, record, line)


def _table_item(file: File, name: str, record: Record, line: int | None) -> _Item:
    if not _is_name(name):
        return Entry(line, reason=_NO_REQUIREMENT)
    if item := _from_elsewhere(file, name, record, line):
        return item
    version = str(record.get("version", "*")).strip()
    if _is_version(version):
        return _pinned(name, version, line)
    try:
        return _requirement(Requirement(f"{name}{SpecifierSet(version)}"), line)
    except InvalidSpecifier:  # a caret, a star: any pin of a lock settles it
        return Entry(line, canonicalize_name(name), reason=_UNPINNED, allowed=SpecifierSet())


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _dynamic(file: File, tools: Record, line: int | None) -> Iterator[_Item]:
    """Dependencies that stand in files named to setuptools, in another manifest, or nowhere that can be read."""
    dynamic = _table(_table(tools, "setuptools"), "dynamic")
    tables = [dynamic.get("dependencies"), *_table(dynamic, "optional-dependencies").values()]
    places = [place for table in tables if isinstance(table, dict) for place in _places(table.get("file", []))]
    folder = posixpath.dirname(file.path)
    others = any(posixpath.join(folder, name) in file.known for name in ("setup.cfg", "setup.py"))
    if not (places or others or "poetry" in tools):
        yield Entry(line, reason=_COMPUTED)
    for place in places:
        yield _include(file, place, line)


def _places(value: object) -> list[str]:
    return [str(place) for place in value] if isinstance(value, list) else [str(value)]


def _pipfile(file: File) -> Iterator[_Item]:
    text = file.text()
    document: Record = tomllib.loads(text)
    for section in document.keys() - {"source", "requires", "scripts", "pipenv"}:
        yield from _table_entries(file, _table(document, section), _first_lines(text, _KEY))


def _setup_cfg(file: File) -> Iterator[_Item]:
    text = file.text()
    lines = _first_lines(text, _SETUP_VALUE)
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    extras = "options.extras_require"
    values = [parser.get("options", "install_requires", fallback="")]
    values += [parser.get(extras, extra) for extra in (parser.options(extras) if parser.has_section(extras) else ())]
    for value in map(str.strip, values):
        if value.startswith("file:"):
            for place in value.removeprefix("file:").split(","):
                yield _include(file, place.strip(), lines.get(value))
        else:
            yield from _setup_value(value, lines)


def _setup_value(value: str, lines: Mapping[str, int]) -> Iterator[Entry]:
    """The requirements of a value: one in a line, or, where there is one line only, parted by semicolons."""
    for requirement in filter(None, map(str.strip, value.split("\n" if "\n" in value else ";"))):
        yield _parsed(requirement, lines.get(requirement) or lines.get(value))


def _setup_py(file: File) -> Iterator[_Item]:
    tree = ast.parse(file.location.read_bytes())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node.func) == "setup"]
    if not calls and any(_imports_setuptools(node) for node in ast.walk(tree)):
        yield Entry(1, reason=_COMPUTED)
    for keyword in (keyword for call in calls for keyword in call.keywords):
        if keyword.arg is None:
            yield Entry(keyword.value.lineno, reason=_COMPUTED)
        elif keyword.arg in ("install_requires", "extras_require"):
            yield from _literals(keyword.value)


def _called(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _imports_setuptools(node: ast.AST) -> bool:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return any(name.split(".")[0] in ("setuptools", "distutils", "skbuild") for name in names)


def _literals(node: ast.expr) -> Iterator[Entry]:
    """The requirements of a literal; each part that is computed is an entry without a version."""
    match node:
        case ast.Constant(value=str(text)):
            for requirement in filter(None, map(str.strip, text.splitlines())):
                yield _parsed(requirement, node.lineno)
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts) | ast.Dict(values=parts):
            for part in parts:
                yield from _literals(part)
        case ast.Constant(value=None):
            pass
        case _:
            yield Entry(node.lineno, reason=_COMPUTED)


# Lock files


def _toml_lock(key: str) -> _Read:
    """The reader of a lock whose packages are the TOML tables `[[key]]`."""

    def read(file: File) -> Iterator[_Item]:
        text = file.text()
        document: Record = {key: [], **tomllib.loads(text)}
        packages = report.each(document, key, lambda package: (report.text(package, "name"), package))
        lines = _lines_of_tables(text, f"[[{key}]]", len(packages))
        for (name, package), line in zip(packages, lines, strict=True):
            yield _locked(file, name, package, line)

    return read


def _lines_of_tables(text: str, header: str, count: int) -> list[int | None]:
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if line.strip() == header]
    return [_version_line(lines, start) for start in starts] if len(starts) == count else [None] * count


def _version_line(lines: Sequence[str], start: int) -> int:
    """The line, from 1, of the version of a package whose record starts at an index."""
    for number in range(start, min(start + _RECORD, len(lines))):
        if lines[number].lstrip().startswith(("version", '"version"')):
            return number + 1
    return start + 1


_RECORD = 1000  # a version stands within this many lines: it bounds what a hostile file costs


def _locked(file: File, name: str, package: Record, line: int | None) -> _Item:
    if not _is_name(name):
        return Entry(line, reason=_NO_REQUIREMENT)
    if item := _from_elsewhere(file, name, package, line):
        return item
    if not report.has(package, "version"):
        return Entry(line, canonicalize_name(name), reason="locked without a version")
    return _pinned(name, report.text(package, "version").removeprefix("=="), line)


def _from_elsewhere(file: File, name: str, package: Record, line: int | None) -> _Item | None:
    """The item of a package that is not from the index: the record says so, or a `source` in it."""
    source = _table(package, "source")
    if "type" in source:  # as Poetry writes it
        source = {report.text(source, "type"): source.get("url")}
    for record in (source, package):
        for origin in filter(record.__contains__, _ORIGINS):
            value = record[origin]
            place = value.get("path") if isinstance(value, dict) else value
            if origin in _FOLDERS and isinstance(place, str):
                return _local(file, place, canonicalize_name(name), line)
            return Entry(line, canonicalize_name(name), reason=_ELSEWHERE)
    return None


_FOLDERS = ("path", "directory", "editable", "virtual")
_ORIGINS = (*_FOLDERS, "archive", "bzr", "file", "git", "hg", "svn", "url", "vcs")


def _pipfile_lock(file: File) -> Iterator[_Item]:
    text = file.text()
    lines, starts = text.split("\n"), _first_lines(text, _JSON_KEY)
    document = as_record(json.loads(text), "the top of the file")
    for section in document.keys() - {"_meta"}:
        packages = _table(document, section)
        for name in packages:
            line = _version_line(lines, starts[name] - 1) if name in starts else None
            yield _locked(file, name, _table(packages, name), line)


_BY_NAME: Mapping[str, tuple[Kind, _Read]] = {
    "pyproject.toml": (Kind.SOURCE, _pyproject),
    "setup.cfg": (Kind.SOURCE, _setup_cfg),
    "setup.py": (Kind.SOURCE, _setup_py),
    "Pipfile": (Kind.SOURCE, _pipfile),
    "Pipfile.lock": (Kind.LOCK, _pipfile_lock),
    "pdm.lock": (Kind.LOCK, _toml_lock("package")),
    "poetry.lock": (Kind.LOCK, _toml_lock("package")),
    "uv.lock": (Kind.LOCK, _toml_lock("package")),
    "pylock.toml": (Kind.LOCK, _toml_lock("packages")),
}
