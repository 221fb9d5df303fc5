"""A store whose sign-offs are signed, the people who sign there, and what a forger can do to it."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from fixby.decision import Decision
from fixby.policies.policy import parse, shipped
from fixby.severity import Severity
from fixby.store import log, queries
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.log import Event
from fixby.store.opening import open_for_writing
from fixby.store.projecting import project, rebuild
from fixby.store.signing import Draft, Signing, with_signature
from tests.command import Ended, called, clean_environment
from tests.stories import DAY, scan, told, weakness
from tests.test_published import validate
from tests.test_verification import chain_anew

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


def by_hand(text: str, file: Path, folder: Path | None = None) -> str:
    """The signature of a text by ssh-keygen itself."""
    command = ["ssh-keygen", "-Y", "sign", "-n", "fixby", "-f", str(file)]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=True, cwd=folder, env=clean_environment()
    ).stdout


def instant(seconds: float) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds))


def rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


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
