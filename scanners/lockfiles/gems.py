"""`Gemfile.lock` of Bundler. What comes from a path is the repository's own."""

import re
from collections.abc import Iterator

from fixby.errors import ReportError
from fixby.scanners.lockfiles.lockfile import ELSEWHERE, Item, Package, Unread, decoded

_SPEC = re.compile(r"    (?P<name>\S+) \((?P<version>[^()\s]+)\)")


def read(content: bytes) -> Iterator[Item]:
    """What the lock file says. Raises `ReportError` with the line."""
    section, specs, seen = "", False, False
    for number, line in enumerate(decoded(content).splitlines(), 1):
        if re.match(r"[<>=]{7}", line):
            raise ReportError(f"line {number}: a conflict is not resolved")
        if not line.startswith(" "):
            section, specs = line.strip(), False
            seen = seen or section in _SECTIONS
        elif line == "  specs:":
            specs = True
        elif specs and section in _SECTIONS and re.match(r" {4}\S", line):
            yield from _spec(section, line, number)
    if not seen:
        raise ReportError("expected a section `GEM`, `GIT` or `PATH`")


_SECTIONS = ("GEM", "GIT", "PATH", "PLUGIN SOURCE")


def _spec(section: str, line: str, number: int) -> Iterator[Item]:
    """A gem and its version; a platform after the version is no part of it."""
    found = _SPEC.fullmatch(line.rstrip().removesuffix("!"))
    if not found:
        raise ReportError(f"line {number}: expected a gem and its version")
    if section == "GEM":
        yield Package("RubyGems", found["name"], found["version"].partition("-")[0], number)
    elif section != "PATH":
        yield Unread(found["name"], ELSEWHERE)
