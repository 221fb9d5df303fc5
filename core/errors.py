"""The errors that Fixby foresees. `fixby.cli` alone turns them into text and an exit code.

FixbyError                 4  a bug, or a failure of the machine that nothing foresaw
├── UsageError             2  the caller asked for something that does not exist or makes no sense
│   └── ConfigurationError 2  a configuration or policy file is wrong, with file, line and key
├── ReportError            3  a scanner's report is damaged or of no known format
├── StoreError             3  the store cannot be read or written
├── FetchError             3  what others publish cannot be fetched
└── Interrupted          130  Ctrl-C, or the machine asked us to end
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the `fixby` command exits with."""

    DONE = 0
    GATE_FAILED = 1
    USAGE = 2
    CANNOT_TELL = 3
    INTERNAL = 4
    INTERRUPTED = 130


class FixbyError(Exception):
    """A failure with a sentence that says what is wrong and where, and a hint that says the mend."""

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(FixbyError):
    """The caller asked for something that does not exist or makes no sense."""

    exit_code = ExitCode.USAGE


class ConfigurationError(UsageError):
    """A configuration or policy file is wrong; the message names file, line and key."""


class ReportError(FixbyError):
    """A scanner's report is damaged or of no known format; the message says what was expected and where."""

    exit_code = ExitCode.CANNOT_TELL


class StoreError(FixbyError):
    """The store cannot be read or written as it is."""

    exit_code = ExitCode.CANNOT_TELL


class FetchError(FixbyError):
    """What others publish cannot be fetched; the message says from where."""

    exit_code = ExitCode.CANNOT_TELL


class Interrupted(FixbyError):  # noqa: N818 - not an error of anybody
    """Ctrl-C, or the machine asked us to end."""

    exit_code = ExitCode.INTERRUPTED
