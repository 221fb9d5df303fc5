"""What is staged and what HEAD has at the same paths, as two sides to compare.

Nothing else is written out, however large the repository is, but what HEAD says of how to judge: it decides, not what
is staged, and not what lies in the working tree.
"""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fixby.cli.bases import Pair, Side, moved, settled, told_from, written_out
from fixby.cli.configuration import Configuration
from fixby.cli.place import Place
from fixby.errors import UsageError
from fixby.scanners import revision
from fixby.scanners.revision import Base, Entry, Exported
from fixby.scanners.scanner import File, Target
from fixby.scanners.staged import Staged, staged
from fixby.scanners.target import target_of


def staged_pair(place: Place, index: Path | None, private: Path) -> Pair:
    """What is staged below a place, now, and what HEAD has there, before; both are written into `private`, empty.

    `index` is the file of it, told from the top folder, if not the usual one. Links and submodules are left out; what
    is staged and cannot be written out is unreadable. Raises as `staged` does, and `UsageError` for a place or an index
    that is none.
    """
    top, part = _located(place)
    if index and not (top / index).is_file():
        raise UsageError(f"There is no index {top / index}, which GIT_INDEX_FILE names.", "Unset it.")
    changes = staged(top, top / index if index else None)
    present = _present(top, changes)
    before = _tree(top, changes.before, private / "before" / top.name, part, present)
    now = _tree(top, changes.now, private / "now" / top.name, part, present)
    _write_settings(top, changes, (before, now))
    found = written_out(settled(place, before.path, before.top, top), before.top)
    base = Base("HEAD", changes.commit, is_ancestor=True) if changes.commit else None
    return Pair(
        Side(before.top, before.path, _target(before, found), found),
        Side(now.top, now.path, _target(now, found, _left_out(changes)), moved(found, before.top, now.top)),
        base,
        before.exported.unknown,
    )


@dataclass(frozen=True, slots=True)
class _Tree:
    """A side as it was written: its top folder, the path in it that is scanned, and what became of the files."""

    top: Path
    path: Path
    exported: Exported

    @property
    def root(self) -> Path:
        """The folder from which the paths of the side's files are told."""
        return self.path if self.path.is_dir() else self.path.parent


_GONE = File(0, "")


def _located(place: Place) -> tuple[Path, Path]:
    """The top folder of the checkout, and the place told from it."""
    if not place.path.exists():
        raise UsageError(f"{place.path} does not exist.", "Name a folder that does.")
    path = place.path.resolve()
    top = revision.top_of(path.parent if path.is_file() else path)
    if top is None or not path.is_relative_to(top):
        raise UsageError(f"{place.path} lies in no checkout of git.", "Name a folder that does.")
    return top, path.relative_to(top)


def _present(top: Path, changes: Staged) -> Target:
    """The working tree at these paths, for contents of which git has a pointer of LFS only."""
    paths = {entry.path for entry in (*changes.before, *changes.now) if entry.is_file}
    files = target_of(top, paths).files
    return Target(top, {path: files.get(path, _GONE) for path in paths})


def _tree(top: Path, entries: Iterable[Entry], folder: Path, part: Path, present: Target) -> _Tree:
    (folder / ".git").mkdir(parents=True)
    is_file = (top / part).is_file()
    (folder / (part.parent if is_file else part)).mkdir(parents=True, exist_ok=True)
    exported = revision.written(top, (entry for entry in entries if entry.is_file), folder, present)
    if is_file and not (folder / part).exists():
        (folder / part).touch()
    return _Tree(folder, folder / part, exported)


def _left_out(changes: Staged) -> Mapping[str, str]:
    others = (entry for entry in changes.now if not entry.is_file)
    return {entry.path: "a submodule" if entry.is_submodule else "a link" for entry in others}


def _target(tree: _Tree, found: Configuration, left_out: Mapping[str, str] | None = None) -> Target:
    """The files of a side, told from the folder that is scanned; `left_out` says of the present side what is not in."""
    files = target_of(tree.root, _below(tree, dict.fromkeys(tree.exported.paths, "")), found.exclude)
    if left_out is None:
        return files
    unreadable, excluded = _below(tree, tree.exported.unknown), _below(tree, left_out)
    return Target(files.root, files.files, {**files.unreadable, **unreadable}, {**files.excluded, **excluded})


def _below(tree: _Tree, some: Mapping[str, str]) -> dict[str, str]:
    """Those of the paths that are scanned, told from the folder that is."""
    inside = tree.root.relative_to(tree.top).as_posix()
    told = ((told_from(path, inside), what) for path, what in some.items())
    return {path: what for path, what in told if path is not None and tree.path in (tree.root, tree.root / path)}


def _write_settings(top: Path, changes: Staged, trees: tuple[_Tree, _Tree]) -> None:
    """Write what HEAD says of how to judge into both sides, as far as it is not staged: the same on both."""
    if not changes.commit:
        return
    is_staged = {entry.path for entry in (*changes.before, *changes.now)}
    top_before, inside = trees[0].top, trees[0].root.relative_to(trees[0].top)

    def write(paths: Sequence[str]) -> None:
        entries = revision.entries(top, changes.commit or "", paths) if paths else ()
        unchanged = [entry for entry in entries if entry.is_file and entry.path not in is_staged]
        for tree in trees:
            revision.written(top, unchanged, tree.top, Target(top, {}))

    files = [(folder / name).as_posix() for folder in (inside, *inside.parents) for name in _SETTINGS]
    write(files)
    write(sorted({*_named_in(top_before, files)}))


_SETTINGS = ("fixby.toml", "pyproject.toml")
_NAMING = ("advisories", "allowed_signers", "gate", "policy", "rules")


def _named_in(top: Path, files: Iterable[str]) -> Iterator[str]:
    """The paths, told from the top folder, of what configuration files name, as far as it lies below."""
    for name in files:
        section: object = {}
        with suppress(OSError, ValueError):
            section = tomllib.loads((top / name).read_text("utf-8"))
        if name.endswith("pyproject.toml"):
            section = _part(_part(section, "tool"), "fixby")
        for key in _NAMING:
            value = _part(section, key)
            for path in value if isinstance(value, list) else [value]:
                if isinstance(path, str) and (told := os.path.normpath(Path(name).parent / path)) != ".":
                    yield from [told] if not told.startswith(("..", "/")) else []


def _part(table: object, key: str) -> object:
    return table.get(key, {}) if isinstance(table, dict) else {}
