"""Who owns which files: `CODEOWNERS` as GitHub reads it (GitHub Docs, "About code owners").

The last line whose pattern matches a path says who owns it; one that names nobody makes it nobody's. Patterns are those
of gitignore without `!`, `[...]` and an escaped `#`; case matters. The sections of GitLab are not known here.
The time to match grows with the length of pattern times path and no faster, whatever a file that is not trusted says.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where the file may be, from the root of a repository; the first one that is there counts."""

LARGEST = 3 * 1024 * 1024
"""From how many bytes on such a file is not read."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line: what it matches, and the owners, such as `@ada`, `@shop/payments` or `ada@example.org`; perhaps none.

    The pattern has a part for each part of a path; None stands for any number of them.
    """

    pattern: tuple[re.Pattern[str] | None, ...]
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line, counted from 1, that says nothing, and why."""

    line: int
    problem: str


@dataclass(frozen=True, slots=True)
class Codeowners:
    """The lines of such a file, in order, and those among them that say nothing."""

    rules: tuple[Rule, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    def owners(self, path: str) -> tuple[str, ...]:
        """Who owns a file, by its path from the root of the repository; nobody for an empty path."""
        parts = path.split("/")
        matching = (rule.owners for rule in reversed(self.rules) if _matches(rule.pattern, parts))
        return next(matching, ()) if path else ()


@lru_cache(maxsize=64)
def parse(text: str) -> Codeowners:
    """The content of such a file. A line that GitHub would skip is a mistake, and the others count."""
    rules: list[Rule] = []
    mistakes: list[Mistake] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        pattern, *owners = _words(line) or ("",)
        if problem := _problem(pattern, owners):
            mistakes.append(Mistake(number, problem))
        elif pattern:
            rules.append(Rule(_compiled(pattern), tuple(dict.fromkeys(owners))))
    return Codeowners(tuple(rules), tuple(mistakes))


def _words(line: str) -> list[str]:
    """The words before a comment; a space after a backslash is part of its word."""
    words = re.findall(r"(?:\\\s|\S)+", line)
    end = next((number for number, word in enumerate(words) if word.startswith("#")), len(words))
    return words[:end]


def _problem(pattern: str, owners: Sequence[str]) -> str:
    if pattern.startswith("!"):
        return f"{pattern} begins with !, which turns nothing round here"
    if "[" in pattern or "]" in pattern:
        return f"{pattern} has brackets, which stand for nothing here"
    if pattern.startswith("\\#"):
        return f"{pattern} begins with \\#, which begins no pattern here"
    return next((f"{owner} is no @user, @organisation/team or e-mail address" for owner in _strangers(owners)), "")


def _strangers(owners: Sequence[str]) -> Iterator[str]:
    return (owner for owner in owners if not _OWNER.fullmatch(owner))


_OWNER = re.compile(r"@[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9_][\w.-]*)?|[^\s@]+@[^\s@]+\.[^\s@]+")


def _compiled(pattern: str) -> tuple[re.Pattern[str] | None, ...]:
    """With a `/` but at its end a pattern is told from the root; what it matches stands for all below it.

    But `docs/*` matches what is right in the folder and nothing below that, as GitHub has it.
    """
    names = [name for name in pattern.split("/") if name]
    parts = [None if name == "**" else _part(name) for name in names]
    if "/" not in pattern.rstrip("/"):
        parts.insert(0, None)
    if pattern.endswith("/") or names[-1:] == ["**"]:
        return (*parts, _ANYTHING, None)
    return tuple(parts) if len(names) > 1 and names[-1] == "*" else (*parts, None)


@lru_cache(maxsize=4096)
def _part(name: str) -> re.Pattern[str]:
    """A name in which `*` and `?` stand for others, and a backslash takes a sign as it is."""
    return re.compile(translate(re.sub(r"\\(.)", lambda quoted: _literal(quoted[1]), name)))


def _literal(sign: str) -> str:
    return f"[{sign}]" if sign in "*?" else sign


_ANYTHING = _part("*")


def _matches(pattern: Sequence[re.Pattern[str] | None], parts: Sequence[str]) -> bool:
    """Whether a pattern matches all parts of a path: after each None the rest is tried as early as possible."""
    at, tried, resume, begin = 0, 0, -1, 0
    while at < len(parts):
        part = pattern[tried] if tried < len(pattern) else _NEVER
        if part is None:
            resume, begin, tried = tried, at, tried + 1
        elif part.fullmatch(parts[at]):
            at, tried = at + 1, tried + 1
        elif resume >= 0:
            begin += 1
            at, tried = begin, resume + 1
        else:
            return False
    return all(part is None for part in pattern[tried:])


_NEVER = re.compile("(?!)")
