"""`package-lock.json` and `npm-shrinkwrap.json` of npm, versions 1, 2 and 3.

The packages of the repository itself (its root, workspaces, links to folders) are no dependencies and are passed over.
"""

import re
from collections.abc import Iterator
from itertools import chain

from fixby.errors import ReportError
from fixby.scanners.lockfiles.lockfile import ELSEWHERE, UNNAMED, Item, Package, Unread, json_of, lines_of_keys
from fixby.scanners.report import Record, as_record, child, has, number, optional_text

MOST_LEVELS = 200


def read(content: bytes) -> Iterator[Item]:
    """What the lock file says. Raises `ReportError` with the position."""
    lock = json_of(content)
    lines = lines_of_keys(content)
    match number(lock, "lockfileVersion"):
        case 1:
            yield from _tree(lock, lines, 0)
        case 2 | 3:
            packages = child(lock, "packages")
            entries = ((path, as_record(entry, f"`{path}`")) for path, entry in packages.items())
            yield from chain.from_iterable(_installed(path, entry, lines.get(path)) for path, entry in entries)
        case other:
            raise ReportError(f"`lockfileVersion` {other} is none of 1, 2 and 3")


def _installed(path: str, entry: Record, line: int | None) -> Iterator[Item]:
    """An entry by its folder: below `node_modules` a dependency, anywhere else the repository's own."""
    _, installed, name = path.rpartition("node_modules/")
    if installed and entry.get("link") is not True:
        yield _package(optional_text(entry, "name") or name, entry, line)


def _tree(node: Record, lines: dict[str, int], depth: int) -> Iterator[Item]:
    if depth > MOST_LEVELS:
        raise ReportError("`dependencies` are nested too deeply")
    for name, value in (child(node, "dependencies") if has(node, "dependencies") else {}).items():
        entry = as_record(value, f"`{name}`")
        alias, _, version = optional_text(entry, "version").removeprefix("npm:").rpartition("@")
        if alias and optional_text(entry, "version").startswith("npm:"):
            yield _package(alias, {**entry, "version": version}, lines.get(name))
        elif not optional_text(entry, "version").startswith("file:"):
            yield _package(name, entry, lines.get(name))
        yield from _tree(entry, lines, depth + 1)


def _package(name: str, entry: Record, line: int | None) -> Item:
    version, origin = optional_text(entry, "version"), entry.get("resolved")
    if not name or not version:
        return Unread(name, UNNAMED)
    if ":" in version or "/" in version or (isinstance(origin, str) and not _OF_A_REGISTRY.match(origin)):
        return Unread(name, ELSEWHERE)
    return Package("npm", name, version, line)


_OF_A_REGISTRY = re.compile(r"https://npm\.pkg\.github\.com/download/|https?://.*/-/")
