"""Values that take long to make, kept in files."""

import pickle
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def kept(file: Path, make: Callable[[], T]) -> T:
    """The value in a file of the cache; where there is none yet it is made and stored."""
    if not file.exists():
        keep(file, make())
    value: T = load(file)
    return value


def load(file: Path) -> Any:  # noqa: ANN401 - whatever was stored
    """The value in a file."""
    return pickle.loads(file.read_bytes())  # noqa: S301 - we wrote it


def keep(file: Path, value: object) -> None:
    """Store a value; whoever is stopped halfway leaves nothing behind that could be taken for it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_bytes(pickle.dumps(value))
    part.rename(file)


def key(*parts: str | Path) -> str:
    """A short digest of texts and of the contents of files, such as the code that makes a value."""
    contents = [part.read_text() if isinstance(part, Path) else part for part in parts]
    return sha256("\n".join(contents).encode()).hexdigest()[:16]
