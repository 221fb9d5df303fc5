"""The files of a commit, or of the index, written into a private folder: what git has, not what its filters make of it.

Nothing that the checkout configures is run, and nothing is fetched. What git does not have is taken from the working
tree where it is certainly the same, and named where it is not: submodules, and files that LFS keeps.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
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


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree or the index has at a path: the mode as git writes it, the object, and its size in bytes."""

    mode: str
    object: str
    size: int
    path: str

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file: no link and no submodule."""
        return self.mode in _REGULAR

    @property
    def is_submodule(self) -> bool:
        """Whether it is the commit of another repository."""
        return self.mode == _SUBMODULE


@dataclass(slots=True)
class Exported:
    """What was written: the paths of the files, and by path what could not be and why."""

    paths: list[str] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)


def top_of(path: Path) -> Path | None:
    """The top folder of the checkout that a folder lies in, or None where there is none."""
    told = asked(path, "rev-parse", "--show-toplevel")
    return None if failed(told) else Path(os.fsdecode(told.report.rstrip(b"\n")))


def base(top: Path, revision: str) -> Base | None:
    """The commit that a revision names, or where the present one branched off from it; None where there is none."""
    commit = commit_of(top, revision)
    if commit is None:
        return None
    fork = asked(top, "merge-base", commit, "HEAD")
    if failed(fork):
        return Base(revision, commit, is_ancestor=False)
    return Base(revision, fork.report.decode().strip(), is_ancestor=True)


def is_shallow(top: Path) -> bool:
    """Whether a checkout has not all of its history."""
    return asked(top, "rev-parse", "--is-shallow-repository").report.startswith(b"true")


def export(top: Path, commit: str, folder: Path, present: Target) -> Exported:
    """Write the files of a commit into an empty folder; `present` are those of the working tree.

    Raises `FetchError` where the checkout does not have the contents of a file, or it cannot be written.
    """
    return written(top, entries(top, commit), folder, present)


def written(top: Path, some: Iterable[Entry], folder: Path, present: Target) -> Exported:
    """Write files into a folder that has nothing at their paths. Raises as `export` does."""
    exported = Exported()
    waiting: list[tuple[str, str]] = []
    size = 0
    for entry in some:
        if entry.is_submodule:
            _submodule(top, entry, folder, present, exported)
        elif entry.size > _LARGEST:
            exported.unknown[entry.path] = f"it has more than {_LARGEST} bytes"
        elif entry.is_file:
            waiting.append((entry.path, entry.object))
            size += entry.size
            if size > _BATCH:
                _write(top, waiting, folder, present, exported)
                waiting, size = [], 0
    _write(top, waiting, folder, present, exported)
    return exported


def commit_of(top: Path, revision: str) -> str | None:
    """The commit that a revision names, or None where it names none that is here."""
    told = asked(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return None if failed(told) else told.report.decode().strip()


def entries(top: Path, commit: str, paths: Sequence[str] = ()) -> Iterator[Entry]:
    """What a commit has at these paths and below them; everything where none is given. Raises `FetchError`."""
    told = asked(top, "ls-tree", "-r", "-z", "--long", "--full-tree", commit, "--", *paths)
    if failed(told):
        raise missing(commit)
    for line in filter(None, told.report.split(b"\0")):
        about, _, path = line.partition(b"\t")
        mode, _, object_, size = about.decode().split()
        if is_safe(name := os.fsdecode(path)):
            yield Entry(mode, object_, int(size) if size.isdecimal() else 0, name)


def is_safe(path: str) -> bool:
    """Whether a path leads nowhere but below the folder that it is told from."""
    parts = path.split("/")
    return not any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)


def asked(folder: Path, *arguments: str, input_: bytes = b"", index: Path | None = None) -> Finished:
    """How a command of git ended that runs nothing that the checkout configures; `index` is one beside the usual."""
    settings = ("-c", "safe.directory=*", "-c", "protocol.allow=never", "-c", "core.attributesFile=/dev/null")
    command = (*git(folder), *settings, "--literal-pathspecs", *arguments)
    environment = GIT_ENVIRONMENT | ({"GIT_INDEX_FILE": str(index)} if index else {})
    with TemporaryDirectory(prefix="fixby-") as empty:
        return run(Command(command, (), Path(empty), environment=environment, input=input_), _LIMITS)


def failed(finished: Finished) -> bool:
    """Whether git did not do what it was asked to."""
    return bool(finished.failure) or finished.exit_code != 0


def missing(name: str) -> FetchError:
    """What to say of an object that is not here."""
    return FetchError(
        f"The checkout does not have the object {name[:12]}.",
        "Fetch it: git fetch --refetch --no-filter origin",
    )


_REGULAR = ("100644", "100755")
_SUBMODULE = "160000"
_LARGEST = 2**28
_BATCH = 2**26
_LIMITS = Limits(seconds=600, memory_bytes=4 * 2**30, output_bytes=2**30)
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")
_LONGEST_POINTER = 1024


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


def _submodule(top: Path, entry: Entry, folder: Path, present: Target, exported: Exported) -> None:
    """Take a submodule's files from the working tree where the change leaves its commit alone."""
    below = [path for path in present.files if path.startswith(f"{entry.path}/")]
    if not below:
        return
    now = asked(top / entry.path, "rev-parse", "--verify", "--quiet", "HEAD")
    if failed(now) or now.report.decode().strip() != entry.object:
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
        message = f"What git has cannot be written out: {file.name}: {error.strerror}."
        raise FetchError(message, "Free some space; or this file system cannot have a file of that name.") from error


def _contents(top: Path, objects: Sequence[str]) -> Iterator[bytes]:
    if not objects:
        return
    told = asked(top, "cat-file", "--batch", input_="".join(f"{name}\n" for name in objects).encode())
    if failed(told):
        raise missing(objects[0])
    at = 0
    for name in objects:
        end = told.report.find(b"\n", at)
        words = told.report[at:end].split()
        if end < 0 or words[1:2] != [b"blob"]:
            raise missing(name)
        at = end + 1 + int(words[2])
        yield told.report[end + 1 : at]
        at += 1
