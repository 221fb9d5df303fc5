"""A change compared with its base: real git, real scanners, nothing stored."""

import hashlib
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.command import SHELL, Ended, called, git, repository, zipped

CONFIGURED = {
    "fixby.toml": 'asset = "shop"\ngate = "gate.toml"\nscanners = ["bandit"]\n',
    "gate.toml": """\
name = "ours"

[[rules]]
name = "no high"
query = "is:open severity:high"
limit = 0

[scans]
required = ["bandit"]
recorded = true
max_age = "24h"
""",
}
EVAL = "eval(input())\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a high finding in `app.py` on `main`; the branch `change` is checked out."""
    folder = repository(tmp_path / "shop", {**CONFIGURED, "app.py": SHELL, "old.py": EVAL})
    git(folder, "init", "--quiet")
    committed(folder, "base")
    git(folder, "checkout", "--quiet", "-b", "change")
    return folder


def committed(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", message)


def diff(folder: Path, *options: object, base: object = "main") -> Ended:
    return called("scan", "--diff", base, *options, cwd=folder)


def told(folder: Path, *options: object, base: object = "main", code: int = 0) -> Any:  # noqa: ANN401 - JSON
    ended = diff(folder, "--json", *options, base=base)
    assert ended.code == code, ended.err + ended.out
    return ended.document


def places(findings: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return sorted((one["rule_id"], one["locations"][0]["path"]) for one in findings)


def test_what_is_added_and_fixed_is_told_by_identity_and_not_by_line(repo: Path) -> None:
    git(repo, "mv", "app.py", "moved.py")
    (repo / "moved.py").write_text("# a remark\n\n\n" + SHELL)
    (repo / "old.py").unlink()
    (repo / "new.py").write_text(EVAL.replace("eval", "exec"))
    document = told(repo)
    assert places(document["added"]) == [("B102", "new.py")]
    assert places(document["fixed"]) == [("B307", "old.py")]
    assert (document["unchanged"], document["not_observed"]) == (2, 0)
    assert document["gate"]["verdict"] == "pass"


def test_nothing_is_stored(repo: Path) -> None:
    (repo / "new.py").write_text(EVAL)
    before = sorted(path for path in repo.rglob("*") if ".git" not in path.parts)
    told(repo)
    assert sorted(path for path in repo.rglob("*") if ".git" not in path.parts) == before
    called("scan", cwd=repo)
    log = called("db", "verify", "--json", cwd=repo).document, (repo / ".fixby" / "fixby.db").read_bytes()
    told(repo)
    assert (called("db", "verify", "--json", cwd=repo).document, (repo / ".fixby" / "fixby.db").read_bytes()) == log


def test_the_gate_judges_only_what_is_new(repo: Path) -> None:
    (repo / "new.py").write_text(EVAL)
    assert diff(repo, "--gate").code == 0
    (repo / "worse.py").write_text(SHELL)
    ended = diff(repo, "--gate")
    assert ended.code == 1
    assert "gate: FAIL" in ended.out
    assert diff(repo).code == 0


def test_the_gate_may_have_rules_of_its_own_for_what_is_new(repo: Path) -> None:
    rule = '[[added]]\nname = "nothing new"\nquery = "is:open"\nlimit = 0\n\n'
    git(repo, "checkout", "--quiet", "main")
    (repo / "gate.toml").write_text(CONFIGURED["gate.toml"].replace("[scans]", f"{rule}[scans]"))
    committed(repo, "a rule")
    git(repo, "checkout", "--quiet", "-b", "another")
    assert diff(repo, "--gate").code == 0
    (repo / "new.py").write_text(EVAL)
    assert told(repo, "--gate", code=1)["gate"]["rules"][0]["name"] == "nothing new"


def test_how_to_judge_is_what_the_base_says_and_a_change_to_it_is_shown(repo: Path) -> None:
    (repo / "worse.py").write_text(SHELL)
    (repo / "fixby.toml").write_text(CONFIGURED["fixby.toml"] + 'exclude = ["worse.py"]\n')
    (repo / "gate.toml").write_text(CONFIGURED["gate.toml"].replace("limit = 0", "limit = 9"))
    (repo / "CODEOWNERS").write_text("* @eve\n")
    document = told(repo, "--gate", code=1)
    assert document["settings"] == [
        {"path": "CODEOWNERS", "change": "added"},
        {"path": "fixby.toml", "change": "changed"},
        {"path": "gate.toml", "change": "changed"},
    ]
    (repo / "fixby.toml").write_text("no configuration")
    (repo / "gate.toml").unlink()
    assert {"path": "gate.toml", "change": "removed"} in told(repo, "--gate", code=1)["settings"]


def test_what_was_dismissed_in_the_store_is_shown_as_such_and_does_not_fail_the_gate(repo: Path) -> None:
    (repo / "worse.py").write_text(SHELL)
    called("scan", cwd=repo)
    called("dismiss", "--query", "path:worse.py", "--yes", "--reason", "not reachable", cwd=repo)
    document = told(repo, "--gate")
    assert {one["decision"] for one in document["added"]} == {"dismissed"}
    assert "dismissed: the gate does not count it" in diff(repo).out


def test_what_others_did_on_the_base_since_counts_for_nothing(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "main")
    (repo / "app.py").unlink()
    committed(repo, "mended")
    git(repo, "checkout", "--quiet", "change")
    document = told(repo)
    assert (document["added"], document["fixed"], document["base"]["is_ancestor"]) == ([], [], True)


def test_a_base_may_be_a_folder(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "worktree", "--help")
    other = tmp_path / "before" / "shop"
    git(repo, "worktree", "add", "--quiet", str(other), "main")
    (repo / "new.py").write_text(EVAL)
    document = told(repo, base=other)
    assert places(document["added"]) == [("B307", "new.py")]
    assert document["base"]["commit"] is None


def test_a_base_that_is_not_here_is_no_empty_one(repo: Path, tmp_path: Path) -> None:
    (repo / "new.py").write_text(EVAL)
    committed(repo, "more")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=change", repo.as_uri(), str(clone))
    ended = diff(clone, base="origin/main")
    assert ended.code == 3
    assert "shallow" in ended.err
    mend = ended.err.split("first: ")[1].split()
    git(clone, *mend[1:])
    document = told(clone, base="origin/main")
    assert places(document["added"]) == [("B307", "new.py")]
    assert document["base"]["is_ancestor"] is False
    assert diff(clone, base="-x").code == diff(clone, base="--upload-pack=x").code == 3
    assert diff(repository(tmp_path / "none", {"a.py": ""}), base="main").code == 2


BROKEN = "def broken(:\n"


def test_what_cannot_be_read_on_either_side_and_did_not_change_does_not_matter(repo: Path) -> None:
    (repo / "broken.py").write_text(BROKEN)
    committed(repo, "broken")
    git(repo, "branch", "--quiet", "--force", "base")
    (repo / "new.py").write_text(EVAL)
    assert told(repo, "--gate", base="base")["doubts"] == []


def test_what_a_scanner_cannot_see_anywhere_is_told_though_it_is_so_in_the_base(repo: Path, tmp_path: Path) -> None:
    old = {
        "id": "GHSA-1",
        "modified": "2024-11-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "npm", "name": "left-pad"}, "versions": ["1"]}],
    }
    zipped(tmp_path / "npm-all.zip", old)
    assert called("update", "--from", tmp_path / "npm-all.zip", cwd=repo).code == 0
    (repo / "fixby.toml").write_text('asset = "shop"\ngate = "gate.toml"\nscanners = ["osv"]\n')
    (repo / "gate.toml").write_text(CONFIGURED["gate.toml"].replace("bandit", "osv"))
    packages = {"": {}, "node_modules/lodash": {"version": "4.17.15"}}
    (repo / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))
    committed(repo, "dependencies")
    git(repo, "branch", "--quiet", "--force", "base")
    (repo / "app.py").write_text(EVAL)
    document = told(repo, "--gate", base="base", code=3)
    assert document["gate"]["verdict"] == "unknown"
    assert "the advisories for npm are of 2024-11-01, too old" in document["doubts"][0]


def test_what_the_change_broke_and_nobody_could_read_is_told(repo: Path) -> None:
    (repo / "app.py").write_text(SHELL + BROKEN)
    document = told(repo, "--gate", code=3)
    assert document["gate"]["verdict"] == "unknown"
    assert "not scanned: app.py" in document["doubts"][0]
    assert diff(repo).code == 3


def test_what_may_have_been_in_a_base_that_nobody_could_read_is_not_called_new_for_certain(repo: Path) -> None:
    (repo / "broken.py").write_text(SHELL + BROKEN)
    committed(repo, "broken")
    git(repo, "branch", "--quiet", "--force", "base")
    (repo / "broken.py").write_text(SHELL)
    document = told(repo, "--gate", base="base", code=3)
    assert document["gate"]["verdict"] == "unknown"
    assert all("broken.py was not scanned" in one["uncertain"] for one in document["added"])
    (repo / "worse.py").write_text(SHELL.replace("listing", "again"))
    assert diff(repo, "--gate", base="base").code == 1


def add_submodule(repo: Path) -> Path:
    library = repository(repo.parent / "library", {"part.py": EVAL})
    git(library, "init", "--quiet")
    committed(library, "one")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "library")
    committed(repo, "a submodule")
    git(repo, "branch", "--quiet", "--force", "base")
    return repo / "library"


