"""`composer.lock` of Composer. What comes from a path is the repository's own."""

from collections.abc import Iterator, Mapping
from functools import partial

from fixby.scanners.lockfiles.lockfile import Item, Package, Unread, json_of, lines_of_names
from fixby.scanners.report import Record, child, each, has, optional_text, text


def read(content: bytes) -> Iterator[Item]:
    """What the lock file says. Raises `ReportError` with the position."""
    lock, lines = json_of(content), lines_of_names(content)
    for group in ("packages", "packages-dev"):
        if group == "packages" or has(lock, group):
            yield from filter(None, each(lock, group, partial(_package, lines)))


def _package(lines: Mapping[str, int], entry: Record) -> Item | None:
    name, version = text(entry, "name"), text(entry, "version")
    dist = child(entry, "dist") if has(entry, "dist") else {}
    if optional_text(dist, "type") == "path":
        return None
    if version.startswith("dev-") or version.endswith("-dev"):
        return Unread(name, "is taken from a branch, which is no version")
    return Package("Packagist", name, version, lines.get(name))
