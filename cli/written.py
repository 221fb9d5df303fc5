"""Texts that go to standard output, or into files that the caller names."""

from pathlib import Path

from fixby.cli.output import emit, note, printable
from fixby.errors import UsageError


def deliver(text: str, file: Path | None) -> None:
    """Print a text, or write it to a file where one is named. Raises as `write` does."""
    if file is None:
        emit(text)
    else:
        write(file, f"{text}\n")


def write(file: Path, text: str) -> None:
    """Write a file and say so. Raises `UsageError` where it cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Name another file.") from error
    note(f"fixby: wrote {printable(file)}")
