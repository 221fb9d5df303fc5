"""`fixby state`: the log of a store that is a file, kept on a branch of a repository, so that nobody needs a server."""

import os
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from fixby.cli import place as here
from fixby.cli.output import emit, note, printable
from fixby.cli.place import Place
from fixby.errors import StoreError, UsageError
from fixby.reports import published
from fixby.reports.plain import safe
from fixby.scanners import git_state
from fixby.scanners.git_state import Branch, Remote, Tip
from fixby.store import following, segments
from fixby.store.database import Database
from fixby.store.log import events, head
from fixby.store.opening import open_for_writing, sqlite_file
from fixby.store.rebasing import record_again
from fixby.store.segments import Documents, Identity, State

BRANCH = "fixby-state"
"""The branch that holds the state where the caller names none."""


class MissingState(StoreError):  # noqa: N818 - it may be the beginning, and no error
    """There is no state on the branch: it was never begun, or it is lost."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for: where the branch is, and the event `SEQ:HASH` that has to be on it."""

    place: Place
    remote: str = ""
    branch: str = ""
    expect: str = ""


@dataclass(slots=True)
class Done:
    """What was done: how many events came from the branch, went to it, and were recorded again behind others'."""

    pulled: int = 0
    pushed: int = 0
    recorded_again: int = 0


def pull(wish: Wish, *, as_json: bool) -> None:
    """Bring the store up to the branch. Raises `StoreError` where the branch is gone, or anything of it was changed."""
    done = Done()
    with _opened(wish) as (branch, database):
        state, _ = _caught_up(wish, branch, database, done)
    _tell("pull", branch.remote, state, done, as_json=as_json)


def push(wish: Wish, *, as_json: bool) -> None:
    """Bring the store up to the branch, and the branch up to the store. Raises `StoreError` after many attempts."""
    done = Done()
    with _opened(wish) as (branch, database):
        state = _pushed(wish, branch, database, done)
    _tell("push", branch.remote, state, done, as_json=as_json)


def init(wish: Wish, *, open_key: bool, as_json: bool) -> None:
    """Begin the branch with what the store has. Raises `UsageError` where there is one."""
    done = Done()
    with _opened(wish) as (branch, database):
        if branch.fetch() is not None:
            raise UsageError(f"There is a state on {branch.remote.place}.", "Take it over: fixby state pull")
        identity = _first_identity(database, open_key=open_key)
        news, documents = following.news(database, None)
        files = segments.written(news, documents)
        last = head(database)
        changes = {segments.HEAD: segments.head_file(identity, last), "README.md": _README.encode(), **files}
        if refused := branch.push(None, changes, "Begin", here.now()):
            raise StoreError(f"{branch.remote.place} cannot be written: {git_state.reason(refused)}.", _RIGHTS)
        done.pushed = last.seq
        following.remember(database, last)
        state = segments.read({name: content for name, content in changes.items() if name != "README.md"})
    note("fixby: whoever can read that repository can read the findings, open ones among them.")
    if open_key:
        note("fixby: and, with the key that lies beside them, test guesses of the secrets that were found.")
    else:
        note("fixby: elsewhere the state is read with the store's key in FIXBY_STORE_KEY; it is: fixby state key")
    _tell("init", branch.remote, state, done, as_json=as_json)


def show(wish: Wish, *, as_json: bool) -> None:
    """Prove the branch, and change nothing."""
    remote = _remote(wish)
    with git_state.opened(remote) as branch:
        state, _ = _read(wish, branch)
    key = _key() or state.key
    if key:
        segments.demand_seal(state, key)
    else:
        note("fixby: the seal was not checked, for there is no key in FIXBY_STORE_KEY.")
    _tell("show", remote, state, Done(), as_json=as_json)


def key(place: Place, *, as_json: bool) -> None:
    """Print the store's secret key."""
    with here.reading_all(place) as (database, _):
        word = following.identity(database).key.hex()
    emit(published.written({"schema": "fixby.state_key/1", "key": word}) if as_json else word)


_ATTEMPTS = 40
_FRUITLESS = 4
_LONGEST_PAUSE = 8.0
_RIGHTS = "Check the rights: FIXBY_STATE_TOKEN has the token, which needs contents: write."
_KEY_HINT = "Write the 64 hexadecimal digits that this prints: fixby state key"
_KEY_BYTES = 32
_README = """\
# The state of Fixby

The log of what Fixby found in this repository, and what was decided of it. Fixby alone writes here, and only adds:
`fixby state pull` proves that nothing was changed or taken away. Do not merge this branch, and do not edit it.
"""


