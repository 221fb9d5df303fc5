"""`fixby headers`: verify HTTPS, HSTS, CSP and the rest on live URLs, or on responses that were saved."""

from collections.abc import Sequence
from pathlib import Path

from fixby.cli.output import emit
from fixby.errors import ExitCode, UsageError
from fixby.headers import published, saved
from fixby.headers.judge import Judged, Look, judge


def run_saved(files: Sequence[Path], urls: Sequence[str], now: int, *, as_json: bool) -> int:
    """Judge saved responses; what curl printed came from the URL, if one is given."""
    if len(urls) > 1:
        raise UsageError("With --from, one URL says where the response came from.", "Give one, or none.")
    judged = [judge(Look(visit), now) for file in files for visit in saved.visits(_read(file), str(file), *urls)]
    return _told(judged, as_json=as_json)


def _told(judged: Sequence[Judged], *, as_json: bool) -> int:
    if as_json:
        emit(published.document(judged))
    return ExitCode.CANNOT_TELL if any(one.reasons for one in judged) else ExitCode.DONE


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
