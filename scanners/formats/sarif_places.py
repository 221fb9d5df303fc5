"""Where the results of a SARIF run are: artifacts by index, bases of relative URIs, regions.

Paths are relative to the root of what was scanned. A base whose URI is absolute is taken for that root, so that it is
left out, unless it lies in another; of an absolute `file:` URI what lies below such a base, or below the working
directory of an invocation, is the path. Any other absolute path stays as it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fixby.errors import ReportError
from fixby.finding import Location
from fixby.scanners.formats.addresses import path, path_of_uri, tidy
from fixby.scanners.formats.fields import optional_child, optional_each, optional_items, optional_number
from fixby.scanners.formats.wording import clean
from fixby.scanners.report import HINT, LINES, Record, as_record, child, has, optional_text
from fixby.scanners.scanner import Source


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one run. `roots` are absolute paths with a `/` at the end, those that count most first."""

    source: Source
    artifacts: list[object]
    logical: list[object]
    bases: Mapping[str, str]
    roots: tuple[str, ...]
    known: dict[tuple[object, object, object], str] = field(default_factory=dict)

    def at(self, place: Record) -> Location | None:
        """The place that a `location` object is: in a file, else in what is no file; None where it names neither.

        Raises `ReportError`.
        """
        if has(place, "physicalLocation"):
            physical = child(place, "physicalLocation")
            name = self.path(child(physical, "artifactLocation")) if has(physical, "artifactLocation") else ""
            if name:
                return _in_file(name, optional_child(physical, "region"))
        return next(self._logical(place), None)

    def path(self, artifact: Record) -> str:
        """The path of an `artifactLocation`, or an empty one where it names none. Raises `ReportError`."""
        key = (artifact.get("uri"), artifact.get("uriBaseId"), artifact.get("index"))
        try:
            return self.known[key]
        except KeyError:
            self.known[key] = found = self._path(artifact)
            return found
        except TypeError as error:
            raise ReportError("expected a string at `uri` and `uriBaseId` and a number at `index`", HINT) from error

    def _path(self, artifact: Record) -> str:
        uri = optional_text(artifact, "uri").strip()
        if not uri:
            return self._of_artifact(artifact)
        name = path_of_uri(uri)
        if not name.startswith("/"):
            name = self.bases.get(optional_text(artifact, "uriBaseId"), "") + name
        return path(name[len(_first(self.roots, name)) :] or name, self.source)

    def _of_artifact(self, artifact: Record) -> str:
        """The path of the artifact of that index; of one in another, such as a file of an archive, below that."""
        names: list[str] = []
        index = optional_number(artifact, "index")
        while index is not None and index >= 0 and len(names) < _DEEP:
            one = _nth(self.artifacts, index, "artifacts")
            inner = optional_child(one, "location")
            names.append(self._path({**inner, "index": None}) if has(inner, "uri") else "")
            index = optional_number(one, "parentIndex")
        return "/".join(name.strip("/") if position else name for position, name in enumerate(reversed(names)) if name)

    def _logical(self, place: Record) -> Iterator[Location]:
        """What is no file and has a name: a function, a resource, an image."""
        for one in optional_each(place, "logicalLocations", lambda row: row):
            index = optional_number(one, "index")
            cached = _nth(self.logical, index, "logicalLocations") if index is not None and index >= 0 else {}
            names = (optional_text(row, key) for key in ("fullyQualifiedName", "name") for row in (one, cached))
            if name := next((name for name in names if name.strip()), ""):
                yield Location(clean(name.strip()))


def places_of(run: Record, source: Source) -> Places:
    """The places of a run. Raises `ReportError`."""
    given = optional_child(run, "originalUriBaseIds")
    found = {name: _base(given, name) for name in given}
    outermost: list[str] = []
    for root in sorted({root for root, _ in found.values() if root.strip("/")}, key=len):
        if not root.startswith(tuple(outermost)):
            outermost.append(root)
    bases = {name: root[len(_first(outermost, root)) :] + below for name, (root, below) in found.items()}
    folders = optional_each(run, "invocations", lambda row: optional_child(row, "workingDirectory"))
    working = {_folder(tidy(path_of_uri(optional_text(one, "uri").strip()))) for one in folders if has(one, "uri")}
    roots = (*outermost, *sorted(working - {"/", "./"}, key=len, reverse=True))
    artifacts, logical = optional_items(run, "artifacts"), optional_items(run, "logicalLocations")
    return Places(source, artifacts, logical, bases, roots)


_DEEP = 8


def _base(given: Record, name: str) -> tuple[str, str]:
    """The absolute URI under a base as a path, if there is one, and what the base itself adds to it."""
    below, seen = "", set()
    while name in given and name not in seen:
        seen.add(name)
        one = as_record(given[name], f"`{name}`")
        found = path_of_uri(optional_text(one, "uri").strip())
        if found.startswith("/") or found[1:2] == ":":
            return _folder(tidy(found)), below
        below = _folder(found) + below
        name = optional_text(one, "uriBaseId")
    return "", below


def _first(roots: Iterable[str], name: str) -> str:
    """The first of the roots below which a path is, or nothing."""
    return next((root for root in roots if name.startswith(root)), "")


def _folder(name: str) -> str:
    return name if not name or name.endswith("/") else f"{name}/"


def _in_file(name: str, region: Record) -> Location:
    if not region:
        return Location(name)
    line, end_line, column, end_column = (optional_number(region, key) for key in _REGION)
    if not line or not 1 <= line < LINES:
        return Location(name)
    last = max(min(end_line or line, LINES - 1), line)
    column = column if column and column > 0 else None
    after = end_column if column and end_column and (last > line or end_column > column) else None
    return Location(name, line, last, column, after)


_REGION = ("startLine", "endLine", "startColumn", "endColumn")


def _nth(values: list[object], index: int, key: str) -> Record:
    if index >= len(values):
        raise ReportError(f"expected an object at `{key}[{index}]`, found nothing", HINT)
    return as_record(values[index], f"`{key}[{index}]`")
