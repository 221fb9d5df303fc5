"""A log as files that only grow: what lies on a branch of a repository, and the proof that nothing of it was changed.

`log/FIRST-LAST.jsonl` has events by number, a line each, and before them what they name: what scans looked at, and
outlines of files, under their digests. Files are put together as they grow many; no line is ever changed. `head.json`
tells whose log it is and how it ends, and is sealed with the store's secret key: HMAC-SHA-256 of its four words.
"""

import base64
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from fixby.errors import StoreError
from fixby.recognition import outline_digest
from fixby.store import coverage
from fixby.store.codec import encoded
from fixby.store.conversion import text
from fixby.store.log import BEGINNING, Event, Head
from fixby.store.projection import SCAN_RECORDED

HEAD = "head.json"
"""The name of the file that tells how the log ends."""

LARGEST = 16 * 2**20
"""About how many bytes a file of events has at most; git's servers refuse large ones."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose log it is: the store's id and its secret key. `open_key` says that the key may stand beside the log."""

    store_id: str
    key: bytes
    open_key: bool = False

    @property
    def key_id(self) -> str:
        """What tells keys apart and gives none away."""
        return hmac.new(self.key, b"fixby.key", sha256).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Documents:
    """What events name by its digest: what scans looked at, as JSON, and outlines."""

    coverage: dict[str, bytes] = field(default_factory=dict)
    outlines: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """A log that was read and proved: `events` with their hashes, and the sizes in bytes of its files by name.

    `key` is the store's secret key where it stands beside the log, else nothing.
    """

    store_id: str
    key_id: str
    key: bytes
    seal: str
    head: Head
    events: Sequence[tuple[Event, str]] = ()
    documents: Documents = field(default_factory=Documents)
    files: Mapping[str, int] = field(default_factory=dict)

    def holds(self, seq: int, hash_: str) -> bool:
        """Whether the event of a number is in the log with this hash; the beginning always is."""
        if seq == 0:
            return hash_ == BEGINNING
        return seq <= len(self.events) and self.events[seq - 1][1] == hash_


def read(files: Mapping[str, bytes]) -> State:
    """The state in files, by name. Raises `StoreError` where anything is missing, cut, changed or out of order."""
    told = _head(files.get(HEAD))
    documents = Documents()
    events: list[tuple[Event, str]] = []
    last = Head(0, 0, BEGINNING)
    names = sorted(name for name in files if name.startswith("log/"))
    for name in names:
        first, end = span(name)
        if first != last.seq + 1:
            raise _damaged(f"after event {last.seq} comes {name}: a file is missing, or stands twice")
        for event, hash_ in _events(name, files[name], documents):
            last = _follows(last, event, hash_)
            events.append((event, hash_))
        if last.seq != end:
            raise _damaged(f"{name} ends with event {last.seq}: it was cut")
    if (last.seq, last.hash) != (told.head.seq, told.head.hash):
        raise _damaged(f"the log ends with event {last.seq}, but event {told.head.seq} was written")
    _demand_documents(events, documents)
    sizes = {name: len(files[name]) for name in names}
    return State(told.store_id, told.key_id, told.key, told.seal, last, events, documents, sizes)


def demand_seal(state: State, key: bytes) -> None:
    """Raise `StoreError` unless the store's secret key is `key`, and the end of the log was sealed with it."""
    identity = Identity(state.store_id, key)
    if identity.key_id != state.key_id:
        raise StoreError(
            "The key at hand is not that of the state: secrets would all be new, and their clocks would start again.",
            "Give the store's key in FIXBY_STORE_KEY; whoever has the store prints it with: fixby state key",
        )
    if not hmac.compare_digest(_seal(identity, state.head), state.seal):
        raise _damaged("its end is not sealed with the store's key: it was written by somebody who does not have it")


def demand_growth(state: State, earlier: Iterable[tuple[str, bytes | None]]) -> None:
    """Raise `StoreError` where a commit, newest first, took away what one before it had written.

    `earlier` are the commits with the file `head.json` as they had it.
    """
    after = state.head.seq
    for commit, content in earlier:
        head = _head(content).head
        if head.seq > after or not state.holds(head.seq, head.hash):
            raise _damaged(f"commit {commit[:12]} had event {head.seq}, which was taken away or changed after it")
        after = head.seq


def head_file(identity: Identity, head: Head) -> bytes:
    """The file that tells how a log ends."""
    return encoded(
        {
            "schema": "fixby.branch/1",
            "store_id": identity.store_id,
            "key_id": identity.key_id,
            "key": identity.key.hex() if identity.open_key else None,
            "seq": head.seq,
            "hash": head.hash,
            "seal": _seal(identity, head),
        }
    )


def written(news: Iterable[tuple[Event, str]], documents: Documents) -> dict[str, bytes]:
    """Files with events and with the documents that they name, which the files before do not have."""
    files: dict[str, bytes] = {}
    lines: list[bytes] = [*_document_lines(documents)]
    numbers: list[int] = []
    size = sum(map(len, lines))
    for event, hash_ in news:
        line = _event_line(event, hash_)
        if numbers and size + len(line) > LARGEST:
            files[_name(numbers[0], numbers[-1])] = b"".join(lines)
            lines, numbers, size = [], [], 0
        lines.append(line)
        numbers.append(event.seq)
        size += len(line)
    if numbers:
        files[_name(numbers[0], numbers[-1])] = b"".join(lines)
    return files


