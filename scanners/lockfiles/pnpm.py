"""`pnpm-lock.yaml` of pnpm, versions 5, 6 and 9. Workspaces and links to folders are no dependencies."""

import re
from collections.abc import Iterator

from fixby.errors import ReportError
from fixby.scanners.lockfiles.lockfile import ELSEWHERE, Item, Package, Unread
from fixby.scanners.lockfiles.yaml_text import documents
from fixby.scanners.report import Record, as_record, child, has, optional_text, text


def read(content: bytes) -> Iterator[Item]:
    """What the lock file says. Raises `ReportError` with the line."""
    found, lines = documents(content)
    if not found:
        raise ReportError("it is empty")
    for lock in found:
        major = text(lock, "lockfileVersion").partition(".")[0]
        if major not in _KEYS:
            raise ReportError(f"`lockfileVersion` {major} is none of {', '.join(_KEYS)}")
        packages = child(lock, "packages") if has(lock, "packages") else {}
        for key, entry in packages.items():
            yield from _package(_KEYS[major].fullmatch(key), key, as_record(entry, f"`{key}`"), lines.get(key))


_NAME = r"(?P<name>(?:@[^/@]+/)?[^/@]+)"
_KEYS = {
    "5": re.compile(rf"/{_NAME}/(?P<version>\d[^/_()]*)(_.*)?"),
    "6": re.compile(rf"/{_NAME}@(?P<version>\d[^/()]*)(\(.*\))?"),
    "9": re.compile(rf"{_NAME}@(?P<version>\d[^/()]*)(\(.*\))?"),
}
"""How a key names its package, by the version of the format; what follows are the peers that it was resolved with."""


def _package(key: re.Match[str] | None, written: str, entry: Record, line: int | None) -> Iterator[Item]:
    resolution = child(entry, "resolution") if has(entry, "resolution") else {}
    if optional_text(resolution, "type") == "directory":
        return
    if key is None:
        yield Unread(optional_text(entry, "name") or written.partition("@")[0][:_LONGEST], ELSEWHERE)
    else:
        yield Package("npm", key["name"], key["version"], line)


_LONGEST = 200
