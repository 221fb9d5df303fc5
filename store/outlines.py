"""The outlines of the files in which open findings stand (`fixby.outline`), by their digests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fixby.recognition import outline_digest
from fixby.store.database import Database


@dataclass(slots=True)
class Outlines:
    """The outlines of a scan's files; `named` are those that were asked for."""

    by_path: Mapping[str, bytes]
    named: dict[str, bytes] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def digest(self, path: str) -> str:
        """The digest of a file's outline, or nothing where the file was not at hand."""
        if path not in self._digests:
            outline = self.by_path.get(path, b"")
            self._digests[path] = digest = outline_digest(outline)
            if outline:
                self.named[digest] = outline
        return self._digests[path]


def keep(database: Database, named: Mapping[str, bytes]) -> None:
    """Keep outlines, and of all those only in whose files open findings were last seen."""
    if not named:
        return
    known = {str(digest) for (digest,) in database.run("SELECT digest FROM outline")}
    new = ((digest, body) for digest, body in named.items() if digest not in known)
    database.insert("outline", ("digest", "body"), new)
    database.run(f"DELETE FROM outline WHERE digest NOT IN ({_IN_USE})")


_IN_USE = "SELECT outline FROM sighting WHERE presence <> 'gone' AND outline <> ''"


def load(database: Database, digest: str) -> bytes:
    """The outline of a digest, or nothing where there is none."""
    rows: Any = database.run("SELECT body FROM outline WHERE digest = :digest", digest=digest) if digest else []
    return bytes(rows[0][0]) if rows else b""


def flaws(database: Database) -> Iterator[str]:
    """Sentences that say which outlines were changed or dropped."""
    for (digest,) in database.run(f"{_IN_USE} UNION SELECT digest FROM outline ORDER BY 1"):
        outline = load(database, str(digest))
        if outline_digest(outline) != digest:
            yield f"outline {digest!s} {'was changed' if outline else 'is missing'}"
