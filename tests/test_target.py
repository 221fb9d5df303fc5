import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fixby.errors import UsageError
from fixby.scanners.files import open_regular
from fixby.scanners.scanner import File
from fixby.scanners.target import target

Tree = Callable[..., Path]

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    def make(*paths: str, root: str = "target") -> Path:
        for path in paths:
            file = tmp_path / root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(path)
        return tmp_path / root

    return make


def git(folder: Path, *arguments: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *identity, *arguments], cwd=folder, env=environment, check=True, capture_output=True)


def program(path: Path, marker: Path) -> Path:
    path.write_text(f"#!/bin/sh\ntouch '{marker}'\n")
    path.chmod(0o755)
    return path


def test_files_are_listed_in_order_with_size_and_sha_256(tree: Tree) -> None:
    root = tree("b.py", "a/z.py", "a/b/c.txt", ".github/workflows/ci.yml", "tests/t.py", "build/x", "vendor/v.js")
    (root / "empty").touch()
    found = target(root)
    assert found.root == root.resolve()
    assert list(found.files) == sorted(found.files)
    assert found.files == {
        path: File(len(content), sha256(content).hexdigest())
        for path, content in {
            **{path: path.encode() for path in found.files if path != "empty"},
            "empty": b"",
        }.items()
    }
    assert len(found.files) == 8
    assert (found.unreadable, found.excluded) == ({}, {})


def test_a_large_file_is_hashed_whole(tmp_path: Path) -> None:
    content = os.urandom(2**20 + 1)
    (tmp_path / "large").write_bytes(content)
    assert target(tmp_path).files == {"large": File(2**20 + 1, sha256(content).hexdigest())}


def test_an_empty_folder_has_no_files(tmp_path: Path) -> None:
    found = target(tmp_path)
    assert (found.files, found.unreadable, found.excluded) == ({}, {}, {})


def test_a_single_file_is_a_target_of_its_own(tree: Tree) -> None:
    root = tree("a.py", "b.py")
    found = target(root / "a.py")
    assert (found.root, list(found.files)) == (root.resolve(), ["a.py"])


def test_the_path_may_be_a_link_to_a_folder(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree("a.py"))
    found = target(tmp_path / "link")
    assert (found.root, list(found.files)) == ((tmp_path / "target").resolve(), ["a.py"])


