"""The outlines of files (`fixby.outline`), made as they are asked for."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from fixby.outline import outline
from fixby.scanners.files import open_regular


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
    real = Path(os.path.realpath(root))
    return Outlines(paths, lambda path: _text_of(real, path))


def _text_of(root: Path, path: str) -> str:
    file = os.path.realpath(root / path)
    if path.startswith("/") or not Path(file).is_relative_to(root):
        return ""
    try:
        with open_regular(file) as stream:
            content = stream.read(_LARGEST + 1)
    except (OSError, ValueError):
        return ""
    return content.decode("utf-8", "replace").replace("\r\n", "\n") if len(content) <= _LARGEST else ""


_LARGEST = 1 << 22
