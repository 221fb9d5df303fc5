"""Sign-offs are proved by SSH keys: what is forged, altered, replayed, expired or one's own counts nowhere."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from fixby.cli.instants import later
from fixby.cli.place import Place, checker
from fixby.decision import Decision
from fixby.errors import UsageError
from fixby.policies.policy import parse, shipped
from fixby.reports import evidence_readme
from fixby.reports.evidence import Part, opened, write
from fixby.scanners import ssh_keygen
from fixby.severity import Severity
from fixby.store import log, queries
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.log import Event
from fixby.store.opening import open_for_reading, open_for_writing
from fixby.store.projecting import project, rebuild
from fixby.store.sign_offs import only_valid
from fixby.store.signing import Draft, Signing, with_signature
from fixby.triage.deciding import decide
from fixby.triage.desk import Access
from fixby.triage.desk import Desk as TriageDesk
from fixby.triage.undo import Step
from tests.command import Ended, called, clean_environment
from tests.stories import DAY, scan, told, weakness
from tests.test_published import validate
from tests.test_verification import chain_anew

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen, which signs, is not installed")

ROOT = Path(__file__).parents[1]
START = int(time.time()) - 6 * DAY
SIGNED = shipped().toml.replace('longest = "90d"\napprovers = 1', 'longest = "90d"\napprovers = 1\nsigned = true')
GATE = (ROOT / "policies" / "gate.toml").read_text().replace("severity:critical", "severity:high -is:accepted")
TERMS = ("--reason", "not reachable", "--until", "5d")


def key(folder: Path, name: str, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new key pair: the file of the private one, beside which the public one lies."""
    file = folder / name
    bits = ("-b", "2048") if kind == "rsa" else ()
    command = ["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", name, "-f", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    return file


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys of ada, bob, carol and mallory, of different kinds."""
    folder = tmp_path_factory.mktemp("keys")
    for name, kind in {"ada": "ed25519", "bob": "ecdsa", "carol": "rsa", "mallory": "ed25519"}.items():
        key(folder, name, kind)
    return folder


@dataclass(frozen=True, slots=True)
class Desk:
    """A store, commands on it, and the file of allowed signers."""

    folder: Path
    url: str
    keys: Path

    def run(self, *arguments: object, who: str = "ada", **environment: str) -> Ended:
        """Run a command on the store as somebody."""
        return called(*arguments, cwd=self.folder, FIXBY_STORE=self.url, FIXBY_ACTOR=who, **environment)

    def allow(self, **keys: str) -> None:
        """Allow signers by their names, each with the options and the name of a key: `valid-before="20250101" bob`."""
        lines = []
        for name, words in keys.items():
            *options, of = words.split()
            lines.append(" ".join((name, *options, (self.keys / f"{of}.pub").read_text())))
        (self.folder / "signers").write_text("".join(lines))

    def ask(self, *ids: str, who: str = "ada", by: str = "", terms: Sequence[str] = TERMS) -> Ended:
        """Ask for an acceptance, signed with the key of that name."""
        return self.run("accept", *ids, *terms, "--sign", self.keys / (by or who), who=who)

    def approve(self, *ids: str, who: str = "bob", by: str = "") -> Ended:
        """Approve, signed with the key of that name."""
        return self.run("approve", *ids, "--sign", self.keys / (by or who), who=who)

    def accept(self, *ids: str) -> None:
        """Have findings accepted by ada and bob."""
        asked, approved = self.ask(*ids), self.approve(*ids)
        assert (asked.code, asked.err, approved.code, approved.err) == (0, "", 0, "")

    def is_accepted(self, id_: str) -> bool:
        """Whether a finding is accepted; all commands must say the same, and of its clock too."""
        shown = self.run("show", id_, "--json").document
        validate(shown)
        [listed] = [one for one in self.run("list", "--json").document["findings"] if one["id"] == id_]
        said = {
            "show": shown["finding"]["state"] == "accepted",
            "list": listed["state"] == "accepted",
            "clock": listed["sla_status"] == "paused",
            "query": id_ in self.run("list", "is:accepted", "--json").out,
            "gate": id_ not in self.run("gate", "--json").document["rules"][0]["findings"],
            "report": self.report(f"id:{id_}")["open_by_status"]["paused"] == 1,
            "explained": self.run("sla", "explain", id_, "--json").document["sla_status"] == "paused",
        }
        assert len(set(said.values())) == 1, said
        return all(said.values())

    def report(self, *query: str) -> dict[str, Any]:
        """The figures of what a query selects."""
        return dict(self.run("sla", "report", *query, "--format", "json").document["total"])

    def why(self, id_: str) -> list[str]:
        """Why sign-offs of a finding are refused."""
        return [one["reason"] for one in self.run("show", id_, "--json").document["sign_offs"] if not one["counts"]]

    @contextmanager
    def opened(self) -> Iterator[Database]:
        """The store, as somebody opens it who wants to forge something."""
        with closing(open_for_writing(self.url)) as database:
            yield database

    def rewrite(self, change: Callable[[Event], Event]) -> None:
        """Change events and let all else follow, the hashes and the rows, as a forger does who can write the store."""
        with self.opened() as database, database.writing():
            for event in [event for event, _ in log.events(database)]:
                new = change(event)
                named = {name: getattr(new, name) for name in ("seq", "at", "actor", "kind", "subject", "body")}
                database.run(
                    "UPDATE event SET at = :at, actor = :actor, kind = :kind, subject = :subject, body = :body"
                    " WHERE seq = :seq",
                    **named,
                )
            chain_anew(database)
            for statement in _NO_ROWS:
                database.run(statement)
            rebuild(database)

    def append(self, *events: Event) -> None:
        """Write events as if Fixby had, numbered after the last."""
        with self.opened() as database, database.writing():
            last = log.head(database)
            news = [replace(event, seq=last.seq + number) for number, event in enumerate(events, start=1)]
            project(database, last, news, list({event.subject for event in news}))

    def sign_offs(self) -> list[Event]:
        """The requests and approvals in the log."""
        with self.opened() as database:
            return [event for event, _ in log.events(database) if event.kind in (Decision.ACCEPTED, Decision.APPROVED)]


_NO_ROWS = (
    "DELETE FROM finding",
    "DELETE FROM sighting",
    "DELETE FROM running_segment",
    "DELETE FROM exploitation",
    "DELETE FROM acceptance",
    "DELETE FROM scan",
    "DELETE FROM policy",
    "DELETE FROM asset",
)


@pytest.fixture
def desk(database_url: str, tmp_path: Path, keys: Path) -> Desk:
    """A store under a policy that demands signatures for high findings, where ada, bob and carol may sign."""
    (tmp_path / "policy.toml").write_text(SIGNED)
    (tmp_path / "gate.toml").write_text(GATE)
    settings = {"asset": "web", "policy": "policy.toml", "gate": "gate.toml", "allowed_signers": "signers"}
    (tmp_path / "fixby.toml").write_text("".join(f'{name} = "{value}"\n' for name, value in settings.items()))
    desk = Desk(tmp_path, database_url, keys)
    desk.allow(ada="ada", bob="bob", carol="carol")
    return desk


@pytest.fixture
def ids(desk: Desk) -> list[str]:
    """The ids of three high findings that are due tomorrow."""
    return stored(desk)


def stored(desk: Desk, policy: str = SIGNED) -> list[str]:
    with desk.opened() as database:
        found = (weakness(f"call({number})") for number in range(3))
        told(database, scan(*found, at=START), policy=parse(policy, "policy"))
        return queries.matching(database, [], START)


def said_otherwise(event: Event, **words: object) -> Event:
    """An event whose body says something else."""
    return replace(event, body=encoded({**orjson.loads(event.body), **words}).decode())


def signed_otherwise(event: Event, **words: object) -> Event:
    """An event that keeps something else of its signature."""
    body = orjson.loads(event.body)
    return said_otherwise(event, signature=body["signature"] | words)


@pytest.mark.parametrize("approver", ["bob", "carol"])
def test_a_risk_is_accepted_once_two_people_signed_with_keys_of_their_own(
    desk: Desk, ids: list[str], approver: str
) -> None:
    asked = desk.ask(ids[0])
    assert (asked.code, "waits for approval" in asked.out) == (0, True)
    assert not desk.is_accepted(ids[0])
    assert desk.approve(ids[0], who=approver).out.endswith(": accepted\n")
    assert desk.is_accepted(ids[0])
    assert not desk.is_accepted(ids[1])
    shown = desk.run("show", ids[0], "--json").document["sign_offs"]
    assert [(one["kind"], one["by"], one["counts"], one["reason"]) for one in shown] == [
        ("accept", "ada", True, None),
        ("approve", approver, True, None),
    ]
    assert [one["key"] for one in shown] == [fingerprint(desk.keys / name) for name in ("ada", approver)]
    page = desk.run("show", ids[0]).out
    assert re.search(rf"^asked for +by ada .*\n +signed with {re.escape(shown[0]['key'])}$", page, re.MULTILINE)
    assert re.search(rf"^approved +by {approver} .*\n +signed with {re.escape(shown[1]['key'])}$", page, re.MULTILINE)
    assert desk.run("db", "verify").code == 0


def fingerprint(file: Path) -> str:
    told = subprocess.run(["ssh-keygen", "-l", "-f", str(file)], capture_output=True, text=True, check=True)
    return told.stdout.split()[1]


def test_without_a_signature_nobody_asks_or_approves(desk: Desk, ids: list[str]) -> None:
    asked = desk.run("accept", ids[0], *TERMS)
    assert (asked.code, "has to sign it" in asked.err, "--sign KEY" in asked.err) == (2, True, True)
    assert desk.ask(ids[0]).code == 0
    approved = desk.run("approve", ids[0], who="bob")
    assert (approved.code, "has to sign it" in approved.err) == (2, True)
    assert not desk.is_accepted(ids[0])


def test_where_the_policy_does_not_demand_it_names_count_and_are_told_to_be_unverified(desk: Desk) -> None:
    ids = stored(desk, shipped().toml)
    (desk.folder / "signers").unlink()
    (desk.folder / "fixby.toml").write_text('asset = "web"\ngate = "gate.toml"\n')
    no_keygen = {"PATH": str(desk.folder)}
    assert desk.run("accept", ids[0], *TERMS, **no_keygen).err == ""
    assert desk.run("approve", ids[0], who="bob", **no_keygen).out.endswith(": accepted\n")
    assert desk.is_accepted(ids[0])
    assert "unverified: it is not signed" in desk.run("show", ids[0], **no_keygen).out
    assert desk.run("gate", **no_keygen).err == ""


def test_a_voluntary_signature_is_shown_and_one_that_fails_costs_nothing(desk: Desk) -> None:
    ids = stored(desk, shipped().toml)
    (desk.folder / "policy.toml").write_text(shipped().toml)
    desk.accept(ids[0])
    desk.allow(ada="ada")
    assert desk.is_accepted(ids[0])
    assert "unverified: no key that is allowed for bob made it" in desk.run("show", ids[0]).out


# Forged


def test_a_key_that_is_not_allowed_signs_for_nobody(desk: Desk, ids: list[str]) -> None:
    ended = desk.ask(ids[0], by="mallory")
    assert (ended.code, ended.err.splitlines()[0]) == (
        2,
        "fixby: The signature is not that of ada: no key that is allowed for ada made it.",
    )
    assert desk.sign_offs() == []


def test_a_name_without_its_key_signs_nothing(desk: Desk, ids: list[str]) -> None:
    assert desk.ask(ids[0]).code == 0
    ended = desk.approve(ids[0], who="bob", by="carol")
    assert (ended.code, "not that of bob" in ended.err) == (2, True)


def test_a_signature_by_another_key_that_was_written_into_the_store_does_not_count(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    other = by_hand("anything\n", desk.keys / "mallory")
    desk.rewrite(lambda event: signed_otherwise(event, text=other) if event.kind == Decision.APPROVED else event)
    assert not desk.is_accepted(ids[0])
    assert len(desk.why(ids[0])) == 1


def by_hand(text: str, file: Path, folder: Path | None = None) -> str:
    """The signature of a text by ssh-keygen itself."""
    command = ["ssh-keygen", "-Y", "sign", "-n", "fixby", "-f", str(file)]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=True, cwd=folder, env=clean_environment()
    ).stdout


def test_unsigned_events_that_were_written_into_the_store_do_not_count(desk: Desk, ids: list[str]) -> None:
    now = int(time.time())
    body = {"owner": "ada", "reason": "x", "mitigation": "", "until": now + DAY, "needed": 0, "approvals": []}
    desk.append(Event(0, now, "ada", Decision.ACCEPTED, ids[0], encoded(body | {"observed_at": now}).decode()))
    assert not desk.is_accepted(ids[0])
    assert desk.why(ids[0]) == ["it is not signed"]
    assert "1 sign-off is refused" in desk.run("list").err
    assert desk.run("db", "verify").out == (
        f"event 6: the sign-off of ada for finding {ids[0][:10]} is refused: it is not signed\n"
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("damage", [7, "", {}, {"text": ""}, [], {"text": 1, "key": "", "first": 1, "count": 1}])
def test_what_is_no_signature_at_all_does_not_count(desk: Desk, ids: list[str], damage: object) -> None:
    desk.accept(ids[0])
    desk.rewrite(lambda event: said_otherwise(event, signature=damage) if event.kind == Decision.APPROVED else event)
    assert not desk.is_accepted(ids[0])
    assert desk.why(ids[0]) == ["what it keeps of a signature is none of Fixby's"]


# Altered

LATER = int(time.time()) + 80 * DAY


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        {"reason": "it is nothing"},
        {"owner": "bob"},
        {"mitigation": "a filter"},
        {"until": LATER},
        {"needed": 0},
        {"approvals": ["carol"]},
        {"observed_at": START + 1},
    ],
)
def test_terms_that_were_altered_after_signing_do_not_count_though_the_chain_holds(
    desk: Desk, ids: list[str], change: dict[str, object]
) -> None:
    desk.ask(ids[0])
    desk.rewrite(lambda event: said_otherwise(event, **change) if event.kind == Decision.ACCEPTED else event)
    assert not desk.is_accepted(ids[0])
    assert len(desk.why(ids[0])) == 1
    refused = desk.approve(ids[0])
    assert refused.code == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", [{"severity": "low"}, {"at": START}, {"first": 1}, {"count": 2}, {"approves": 6}])
def test_what_a_request_keeps_of_its_signature_cannot_be_altered(
    desk: Desk, ids: list[str], change: dict[str, object]
) -> None:
    desk.accept(ids[0])
    desk.rewrite(lambda event: signed_otherwise(event, **change) if event.kind == Decision.ACCEPTED else event)
    assert not desk.is_accepted(ids[0])


def test_an_acceptance_cannot_be_dated_back(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])

    def earlier(event: Event) -> Event:
        signed = event.kind in (Decision.ACCEPTED, Decision.APPROVED)
        return said_otherwise(replace(event, at=START + DAY), observed_at=START + DAY) if signed else event

    desk.rewrite(earlier)
    assert not desk.is_accepted(ids[0])
    assert desk.why(ids[0])[0] == "it is dated otherwise than it was signed"


def test_what_happened_before_cannot_be_altered_under_a_signature(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    desk.rewrite(lambda event: replace(event, at=event.at - 1) if event.seq == 2 else event)
    assert not desk.is_accepted(ids[0])


@pytest.mark.parametrize("name", ["carol", "mallory"])
def test_a_signature_does_not_go_to_another_name(desk: Desk, ids: list[str], name: str) -> None:
    desk.accept(ids[0])

    def as_another(event: Event) -> Event:
        is_it = event.kind == Decision.APPROVED
        return said_otherwise(replace(event, actor=name), approvals=[name]) if is_it else event

    desk.rewrite(as_another)
    assert not desk.is_accepted(ids[0])


def test_an_approval_stands_for_its_signer_alone(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    desk.rewrite(
        lambda event: said_otherwise(event, approvals=["carol", "bob"]) if event.kind == Decision.APPROVED else event
    )
    assert not desk.is_accepted(ids[0])


# Replayed


def test_a_signature_cannot_be_replayed_for_another_finding(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    desk.append(*(replace(event, subject=ids[1]) for event in desk.sign_offs()))
    assert desk.is_accepted(ids[0])
    assert not desk.is_accepted(ids[1])


def test_a_signature_cannot_be_replayed_after_it_was_revoked(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    assert desk.run("revoke", ids[0], "--reason", "no longer").code == 0
    desk.append(*desk.sign_offs())
    assert not desk.is_accepted(ids[0])
    request, approval = desk.sign_offs()[-2:]
    desk.rewrite(
        lambda event: (
            signed_otherwise(event, first=event.seq, approves=request.seq if event.seq == approval.seq else 0)
            if event.seq in (request.seq, approval.seq)
            else event
        )
    )
    assert not desk.is_accepted(ids[0])


def test_a_signature_cannot_be_replayed_in_another_store(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    with desk.opened() as database:
        database.run("UPDATE meta SET value = 'another' WHERE key = 'store_id'")
    assert not desk.is_accepted(ids[0])


def test_an_approval_cannot_be_moved_to_another_request(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    assert desk.ask(ids[0], terms=("--reason", "for ever", "--until", "80d")).code == 0
    desk.append(desk.sign_offs()[1])
    assert desk.is_accepted(ids[0])
    [one] = desk.run("show", ids[0], "--json").document["finding"]["decisions"][:1]
    assert (one["valid"], one["reason"]) == (True, "not reachable")


# The keys


def instant(seconds: float) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("option", "said"),
    [
        ('valid-before="PAST"', "key has expired"),
        ('valid-after="FUTURE"', "key is not yet valid"),
        ('namespaces="git"', "namespace"),
    ],
)
def test_a_key_that_does_not_hold_at_that_instant_signs_nothing(
    desk: Desk, ids: list[str], option: str, said: str
) -> None:
    desk.accept(ids[1])
    option = option.replace("PAST", instant(START)).replace("FUTURE", instant(START + 30 * DAY))
    desk.allow(ada=f"{option} ada", bob="bob")
    ended = desk.ask(ids[0])
    assert (ended.code, said in ended.err) == (2, True), ended.err
    assert not desk.is_accepted(ids[1])
    assert said in desk.why(ids[1])[0]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_times_of_allowed_signers_are_utc_with_a_z_and_without(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    at = desk.sign_offs()[0].at
    for zone in ("", "Z"):
        around = f'valid-after="{instant(at - 3600)}{zone}",valid-before="{instant(at + 3600)}{zone}"'
        desk.allow(ada=f"{around} ada", bob="bob")
        assert desk.is_accepted(ids[0])


def test_a_key_that_expired_since_has_signed_what_it_signed(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    since = desk.sign_offs()[-1].at + 1
    desk.allow(ada=f'valid-before="{instant(since)}" ada', bob="bob")
    while int(time.time()) <= since:
        time.sleep(0.1)
    assert desk.is_accepted(ids[0])
    assert "key has expired" in desk.ask(ids[1]).err


@pytest.mark.parametrize("gone", ["ada", "bob"])
def test_a_signer_who_is_no_longer_allowed_takes_the_acceptance_along(desk: Desk, ids: list[str], gone: str) -> None:
    desk.accept(ids[0])
    desk.allow(**{name: name for name in ("ada", "bob") if name != gone})
    assert not desk.is_accepted(ids[0])
    refused = 2 if gone == "ada" else 1
    assert len(desk.why(ids[0])) == refused
    listed = desk.run("list")
    assert f"{refused} sign-off" in listed.err
    page = desk.run("show", ids[0]).out
    assert f"by {gone} " in page
    assert f"no key that is allowed for {gone} made it" in page
    assert desk.run("db", "verify").code == 3
    desk.allow(ada="ada", bob="bob")
    assert desk.is_accepted(ids[0])
    assert desk.run("db", "verify").code == 0


def test_the_clock_goes_on_as_if_nobody_had_accepted_and_does_not_jump_back(desk: Desk, ids: list[str]) -> None:
    before = desk.run("show", ids[0], "--json").document["finding"]["due_at"]
    desk.accept(ids[0])
    desk.run("revoke", ids[0], "--reason", "no longer")
    desk.allow(ada="ada")
    assert desk.run("show", ids[0], "--json").document["finding"]["due_at"] == before


# Oneself


def test_nobody_approves_their_own_request_under_another_name(desk: Desk, ids: list[str]) -> None:
    desk.allow(ada="ada", bob="ada")
    assert desk.ask(ids[0]).code == 0
    ended = desk.approve(ids[0], who="bob", by="ada")
    assert (ended.code, "has signed for the acceptance" in ended.err) == (2, True)
    assert not desk.is_accepted(ids[0])


def test_a_key_that_went_to_two_names_later_does_not_count_twice(desk: Desk, ids: list[str], keys: Path) -> None:
    desk.allow(ada="ada", bob="ada")
    desk.ask(ids[0])
    forge_approval(desk, ids[0], "bob", keys / "ada")
    assert not desk.is_accepted(ids[0])
    assert desk.why(ids[0]) == ["its key has signed for it already, under another name"]


def test_nobody_approves_their_own_request_with_another_key(desk: Desk, ids: list[str], keys: Path) -> None:
    both = f"ada {(keys / 'ada.pub').read_text()}ada {(keys / 'carol.pub').read_text()}"
    (desk.folder / "signers").write_text(both)
    assert desk.ask(ids[0]).code == 0
    ended = desk.approve(ids[0], who="ada", by="carol")
    assert (ended.code, "Whoever asks for an acceptance cannot approve it" in ended.err) == (2, True)
    forge_approval(desk, ids[0], "ada", keys / "carol")
    assert not desk.is_accepted(ids[0])
    assert desk.why(ids[0]) == ["ada asked for it or has approved it already"]


def forge_approval(desk: Desk, id_: str, name: str, file: Path, request: int = 0) -> None:
    """Write an approval past all that Fixby asks, of the last request if no other, signed rightly by somebody's key."""
    event = Event(0, int(time.time()), name, Decision.APPROVED, id_, encoded({"approvals": [name]}).decode())
    forge(desk, event, file, approves=request or desk.sign_offs()[-1].seq)


def forge(desk: Desk, event: Event, file: Path, *, approves: int = 0, severity: Severity = Severity.HIGH) -> None:
    """Write an event down that somebody's key signed rightly, past all that Fixby asks."""
    with desk.opened() as database:
        numbered = replace(event, seq=log.head(database).seq + 1)
        draft = Draft(said_otherwise(numbered, observed_at=event.at), severity, approves)
        signing = Signing(lambda statement, _: (by_hand(statement, file), f"SHA256:{event.kind}"))
        forged = with_signature(database, [draft], signing)
    desk.append(*forged)


def request(id_: str, days: int = 5) -> Event:
    """A request by ada for so many days, as Fixby would write it."""
    now = int(time.time())
    words = {"owner": "ada", "reason": "x", "mitigation": "", "until": now + days * DAY, "needed": 1, "approvals": []}
    return Event(0, now, "ada", Decision.ACCEPTED, id_, encoded(words).decode())


@pytest.mark.parametrize(
    ("days", "severity", "why"),
    [
        (5, Severity.HIGH, None),
        (200, Severity.HIGH, "it is for longer than the policy allows"),
        (5, Severity.LOW, "it was signed for a low finding, which was high"),
    ],
)
def test_who_asks_by_hand_gets_no_more_than_the_policy_gives(  # noqa: PLR0917 - what is asked and said
    desk: Desk, ids: list[str], keys: Path, days: int, severity: Severity, why: str | None
) -> None:
    forge(desk, request(ids[0], days), keys / "ada", severity=severity)
    forge_approval(desk, ids[0], "bob", keys / "bob")
    assert desk.is_accepted(ids[0]) is (why is None)
    assert desk.why(ids[0])[:1] == ([why] if why else [])


def test_who_approved_one_request_did_not_approve_a_later_one(desk: Desk, ids: list[str], keys: Path) -> None:
    desk.ask(ids[0])
    first = desk.sign_offs()[0].seq
    desk.ask(ids[0], terms=("--reason", "for ever", "--until", "80d"))
    forge_approval(desk, ids[0], "bob", keys / "bob", request=first)
    assert not desk.is_accepted(ids[0])
    assert desk.why(ids[0]) == ["it was signed for another acceptance"]


def test_what_was_forged_under_a_strict_policy_does_not_count_under_a_lax_one(desk: Desk, ids: list[str]) -> None:
    event = request(ids[0])
    desk.append(said_otherwise(event, observed_at=event.at, needed=0))
    stored(desk, shipped().toml)
    assert not desk.is_accepted(ids[0])


def test_only_whom_the_policy_names_can_approve_even_past_fixby(desk: Desk, keys: Path) -> None:
    named = SIGNED.replace("approvers = 1\nsigned = true", 'approvers = 1\nby = ["bob"]\nsigned = true')
    (desk.folder / "policy.toml").write_text(named)
    ids = stored(desk, named)
    desk.ask(ids[0])
    assert "carol may not approve this" in desk.approve(ids[0], who="carol").err
    forge_approval(desk, ids[0], "carol", keys / "carol")
    assert not desk.is_accepted(ids[0])
    assert desk.why(ids[0]) == ["the policy does not name carol among those who may approve"]


# Several


def test_what_a_query_selects_is_signed_at_once_and_stands_or_falls_together(desk: Desk, ids: list[str]) -> None:
    every = ("--query", "severity:high", "--yes")
    assert desk.run("accept", *every, *TERMS, "--sign", desk.keys / "ada").code == 0
    assert desk.run("approve", *every, "--sign", desk.keys / "bob", who="bob").code == 0
    assert [desk.is_accepted(id_) for id_ in ids] == [True] * 3
    assert len({orjson.loads(event.body)["signature"]["text"] for event in desk.sign_offs()}) == 2
    desk.rewrite(
        lambda event: (
            said_otherwise(event, owner="eve") if event.kind == Decision.ACCEPTED and event.subject == ids[1] else event
        )
    )
    assert [desk.is_accepted(id_) for id_ in ids] == [False] * 3
    assert "6 sign-offs are refused" in desk.run("list").err


def rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def test_what_was_signed_for_several_does_not_count_for_some(desk: Desk, ids: list[str]) -> None:
    desk.accept(*ids)
    others = {event.seq for event in desk.sign_offs() if event.subject == ids[2]}

    def dropped(event: Event) -> Event:
        is_it = event.seq in others
        return said_otherwise(replace(event, kind=Decision.COMMENTED), reason="x") if is_it else event

    desk.rewrite(dropped)
    assert not desk.is_accepted(ids[0])


# Apart


def test_a_statement_is_signed_on_another_machine(desk: Desk, ids: list[str]) -> None:
    for command, who in ((("accept", ids[0], *TERMS), "ada"), (("approve", ids[0]), "bob")):
        before = len(desk.sign_offs())
        statement = desk.run(*command, "--statement", who=who).out
        assert len(desk.sign_offs()) == before
        told = json.loads(statement)
        assert (told["kind"], told["signer"], told["findings"][0]["finding"]) == (command[0], who, ids[0])
        file = desk.folder / "statement.json"
        file.write_text(statement)
        file.with_name("statement.json.sig").write_text(by_hand(statement, desk.keys / who))
        time.sleep(1.1)
        assert desk.run(*command, "--signed", file, who=who).code == 0
    assert desk.is_accepted(ids[0])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("other terms", "is not what is to be decided"),
        ("another finding", "is not what is to be decided"),
        ("something happened", "is not what is to be decided"),
        ("another text", "is no statement to sign"),
        ("no signature", "cannot be read"),
        ("another key", "not that of ada"),
        ("the future", "in the future"),
    ],
)
def test_what_was_signed_apart_must_be_what_is_decided(desk: Desk, ids: list[str], what: str, said: str) -> None:
    terms = list(TERMS)
    statement = desk.run("accept", ids[0], *terms, "--statement").out
    id_ = ids[1] if what == "another finding" else ids[0]
    file = desk.folder / "statement.json"
    if what == "other terms":
        terms[1] = "for ever"
    elif what == "something happened":
        desk.run("comment", ids[0], "-m", "wait")
    elif what == "another text":
        statement = "yes\n"
    elif what == "the future":
        statement = re.sub(r'"at": ".*"', f'"at": "{rfc3339(time.time() + 90)}"', statement)
    file.write_text(statement)
    signer = desk.keys / ("mallory" if what == "another key" else "ada")
    if what != "no signature":
        (desk.folder / "statement.json.sig").write_text(by_hand(statement, signer))
    ended = desk.run("accept", id_, *terms, "--signed", file)
    assert (ended.code, said in ended.err) == (2, True), ended.err
    assert desk.sign_offs() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_ssh_agent_signs_for_a_public_key(desk: Desk, ids: list[str]) -> None:
    private = key(desk.folder, "locked", passphrase="secret of ada")
    (desk.folder / "signers").write_text(f"ada {(desk.folder / 'locked.pub').read_text()}")
    refused = desk.run("accept", ids[0], *TERMS, "--sign", private, SSH_AUTH_SOCK="")
    assert (refused.code, "incorrect passphrase" in refused.err, "ssh-agent" in refused.err) == (2, True, True)
    socket = desk.folder / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL) as agent:
        try:
            add(private, socket, desk.folder)
            private.unlink()
            public = desk.folder / "locked.pub"
            ended = desk.run("accept", ids[0], *TERMS, "--sign", public, SSH_AUTH_SOCK=str(socket))
        finally:
            agent.terminate()
    assert (ended.code, ended.err) == (0, "")


