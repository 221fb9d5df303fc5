"""`fixby policy`: what is in force, and what is wrong with a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fixby.cli import place as here
from fixby.cli.output import emit, note, printable
from fixby.cli.place import Place
from fixby.errors import ConfigurationError, ExitCode
from fixby.policies.policy import load
from fixby.reports import policy_text, published
from fixby.reports.plain import safe

if TYPE_CHECKING:
    from fixby.policies.policy import Policy


def run_show(place: Place, *, as_json: bool) -> None:
    """Show the policy that is in force for a place."""
    policy = here.policy(place.configuration())
    emit(published.written(policy_text.document(policy)) if as_json else "\n".join(policy_text.lines(policy)))


def run_check(files: Sequence[Path], *, as_json: bool) -> ExitCode:
    """Say of each file whether it is a policy, and what is wrong with it; exit 2 where one is none."""
    checked = [_checked(file) for file in files]
    if as_json:
        emit(published.written(_document(checked)))
    else:
        for one in checked:
            _tell(one)
    return ExitCode.USAGE if any(one.error for one in checked) else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file with the policy that it holds, or with what is wrong."""

    file: str
    policy: "Policy | None" = None
    error: ConfigurationError | None = None


def _checked(file: Path) -> _Checked:
    try:
        return _Checked(printable(file), policy=load(file))
    except ConfigurationError as error:
        return _Checked(printable(file), error=error)


def _tell(checked: _Checked) -> None:
    if checked.policy:
        emit(f"{safe(checked.file)}: {safe(checked.policy.name)} {checked.policy.digest}")
    if checked.error:
        note(f"fixby: {safe(checked.error.message)}\n       {safe(checked.error.hint)}")


def _document(checked: Sequence[_Checked]) -> published.Document:
    return {
        "schema": "fixby.policy_check/1",
        "files": [
            {
                "file": one.file,
                "name": one.policy.name if one.policy else None,
                "digest": one.policy.digest if one.policy else None,
                "problem": one.error.message if one.error else None,
                "hint": one.error.hint if one.error else None,
            }
            for one in checked
        ],
    }
