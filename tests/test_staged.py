"""What is staged, judged before it is committed: real commits, with a hook that calls the real command."""

import hashlib
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import FIXBY, SAFE, SHELL, Ended, called, clean_environment, git, repository
from tests.test_diff import places, pointer

SECRET = 'password = "Kq7nW2vR9tLx4zBd"\n'
ROOT = Path(__file__).parents[1]
KEY = "Kq7nW2vR9tLx4zBd"
EVAL = "eval(input())\n"
BROKEN = "def broken(:\n"
PAGE = (ROOT / "docs" / "ci" / "pre-commit.md").read_text()
SHIPPED = (ROOT / "policies" / "gate.toml").read_text()


def shown(language: str) -> str:
    """The last example in a language of the page about hooks."""
    *_, last = re.finditer(rf"^```{language}\n(?P<text>.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return last["text"]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a high finding in `app.py`, and a hook that is asked before every commit."""
    folder = repository(tmp_path / "shop", {"app.py": SHELL, "safe.py": SAFE, "notes.txt": "none\n"})
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "base")
    hook(folder)
    return folder


def hook(folder: Path) -> None:
    file = folder / ".git" / "hooks" / "pre-commit"
    file.parent.mkdir(exist_ok=True)
    file.write_text(shown("sh"))
    file.chmod(0o755)


def commit(folder: Path, *arguments: str) -> Ended:
    """What `git commit` ends with, and what was printed."""
    somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    command = ["git", *somebody, "commit", "-m", "change", *arguments]
    environment = clean_environment() | {"PATH": f"{Path(FIXBY).parent}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=120, check=False)
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def staged(folder: Path, *options: object, code: int, **environment: str) -> Any:  # noqa: ANN401 - JSON
    ended = called("scan", "--staged", "--json", *options, cwd=folder, **environment)
    assert ended.code == code, ended.err + ended.out
    return ended.document


def add(folder: Path, files: Mapping[str, str | bytes]) -> None:
    repository(folder, files)
    git(folder, "add", "--all")


def test_a_new_secret_stops_the_commit_and_is_not_shown(repo: Path) -> None:
    add(repo, {"src/settings.py": SAFE + SECRET})
    ended = commit(repo)
    assert ended.code == 1
    assert "src/settings.py:3" in ended.err
    assert "FAIL     no new secret above low: 1 of" in ended.err
    assert "git add" in ended.err
    assert "fixby dismiss" in ended.err
    assert KEY not in ended.err + ended.out


def test_new_code_of_high_severity_stops_the_commit_and_what_is_low_is_only_shown(repo: Path) -> None:
    add(repo, {"worse.py": SHELL})
    ended = commit(repo)
    assert (ended.code, "worse.py:5" in ended.err) == (1, True)
    add(repo, {"worse.py": "import subprocess\n"})
    ended = commit(repo)
    assert (ended.code, "worse.py:1" in ended.err) == (0, True)


def test_what_adds_nothing_is_committed(repo: Path) -> None:
    add(repo, {"more.py": SAFE, "notes.txt": "some\n"})
    ended = commit(repo)
    assert ended.code == 0, ended.err
    assert "0 added in 2 staged files, compared with HEAD (" in ended.err
    assert "running" not in ended.err


def test_where_nothing_is_staged_nothing_is_run(repo: Path) -> None:
    (repo / "settings.py").write_text(SECRET)
    ended = called("scan", "--staged", cwd=repo)
    assert (ended.code, ended.out, ended.err) == (0, "nothing is staged\n", "")
    document = staged(repo, code=0)
    assert (document["added"], document["doubts"], document["gate"]["verdict"]) == ([], [], "pass")


def test_an_old_finding_that_moved_to_other_lines_or_another_file_stops_nothing(repo: Path) -> None:
    add(repo, {"app.py": f"# a remark\n\n\n{SHELL}\n\nMORE = 1\n"})
    assert commit(repo).code == 0
    git(repo, "mv", "app.py", "moved.py")
    add(repo, {"moved.py": f"# another\n{SHELL}"})
    ended = commit(repo)
    assert (ended.code, "0 added in 1 staged file" in ended.err) == (0, True)


def test_a_copy_of_an_old_finding_is_a_new_one(repo: Path) -> None:
    add(repo, {"copy.py": SHELL})
    assert places(staged(repo, code=1)["added"]) == [("B404", "copy.py"), ("B602", "copy.py")]


def test_what_is_staged_counts_and_not_what_lies_in_the_working_tree(repo: Path) -> None:
    add(repo, {"safe.py": f"# staged\n{SAFE}"})
    repository(repo, {"safe.py": SAFE + SECRET, "new.py": SECRET})
    assert commit(repo).code == 0
    add(repo, {"safe.py": SAFE + SECRET, "new.py": SAFE, "gone.py": SECRET})
    (repo / "safe.py").write_text(SAFE)
    (repo / "gone.py").unlink()
    ended = commit(repo)
    assert ended.code == 1
    assert "safe.py:3" in ended.err
    assert "gone.py:1" in ended.err


def test_commit_all_and_commit_of_a_file_are_judged_by_what_they_commit(repo: Path) -> None:
    repository(repo, {"safe.py": SAFE + SECRET})
    assert commit(repo, "--all").code == 1
    repository(repo, {"notes.txt": "more\n"})
    git(repo, "add", "safe.py")
    assert commit(repo, "notes.txt").code == 0
    assert commit(repo, "safe.py").code == 1
    assert commit(repo).code == 1


def test_a_commit_that_is_amended_or_made_in_a_folder_below_is_judged_too(repo: Path) -> None:
    (repo / "part").mkdir()
    add(repo, {"settings.py": SECRET})
    assert commit(repo / "part", "--amend").code == 1
    git(repo, "rm", "--quiet", "--force", "settings.py")
    assert commit(repo / "part", "--amend").code == 0


def test_the_first_commit_is_compared_with_nothing(tmp_path: Path) -> None:
    repo = repository(tmp_path / "new", {})
    git(repo, "init", "--quiet")
    hook(repo)
    assert called("scan", "--staged", cwd=repo).out == "nothing is staged\n"
    add(repo, {"app.py": SHELL})
    ended = commit(repo)
    assert (ended.code, "compared with nothing: there is no commit yet" in ended.err) == (1, True)
    assert staged(repo, code=1)["base"] == {"asked": "HEAD", "commit": None, "is_ancestor": None}
    add(repo, {"app.py": SAFE})
    assert commit(repo).code == 0


def test_what_only_takes_away_is_committed(repo: Path) -> None:
    git(repo, "rm", "--quiet", "app.py", "safe.py")
    document = staged(repo, code=0)
    assert (document["added"], document["doubts"], document["not_observed"]) == ([], [], 2)
    assert commit(repo).code == 0


def test_another_worktree_has_an_index_of_its_own(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "other"))
    add(repo, {"settings.py": SECRET})
    add(tmp_path / "other", {"fine.py": SAFE})
    assert commit(tmp_path / "other").code == 0
    add(tmp_path / "other", {"settings.py": SECRET})
    assert commit(tmp_path / "other").code == 1


