"""What people decide holds as long as the policy and the facts let it, and is never undone by a scan."""

from collections.abc import Callable

import pytest

from fixby.asset import Asset
from fixby.component import component
from fixby.decision import Acceptance
from fixby.errors import UsageError
from fixby.finding import Finding
from fixby.policies.policy import Policy, parse, shipped
from fixby.severity import Severity
from fixby.store import decisions, exploitation, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.explanation import explain
from fixby.store.ingestion import record
from fixby.store.rows import AcceptanceRow, load
from fixby.store.terms import Occasion
from fixby.store.verification import flaws
from fixby.tracked import State
from tests.stories import DAY, scan, the_one, vulnerability, weakness

START = 1_800_000_000


def seen(database: Database, *findings: Finding, at: int, policy: Policy | None = None) -> None:
    """A scan of the one file that sees these findings."""
    told = scan(*findings, at=at, scanned={"src/a.py": str(at), "requirements.txt#django": str(at)}, scanner="bandit")
    record(database, told, Occasion(Asset("web"), "fixby", at, policy or shipped()))


def high(database: Database) -> str:
    """A high finding that was detected at the start."""
    seen(database, weakness(), at=START)
    return the_one(database).id


def wish(days: int = 30, *, since: int = START) -> Acceptance:
    return Acceptance("the owner", "not reachable", since + days * DAY, "a firewall")


def acceptance(database: Database, id_: str) -> AcceptanceRow:
    """The latest acceptance of a finding."""
    return load(database, [id_]).acceptances[id_][-1]


def status(database: Database, at: int) -> tuple[str, str]:
    one = the_one(database, now=at)
    return one.state, one.sla_status


ADA, BOB, EVE = (By(name, START + DAY) for name in ("ada", "bob", "eve"))


def test_an_acceptance_waits_for_its_approvals_and_pauses_the_clock_from_the_last_of_them(database: Database) -> None:
    id_ = high(database)
    assert not decisions.accept(database, [id_], wish(), ADA)
    assert status(database, START + DAY) == (State.OPEN, "on_track")
    assert decisions.approve(database, [id_], By("bob", START + 2 * DAY))
    assert status(database, START + 9 * DAY) == (State.ACCEPTED, "paused")
    after = the_one(database, now=START + 30 * DAY)
    assert (after.state, after.sla_status, after.due_at) == (State.OPEN, "on_track", START + 35 * DAY)
    assert acceptance(database, id_).valid_from == START + 2 * DAY
    assert list(flaws(database)) == []


def test_a_revoked_acceptance_gives_back_what_was_left_and_no_more(database: Database) -> None:
    id_ = high(database)
    decisions.accept(database, [id_], wish(), ADA, ["bob"])
    decisions.revoke(database, [id_], "it is reachable", By("eve", START + 10 * DAY))
    one = the_one(database, now=START + 10 * DAY)
    assert (one.state, one.due_at) == (State.OPEN, START + 16 * DAY)
    assert acceptance(database, id_).ended_because == "revoked"


def risen(database: Database, at: int) -> None:
    seen(database, weakness(severity=Severity.CRITICAL), at=at)


def exploited(database: Database, at: int) -> None:
    exploitation.record(database, lambda _names: (True, 0), By("fixby", at), {"known_date": "2026-11-20"})


def fixable(database: Database, at: int) -> None:
    fixed = component("pypi", "django", "4.0", ("4.0.1",))
    seen(database, vulnerability(component=fixed, scanner="bandit"), at=at)


@pytest.mark.parametrize(
    ("finding", "event", "reason"),
    [
        (weakness(), risen, "void: the severity has risen"),
        (vulnerability(scanner="bandit"), exploited, "void: it is known to be exploited"),
        (vulnerability(scanner="bandit"), fixable, "void: there is a fix now"),
    ],
)
@pytest.mark.parametrize("approvals", [["bob"], []], ids=["valid", "waiting"])
def test_an_acceptance_is_void_once_its_facts_are_others(
    database: Database,
    finding: Finding,
    event: Callable[[Database, int], None],
    reason: str,
    approvals: list[str],
) -> None:
    seen(database, finding, at=START)
    id_ = the_one(database).id
    decisions.accept(database, [id_], wish(), ADA, approvals)
    event(database, START + 5 * DAY)
    ended = acceptance(database, id_)
    assert (ended.ended_at, ended.ended_because) == (START + 5 * DAY, reason)
    assert the_one(database, now=START + 5 * DAY).state is State.OPEN
    with pytest.raises(UsageError, match="No acceptance"):
        decisions.approve(database, [id_], By("eve", START + 6 * DAY))
    assert list(flaws(database)) == []