def add(private: Path, socket: Path, folder: Path) -> None:
    """Give an agent a key whose passphrase a program tells, as nobody is at a terminal."""
    teller = folder / "askpass"
    teller.write_text("#!/bin/sh\necho secret of ada\n")
    teller.chmod(0o700)
    environment = clean_environment() | {
        "SSH_AUTH_SOCK": str(socket),
        "SSH_ASKPASS": str(teller),
        "SSH_ASKPASS_REQUIRE": "force",
        "DISPLAY": ":0",
    }
    while not socket.exists():
        time.sleep(0.05)
    subprocess.run(["ssh-add", str(private)], env=environment, check=True, capture_output=True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("options", [("--sign", "KEY", "--statement"), ("--statement", "--signed", "x")])
def test_a_decision_is_signed_in_one_way(desk: Desk, ids: list[str], options: tuple[str, ...]) -> None:
    assert "signed in one way" in desk.run("approve", ids[0], *options).err


# Configuration and surroundings


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("missing", "does not exist"),
        ("folder", "cannot be read: "),
        ("pipe", "cannot be read: Not a regular file"),
        ("huge", "larger than 1 MiB"),
        ("none", "No allowed signers are configured"),
    ],
)
def test_allowed_signers_that_are_no_file_are_told_of(desk: Desk, ids: list[str], what: str, said: str) -> None:
    desk.accept(ids[0])
    signers = desk.folder / "signers"
    signers.unlink()
    if what == "folder":
        signers.mkdir()
    elif what == "pipe":
        os.mkfifo(signers)
    elif what == "huge":
        signers.write_bytes(b"#" * (2**20 + 1))
    elif what == "none":
        (desk.folder / "fixby.toml").write_text('asset = "web"\npolicy = "policy.toml"\n')
    ended = desk.ask(ids[1])
    assert (ended.code, said in ended.err) == (2, True), ended.err
    gate = desk.run("gate")
    if what == "none":
        assert "2 sign-offs are refused" in gate.err
        assert desk.why(ids[0])[0] == "no allowed_signers is configured"
        assert "signatures that were not checked" in desk.run("db", "verify").err
    else:
        assert (gate.code, said in gate.err) == (2, True)


