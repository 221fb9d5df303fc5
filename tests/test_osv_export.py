"""Advisories fetched as OSV publishes them, from a real server: as far as they changed, whole or not at all."""

import io
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from fixby.cli import update as command
from fixby.errors import FetchError, FixbyError, ReportError
from fixby.scanners import fetching
from fixby.scanners.ecosystems import ecosystem
from fixby.scanners.osv_export import archive_of, bring, held
from tests.command import Ended, called, repository
from tests.servers import Authority, Reply, Site, answer, raw, redirect, site
from tests.test_published import validate

FOUND = ecosystem("npm")
assert FOUND
NPM = FOUND
NOW = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())


def record(number: int, modified: str = "2026-11-01T00:00:00Z", **more: object) -> dict[str, object]:
    affected = [{"package": {"ecosystem": "npm", "name": "lodash"}, "versions": [f"1.0.{number}"]}]
    return {"id": f"GHSA-{number}", "modified": modified, "affected": affected, **more}


def packed(*records: Mapping[str, object], name: str = "") -> bytes:
    written = io.BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as archive:
        for one in records:
            archive.writestr(name or f"{one['id']}.json", json.dumps(one))
    return written.getvalue()


def listing(*records: Mapping[str, object]) -> bytes:
    newest_first = sorted(records, key=lambda one: str(one["modified"]), reverse=True)
    return "".join(f"{one['modified']},{one['id']}\n" for one in newest_first).encode()


def published(*records: Mapping[str, object], **others: Reply) -> dict[str, Reply]:
    """What OSV has of npm: a listing, a zip and each record; `listing` and `zip` may be other answers."""
    return {
        "/npm/modified_id.csv": others.get("listing", answer(200, 'ETag: "1"', body=listing(*records))),
        "/npm/all.zip": others.get("zip", answer(body=packed(*records))),
        **{f"/npm/{one['id']}.json": answer(body=json.dumps(one).encode()) for one in records},
    }


@pytest.fixture(autouse=True)
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority of the tests is believed, and no proxy asked."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def asked(authority: Authority, tmp_path: Path) -> Callable[[Mapping[str, Reply]], Site]:
    """Brings the folder up to date with what a server has, once; the server with all that it was asked."""

    def ask(replies: Mapping[str, Reply]) -> Site:
        with site(replies, authority.tls("127.0.0.1")) as server:
            bring(NPM, tmp_path, f"https://127.0.0.1:{server.port}", NOW)
        return server

    return ask


Asked = Callable[[Mapping[str, Reply]], Site]


def kept(folder: Path) -> dict[str, Any]:
    with ZipFile(archive_of(folder, NPM)) as archive:
        return {name.removesuffix(".json"): json.loads(archive.read(name)) for name in archive.namelist()}


def test_at_first_the_zip_is_fetched_and_its_age_is_known(asked: Asked, tmp_path: Path) -> None:
    server = asked(published(record(1), record(2, "2026-11-02T03:04:05.678Z")))
    assert server.paths() == ["/npm/modified_id.csv", "/npm/all.zip"]
    assert sorted(kept(tmp_path)) == ["GHSA-1", "GHSA-2"]
    found = held(tmp_path, NPM)
    assert found
    assert (found.count, f"{found.modified:%Y-%m-%d}", found.asked_at, found.as_of) == (2, "2026-11-02", NOW, NOW)


def test_what_did_not_change_is_not_fetched_again(asked: Asked) -> None:
    asked(published(record(1)))
    server = asked(published(record(1), listing=answer(304)))
    assert server.paths() == ["/npm/modified_id.csv"]
    assert server.requests[0].headers["if-none-match"] == '"1"'
    assert asked(published(record(1))).paths() == ["/npm/modified_id.csv"]


def test_where_little_changed_only_that_is_fetched(asked: Asked, tmp_path: Path) -> None:
    many = [record(number) for number in range(20)]
    asked(published(*many))
    withdrawn = record(3, "2026-11-05T00:00:00Z", withdrawn="2026-11-05T00:00:00Z")
    server = asked(published(*many[:3], withdrawn, *many[5:], record(99)))
    assert sorted(server.paths()) == ["/npm/GHSA-3.json", "/npm/GHSA-99.json", "/npm/modified_id.csv"]
    found = kept(tmp_path)
    assert (len(found), found["GHSA-3"]["withdrawn"], "GHSA-4" in found) == (20, "2026-11-05T00:00:00Z", False)
    assert asked(published(*found.values(), listing=answer(304))).requests[0].headers["if-none-match"] == '"1"'


