"""Who wrote a line last, and when, as git knows it; nothing that the repository configures is run."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from fixby.finding import Location
from fixby.scanners.files import text_below
from fixby.scanners.process import capture
from fixby.scanners.scanner import Finished
from fixby.scanners.target import GIT_ENVIRONMENT, git


@dataclass(frozen=True, slots=True)
class Blamed:
    """The commit that wrote a line last: by whom, at which UTC second, and its first line.

    `is_oldest` says that the clone is a shallow one and ends there: an older commit may have written the line.
    """

    author: str
    email: str
    at: int
    commit: str
    summary: str
    is_oldest: bool = False


@dataclass(frozen=True, slots=True)
class Unblamed:
    """Nobody can be named, and why: a sentence."""

    reason: str


def blame(location: Location | None, root: Path) -> Blamed | Unblamed:
    """Who wrote the line of a location below a folder of a checkout, as far as the line is committed.

    What is committed is asked, never the file itself: for that git would run the filters that a repository configures.
    """
    if location is None or location.line is None:
        return Unblamed("The finding names no line.")
    here = _git(root, "rev-parse", "--is-shallow-repository", "HEAD")
    if here.failure or here.exit_code:
        return Unblamed(_NO_GIT if here.exit_code == _NOT_STARTED else _NO_COMMIT)
    committed = _git(root, "cat-file", "blob", f"HEAD:./{location.path}")
    if committed.failure or committed.exit_code:
        return Unblamed("The file is not committed.")
    number = _committed_line(location.line, text_below(root, location.path), _text(committed))
    if number is None:
        return Unblamed("The line is not committed.")
    told = _git(root, *_BLAME, f"-L{number},{number}", "HEAD", "--", location.path)
    if told.failure or told.exit_code:
        return Unblamed("Git cannot tell who wrote the line.")
    return _blamed(_text(told), is_shallow=here.report.startswith(b"true"))


_BLAME = ("blame", "--porcelain", "--no-textconv", "--no-ignore-revs-file")
_NOT_STARTED = 127
_NO_GIT = "Git is not installed."
_NO_COMMIT = "There is no git repository with a commit."
_LONGEST_CHANGE = 5000
_SETTINGS = (
    "safe.directory=*",
    "blame.markUnblamableLines=false",
    "core.attributesFile=/dev/null",
    "mailmap.file=/dev/null",
    "mailmap.blob=",
    "protocol.allow=never",
)


def _git(root: Path, *arguments: str) -> Finished:
    settings = (part for setting in _SETTINGS for part in ("-c", setting))
    return capture((*git(root), *settings, "--literal-pathspecs", *arguments), GIT_ENVIRONMENT)


def _text(finished: Finished) -> str:
    return finished.report.decode("utf-8", "replace").replace("\r\n", "\n")


def _committed_line(number: int, present: str, committed: str) -> int | None:
    """Which line of the committed file a line of the present one is; None for one that was changed or is not there."""
    now, then = present.removesuffix("\n").split("\n"), committed.removesuffix("\n").split("\n")
    if number > len(now) or not present:
        return None
    first = next((at for at, (one, other) in enumerate(zip(now, then, strict=False)) if one != other), None)
    if first is None:
        return number if number <= len(then) else None
    behind = zip(reversed(now[first:]), reversed(then[first:]), strict=False)
    last = next((at for at, (one, other) in enumerate(behind) if one != other), min(len(now), len(then)) - first)
    if number <= first:
        return number
    if number > len(now) - last:
        return number - len(now) + len(then)
    return _within(number - 1 - first, now[first : len(now) - last], then[first : len(then) - last], first)


def _within(at: int, now: list[str], then: list[str], first: int) -> int | None:
    """The same within the lines between the first and the last that differ; longer stretches count as changed."""
    if len(now) + len(then) > _LONGEST_CHANGE:
        return None
    blocks = SequenceMatcher(None, now, then, autojunk=False).get_matching_blocks()
    return next((first + b + at - a + 1 for a, b, size in blocks if a <= at < a + size), None)


def _blamed(porcelain: str, *, is_shallow: bool) -> Blamed:
    """What `git blame --porcelain` says of one line."""
    top, *lines = porcelain.split("\n")
    said = dict(line.partition(" ")[::2] for line in lines if not line.startswith("\t"))
    email = said.get("author-mail", "").removeprefix("<").removesuffix(">")
    at = int(said["author-time"]) if said.get("author-time", "").isdecimal() else 0
    is_oldest = is_shallow and "boundary" in said
    return Blamed(said.get("author", ""), email, at, top.partition(" ")[0], said.get("summary", ""), is_oldest)
