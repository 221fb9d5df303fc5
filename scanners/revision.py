"""The files of a commit, written into a private folder: what git has, not what its filters or attributes make of it.

Nothing that the checkout configures is run, and nothing is fetched. What git does not have is taken from the working
tree where it is certainly the same, and named where it is not: submodules, and files that LFS keeps.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from fixby.errors import FetchError
from fixby.scanners.process import Limits, run
from fixby.scanners.scanner import Command, Finished, Target
from fixby.scanners.target import GIT_ENVIRONMENT, git


@dataclass(frozen=True, slots=True)
class Base:
    """A commit that others are compared with; `asked` is what the caller called it.

    `is_ancestor` says that it is where the present commit branched off: what others did since counts for nothing.
    """

    asked: str
    commit: str
    is_ancestor: bool


@dataclass(slots=True)
class Exported:
    """What was written: the paths of the files, and by path what could not be and why."""

    paths: list[str] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)


def top_of(path: Path) -> Path | None:
    """The top folder of the checkout that a folder lies in, or None where there is none."""
    told = _asked(path, "rev-parse", "--show-toplevel")
    return None if _failed(told) else Path(os.fsdecode(told.report.rstrip(b"\n")))


def base(top: Path, revision: str) -> Base | None:
    """The commit that a revision names, or where the present one branched off from it; None where there is none."""
    commit = _commit(top, revision)
    if commit is None:
        return None
    fork = _asked(top, "merge-base", commit, "HEAD")
    if _failed(fork):
        return Base(revision, commit, is_ancestor=False)
    return Base(revision, fork.report.decode().strip(), is_ancestor=True)


def is_shallow(top: Path) -> bool:
    """Whether a checkout has not all of its history."""
    return _asked(top, "rev-parse", "--is-shallow-repository").report.startswith(b"true")


def export(top: Path, commit: str, folder: Path, present: Target) -> Exported:
    """Write the files of a commit into an empty folder; `present` are those of the working tree.

    Raises `FetchError` where the checkout does not have the contents of a file, or it cannot be written.
    """
    exported = Exported()
    waiting: list[tuple[str, str]] = []
    size = 0
    for entry in _entries(top, commit):
        if entry.mode == _SUBMODULE:
            _submodule(top, entry, folder, present, exported)
        elif entry.size > _LARGEST:
            exported.unknown[entry.path] = f"it has more than {_LARGEST} bytes"
        elif entry.mode in _REGULAR:
            waiting.append((entry.path, entry.object))
            size += entry.size
            if size > _BATCH:
                _write(top, waiting, folder, present, exported)
                waiting, size = [], 0
    _write(top, waiting, folder, present, exported)
    return exported


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a tree has at a path."""

    mode: str
    object: str
    size: int
    path: str


_REGULAR = ("100644", "100755")
_SUBMODULE = "160000"
_LARGEST = 2**28
_BATCH = 2**26
_LIMITS = Limits(seconds=600, memory_bytes=4 * 2**30, output_bytes=2**30)
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")
_LONGEST_POINTER = 1024


def _commit(top: Path, revision: str) -> str | None:
    told = _asked(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return None if _failed(told) else told.report.decode().strip()


def _entries(top: Path, commit: str) -> Iterator[_Entry]:
    told = _asked(top, "ls-tree", "-r", "-z", "--long", "--full-tree", commit)
    if _failed(told):
        raise _missing(commit)
    for line in filter(None, told.report.split(b"\0")):
        about, _, path = line.partition(b"\t")
        mode, _, object_, size = about.decode().split()
        if _is_safe(name := os.fsdecode(path)):
            yield _Entry(mode, object_, int(size) if size.isdecimal() else 0, name)


def _is_safe(path: str) -> bool:
    """Whether a path leads nowhere but below the folder that it is told from."""
    parts = path.split("/")
    return not any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)


def _write(top: Path, waiting: Sequence[tuple[str, str]], folder: Path, present: Target, exported: Exported) -> None:
    for (path, _), content in zip(waiting, _contents(top, [object_ for _, object_ in waiting]), strict=True):
        kept = _POINTER.match(content) if len(content) < _LONGEST_POINTER else None
        here = present.files.get(path)
        if kept is None or here is None or _is_pointer(present.root / path):
            _put(folder / path, content)
        elif here.digest == kept[1].decode():
            _put(folder / path, (present.root / path).read_bytes())
        else:
            exported.unknown[path] = "git has a pointer of LFS only, and the file was changed"
            continue
        exported.paths.append(path)


def _is_pointer(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(_POINTER.match(file.read(_LONGEST_POINTER)))
    except OSError:
        return False


def _submodule(top: Path, entry: _Entry, folder: Path, present: Target, exported: Exported) -> None:
    """Take a submodule's files from the working tree where the change leaves its commit alone."""
    below = [path for path in present.files if path.startswith(f"{entry.path}/")]
    if not below:
        return
    now = _asked(top / entry.path, "rev-parse", "--verify", "--quiet", "HEAD")
    if _failed(now) or now.report.decode().strip() != entry.object:
        exported.unknown[entry.path] = "it is a submodule that was changed"
        return
    for path in below:
        _put(folder / path, (present.root / path).read_bytes())
        exported.paths.append(path)


def _put(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        message = f"The base cannot be written out: {file.name}: {error.strerror}."
        raise FetchError(message, "Free some space, or compare with a folder: --diff FOLDER") from error


def _contents(top: Path, objects: Sequence[str]) -> Iterator[bytes]:
    if not objects:
        return
    told = _asked(top, "cat-file", "--batch", input_="".join(f"{name}\n" for name in objects).encode())
    if _failed(told):
        raise _missing(objects[0])
    at = 0
    for name in objects:
        end = told.report.find(b"\n", at)
        words = told.report[at:end].split()
        if end < 0 or words[1:2] != [b"blob"]:
            raise _missing(name)
        at = end + 1 + int(words[2])
        yield told.report[end + 1 : at]
        at += 1


def _missing(name: str) -> FetchError:
    return FetchError(
        f"The checkout does not have the object {name[:12]} of the base.",
        "Fetch it: git fetch --refetch --no-filter origin",
    )


def _failed(finished: Finished) -> bool:
    return bool(finished.failure) or finished.exit_code != 0


def _asked(folder: Path, *arguments: str, input_: bytes = b"") -> Finished:
    settings = ("-c", "safe.directory=*", "-c", "protocol.allow=never", "-c", "core.attributesFile=/dev/null")
    command = (*git(folder), *settings, "--literal-pathspecs", *arguments)
    with TemporaryDirectory(prefix="fixby-") as empty:
        return run(Command(command, (), Path(empty), environment=GIT_ENVIRONMENT, input=input_), _LIMITS)
