"""Attestations, and judgements that are written down and evaluated again, in both kinds of stores."""

import json
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fixby.cli import attest, gate
from fixby.cli.actor import actor
from fixby.cli.attest import Wish
from fixby.cli.place import Place
from fixby.errors import ConfigurationError, ExitCode, StoreError, UsageError
from fixby.store import judgements
from fixby.store.attestations import Attestation, attestations, kinds
from fixby.store.attestations import attest as write_down
from fixby.store.database import Database
from fixby.store.log import events, head
from fixby.store.opening import open_for_writing
from fixby.store.verification import flaws
from tests.command import clean_environment, git, repository
from tests.stories import DAY, scan, told, weakness
from tests.test_published import validate

GATE = """\
name = "ours"

[[rules]]
name = "no high"
query = "is:open severity:high"
limit = 0

[scans]
required = ["bandit"]
recorded = true
max_age = "24h"

[[attestations]]
kind = "restore-drill"
max_age = "30d"
"""


@pytest.fixture(autouse=True)
def _ada(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIXBY_ACTOR", "ada@example.org")


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Place:
    """A repository with a gate of its own, and an empty store."""
    repo = repository(tmp_path / "web", {"fixby.toml": 'gate = "gate.toml"\n', "gate.toml": GATE})
    open_for_writing(database_url).close()
    return Place(repo, database_url)


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    """The store of that place."""
    opened = open_for_writing(str(place.store))
    yield opened
    opened.close()


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    """The document that was printed last, which is what its schema says."""

    def document() -> Any:  # noqa: ANN401 - JSON
        read = json.loads(capsys.readouterr().out)
        validate(read)
        return read

    return document


def now() -> int:
    return int(time.time())


def scanned(database: Database, *severities: str) -> None:
    """Bandit has just looked, and found something of each of these severities."""
    found = [weakness(f"eval({number})", severity=severity) for number, severity in enumerate(severities)]
    told(database, scan(*found, at=now() - 1))


def rules(document: Any) -> dict[str, str]:  # noqa: ANN401 - JSON
    return {rule["name"]: rule["verdict"] for rule in document["rules"]}


def test_an_attestation_is_an_event_of_who_what_when_and_on_what_evidence(place: Place, database: Database) -> None:
    report = place.path / "drill.txt"
    report.write_text("restored in 42 min\n")
    wish = Wish("restore-drill", "restored in 42 min", str(report), "2w", "2026-01-02T03:04:05+01:00")
    attest.run(place, wish, as_json=False)
    [(event, _)] = events(database)
    assert (event.kind, event.subject, event.actor) == (
        "attestation.recorded",
        "attestation:restore-drill",
        "ada@example.org",
    )
    at = 1767319445
    assert json.loads(event.body) == {
        "asset": "web",
        "kind": "restore-drill",
        "note": "restored in 42 min",
        "evidence": {"name": str(report), "sha256": sha256(b"restored in 42 min\n").hexdigest()},
        "at": at,
        "until": at + 14 * DAY,
    }
    assert list(flaws(database)) == []


def test_an_attestation_needs_no_more_than_its_kind(
    place: Place, database: Database, printed: Callable[[], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    before = now()
    attest.run(place, Wish("soc2-audit"), as_json=True)
    [one] = printed()["attestations"]
    assert {key: one[key] for key in ("by", "asset", "kind", "status", "event")} == {
        "by": "ada@example.org",
        "asset": "web",
        "kind": "soc2-audit",
        "status": "valid",
        "event": 1,
    }
    assert [one[key] for key in ("note", "evidence", "until", "valid_until")] == [None, None, None, None]
    assert one["at"] == one["recorded_at"]
    [recorded] = attestations(database, "web", kinds(database))
    assert before <= recorded.attestation.at <= now()
    attest.run(place, Wish("soc2-audit", evidence="https://example.org/audit"), as_json=False)
    assert capsys.readouterr().out.endswith("; https://example.org/audit; event 2\n")


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        (Wish("Restore Drill"), "The kind of an attestation is wrong: 'Restore Drill' is not made of lower-case words"),
        (Wish("-drill"), "The kind of an attestation is wrong"),
        (Wish(""), "The kind of an attestation is wrong: it is empty"),
        (Wish("drill", at="2999-01-01T00:00:00Z"), "--at: 2999-01-01T00:00:00Z lies in the future."),
        (Wish("drill", at="2026-01-01T25:00:00Z"), "--at: '2026-01-01T25:00:00Z' is no date and no instant."),
        (Wish("drill", at="0001-01-01T00:00:00+14:00"), "Nothing is attested from before 1970"),
        (Wish("drill", until="9999-12-31T23:59:59-14:00"), "Nothing is attested from before 1970 or for more than a"),
        (Wish("drill", until="2020-01-01"), "--until: 2020-01-01 does not lie in the future."),
        (Wish("drill", until="2026-02-30"), "--until: '2026-02-30' is no date and no instant."),
        (Wish("drill", until="0d"), "--until: '0d' is no date and no instant."),
        (Wish("drill", evidence="no-such-file"), "--evidence no-such-file cannot be read: No such file"),
        (Wish("drill", evidence="/"), "--evidence / cannot be read: Is a directory."),
        (Wish("drill", evidence="https://ada:Kq7nW2vR9t@example.org/"), "The address of the evidence has a password"),
        (Wish("drill", evidence="https://[::/"), "--evidence is no address: Invalid IPv6 URL."),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    wish: Wish, problem: str, place: Place, database: Database
) -> None:
    with pytest.raises(UsageError) as caught:
        attest.run(place, wish, as_json=False)
    assert caught.value.message.startswith(problem)
    assert caught.value.hint
    assert head(database).seq == 0


@pytest.mark.parametrize(
    ("until", "instant"),
    [
        ("36h", "2026-01-02T12:00:00Z"),
        ("2026-02-28", "2026-02-28T23:59:59Z"),
        ("2026-02-28T12:00:00+02:00", "2026-02-28T10:00:00Z"),
    ],
)
def test_the_end_is_a_length_a_day_or_an_instant(
    until: str, instant: str, place: Place, printed: Callable[[], Any]
) -> None:
    attest.run(place, Wish("drill", until=until, at="2026-01-01T00:00:00Z"), as_json=True)
    [one] = printed()["attestations"]
    assert (one["until"], one["valid_until"], one["status"]) == (instant, instant, "ended")


def test_the_list_says_which_attestations_hold(
    place: Place, database: Database, printed: Callable[[], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    attest.run(place, Wish(), only_list=True, as_json=False)
    assert capsys.readouterr().out == "Nothing was attested yet.\n"
    today, month = now(), 30 * DAY
    write_down(database, Attestation("web", "restore-drill", today - DAY), "ada", today)
    write_down(database, Attestation("web", "restore-drill", today - 2 * DAY, today + DAY), "grace", today)
    write_down(database, Attestation("web", "penetration-test", today - 400 * DAY), "grace", today)
    write_down(database, Attestation("web", "fire-drill", today - 9 * DAY, today - 3 * DAY), "ada", today)
    write_down(database, Attestation("shop", "restore-drill", today), "grace", today)
    attest.run(place, Wish(), only_list=True, as_json=True)
    told = [(one["event"], one["kind"], one["status"]) for one in printed()["attestations"]]
    assert told == [
        (4, "fire-drill", "ended"),
        (3, "penetration-test", "valid"),
        (2, "restore-drill", "replaced"),
        (1, "restore-drill", "valid"),
    ]
    attest.run(place, Wish(), only_list=True, as_json=False)
    [first, *_, last] = capsys.readouterr().out.splitlines()
    assert first.startswith("ended     fire-drill: by ada at ")
    assert last.startswith("valid     restore-drill: by ada at ")
    [drill, _] = attestations(database, "web", ["restore-drill"])
    assert gate.attested(drill).ends(month) == today - DAY + month


def test_what_contradicts_itself_is_refused(place: Place, database: Database) -> None:
    with pytest.raises(UsageError, match="--list shows what was attested, and attests nothing"):
        attest.run(place, Wish("drill"), only_list=True, as_json=False)
    with pytest.raises(UsageError, match="What is evaluated again is not written down"):
        gate.run(place, record=True, again=1, as_json=False)
    assert head(database).seq == 0


def test_notes_of_people_steer_no_terminal(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    attest.run(place, Wish("drill", "\x1b[31mred\udce9\n"), as_json=False)
    assert "�[31mred\\xe9�" in capsys.readouterr().out


def test_the_gate_asks_for_what_is_attested_of_this_asset(
    place: Place, database: Database, printed: Callable[[], Any]
) -> None:
    scanned(database)
    write_down(database, Attestation("shop", "restore-drill", now()), "grace", now())
    assert gate.run(place, as_json=True) is ExitCode.CANNOT_TELL
    document = printed()
    assert rules(document)["restore-drill attested"] == "unknown"
    assert document["notes"] == ["headers are not verified: not configured"]
    write_down(database, Attestation("web", "restore-drill", now()), "grace", now())
    assert gate.run(place, as_json=True) is ExitCode.DONE
    assert rules(printed()) == {"no high": "pass", "bandit has looked": "pass", "restore-drill attested": "pass"}
    write_down(database, Attestation("web", "restore-drill", now() - 60, now() - 1), "grace", now())
    assert gate.run(place, as_json=True) is ExitCode.DONE
    write_down(database, Attestation("web", "restore-drill", now(), now()), "grace", now())
    assert gate.run(place, as_json=False) is ExitCode.CANNOT_TELL


def test_what_is_withdrawn_holds_no_more_and_stays_on_record(
    place: Place, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    scanned(database)
    withdrawal = Wish("restore-drill", note="the backup was empty", withdraws=True)
    with pytest.raises(UsageError, match="No attestation of restore-drill is valid"):
        attest.run(place, withdrawal, as_json=True)
    attest.run(place, Wish("restore-drill", at="2026-01-02"), as_json=True)
    attest.run(place, Wish("restore-drill"), as_json=True)
    capsys.readouterr()
    assert gate.run(place, as_json=False) is ExitCode.DONE
    attest.run(place, withdrawal, as_json=False)
    assert "ended     restore-drill: by ada@example.org" in capsys.readouterr().out
    assert gate.run(place, as_json=False) is ExitCode.CANNOT_TELL
    known = attestations(database, "web", ["restore-drill"])
    assert [one.attestation.note for one in known] == ["", "", "the backup was empty"]
    with pytest.raises(UsageError, match="is valid, so that none can be taken back"):
        attest.run(place, withdrawal, as_json=True)
    assert list(flaws(database)) == []


@pytest.mark.parametrize(
    "wish",
    [
        Wish("restore-drill", withdraws=True),
        Wish("restore-drill", note="x", until="30d", withdraws=True),
        Wish("restore-drill", note="x", at="2026-01-02", withdraws=True),
        Wish("restore-drill", note="x", evidence="https://example.org", withdraws=True),
    ],
)
def test_a_withdrawal_says_why_and_nothing_else(place: Place, database: Database, wish: Wish) -> None:
    attest.run(place, Wish("restore-drill"), as_json=True)
    before = head(database)
    with pytest.raises(UsageError, match="--withdraw"):
        attest.run(place, wish, as_json=True)
    assert head(database) == before


def test_headers_are_asked_for_once_they_are_configured(
    place: Place, database: Database, printed: Callable[[], Any]
) -> None:
    (place.path / "gate.toml").write_text(f'{GATE.partition("[[att")[0]}[headers]\nrequired = true\nmax_age = "7d"\n')
    scanned(database)
    assert gate.run(place, as_json=True) is ExitCode.CANNOT_TELL
    document = printed()
    assert rules(document)["headers verified"] == "unknown"
    assert document["notes"] == ["no attestation is required by this gate"]
    told(database, scan(at=now() - 3 * DAY, scanner="headers", target="https://example.org"))
    assert gate.run(place, as_json=True) is ExitCode.DONE
    assert "headers has looked" not in rules(printed())


def test_a_query_that_makes_no_sense_is_told_before_anything_is_judged(place: Place) -> None:
    (place.path / "gate.toml").write_text(GATE.replace("severity:high", "severity:hihg"))
    with pytest.raises(ConfigurationError, match=r"gate.toml:5: rules.query is wrong: 'hihg' is none of critical"):
        gate.run(place, as_json=True)


def test_a_judgement_that_is_written_down_comes_out_the_same_whatever_happens_after(
    place: Place, database: Database, printed: Callable[[], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    scanned(database, "high", "low", "unknown")
    write_down(database, Attestation("web", "restore-drill", now()), "grace", now())
    before = head(database)
    assert gate.run(place, as_json=True, record=True) is ExitCode.GATE_FAILED
    document = json.loads((read := capsys.readouterr()).out)
    validate(document)
    seq = document["recorded"]
    assert (seq, document["snapshot"]) == (before.seq + 1, f"{before.seq}:{before.hash}")
    assert read.err == f"fixby: written down as event {seq}; to evaluate it again: fixby gate --again {seq}\n"
    assert document["rules"][0]["count"] == 2
    (place.path / "gate.toml").write_text(GATE.replace("limit = 0", "limit = 9"))
    write_down(database, Attestation("web", "restore-drill", now(), now()), "grace", now())
    scanned(database, "critical")
    assert gate.run(place, again=seq, as_json=True) is ExitCode.DONE
    again = printed()
    assert (again["same"], again["by"], again["asset"]) == (True, "ada@example.org", "web")
    assert again["again"] == again["recorded"] == document | {"recorded": None}
    assert gate.run(place, again=seq, as_json=False) is ExitCode.DONE
    assert capsys.readouterr().out.splitlines()[1] == "again: the same"
    assert list(flaws(database)) == []


def test_what_is_written_down_of_a_judgement_is_all_that_it_takes_to_repeat_it(
    place: Place, database: Database
) -> None:
    scanned(database)
    gate.run(place, as_json=True, record=True)
    *_, (event, _) = events(database)
    body = json.loads(event.body)
    assert (event.kind, event.subject, event.actor) == ("gate.judged", "gate:web", "ada@example.org")
    assert (body["toml"], body["name"], body["asset"], body["verdict"]) == (GATE, "ours", "web", "unknown")
    assert (body["snapshot"], body["document"]["schema"]) == (body["document"]["snapshot"], "fixby.gate/1")
    assert len(body["digest"]) == len(sha256().hexdigest())


def test_a_judgement_of_nothing_is_written_down_and_repeated_too(place: Place, database: Database) -> None:
    assert gate.run(place, as_json=True, record=True) is ExitCode.CANNOT_TELL
    assert head(database).seq == 1
    assert gate.run(place, again=1, as_json=True) is ExitCode.DONE


def test_a_judgement_that_does_not_come_out_the_same_is_told_and_exits_with_1(
    place: Place, database: Database, printed: Callable[[], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    scanned(database, "high")
    gate.run(place, as_json=True, record=True)
    seq = head(database).seq
    said = judgements.judgement(database, seq).judged
    [broken, *others] = said.document["rules"]
    document = {**said.document, "verdict": "pass", "rules": [broken | {"verdict": "pass", "count": 0}, *others]}
    fields = {name: getattr(said, name) for name in judgements.Judged.__slots__}
    forged = judgements.Judged(**fields | {"document": document, "verdict": "pass"})
    forgery = judgements.record(database, forged, "mallory", now())
    capsys.readouterr()
    assert gate.run(place, again=forgery, as_json=True) is ExitCode.GATE_FAILED
    again = printed()
    assert (again["same"], again["recorded"]["verdict"], again["again"]["verdict"]) == (False, "pass", "fail")
    assert gate.run(place, again=forgery, as_json=False) is ExitCode.GATE_FAILED
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "again: FAIL, but NOT the same",
        "  no high: it was pass: 1 of is:open severity:high,unknown; it is fail: 1 of is:open severity:high,unknown",
        "  verdict: it was pass; it is fail",
    ]
    relabelled = judgements.Judged(**fields | {"digest": "0" * 64})
    relabelling = judgements.record(database, relabelled, "mallory", now())
    assert gate.run(place, again=relabelling, as_json=False) is ExitCode.GATE_FAILED
    assert capsys.readouterr().out.splitlines()[2].startswith(f"  digest: it was {'0' * 64}; it is ")


def test_what_cannot_be_repeated_is_no_judgement(place: Place, database: Database) -> None:
    with pytest.raises(UsageError, match="No judgement of a gate is event 1"):
        gate.run(place, again=1, as_json=True)
    scanned(database)
    with pytest.raises(UsageError, match="No judgement of a gate is event 1"):
        gate.run(place, again=1, as_json=True)
    gate.run(place, as_json=True, record=True)
    seq = head(database).seq
    said = judgements.judgement(database, seq).judged
    fields = {name: getattr(said, name) for name in judgements.Judged.__slots__}
    unknown_word = judgements.Judged(**fields | {"toml": GATE.replace("is:open", "is:new")})
    of_the_future = judgements.Judged(**fields | {"snapshot": f"99{said.snapshot}"})
    for broken in (unknown_word, of_the_future):
        recorded = judgements.record(database, broken, "ada", now())
        with pytest.raises(StoreError, match=f"The judgement of event {recorded} cannot be repeated"):
            gate.run(place, again=recorded, as_json=True)
    database.run("UPDATE event SET body = '{}' WHERE seq = :seq", seq=seq)
    with pytest.raises(StoreError, match=f"Event {seq} is no judgement that Fixby writes"):
        gate.run(place, again=seq, as_json=True)


def test_who_acts_is_named_by_the_caller_the_ci_git_or_the_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "hopper")
    home = repository(tmp_path / "home", {".gitconfig": "[user]\n\temail = grace@example.org\n"})
    surroundings = clean_environment() | {"HOME": str(home), "GIT_CONFIG_SYSTEM": "/dev/null"}
    in_ci = surroundings | {"CI": "true", "GITHUB_ACTOR": "octocat"}
    assert actor(in_ci | {"FIXBY_ACTOR": " ada "}) == "ada"
    assert actor(in_ci) == "octocat"
    assert actor(in_ci | {"CI": ""}) == "grace@example.org"
    (home / ".gitconfig").unlink()
    assert actor(surroundings) == "hopper"
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with pytest.raises(UsageError, match="Nobody knows who you are"):
        actor(surroundings)


def test_the_configuration_of_a_checkout_names_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = repository(tmp_path / "repo", {})
    git(repo, "init", "--quiet")
    git(repo, "config", "user.email", "mallory@example.org")
    monkeypatch.chdir(repo)
    assert actor(clean_environment() | {"HOME": str(tmp_path)}) != "mallory@example.org"


@pytest.mark.parametrize("name", ["ada\nfixby", "\x1b[31mred", "fixby", "a" * 201, "\udce9"])
def test_what_is_no_name_of_a_person_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        actor({"FIXBY_ACTOR": name})
    assert "FIXBY_ACTOR" in caught.value.hint
