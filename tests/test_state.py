"""The state on a branch: real git, a bare repository as the remote, stores that know nothing of each other."""

import base64
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from secrets import token_hex

import orjson
import pytest

from fixby.cli import state as cli_state
from fixby.scanners import git_state
from fixby.scanners.process import Limits
from fixby.store.database import Database
from fixby.store.log import events
from fixby.store.opening import open_for_reading, open_for_writing
from fixby.store.verification import flaws
from tests.command import Ended, called, fixby, git, repository
from tests.stories import found, scan, the_one, told, vulnerability, weakness

KEY = token_hex(32)


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository that every command of the test takes for the one with the state."""
    folder = tmp_path / "remote.git"
    folder.mkdir()
    git(folder, "init", "--quiet", "--bare")
    monkeypatch.setenv("FIXBY_STATE_REMOTE", str(folder))
    monkeypatch.setenv("FIXBY_STORE_KEY", KEY)
    monkeypatch.setenv("FIXBY_ACTOR", "ada")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a folder with a store of its own, of the asset `web`."""
    return lambda name: repository(tmp_path / name, {"fixby.toml": 'asset = "web"\n'})


@pytest.fixture
def begun(remote: Path, place: Callable[[str], Path]) -> Path:
    """The remote with a state of one finding that was there from second 100 on."""
    assert state("init", place("first")).code == 0
    tell(place("first"), weakness(), at=100)
    assert state("push", place("first")).code == 0
    return remote


def state(command: str, folder: Path, *options: object) -> Ended:
    return called("state", command, *options, cwd=folder)


def store(folder: Path) -> Database:
    return open_for_writing(str(folder / ".fixby" / "fixby.db"))


def tell(folder: Path, *findings: object, at: int, **others: object) -> None:
    with closing(store(folder)) as database:
        told(database, scan(*findings, at=at, **others))  # type: ignore[arg-type]


def log_of(folder: Path) -> list[str]:
    with closing(store(folder)) as database:
        assert list(flaws(database)) == []
        return [hash_ for _, hash_ in events(database)]


def test_a_store_that_knows_nothing_takes_the_state_over(begun: Path, place: Callable[[str], Path]) -> None:
    pulled = state("pull", place("second"), "--json")
    assert (pulled.code, pulled.document["pulled"]) == (0, len(log_of(place("first"))))
    assert log_of(place("second")) == log_of(place("first"))
    assert begun.is_dir()
    with closing(store(place("second"))) as database:
        assert the_one(database).first_seen == 100


def test_what_is_pushed_is_pulled_event_by_event(begun: Path, place: Callable[[str], Path]) -> None:
    state("pull", place("second"))
    tell(place("second"), at=200, scanned={"src/a.py": "v2"})
    assert state("push", place("second"), "--json").document["pushed"] == 2
    assert state("push", place("second"), "--json").document["pushed"] == 0
    assert state("pull", place("first"), "--json").document["pulled"] == 2
    assert log_of(place("second")) == log_of(place("first"))
    assert begun.is_dir()


def test_of_two_who_find_the_same_at_once_the_earlier_one_counts(begun: Path, place: Callable[[str], Path]) -> None:
    for name in ("early", "late"):
        state("pull", place(name))
    tell(place("early"), vulnerability(), at=200, scanner="pip-audit")
    tell(place("late"), vulnerability(), at=300, scanner="pip-audit")
    called("comment", "--query", "package:django", "--yes", "-m", "seen it", cwd=place("early"))
    state("push", place("late"))
    pushed = state("push", place("early"), "--json").document
    assert pushed["recorded_again"] == 3
    state("pull", place("first"))
    assert log_of(place("first")) == log_of(place("early"))
    with closing(store(place("first"))) as database:
        assert the_one(database, "package:django").first_seen == 200
        kinds = Counter(event.kind for event, _ in events(database))
    assert (kinds["scan.recorded"], kinds["finding.detected"], kinds["finding.commented"]) == (3, 2, 1)
    assert begun.is_dir()