def test_a_submodule_that_stays_as_it_is_adds_nothing(repo: Path) -> None:
    add_submodule(repo)
    document = told(repo, base="base")
    assert (document["added"], document["unknown"], document["unchanged"]) == ([], [], 4)


def test_what_stands_in_a_submodule_that_was_changed_counts_as_added(repo: Path) -> None:
    (add_submodule(repo) / "more.py").write_text(EVAL)
    committed(repo / "library", "two")
    document = told(repo, base="base")
    assert places(document["added"]) == [("B307", "library/more.py"), ("B307", "library/part.py")]
    assert [one["path"] for one in document["unknown"]] == ["library"]


def pointer(content: str) -> str:
    digest = hashlib.sha256(content.encode()).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


@pytest.mark.parametrize(("now", "added"), [(EVAL, 0), ("# more\n" + EVAL, 1), (pointer(EVAL), 0)])
def test_a_file_that_lfs_keeps_is_known_by_its_pointer(repo: Path, now: str, added: int) -> None:
    (repo / "large.py").write_text(pointer(EVAL))
    committed(repo, "a pointer")
    git(repo, "branch", "--quiet", "--force", "base")
    (repo / "large.py").write_text(now)
    ended = diff(repo, "--json", base="base")
    assert len(ended.document["added"]) == added
    assert len(ended.document["unknown"]) == added


