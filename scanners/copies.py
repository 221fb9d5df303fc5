"""Copies of the target's files, for tools that walk a folder by themselves: they see our list of files, and no more."""

import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from fixby.scanners.files import open_regular


def copied(root: Path, files: Iterable[str], folder: Path, comments: re.Pattern[bytes]) -> dict[str, str]:
    """Copy files below a root (resolved) into a folder, and say of each that could not be copied why.

    In every match of `comments` a colon becomes an underscore: the tool does not obey the comment, and every line and
    column stays where it is. Links are not followed, whatever became of the file since it was listed.
    """

    @cache
    def prepared(inner: str) -> str:
        """Make the copy of a folder; where it led out of the root, its files cannot be read."""
        (folder / inner).mkdir(parents=True, exist_ok=True)
        there = os.path.join(root, inner) if inner else str(root)  # noqa: PTH118 - joined as text: it may hold anything
        return "" if os.path.realpath(there) == there else "a folder above it became a link"

    unread = {}
    for path in files:
        try:
            reason = prepared(os.path.dirname(path))  # noqa: PTH120 - as above
            if not reason:
                _copy(f"{root}/{path}", f"{folder}/{path}", comments)
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            unread[path] = f"cannot be read: {reason}"
    return unread


_PART = 1 << 22
"""Bytes. Comments further down in a file than this are left as they are: no file of configuration is that long."""


def _copy(path: str, copy: str, comments: re.Pattern[bytes]) -> None:
    with open_regular(path) as source, open(copy, "xb") as goal:  # noqa: PTH123 - as above
        part = comments.sub(lambda match: match[0].replace(b":", b"_"), source.read(_PART))
        while part:
            goal.write(part)
            part = source.read(_PART)
