"""The file of a finding in the user's editor, at its line."""

import shlex
import subprocess
from pathlib import Path

from fixby.errors import UsageError
from fixby.finding import Location


def opening(editor: str, folder: Path, location: Location) -> list[str]:
    """The command that opens a location below a folder. Raises `UsageError` where there is none, or no such file."""
    file = (folder / location.path).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise UsageError(f"There is no file {location.path} below {folder}.", "Say by --path where the code lies.")
    return [*_command(editor), *_arguments(editor, file, location.line or 1)]


def edit(command: list[str]) -> str:
    """Run an editor on the terminal until it ends; what went wrong, for an exception would leave the screen away."""
    try:
        subprocess.run(command, check=False)  # noqa: S603 - no shell; the user names the editor, we the file
    except OSError as error:
        return f"{command[0]} cannot be started: {error.strerror}. {_HINT}"
    return ""


def _command(editor: str) -> list[str]:
    try:
        command = shlex.split(editor)
    except ValueError as error:
        raise UsageError(f"The editor {editor!r} has a quote that does not end.", _HINT) from error
    if not command:
        raise UsageError("No editor is named.", _HINT)
    return command


def _arguments(editor: str, file: Path, line: int) -> list[str]:
    """How a program takes a file and its line: most as vi does."""
    program = Path(_command(editor)[0]).name
    if program in _GO_TO:
        return ["--goto", f"{file}:{line}"]
    return [f"{file}:{line}"] if program in _COLON else [f"+{line}", str(file)]


_HINT = "Set the variable VISUAL or EDITOR."
_GO_TO = frozenset({"code", "codium", "cursor"})
_COLON = frozenset({"hx", "helix", "subl", "zed"})
