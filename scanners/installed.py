"""Tools that are not ours to install: found on the PATH, refused where a release is malicious; and their data."""

import mmap
import os
import re
import shutil
import sys
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from fixby.errors import UsageError
from fixby.scanners.files import open_regular


def found(name: str) -> Path | None:
    """The program of that name on the PATH, of whose folders only those count that are told from the root."""
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder).is_absolute()]
    program = shutil.which(name, path=os.pathsep.join(folders))
    return Path(program) if program else None


def program(name: str, denied: Collection[str] = (), stamp: str = "") -> str:
    """The program of that name. Raises `UsageError` where there is none, or its file says that it is a denied version.

    The file is read, not run: `stamp` is what stands before the version in it, as Go's linker writes it there. A file
    that does not say its version is let through; ask `refuse` about what it then says itself.
    """
    path = found(name)
    if path is None:
        raise UsageError(f"{name} is not installed.", f"Put {name} on the PATH; Fixby does not bring it.")
    if stamp:
        status = path.stat()
        for version in _stamped(str(path.resolve()), stamp, status.st_mtime_ns, status.st_size):
            refuse(name, version, denied)
    return str(path)


def refuse(name: str, version: str, denied: Collection[str]) -> None:
    """Raise `UsageError` for a version that is denied."""
    if version.removeprefix("v") in denied:
        raise UsageError(
            f"{name} {version} is refused: this release was malicious, and is not run.",
            "Remove it, change every secret that it could read, and install another version.",
        )


def data(inner: str, variable: str) -> Path:
    """Where a tool keeps its data for the user: where a variable says, else below the user's folder for caches."""
    if named := os.environ.get(variable):
        return Path(named).absolute()
    usual = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / usual) / inner


@lru_cache(maxsize=16)
def _stamped(path: str, stamp: str, modified: int, size: int) -> tuple[str, ...]:  # noqa: ARG001 - a changed file
    """The versions that stand behind a stamp in a file; none where it cannot be read or is empty."""
    pattern = re.compile(re.escape(stamp).encode() + rb"v?(\d+\.\d+\.\d+)")
    try:
        with open_regular(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return tuple(sorted({match[1].decode() for match in pattern.finditer(content)}))
    except (OSError, ValueError):
        return ()
