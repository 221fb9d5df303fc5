"""What can be decided on the screen: what each decision asks for, and what the store is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from fixby.decision import Acceptance, assignee, tag
from fixby.store import decisions
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.projection import Projector
from fixby.store.rows import load
from fixby.triage.undo import Done, Standing, Step, undoing


@dataclass(frozen=True, slots=True)
class Field:
    """A question of a form: `hint` says how it may be answered; without `needed` it may be left empty."""

    name: str
    title: str
    hint: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """What is decided about: findings of a store, by whom, and when a text says that an acceptance ends."""

    database: Database
    ids: Sequence[str]
    answers: Mapping[str, str]
    by: By
    until: Callable[[str, int], int]


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision: the sentence over its form, what is asked, and what it does; that says in words what came of it."""

    title: str
    fields: Sequence[Field]
    act: Callable[[Case], str]


def decide(step: Step, database: Database, by: By, until: Callable[[str, int], int]) -> tuple[Done, str]:
    """Decide of all findings of a step or of none: what was done, and in words. Raises `UsageError`."""
    before = standings(database, step.ids, by.now)
    said = CHOICES[step.name].act(Case(database, step.ids, step.answers, by, until))
    return Done(step, before), said


def undo(done: Done, database: Database, by: By, until: Callable[[str, int], int]) -> str:
    """Undo a decision by others, and say so. Raises `UsageError` where nothing undoes it."""
    for step in undoing(done, standings(database, done.step.ids, by.now)):
        CHOICES[step.name].act(Case(database, step.ids, step.answers, by, until))
    return f"undone: {done.step.name}"


def standings(database: Database, ids: Sequence[str], now: int) -> dict[str, Standing]:
    """How findings stand, by id; none for an id that the store does not know."""
    rows = load(database, ids)
    projector = Projector(rows)
    return {
        id_: Standing(row.assignee, frozenset(orjson.loads(row.tags)), len(projector.living(id_, now)))
        for id_, row in rows.findings.items()
    }


def _accept(case: Case) -> str:
    until = case.until(case.answers["until"], case.by.now)
    owner = case.answers["owner"] or case.by.actor
    wish = Acceptance(owner, case.answers["reason"], until, case.answers["mitigation"])
    is_valid = decisions.accept(case.database, case.ids, wish, case.by)
    return "accepted" if is_valid else "asked for: it waits for approval"


def _approve(case: Case) -> str:
    is_valid = decisions.approve(case.database, case.ids, case.by)
    return "approved and accepted" if is_valid else "approved: it waits for more approvals"


def _revoke(case: Case) -> str:
    decisions.revoke(case.database, case.ids, case.answers["reason"], case.by)
    return "no longer accepted"


def _dismiss(case: Case) -> str:
    decisions.dismiss(case.database, case.ids, case.answers["reason"], case.by)
    return "dismissed"


def _reopen(case: Case) -> str:
    decisions.reinstate(case.database, case.ids, case.answers["reason"], case.by)
    return "open again"


def _assign(case: Case) -> str:
    name = assignee(case.answers["assignee"]) if case.answers["assignee"] else ""
    decisions.assign(case.database, case.ids, name, case.by)
    return f"assigned to {name or 'nobody'}"


def _comment(case: Case) -> str:
    decisions.comment(case.database, case.ids, case.answers["words"], case.by)
    return "commented"


def _tag(case: Case) -> str:
    added, removed = ([tag(word) for word in case.answers[name].split()] for name in ("add", "remove"))
    decisions.tag(case.database, case.ids, added, removed, case.by)
    return "tagged"


_WHY = Field("reason", "why")

CHOICES: Mapping[str, Choice] = {
    "accept": Choice(
        "Accept the risk for some time",
        (
            Field("owner", "owner", "who answers for it; empty: you", needed=False),
            Field("reason", "why", "why the risk can be taken"),
            Field("mitigation", "mitigation", "what is done meanwhile", needed=False),
            Field("until", "until", "2026-12-31, an instant, or 30d"),
        ),
        _accept,
    ),
    "approve": Choice("Approve the acceptance that waits", (), _approve),
    "revoke": Choice("Take the acceptance back", (_WHY,), _revoke),
    "dismiss": Choice("Dismiss as a false positive", (_WHY,), _dismiss),
    "reopen": Choice("Reopen what was dismissed", (_WHY,), _reopen),
    "assign": Choice("Assign to somebody", (Field("assignee", "to", "a name; empty: nobody", needed=False),), _assign),
    "comment": Choice("Comment", (Field("words", "words"),), _comment),
    "tag": Choice(
        "Tag",
        (
            Field("add", "add", "tags with spaces between them", needed=False),
            Field("remove", "remove", "tags with spaces between them", needed=False),
        ),
        _tag,
    ),
}