def test_nothing_that_the_repository_configures_is_run_or_hides_anything(repo: Path) -> None:
    trap = repo.parent / "trap"
    (repo / ".gitattributes").write_text("*.py filter=evil export-ignore export-subst diff=evil\n")
    (repo / ".gitignore").write_text("app.py\nold.py\n")
    (repo / "link.py").symlink_to("/etc/passwd")
    committed(repo, "attributes")
    git(repo, "branch", "--quiet", "--force", "base")
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
    hook.chmod(0o755)
    for setting in ("filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv"):
        git(repo, "config", setting, f"touch {trap}")
    git(repo, "config", "core.fsmonitor", f"touch {trap}")
    (repo / "new.py").write_text(EVAL)
    document = told(repo, base="base")
    assert places(document["added"]) == [("B307", "new.py")]
    assert not trap.exists()


def evil_tree(repo: Path) -> str:
    """A commit whose tree has a file that leads out of any folder, as no honest git writes one."""

    def run(*arguments: str, given: bytes = b"") -> str:
        ended = subprocess.run(["git", *arguments], cwd=repo, input=given, capture_output=True, check=True)
        return ended.stdout.decode().strip()

    blob = run("hash-object", "-w", "--stdin", given=b"out\n")
    inner = run("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=tree(b"100644 escaped.py", blob))
    for _ in range(4):
        entry = tree(b"40000 ..", inner)
        inner = run("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=entry)
    return run("-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", "-m", "evil", inner)


def tree(entry: bytes, name: str) -> bytes:
    return entry + b"\0" + bytes.fromhex(name)


def asked(repo: Path, *arguments: str, given: str = "") -> str:
    ended = subprocess.run(["git", *arguments], cwd=repo, input=given, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def test_a_commit_that_cannot_be_written_out_is_told(repo: Path) -> None:
    blob, whole = asked(repo, "rev-parse", "HEAD:app.py"), asked(repo, "rev-parse", "HEAD^{tree}")
    both = asked(repo, "mktree", given=f"100644 blob {blob}\ta.py\n040000 tree {whole}\ta.py\n")
    base = asked(repo, "-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", "-m", "made", both)
    ended = diff(repo, base=base)
    assert (ended.code, "cannot be written out" in ended.err) == (3, True)


def test_a_commit_writes_nothing_outside_of_its_folder(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "a" / "b"))
    diff(repo, base=evil_tree(repo))
    assert not list(tmp_path.rglob("escaped.py"))


def test_a_part_of_a_repository_is_compared_by_itself(repo: Path) -> None:
    (repo / "part").mkdir()
    (repo / "part" / "new.py").write_text(EVAL)
    (repo / "other.py").write_text(EVAL)
    document = called("scan", "part", "--diff", "main", "--json", cwd=repo).document
    assert places(document["added"]) == [("B307", "part/new.py")]
    one = called("scan", "other.py", "--diff", "main", "--json", cwd=repo).document
    assert places(one["added"]) == [("B307", "other.py")]


WRITTEN: Mapping[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    "all is gone": lambda repo: git(repo, "rm", "--quiet", "app.py", "old.py"),
}


@pytest.mark.parametrize("change", WRITTEN.values(), ids=WRITTEN)
def test_what_adds_nothing_passes(repo: Path, change: Callable[[Path], object]) -> None:
    change(repo)
    document = told(repo, "--gate")
    assert document["added"] == []
    assert document["gate"]["verdict"] == "pass"
