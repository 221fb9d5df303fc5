"""What applies to an asset, as the store remembers it."""

import sys

import pytest

from fixby.asset import Asset
from fixby.policies.policy import Policy, parse, shipped
from fixby.store.database import Database
from fixby.store.terms import described, in_force, policies
from fixby.store.verification import flaws
from tests.stories import DAY, scan, the_one, told, weakness

FRIDAY = 1_767_312_000
"""The 2nd of January 2026, a day after a holiday."""


def with_calendar(name: str) -> Policy:
    return parse(shipped().toml.replace('calendar = "every day"', f'calendar = "{name}"'), "our.toml")


def test_the_days_of_a_calendar_are_remembered_whatever_library_comes_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = with_calendar("DE-BY")
    told(database, scan(weakness(), at=FRIDAY), policy=policy)
    due_at = the_one(database, now=FRIDAY).due_at
    assert due_at == FRIDAY + 12 * DAY  # three weekends' days and Epiphany do not count
    monkeypatch.setitem(sys.modules, "holidays", None)
    remembered = in_force(database, "web")
    assert remembered is not None
    assert remembered.terms == policy.terms
    assert list(flaws(database)) == []


def test_who_writes_without_looking_for_owners_takes_them_from_nobody(database: Database) -> None:
    told(database, scan(weakness(), at=1), asset=Asset("web", codeowners="* @ada"))
    told(database, scan(weakness(), at=2), asset=Asset("web", tier="1"))
    assert (the_one(database).owner, described(database, "web").tier) == ("@ada", "1")
    told(database, scan(weakness(), at=3), asset=Asset("web", tier="1", codeowners=""))
    assert the_one(database).owner == ""
    assert list(flaws(database)) == []


def test_a_calendar_that_has_other_days_now_is_another_version_of_the_policy(database: Database) -> None:
    policy = with_calendar("DE")
    told(database, scan(weakness(), at=FRIDAY), policy=policy)
    told(database, scan(weakness(), at=FRIDAY + 10), policy=policy)
    assert len(policies(database, "web")) == 1
    later = parse(policy.toml, "our.toml", lambda _: with_calendar("AT").terms.calendar)
    assert later.digest == policy.digest
    told(database, scan(weakness(), at=FRIDAY + 20), policy=later)
    assert len(policies(database, "web")) == 2
    assert list(flaws(database)) == []
