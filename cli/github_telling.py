"""Tells what came of a run: annotations in the log, the job's summary, the pull request's comment, the outputs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from fixby.cli import github_comments
from fixby.cli.github_comments import Api
from fixby.cli.github_event import Event
from fixby.cli.github_inputs import Inputs
from fixby.cli.output import emit
from fixby.errors import ExitCode, FetchError, UsageError
from fixby.reports.github import Told, counts
from fixby.reports.github_annotations import annotations, command
from fixby.reports.github_comment import body
from fixby.reports.github_summary import LARGEST_SUMMARY, summary


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a run, what the job is to end with, and the files that were written, if they were.

    Paths of findings begin at `folder`, which is empty or ends in `/`.
    """

    told: Told
    code: ExitCode = ExitCode.CANNOT_TELL
    wanted: Inputs | None = None
    sarif: Path | None = None
    report: Path | None = None
    folder: str = ""


@contextmanager
def commands_stopped() -> Iterator[None]:
    """Inside, nothing that is printed is a command to the runner; nor is it after an error that nobody foresaw."""
    word = token_hex(16)
    emit(f"::stop-commands::{word}", to_runner=True)
    yield
    emit(f"::{word}::", to_runner=True)


def tell(done: Done, about: Event | None, environment: Mapping[str, str]) -> None:
    """Tell of a run. Raises `UsageError` where the runner's files cannot be written."""
    wanted = done.wanted
    if wanted is None or wanted.annotate:
        for line in annotations(done.told, done.folder):
            emit(line, to_runner=True)
    if about and about.number and wanted and wanted.comment:
        _comment(done, about, wanted, environment)
    if wanted is None or wanted.summary:
        file = environment.get("GITHUB_STEP_SUMMARY", "")
        _append(file, summary(done.told, LARGEST_SUMMARY - 1 - _size(file)))
    _append(environment.get("GITHUB_OUTPUT", ""), "".join(f"{name}={value}\n" for name, value in _outputs(done, about)))


def _comment(done: Done, about: Event, wanted: Inputs, environment: Mapping[str, str]) -> None:
    """Write the comment; that it cannot be written is no failure of the run."""
    if about.is_foreign:
        emit(
            command("notice", "The change comes from a fork, whose runs write no comments: see the summary."),
            to_runner=True,
        )
        return
    if not wanted.token:
        emit(command("notice", "There is no token to write a comment with: see the summary."), to_runner=True)
        return
    api = Api(environment.get("GITHUB_API_URL", "https://api.github.com"), about.repository, wanted.token)
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    link = f"{server}/{about.repository}/actions/runs/{environment.get('GITHUB_RUN_ID', '')}"
    subject = environment.get("FIXBY_INPUT_WORKING_DIRECTORY", "") or "."
    try:
        github_comments.write(api, about.number, subject, wanted.author, body(done.told, subject, link))
    except FetchError as error:
        message = f"No comment was written: {error.message} It takes the permission pull-requests: write."
        emit(command("notice", message), to_runner=True)


def _outputs(done: Done, about: Event | None) -> Iterator[tuple[str, str]]:
    """The outputs of the step: small words, numbers and paths of our own making, one line each."""
    yield "verdict", str(done.told.judgement.verdict)
    yield "exit-code", str(int(done.code))
    yield from counts(done.told)
    yield "sarif-file", str(done.sarif or "")
    yield "report-file", str(done.report or "")
    yield "may-upload", str(bool(done.sarif) and not (about and about.is_foreign)).lower()


def _size(file: str) -> int:
    return Path(file).stat().st_size if file and Path(file).exists() else 0


def _append(file: str, text: str) -> None:
    try:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"The runner's file {file!r} cannot be written: {error.strerror}.") from error
