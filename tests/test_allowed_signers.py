"""Whose keys count, and when; files of signers, programs and names that are not as they should be."""

import os
import shutil
import time
from dataclasses import replace

import pytest

from fixby.decision import Decision
from fixby.scanners import ssh_keygen
from tests.signing_desk import START, TERMS, Desk, instant
from tests.stories import DAY

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen, which signs, is not installed")


# The keys


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
