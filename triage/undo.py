"""What undoes a decision: another one, written down like any. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fixby.errors import UsageError


@dataclass(frozen=True, slots=True)
class Standing:
    """How a finding stands in what decisions change: `acceptances` counts those that wait or are valid."""

    assignee: str = ""
    tags: frozenset[str] = frozenset()
    acceptances: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A decision of some findings together: its name (`dismiss`), and what was answered to its questions, by field."""

    name: str
    ids: tuple[str, ...]
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """A decision that was made, and how each finding stood before it."""

    step: Step
    before: Mapping[str, Standing]


def undoing(done: Done, now: Mapping[str, Standing]) -> list[Step]:
    """The decisions that undo one, as each finding stands now. Raises `UsageError` where nothing can, and says why."""
    name, ids = done.step.name, done.step.ids
    if name in _LASTING:
        raise UsageError(_LASTING[name])
    if name == "dismiss":
        return [Step("reopen", ids, _REASON)]
    if name == "accept":
        return _unaccepted(ids, now)
    return _unassigned(done, now) if name == "assign" else _untagged(done, now)


_REASON = {"reason": "undone: it was a slip"}

_LASTING = {
    "comment": "A comment cannot be undone: it stands in the history. Write another.",
    "approve": "An approval cannot be undone: revoke the acceptance instead.",
    "revoke": "A revoked acceptance does not come back: ask for another.",
    "reopen": "What was reopened can be dismissed again, with a reason.",
}


def _unaccepted(ids: Sequence[str], now: Mapping[str, Standing]) -> list[Step]:
    for id_ in ids:
        if now[id_].acceptances > 1:
            raise UsageError(f"Another acceptance of {id_[:10]} would end as well: revoke, if that is meant.")
    return [Step("revoke", tuple(ids), _REASON)]


def _unassigned(done: Done, now: Mapping[str, Standing]) -> list[Step]:
    """Back to whom each was assigned; not where somebody assigned it anew since."""
    before: dict[str, list[str]] = {}
    for id_ in done.step.ids:
        if now[id_].assignee != done.step.answers["assignee"]:
            raise UsageError(f"{id_[:10]} was assigned anew since.")
        before.setdefault(done.before[id_].assignee, []).append(id_)
    return [Step("assign", tuple(ids), {"assignee": name}) for name, ids in before.items()]


def _untagged(done: Done, now: Mapping[str, Standing]) -> list[Step]:
    """Away with what each did not have, and back with what it had."""
    named = {name: frozenset(done.step.answers[name].split()) for name in ("add", "remove")}
    changes: dict[tuple[str, str], list[str]] = {}
    for id_ in done.step.ids:
        had = done.before[id_].tags
        back = (named["remove"] & had) - now[id_].tags
        away = (named["add"] - had) & now[id_].tags
        changes.setdefault((" ".join(sorted(back)), " ".join(sorted(away))), []).append(id_)
    return [
        Step("tag", tuple(ids), {"add": back, "remove": away}) for (back, away), ids in changes.items() if back or away
    ]
