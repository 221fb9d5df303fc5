"""What GitHub says of the event that started a run: its variables, and the payload in a file.

https://docs.github.com/en/webhooks/webhook-events-and-payloads describes the payloads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from fixby.errors import UsageError


@dataclass(frozen=True, slots=True)
class Event:
    """What a run is about.

    `base` is the commit that a change is to go into, empty where nothing is compared; `number` that of the pull
    request, 0 for none. `is_foreign` says that the change comes from another repository, whose runs may write nothing.
    `is_main` says that the run is of the branch whose findings are kept. `commit` is what GitHub has checked out.
    """

    name: str
    repository: str
    commit: str
    base: str = ""
    number: int = 0
    is_foreign: bool = False
    is_main: bool = False


def event(environment: Mapping[str, str]) -> Event:
    """The event of this run. Raises `UsageError` outside of GitHub's runner, and for `pull_request_target`."""
    if environment.get("GITHUB_ACTIONS") != "true":
        raise UsageError("This is for GitHub's runner only.", "Elsewhere: fixby scan --gate")
    name = environment.get("GITHUB_EVENT_NAME", "")
    payload = _payload(environment.get("GITHUB_EVENT_PATH", ""))
    repository, commit = environment.get("GITHUB_REPOSITORY", ""), environment.get("GITHUB_SHA", "")
    match name:
        case "pull_request":
            head = _text(payload, "pull_request", "head", "repo", "full_name")
            number = payload.get("number")
            return Event(
                name,
                repository,
                commit,
                base=_demanded(_text(payload, "pull_request", "base", "sha"), name),
                number=number if isinstance(number, int) else 0,
                is_foreign=head.lower() != repository.lower(),
            )
        case "merge_group":
            base = _demanded(_text(payload, "merge_group", "base_sha"), name)
            return Event(name, repository, commit, base=base)
        case "pull_request_target":
            raise UsageError(
                "On pull_request_target the base is checked out, not the change: there would be nothing to see.",
                "Use the event pull_request; it needs no secret.",
            )
        case _:
            main = _text(payload, "repository", "default_branch")
            is_main = environment.get("GITHUB_REF", "") == f"refs/heads/{main}" if main else name == "schedule"
            return Event(name, repository, commit, is_main=is_main)


def _payload(path: str) -> Any:  # noqa: ANN401 - JSON
    try:
        payload = orjson.loads(Path(path).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UsageError(f"The event's payload {path!r} cannot be read: {error}.") from error
    return payload if isinstance(payload, dict) else {}


def _text(document: object, *keys: str) -> str:
    """A text deep in a document; empty where it is not there."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, str) else ""


def _demanded(commit: str, name: str) -> str:
    if not commit:
        raise UsageError(f"The payload of {name} does not name the base.")
    return commit