def test_a_part_of_what_is_staged_is_judged_by_itself(repo: Path) -> None:
    add(repo, {"part/a.py": SHELL, "other.py": SHELL})
    for place, cwd in (("part", repo), (".", repo / "part"), ("part/a.py", repo)):
        added = staged(cwd, place, code=1)["added"]
        assert places(added) == [("B404", "part/a.py"), ("B602", "part/a.py")]
    assert called("scan", "--staged", "safe.py", cwd=repo).out == "nothing is staged\n"


NAMES = ["a\nb.py", "quo\"ted '.py", "-x.py", "späße.py", os.fsdecode(b"caf\xe9.py"), ":(top)a.py"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_have_any_name(repo: Path, name: str) -> None:
    add(repo, {name: SHELL})
    ended = called("scan", "--staged", cwd=repo)
    assert ended.code == 1
    assert len(staged(repo, code=1)["added"]) == 2
    assert "\n2 added in 1 staged file" in ended.out


def test_links_and_submodules_are_left_out_by_name(repo: Path, tmp_path: Path) -> None:
    library = repository(tmp_path / "library", {"part.py": EVAL})
    git(library, "init", "--quiet")
    git(library, "add", "--all")
    git(library, "commit", "--quiet", "-m", "one")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "library")
    repository(tmp_path, {"outside.py": SHELL})
    (repo / "link.py").symlink_to(tmp_path / "outside.py")
    git(repo, "add", "link.py")
    ended = called("scan", "--staged", cwd=repo)
    assert ended.code == 0
    assert "left out: library: a submodule\nleft out: link.py: a link\n" in ended.out
    assert staged(repo, code=0)["added"] == []