def test_without_ssh_keygen_nothing_is_signed_and_nothing_signed_counts(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    empty = desk.folder / "empty"
    empty.mkdir()
    _forget()
    asked = desk.run("accept", ids[1], *TERMS, "--sign", desk.keys / "ada", PATH=str(empty))
    assert (asked.code, "ssh-keygen is not installed" in asked.err, "apt install" in asked.err) == (2, True, True)
    shown = desk.run("show", ids[0], "--json", PATH=str(empty)).document
    assert shown["finding"]["state"] == "open"
    assert shown["sign_offs"][0]["reason"] == "ssh-keygen is not installed"
    _forget()
    assert desk.is_accepted(ids[0])


def _forget() -> None:
    """Signatures are checked once in a process, and tests call several commands in theirs."""
    ssh_keygen._checked.cache_clear()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "name", ["*", "ada,bob", "-I", "--", "!ada", '"ada"', "ada bob", "#", "ädä", "?da", "[a]da", "$(id)"]
)
def test_a_hostile_name_signs_for_nobody_else(desk: Desk, ids: list[str], name: str) -> None:
    ended = desk.ask(ids[0], who=name, by="ada")
    assert (ended.code, "The signature is not that of" in ended.err or "no name" in ended.err) == (2, True), ended
    assert desk.sign_offs() == []


