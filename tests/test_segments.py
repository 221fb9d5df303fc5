"""The log as files: whatever is changed in them is noticed, or the log is the same."""

import random
from collections.abc import Mapping
from itertools import pairwise

import pytest

from fixby.errors import StoreError
from fixby.store import following, segments
from fixby.store.database import Database
from fixby.store.log import events, head
from tests.stories import scan, told, vulnerability, weakness


@pytest.fixture
def files(database: Database) -> dict[str, bytes]:
    """The log of a store with some scans, in three files, and its head."""
    written: dict[str, bytes] = {}
    for at in (100, 200, 300):
        last = segments.read({**written, segments.HEAD: _head(database)}) if written else None
        told(database, scan(weakness(f"eval({at})", line=at), vulnerability(), at=at))
        written |= segments.written(*following.news(database, last))
    return {**written, segments.HEAD: _head(database)}


def _head(database: Database) -> bytes:
    return segments.head_file(following.identity(database), head(database))


def test_a_log_is_read_as_it_was_written(database: Database, files: dict[str, bytes]) -> None:
    state = segments.read(files)
    segments.demand_seal(state, following.identity(database).key)
    assert list(state.events) == list(events(database))
    assert len(files) == 4


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_changed_is_noticed_or_the_log_is_the_same(
    database: Database, files: dict[str, bytes], seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - it picks what is changed
    key = following.identity(database).key
    noticed = 0
    for _ in range(60):
        try:
            state = segments.read(_changed(files, chance))
            segments.demand_seal(state, key)
        except StoreError:
            noticed += 1
        else:
            assert list(state.events) == list(events(database))
            assert state.store_id == following.identity(database).store_id
    assert noticed > 40


def _changed(files: Mapping[str, bytes], chance: random.Random) -> dict[str, bytes]:
    """The files after one change by chance: of a byte, of a line, of a file."""
    name = chance.choice(sorted(files))
    content = files[name]
    at = chance.randrange(len(content))
    lines = content.splitlines(keepends=True)
    line = chance.randrange(len(lines))
    some = [
        {name: content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]},
        {name: content[:at] + content[at + 1 :]},
        {name: content[:at]},
        {name: content[:at] + b"0" + content[at:]},
        {name: b"".join((*lines[:line], *lines[line + 1 :]))},
        {name: b"".join((*lines[:line], lines[line], *lines[line:]))},
        {name: b"".join((*lines[:line], b"[]\n", *lines[line:]))},
        {name: b"".join((*lines[:line], b"{}\n", *lines[line:]))},
        {"log/0000000099-0000000099.jsonl": content},
        {name: files[chance.choice(sorted(files))] + content},
    ]
    return {**files, **chance.choice(some)}


@pytest.mark.parametrize("content", [b"", b"1", b"[]", b"{}", b"null", b'{"schema":"fixby.branch/1"}'])
def test_a_head_that_is_none_is_told(files: dict[str, bytes], content: bytes) -> None:
    with pytest.raises(StoreError, match="is none that this Fixby writes"):
        segments.read({**files, segments.HEAD: content})


@pytest.mark.parametrize(
    "line",
    [
        b'{"coverage":"0","text":5}',
        b'{"outline":"0","base64":5}',
        b'{"outline":"0","base64":"AA=="}',
        b'{"seq":1}',
        b"5",
    ],
)
def test_a_line_that_is_none_is_told(files: dict[str, bytes], line: bytes) -> None:
    name = min(files.keys() - {segments.HEAD})
    with pytest.raises(StoreError, match=r"line 1 of .* is none that Fixby writes"):
        segments.read({**files, name: line + b"\n" + files[name]})


def test_files_stay_few_and_small_whatever_is_written() -> None:
    chance = random.Random(1)  # noqa: S311 - it picks sizes
    sizes: dict[str, int] = {}
    most = 0
    for number in range(1, 3001):
        sizes[f"log/{number:010d}-{number:010d}.jsonl"] = chance.choice((700, 3000, 20_000, 200_000))
        if together := segments.compaction(sizes):
            whole = sum(sizes.pop(name) for name in together)
            sizes[segments.joined_name(together)] = whole
        most = max(most, len(sizes))
        assert max(sizes.values()) <= segments.LARGEST
    assert most < 40 + sum(sizes.values()) // 2**21
    numbers = [segments.span(name) for name in sorted(sizes)]
    assert numbers[0][0] == 1
    assert all(one[1] + 1 == other[0] for one, other in pairwise(numbers))


def test_a_push_that_is_large_is_written_as_several_files(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LARGEST", 5000)
    told(database, scan(*(weakness(f"eval({n})", line=n) for n in range(40)), at=100))
    files = segments.written(*following.news(database, None))
    assert len(files) > 5
    assert list(segments.read({**files, segments.HEAD: _head(database)}).events) == list(events(database))