def test_an_acceptance_survives_the_findings_disappearing_and_coming_back(database: Database) -> None:
    id_ = high(database)
    decisions.accept(database, [id_], wish(), ADA, ["bob"])
    seen(database, at=START + 3 * DAY)
    assert the_one(database, now=START + 3 * DAY).state is State.FIXED
    seen(database, weakness(), at=START + 4 * DAY)
    assert status(database, START + 5 * DAY) == (State.ACCEPTED, "paused")
    assert the_one(database, now=START + 30 * DAY).due_at == START + 36 * DAY
    assert list(flaws(database)) == []


def test_extending_is_a_new_acceptance_that_replaces_the_old_once_it_is_approved(database: Database) -> None:
    id_ = high(database)
    decisions.accept(database, [id_], wish(10), ADA, ["bob"])
    longer = By("ada", START + 5 * DAY)
    assert not decisions.accept(database, [id_], wish(40), longer)
    assert status(database, START + 6 * DAY) == (State.ACCEPTED, "paused")
    decisions.approve(database, [id_], By("bob", START + 7 * DAY))
    assert status(database, START + 39 * DAY) == (State.ACCEPTED, "paused")
    old, new = load(database, [id_]).acceptances[id_]
    assert (old.ended_because, new.ended_at) == ("replaced by another", None)


@pytest.mark.parametrize(
    ("approvals", "said"),
    [(["ada"], "cannot approve it"), (["bob", "bob"], "approves twice")],
)
def test_nobody_approves_alone_or_twice(database: Database, approvals: list[str], said: str) -> None:
    id_ = high(database)
    with pytest.raises(UsageError, match=said):
        decisions.accept(database, [id_], wish(), ADA, approvals)
    decisions.accept(database, [id_], wish(), ADA)
    with pytest.raises(UsageError, match="cannot approve it"):
        decisions.approve(database, [id_], ADA)


def policy(critical: str) -> Policy:
    """The shipped policy with another rule for accepting critical findings."""
    text = shipped().toml
    begins = text.index("[acceptance.critical]")
    ends = text.index("[acceptance.high]")
    return parse(f"{text[:begins]}[acceptance.critical]\n{critical}\n{text[ends:]}", "another")


@pytest.mark.parametrize(
    ("critical", "said"),
    [
        ('longest = "never"', "allows nobody to accept a critical finding"),
        ('approvers = 1\nlongest = "7d"', "for at most 7 d"),
        ('approvers = 1\nlongest = "60d"\nby = ["eve"]', "bob may not approve"),
    ],
)
def test_the_policy_in_force_bounds_what_may_be_accepted(database: Database, critical: str, said: str) -> None:
    seen(database, weakness(severity=Severity.CRITICAL), at=START, policy=policy(critical))
    with pytest.raises(UsageError, match=said):
        decisions.accept(database, [the_one(database).id], wish(), ADA, ["bob"])
    assert the_one(database, now=START + DAY).state is State.OPEN


def test_a_clock_that_was_set_back_does_not_decide_before_what_happened_last(database: Database) -> None:
    id_ = high(database)
    decisions.accept(database, [id_], wish(2), ADA)
    seen(database, weakness(), at=START + 3 * DAY)
    with pytest.raises(UsageError, match="No acceptance"):
        decisions.approve(database, [id_], BOB)
    with pytest.raises(UsageError, match="end before it begins"):
        decisions.accept(database, [id_], wish(2), ADA)


def test_an_acceptance_that_ends_before_it_begins_is_none(database: Database) -> None:
    with pytest.raises(UsageError, match="end before it begins"):
        decisions.accept(database, [high(database)], wish(1), ADA)


