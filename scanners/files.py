"""Opening files of an untrusted tree."""

import errno
import os
import stat
from io import FileIO


def open_regular(path: str | os.PathLike[str]) -> FileIO:
    """A regular file opened for reading, unbuffered; a link is not followed and a pipe does not make us wait.

    Only the last part of the path is guarded: the folders before it are the caller's to know. Raises `OSError`.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return FileIO(descriptor)
    os.close(descriptor)
    raise OSError(errno.EINVAL, "Not a regular file", os.fspath(path))
