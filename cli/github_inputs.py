"""The inputs of the action, as `action.yml` hands them over: variables that begin with `FIXBY_INPUT_`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fixby.cli.choice import choice
from fixby.errors import UsageError
from fixby.reports.github_comment import BOT


class FailOn(StrEnum):
    """What makes the step fail, besides errors and what nobody could look at."""

    GATE = "gate"
    """The gate's verdict."""
    ERROR = "error"
    """Nothing else: rulesets of code scanning decide about findings."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the workflow asked for. `settings` are variables that stand for inputs which are given.

    `store` is empty where findings are kept on the state branch. A variable holds its URL: a password may stand in it.
    """

    folder: Path
    scanners: tuple[str, ...]
    urls: tuple[str, ...]
    image: str
    store: str
    state_branch: str
    token: str
    author: str
    fail_on: FailOn
    initialise: bool
    annotate: bool
    comment: bool
    summary: bool
    settings: Mapping[str, str]


def inputs(environment: Mapping[str, str]) -> Inputs:
    """The inputs; one that is left at its default hides no variable. Raises `UsageError` for a value that is none."""

    def given(name: str) -> str:
        return environment.get(f"FIXBY_INPUT_{name}", "").strip()

    def switch(name: str, *, default: bool) -> bool:
        word = given(name).lower() or str(default).lower()
        if word not in ("true", "false"):
            raise UsageError(f"The input {_written(name)} is {word!r}.", "Write true or false.")
        return word == "true"

    settings = {variable: given(name) for name, variable in _SETTINGS.items()}
    return Inputs(
        folder=_folder(given("WORKING_DIRECTORY"), Path(environment.get("GITHUB_WORKSPACE", ""))),
        scanners=tuple(given("SCANNERS").replace(",", " ").split()),
        urls=tuple(given("URLS").split()),
        image=given("IMAGE"),
        store=given("STORE") or environment.get("FIXBY_STORE", ""),
        state_branch=given("STATE_BRANCH") or environment.get("FIXBY_STATE_BRANCH", ""),
        token=given("TOKEN"),
        author=given("COMMENT_AUTHOR") or BOT,
        fail_on=choice("fail-on", given("FAIL_ON") or FailOn.GATE, FailOn, "mode"),
        initialise=switch("INITIALISE", default=False),
        annotate=switch("ANNOTATIONS", default=True),
        comment=switch("COMMENT", default=True),
        summary=switch("SUMMARY", default=True),
        settings={name: value for name, value in settings.items() if value},
    )


_SETTINGS = {
    "CONFIG": "FIXBY_CONFIG",
    "POLICY": "FIXBY_POLICY",
    "ADVISORIES": "FIXBY_ADVISORIES",
    "STORE": "FIXBY_STORE",
    "STORE_KEY": "FIXBY_STORE_KEY",
    "TOKEN": "FIXBY_STATE_TOKEN",
}


def _written(name: str) -> str:
    return name.lower().replace("_", "-")


def _folder(name: str, workspace: Path) -> Path:
    folder = (workspace / (name or ".")).resolve()
    if not folder.is_dir() or not folder.is_relative_to(workspace.resolve()):
        raise UsageError(f"working-directory: there is no folder {name!r} in the checkout.", "Name one below it.")
    return folder