def test_what_is_dismissed_is_due_never_and_survives_scans_until_it_is_reinstated(database: Database) -> None:
    id_ = high(database)
    decisions.dismiss(database, [id_], "generated code", ADA)
    seen(database, weakness(), at=START + 2 * DAY)
    assert status(database, START + 20 * DAY) == (State.DISMISSED, "exempt")
    assert queries.matching(database, [], START) == [id_]
    with pytest.raises(UsageError, match="is dismissed"):
        decisions.accept(database, [id_], wish(), ADA)
    decisions.reinstate(database, [id_], "it is not", By("ada", START + 9 * DAY))
    one = the_one(database, now=START + 9 * DAY)
    assert (one.state, one.sla_status, one.due_at) == (State.OPEN, "breached", START + 7 * DAY)
    with pytest.raises(UsageError, match="is not dismissed"):
        decisions.reinstate(database, [id_], "again", ADA)


def test_what_is_fixed_needs_no_decision(database: Database) -> None:
    id_ = high(database)
    seen(database, at=START + DAY)
    for decide in (
        lambda: decisions.dismiss(database, [id_], "", BOB),
        lambda: decisions.accept(database, [id_], wish(), BOB),
    ):
        with pytest.raises(UsageError, match="is fixed"):
            decide()


def test_there_is_nothing_to_decide_of_what_does_not_exist(database: Database) -> None:
    with pytest.raises(UsageError, match="There is no finding"):
        decisions.dismiss(database, ["f00"], "", EVE)
    with pytest.raises(UsageError, match="No acceptance"):
        decisions.revoke(database, [high(database)], "", EVE)


def test_closed_findings_keep_the_verdict_of_the_policy_they_were_closed_under(database: Database) -> None:
    stricter = parse(shipped().toml.replace('high = "7d"', 'high = "2d"'), "stricter")
    seen(database, weakness("a()"), weakness("b()"), at=START)
    seen(database, weakness("b()"), at=START + 3 * DAY)
    seen(database, weakness("b()"), at=START + 4 * DAY, policy=stricter)
    closed, still_open = the_one(database, "is:fixed"), the_one(database, "is:open", now=START + 4 * DAY)
    assert (closed.sla_status, closed.due_at) == ("met", START + 7 * DAY)
    assert (still_open.sla_status, still_open.due_at) == ("breached", START + 2 * DAY)
    told = explain(database, closed.id, START + 9 * DAY)
    assert told.version is not None
    assert told.version.digest == shipped().digest
    assert [one.window.seconds for one in told.explanation.candidates if one.decides] == [7 * DAY]


def test_exploitation_shortens_a_due_date_from_the_day_it_is_known(database: Database) -> None:
    overrides = '\n[[overrides]]\nname = "exploited"\nwhen = { exploited = true }\nwindows = { high = "2d" }\n'
    seen(
        database, vulnerability(scanner="bandit"), at=START, policy=parse(shipped().toml + overrides, "with overrides")
    )
    assert the_one(database).due_at == START + 7 * DAY
    assert exploitation.record(database, lambda _names: (True, 3), By("fixby", START + DAY)) == [the_one(database).id]
    assert exploitation.record(database, lambda _names: (True, 3), By("fixby", START + 2 * DAY)) == []
    assert the_one(database).due_at == START + 3 * DAY
    [decides] = [one for one in explain(database, the_one(database).id, START).explanation.candidates if one.decides]
    assert "overrides" in decides.window.line


def test_the_description_of_an_asset_changes_due_dates(database: Database) -> None:
    overrides = '\n[[overrides]]\nname = "first tier"\nwhen = { tier = ["1"] }\nwindows = { high = "1d" }\n'
    by_tier = parse(shipped().toml + overrides, "by tier")
    seen(database, weakness(), at=START, policy=by_tier)
    told = scan(weakness(), at=START + 60)
    record(database, told, Occasion(Asset("web", tier="1"), "fixby", START + 60, by_tier))
    assert the_one(database).due_at == START + DAY
