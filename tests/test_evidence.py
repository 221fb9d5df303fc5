"""A package of evidence says what the store says, proves it without one, and keeps its secrets."""

import hashlib
import json
import random
import stat
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixby.asset import Asset
from fixby.cli.evidence import cover_of, event_of, parts
from fixby.cli.export import Wish, prove, run_evidence, run_verify
from fixby.cli.place import Place
from fixby.decision import Acceptance
from fixby.errors import ExitCode, ReportError, UsageError
from fixby.finding import Location
from fixby.policies.policy import parse, shipped
from fixby.reports import evidence_controls, evidence_readme
from fixby.reports.evidence import MANIFEST, Cover, Part, opened, write
from fixby.reports.published import instant
from fixby.scan import Partial
from fixby.severity import Severity
from fixby.store import decisions, exploitation, log
from fixby.store.attestations import Attestation, Evidence, attest
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.evidence import replay, restore
from fixby.store.ingestion import record
from fixby.store.judgements import Judged
from fixby.store.judgements import record as record_judgement
from fixby.store.opening import open_for_writing, secret_key
from fixby.store.past import as_of, last_event_at
from fixby.store.rows import load_all
from fixby.store.terms import Occasion
from fixby.store.verification import flaws
from tests.command import SHELL, called, repository
from tests.stories import DAY, found, scan, secret, the_one, vulnerability, weakness
from tests.test_past import instants, something_happens
from tests.test_verification import undone

START = 1_700_000_000
END = START + 60 * DAY
VERSION = "0.1.0"
PERIOD = (START + DAY, END)
STRICTER = parse(shipped().toml.replace('high = "7d"', 'high = "5d"'), "stricter")


@pytest.fixture
def eventful(database: Database) -> Database:
    """A store in which something of each kind happened."""
    something_of_each_kind(database)
    return database


def something_of_each_kind(database: Database) -> None:
    web, shop = Asset("web", tier="1", team="team a"), Asset("shop/Éclair", tags=("pci",))
    first = scan(weakness(), weakness("exec(x)", line=5), secret(Location("src/a.py", 3)), at=START)
    record(database, first, Occasion(web, "ada", START, shipped()))
    package = {"requirements.txt#django": "4.0"}
    packages = scan(vulnerability(severity=Severity.CRITICAL), at=START + DAY, scanner="pip-audit", scanned=package)
    record(database, packages, Occasion(shop, "bob", START + DAY, shipped()))
    mild = weakness("exec(x)", line=5, severity=Severity.LOW)
    cut = scan(weakness(line=2), mild, at=START + 2 * DAY, outcome=Partial(("src/b.py is locked",)))
    record(database, cut, Occasion(web, "ada", START + 2 * DAY, STRICTER))
    exploitation.record(database, lambda _: (True, 40), By("fixby", START + 3 * DAY), {"known_date": "2026-11-20"})
    decide(database)
    attest(
        database,
        Attestation("web", "restore-drill", START + 20 * DAY, END + DAY, "it worked", Evidence("log.txt", "0" * 64)),
        "eve",
        START + 21 * DAY,
    )
    snapshot = f"{log.head(database).seq}:{log.head(database).hash}"
    judged = Judged("web", "release", "d" * 64, 'name = "release"', START + 22 * DAY, snapshot, "fail", {"rules": []})
    record_judgement(database, judged, "ci", START + 22 * DAY)
    mended = scan(mild, at=START + 30 * DAY, scanned={"src/a.py": "v2"})
    record(database, mended, Occasion(web, "ada", START + 30 * DAY, STRICTER))


def decide(database: Database) -> None:
    """A risk that two people sign off, one that expires, one that waits; a finding that is none."""
    [critical] = [one.id for one in found(database, "severity:critical")]
    [injected, silly] = [one.id for one in found(database, "category:code")]
    leaked = the_one(database, "category:secret").id
    ada = By("ada", START + 4 * DAY)
    decisions.accept(database, [injected], Acceptance("owner", "no input", START + 9 * DAY, "a filter"), ada, ["bob"])
    decisions.accept(database, [leaked], Acceptance("owner", "a test key", START + 20 * DAY), ada)
    decisions.approve(database, [leaked], By("bob", START + 5 * DAY))
    decisions.revoke(database, [leaked], "it was none", By("bob", START + 6 * DAY))
    decisions.accept(database, [leaked], Acceptance("owner", "soon gone", START + 30 * DAY), By("ada", START + 7 * DAY))
    decisions.dismiss(database, [silly], "dead code", By("eve", START + 8 * DAY))
    with pytest.raises(UsageError):
        decisions.approve(database, [critical], ada)


