"""Copies of the target's files, for tools that walk a folder by themselves: they see our list of files, and no more."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from fixby.scanners.files import open_regular


def copied(root: Path, files: Iterable[str], folder: Path, comments: re.Pattern[bytes] | None = None) -> dict[str, str]:
    """Copy files below a root into a folder, and say of each that could not be copied why.

    In every match of `comments` a colon becomes an underscore: the tool does not obey the comment, and every line and
    column stays where it is. Links are not followed, whatever became of the file since it was listed.
    """
    unread = {}
    for path in files:
        try:
            _copy(root, path, folder / path, comments)
        except OSError as error:
            unread[path] = f"cannot be read: {error.strerror or error}"
    return unread


_PART = 1 << 22


def _copy(root: Path, path: str, copy: Path, comments: re.Pattern[bytes] | None) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    with open_regular(_without_links(root, path)) as source, copy.open("xb") as goal:
        first = source.read(_PART)
        if comments:
            first = comments.sub(lambda match: match[0].replace(b":", b"_"), first)
        while first:
            goal.write(first)
            first = source.read(_PART)


def _without_links(root: Path, path: str) -> str:
    """The path, if no link leads out of the root on the way to it. Raises `OSError`."""
    file = os.path.join(root, path)  # noqa: PTH118 - joined as text: a name may hold anything
    if os.path.realpath(os.path.dirname(file)) != os.path.dirname(os.path.abspath(file)):  # noqa: PTH100, PTH120
        raise OSError("a folder above it became a link")
    return file
