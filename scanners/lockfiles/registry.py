"""The formats of lock files and bills of materials that are read. To add one: write its module, name it here."""

import posixpath
from collections.abc import Iterable
from typing import Protocol

from fixby.errors import ReportError
from fixby.scanners.lockfiles import cargo, composer, gems, go, gradle, npm, pnpm, yarn
from fixby.scanners.lockfiles.lockfile import Item

LARGEST = 64 * 2**20
"""Bytes; the largest lock files of real projects have a third of that."""


class _Format(Protocol):
    @property
    def NAMES(self) -> tuple[str, ...]: ...  # noqa: N802 - a constant of the module
    def read(self, content: bytes) -> Iterable[Item]: ...


_FORMATS: tuple[_Format, ...] = (cargo, composer, gems, go, gradle, npm, pnpm, yarn)
_READERS = {name: module for module in _FORMATS for name in module.NAMES}


def is_read(path: str) -> bool:
    """Whether a file of this path is a lock file that is read here."""
    return posixpath.basename(path) in _READERS


def read(path: str, content: bytes) -> list[Item]:
    """The packages that a file of this path names. Raises `ReportError` with the position of what cannot be read."""
    if len(content) > LARGEST:
        raise ReportError(f"it is larger than {LARGEST} bytes, which no lock file is")
    return list(_READERS[posixpath.basename(path)].read(content))
