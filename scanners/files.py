"""Opening files of an untrusted tree."""

import errno
import os
import stat
from io import FileIO
from pathlib import Path


def open_regular(path: str | os.PathLike[str]) -> FileIO:
    """A regular file opened for reading, unbuffered; a link is not followed and a pipe does not make us wait.

    Only the last part of the path is guarded: the folders before it are the caller's to know. Raises `OSError`.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return FileIO(descriptor)
    os.close(descriptor)
    raise OSError(errno.EINVAL, "Not a regular file", os.fspath(path))


def text_below(root: Path, path: str) -> str:
    """The text of a regular file below a folder, lines ended by line feeds; empty where there is none.

    A link is followed as long as it stays below the folder. A file of more than 4 MiB counts as none.
    """
    try:
        real = os.path.realpath(root)
        file = os.path.realpath(os.path.join(real, path))  # noqa: PTH118 - joined as text: a name may hold anything
        if os.path.isabs(path) or os.path.commonpath([real, file]) != real:  # noqa: PTH117 - as above
            return ""
        with open_regular(file) as stream:
            content = stream.read(_LARGEST + 1)
    except (OSError, ValueError):
        return ""
    return content.decode("utf-8", "replace").replace("\r\n", "\n") if len(content) <= _LARGEST else ""


_LARGEST = 1 << 22
