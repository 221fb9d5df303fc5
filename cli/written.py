"""Files that commands write where the caller names them."""

from pathlib import Path

from fixby.cli.output import note, printable
from fixby.errors import UsageError


def write(file: Path, text: str) -> None:
    """Write a file and say so. Raises `UsageError` where it cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Name another file.") from error
    note(f"fixby: wrote {printable(file)}")
