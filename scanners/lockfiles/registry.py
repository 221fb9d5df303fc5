"""The formats of lock files and bills of materials, by names of files. To add one: write its module, name it here."""

import posixpath
from collections.abc import Iterable
from importlib import import_module
from typing import Protocol, cast

from fixby.errors import ReportError
from fixby.scanners.lockfiles.lockfile import Item

LARGEST = 64 * 2**20
"""Bytes; the largest lock files of real projects have a third of that."""

_MODULES = {
    "Cargo.lock": "cargo",
    "Gemfile.lock": "gems",
    "bom.json": "bom",
    "buildscript-gradle.lockfile": "gradle",
    "composer.lock": "composer",
    "gems.locked": "gems",
    "go.mod": "go",
    "gradle.lockfile": "gradle",
    "npm-shrinkwrap.json": "npm",
    "package-lock.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
}


def is_read(path: str) -> bool:
    """Whether a file of this path is a lock file or a bill of materials that is read here."""
    return _module(path) is not None


def is_bill(path: str) -> bool:
    """Whether a file of this path is a bill of materials."""
    return _module(path) == "bom"


def read(path: str, content: bytes) -> list[Item]:
    """The packages that a file of this path names, which `is_read`.

    Raises `ReportError` with the position of what cannot be read.
    """
    if len(content) > LARGEST:
        raise ReportError(f"it is larger than {LARGEST} bytes, which no lock file is")
    return list(cast("_Format", import_module(f"fixby.scanners.lockfiles.{_module(path)}")).read(content))


def purl_type(path: str) -> str:
    """What package URLs call the packages of a lock file of this path; empty for bills, which name any type."""
    return _PURL_TYPES.get(_module(path) or "", "")


_PURL_TYPES = {
    "cargo": "cargo",
    "composer": "composer",
    "gems": "gem",
    "go": "golang",
    "gradle": "maven",
    "npm": "npm",
    "pnpm": "npm",
    "yarn": "npm",
}


class _Format(Protocol):
    def read(self, content: bytes) -> Iterable[Item]: ...


def _module(path: str) -> str | None:
    name = posixpath.basename(path)
    return "bom" if name.endswith(_BILLS) else _MODULES.get(name)


_BILLS = (".cdx.json", ".spdx.json")