def test_what_one_fixed_and_another_still_saw_is_judged_in_the_order_of_the_log(
    begun: Path, place: Callable[[str], Path]
) -> None:
    for name in ("fixes", "sees"):
        state("pull", place(name))
    tell(place("fixes"), at=200, scanned={"src/a.py": "v2"})
    tell(place("sees"), weakness(), at=300)
    called("dismiss", "--query", "is:open", "--yes", "--reason", "not ours", cwd=place("sees"))
    state("push", place("fixes"))
    state("push", place("sees"))
    with closing(store(place("sees"))) as database:
        assert the_one(database).state == "dismissed"
        assert "finding.reopened" in {event.kind for event, _ in events(database)}
    log_of(place("sees"))
    assert begun.is_dir()


def test_a_decision_of_what_is_fixed_meanwhile_stays_as_a_comment(begun: Path, place: Callable[[str], Path]) -> None:
    for name in ("fixes", "decides"):
        state("pull", place(name))
    tell(place("fixes"), at=200, scanned={"src/a.py": "v2"})
    called("dismiss", "--query", "is:open", "--yes", "--reason", "not ours", cwd=place("decides"))
    state("push", place("fixes"))
    assert state("push", place("decides")).code == 0
    with closing(store(place("decides"))) as database:
        assert the_one(database).state == "fixed"
        [comment] = [event for event, _ in events(database) if event.kind == "finding.commented"]
    assert orjson.loads(comment.body)["was"]["reason"] == "not ours"
    log_of(place("decides"))
    assert begun.is_dir()


def test_a_state_that_was_never_begun_is_not_taken_for_an_empty_one(remote: Path, place: Callable[[str], Path]) -> None:
    for command in ("pull", "push", "show"):
        ended = state(command, place("second"))
        assert ended.code == 3
        assert "never begun, or it is lost" in ended.err
    assert remote.is_dir()


def commit(remote: Path, change: Callable[[Path], object], *options: str) -> None:
    """Change the branch as somebody may who can push to it."""
    clone = remote.parent / f"clone-{token_hex(4)}"
    git(remote.parent, "clone", "--quiet", "--branch", "fixby-state", str(remote), str(clone))
    change(clone)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "mine")
    git(clone, "push", "--quiet", *options, "origin", "HEAD:fixby-state")


def edit(name: str, before: str, after: str) -> Callable[[Path], object]:
    def change(clone: Path) -> None:
        file = next(clone.glob(name))
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))

    return change


def drop(*files: Path) -> None:
    for file in files:
        file.unlink()


def drop_the_last_lines(clone: Path) -> None:
    file = max(clone.glob("log/*"))
    *lines, _ = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines))


def swap_lines(clone: Path) -> None:
    file = max(clone.glob("log/*"))
    *lines, one, other = file.read_text().splitlines(keepends=True)
    file.write_text("".join((*lines, other, one)))


def take_the_last_push_back(clone: Path) -> None:
    max(clone.glob("log/*")).unlink()
    old = subprocess.run(["git", "show", "HEAD~1:head.json"], cwd=clone, check=True, capture_output=True).stdout
    (clone / "head.json").write_bytes(old)


def edit_what_was_looked_at(clone: Path) -> None:
    file = min(clone.glob("log/*"))
    lines = file.read_text().splitlines(keepends=True)
    edited = [line.replace("src/a.py", "src/b.py") if line.startswith('{"coverage"') else line for line in lines]
    assert edited != lines
    file.write_text("".join(edited))