def compaction(sizes: Mapping[str, int]) -> list[str]:
    """The files that are to be put together into one, in order; none where there are few of their size.

    Sizes grow eightfold from class to class, and there are fewer than eight files of one class or smaller ones behind
    it: however many runs there were, the files stay some dozens, and one more for every few megabytes, and a line is
    written some four times in all.
    """
    names = sorted(sizes)
    best: list[str] = []
    limit = _SMALLEST
    while limit <= LARGEST // _MANY:
        run: list[str] = []
        for name in reversed(names):
            if sizes[name] > limit:
                break
            run.insert(0, name)
        if len(run) >= _MANY:
            best = run
        limit *= _MANY
    return best


def span(name: str) -> tuple[int, int]:
    """The numbers of the first and last event of a file, by its name. Raises `StoreError`."""
    match = _NAME.fullmatch(name)
    if match is None or int(match[1]) > int(match[2]):
        raise _damaged(f"{name} is no file that Fixby writes")
    return int(match[1]), int(match[2])


def joined_name(names: Sequence[str]) -> str:
    """The name of the file into which others are put together."""
    return _name(span(names[0])[0], span(names[-1])[1])


_MANY = 8
_SMALLEST = 32 * 2**10
_NAME = re.compile(r"log/([0-9]{10})-([0-9]{10})\.jsonl")
_HEX = re.compile(r"[0-9a-f]*")


def _name(first: int, last: int) -> str:
    return f"log/{first:010d}-{last:010d}.jsonl"


def _damaged(what: str) -> StoreError:
    hint = "Nothing was taken from it. Look at the branch's history, and put the last good commit back."
    return StoreError(f"The state cannot be trusted: {what}.", hint)


def _head(content: bytes | None) -> State:
    if content is None:
        raise _damaged(f"{HEAD} is missing")
    try:
        told: Any = orjson.loads(content)
        words = [told[word] for word in ("schema", "store_id", "key_id", "hash", "seal")]
        key, seq = bytes.fromhex(told["key"] or ""), told["seq"]
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(f"{HEAD} is none that this Fixby writes") from error
    is_ours = words[0] == "fixby.branch/1" and type(seq) is int
    if not is_ours or not all(isinstance(word, str) and _HEX.fullmatch(word) for word in words[1:]):
        raise _damaged(f"{HEAD} is none that this Fixby writes")
    return State(told["store_id"], told["key_id"], key, told["seal"], Head(seq, 0, told["hash"]))


def _seal(identity: Identity, head: Head) -> str:
    words = ("fixby.branch/1", identity.store_id, str(head.seq), head.hash)
    return hmac.new(identity.key, "\n".join(words).encode(), sha256).hexdigest()


def _events(name: str, content: bytes, documents: Documents) -> Iterator[tuple[Event, str]]:
    if not content.endswith(b"\n"):
        raise _damaged(f"{name} was cut")
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            told: Any = orjson.loads(line)
            if "seq" in told:
                yield _event(told)
            else:
                _keep(told, documents)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _damaged(f"line {number} of {name} is none that Fixby writes") from error


def _event(told: Mapping[str, Any]) -> tuple[Event, str]:
    words = [told[word] for word in ("actor", "kind", "subject", "body", "hash")]
    numbers = [told["seq"], told["at"]]
    if not all(isinstance(word, str) for word in words) or any("\n" in word for word in words):
        raise TypeError("a word is no line of text")
    if not all(type(number) is int for number in numbers):
        raise TypeError("a number is none")
    return Event(*numbers, *words[:4]), words[4]


def _keep(told: Mapping[str, Any], documents: Documents) -> None:
    if "coverage" in told:
        text = told["text"].encode()
        if sha256(text).hexdigest() != told["coverage"]:
            raise ValueError("it is not what its digest says")
        documents.coverage[told["coverage"]] = text
        return
    body = base64.b64decode(told["base64"], validate=True)
    if outline_digest(body) != told["outline"]:
        raise ValueError("it is not what its digest says")
    documents.outlines[told["outline"]] = body


def _follows(last: Head, event: Event, hash_: str) -> Head:
    if event.seq != last.seq + 1:
        raise _damaged(f"after event {last.seq} comes event {event.seq}")
    if event.hash_after(last.hash) != hash_:
        raise _damaged(f"event {event.seq} was changed: its hash does not follow from it and event {last.seq}")
    if event.at < last.at:
        raise _damaged(f"event {event.seq} is told to have been before event {last.seq}")
    return Head(event.seq, event.at, hash_)


def _demand_documents(events: Iterable[tuple[Event, str]], documents: Documents) -> None:
    """Raise `StoreError` where what a scan looked at is not told."""
    seen: set[str] = set()
    for event, _ in events:
        digest = _looked_at(event) if event.kind == SCAN_RECORDED else ""
        if digest and digest not in seen:
            whole = documents.coverage.get(digest)
            if whole is None or any(part not in documents.coverage for part in coverage.parts(whole)):
                raise _damaged(f"what the scan of event {event.seq} looked at is missing")
            seen.add(digest)


def _looked_at(event: Event) -> str:
    try:
        return text(orjson.loads(event.body)["coverage"])
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(f"event {event.seq} is none that Fixby writes") from error


def _document_lines(documents: Documents) -> Iterator[bytes]:
    for digest, whole in sorted(documents.coverage.items()):
        yield encoded({"coverage": digest, "text": whole.decode()}) + b"\n"
    for digest, body in sorted(documents.outlines.items()):
        yield encoded({"outline": digest, "base64": base64.b64encode(body).decode()}) + b"\n"


def _event_line(event: Event, hash_: str) -> bytes:
    words = {"actor": event.actor, "kind": event.kind, "subject": event.subject, "body": event.body}
    return encoded({"seq": event.seq, "at": event.at, "hash": hash_, **words}) + b"\n"
