"""`yarn.lock` of Yarn 1 (a format of its own) and of Yarn 2 and later (YAML). Workspaces and links are passed over."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from fixby.errors import ReportError
from fixby.scanners.lockfiles.lockfile import ELSEWHERE, UNNAMED, Item, Package, Unread, decoded
from fixby.scanners.lockfiles.yaml_text import documents
from fixby.scanners.report import as_record, has, text


def read(content: bytes) -> Iterator[Item]:
    """What the lock file says. Raises `ReportError` with the line."""
    written = decoded(content)
    if re.search(r"^__metadata:", written, re.MULTILINE):
        yield from _modern(content)
    elif "# yarn lockfile v1" in written[:_HEAD]:
        yield from _classic(written)
    else:
        raise ReportError("line 1: expected `# yarn lockfile v1`, or `__metadata:` somewhere")


_HEAD = 500
_OWN = ("workspace:", "link:", "portal:")
_DESCRIPTOR = re.compile(r"(?P<name>(?:@[^/@]+/)?[^@]+)@(?P<range>.+)")


def _modern(content: bytes) -> Iterator[Item]:
    (lock, *more), lines = documents(content)
    if more:
        raise ReportError("expected one document of YAML")
    for key, value in lock.items():
        if key != "__metadata":
            entry = as_record(value, f"`{key}`")
            if not has(entry, "resolution"):
                raise ReportError(f"line {lines[key]}: expected a `resolution`")
            yield from _resolved(text(entry, "resolution"), lines.get(key))


def _resolved(resolution: str, line: int | None) -> Iterator[Item]:
    """`name@npm:1.0.0`, or a patch of that: `name@patch:name@npm%3A1.0.0#...`."""
    found = _DESCRIPTOR.fullmatch(resolution)
    if not found:
        yield Unread("", UNNAMED)
    elif found["range"].startswith("patch:"):
        yield from _resolved(unquote(found["range"].removeprefix("patch:").partition("#")[0]), line)
    elif found["range"].startswith("npm:"):
        yield Package("npm", found["name"], found["range"].removeprefix("npm:").partition("::")[0], line)
    elif not found["range"].startswith(_OWN):
        yield Unread(found["name"], ELSEWHERE)


def _classic(written: str) -> Iterator[Item]:
    """Entries begin at the margin with what was asked for, and have their version two spaces further in."""
    wanted, at = "", 0
    for number, line in enumerate(written.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            if wanted:
                raise ReportError(f"line {at}: expected a version of the package")
            wanted, at = _asked(line, number), number
        elif found := _VERSION.fullmatch(line):
            yield from _locked(wanted, found[1], at)
            wanted = ""
    if wanted:
        raise ReportError(f"line {at}: expected a version of the package")


_VERSION = re.compile(r'  version "([^"]+)"')


def _asked(line: str, number: int) -> str:
    """The first of the descriptors that an entry is for; all of them name the same package."""
    if not line.endswith(":"):
        raise ReportError(f"line {number}: expected what a package was asked for by, and a colon")
    return line[:-1].split(",", maxsplit=1)[0].strip().strip('"')


def _locked(wanted: str, version: str, line: int) -> Iterator[Item]:
    found = _DESCRIPTOR.fullmatch(wanted)
    if not found:
        yield Unread("", UNNAMED)
        return
    name, asked = found["name"], found["range"]
    if asked.startswith("npm:"):
        alias = _DESCRIPTOR.fullmatch(asked.removeprefix("npm:"))
        yield Package("npm", alias["name"] if alias else asked.removeprefix("npm:"), version, line)
    elif asked.startswith(_OWN):
        return
    elif "/" in asked or ":" in asked:
        yield Unread(name, ELSEWHERE)
    else:
        yield Package("npm", name, version, line)