def test_the_path_may_be_relative(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree("sub/a.py")
    monkeypatch.chdir(root)
    assert target(Path("sub")).root == (root / "sub").resolve()


def test_a_missing_target_is_a_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere cannot be scanned: No such file or directory\.") as raised:
        target(tmp_path / "nowhere")
    assert raised.value.hint


def test_a_target_that_is_a_pipe_or_a_loop_is_a_wrong_usage(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("pipe", "loop"):
        with pytest.raises(UsageError, match=f"{name} cannot be scanned"):
            target(tmp_path / name)


@pytest.fixture
def place_of_nobody() -> Iterator[Path]:
    """A folder in which we are not root, to whom nothing is refused."""
    as_root = os.geteuid() == 0
    if as_root:
        os.seteuid(65534)
    try:
        with TemporaryDirectory() as folder:
            yield Path(folder).resolve()
    finally:
        if as_root:
            os.seteuid(0)


def test_what_may_not_be_read_is_unreadable_and_says_why(place_of_nobody: Path) -> None:
    closed = place_of_nobody / "closed"
    closed.mkdir()
    for path in ("a.py", "secret.py", "closed/c.py"):
        (place_of_nobody / path).write_text(path)
    (place_of_nobody / "secret.py").chmod(0)
    closed.chmod(0)
    try:
        found = target(place_of_nobody)
        with pytest.raises(UsageError, match=r"secret.py cannot be scanned: Permission denied\."):
            target(place_of_nobody / "secret.py")
        with pytest.raises(UsageError, match=r"closed cannot be scanned: Permission denied\."):
            target(closed)
    finally:
        closed.chmod(0o700)
    assert list(found.files) == ["a.py"]
    assert found.unreadable == {"secret.py": "Permission denied", "closed/": "Permission denied"}


def test_a_folder_too_deep_to_be_opened_is_unreadable_and_says_why(tree: Tree, tmp_path: Path) -> None:
    root = tree("a.py")
    inner = tmp_path / "inner"
    inner.mkdir()
    for _ in range(20):
        outer = tmp_path / "outer"
        outer.mkdir()
        inner.rename(outer / ("d" * 250))
        outer.rename(inner)
    inner.rename(root / "deep")
    found = target(root)
    assert list(found.files) == ["a.py"]
    assert list(found.unreadable.values()) == ["File name too long"]
    assert all(path.startswith("deep/ddd") and path.endswith("/") for path in found.unreadable)


def test_a_sparse_file_of_a_terabyte_is_unreadable(tree: Tree) -> None:
    root = tree("a.py")
    with (root / "sparse").open("wb") as sparse:
        sparse.truncate(2**40)
    assert target(root).unreadable == {"sparse": "File too large"}


def test_links_are_not_followed_and_are_told(tree: Tree, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("outside")
    root = tree("a.py", "sub/b.py")
    links: dict[str, tuple[str | Path, str]] = {
        "file_in": (root / "a.py", "link inside the tree"),
        "folder_in": ("sub", "link inside the tree"),
        "up": (".", "link inside the tree"),
        "sub/up": ("..", "link inside the tree"),
        "file_out": (outside, "link out of the tree"),
        "folder_out": ("..", "link out of the tree"),
        "sibling": (tmp_path / "target2", "link out of the tree"),
        "loop": ("loop", "link that leads nowhere"),
        "broken": ("nowhere", "link that leads nowhere"),
    }
    (tmp_path / "target2").mkdir()
    for name, (end, _) in links.items():
        (root / name).symlink_to(end)
    found = target(root)
    assert list(found.files) == ["a.py", "sub/b.py"]
    assert found.excluded == {name: reason for name, (_, reason) in links.items()}


def test_pipes_and_sockets_are_left_out_and_keep_nobody_waiting(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree("a.py")
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        found = target(root)
    assert list(found.files) == ["a.py"]
    assert found.excluded == {"pipe": "not a regular file", "socket": "not a regular file"}


def test_only_regular_files_are_opened(tree: Tree) -> None:
    root = tree("a.py")
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("a.py")
    with open_regular(root / "a.py") as stream:
        assert stream.read() == b"a.py"
    for name in ("pipe", "link", "."):
        with pytest.raises(OSError, match=r"Not a regular file|symbolic links"):
            open_regular(root / name)


@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_names_that_are_not_utf_8_or_hold_control_characters_are_kept(tmp_path: Path, in_git: bool) -> None:  # noqa: FBT001 - a parameter
    names = [b"caf\xe9.py", b"new\nline.py", b"tab\t.py", b"-rf", b"\x1b[31m.py", b"a\\b", "ünï.py".encode(), b" "]
    ignored = b"new\nignored\xff"
    if in_git:
        git(tmp_path, "init")
        (tmp_path / ".gitignore").write_bytes(b"*ignored*\n")
        (tmp_path / os.fsdecode(ignored)).touch()
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    found = target(tmp_path)
    assert {os.fsencode(path) for path in found.files} - {b".gitignore"} == set(names)
    assert found.files["caf\udce9.py"] == File(7, sha256(b"caf\xe9.py").hexdigest())
    assert (os.fsdecode(ignored) in found.excluded) == in_git


def test_outside_git_well_known_folders_of_fetched_and_generated_things_are_left_out(tree: Tree) -> None:
    root = tree(
        "a.py",
        "web/node_modules/left-pad/index.js",
        "pkg/__pycache__/a.pyc",
        ".tox/py/x",
        ".venv/pyvenv.cfg",
        ".venv/lib/x.py",
        "venv/handwritten.py",
        "docs/node_modules",
        ".fixby/fixby.db",
    )
    found = target(root)
    assert list(found.files) == ["a.py", "docs/node_modules", "venv/handwritten.py"]
    assert found.excluded == {
        "web/node_modules": "fetched or generated",
        "pkg/__pycache__": "fetched or generated",
        ".tox": "fetched or generated",
        ".venv": "fetched or generated",
        ".fixby": "kept by Fixby",
    }


@pytest.mark.parametrize(
    ("glob", "left"),
    [
        ("a.py", ["src/gen/x.py", "src/y.py"]),
        ("*.py", []),
        ("gen", ["a.py", "src/a.py", "src/y.py"]),
        ("gen/", ["a.py", "src/a.py", "src/y.py"]),
        ("**/gen/**", ["a.py", "src/a.py", "src/y.py"]),
        ("/a.py", ["src/a.py", "src/gen/x.py", "src/y.py"]),
        ("src/gen", ["a.py", "src/a.py", "src/y.py"]),
        ("src/**", ["a.py"]),
        ("src/*.py", ["a.py"]),
        ("**/a.py", ["src/gen/x.py", "src/y.py"]),
        ("en", ["a.py", "src/a.py", "src/gen/x.py", "src/y.py"]),
    ],
)
def test_the_users_globs_leave_out_what_they_name(tree: Tree, glob: str, left: list[str]) -> None:
    found = target(tree("a.py", "src/a.py", "src/gen/x.py", "src/y.py"), [glob])
    assert list(found.files) == left
    assert set(found.excluded.values()) <= {"excluded by configuration"}


def test_an_excluded_folder_stands_for_all_below_it(tree: Tree) -> None:
    found = target(tree("a.py", "docs/a.md", "b/docs/b.md", "c.txt"), ["docs", "*.txt"])
    assert found.excluded == dict.fromkeys(("docs", "b/docs", "c.txt"), "excluded by configuration")


@needs_git
class TestInGit:
    def test_what_git_ignores_and_does_not_track_is_left_out(self, tree: Tree) -> None:
        root = tree("a.py", "new.py", "out/kept.py", "out/made.py", "cache/deep/x", "node_modules/mine.js", "b.log")
        (root / ".gitignore").write_text("/out/\ncache\n*.log\n")
        git(root, "init")
        git(root, "add", "-f", "a.py", "out/kept.py")
        found = target(root)
        assert list(found.files) == [".gitignore", "a.py", "new.py", "node_modules/mine.js", "out/kept.py"]
        assert found.excluded == {
            ".git": "kept by git",
            "b.log": "ignored by git",
            "cache": "ignored by git",
            "out/made.py": "ignored by git",
        }

    def test_a_folder_below_the_top_of_the_work_tree_is_listed_from_itself(self, tree: Tree) -> None:
        root = tree("a.py", "sub/b.py", "sub/out/c.py")
        (root / ".gitignore").write_text("/sub/out/\n")
        git(root, "init")
        found = target(root / "sub")
        assert (list(found.files), found.excluded) == (["b.py"], {"out": "ignored by git"})

    @pytest.mark.parametrize("ignore", ["out/", "out/*", "*"])
    def test_a_target_that_git_ignores_is_scanned_all_the_same(self, tree: Tree, ignore: str) -> None:
        root = tree("a.py", "out/made/b.py")
        (root / ".gitignore").write_text(f"{ignore}\n")
        git(root, "init")
        assert list(target(root / "out" / "made").files) == ["b.py"]

    def test_files_that_are_in_the_index_and_deleted_are_no_files(self, tree: Tree) -> None:
        root = tree("a.py", "gone.py")
        git(root, "init")
        git(root, "add", ".")
        (root / "gone.py").unlink()
        found = target(root)
        assert (list(found.files), found.unreadable) == (["a.py"], {})

    def test_files_outside_a_sparse_checkout_are_no_files(self, tree: Tree) -> None:
        root = tree("in/a.py", "out/b.py")
        git(root, "init")
        git(root, "add", ".")
        git(root, "commit", "-m", "x")
        git(root, "sparse-checkout", "set", "--cone", "--sparse-index", "in")
        assert not (root / "out").exists()
        assert list(target(root).files) == ["in/a.py"]

    def test_submodules_and_nested_repositories_are_scanned(self, tree: Tree) -> None:
        library = tree("lib.py", root="library")
        git(library, "init")
        git(library, "add", ".")
        git(library, "commit", "-m", "x")
        root = tree("a.py", "nested/n.py", "nested/node_modules/x.js")
        git(root / "nested", "init")
        git(root, "init")
        git(root, "submodule", "add", str(library), "sub")
        found = target(root)
        assert list(found.files) == [".gitmodules", "a.py", "nested/n.py", "sub/lib.py"]
        assert found.excluded == {
            ".git": "kept by git",
            "nested/.git": "kept by git",
            "nested/node_modules": "fetched or generated",
            "sub/.git": "kept by git",
        }
        assert list(target(root / "sub").files) == ["lib.py"]

    def test_a_folder_replaced_by_a_link_does_not_lead_out_of_the_tree(self, tree: Tree, tmp_path: Path) -> None:
        root = tree("a.py", "sub/passwd")
        git(root, "init")
        git(root, "add", ".")
        (root / "sub").rename(tmp_path / "elsewhere")
        (root / "sub").symlink_to(tmp_path / "elsewhere")
        found = target(root)
        assert list(found.files) == ["a.py"]
        assert found.excluded["sub"] == "link out of the tree"

    def test_a_program_named_by_the_repository_as_its_file_monitor_is_not_run(self, tree: Tree, tmp_path: Path) -> None:
        root, marker = tree("a.py"), tmp_path / "ran"
        git(root, "init")
        git(root, "config", "core.fsmonitor", str(program(tmp_path / "evil", marker)))
        git(root, "ls-files", "--others")
        assert marker.exists(), "the attack works on plain git"
        marker.unlink()
        assert list(target(root).files) == ["a.py"]
        assert not marker.exists()

    @pytest.mark.parametrize("url", ["/nowhere", "ssh://nowhere/x", "ext::{program}"])
    def test_a_program_named_by_the_repository_for_fetching_is_not_run(
        self, tree: Tree, tmp_path: Path, url: str
    ) -> None:
        root, marker = tree("a.py", "sub/b.py"), tmp_path / "ran"
        evil = str(program(tmp_path / "evil", marker))
        git(root, "init")
        for setting, value in {
            "core.repositoryFormatVersion": "1",
            "extensions.partialClone": "origin",
            "remote.origin.promisor": "true",
            "remote.origin.url": url.format(program=evil),
            "remote.origin.uploadPack": evil,
            "core.sshCommand": evil,
            "protocol.allow": "always",
            "protocol.file.allow": "always",
            "protocol.ext.allow": "always",
        }.items():
            git(root, "config", setting, value)
        git(root, "update-index", "--add", "--cacheinfo", f"100644,{'12' * 20},sub/.gitignore")
        git(root, "update-index", "--skip-worktree", "sub/.gitignore")
        git(root, "ls-files", "--others", "--exclude-standard")
        assert marker.exists(), "the attack works on plain git"
        marker.unlink()
        assert list(target(root).files) == ["a.py", "sub/b.py"]
        assert not marker.exists()

    def test_a_list_outside_the_tree_that_the_repository_names_hides_nothing(self, tree: Tree, tmp_path: Path) -> None:
        root = tree("a.py")
        (tmp_path / "list").write_text("*\n")
        git(root, "init")
        git(root, "config", "core.excludesFile", str(tmp_path / "list"))
        assert list(target(root).files) == ["a.py"]

    def test_a_git_file_that_points_elsewhere_brings_nothing_from_there(self, tree: Tree) -> None:
        other = tree("secret.py", "cfg/a.py", root="other")
        git(other, "init")
        git(other, "add", ".")
        git(other, "config", "core.worktree", str(other))
        root = tree("a.py")
        (root / ".git").write_text(f"gitdir: {other}/.git\n")
        found = target(root)
        assert (list(found.files), found.excluded) == (["a.py"], {".git": "kept by git"})
        git(other, "config", "core.worktree", "/")
        assert list(target(root).files) == ["a.py"]

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
    def test_a_repository_of_somebody_else_is_walked(self, tree: Tree) -> None:
        root = tree("a.py", "out/b.py")
        (root / ".gitignore").write_text("out\n")
        git(root, "init")
        for path in (root, root / ".git"):
            os.chown(path, 65534, 65534)
        assert list(target(root).files) == [".gitignore", "a.py", "out/b.py"]

    def test_a_damaged_repository_is_walked(self, tree: Tree) -> None:
        root = tree("a.py", "out/b.py", "node_modules/x.js")
        (root / ".gitignore").write_text("out\n")
        git(root, "init")
        (root / ".git" / "index").write_text("damaged")
        found = target(root)
        assert list(found.files) == [".gitignore", "a.py", "out/b.py"]
        assert found.excluded["node_modules"] == "fetched or generated"

    def test_without_git_the_folder_is_walked(self, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
        root = tree("a.py", "out/b.py")
        (root / ".gitignore").write_text("out\n")
        git(root, "init")
        monkeypatch.setenv("PATH", "/nowhere")
        assert list(target(root).files) == [".gitignore", "a.py", "out/b.py"]

    def test_the_surroundings_of_a_git_hook_do_not_confuse_it(
        self, tree: Tree, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root, other = tree("a.py", "out/b.py"), tree("c.py", root="other")
        (root / ".gitignore").write_text("out\n")
        git(root, "init")
        git(other, "init")
        monkeypatch.setenv("GIT_DIR", str(other / ".git"))
        assert target(root).excluded == {".git": "kept by git", "out": "ignored by git"}
