"""What is to be scanned: the files of a folder that is not trusted, listed and hashed once."""

import errno
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from hashlib import sha256
from pathlib import Path

from fixby.errors import StoreError, UsageError
from fixby.scanners.files import open_regular
from fixby.scanners.process import capture
from fixby.scanners.scanner import File, Target


def target(path: Path, exclude: Sequence[str] = ()) -> Target:
    """The files of a folder, or a single file, with the digests of their contents.

    What git ignores is left out; where git has no say, well-known folders of fetched and generated things are. Links
    are never followed. A folder that cannot be read ends in `/` among the unreadable.

    `exclude` are globs: one with a `/` inside is matched against the path from the root, any other against the name of
    a file or folder at any depth; `*` matches `/` too.

    Raises `UsageError` where there is nothing that can be read.
    """
    try:
        root = Path(os.path.realpath(path, strict=True))
        if root.is_file():
            return Target(root.parent, {root.name: _file(root)})
        os.scandir(root).close()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be scanned: {error.strerror}.", "Name a folder or a file that exists and can be read."
        ) from error
    return _hashed(root, _list(_Rules(root, excluding(exclude), _ignored_by_git(root))))


def target_of(root: Path, paths: Iterable[str], exclude: Sequence[str] = ()) -> Target:
    """Files below a folder whose paths are known, such as those of a commit; what git ignores has no say."""
    rules, listing = _Rules(root, excluding(exclude), None), _Listing()
    for path in paths:
        parts = path.split("/")
        above = ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        out = ((place, reason) for place in above if (reason := _out_by_name(place, place.rpartition("/")[2], rules)))
        place, reason = next(out, ("", ""))
        if reason:
            listing.excluded[place] = reason
        else:
            listing.files.append(path)
    return _hashed(root, listing)


@dataclass(frozen=True, slots=True)
class _Listing:
    """Paths relative to the root: regular files, and what is not among them, with the reasons."""

    files: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)


def _hashed(root: Path, listing: _Listing) -> Target:
    files = {}
    for path in sorted(listing.files):
        try:
            files[path] = _file(root / path)
        except OSError as error:
            listing.unreadable[path] = _sentence(error)
    return Target(root, files, dict(sorted(listing.unreadable.items())), dict(sorted(listing.excluded.items())))


def _file(path: Path) -> File:
    size, digest = 0, sha256()
    with open_regular(path) as stream:
        if os.fstat(stream.fileno()).st_size > _LARGEST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            digest.update(chunk)
    return File(size, digest.hexdigest())


def _sentence(error: OSError) -> str:
    return error.strerror or str(error)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What stays out: by the caller's globs, and by git, which is None where it has no say."""

    root: Path
    exclude: re.Pattern[str]
    ignored: frozenset[str] | None


def _list(rules: _Rules) -> _Listing:
    """Walk the tree once. Whatever git was made to say, only the walk puts a file in."""
    listing = _Listing()
    folders = [("", rules.ignored is not None)]
    while folders:
        folder, git_decides = folders.pop()
        try:
            entries = list(os.scandir(rules.root / folder))
        except OSError as error:
            listing.unreadable[folder or "./"] = _sentence(error)
            continue
        for entry in entries:
            path = folder + entry.name
            reason = _out_by_name(path, entry.name, rules)
            reason = reason or _out_by_kind(entry, rules.root, git_decides=git_decides)
            if reason:
                listing.excluded[path] = reason
            elif entry.is_dir(follow_symlinks=False):
                folders.append((f"{path}/", git_decides and not os.path.lexists(f"{entry.path}/.git")))
            else:
                listing.files.append(path)
    return listing


def _out_by_name(path: str, name: str, rules: _Rules) -> str:
    if name in _NEVER_IN:
        return _NEVER_IN[name]
    if rules.exclude.fullmatch(path):
        return "excluded by configuration"
    return "ignored by git" if rules.ignored and path in rules.ignored else ""


def _out_by_kind(entry: os.DirEntry[str], root: Path, *, git_decides: bool) -> str:
    if entry.is_symlink():
        return _link(entry, root)
    if entry.is_dir(follow_symlinks=False):
        return "fetched or generated" if not git_decides and _is_generated(entry) else ""
    return "" if entry.is_file(follow_symlinks=False) else "not a regular file"


def _link(entry: os.DirEntry[str], root: Path) -> str:
    try:
        end = Path(os.path.realpath(entry.path, strict=True))
    except OSError:
        return "link that leads nowhere"
    return "link inside the tree" if end.is_relative_to(root) else "link out of the tree"


def _is_generated(entry: os.DirEntry[str]) -> bool:
    if entry.name in _ENVIRONMENTS:
        return os.path.lexists(f"{entry.path}/pyvenv.cfg")
    return entry.name in _GENERATED


def excluding(globs: Sequence[str]) -> re.Pattern[str]:
    """One pattern for all globs of a configuration; an empty one matches no path."""
    return re.compile("|".join(map(_pattern, globs)))


def _pattern(glob: str) -> str:
    anywhere = glob.startswith("**/") or "/" not in glob.rstrip("/")
    path = translate(glob.removeprefix("**/").removesuffix("/**").strip("/"))
    return f"(?s:.*/)?{path}" if anywhere else path


def _ignored_by_git(root: Path) -> frozenset[str] | None:
    """The untracked paths that git ignores, a folder for all below it; None where git has no say about the root."""
    finished = capture((*git(root), *_GIT_LISTS_IGNORED), GIT_ENVIRONMENT)
    if finished.failure or finished.exit_code:
        return None
    return frozenset(os.fsdecode(path).rstrip("/") for path in finished.report.split(b"\0"))


def is_tracked(file: Path) -> bool:
    """Whether git tracks a file of a checkout, so that whoever pushes to it decides what the file holds.

    Raises `StoreError` where git cannot say.
    """
    settings = ("-c", "safe.directory=*", "--literal-pathspecs")
    asked = capture((*git(file.parent), *settings, "ls-files", "--error-unmatch", "--", file.name), GIT_ENVIRONMENT)
    if asked.failure or asked.exit_code not in (0, 1):
        raise StoreError(
            f"Git cannot say whether it tracks the store {file}, so it cannot be trusted.",
            "Install git, mend the checkout, or name a store outside of it with --store.",
        )
    return asked.exit_code == 0


def git(root: Path) -> tuple[str, ...]:
    """How a command of git begins that runs nothing that a checkout configures."""
    return ("git", "-C", str(root), *(part for setting in _GIT_SETTINGS for part in ("-c", setting)))


_NEVER_IN = {".git": "kept by git", ".fixby": "kept by Fixby"}

_ENVIRONMENTS = frozenset({".venv", "venv"})
_GENERATED = frozenset(
    {
        ".hg",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        "__pycache__",
        "bower_components",
        "node_modules",
    }
)

_CHUNK = 2**18
_LARGEST = 2**33

_GIT_LISTS_IGNORED = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
_GIT_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.excludesFile=/dev/null",
    "safe.bareRepository=explicit",
)
GIT_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_EXEC_PATH": "/dev/null",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}
