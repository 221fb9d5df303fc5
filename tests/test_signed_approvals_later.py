"""What was signed under other policies, in the past, in copies and in evidence counts as it does now."""

import asyncio
import json
import re
import shutil
import subprocess
import time
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fixby.cli.instants import later
from fixby.cli.place import Place, checker
from fixby.errors import UsageError
from fixby.policies.policy import shipped
from fixby.reports import evidence_readme
from fixby.reports.evidence import Part, opened, write
from fixby.store import queries
from fixby.store.decisions import By
from fixby.store.opening import open_for_reading
from fixby.store.sign_offs import only_valid
from fixby.triage.deciding import decide
from fixby.triage.desk import Access
from fixby.triage.desk import Desk as TriageDesk
from fixby.triage.undo import Step
from tests.signing_desk import SIGNED, START, TERMS, Desk, rfc3339, stored
from tests.stories import DAY

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen, which signs, is not installed")


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
