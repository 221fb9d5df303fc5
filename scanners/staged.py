"""What the next commit would change: the index of a checkout compared with HEAD, as git has both.

The working tree has no say: what is not staged is not there, and what is staged counts though the file is gone.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fixby.errors import FetchError, UsageError
from fixby.scanners.revision import Entry, asked, commit_of, failed, missing


@dataclass(frozen=True, slots=True)
class Staged:
    """What HEAD and the index have at the paths where they differ, told from the top folder.

    `commit` is that of HEAD, None where nothing was ever committed. A file that was renamed is in `before` under its
    old name and in `now` under its new one.
    """

    commit: str | None
    before: Sequence[Entry]
    now: Sequence[Entry]


def staged(top: Path, index: Path | None = None) -> Staged:
    """What is staged in a checkout; `index` is the file to look into, if not the usual one.

    While a merge is to be committed, files that are as the other side has them are left out: they were committed there.
    Raises `UsageError` for conflicts that nobody resolved, and `FetchError` where the checkout is damaged.
    """
    commit = commit_of(top, "HEAD")
    changes = list(_changes(top, commit or _empty_tree(top), index))
    if conflict := next((change.path for change in changes if change.is_conflict), None):
        raise UsageError(f"{conflict} has conflicts that were not resolved.", "Resolve them, and stage it: git add")
    if merged := commit_of(top, "MERGE_HEAD"):
        ours = {change.path for change in _changes(top, merged, index)}
        changes = [change for change in changes if change.path in ours or not change.now]
    before = [change.before for change in changes if change.before]
    sized = _sized(top, [*before, *(change.now for change in changes if change.now)])
    return Staged(commit, sized[: len(before)], sized[len(before) :])


@dataclass(frozen=True, slots=True)
class _Change:
    """What a tree and the index have at a path; None where they have nothing."""

    path: str
    before: Entry | None
    now: Entry | None
    is_conflict: bool


_NOTHING = "000000"
_DIFFERENCES = ("diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--ignore-submodules=none")


def _changes(top: Path, tree: str, index: Path | None) -> Iterator[_Change]:
    """The differences as git's raw format has them: `:MODE MODE OBJECT OBJECT STATUS`, and the path."""
    told = asked(top, *_DIFFERENCES, tree, index=index)
    if failed(told):
        raise FetchError("Git cannot say what is staged.", f"Mend the checkout; git says: {told.errors.strip()}")
    parts = iter(told.report.split(b"\0"))
    for about, name in zip(parts, parts, strict=False):
        old_mode, new_mode, old, new, status = about.decode().removeprefix(":").split()
        path = os.fsdecode(name)
        before, now = (
            Entry(mode, object_, 0, path) if mode != _NOTHING else None
            for mode, object_ in ((old_mode, old), (new_mode, new))
        )
        yield _Change(path, before, now, is_conflict=status == "U")


def _empty_tree(top: Path) -> str:
    """The name of a tree that has nothing in it, by the hash that the repository uses; git knows it unwritten."""
    return asked(top, "hash-object", "-t", "tree", "--stdin").report.decode().strip()


def _sized(top: Path, entries: Sequence[Entry]) -> list[Entry]:
    """The entries with the sizes of their files."""
    objects = list(dict.fromkeys(entry.object for entry in entries if entry.is_file))
    if not objects:
        return list(entries)
    told = asked(top, "cat-file", "--batch-check=%(objectsize)", input_="".join(f"{one}\n" for one in objects).encode())
    sizes = dict(zip(objects, told.report.decode().splitlines(), strict=False))
    for name in objects:
        if not sizes.get(name, "").isdecimal():
            raise missing(name)
    return [replace(one, size=int(sizes[one.object])) if one.is_file else one for one in entries]