def test_a_name_in_the_log_that_steers_a_terminal_is_shown_and_proves_nothing(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    hostile = "\x1b[2Jada\u202e\n\x00"
    nul_free = hostile.replace("\x00", "")
    desk.rewrite(lambda event: replace(event, actor=nul_free) if event.kind == Decision.ACCEPTED else event)
    shown = desk.run("show", ids[0])
    assert "\x1b" not in shown.out + shown.err
    assert "\u202e" not in shown.out + shown.err
    assert not desk.is_accepted(ids[0])
    assert "\x1b" not in desk.run("db", "verify").out


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_ssh_keygen_says_of_a_hostile_file_steers_no_terminal(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    (desk.folder / "signers").write_bytes(b"ada \x1b[2J\xff\xe2\x80\xae ssh-ed25519 AAAA\nbob\n\x00\n")
    for command in (("show", ids[0]), ("list",), ("db", "verify"), ("accept", ids[1], *TERMS)):
        signed = ("--sign", desk.keys / "ada") if command[0] == "accept" else ()
        ended = desk.run(*command, *signed)
        assert "\x1b" not in ended.out + ended.err
    assert not desk.is_accepted(ids[0])


# Policies


def test_an_acceptance_from_before_the_policy_demanded_signatures_stops_to_count(desk: Desk) -> None:
    ids = stored(desk, shipped().toml)
    desk.run("accept", ids[0], *TERMS)
    desk.run("approve", ids[0], who="bob")
    assert desk.is_accepted(ids[0])
    stored(desk, SIGNED)
    assert not desk.is_accepted(ids[0])
    assert desk.why(ids[0]) == ["it is not signed", "it is not signed"]


def test_a_moment_of_a_laxer_policy_does_not_help(desk: Desk) -> None:
    ids = stored(desk, SIGNED)
    stored(desk, shipped().toml)
    assert desk.run("accept", ids[0], *TERMS).code == 0
    assert desk.run("approve", ids[0], who="bob").code == 0
    stored(desk, SIGNED)
    assert not desk.is_accepted(ids[0])


def test_what_was_asked_for_under_signatures_is_not_approved_without_one_later(desk: Desk, ids: list[str]) -> None:
    desk.ask(ids[0])
    stored(desk, shipped().toml)
    assert "has to sign it" in desk.run("approve", ids[0], who="bob").err
    assert desk.approve(ids[0]).code == 0
    assert desk.is_accepted(ids[0])


def test_a_file_of_decisions_cannot_accept_what_must_be_signed(desk: Desk, ids: list[str]) -> None:
    text = f'[[accept]]\nfinding = "{ids[0]}"\nreason = "x"\nuntil = "5d"\n'
    (desk.folder / "decisions.toml").write_text(text)
    ended = desk.run("decisions", "apply", "decisions.toml")
    assert (ended.code, "has to sign it" in ended.err, "fixby accept --sign KEY" in ended.err) == (2, True, True)
    desk.accept(ids[0])
    (desk.folder / "decisions.toml").write_text(text.replace('"x"', '"not reachable"'))
    assert "1 unchanged" in desk.run("decisions", "apply", "decisions.toml").out
    desk.allow(ada="ada")
    assert desk.run("decisions", "apply", "decisions.toml", "--dry-run").out != ""


# The past, copies, evidence


def test_the_past_counts_what_verifies_today(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    then = rfc3339(desk.sign_offs()[-1].at)
    before = rfc3339(START + DAY)
    desk.run("revoke", ids[0], "--reason", "no longer")

    def counts(at: str) -> tuple[bool, bool]:
        listed = desk.run("list", "is:accepted", "--json", "--as-of", at)
        broken = desk.run("gate", "--json", "--as-of", at).document["rules"][0]["findings"]
        return ids[0] in listed.out, ids[0] not in broken

    if desk.sign_offs()[-1].at < int(time.time()):
        assert counts(then) in {(True, True), (False, False)}
    assert counts(before) == (False, False)
    desk.allow(ada="ada")
    assert counts(then) == (False, False)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_restored_backup_keeps_what_was_signed(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    with desk.opened() as database:
        database.run("PRAGMA wal_checkpoint(TRUNCATE)")
    copy = desk.folder / "restored" / "fixby.db"
    copy.parent.mkdir()
    shutil.copy(desk.url, copy)
    assert replace(desk, url=str(copy)).is_accepted(ids[0])


def test_a_judgement_on_record_is_that_of_what_counts(desk: Desk, ids: list[str]) -> None:
    desk.accept(*ids)
    recorded = desk.run("gate", "--record", "--json").document
    assert recorded["rules"][0]["verdict"] == "pass"
    desk.allow(ada="ada")
    again = desk.run("gate", "--record", "--json").document
    assert (again["rules"][0]["verdict"], len(again["rules"][0]["findings"])) == ("fail", 3)
    assert desk.run("gate", "--again", str(again["recorded"])).code == 0
    assert desk.run("gate", "--again", str(recorded["recorded"])).code == 1


@pytest.mark.parametrize("allowed", ["all", "one", "none"])
def test_evidence_has_what_was_signed_and_proves_itself(desk: Desk, ids: list[str], allowed: str) -> None:
    desk.accept(*ids[:2])
    if allowed == "one":
        desk.allow(ada="ada")
    elif allowed == "none":
        (desk.folder / "fixby.toml").write_text('asset = "web"\npolicy = "policy.toml"\n')
    file = desk.folder / "evidence.zip"
    assert desk.run("export", "evidence", "--output", file).code == 0
    verified = desk.run("verify", file)
    assert (verified.code, "WRONG" in verified.out) == (0, False), verified.out
    with zipfile.ZipFile(file) as package:
        package.extractall(desk.folder / "package")
        lines = [json.loads(line) for line in package.read("decisions/sign_offs.jsonl").splitlines()]
        known = tuple(name for name, _ in evidence_readme.FILES)
        assert [name for name in package.namelist() if not name.startswith((*known, "README.md"))] == []
    assert [one["by"] for one in lines] == ["ada", "ada", "bob", "bob"]
    assert [one["counts"] for one in lines] == {
        "all": [True] * 4,
        "one": [True, True, False, False],
        "none": [False] * 4,
    }[allowed]
    if allowed != "none":
        assert [_by_plain_ssh_keygen(desk.folder / "package", one) for one in lines] == [one["counts"] for one in lines]


def _by_plain_ssh_keygen(package: Path, line: dict[str, Any]) -> bool:
    """What an auditor finds who follows the README of the package."""
    readme = (package / "README.md").read_text()
    [command] = re.findall(r"^\$ (TZ=UTC ssh-keygen .*\n.*)$", readme, re.MULTILINE)
    at = re.sub(r"[^0-9]", "", line["at"])
    words = command.replace("STATEMENT", line["statement"]).replace("SIGNER", line["by"]).replace("INSTANT", at)
    return subprocess.run(["sh", "-c", words], cwd=package, capture_output=True, check=False).returncode == 0


def test_a_package_whose_signers_were_exchanged_is_found_out(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    desk.allow(ada="ada")
    assert desk.run("export", "evidence", "--output", "evidence.zip").code == 0
    desk.allow(ada="ada", bob="bob")
    assert desk.run("export", "evidence", "--output", "other.zip").code == 0
    with opened(desk.folder / "evidence.zip") as one, opened(desk.folder / "other.zip") as other:
        content = {name: one.content(name) for name in one.names()}
        content["decisions/allowed_signers"] = other.content("decisions/allowed_signers")
        write(desk.folder / "forged.zip", one.cover, [Part(name, [body]) for name, body in content.items()])
    ended = desk.run("verify", "forged.zip")
    assert (ended.code, "decisions/sign_offs.jsonl is not what the log tells" in ended.out) == (1, True), ended.out


def test_where_no_policy_demands_signatures_a_reader_asks_one_question_more(desk: Desk) -> None:
    stored(desk, shipped().toml)
    with desk.opened() as database:
        database.run("DROP TABLE event")
        with only_valid(database, lambda _: pytest.fail("nothing is to be checked")) as refused:
            assert refused == ()


def test_a_row_that_no_event_tells_of_is_no_acceptance_but_a_damaged_store(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    with desk.opened() as database, database.writing():
        database.run("UPDATE acceptance SET finding_id = :id", id=ids[1])
    for command in ("list", "gate", "show"):
        ended = desk.run(command, *(ids[1:2] if command == "show" else ()))
        assert (ended.code, "are not what the log tells" in ended.err, "fixby db verify" in ended.err) == (
            3,
            True,
            True,
        )
    assert desk.run("db", "verify").code == 3


def test_a_request_that_was_signed_under_a_laxer_policy_needs_the_approvals_of_the_stricter_one(desk: Desk) -> None:
    ids = stored(desk, shipped().toml.replace("approvers = 1", "approvers = 0"))
    assert desk.ask(ids[0]).code == 0
    assert desk.is_accepted(ids[0])
    stored(desk, SIGNED)
    assert not desk.is_accepted(ids[0])
    assert desk.why(ids[0]) == ["it brings approvals that nobody signed, or asks for fewer than the policy"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_target_names_no_allowed_signers_outside_of_itself(desk: Desk, ids: list[str]) -> None:
    outside = desk.folder.parent / f"{desk.folder.name}-signers"
    shutil.copy(desk.folder / "signers", outside)
    file = desk.folder / "fixby.toml"
    for name in (str(outside), "link"):
        (desk.folder / "link").unlink(missing_ok=True)
        (desk.folder / "link").symlink_to(outside)
        file.write_text(f'asset = "web"\npolicy = "policy.toml"\nallowed_signers = "{name}"\n')
        ended = desk.run("list")
        assert (ended.code, "fixby.toml:3: allowed_signers must be a file below" in ended.err) == (2, True)
        assert desk.run("list", FIXBY_ALLOWED_SIGNERS=str(outside)).code == 0
    assert desk.run("list", "--config", file, "--store", desk.url).code == 0
    assert ids


def test_the_screen_of_triage_hides_what_is_refused_and_cannot_sign(desk: Desk, ids: list[str]) -> None:
    desk.accept(ids[0])
    desk.allow(ada="ada")
    found = Place(desk.folder, desk.url).configuration()
    by = By("eve", int(time.time()))
    screen = TriageDesk(
        reading=partial(open_for_reading, desk.url),
        writing=desk.opened,
        by=lambda: by,
        until=lambda text, now: later(text, "until", now),
        folder=desk.folder,
        only_valid=partial(only_valid, check=checker(found)),
    )
    answers = {"until": "5d", "owner": "", "reason": "x", "mitigation": ""}

    async def told() -> list[str]:
        access = Access(screen)
        with pytest.raises(UsageError, match="has to sign it") as refused:
            await access.decide(
                lambda database, by: decide(Step("accept", (ids[1],), answers), database, by, screen.until)
            )
        assert "fixby accept --sign KEY" in refused.value.hint
        state = await access.ask(lambda database, now: [str(one.state) for one in queries.with_ids(database, ids, now)])
        access.close()
        return state

    assert asyncio.run(told()) == ["open"] * 3


def test_a_notice_tells_of_what_was_accepted_by_a_forger(desk: Desk) -> None:
    ids = stored(desk)
    desk.accept(*ids)
    assert "due soon" not in desk.run("notify", "--show").out
    desk.allow(ada="ada")
    told = desk.run("notify", "--show")
    assert "3 sign-offs are refused" in told.err