FORGERIES: dict[str, tuple[Callable[[Path], object], str]] = {
    "an edited event": (edit("log/*1-*", "ada", "eve"), "event 1 was changed"),
    "an edited coverage": (edit_what_was_looked_at, "line 2 of log/0000000001-0000000003.jsonl is none that"),
    "an end that is told otherwise": (edit("head.json", '"seq":5', '"seq":3'), "but event 3 was written"),
    "a forged seal": (edit("head.json", '"seal":"', '"seal":"00'), "is not sealed with the store's key"),
    "another store's id": (edit("head.json", '"store_id":"', '"store_id":"0'), "is not sealed with the store's key"),
    "a cut file": (drop_the_last_lines, "ends with event 4: it was cut"),
    "lines in another order": (swap_lines, "after event 3 comes event 5"),
    "a file that is gone": (lambda clone: drop(min(clone.glob("log/*"))), "a file is missing"),
    "the last push taken back by another": (take_the_last_push_back, "had event 5, which was taken away"),
    "a link": (
        lambda clone: (clone / "log" / "0000000099-0000000099.jsonl").symlink_to("/etc/passwd"),
        "does not write: log/0000000099-0000000099.jsonl",
    ),
    "an odd file": (lambda clone: (clone / "run.sh").write_text("true"), "does not write: run.sh"),
    "a file twice": (
        lambda clone: (clone / "log" / "0000000001-0000000002.jsonl").write_text("{}\n"),
        "is none that Fixby writes",
    ),
    "a file that begins late": (
        lambda clone: max(clone.glob("log/*")).rename(clone / "log" / "0000000005-0000000005.jsonl"),
        "a file is missing",
    ),
    "nothing at all": (lambda clone: drop(*clone.glob("*.json")), "head.json is missing"),
}


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES)
def test_a_branch_that_was_changed_is_noticed_by_a_store_that_never_saw_it(
    begun: Path, place: Callable[[str], Path], forge: Callable[[Path], object], words: str
) -> None:
    tell(place("first"), at=200, scanned={"src/a.py": "v2"})
    assert state("push", place("first"), "--json").document["snapshot"].startswith("5:")
    assert state("show", place("first")).code == 0
    commit(begun, forge)
    for command in ("pull", "push", "show"):
        ended = state(command, place("second"))
        assert (ended.code, ended.out) == (3, "")
        assert words in ended.err


def rewind(remote: Path) -> None:
    """Take the last push back, as somebody may who can push by force."""
    git(remote, "update-ref", "refs/heads/fixby-state", "refs/heads/fixby-state~1")


def test_a_branch_that_was_set_back_is_noticed_by_whoever_remembers_more(
    begun: Path, place: Callable[[str], Path]
) -> None:
    tell(place("first"), at=200, scanned={"src/a.py": "v2"})
    snapshot = state("push", place("first"), "--json").document["snapshot"]
    assert state("pull", place("second"), "--expect", snapshot).code == 0
    rewind(begun)
    for command in ("pull", "push"):
        ended = state(command, place("first"))
        assert ended.code == 3
        assert "set back" in ended.err
    assert state("pull", place("third"), "--expect", snapshot).code == 3
    assert state("show", place("third"), "--expect", snapshot).code == 3
    assert state("pull", place("third"), "--expect", "6").code == 2


def test_a_branch_that_is_gone_is_noticed_and_made_again_from_a_store(
    begun: Path, place: Callable[[str], Path]
) -> None:
    git(begun, "update-ref", "-d", "refs/heads/fixby-state")
    assert state("push", place("first")).code == 3
    assert state("init", place("first")).code == 0
    state("pull", place("second"))
    assert log_of(place("second")) == log_of(place("first"))


def test_the_history_may_be_written_anew_as_long_as_the_log_is_whole(begun: Path, place: Callable[[str], Path]) -> None:
    tell(place("first"), at=200, scanned={"src/a.py": "v2"})
    state("push", place("first"))
    commit(begun, lambda clone: git(clone, "checkout", "--quiet", "--orphan", "anew"), "--force")
    assert state("pull", place("first")).code == state("pull", place("second")).code == 0


