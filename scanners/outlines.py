"""The outlines of files (`fixby.outline`), made as they are asked for."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from fixby.outline import outline
from fixby.scanners.files import text_below


class Outlines(Mapping[str, bytes]):
    """The outlines of some files by path; `content` gives the text of one, or nothing."""

    def __init__(self, paths: Collection[str], content: Callable[[str], str]) -> None:
        self._paths = paths
        self._content = content
        self._made: dict[str, bytes] = {}

    def __getitem__(self, path: str) -> bytes:
        if path not in self._paths:
            raise KeyError(path)
        if path not in self._made:
            self._made[path] = outline(text) if (text := self._content(path)) else b""
        return self._made[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def outlines_below(root: Path, paths: Collection[str]) -> Outlines:
    """The outlines of those of the files that a report names that are in a folder."""
    return Outlines(paths, lambda path: text_below(root, path))