@contextmanager
def _opened(wish: Wish) -> Iterator[tuple[Branch, Database]]:
    found = wish.place.configuration()
    if sqlite_file(found.store) is None:
        raise UsageError("The store is a server: all runs share it already.", "Leave out fixby state.")
    remote = _remote(wish)
    with here.writing(found) as database, git_state.opened(remote) as branch:
        yield branch, database


def _remote(wish: Wish) -> Remote:
    """Where the branch is: as the caller says, or as GitHub says of its run, or where the checkout came from."""
    environment = os.environ
    branch = wish.branch or environment.get("FIXBY_STATE_BRANCH") or BRANCH
    url = wish.remote or environment.get("FIXBY_STATE_REMOTE") or _of_github(environment)
    if url:
        return Remote(str(Path(url).resolve()) if Path(url).exists() else url, branch, _token(url, environment))
    return Remote(git_state.origin(wish.place.path.resolve()), branch, named=False)


def _token(url: str, environment: Mapping[str, str]) -> str:
    """The token for an address: that of GitHub's run goes to GitHub alone."""
    server = environment.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/")
    of_github = environment.get("GITHUB_TOKEN", "") if url.startswith(f"{server}/") else ""
    return environment.get("FIXBY_STATE_TOKEN") or of_github


def _of_github(environment: Mapping[str, str]) -> str:
    if not environment.get("GITHUB_ACTIONS") or not environment.get("GITHUB_REPOSITORY"):
        return ""
    return f"{environment.get('GITHUB_SERVER_URL', 'https://github.com')}/{environment['GITHUB_REPOSITORY']}"


def _read(wish: Wish, branch: Branch) -> tuple[State, Tip]:
    """The state on the branch, proved by itself: its chain, and that no commit took anything away."""
    tip = branch.fetch()
    if tip is None:
        raise MissingState(
            f"There is no state on {branch.remote.place}: it was never begun, or it is lost.",
            "Where it was never begun: fixby state init. Where it is lost, that makes it again of a store that has it.",
        )
    state = segments.read(tip.files)
    segments.demand_growth(state, branch.earlier(tip, segments.HEAD))
    if wish.expect:
        _demand_event(state, *_expected(wish.expect))
    return state, tip


def _expected(word: str) -> tuple[int, str]:
    seq, _, hash_ = word.partition(":")
    if not seq.isdecimal() or not hash_:
        raise UsageError(f"--expect: {word!r} is no snapshot.", "Write SEQ:HASH, as fixby state push prints it.")
    return int(seq), hash_


def _demand_event(state: State, seq: int, hash_: str) -> None:
    if not state.holds(seq, hash_):
        raise StoreError(
            f"The state was set back or written anew: event {seq}, which was there before, is not what it was.",
            "Put the branch's last good commit back; nothing was taken from it.",
        )


def _caught_up(wish: Wish, branch: Branch, database: Database, done: Done) -> tuple[State, Tip]:
    """The state on the branch, once the store has it; what only the store had is recorded again behind it."""
    state, tip = _read(wish, branch)
    seq, hash_ = following.remembered(database)
    if seq:
        _demand_event(state, seq, hash_)
    before = head(database)
    if before.seq == 0 and following.identity(database).store_id != state.store_id:
        following.adopt(database, _identity_for(state))
    if following.identity(database).store_id != state.store_id:
        raise StoreError(
            f"The store {database.place} has the log of another store than {branch.remote.place}.",
            "Name another store with --store; one that does not exist yet takes the state over.",
        )
    segments.demand_seal(state, following.identity(database).key)
    shared = following.common(database, state)
    if shared == before.seq:
        following.extend(database, before, state)
    elif shared < state.head.seq:
        done.recorded_again += _put_behind(database, shared, state)
    done.pulled += state.head.seq - shared
    following.remember(database, state.head)
    return state, tip


def _put_behind(database: Database, shared: int, state: State) -> int:
    """Put what only the store has behind what the branch has; the number of events that were recorded again."""
    before = head(database)
    with TemporaryDirectory(prefix="fixby-state-") as folder:
        file = Path(folder) / "fixby.db"
        following.copy(database, file)
        other = open_for_writing(str(file))
        try:
            following.replace(other, head(other), state.events, state.documents)
            told = record_again(database, shared, other, _renamed_rules())
            outlines = following.news(other, state)[1]
            following.replace(database, before, events(other), _both(state.documents, outlines))
        finally:
            other.close()
    return told


def _both(one: Documents, other: Documents) -> Documents:
    return Documents(one.coverage | other.coverage, one.outlines | other.outlines)


def _renamed_rules() -> Callable[[str], Mapping[str, Collection[str]]]:
    from fixby.scanners.registry import MODULES, scanner  # noqa: PLC0415 - only where two wrote at once

    return lambda name: scanner(name).RENAMED_RULES if name in MODULES else {}