def test_a_state_is_read_with_its_key_alone(
    begun: Path, place: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIXBY_STORE_KEY", token_hex(32))
    assert "The key at hand is not that of the state" in state("pull", place("second")).err
    monkeypatch.setenv("FIXBY_STORE_KEY", "abc")
    assert state("pull", place("second")).code == 2
    monkeypatch.delenv("FIXBY_STORE_KEY")
    assert state("pull", place("second")).code == 3
    assert state("pull", place("first")).code == 0
    assert called("state", "key", cwd=place("first")).out == f"{KEY}\n"
    assert KEY.encode() not in b"".join(file.read_bytes() for file in begun.rglob("*") if file.is_file())


def test_a_key_may_lie_beside_the_log_where_that_was_asked_for(
    remote: Path, place: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "test guesses" in state("init", place("first"), "--open-key").err
    monkeypatch.delenv("FIXBY_STORE_KEY")
    assert state("pull", place("second")).code == 0
    tell(place("second"), weakness(), at=100)
    assert state("push", place("second")).code == 0
    assert called("state", "key", cwd=place("second")).out == f"{KEY}\n"
    assert remote.is_dir()


def test_the_log_of_another_store_is_refused(begun: Path, place: Callable[[str], Path]) -> None:
    tell(place("other"), weakness(), at=50)
    ended = state("pull", place("other"))
    assert ended.code == 3
    assert "the log of another store" in ended.err
    assert state("init", place("other")).code == 2
    assert begun.is_dir()


def test_a_shallow_clone_is_no_place_for_the_state(begun: Path, place: Callable[[str], Path]) -> None:
    tell(place("first"), at=200, scanned={"src/a.py": "v2"})
    state("push", place("first"))
    shallow = begun.parent / "shallow.git"
    git(
        begun.parent,
        *("clone", "--quiet", "--bare", "--depth=1", "--branch=fixby-state", begun.as_uri(), str(shallow)),
    )
    ended = state("pull", place("second"), "--remote", str(shallow))
    assert ended.code == 3
    assert "it is a shallow clone" in ended.err


def test_an_origin_is_reached_by_ssh_as_people_write_it(
    begun: Path, place: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\nfor last; do :; done\nexec sh -c "$last"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("FIXBY_STATE_REMOTE")
    clone = place("second")
    git(clone, "init", "--quiet")
    git(clone, "remote", "add", "origin", f"git@example.org:{begun}")
    assert state("pull", clone).code == 0
    assert "BatchMode=yes" in (tmp_path / "asked").read_text()
    assert "git@example.org git-upload-pack" in (tmp_path / "asked").read_text()


@pytest.mark.parametrize(
    "options",
    [
        ("--branch", "-x"),
        ("--branch", "a..b"),
        ("--remote", "ext::sh -c id"),
        ("--remote", "--upload-pack=id"),
        ("--remote", "http://example.org/a"),
        ("--remote", "git@-oProxyCommand=id:a"),
        ("--remote", "-oProxyCommand=id@host:a"),
        ("--remote", "git@host::a"),
        ("--store", "postgresql://localhost/a"),
    ],
)
def test_what_is_no_place_for_a_state_is_refused(place: Callable[[str], Path], options: tuple[str, ...]) -> None:
    assert state("pull", place("second"), *options).code == 2


def test_nothing_that_a_checkout_configures_is_run(
    begun: Path, place: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = place("second")
    git(checkout, "init", "--quiet")
    trap = checkout / "trap"
    hook = checkout / ".git" / "hooks" / "pre-push"
    hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
    hook.chmod(0o755)
    for setting, value in (
        ("core.fsmonitor", f"touch {trap}"),
        ("core.sshCommand", f"touch {trap}"),
        ("credential.helper", f"!touch {trap}"),
        ("core.hooksPath", str(hook.parent)),
        (f"url.{checkout}/nowhere.insteadOf", str(begun)),
        ("remote.origin.url", str(begun)),
        ("remote.origin.uploadpack", f"touch {trap}"),
    ):
        git(checkout, "config", setting, value)
    assert state("pull", checkout).code == 0
    tell(checkout, at=200, scanned={"src/a.py": "v2"})
    assert state("push", checkout).code == 0
    monkeypatch.delenv("FIXBY_STATE_REMOTE")
    assert state("pull", checkout).code == 2
    git(checkout, "config", "remote.origin.url", "ssh://localhost:1/nowhere")
    assert state("pull", checkout).code == 3
    assert not trap.exists()


@pytest.fixture
def spy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[str, str]]:
    """Puts a git in the way that fails; gives its arguments, and its environment."""
    spying = tmp_path / "spying"
    program = repository(spying, {"git": f'#!/bin/sh\necho "$@" >> {spying}/arguments\nenv >> {spying}/environment\n'})
    with (program / "git").open("a") as script:
        script.write(
            'case "$*" in *init*) exit 0;; esac\necho "fatal: https://me:h@unter@example.org/a" >&2\nexit 128\n'
        )
    (program / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{spying}:{os.environ['PATH']}")
    return lambda: ((spying / "arguments").read_text(), (spying / "environment").read_text())


def header(token: str) -> str:
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


def test_a_token_goes_to_git_in_its_environment(
    place: Callable[[str], Path], spy: Callable[[], tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIXBY_STATE_TOKEN", "ghs_secret")
    ended = state("pull", place("second"), "--remote", "https://example.org/a")
    arguments, environment = spy()
    assert ended.code == 3
    assert "unter" not in ended.err
    assert "ghs_secret" not in arguments
    assert header("ghs_secret") not in arguments
    assert header("ghs_secret") in environment
    assert "GIT_CONFIG_KEY_0=http.https://example.org/a.extraHeader" in environment


@pytest.mark.parametrize(
    ("url", "gets"),
    [
        ("https://github.example/a/b", True),
        ("https://github.example.evil.org/a/b", False),
        ("https://example.org/a/b", False),
        ("ssh://github.example/a/b", False),
    ],
)
def test_the_token_of_a_run_of_github_goes_to_github_alone(
    place: Callable[[str], Path],
    spy: Callable[[], tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    gets: bool,  # noqa: FBT001 - a parameter
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_secret")
    state("pull", place("second"), "--remote", url)
    assert (header("ghs_secret") in spy()[1]) is gets


def test_a_run_of_github_keeps_its_state_in_its_repository(
    place: Callable[[str], Path], spy: Callable[[], tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.example"),
        ("GITHUB_REPOSITORY", "a/b"),
        ("GITHUB_TOKEN", "ghs_secret"),
    ):
        monkeypatch.setenv(name, value)
    assert "https://github.example/a/b" in state("pull", place("second")).err
    assert header("ghs_secret") in spy()[1]


def test_what_a_checkout_calls_its_origin_gets_no_token(
    place: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    checkout = place("second")
    git(checkout, "init", "--quiet")
    git(checkout, "config", "remote.origin.url", "https://example.org/a")
    monkeypatch.setenv("FIXBY_STATE_TOKEN", "ghs_secret")
    real = shutil.which("git")
    spy = request.getfixturevalue("spy")
    program = checkout.parent / "spying" / "git"
    program.write_text(
        program.read_text().replace("case", f'case "$*" in *remote.origin*) exec {real} "$@";; esac\ncase', 1)
    )
    assert "https://example.org/a" in state("pull", checkout).err
    assert header("ghs_secret") not in spy()[1]


def test_a_branch_that_is_too_large_is_not_read(
    begun: Path, place: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_state, "_LIMITS", Limits(output_bytes=2**18))
    commit(begun, lambda clone: (clone / "README.md").write_text("0" * 200_000))
    ended = state("pull", place("second"))
    assert ended.code == 3
    assert "is larger than 131072 bytes" in ended.err


def hook(remote: Path, script: str) -> None:
    """Have the server run a script at each push."""
    repository(remote / "hooks", {"pre-receive": f"#!/bin/sh\n{script}\n"})
    (remote / "hooks" / "pre-receive").chmod(0o755)


def test_a_server_that_refuses_is_told_in_its_own_words(
    begun: Path, place: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_state, "_LONGEST_PAUSE", 0.1)
    hook(begun, "echo protected branch >&2; exit 1")
    tell(place("first"), at=200, scanned={"src/a.py": "v2"})
    before = log_of(place("first"))
    ended = state("push", place("first"))
    assert ended.code == 3
    assert "cannot be written" in ended.err
    assert "protected branch" in ended.err
    assert log_of(place("first")) == before
    (begun / "hooks" / "pre-receive").unlink()
    assert state("push", place("first")).code == 0


def test_a_push_ends_where_others_are_always_faster(
    begun: Path, place: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_state, "_LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(cli_state, "_ATTEMPTS", 7)
    faster = "git -c user.name=a -c user.email=a@b commit-tree -m faster -p fixby-state fixby-state^{tree}"
    alone = "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES"
    hook(begun, f"{alone}; git update-ref refs/heads/fixby-state $({faster}); exit 1")
    tell(place("first"), at=200, scanned={"src/a.py": "v2"})
    ended = state("push", place("first"))
    assert ended.code == 3
    assert "7 times; nothing is lost" in ended.err


def test_many_small_pushes_leave_few_files(begun: Path, place: Callable[[str], Path]) -> None:
    for number in range(20):
        tell(place("first"), weakness(), at=200 + number)
        pushed = state("push", place("first"), "--json").document
    assert pushed["files"] < 10
    state("pull", place("second"))
    assert log_of(place("second")) == log_of(place("first"))
    assert begun.is_dir()


_WORKER = """\
import sys
from contextlib import closing
from pathlib import Path
from tests.command import called
from tests.stories import scan, told, vulnerability, weakness
from tests.test_state import store

number, pushes = int(sys.argv[1]), int(sys.argv[2])
here = Path.cwd()
for push in range(pushes):
    at = 1000 + 10 * push + number
    some = [weakness(f"eval({n})", path=f"part{number}/{n}.py") for n in range(push + 1)]
    with closing(store(here)) as database:
        told(database, scan(*some, at=at, target=f"part{number}"))
        told(database, scan(vulnerability(), at=at, scanner="pip-audit"))
    said = called("comment", "--query", "package:django", "--yes", "-m", f"{number} {push}", cwd=here)
    assert said.code == 0, said.err
    pushed = called("state", "push", cwd=here)
    assert pushed.code == 0, pushed.err
"""


def test_pushes_of_several_processes_at_once_lose_no_event(begun: Path, place: Callable[[str], Path]) -> None:
    """FIXBY_TEST_PUSHES=200 and FIXBY_TEST_PUSHERS=8 make it the whole proof."""
    pushes, pushers = (int(os.environ.get(f"FIXBY_TEST_{name}", few)) for name, few in (("PUSHES", 24), ("PUSHERS", 4)))
    each = pushes // pushers
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    for number in range(pushers):
        assert state("pull", place(f"run{number}")).code == 0
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(number), str(each)], cwd=place(f"run{number}"), env=environment
        )
        for number in range(pushers)
    ]
    assert [process.wait() for process in processes] == [0] * pushers
    where = {"FIXBY_STATE_REMOTE": str(begun), "FIXBY_STORE_KEY": KEY}
    assert fixby("state", "pull", cwd=place("after"), stdin=b"", **where).code == 0
    with closing(open_for_reading(str(place("after") / ".fixby" / "fixby.db"))) as database:
        assert list(flaws(database)) == []
        told_ = [(event.kind, orjson.loads(event.body)) for event, _ in events(database)]
        comments = Counter(body["reason"] for kind, body in told_ if kind == "finding.commented")
        scans = Counter(
            (body["target"], body["started_at"])
            for kind, body in told_
            if kind == "scan.recorded" and body["target"] != "."
        )
        shared = the_one(database, "package:django")
        parts = found(database, "path:part* is:open")
    assert comments == dict.fromkeys((f"{n} {push}" for n in range(pushers) for push in range(each)), 1)
    assert scans == dict.fromkeys(
        ((f"part{n}", 1000 + 10 * push + n) for n in range(pushers) for push in range(each)), 1
    )
    assert shared.first_seen == 1000
    assert len(parts) == pushers * each