def test_a_file_that_becomes_a_link_or_a_folder_is_no_obstacle(repo: Path) -> None:
    (repo / "app.py").unlink()
    (repo / "app.py").symlink_to("safe.py")
    (repo / "safe.py").unlink()
    add(repo, {"safe.py/inner.py": SECRET})
    document = staged(repo, code=1)
    assert {path for _, path in places(document["added"])} == {"safe.py/inner.py"}
    assert (document["fixed"], document["not_observed"]) == ([], 2)


def test_what_is_staged_and_cannot_be_read_is_named_and_nobody_can_tell(repo: Path) -> None:
    add(repo, {"broken.py": BROKEN, "more.py": SAFE})
    ended = commit(repo)
    assert ended.code == 1  # git's own, whatever the hook ends with
    assert "bandit: not scanned: broken.py" in ended.err
    ended = called("scan", "--staged", cwd=repo)
    assert ended.code == 3
    assert "fixby.toml, which counts once that is committed" in ended.out


def test_what_could_not_be_read_before_either_and_is_staged_again_is_named(repo: Path) -> None:
    add(repo, {"broken.py": BROKEN})
    git(repo, "commit", "--quiet", "--no-verify", "-m", "broken")
    add(repo, {"broken.py": SHELL})
    document = staged(repo, code=3)
    assert all("broken.py was not scanned" in one["uncertain"] for one in document["added"])


def test_a_file_that_is_too_large_is_named(repo: Path) -> None:
    with (repo / "large.txt").open("wb") as file:
        file.truncate(2**28 + 1)
    git(repo, "-c", "core.bigFileThreshold=1m", "-c", "core.compression=0", "add", "large.txt")
    document = staged(repo, code=3)
    assert document["doubts"] == ["detect-secrets: not scanned: large.txt: it has more than 268435456 bytes"]


def test_what_lfs_keeps_is_looked_at_where_the_working_tree_has_it(repo: Path) -> None:
    add(repo, {"large.py": pointer(EVAL)})
    (repo / "large.py").write_text(EVAL)
    assert places(staged(repo, code=0)["added"]) == [("B307", "large.py")]
    (repo / "large.py").write_text(f"{EVAL}# more\n")
    assert "a pointer of LFS" in staged(repo, code=3)["doubts"][0]
    (repo / "large.py").unlink()
    assert "a pointer of LFS" in staged(repo, code=3)["doubts"][0]


