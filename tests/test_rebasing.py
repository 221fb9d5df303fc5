"""What two stores recorded after the same event, put in one line: nothing is lost, and the log is whole."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from fixby.asset import Asset
from fixby.decision import Acceptance
from fixby.errors import StoreError, UsageError
from fixby.finding import Finding
from fixby.policies.policy import parse, shipped
from fixby.scan import Coverage, Partial
from fixby.store import decisions, following, segments
from fixby.store.attestations import Attestation, attest
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.ingestion import record
from fixby.store.log import events, head
from fixby.store.opening import open_for_writing
from fixby.store.rebasing import record_again
from fixby.store.segments import State
from fixby.store.terms import Occasion
from fixby.store.verification import flaws
from tests.stories import DAY, found, scan, secret, vulnerability, weakness


def state_of(database: Database) -> State:
    """The log of a store, written as files and read again."""
    news, documents = following.news(database, None)
    files = segments.written(news, documents)
    identity = following.identity(database)
    state = segments.read({**files, segments.HEAD: segments.head_file(identity, head(database))})
    segments.demand_seal(state, identity.key)
    return state


@contextmanager
def opened(file: Path, like: Database | None = None) -> Iterator[Database]:
    """A store in a file, of the same identity as another and with the same log."""
    database = open_for_writing(str(file))
    try:
        if like:
            following.adopt(database, following.identity(like))
            following.extend(database, head(database), state_of(like))
        yield database
    finally:
        database.close()


def joined(own: Database, theirs: Database, file: Path) -> int:
    """Put what a store has alone behind what another has."""
    state = state_of(theirs)
    shared, before = following.common(own, state), head(own)
    with opened(file, theirs) as other:
        count = record_again(own, shared, other, lambda _: {})
        following.replace(own, before, events(other), state_of(other).documents)
    return count


class Story:
    """Things that happen to a store by chance; the same seed tells the same story."""

    def __init__(self, database: Database, seed: int, name: str, at: int) -> None:
        self.database, self.chance, self.name, self.at = database, random.Random(seed), name, at  # noqa: S311 - no secret
        self.comments: list[str] = []
        self.scans: list[int] = []

    def tell(self, count: int) -> None:
        for _ in range(count):
            self.at += self.chance.randint(1, DAY)
            self.chance.choice((self._code, self._code, self._packages, self._secret, self._decide, self._attest))()

    def record(self, one: Sequence[Finding], **others: Any) -> None:  # noqa: ANN401 - any field of a scan
        policy = parse(shipped().toml.replace('"7d"', '"5d"'), "another")
        asset = Asset("web", tier=self.chance.choice(("", "crown-jewel")))
        when = Occasion(asset, self.name, self.at + 1, policy if self.chance.random() < 0.2 else shipped())
        self.scans.append(self.at)
        record(self.database, scan(*one, at=self.at, **others), when)

    def _code(self) -> None:
        scanner = self.chance.choice(("bandit", "semgrep"))
        some = [
            weakness(f"eval({n})", path=f"src/{n % 3}.py", line=self.chance.randint(1, 9), scanner=scanner)
            for n in range(6)
            if self.chance.random() < 0.6
        ]
        files = {f"src/{n}.py": str(self.chance.randint(1, 3)) for n in range(3)}
        if self.chance.random() < 0.2:
            skipped = {"src/0.py": "it is broken"}
            coverage = Coverage({name: digest for name, digest in files.items() if name not in skipped}, skipped)
            some = [one for one in some if one.path not in skipped]
            outcome = Partial(("not scanned: src/0.py: it is broken",))
            self.record(some, scanner=scanner, coverage=coverage, outcome=outcome)
            return
        self.record(some, scanner=scanner, scanned=files)

    def _packages(self) -> None:
        some = [vulnerability(name) for name in ("django", "flask") if self.chance.random() < 0.7]
        units = {f"requirements.txt#{name}": str(self.chance.randint(1, 3)) for name in ("django", "flask")}
        self.record(some, scanner="pip-audit", scanned=units)

    def _secret(self) -> None:
        some = [secret()] if self.chance.random() < 0.6 else []
        self.record(some, scanner="detect-secrets", scanned={"src/a.py": str(self.chance.randint(1, 3))})

    def _decide(self) -> None:
        known = found(self.database, now=self.at)
        if not known:
            return
        id_, by = self.chance.choice(known).id, By(self.name, self.at)
        wish = Acceptance(self.name, "for now", self.at + 5 * DAY)
        words = f"{self.name} {len(self.comments)}"
        try:
            match self.chance.randint(1, 6):
                case 1:
                    decisions.accept(self.database, [id_], wish, by, approvals=("bob", "eve"))
                case 2:
                    decisions.dismiss(self.database, [id_], "none", by)
                case 3:
                    decisions.reinstate(self.database, [id_], "it is", by)
                case 4:
                    decisions.revoke(self.database, [id_], "no more", by)
                case 5:
                    decisions.tag(self.database, [id_], [self.name], [], by)
                case _:
                    decisions.comment(self.database, [id_], words, by)
                    self.comments.append(words)
        except UsageError:
            return

    def _attest(self) -> None:
        attest(self.database, Attestation("web", "restore-drill", self.at), self.name, self.at)


@pytest.mark.parametrize("seed", range(12))
def test_two_stories_become_one_and_nothing_is_lost(database: Database, tmp_path: Path, seed: int) -> None:
    with opened(tmp_path / "theirs.db") as theirs:
        Story(theirs, seed, "both", 1000).tell(6)
        following.adopt(database, following.identity(theirs))
        following.extend(database, head(database), state_of(theirs))
        assert list(flaws(database)) == []
        ours = Story(database, 100 + seed, "ours", 10 * DAY)
        other = Story(theirs, 200 + seed, "theirs", 9 * DAY)
        ours.tell(12)
        other.tell(12)
        first = {one.id: one.first_seen for one in found(theirs)}
        before = {one.id: one.first_seen for one in found(database)}
        alone = list(flaws(database)), list(flaws(theirs))
        assert alone == ([], [])
        joined(database, theirs, tmp_path / "other.db")
        assert list(flaws(database)) == []
        assert following.common(database, state_of(theirs)) == head(theirs).seq
    state = state_of(database)
    recorded = Counter(
        orjson.loads(event.body)["started_at"] for event, _ in state.events if event.kind == "scan.recorded"
    )
    assert all(recorded[at] == Counter(ours.scans)[at] + Counter(other.scans)[at] for at in (*ours.scans, *other.scans))
    comments = Counter(orjson.loads(event.body).get("reason") for event, _ in state.events)
    assert all(comments[words] == 1 for words in (*ours.comments, *other.comments))
    for one in found(database):
        if one.id in first and one.id in before and one.closed_at is None:
            assert one.first_seen <= min(first[one.id], before[one.id])


def test_what_was_put_behind_twice_still_counts_from_when_it_was_seen(database: Database, tmp_path: Path) -> None:
    with opened(tmp_path / "theirs.db") as theirs:
        following.adopt(database, following.identity(theirs))
        Story(database, 1, "ours", 0).record([weakness()])
        other = Story(theirs, 1, "theirs", 100)
        other.record([weakness()])
        joined(database, theirs, tmp_path / "other.db")
        other.at = 200
        other.record([weakness()])
        joined(database, theirs, tmp_path / "another.db")
    assert [one.first_seen for one in found(database)] == [0]
    assert list(flaws(database)) == []


def test_a_store_that_was_written_to_meanwhile_is_left_alone(database: Database, tmp_path: Path) -> None:
    with opened(tmp_path / "theirs.db") as theirs:
        following.adopt(database, following.identity(theirs))
        Story(theirs, 1, "theirs", 100).tell(3)
        before = head(database)
        Story(database, 2, "ours", 100).record([weakness()])
        after = head(database)
        with pytest.raises(StoreError, match="written to meanwhile"):
            following.extend(database, before, state_of(theirs))
        with pytest.raises(StoreError, match="written to meanwhile"):
            following.replace(database, before, state_of(theirs).events, state_of(theirs).documents)
    assert head(database) == after
    assert list(flaws(database)) == []
