"""What people decide of findings: `fixby accept`, `approve`, `revoke`, `dismiss`, `reopen`, `assign`, `tag`, `comment`.

Several findings, named or selected by a query, are decided together or not at all.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass

from fixby.cli import place as here
from fixby.cli.actor import actor
from fixby.cli.asking import asked
from fixby.cli.instants import later
from fixby.cli.output import emit, printable, show
from fixby.cli.place import Place, reading, writing
from fixby.cli.signing import Way, signing
from fixby.decision import ME, Acceptance
from fixby.decision import assignee as named
from fixby.decision import tag as word
from fixby.errors import Interrupted, UsageError
from fixby.query import parse
from fixby.reports import published
from fixby.reports.plain import ID_LENGTH, safe
from fixby.store import decisions, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.log import head
from fixby.store.sign_offs import of_finding, refused_requests
from fixby.tracked import Accepted, TrackedFinding


@dataclass(frozen=True, slots=True)
class Choice:
    """Which findings are decided: those whose ids begin with `prefixes`, or those that `query` selects.

    With a query they are shown and confirmed first; `sure` is a confirmation that was given before.
    """

    prefixes: Sequence[str]
    query: str | None = None
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """An acceptance that was asked for; `until` is a date, an instant, or a duration from now."""

    owner: str
    reason: str
    until: str
    mitigation: str


def accept(choice: Choice, wish: Wish, way: Way, place: Place, *, as_json: bool) -> None:
    """Ask for the risk of findings to be accepted, or print what is to be signed for that."""
    reason, mitigation = _said(wish.reason, "--reason"), printable(wish.mitigation)
    signed = signing(way, place.configuration(), actor(os.environ))

    def act(database: Database, ids: Sequence[str], by: By) -> None:
        at = max(head(database).at, by.now) if signed is None or signed.at is None else signed.at
        until = later(wish.until, "--until", at)
        owner = printable(wish.owner.strip()) or by.actor
        decisions.accept(database, ids, Acceptance(owner, reason, until, mitigation), by, signing=signed)

    _decide(choice, place, act, None if way.only_statement else _how_accepted, as_json=as_json)


def approve(choice: Choice, way: Way, place: Place, *, as_json: bool) -> None:
    """Approve the acceptances that wait, or print what is to be signed for that."""
    found = place.configuration()
    signed = signing(way, found, actor(os.environ))

    def act(database: Database, ids: Sequence[str], by: By) -> None:
        for id_, why in refused_requests(database, ids, by.now, here.checker(found)).items():
            hint = f"Somebody has to ask for it again: fixby accept {id_[:ID_LENGTH]} --sign KEY"
            raise UsageError(f"The request to accept {id_[:ID_LENGTH]} does not count: {safe(why)}.", hint)
        decisions.approve(database, ids, by, signed)

    def result(finding: TrackedFinding) -> str:
        last = _last_acceptance(finding)
        return "accepted" if last and last.valid else "approved; it waits for more approvals"

    _decide(choice, place, act, None if way.only_statement else result, as_json=as_json)


def revoke(choice: Choice, reason: str, place: Place, *, as_json: bool) -> None:
    """Take acceptances back."""
    _decide(choice, place, _because(decisions.revoke, reason), lambda _: "no longer accepted", as_json=as_json)


def dismiss(choice: Choice, reason: str, place: Place, *, as_json: bool) -> None:
    """Say that findings are false positives."""
    _decide(choice, place, _because(decisions.dismiss, reason), lambda _: "dismissed", as_json=as_json)


def reopen(choice: Choice, reason: str, place: Place, *, as_json: bool) -> None:
    """Say that dismissed findings are some after all."""
    _decide(choice, place, _because(decisions.reinstate, reason), lambda _: "open again", as_json=as_json)


def assign(choice: Choice, to: str | None, place: Place, *, nobody: bool, as_json: bool) -> None:
    """Say who sees to findings: a name, `me` for whoever acts, or nobody."""
    if (to is None) is not nobody:
        raise UsageError("A finding is assigned to somebody or to nobody.", "Give either --to NAME or --nobody.")
    name = "" if to is None else named(actor(os.environ) if to == ME else to)

    def act(database: Database, ids: Sequence[str], by: By) -> None:
        decisions.assign(database, ids, name, by)

    _decide(choice, place, act, lambda _: f"assigned to {name or 'nobody'}", as_json=as_json)


def tag(choice: Choice, add: Sequence[str], remove: Sequence[str], place: Place, *, as_json: bool) -> None:
    """Give findings tags, and take some away."""
    added, removed = [word(one) for one in add], [word(one) for one in remove]
    if not added and not removed:
        raise UsageError("There is no tag to add or to remove.", "Give --add WORD or --remove WORD.")
    if both := sorted({*added} & {*removed}):
        raise UsageError(f"{both[0]!r} is to be added and removed.", "Give each tag once.")

    def act(database: Database, ids: Sequence[str], by: By) -> None:
        decisions.tag(database, ids, added, removed, by)

    def result(finding: TrackedFinding) -> str:
        return f"tagged {' '.join(finding.tags)}" if finding.tags else "without tags"

    _decide(choice, place, act, result, as_json=as_json)


def comment(choice: Choice, text: str, place: Place, *, as_json: bool) -> None:
    """Write a remark into the history of findings."""
    _decide(choice, place, _because(decisions.comment, text, "--text"), lambda _: "commented", as_json=as_json)


_Act = Callable[[Database, Sequence[str], By], object]


_Result = Callable[[TrackedFinding], str]


def _decide(choice: Choice, place: Place, act: _Act, result: _Result | None, *, as_json: bool) -> None:
    """Decide of the findings that are chosen, and tell what came of each by its `result`, where there is one."""
    who = actor(os.environ)
    ids = _chosen(choice, place)
    by, found = By(who, here.now()), place.configuration()
    with writing(found) as database:
        if ids:
            act(database, ids, by)
        if result is None:
            return
        with here.only_valid(database, found), database.reading():
            after = queries.with_ids(database, ids, by.now)
            alone = ids[0] if len(choice.prefixes) == 1 else ""
            history = queries.history(database, alone) if alone else ()
            sign_offs = of_finding(database, alone, here.checker(found)) if alone else ()
    if not as_json:
        emit("\n".join(_summary(choice, after, result)))
    elif alone:
        emit(published.written(published.shown(after[0], history, sign_offs)))
    else:
        emit(published.written(published.decided(after)))


def _chosen(choice: Choice, place: Place) -> list[str]:
    """The ids of the findings that are to be decided; those of a query have been shown and confirmed.

    Raises `UsageError` where they are named in no way or in both, or nobody is there to ask; `Interrupted` for a no.
    """
    if (choice.query is None) is not bool(choice.prefixes):
        raise UsageError("Findings are named by their ids or by a query.", "Give either ID... or --query QUERY.")
    if choice.query is None:
        with reading(place) as (database, _):
            return queries.whole_ids(database, choice.prefixes)
    if not choice.sure and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("Nobody is at a terminal to confirm what a query selects.", "If you are sure, give --yes.")
    ids = _previewed(choice.query, place)
    if ids and not choice.sure and not _confirmed(len(ids)):
        raise Interrupted("Nothing was changed.")
    return ids


def _previewed(query: str, place: Place) -> list[str]:
    """The ids that a query selects, the first of which are shown on standard error as `fixby list` shows them."""
    terms, now = parse(asked([query])), here.now()
    with reading(place) as (database, _), database.reading():
        ids = queries.matching(database, terms, now)
        first = queries.findings(database, terms, now, _SHOWN)
    if first:
        from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

        more = f"... and {len(ids) - len(first)} more\n" if len(ids) > len(first) else ""
        with redirect_stdout(sys.stderr):
            show(terminal.findings_table(first, now), f"{more}\n{_count(len(ids))} selected")
    return ids


_SHOWN = 10


def _confirmed(number: int) -> bool:
    sys.stderr.write(f"Decide of {_count(number)}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _count(number: int) -> str:
    return f"{number} finding{'' if number == 1 else 's'}"


def _summary(choice: Choice, after: Sequence[TrackedFinding], result: Callable[[TrackedFinding], str]) -> list[str]:
    """A line for each finding that was named; of those that a query selected, how many there are of each result."""
    if not after:
        return ["No finding is selected."]
    if choice.query is None:
        return [f"{one.id[:ID_LENGTH]}: {safe(result(one))}" for one in after]
    return [f"{_count(number)}: {safe(words)}" for words, number in Counter(map(result, after)).items()]


def _how_accepted(finding: TrackedFinding) -> str:
    last = _last_acceptance(finding)
    if last is None:
        return "no longer accepted"
    end = published.instant(last.terms.until)
    return f"accepted until {end}" if last.valid else f"waits for approval (fixby approve), until {end}"


def _last_acceptance(finding: TrackedFinding) -> Accepted | None:
    return next((one for one in reversed(finding.decisions) if isinstance(one, Accepted)), None)


def _because(decide: Callable[[Database, Sequence[str], str, By], None], reason: str, option: str = "--reason") -> _Act:
    said = _said(reason, option)
    return lambda database, ids, by: decide(database, ids, said, by)


def _said(text: str, option: str) -> str:
    """A text that says something; bytes that are no UTF-8 are written out."""
    if not text.strip():
        raise UsageError(f"{option} says nothing.", "Whoever reads it later wants to know.")
    return printable(text.strip())
