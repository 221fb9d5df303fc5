"""Sign-offs are proved by SSH keys: how they are signed and approved, here, apart and for several."""

import itertools
import json
import re
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from fixby.cli import place
from fixby.decision import Decision
from fixby.policies.policy import shipped
from fixby.store.log import Event
from tests.command import clean_environment
from tests.signing_desk import TERMS, Desk, by_hand, key, rfc3339, said_otherwise, stored

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen, which signs, is not installed")


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
def test_a_duration_counts_from_the_instant_that_the_statement_tells(
    desk: Desk, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(int(time.time()))
    monkeypatch.setattr(place, "now", lambda: next(seconds))
    file = desk.folder / "statement.json"
    file.write_text(desk.run("accept", ids[0], *TERMS, "--statement").out)
    file.with_name("statement.json.sig").write_text(by_hand(file.read_text(), desk.keys / "ada"))
    assert desk.run("accept", ids[0], *TERMS, "--signed", file).code == 0


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
