"""`Cargo.lock` of Cargo. Packages without a source are the workspace's own."""

from collections.abc import Iterator, Mapping
from functools import partial

from fixby.scanners.lockfiles.lockfile import ELSEWHERE, Item, Package, Unread, lines_of_names, toml_of
from fixby.scanners.report import Record, each, has, optional_text, text

_INDEXES = (
    "registry+https://github.com/rust-lang/crates.io-index",
    "registry+sparse+https://index.crates.io/",
    "sparse+https://index.crates.io/",
)


def read(content: bytes) -> Iterator[Item]:
    """What the lock file says. Raises `ReportError` with the position."""
    lock, lines = toml_of(content), lines_of_names(content)
    found = each(lock, "package", partial(_package, lines)) if has(lock, "package") else []
    yield from filter(None, found)


def _package(lines: Mapping[str, int], entry: Record) -> Item | None:
    name, version, source = text(entry, "name"), text(entry, "version"), optional_text(entry, "source")
    if source in _INDEXES:
        return Package("crates.io", name, version, lines.get(name))
    return Unread(name, ELSEWHERE) if source else None
