"""The store as it was gives what it gave then, to the byte; and the rows are what the log tells of decisions too."""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from fixby.asset import Asset
from fixby.decision import Acceptance
from fixby.errors import UsageError
from fixby.policies.policy import Policy, parse, shipped
from fixby.query import parse as parse_query
from fixby.reports import published, sla_json
from fixby.severity import Severity
from fixby.store import decisions, exploitation, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.figures import Period, report
from fixby.store.ingestion import record
from fixby.store.past import as_of, last_event_at
from fixby.store.rows import load_all
from fixby.store.terms import Occasion
from fixby.store.verification import flaws
from tests.stories import DAY, found, scan, vulnerability, weakness
from tests.test_projection import any_scan

START = 1_700_000_000


def policies() -> list[Policy]:
    """The shipped policy, a stricter one, one with overrides, and one that believes one scanner before the others."""
    text = shipped().toml
    overrides = """
[[overrides]]
name = "exploited"
when = { exploited = true }
windows = { high = "2d", critical = "6h" }

[[overrides]]
name = "likely"
when = { epss = "10%" }
windows = { high = "4d" }

[[overrides]]
name = "of the first tier"
when = { tier = ["1"] }
windows = { medium = "10d" }
"""
    return [
        shipped(),
        parse(text.replace('high = "7d"', 'high = "5d"'), "stricter"),
        parse(text + overrides, "more"),
        parse(text.replace("due_soon =", 'severity_of = ["bandit"]\ndue_soon ='), "believing"),
    ]


def something_happens(database: Database, chance: random.Random, at: int) -> None:
    """A scan under one of the policies, a decision that may be refused, or news of exploitation."""
    what = chance.random()
    if what < 0.45:
        owners = chance.choice([None, None, "", "src/ @ada\n", "* @bob"])
        asset = Asset("web", tier=chance.choice(["", "", "1"]), codeowners=owners)
        policy = chance.choices(policies(), [8, 1, 1, 3])[0]
        record(database, any_scan(chance, at), Occasion(asset, "ada", at, policy))
    elif what < 0.55:
        rating = (chance.random() < 0.3, chance.choice([0, 5, 15, 40]))
        exploitation.record(database, lambda _names: rating, By("ada", at), {"known_date": str(chance.randint(1, 3))})
    else:
        with suppress(UsageError):
            decide(database, chance, at)


def decide(database: Database, chance: random.Random, at: int) -> None:
    ids = [one.id for one in found(database)]
    if not ids:
        return
    id_, ada, bob = chance.choice(ids), By("ada", at), By("bob", at)
    wish = Acceptance("owner", "reason", at + chance.choice([1, 5, 20]) * DAY)
    acts: list[Callable[[], object]] = [
        lambda: decisions.accept(database, [id_], wish, ada, ["bob", "eve"]),
        lambda: decisions.accept(database, [id_], wish, ada),
        lambda: decisions.approve(database, [id_], bob),
        lambda: decisions.revoke(database, [id_], "no longer", bob),
        lambda: decisions.dismiss(database, [id_], "it is none", ada),
        lambda: decisions.reinstate(database, [id_], "it is one", ada),
        lambda: decisions.assign(database, ids[:3], chance.choice(["ada", ""]), bob),
        lambda: decisions.tag(database, ids[:3], [chance.choice("abc")], [chance.choice("abc")], bob),
        lambda: decisions.comment(database, [id_], "soon", bob),
    ]
    chance.choice(acts)()


def instants(chance: random.Random, count: int) -> Iterator[int]:
    at = START
    for _ in range(count):
        at += chance.choice([0, 1, DAY // 4, DAY, 3 * DAY])
        yield at


def told(database: Database, now: int) -> tuple[bytes, object]:
    """All that a report can say: its figures and every finding as they are published, and the rows beneath."""
    figures = report(database, Period(now - 30 * DAY, now, by=("asset", "severity")))
    breaches = queries.findings(database, parse_query("sla:breached"), now)
    listed = published.listed(queries.findings(database, (), now))
    said = published.written(listed) + published.written(sla_json.document(figures, breaches))
    return said.encode(), load_all(database)


@pytest.mark.parametrize("seed", range(3))
def test_as_of_30_random_instants_of_a_quarter_it_says_byte_for_byte_what_it_said_then(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - it makes up histories
    quiet = [weakness(f"call({severity})", path="docs/conf.py", severity=severity) for severity in Severity]
    record(database, scan(*quiet, at=START, scanner="quiet"), Occasion(Asset("web"), "ada", START, shipped()))
    then: dict[int, tuple[int, tuple[bytes, object]]] = {}
    for at in instants(chance, 60):
        something_happens(database, chance, at)
        then[last_event_at(database, at)] = (at, told(database, at))
    assert list(flaws(database)) == []
    for seq, (at, said) in chance.sample(sorted(then.items()), min(len(then), 30)):
        with as_of(database, seq):
            assert told(database, at) == said
    assert list(flaws(database)) == []


def test_the_past_ends_with_the_context(database: Database) -> None:
    record(database, scan(weakness(), at=START), Occasion(Asset("web"), "ada", START, shipped()))
    before = told(database, START)
    with as_of(database, 0):
        assert found(database) == []
    assert told(database, START) == before


def test_there_is_no_past_of_what_has_not_happened(database: Database) -> None:
    with pytest.raises(UsageError, match="There is no event 7"), as_of(database, 7):
        pass


def test_what_happened_later_is_not_seen(database: Database) -> None:
    record(database, scan(vulnerability(), at=START), Occasion(Asset("web"), "ada", START, shipped()))
    seq = last_event_at(database, START + 1)
    record(database, scan(at=START + 9, scanned={}), Occasion(Asset("web"), "ada", START + 9, shipped()))
    with as_of(database, seq):
        [one] = found(database)
        assert len(queries.history(database, one.id)) == 1
        assert len(queries.latest_scans(database, "web")) == 1
