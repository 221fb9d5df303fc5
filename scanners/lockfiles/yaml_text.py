"""YAML as lock files use it: mappings, lists and texts. Nothing is executed, referred to, or nested without end."""

import yaml

from fixby.errors import ReportError
from fixby.scanners.lockfiles.lockfile import decoded
from fixby.scanners.report import Record

MOST_LEVELS = 32
"""Lock files have six or so."""


def documents(content: bytes) -> tuple[list[Record], dict[str, int]]:
    """The mappings that the documents of a YAML file are, all scalars as texts, and the first line of each key.

    Anchors are refused: no lock file has them, and a few lines of them grow without bound. Raises `ReportError` with
    the line for that, for what is no YAML, for a key that stands twice, and for what is nested too deeply.
    """
    building = _Building([], {})
    try:
        for event in yaml.parse(decoded(content), Loader=_LOADER):
            building.take(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ReportError(f"line {line}: no YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ReportError(f"no YAML: {str(error).splitlines()[0]}") from error
    return building.found, building.lines


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Building:
    """The documents so far, and the nodes not closed yet, outermost first, each with the key that it waits to fill."""

    def __init__(self, found: list[Record], lines: dict[str, int]) -> None:
        self.found = found
        self.lines = lines
        self.open: list[Record | list[object]] = []
        self.keys: list[str | None] = []

    def take(self, event: yaml.Event) -> None:
        """One event of the parser. Raises `ReportError`."""
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ReportError(f"line {line}: anchors are not for lock files")
        match event:
            case yaml.ScalarEvent():
                self._put(event.value, line)
            case yaml.MappingStartEvent():
                self._enter({}, line)
            case yaml.SequenceStartEvent():
                self._enter([], line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.open.pop()
                self.keys.pop()
            case _:
                pass

    def _enter(self, node: Record | list[object], line: int) -> None:
        if len(self.open) >= MOST_LEVELS:
            raise ReportError(f"line {line}: nested too deeply")
        if self.open:
            self._put(node, line)
        elif isinstance(node, dict):
            self.found.append(node)
        else:
            raise ReportError(f"line {line}: expected a mapping")
        self.open.append(node)
        self.keys.append(None)

    def _put(self, value: object, line: int) -> None:
        """A value where the innermost open node waits for one; a text may be the key of what comes next."""
        if not self.open:
            raise ReportError(f"line {line}: expected a mapping")
        node, key = self.open[-1], self.keys[-1]
        if isinstance(node, list):
            node.append(value)
        elif key is not None:
            node[key] = value
            self.keys[-1] = None
        elif not isinstance(value, str) or value in node:
            raise ReportError(f"line {line}: expected a key that does not stand there already")
        else:
            self.keys[-1] = value
            self.lines.setdefault(value, line)