def exported(
    database: Database, file: Path, period: tuple[int, int] = PERIOD, query: str = "", version: str = VERSION
) -> Path:
    """The package of a period of a store as it is."""
    cover = cover_of(database, period, query, version)
    with database.reading():
        write(file, cover, parts(database, cover))
    return file


def content(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lines(text: bytes) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def forged(file: Path, changed: dict[str, bytes], snapshot: str = "") -> Path:
    """A package with other files than another's, and a manifest that is right about them."""
    with opened(file) as package:
        cover = replace(package.cover, snapshot=snapshot or package.cover.snapshot)
    files = {name: text for name, text in changed.items() if name != MANIFEST}
    other = file.with_name("forged.zip")
    write(other, cover, [Part(name, [text]) for name, text in files.items()])
    return other


def test_a_package_proves_itself_without_the_store(eventful: Database, tmp_path: Path) -> None:
    file = exported(eventful, tmp_path / "evidence.zip")
    proof = prove(file)
    assert proof.flaws == ()
    files = content(file)
    assert proof.proved.keys() == files.keys() - {MANIFEST}
    assert proof.proved["log/events.jsonl"] == log.head(eventful).seq
    last = log.head(eventful)
    assert prove(file, f"{last.seq}:{last.hash}").flaws == ()
    [flaw] = prove(file, f"{last.seq}:{'0' * 64}").flaws
    assert "another log" in flaw


def test_a_package_holds_what_an_auditor_asks_for(eventful: Database, tmp_path: Path) -> None:
    files = content(exported(eventful, tmp_path / "evidence.zip"))
    assert {line["kind"] for line in lines(files["log/events.jsonl"])} >= {"scan.recorded", "gate.judged"}
    versions = json.loads(files["policies/index.json"])["policies"]
    assert [(one["asset"], one["in_force_until"] is None) for one in versions] == [
        ("web", False),
        ("shop/Éclair", True),
        ("web", True),
    ]
    for one in versions:
        assert parse(files[one["file"]].decode(), "the package").digest == one["digest"]
    behind = {one["id"]: one for one in lines(files["findings/findings.jsonl"])}
    report = json.loads(files["figures/report.json"])
    assert report["total"]["open"] == sum(one["state"] in ("open", "accepted") for one in behind.values())
    assert report["total"]["dismissed"] == sum(one["state"] == "dismissed" for one in behind.values()) == 1
    assert {one["id"] for one in report["breaches"]} <= behind.keys()
    assert [one["started_at"][:10] for one in lines(files["scans/scans.jsonl"])] == [
        "2023-11-14",
        "2023-11-15",
        "2023-11-16",
        "2023-12-14",
    ]
    for one in lines(files["scans/scans.jsonl"]):
        assert hashlib.sha256(files[f"scans/coverage/{one['coverage']}.json"]).hexdigest() == one["coverage"]
    assert lines(files["gates/judgements.jsonl"])[0]["recorded"]["verdict"] == "fail"
    assert lines(files["decisions/attestations.jsonl"])[0]["recorded"]["evidence"]["name"] == "log.txt"


def test_acceptances_say_who_signed_off_and_when(eventful: Database, tmp_path: Path) -> None:
    files = content(exported(eventful, tmp_path / "evidence.zip"))
    told = [
        (one["approvals"], one["valid_from"] is not None, one["ended_because"])
        for one in lines(files["decisions/acceptances.jsonl"])
    ]
    assert told == [
        ([{"by": "bob", "at": "2023-11-18T22:13:20Z"}], True, "expired"),
        ([{"by": "bob", "at": "2023-11-19T22:13:20Z"}], True, "revoked"),
        ([], False, "expired"),
    ]


def test_a_query_narrows_the_findings_and_not_the_log(eventful: Database, tmp_path: Path) -> None:
    file = exported(eventful, tmp_path / "evidence.zip", query="category:dependency")
    assert prove(file).flaws == ()
    files = content(file)
    assert len(lines(files["findings/findings.jsonl"])) == 1
    assert lines(files["decisions/acceptances.jsonl"]) == []
    assert len(lines(files["log/events.jsonl"])) == log.head(eventful).seq


def test_an_empty_store_gives_evidence_too(database: Database, tmp_path: Path) -> None:
    proof = prove(exported(database, tmp_path / "evidence.zip"))
    assert proof.flaws == ()
    assert proof.cover.snapshot == f"0:{'0' * 64}"


def test_the_same_period_of_the_same_store_gives_the_same_bytes(eventful: Database, tmp_path: Path) -> None:
    one, other = (exported(eventful, tmp_path / name) for name in ("one.zip", "other.zip"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("seed", range(2))
def test_an_earlier_instant_gives_the_bytes_of_then(database: Database, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - it makes up histories
    then: dict[int, tuple[int, bytes]] = {}
    for number, at in enumerate(instants(chance, 40)):
        something_happens(database, chance, at)
        if number % 8 == 7:
            file = exported(database, tmp_path / "then.zip", (at - 30 * DAY, at))
            then[last_event_at(database, at)] = (at, file.read_bytes())
            assert prove(file).flaws == ()
    for seq, (at, package) in then.items():
        with as_of(database, seq):
            assert exported(database, tmp_path / "now.zip", (at - 30 * DAY, at)).read_bytes() == package


def test_a_log_replayed_in_parts_gives_the_rows(database: Database, tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - it makes up histories
    for at in instants(chance, 60):
        something_happens(database, chance, at)
    other = open_for_writing(str(tmp_path / "other.db"))
    head = log.head(database)
    restore(other, log.events(database), f"{head.seq}:{head.hash}", "id")
    replay(other)
    told, stored = load_all(other), load_all(database)
    other.close()
    assert told == stored


def test_no_secret_leaves_the_store(eventful: Database, tmp_path: Path) -> None:
    key = secret_key(eventful)
    for text in content(exported(eventful, tmp_path / "evidence.zip")).values():
        assert b"secret_key" not in text
        assert key not in text
        assert key.hex().encode() not in text.lower()


@pytest.fixture
def scanned(tmp_path: Path) -> Path:
    """A repository with a password in it, scanned by real scanners."""
    repo = repository(tmp_path / "repo", {"app.py": SHELL, "settings.py": f'PASSWORD = "{PASSWORD}"\n'})
    assert called("scan", ".", "--scanner", "bandit", "--scanner", "detect-secrets", cwd=repo).code == 0
    return repo


PASSWORD = "Kq7nW2vR9tLx4zBd"


def test_what_is_written_has_no_raw_secret_and_is_proved(scanned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = scanned / "evidence.zip"
    run_evidence(Wish(file), Place(scanned, str(scanned / ".fixby" / "fixby.db")), as_json=True)
    told = json.loads(capsys.readouterr().out)
    files = content(file)
    assert told["files"] == list(files)
    assert {one["category"] for one in lines(files["findings/findings.jsonl"])} == {"code", "secret"}
    assert not [name for name, text in files.items() if PASSWORD.encode() in text]
    assert run_verify(file, told["snapshot"], as_json=True) == ExitCode.DONE
    verified = json.loads(capsys.readouterr().out)
    assert (verified["whole"], verified["flaws"], verified["proved"]["scans"]) == (True, [], 2)
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR


def test_people_are_told_the_snapshot_and_what_is_wrong(scanned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = scanned / "evidence.zip"
    place = Place(scanned, str(scanned / ".fixby" / "fixby.db"))
    run_evidence(Wish(file, ["severity:low"], since="7d"), place, as_json=False)
    snapshot = capsys.readouterr().out.strip()
    assert run_verify(file, "", as_json=False) == ExitCode.DONE
    said = capsys.readouterr().out
    assert said.startswith(f"{snapshot}\n")
    assert "Nothing was changed" in said
    forged(file, content(file) | {"controls.md": b"all is well"})
    assert run_verify(file.with_name("forged.zip"), "1:0", as_json=False) == ExitCode.GATE_FAILED
    said = capsys.readouterr().out
    assert "WRONG: controls.md is not what the log tells" in said
    assert "not 1:0 as expected" in said


def test_the_command_gives_the_bytes_of_an_earlier_instant(scanned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(scanned, str(scanned / ".fixby" / "fixby.db"))
    one, other = scanned / "one.zip", scanned / "other.zip"
    run_evidence(Wish(one, since="2020-01-01"), place, as_json=True)
    with opened(one) as package:
        then = instant(package.cover.as_of) or ""
    later = time.time() + 10
    monkeypatch.setattr(time, "time", lambda: later)
    called("scan", ".", "--scanner", "bandit", cwd=scanned)
    run_evidence(Wish(other, as_of=then, since="2020-01-01"), place, as_json=True)
    assert other.read_bytes() == one.read_bytes()
    run_evidence(Wish(other, since="2020-01-01"), place, as_json=True)
    assert other.read_bytes() != one.read_bytes()


def test_a_query_that_makes_no_sense_writes_nothing(scanned: Path) -> None:
    for query in ("nonsense", "is:nonsense"):
        with pytest.raises(UsageError):
            run_evidence(Wish(scanned / "x.zip", [query]), Place(scanned), as_json=True)
    assert not (scanned / "x.zip").exists()


Row = list[Any]


def tampered(rows: Sequence[Row], chance: random.Random) -> list[Row]:
    """The log with one event changed in one field, dropped, put elsewhere, told twice, or added."""
    log_ = [list(row) for row in rows]
    number = chance.randrange(len(log_))
    what = chance.choice(["change", "change", "change", "drop", "swap", "duplicate", "insert"])
    if what == "change":
        change(log_[number], chance)
    elif what == "drop":
        del log_[number]
    elif what == "swap":
        other = chance.choice([one for one in range(len(log_)) if one != number])
        log_[number][1:], log_[other][1:] = log_[other][1:], log_[number][1:]
    else:
        added = list(log_[number])
        added[0] = len(log_) + 1
        if what == "insert":
            change(added, chance, range(1, 6))
        log_.append(added)
    return log_


def change(row: Row, chance: random.Random, columns: Sequence[int] = range(7)) -> None:
    column = chance.choice(columns)
    before = row[column]
    if isinstance(before, int):
        row[column] = before + chance.choice([-1, 1, 1000]) if column else before + 1000
    elif before:
        place = chance.randrange(len(before))
        row[column] = (
            before[:place] + chance.choice([one for one in "0a9f " if one != before[place]]) + before[place + 1 :]
        )
    else:
        row[column] = "x"


def test_each_of_200_tamperings_of_the_store_is_found(eventful: Database) -> None:
    chance = random.Random(200)  # noqa: S311 - it tampers
    columns = ", ".join(log.COLUMNS)
    rows = [list(row) for row in eventful.run(f"SELECT {columns} FROM event ORDER BY seq")]  # noqa: S608 - ours
    for number in range(200):
        other = tampered(rows, chance)
        with undone(eventful):
            eventful.run("DELETE FROM event")
            eventful.insert("event", log.COLUMNS, other)
            assert list(flaws(eventful)), f"tampering {number}"
    assert list(flaws(eventful)) == []


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package of an eventful store."""
    database = open_for_writing(str(tmp_path / "fixby.db"))
    something_of_each_kind(database)
    file = exported(database, tmp_path / "evidence.zip")
    database.close()
    return file


def test_each_of_200_tamperings_of_the_log_in_a_package_is_found(package: Path) -> None:
    chance = random.Random(400)  # noqa: S311 - it tampers
    files = content(package)
    rows = [[line[column] for column in log.COLUMNS] for line in lines(files["log/events.jsonl"])]
    for number in range(200):
        text = written_log(tampered(rows, chance))
        assert text != files["log/events.jsonl"]
        assert prove(forged(package, files | {"log/events.jsonl": text})).flaws, f"tampering {number}"


def written_log(rows: Sequence[Row]) -> bytes:
    documents = [dict(zip(log.COLUMNS, row, strict=True)) for row in rows]
    return b"".join(encoded(document) + b"\n" for document in documents)


def chained(rows: Sequence[Row]) -> tuple[bytes, str]:
    """A log with hashes that are right, and its snapshot: what somebody makes who can write everything."""
    last, told = log.BEGINNING, []
    for seq, row in enumerate(rows, start=1):
        event = log.Event(seq, *row[1:6])
        last = event.hash_after(last)
        told.append([seq, *row[1:6], last])
    return written_log(told), f"{len(told)}:{last}"


def test_a_log_chained_anew_no_longer_tells_the_same(package: Path) -> None:
    files = content(package)
    rows = [[line[column] for column in log.COLUMNS] for line in lines(files["log/events.jsonl"])]
    assert chained(rows)[0] == files["log/events.jsonl"]
    for number, row in enumerate(rows):
        text, snapshot = chained(rows[:number] + rows[number + 1 :])
        assert prove(forged(package, files | {"log/events.jsonl": text}, snapshot)).flaws, row


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("finding.fixed", "{}"),
        ("finding.fixed", "[" * 100_000),
        ("finding.detected", '{"finding": 1}'),
        ("policy.adopted", '{"asset": "web", "name": "x", "digest": "x", "toml": "= ="}'),
        ("policy.adopted", '{"asset": 1, "name": {}, "digest": "x", "toml": "name = 1"}'),
        ("asset.described", '{"name": "web", "tier": 1e999, "tags": 1, "team": []}'),
        ("scan.recorded", '{"asset": "web"}'),
        ("finding.accepted", '{"observed_at": 1e400}'),
        ("attestation.recorded", '{"at": 99999999999999999999, "until": "soon"}'),
        ("gate.judged", "null"),
    ],
)
def test_events_that_fixby_does_not_write_are_told_whatever_their_hashes(package: Path, kind: str, body: str) -> None:
    files = content(package)
    rows = [[line[column] for column in log.COLUMNS] for line in lines(files["log/events.jsonl"])]
    subject = next(row[4] for row in rows if row[3] == "finding.detected")
    text, snapshot = chained([*rows, [0, rows[-1][1], "ada", kind, subject, body, ""]])
    assert prove(forged(package, files | {"log/events.jsonl": text}, snapshot)).flaws


def test_whatever_an_event_says_it_is_told_and_nothing_breaks(package: Path) -> None:
    chance = random.Random(5)  # noqa: S311 - it tampers
    files = content(package)
    rows = [[line[column] for column in log.COLUMNS] for line in lines(files["log/events.jsonl"])]
    for _ in range(300):
        others = [list(row) for row in rows]
        row = chance.choice(others)
        body = json.loads(row[5])
        body[chance.choice(sorted(body))] = chance.choice([None, -1, 2**40, 2**63, 1.5, "", "x", [], ["x"], {}, [None]])
        row[5] = encoded(body).decode()
        row[1] += chance.choice([0, 0, -DAY])
        text, snapshot = chained(others)
        proof = prove(forged(package, files | {"log/events.jsonl": text}, snapshot))
        assert proof.flaws or text == files["log/events.jsonl"], row


def edits() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    """An edit of each kind of file."""
    for name in (
        "README.md",
        "controls.json",
        "controls.md",
        "decisions/acceptances.jsonl",
        "decisions/attestations.jsonl",
        "figures/report.csv",
        "figures/report.html",
        "figures/report.json",
        "findings/findings.jsonl",
        "gates/judgements.jsonl",
        "log/events.jsonl",
        "policies/*.toml",
        "policies/index.json",
        "scans/coverage/*.json",
        "scans/scans.jsonl",
    ):
        yield name, lambda text: text.replace(b"2", b"3", 1) if b"2" in text else text + b" "
        yield name, lambda text: text + b"\n"
        yield name, lambda text: text[: len(text) // 2]
        yield name, lambda text: b"".join(text.splitlines(keepends=True)[1:])


@pytest.mark.parametrize(("pattern", "edit"), list(edits()))
def test_an_edited_file_is_found_though_the_manifest_was_made_anew(
    package: Path, pattern: str, edit: Callable[[bytes], bytes]
) -> None:
    files = content(package)
    name = next(one for one in files if Path(one).match(pattern))
    proof = prove(forged(package, files | {name: edit(files[name])}))
    assert [flaw for flaw in proof.flaws if name in flaw or "event" in flaw]
    assert proof.proved == {}


def test_a_dropped_or_added_file_is_found_though_the_manifest_was_made_anew(package: Path) -> None:
    files = content(package)
    for name in files.keys() - {MANIFEST}:
        other = forged(package, {one: text for one, text in files.items() if one != name})
        assert any(name in flaw or Path(name).stem in flaw for flaw in prove(other).flaws), name
    [flaw] = prove(forged(package, files | {"notes.txt": b"all is well"})).flaws
    assert flaw == "notes.txt is in the package, and the log tells nothing of it"


def test_what_the_manifest_does_not_list_or_lists_otherwise_is_found(package: Path, tmp_path: Path) -> None:
    files = content(package)
    edited = files["findings/findings.jsonl"]
    for changed, said in (
        ({"notes.txt": b"x"}, "notes.txt is in the package and not in its manifest"),
        ({"controls.md": None}, "controls.md is in the manifest and not in the package"),
        ({"controls.md": b"x"}, "controls.md is not of the size that the manifest says"),
        (
            {"findings/findings.jsonl": edited.replace(b"high", b"mild")},
            "findings/findings.jsonl does not have the hash that the manifest says",
        ),
    ):
        other = rezipped(tmp_path / "other.zip", files | changed)
        assert prove(other).flaws == (said,)


def rezipped(file: Path, files: dict[str, Any]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    return file


def test_a_package_unpacked_and_zipped_by_hand_is_as_good(package: Path, tmp_path: Path) -> None:
    files = content(package)
    other = rezipped(tmp_path / "other.zip", {"log/": b"", "scans/": b""} | dict(sorted(files.items(), reverse=True)))
    assert prove(other).flaws == ()


def test_a_period_that_ends_before_the_log_does_is_found(package: Path) -> None:
    with opened(package) as one:
        cover = replace(one.cover, as_of=START + DAY)
    other = package.with_name("other.zip")
    write(other, cover, [Part(name, [text]) for name, text in content(package).items() if name != MANIFEST])
    assert any("after the end of the period" in flaw for flaw in prove(other).flaws)


def test_what_another_version_made_otherwise_says_which_version_to_use(package: Path) -> None:
    with opened(package) as one:
        cover = replace(one.cover, fixby="0.0.9")
    other = package.with_name("other.zip")
    write(other, cover, [Part(name, [text]) for name, text in content(package).items() if name != MANIFEST])
    assert prove(other).flaws[-1].endswith("this is 0.1.0: verify it with that version")


def test_only_an_expected_snapshot_tells_a_consistent_forgery_from_the_truth(package: Path, tmp_path: Path) -> None:
    database = open_for_writing(str(tmp_path / "forged.db"))
    record(database, scan(at=START, scanned={"src/a.py": "v1"}), Occasion(Asset("web"), "ada", START, shipped()))
    forgery = exported(database, tmp_path / "forgery.zip")
    database.close()
    with opened(package) as one:
        expected = one.cover.snapshot
    assert prove(forgery).flaws == ()
    assert prove(forgery, expected).flaws


def hostile(file: Path, name: str, *, mode: int = stat.S_IFREG | 0o644, text: bytes = b"x") -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, text)
        archive.writestr(MANIFEST, b"{}")
    return file


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "a\\..\\x", "C:x", "a//b", "./a", ".x", "é", "a\nb", "-x"]
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReportError, match="no name of a file of a package"):
        prove(hostile(tmp_path / "x.zip", name))
    assert [one.name for one in tmp_path.iterdir()] == ["x.zip"]


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_what_is_no_ordinary_file_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ReportError, match="no ordinary file"):
        prove(hostile(tmp_path / "x.zip", "README.md", mode=mode | 0o777, text=b"/etc/passwd"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_there_twice_is_refused(package: Path) -> None:
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr("findings/findings.jsonl", b"")
    with pytest.raises(ReportError, match="twice"):
        prove(package)


def test_a_bomb_is_not_unpacked(package: Path, tmp_path: Path) -> None:
    bomb = rezipped(tmp_path / "bomb.zip", content(package) | {"log/events.jsonl": b"0" * 2**28})
    before = time.monotonic()
    assert "log/events.jsonl is not of the size that the manifest says" in prove(bomb).flaws
    assert time.monotonic() - before < 20


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"[" * 1_000_000,
        b'{"schema": "fixby.evidence/2"}',
        b'{"schema": "fixby.evidence/1"}',
        b"\xff\xfe",
    ],
)
def test_an_absurd_manifest_is_refused(package: Path, tmp_path: Path, manifest: bytes) -> None:
    with pytest.raises(ReportError, match=MANIFEST):
        prove(rezipped(tmp_path / "x.zip", content(package) | {MANIFEST: manifest}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("as_of", "tomorrow"),
        ("as_of", 1),
        ("since", "9999-12-31T23:59:59+23:59"),
        ("snapshot", "1"),
        ("snapshot", 1),
        ("store", None),
        ("more", "x"),
        ("files", {}),
        ("files", [{"name": "../x", "size": 1, "sha256": ""}]),
        ("files", [{"name": "x", "size": -1, "sha256": ""}]),
        ("files", [{"name": "x", "size": 10**12, "sha256": ""}]),
        ("files", [{"name": "x", "size": 1, "sha256": ""}] * 2),
    ],
)
def test_a_manifest_of_another_form_is_refused(package: Path, tmp_path: Path, key: str, value: object) -> None:
    files = content(package)
    document = json.loads(files[MANIFEST]) | {key: value}
    files[MANIFEST] = (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()
    with pytest.raises(ReportError):
        prove(rezipped(tmp_path / "x.zip", files))


def test_a_manifest_with_a_query_that_makes_no_sense_is_told(package: Path, tmp_path: Path) -> None:
    files = content(package)
    files[MANIFEST] = files[MANIFEST].replace(b'"query": ""', b'"query": "is:nonsense"')
    assert any("never 'nonsense'" in flaw for flaw in prove(rezipped(tmp_path / "x.zip", files)).flaws)


@pytest.mark.parametrize("text", [b"", b"x", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + bytes(100)])
def test_what_is_no_zip_is_refused(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(text)
    with pytest.raises(ReportError, match="is no package of evidence"):
        prove(file)
    with pytest.raises(ReportError, match="No such file"):
        prove(tmp_path / "none.zip")


def test_a_package_with_random_bytes_changed_is_refused_or_told(package: Path) -> None:
    chance = random.Random(3)  # noqa: S311 - it tampers
    text = package.read_bytes()
    names = [info.header_offset for info in zipfile.ZipFile(package).infolist()]
    for _ in range(100):
        place = chance.choice([chance.randrange(len(text)), chance.choice(names) + chance.randrange(40)])
        other = package.with_name("other.zip")
        other.write_bytes(text[:place] + bytes([text[place] ^ (1 << chance.randrange(8))]) + text[place + 1 :])
        try:
            proof = prove(other)
        except ReportError:
            continue
        assert proof.flaws or content(other) == content(package)


def test_a_package_that_cannot_be_written_leaves_nothing(eventful: Database, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    def broken() -> Iterator[bytes]:
        yield b"x"
        raise ReportError("lost")

    with pytest.raises(ReportError, match="lost"):
        write(folder / "x.zip", Cover("", "", 0, 0, "", ""), [Part("a", broken())])
    assert list(folder.iterdir()) == []
    with pytest.raises(UsageError, match="cannot be written"):
        exported(eventful, folder / "none" / "x.zip")


def test_a_store_that_lost_what_a_scan_looked_at_gives_no_evidence(eventful: Database, tmp_path: Path) -> None:
    eventful.run("DELETE FROM coverage")
    with pytest.raises(ReportError, match="missing or damaged"):
        exported(eventful, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_the_readme_and_the_controls_name_every_file_and_no_other(package: Path) -> None:
    names = content(package).keys() - {"README.md"}
    known = [name for name, _ in evidence_readme.FILES]
    assert [name for name in names if not any(name == one or name.startswith(one) for one in known)] == []
    missing = [one for one in known if not any(name.startswith(one) for name in names)]
    assert missing == ["decisions/signatures/", "decisions/allowed_signers"]  # nobody signed
    assert {file for control in evidence_controls.CONTROLS for file in control.files} <= set(known)


def test_the_controls_are_those_that_auditors_ask_for(package: Path) -> None:
    controls = json.loads(content(package)["controls.json"])["controls"]
    ids = {one["id"] for one in controls}
    assert {"CC7.1", "CC7.2", "A.8.8", "6.3", "11.3", "RV.1", "RV.2", "RV.3"} <= ids
    assert sum(id_.startswith("Annex I") for id_ in ids) == 3
    assert all(one["not_shown"] for one in controls)


def test_a_line_of_the_log_is_an_event_or_an_error() -> None:
    good = {"seq": 1, "at": 2, "actor": "a", "kind": "k", "subject": "", "body": "{}", "hash": "x"}
    assert event_of(json.dumps(good).encode()) == (log.Event(1, 2, "a", "k", "", "{}"), "x")
    for wrong in ({"seq": True}, {"seq": 2**63}, {"at": -1}, {"actor": 1}, {"more": 1}, {"seq": 1.0}):
        with pytest.raises((TypeError, ValueError)):
            event_of(json.dumps(good | wrong).encode())