def test_where_much_changed_the_zip_is_fetched(asked: Asked, tmp_path: Path) -> None:
    asked(published(record(1)))
    server = asked(published(*(record(number, "2026-11-03T00:00:00Z") for number in range(150))))
    assert server.paths() == ["/npm/modified_id.csv", "/npm/all.zip"]
    assert len(kept(tmp_path)) == 150


def test_a_zip_that_lacks_much_of_its_listing_is_as_old_as_what_it_lacks(asked: Asked, tmp_path: Path) -> None:
    old, new = record(1), [record(number, "2026-11-05T00:00:00Z") for number in range(2, 150)]
    asked(published(old, *new, zip=answer(body=packed(old))))
    found = held(tmp_path, NPM)
    assert found
    assert found.as_of == int(datetime(2026, 11, 5, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "reply",
    [answer(404), answer(body=b"<html>"), answer(body=json.dumps(record(7)).encode()), raw(b"HTTP/1.1 200 K\r\n")],
)
def test_a_record_that_is_not_right_by_itself_is_taken_from_the_zip(asked: Asked, tmp_path: Path, reply: Reply) -> None:
    asked(published(record(1)))
    newer = record(1, "2026-11-04T00:00:00Z")
    server = asked({**published(newer), "/npm/GHSA-1.json": reply})
    assert server.paths()[-1] == "/npm/all.zip"
    assert kept(tmp_path)["GHSA-1"]["modified"] == "2026-11-04T00:00:00Z"


def test_a_zip_that_is_behind_its_listing_is_asked_for_what_it_lacks_the_next_time(
    asked: Asked, tmp_path: Path
) -> None:
    behind = answer(body=packed(record(1)))
    asked(published(record(1), record(2), zip=behind))
    server = asked(published(record(1), record(2)))
    assert "if-none-match" not in server.requests[0].headers
    assert server.paths() == ["/npm/modified_id.csv", "/npm/GHSA-2.json"]
    assert sorted(kept(tmp_path)) == ["GHSA-1", "GHSA-2"]


WHOLE = packed(record(1, "2026-11-09T00:00:00Z"))
NEWER = listing(*(record(number, "2026-11-09T00:00:00Z") for number in range(120)))
BOMB = packed({**record(1, "2026-11-09T00:00:00Z"), "details": "a" * 20_000_000})
DAMAGES: Mapping[str, tuple[Mapping[str, Reply], type[FixbyError], str]] = {
    "no listing": ({"/npm/modified_id.csv": answer(404)}, FetchError, "answers 404"),
    "an empty listing": ({"/npm/modified_id.csv": answer()}, ReportError, "lists no advisory"),
    "another page": ({"/npm/modified_id.csv": answer(body=b"<html>Log in")}, ReportError, "line 1: expected a time"),
    "a listing of paths": (
        {"/npm/modified_id.csv": answer(body=b"2026-11-09T00:00:00Z,../../x")},
        ReportError,
        "line 1: expected a time and an id",
    ),
    "a time that is none": ({"/npm/modified_id.csv": answer(body=b"2026-13-09T00:00:00Z,A")}, ReportError, "line 1"),
    "a listing cut short": (
        {"/npm/modified_id.csv": raw(b"HTTP/1.1 200 K\r\nContent-Length: 999\r\n\r\n2026-11-09")},
        FetchError,
        "of 999 bytes",
    ),
    "a redirect to where nothing is proved": (
        {"/npm/modified_id.csv": redirect("http://127.0.0.1/npm/modified_id.csv")},
        FetchError,
        "only HTTPS",
    ),
    "no zip": ({"/npm/all.zip": answer(404)}, FetchError, "answers 404"),
    "a zip cut short": (
        {"/npm/all.zip": raw(f"HTTP/1.1 200 K\r\nContent-Length: {len(WHOLE)}\r\n\r\n".encode() + WHOLE[:-30])},
        FetchError,
        "bytes were sent",
    ),
    "a zip without its end": ({"/npm/all.zip": answer(body=WHOLE[:-30])}, ReportError, "not a zip file"),
    "a damaged record": (
        {"/npm/all.zip": answer(body=packed(record(1), {"id": "BROKEN"}))},
        ReportError,
        r"all\.zip: advisory BROKEN\.json cannot be read",
    ),
    "a flipped byte": ({"/npm/all.zip": answer(body=WHOLE[:60] + b"!!" + WHOLE[62:])}, ReportError, "cannot be read"),
    "a zip of others": (
        {"/npm/all.zip": answer(body=packed({**record(1), "affected": []}))},
        ReportError,
        "holds no advisory for npm",
    ),
    "a bomb": ({"/npm/all.zip": answer(body=BOMB)}, ReportError, "bytes once unpacked"),
    "less than before": (
        {"/npm/all.zip": answer(body=packed(record(1, "2026-11-09T00:00:00Z")))},
        ReportError,
        "has 1 advisories, and 20 are kept",
    ),
    "older than before": (
        {"/npm/all.zip": answer(body=packed(*(record(number, "2026-10-01T00:00:00Z") for number in range(20))))},
        ReportError,
        "was last changed 2026-10-01 00:00:00, and what is kept 2026-11-01",
    ),
}


@pytest.mark.parametrize(("replies", "error", "message"), DAMAGES.values(), ids=DAMAGES)
def test_what_is_not_whole_or_goes_backwards_replaces_nothing(
    asked: Asked, tmp_path: Path, replies: Mapping[str, Reply], error: type[FixbyError], message: str
) -> None:
    asked(published(*(record(number) for number in range(20))))
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    usual = published(listing=answer(body=NEWER), zip=answer(body=WHOLE))
    with pytest.raises(error, match=message) as raised:
        asked({**usual, **replies})
    assert raised.value.exit_code == 3
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_an_answer_that_drips_is_given_up(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_LONGEST_SILENCE", 0.3)
    over = Event()

    def stop(*_: object) -> None:
        over.wait(10)

    with pytest.raises(FetchError, match="timed out"):
        asked(published(record(1), listing=stop))
    over.set()


def test_a_redirect_to_another_server_that_proves_itself_is_followed(
    asked: Asked, authority: Authority, tmp_path: Path
) -> None:
    with site(published(record(1)), authority.tls("127.0.0.1")) as mirror:
        there = f"https://127.0.0.1:{mirror.port}/npm"
        moved = {name: redirect(f"{there}/{name}") for name in ("all.zip", "modified_id.csv")}
        asked({f"/npm/{name}": reply for name, reply in moved.items()})
    assert sorted(kept(tmp_path)) == ["GHSA-1"]


def test_what_an_update_left_that_was_killed_is_thrown_away_and_not_what_one_writes_that_runs(
    asked: Asked, tmp_path: Path
) -> None:
    asked(published(record(1)))
    left, under_way = (archive_of(tmp_path, NPM).with_name(f".all.zip.{name}") for name in ("left", "under-way"))
    for file, age in ((left, 2 * 86400), (under_way, 600)):
        file.write_bytes(b"PK half")
        os.utime(file, (NOW - age, NOW - age))
    asked(published(record(1), record(2)))
    assert (left.exists(), under_way.exists()) == (False, True)
    assert len(kept(tmp_path)) == 2


def test_a_damaged_zip_is_replaced(asked: Asked, tmp_path: Path) -> None:
    asked(published(record(1)))
    archive_of(tmp_path, NPM).write_bytes(b"PK half")
    assert asked(published(record(1))).paths() == ["/npm/modified_id.csv", "/npm/all.zip"]
    assert len(kept(tmp_path)) == 1


# The command

LOCK = json.dumps({"lockfileVersion": 3, "packages": {"node_modules/lodash": {"version": "1.0.1"}}})


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that needs advisories for npm; what else an update would fetch is nowhere."""
    for name in ("KNOWN_ADDRESS", "EPSS_ADDRESS"):
        monkeypatch.setattr(command, name, "https://127.0.0.1:9/nothing")
    return repository(tmp_path / "shop", {"package-lock.json": LOCK})


def updated(shop: Path, authority: Authority, replies: Mapping[str, Reply], *arguments: str) -> tuple[Ended, Site]:
    with site(replies, authority.tls("127.0.0.1")) as server:
        address = f"https://127.0.0.1:{server.port}"
        return called("update", "--json", *arguments, "--advisories-url", address, cwd=shop), server


def scanned(shop: Path, **environment: str) -> tuple[str, list[str], int]:
    [one] = called("scan", ".", "--scanner", "osv", "--json", cwd=shop, **environment).document["scans"]
    return one["outcome"], one["reasons"], len(one["findings"])


def test_an_update_fetches_what_the_lock_files_need_and_what_is_kept(shop: Path, authority: Authority) -> None:
    ended, server = updated(shop, authority, published(record(1)))
    assert {path.split("/")[1] for path in server.paths()} == {"npm"}
    [told] = ended.document["advisories"]
    assert (told["ecosystem"], told["count"], told["date"]) == ("npm", 1, "2026-11-01")
    validate(ended.document)
    assert scanned(shop) == ("complete", [], 1)
    (shop / "package-lock.json").unlink()
    assert updated(shop, authority, published(record(1)))[1].paths() == ["/npm/modified_id.csv"]
    assert "up to 2026-11-01" in called("doctor", cwd=shop).out


def test_only_the_ecosystems_that_were_named_are_fetched(shop: Path, authority: Authority) -> None:
    ended, server = updated(shop, authority, {}, "--ecosystem", "Rocky Linux", "--ecosystem", "Go")
    assert server.paths() == ["/Rocky%20Linux/modified_id.csv", "/Go/modified_id.csv"]
    assert ended.code == 3
    unknown = called("update", "--ecosystem", "NPM", cwd=shop)
    assert (unknown.code, "there is none called 'NPM'" in unknown.err) == (2, True)


def test_without_a_network_what_was_kept_is_kept_and_the_exit_code_says_so(shop: Path, authority: Authority) -> None:
    updated(shop, authority, published(record(1)))
    nowhere = called("update", "--advisories-url", "https://127.0.0.1:9", cwd=shop)
    assert nowhere.code == 3
    assert "https://127.0.0.1:9/npm/modified_id.csv cannot be fetched: [Errno 111] Connection refused." in nowhere.err
    assert "--from FILE" in nowhere.err
    assert scanned(shop) == ("complete", [], 1)


def test_of_several_ecosystems_each_is_brought_by_itself(shop: Path, authority: Authority) -> None:
    ended, _ = updated(shop, authority, published(record(1)), "--ecosystem", "Go", "--ecosystem", "npm")
    assert ended.code == 3
    assert [one["ecosystem"] for one in ended.document["advisories"]] == ["npm"]
    assert [problem for problem in ended.document["problems"] if "/Go/modified_id.csv" in problem]


def test_the_target_may_not_say_where_advisories_come_from(shop: Path) -> None:
    (shop / "fixby.toml").write_text("advisories_url = 'https://example.org'\n")
    refused = called("update", cwd=shop)
    assert refused.code == 2
    assert "fixby.toml:1: advisories_url is not for the target to say" in refused.err


def test_advisories_that_are_too_old_make_the_scan_partial_and_the_doctor_says_so(shop: Path) -> None:
    (shop.parent / "npm-all.zip").write_bytes(packed(record(1, "2024-11-01T00:00:00Z")))
    assert called("update", "--from", "../npm-all.zip", cwd=shop).code == 0
    outcome, [reason], findings = scanned(shop)
    assert (outcome, findings) == ("partial", 1)
    assert reason.startswith("the advisories for npm are of 2024-11-01, too old before ")
    told = called("doctor", cwd=shop)
    assert told.code == 3
    assert "They are too old: fixby update" in told.out
    assert scanned(shop, FIXBY_ADVISORIES_MAX_AGE="5200w") == ("complete", [], 1)
    (shop / "fixby.toml").write_text('advisories_max_age = "8d"\n')
    lax = called("scan", ".", cwd=shop)
    assert (lax.code, "fixby.toml:1: advisories_max_age is longer than 7d" in lax.err) == (2, True)
    (shop / "fixby.toml").unlink()
    wrong = called("scan", ".", cwd=shop, FIXBY_ADVISORIES_MAX_AGE="old")
    assert (wrong.code, "FIXBY_ADVISORIES_MAX_AGE: 'old' is not a duration" in wrong.err) == (2, True)


def test_advisories_that_the_publisher_said_to_be_its_newest_are_as_old_as_that(
    shop: Path, authority: Authority
) -> None:
    updated(shop, authority, published(record(1, "2020-01-01T00:00:00Z")))
    assert scanned(shop) == ("complete", [], 1)
