"""Which line of one version became which of the next, as git's diff of the two trees has it."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Hunk:
    """So many lines of the old file from a line on, replaced by so many of the new one."""

    old: int
    old_count: int
    new: int
    new_count: int


@dataclass(slots=True)
class Difference:
    """`moved` has the new path of each file that was renamed, `gone` those that were deleted, both by old path."""

    hunks: dict[str, list[Hunk]] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def path(self, old: str) -> str:
        """What a file is called now; for one that was deleted, what it was called."""
        return self.moved.get(old, old)

    def line(self, old: str, number: int) -> int | None:
        """Where a line of an old file stands now, or None where it was deleted."""
        deleted = old in self.gone or self.hunk(old, number) is not None
        return None if deleted else self.about(old, number)

    def about(self, old: str, number: int) -> int:
        """About where a line of an old file would stand now, be it deleted or not."""
        before = (hunk for hunk in self.hunks.get(old, ()) if hunk.old + max(hunk.old_count - 1, 0) < number)
        return number + sum(hunk.new_count - hunk.old_count for hunk in before)

    def hunk(self, old: str, number: int) -> Hunk | None:
        """What replaced a line of an old file, or None where it was not replaced."""
        some = self.hunks.get(old, ())
        return next((hunk for hunk in some if hunk.old <= number < hunk.old + hunk.old_count), None)


def difference(old: Path, new: Path, algorithm: str) -> Difference:
    """The difference of two folders beside one another, white space within lines set aside.

    `algorithm` is one of git's: `histogram`, `myers`, `minimal` or `patience`. Raises `CalledProcessError`.
    """
    ran = subprocess.run(
        ("git", *_SETTINGS, "diff", *_OPTIONS, f"--diff-algorithm={algorithm}", "--", old.name, new.name),
        cwd=old.parent,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        stdout=subprocess.PIPE,
        check=False,
    )
    if ran.returncode not in _ENDED_WELL:
        ran.check_returncode()
    text = ran.stdout.decode("utf-8", "replace").split("\n")
    return _parsed([line for line in text if not line.startswith("\\ ")])


_ENDED_WELL = (0, 1)
_SETTINGS = ("-c", "core.quotePath=false")
_OPTIONS = ("--no-index", "--find-renames", "-l0", "-w", "-U0", "--text", "--no-color", "--no-ext-diff")

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def _parsed(text: Sequence[str]) -> Difference:
    parsed = Difference()
    path, renamed = "", ""
    for line in _headers(text):
        word, _, rest = line.partition(" ")
        if word == "---" and rest != "/dev/null":
            path = _below(rest)
        elif word == "+++" and rest == "/dev/null":
            parsed.gone.add(path)
        elif line.startswith("rename from "):
            renamed = _below(f"a/{line.removeprefix('rename from ')}")
        elif line.startswith("rename to "):
            parsed.moved[renamed] = _below(f"b/{line.removeprefix('rename to ')}")
        elif (match := _HUNK.match(line)) and path:
            parsed.hunks.setdefault(path, []).append(_hunk(match))
        elif word == "diff":
            path = ""
    return parsed


def _headers(text: Sequence[str]) -> Iterator[str]:
    """The lines that are not content."""
    number = 0
    while number < len(text):
        yield text[number]
        if match := _HUNK.match(text[number]):
            hunk = _hunk(match)
            number += hunk.old_count + hunk.new_count
        number += 1


def _hunk(match: re.Match[str]) -> Hunk:
    old, old_count, new, new_count = match.groups()
    return Hunk(int(old), int(old_count or 1), int(new), int(new_count or 1))


def _below(name: str) -> str:
    """The path below a version's folder: `a/folder/path` without its first two parts."""
    return name.rstrip("\t").split("/", 2)[2]
