"""What a change is compared with: a revision of the checkout or another folder, and the configuration found there.

How to judge is what the base says: its configuration, policy, gate and rules. What a change does to them is told.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from fixby.cli import place as here
from fixby.cli.configuration import Configuration
from fixby.cli.place import Place
from fixby.codeowners import PLACES
from fixby.errors import FetchError, UsageError
from fixby.scanners import revision
from fixby.scanners.revision import Base
from fixby.scanners.scanner import Target
from fixby.scanners.target import target, target_of


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two trees: its top folder, the path in it that is scanned, the files there, and what is configured."""

    top: Path
    path: Path
    files: Target
    found: Configuration


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared, both sides configured as the base says.

    `base` is None where it is a folder; `unknown` says of paths what of the base is not known, and why.
    """

    before: Side
    now: Side
    base: Base | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)

    def is_same(self, path: str) -> bool:
        """Whether a file, told from the root of the asset, is on both sides, and the same."""
        scope = here.scope(self.now.path, self.now.found)
        name = path if scope == "." else path.removeprefix(f"{scope}/")
        file = self.now.files.files.get(name)
        return file is not None and file == self.before.files.files.get(name)

    def changed_settings(self) -> dict[str, str]:
        """Which files that say how to judge are `added`, `removed` or `changed`, told from the top folders."""
        return dict(sorted(_differing(self.before, self.now)))


def pair(place: Place, base: str, private: Path) -> Pair:
    """What is here, and the base: a revision, or a folder where there is no such revision.

    A revision is written into `private`, an empty folder. Raises `FetchError` where the checkout does not have it, and
    `UsageError` where there is nothing to compare with.
    """
    if not place.path.exists():
        raise UsageError(f"{place.path} does not exist.", "Name a folder that does.")
    present = target(place.path)
    top = revision.top_of(present.root)
    commit = revision.base(top, base) if top and not base.startswith("-") else None
    if top and commit:
        return _with_commit(place, top, commit, present, private)
    if Path(base).is_dir():
        return _with_folder(place, Path(base).resolve(), present)
    if top is None:
        raise UsageError(f"There is no folder {base}, and no git repository to look for it in.", "Name a folder.")
    name = base.removeprefix("origin/")
    cut = "The clone is a shallow one; fetch" if revision.is_shallow(top) else "Fetch"
    hint = f"{cut} it first: git fetch --depth=1 origin +{name}:refs/remotes/origin/{name}"
    raise FetchError(f"{base} is neither a revision that this checkout has nor a folder.", hint)


def _with_commit(place: Place, top: Path, base: Base, present: Target, private: Path) -> Pair:
    """The base's tree stands in a folder of the same name as the checkout, which the asset may be called after."""
    inside = present.root.relative_to(top)
    folder = private / top.name
    (folder / ".git").mkdir(parents=True)
    whole = present if present.root == top else _below(present, inside)
    exported = revision.export(top, base.commit, folder, whole)
    root = folder / inside
    root.mkdir(parents=True, exist_ok=True)
    path = root / place.path.resolve().name if place.path.is_file() else root
    if path != root and not path.exists():
        path.touch()
    found = written_out(settled(place, path, folder, top), folder)
    below = [name for one in exported.paths if (name := told_from(one, inside.as_posix())) is not None]
    wanted = [name for name in below if path == root or root / name == path]
    before = Side(folder, path, target_of(root, wanted, found.exclude), found)
    now = _present(place, top, present, found, moved(found, folder, top))
    return Pair(before, now, base, exported.unknown)


def _with_folder(place: Place, other: Path, present: Target) -> Pair:
    found = settled(place, other, other, present.root)
    before = Side(other, other, target(other, found.exclude), found)
    now = _present(place, present.root, present, found, moved(found, other, present.root))
    return Pair(before, now)


def _present(place: Place, top: Path, present: Target, base: Configuration, found: Configuration) -> Side:
    files = target(place.path, base.exclude) if base.exclude else present
    return Side(top, place.path, files, found)


def settled(place: Place, path: Path, before: Path, now: Path) -> Configuration:
    """The configuration that the base has; its store is the one that stands in the same place now."""
    found = replace(place, path=path).configuration()
    if "://" in found.store or not Path(found.store).is_relative_to(before):
        return found
    return replace(found, store=str(now / Path(found.store).relative_to(before)))


def written_out(found: Configuration, folder: Path) -> Configuration:
    """A configuration, if it lies in the folder that was written out, or the caller named it.

    Raises `UsageError` for one above: temporary folders lie where others may write.
    """
    if found.trusted or found.folder == Path() or found.folder.is_relative_to(folder):
        return found
    raise UsageError(f"{found.folder} has a configuration, and is a place for temporary files.", "Take it away.")


def moved(found: Configuration, before: Path, now: Path) -> Configuration:
    """A configuration whose paths of findings are told from the same place of another tree."""
    root, before = found.root.resolve(), before.resolve()
    return replace(found, root=now / root.relative_to(before)) if root.is_relative_to(before) else found


def told_from(path: str, folder: str) -> str | None:
    """A path told from a folder below which it lies, else None."""
    if folder == ".":
        return path
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None


def _below(present: Target, inside: Path) -> Target:
    """The files of a part of a checkout, told from its top."""
    top = present.root
    for _ in inside.parts:
        top = top.parent
    return Target(top, {(inside / path).as_posix(): file for path, file in present.files.items()})


def _differing(before: Side, now: Side) -> Iterator[tuple[str, str]]:
    for name in sorted(set(chain(_judging(before), _judging(now, before)))):
        one, other = _read(before.top / name), _read(now.top / name)
        if one != other and not (name.endswith("pyproject.toml") and not _is_ours(one, other)):
            yield name, "added" if one is None else "removed" if other is None else "changed"


def _judging(side: Side, like: Side | None = None) -> Iterator[str]:
    """The files that may say how to judge, told from the top of a side; `like` is the side that names them."""
    named = like or side
    folder = named.path.resolve() if named.path.is_dir() else named.path.resolve().parent
    for above in (folder, *folder.parents):
        if above.is_relative_to(named.top):
            inside = above.relative_to(named.top)
            yield from ((inside / name).as_posix() for name in ("fixby.toml", "pyproject.toml"))
    yield from PLACES
    found = named.found
    for file in (found.policy, found.gate, found.allowed_signers, found.advisories, *found.rules):
        if file and file.resolve().is_relative_to(named.top):
            yield from _files(side.top, file.resolve().relative_to(named.top))


def _files(top: Path, name: Path) -> Iterable[str]:
    if not (top / name).is_dir():
        return [name.as_posix()]
    below = (Path(folder, file) for folder, _, files in os.walk(top / name) for file in files)
    return [file.relative_to(top).as_posix() for file in below]


def _is_ours(*contents: bytes | None) -> bool:
    """Whether one of the contents of a `pyproject.toml` has a section for us."""
    return any(b"tool.fixby" in content for content in contents if content)


def _read(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() and not file.is_symlink() else None
