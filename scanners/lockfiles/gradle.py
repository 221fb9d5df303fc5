"""`gradle.lockfile` of Gradle: one `group:artifact:version=configurations` a line."""

import re
from collections.abc import Iterator

from fixby.errors import ReportError
from fixby.scanners.lockfiles.lockfile import Item, Package, decoded

_ENTRY = re.compile(r"(?P<name>[^:=\s]+:[^:=\s]+):(?P<version>[^:=\s]+)=\S*")


def read(content: bytes) -> Iterator[Item]:
    """What the lock file says. Raises `ReportError` with the line."""
    for number, line in enumerate(decoded(content).splitlines(), 1):
        if not line.strip() or line.startswith(("#", "empty=")):
            continue
        found = _ENTRY.fullmatch(line.strip())
        if not found:
            raise ReportError(f"line {number}: expected `group:artifact:version=configurations`")
        yield Package("Maven", found["name"], found["version"], number)
