"""`fixby accept`, `approve`, `revoke`, `dismiss`, `reopen`: what people decide of one finding."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fixby.cli import place as here
from fixby.cli.actor import actor
from fixby.cli.instants import later
from fixby.cli.output import emit
from fixby.cli.place import Place, writing
from fixby.decision import Acceptance
from fixby.reports import published
from fixby.store import decisions, queries
from fixby.store.database import Database
from fixby.store.decisions import By


@dataclass(frozen=True, slots=True)
class Wish:
    """An acceptance that was asked for; `until` is a date, an instant, or a duration from now."""

    owner: str
    reason: str
    until: str
    mitigation: str


def accept(prefix: str, wish: Wish, place: Place, *, as_json: bool) -> None:
    """Ask for the risk of a finding to be accepted."""

    def act(database: Database, id_: str, by: By) -> str:
        until = later(wish.until, "--until", by.now)
        acceptance = Acceptance(wish.owner or by.actor, wish.reason, until, wish.mitigation)
        is_valid = decisions.accept(database, [id_], acceptance, by)
        end = published.instant(until)
        return f"accepted until {end}" if is_valid else f"waits for approval (fixby approve {id_[:10]}), until {end}"

    _decide(prefix, place, act, as_json=as_json)


def approve(prefix: str, place: Place, *, as_json: bool) -> None:
    """Approve the acceptance that waits."""

    def act(database: Database, id_: str, by: By) -> str:
        return "accepted" if decisions.approve(database, [id_], by) else "approved; it waits for more approvals"

    _decide(prefix, place, act, as_json=as_json)


def revoke(prefix: str, reason: str, place: Place, *, as_json: bool) -> None:
    """Take an acceptance back."""
    _decide(prefix, place, _saying(decisions.revoke, reason, "no longer accepted"), as_json=as_json)


def dismiss(prefix: str, reason: str, place: Place, *, as_json: bool) -> None:
    """Say that a finding is a false positive."""
    _decide(prefix, place, _saying(decisions.dismiss, reason, "dismissed"), as_json=as_json)


def reopen(prefix: str, reason: str, place: Place, *, as_json: bool) -> None:
    """Say that a dismissed finding is one after all."""
    _decide(prefix, place, _saying(decisions.reinstate, reason, "open again"), as_json=as_json)


_Act = Callable[[Database, str, By], str]


def _saying(decide: Callable[[Database, Sequence[str], str, By], None], reason: str, words: str) -> _Act:
    def act(database: Database, id_: str, by: By) -> str:
        decide(database, [id_], reason, by)
        return words

    return act


def _decide(prefix: str, place: Place, act: _Act, *, as_json: bool) -> None:
    by = By(actor(os.environ), here.now())
    with writing(place.configuration()) as database:
        finding = queries.finding(database, prefix, by.now)
        said = act(database, finding.id, by)
        after = queries.finding(database, finding.id, by.now)
        history = queries.history(database, finding.id)
    emit(published.written(published.shown(after, history)) if as_json else f"{finding.id[:10]}: {said}")
