"""Which packages the Python manifests of a repository declare, exactly pinned or not. Nothing of it is ever run.

A manifest is a requirements file, a lock file, or a source that locks are made from (`pyproject.toml`, `setup.cfg`,
`setup.py`, `Pipfile`, `requirements.in`). Environment markers are not judged: what some machine would install counts.
"""

import posixpath
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fixby.scanners.manifest_formats import Content, Entry, File, Kind, content_of, kind_of


@dataclass(frozen=True, slots=True)
class Pin:
    """A package in exactly one version, as a line of a manifest says; both are spelt the normal way (PEP 503, 440)."""

    name: str
    version: str
    manifest: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A dependency whose version nobody can tell without installing it; `name` is empty where not even that is said."""

    name: str
    manifest: str
    line: int | None
    reason: str

    @property
    def unit(self) -> str:
        """What a scan's coverage calls it: `manifest#package`, else `manifest:line`, else the manifest."""
        if self.name:
            return f"{self.manifest}#{self.name}"
        return f"{self.manifest}:{self.line}" if self.line else self.manifest


@dataclass(frozen=True, slots=True)
class Declared:
    """What a repository declares: `manifests` are the files that were read, those that others include among them."""

    manifests: tuple[str, ...]
    pins: frozenset[Pin]
    gaps: frozenset[Gap]


def is_manifest(path: str) -> bool:
    """Whether a file of this path declares, locks or constrains Python dependencies."""
    return kind_of(path) is not None


def is_source(path: str) -> bool:
    """Whether a manifest is one that locks are made from."""
    return kind_of(path) is Kind.SOURCE


def declared(root: Path, manifests: Iterable[str], files: Container[str]) -> Declared:
    """What the manifests under `root` and the files that they include declare; `files` are all that may be read.

    A requirement without an exact version is settled, and no gap, where a pin that it allows stands in the same file,
    in what that file includes, in its constraints, or, for a source, in a lock of its folder.
    """
    named = sorted(manifests)
    contents = _contents(root, named, files)
    locks = _locks(contents)
    pins: set[Pin] = set()
    gaps = {Gap("", path, None, content.failure) for path, content in contents.items() if content.failure}
    for path in named:
        if kind_of(path) is not Kind.CONSTRAINTS:
            folder = posixpath.dirname(path)
            own_pins, own_gaps = _settled(path, contents, locks.get(folder, set()) if is_source(path) else set())
            pins |= own_pins
            gaps |= own_gaps
    return Declared(tuple(sorted(contents)), frozenset(pins), frozenset(gaps))


def _contents(root: Path, named: Iterable[str], files: Container[str]) -> dict[str, Content]:
    contents: dict[str, Content] = {}
    waiting = list(named)
    while waiting:
        path = waiting.pop()
        if path not in contents:
            contents[path] = content_of(File(path, root, files))
            waiting += [include.path for include in contents[path].includes]
    return contents


def _locks(contents: Mapping[str, Content]) -> dict[str, set[Pin]]:
    """The pins of lock files and of fully pinned requirements files, by each folder that they are the lock of."""
    locks: dict[str, set[Pin]] = {}
    for path, content in contents.items():
        if kind_of(path) in (Kind.LOCK, Kind.REQUIREMENTS):
            pins, gaps = _settled(path, contents, set())
            if kind_of(path) is Kind.LOCK or not gaps:
                for folder in {posixpath.dirname(path), *(own.folder for own in content.own)}:
                    locks.setdefault(folder, set()).update(pins)
    return locks


def _settled(manifest: str, contents: Mapping[str, Content], lock: Iterable[Pin]) -> tuple[set[Pin], set[Gap]]:
    reached = _reached(manifest, contents)
    binding: dict[str, set[Pin]] = {}
    for pin in (*lock, *(pin for path in reached for pin in _pins(path, contents[path]))):
        binding.setdefault(pin.name, set()).add(pin)
    pins: set[Pin] = set()
    gaps: set[Gap] = set()
    for path in (path for path, constraint in reached.items() if not constraint):
        pins |= _pins(path, contents[path])
        for entry in (entry for entry in contents[path].entries if not entry.version):
            others = binding.get(entry.name, set())
            settling = {pin for pin in others if _allows(entry, pin)}
            pins |= settling
            gaps |= set() if settling else {_gap(path, entry, others)}
    return pins, gaps


def _reached(manifest: str, contents: Mapping[str, Content]) -> dict[str, bool]:
    """The files that one leads to, itself included, each with whether it is reached as constraints only."""
    reached: dict[str, bool] = {}
    waiting = [(manifest, False)]
    while waiting:
        path, constraint = waiting.pop()
        if path not in reached or (reached[path] and not constraint):
            reached[path] = constraint
            waiting += [(include.path, constraint or include.constraint) for include in contents[path].includes]
    return reached


def _pins(path: str, content: Content) -> set[Pin]:
    return {Pin(entry.name, entry.version, path, entry.line) for entry in content.entries if entry.version}


def _allows(entry: Entry, pin: Pin) -> bool:
    return entry.allowed is not None and entry.allowed.contains(pin.version, prereleases=True)


def _gap(path: str, entry: Entry, others: Iterable[Pin]) -> Gap:
    outdated = sorted(f", and {pin.manifest} pins {pin.version}, which it does not allow" for pin in others)
    return Gap(entry.name, path, entry.line, entry.reason + "".join(outdated[:1] if entry.allowed is not None else ()))