def test_nothing_that_the_repository_configures_is_run(repo: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    evil.chmod(0o755)
    add(repo, {".gitattributes": "*.py filter=evil diff=evil merge=evil\n", "new.py": SHELL})
    git(repo, "mv", "safe.py", "renamed.py")
    of_drivers = ("filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv")
    for setting in (*of_drivers, "diff.evil.command", "diff.external", "core.fsmonitor", "core.alternateRefsCommand"):
        git(repo, "config", setting, str(evil))
    (repo / "renamed.py").write_text(EVAL)
    trap.unlink(missing_ok=True)
    assert {path for _, path in places(staged(repo, code=1)["added"])} == {"new.py"}
    assert not trap.exists()


def test_what_was_decided_in_the_store_stops_nothing(repo: Path) -> None:
    add(repo, {"worse.py": SHELL, "settings.py": SECRET})
    called("scan", cwd=repo)
    stored = {one["id"] for one in called("list", "--json", cwd=repo).document["findings"]}
    assert {one["id"] for one in staged(repo, code=1)["added"]} <= stored
    called("dismiss", "--query", "is:open", "--yes", "--reason", "not reachable", cwd=repo)
    log = (repo / ".fixby" / "fixby.db").read_bytes()
    document = staged(repo, code=0)
    assert {one["decision"] for one in document["added"]} == {"dismissed"}
    assert (repo / ".fixby" / "fixby.db").read_bytes() == log
    assert commit(repo).code == 0


def test_how_to_judge_is_what_head_says_and_not_what_is_staged(repo: Path) -> None:
    loose = '[[added]]\nname = "anything goes"\nquery = "is:open severity:critical"\nlimit = 99\n'
    files = {
        "fixby.toml": 'asset = "corner"\nexclude = ["worse.py"]\ngate = "ci/gate.toml"\n',
        "ci/gate.toml": SHIPPED + loose,
    }
    add(repo, {"worse.py": SHELL, **files})
    document = staged(repo, code=1)
    assert [one["path"] for one in document["settings"]] == ["fixby.toml"]
    git(repo, "commit", "--quiet", "--no-verify", "-m", "loose")
    add(repo, {"worse.py": SHELL + SECRET, "again.py": SHELL})
    document = staged(repo, code=0)
    assert document["gate"]["rules"][0]["name"] == "anything goes"
    assert {path for _, path in places(document["added"])} == {"again.py"}
    assert document["settings"] == []
    assert "left out" not in called("scan", "--staged", "again.py", cwd=repo).out
    add(repo, {"ci/gate.toml": SHIPPED})
    assert staged(repo, code=0)["settings"] == [{"path": "ci/gate.toml", "change": "changed"}]


def test_the_rules_for_what_is_added_decide_where_the_gate_has_some(repo: Path) -> None:
    rule = '[[added]]\nname = "nothing new"\nquery = "is:open -is:suppressed"\nlimit = 0\n'
    add(repo, {"fixby.toml": 'gate = "gate.toml"\nscanners = ["semgrep", "bandit"]\n', "gate.toml": SHIPPED + rule})
    git(repo, "commit", "--quiet", "--no-verify", "-m", "strict")
    add(repo, {"safe.py": f"import subprocess\n{SECRET}{SAFE}"})
    document = staged(repo, code=1)
    assert {one["scanner"] for one in document["scans"]} == {"bandit"}
    assert document["gate"]["rules"][0]["count"] == 2
    add(repo, {"safe.py": f"import subprocess  # nosec\n{SAFE}"})
    assert staged(repo, code=0)["added"][0]["suppressed"]["by"] == "nosec"


def test_a_conflict_has_to_be_resolved_first(repo: Path) -> None:
    conflict(repo)
    ended = called("scan", "--staged", cwd=repo)
    assert ended.code == 2
    assert "safe.py has conflicts that were not resolved" in ended.err


def test_what_a_merge_takes_over_was_committed_on_the_other_side(repo: Path) -> None:
    conflict(repo)
    add(repo, {"safe.py": SAFE})
    assert staged(repo, code=0)["added"] == []
    assert commit(repo).code == 0


def test_what_is_written_while_a_merge_is_resolved_is_judged(repo: Path) -> None:
    conflict(repo)
    add(repo, {"safe.py": SAFE + SECRET})
    assert commit(repo).code == 1


def conflict(repo: Path) -> None:
    """A merge that stopped in `safe.py`; the other side has a finding of its own in `theirs.py`."""
    git(repo, "checkout", "--quiet", "-b", "theirs")
    add(repo, {"safe.py": f"THEIRS = 1\n{SAFE}", "theirs.py": SHELL})
    git(repo, "commit", "--quiet", "--no-verify", "-m", "theirs")
    git(repo, "checkout", "--quiet", "-")
    git(repo, "checkout", "--quiet", "main")
    add(repo, {"safe.py": f"OURS = 1\n{SAFE}"})
    git(repo, "commit", "--quiet", "--no-verify", "-m", "ours")
    with pytest.raises(subprocess.CalledProcessError):
        git(repo, "merge", "theirs")


def test_an_index_that_is_not_there_is_no_empty_one(repo: Path) -> None:
    add(repo, {"settings.py": SECRET})
    ended = called("scan", "--staged", cwd=repo, GIT_INDEX_FILE="nowhere")
    assert (ended.code, "GIT_INDEX_FILE" in ended.err) == (2, True)
    (repo / ".git" / "index").write_bytes(b"damaged")
    ended = called("scan", "--staged", cwd=repo)
    assert (ended.code, "cannot say what is staged" in ended.err) == (3, True)


def test_variables_that_name_another_repository_mislead_nobody(repo: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "other", {})
    git(other, "init", "--quiet")
    add(repo, {"settings.py": SECRET})
    elsewhere = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_PREFIX": "part/"}
    assert staged(repo, code=1, **elsewhere)["added"]


def test_a_checkout_whose_working_tree_is_said_to_lie_elsewhere_is_none(repo: Path, tmp_path: Path) -> None:
    add(repo, {"settings.py": SECRET})
    (tmp_path / "elsewhere").mkdir()
    git(repo, "config", "core.worktree", str(tmp_path / "elsewhere"))
    ended = called("scan", "--staged", cwd=repo)
    assert (ended.code, "lies in no checkout" in ended.err) == (2, True)


def test_a_repository_may_name_its_objects_by_sha_256(tmp_path: Path) -> None:
    repo = repository(tmp_path / "new", {})
    git(repo, "init", "--quiet", "--object-format=sha256")
    add(repo, {"app.py": SHELL})
    assert len(staged(repo, code=1)["added"]) == 2
    git(repo, "commit", "--quiet", "-m", "base")
    add(repo, {"app.py": f"# more\n{SHELL}"})
    document = staged(repo, code=0)
    assert (document["added"], document["unchanged"], len(document["base"]["commit"])) == ([], 2, 64)


def test_an_object_that_is_not_here_is_told(repo: Path) -> None:
    add(repo, {"settings.py": SECRET})
    name = hashlib.sha1(f"blob {len(SECRET)}\0{SECRET}".encode(), usedforsecurity=False).hexdigest()
    (repo / ".git" / "objects" / name[:2] / name[2:]).unlink()
    ended = called("scan", "--staged", cwd=repo)
    assert (ended.code, name[:12] in ended.err) == (3, True)


def test_what_was_only_announced_is_not_staged(repo: Path) -> None:
    repository(repo, {"later.py": SECRET})
    git(repo, "add", "--intent-to-add", "later.py")
    assert called("scan", "--staged", cwd=repo).code == 0


@pytest.mark.parametrize("option", [("--diff", "main"), ("--image", "a.tar"), ("--asset", "a"), ("--no-store",)])
def test_options_that_make_no_sense_with_it_are_refused(repo: Path, option: tuple[str, ...]) -> None:
    ended = called("scan", "--staged", *option, cwd=repo)
    assert (ended.code, f"--staged does not go with {option[0]}" in ended.err) == (2, True)


def test_scanners_that_are_asked_for_are_run(repo: Path) -> None:
    add(repo, {"settings.py": SECRET})
    assert {one["scanner"] for one in staged(repo, "--only", "secret", code=1)["scans"]} == {"detect-secrets"}
    assert {one["scanner"] for one in staged(repo, "--scanner", "bandit", code=0)["scans"]} == {"bandit"}
    assert called("scan", "--staged", cwd=repo.parent).code == 2
    assert called("scan", "--staged", "nowhere", cwd=repo).code == 2


def test_the_rules_that_the_page_shows_heed_comments_and_stop_at_every_secret(repo: Path) -> None:
    add(repo, {"fixby.toml": 'gate = "gate.toml"\n', "gate.toml": SHIPPED + shown("toml")})
    git(repo, "commit", "--quiet", "--no-verify", "-m", "strict")
    add(repo, {"settings.py": SECRET.replace("\n", "  # pragma: allowlist secret\n")})
    assert staged(repo, code=0)["added"]
    add(repo, {"settings.py": 'checksum = "0123456789abcdef76543210fedcba98"\n'})
    assert staged(repo, code=1)["gate"]["rules"][0]["count"] == 1


def test_the_hook_that_the_pre_commit_framework_reads_is_this_command(repo: Path) -> None:
    (declared,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (declared["language"], declared["pass_filenames"], declared["stages"]) == ("python", False, ["pre-commit"])
    add(repo, {"settings.py": SECRET})
    program, *arguments = shlex.split(declared["entry"])
    assert (program, called(*arguments, cwd=repo).code) == ("fixby", 1)


@pytest.mark.parametrize("options", [("--staged",), ("--diff", "HEAD")])
def test_a_configuration_where_everybody_may_write_is_not_taken_for_that_of_head(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    repository(tmp_path / "temporary", {"fixby.toml": 'exclude = ["*"]\n'})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    add(repo, {"settings.py": SECRET})
    ended = called("scan", *options, cwd=repo)
    assert (ended.code, "has a configuration" in ended.err) == (2, True)
