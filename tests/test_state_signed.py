"""Signed decisions in a state that several runs share: what is recorded again counts only where its signature holds."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fixby.policies.policy import parse
from tests.command import git, repository
from tests.signing_desk import SIGNED, START, Desk, key, stored
from tests.stories import scan, told, weakness

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen, which signs, is not installed")


@pytest.fixture
def desks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Desk, Desk]:
    """Two stores of one state, under a policy that demands signatures; ada and bob may sign."""
    settings = {"asset": "web", "policy": "policy.toml", "gate": "gate.toml", "allowed_signers": "signers"}
    lines = "".join(f'{name} = "{value}"\n' for name, value in settings.items())
    gate = (Path(__file__).parents[1] / "policies" / "gate.toml").read_text()
    files = {"fixby.toml": lines, "policy.toml": SIGNED, "gate.toml": gate.replace("critical", "high -is:accepted")}
    folder = repository(tmp_path / "web", files)
    for name in ("ada", "bob"):
        key(tmp_path, name)
    one = Desk(folder, str(tmp_path / "one.db"), tmp_path)
    one.allow(ada="ada", bob="bob")
    git(repository(tmp_path / "state.git", {}), "init", "--quiet", "--bare")
    monkeypatch.setenv("FIXBY_STATE_REMOTE", str(tmp_path / "state.git"))
    stored(one)
    assert one.run("state", "init").code == 0
    monkeypatch.setenv("FIXBY_STORE_KEY", one.run("state", "key").out.strip())
    other = replace(one, url=str(tmp_path / "other.db"))
    assert other.run("state", "pull").code == 0
    return one, other


def ids(desk: Desk) -> list[str]:
    return sorted(finding["id"] for finding in desk.run("list", "--json").document["findings"])


def another_run(desk: Desk) -> None:
    """A run that finds something new, and pushes it."""
    with desk.opened() as database:
        one = scan(weakness("exec(1)", path="other.py"), at=START + 9, target="other.py")
        told(database, one, policy=parse(SIGNED, "policy"))
    assert desk.run("state", "push").code == 0


def test_signed_decisions_count_wherever_they_are_pulled(desks: tuple[Desk, Desk]) -> None:
    one, other = desks
    first = ids(one)[0]
    other.accept(first)
    assert other.run("state", "push").code == one.run("state", "pull").code == 0
    assert one.is_accepted(first)


def test_a_request_that_is_recorded_again_keeps_its_signature_and_can_be_approved(desks: tuple[Desk, Desk]) -> None:
    one, other = desks
    first = ids(one)[0]
    assert other.ask(first).code == 0
    another_run(one)
    assert '"recorded_again": 1' in other.run("state", "push", "--json").out
    assert other.why(first) == []
    assert other.approve(first).code == 0
    assert other.is_accepted(first)
    assert other.run("state", "push").code == one.run("state", "pull").code == 0
    assert one.is_accepted(first)


def test_an_approval_of_a_request_that_was_recorded_again_is_refused_and_given_anew(desks: tuple[Desk, Desk]) -> None:
    one, other = desks
    first = ids(one)[0]
    other.accept(first)
    another_run(one)
    assert other.run("state", "push").code == 0
    assert not other.is_accepted(first)
    assert len(other.why(first)) == 1
    assert other.run("db", "verify").code == 3
    assert other.run("revoke", first, "--reason", "to sign it anew").code == 0
    assert (other.ask(first).code, other.approve(first).code) == (0, 0)
    assert other.is_accepted(first)