def _pushed(wish: Wish, branch: Branch, database: Database, done: Done) -> State:
    """The state that came to be on the branch. Raises `StoreError` where git refuses, or others are always faster."""
    fruitless, newest = 0, ""
    for attempt in range(_ATTEMPTS):
        state, tip = _caught_up(wish, branch, database, done)
        fruitless = fruitless + 1 if tip.commits[0] == newest else 0
        newest = tip.commits[0]
        news, documents = following.news(database, state)
        if not news:
            return state
        identity = replace(following.identity(database), open_key=bool(state.key))
        last = head(database)
        written, changes = _changes(state, tip, segments.written(news, documents))
        changes[segments.HEAD] = segments.head_file(identity, last)
        message = f"Events {news[0][0].seq} to {last.seq}"
        refused = branch.push(tip, changes, message, here.now())
        if refused is None:
            following.remember(database, last)
            done.pushed = len(news)
            return replace(state, head=last, files=written)
        if fruitless >= _FRUITLESS:
            raise StoreError(f"{branch.remote.place} cannot be written: {git_state.reason(refused)}.", _RIGHTS)
        time.sleep(random.uniform(0.05, min(_LONGEST_PAUSE, 0.2 * 2 ** min(attempt, 6))))  # noqa: S311 - no secret
    raise StoreError(
        f"Others wrote to {branch.remote.place} faster than this run, {_ATTEMPTS} times; nothing is lost.",
        "The events are in the store; push again: fixby state push",
    )


def _changes(state: State, tip: Tip, new: Mapping[str, bytes]) -> tuple[Mapping[str, int], dict[str, bytes | None]]:
    """The sizes of the branch's files with new ones, and what to change; many small files are put together."""
    files = {name: tip.files[name] for name in state.files} | dict(new)
    sizes = {name: len(content) for name, content in files.items()}
    changes: dict[str, bytes | None] = dict(new)
    together = segments.compaction(sizes)
    if together:
        name = segments.joined_name(together)
        whole = b"".join(files[one] for one in together)
        changes |= dict.fromkeys((one for one in together if one in state.files), None)
        changes = {one: content for one, content in changes.items() if one not in together or one in state.files}
        changes[name] = whole
        sizes = {one: size for one, size in sizes.items() if one not in together} | {name: len(whole)}
    return sizes, changes


def _key() -> bytes:
    word = os.environ.get("FIXBY_STORE_KEY", "").strip()
    if not word:
        return b""
    try:
        found = bytes.fromhex(word)
    except ValueError:
        found = b""
    if len(found) != _KEY_BYTES:
        raise UsageError("FIXBY_STORE_KEY is no key.", _KEY_HINT)
    return found


def _identity_for(state: State) -> Identity:
    """The identity that a new store takes over. Raises `StoreError` without the key."""
    found = _key() or state.key
    if not found:
        raise StoreError(
            "The state is read with its store's key, and there is none in FIXBY_STORE_KEY.",
            "Keep it as a secret of the CI; whoever has the store prints it with: fixby state key",
        )
    segments.demand_seal(state, found)
    return Identity(state.store_id, found)


def _first_identity(database: Database, *, open_key: bool) -> Identity:
    """Whose log the branch will hold: a store in which nothing happened yet takes the key of the environment."""
    ours, given = following.identity(database), _key()
    if given and given != ours.key:
        if head(database).seq:
            message = f"The store {database.place} has another key than FIXBY_STORE_KEY."
            raise StoreError(message, "Its log is under its own key: fixby state key")
        following.adopt(database, replace(ours, key=given))
        ours = following.identity(database)
    return replace(ours, open_key=open_key)


def _tell(action: str, remote: Remote, state: State, done: Done, *, as_json: bool) -> None:
    size = sum(state.files.values())
    if as_json:
        emit(
            published.written(
                {
                    "schema": "fixby.state/1",
                    "action": action,
                    "remote": printable(remote.place.rpartition(" ")[0]),
                    "branch": remote.branch,
                    "snapshot": f"{state.head.seq}:{state.head.hash}",
                    "pulled": done.pulled,
                    "pushed": done.pushed,
                    "recorded_again": done.recorded_again,
                    "files": len(state.files),
                    "bytes": size,
                }
            )
        )
        return
    counts = [f"{done.pulled} events pulled"] if done.pulled else []
    counts += [f"{done.recorded_again} recorded again behind them"] if done.recorded_again else []
    counts += [f"{done.pushed} pushed"] if done.pushed else []
    emit(f"{', '.join(counts) or 'nothing new'}; {safe(printable(remote.place))} has {state.head.seq} events.")
    emit(f"snapshot {state.head.seq}:{state.head.hash}")
