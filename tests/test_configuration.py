"""`fixby.toml`, `[tool.fixby]` and the `FIXBY_*` variables: what they may say, and what the target's own may not."""

import os
from pathlib import Path

import pytest

from tests.command import SAFE, SHELL, called, clean_environment, git, repository


@pytest.mark.parametrize(
    ("file", "written", "said"),
    [
        ("fixby.toml", "\nbogus = 1\n", "fixby.toml:2: bogus is not known."),
        ("fixby.toml", "asset = 1\n", "fixby.toml:1: asset is wrong: 1 is no text."),
        ("fixby.toml", "\n\nscanners = 'x'\n", "fixby.toml:3: scanners is wrong: 'x' is no list."),
        ("fixby.toml", "scanners = ['bandti']\n", "fixby.toml:1: scanners names 'bandti', which is none."),
        ("fixby.toml", "policy = 'nowhere.toml'\n", "fixby.toml:1: policy names "),
        ("fixby.toml", "gate = 'nowhere.toml'\n", "fixby.toml:1: gate names "),
        ("fixby.toml", "allowed_signers = 'nowhere'\n", "fixby.toml:1: allowed_signers names "),
        ("fixby.toml", "rules = ['nowhere']\n", "fixby.toml:1: rules names "),
        ("fixby.toml", "advisories = 'nowhere'\n", "fixby.toml:1: advisories names "),
        ("fixby.toml", "no toml\n", "fixby.toml is no TOML: Expected '=' "),
        ("fixby.toml", "# caf\xe9\n".encode("latin-1"), "fixby.toml is not UTF-8 at byte 5."),
        ("pyproject.toml", "[tool.other]\nexclude = 1\n[tool.fixby]\nexclude = 1\n", "pyproject.toml:4: tool.fixby.ex"),
        ("pyproject.toml", "tool = {fixby = 3}\n", "pyproject.toml:1: tool.fixby is wrong: it is no section."),
        ("pyproject.toml", "[tool.fixby]\nbroken\n", "pyproject.toml is no TOML: "),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["list", "scan", "doctor"])
def test_a_wrong_configuration_is_2_and_names_file_line_and_key(
    tmp_path: Path, file: str, written: str | bytes, said: str, command: str
) -> None:
    ended = called(command, cwd=repository(tmp_path / "repo", {file: written}))
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "project", ["# no [tool.fixby] here\n", "[tool]\nruff = 1\n", "tool = 3\n", "[broken\n", b"# caf\xe9\n"]
)
def test_a_project_that_does_not_speak_of_fixby_configures_nothing(tmp_path: Path, project: str | bytes) -> None:
    repo = repository(tmp_path / "repo", {"pyproject.toml": project, "app.py": SAFE})
    assert called("scan", "--scanner", "bandit", cwd=repo).code == 0


def test_variables_are_over_the_file_and_options_over_both(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"fixby.toml": "asset = 'file'\nstore = 'file.db'\n", "app.py": SHELL})
    assets = []
    for environment, options in (({}, ()), ({"FIXBY_ASSET": "variable", "FIXBY_STORE": "v.db"}, ()), ({}, ("o.db",))):
        arguments = [part for option in options for part in ("--store", option)]
        called("scan", "--scanner", "bandit", *arguments, cwd=repo, **environment)
        findings = called("list", "--json", *arguments, cwd=repo, **environment).document["findings"]
        assets.append({one["asset"] for one in findings})
    assert assets == [{"file"}, {"variable"}, {"file"}]
    assert all((repo / name).exists() for name in ("file.db", "v.db", "o.db"))
    missing = called("list", cwd=repo, FIXBY_POLICY="nowhere.toml")
    assert (missing.code, "FIXBY_POLICY: nowhere.toml does not exist." in missing.err) == (2, True)


def test_what_is_excluded_is_counted_and_shown(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"fixby.toml": "exclude = ['data/**']\n", "data/app.py": SHELL, "a.py": SAFE})
    ended = called("scan", "--scanner", "bandit", "--json", cwd=repo).document
    assert {"path": "data", "reason": "excluded by configuration"} in ended["scans"][0]["coverage"]["excluded"]
    assert "left out: 1 excluded by configuration\n" in called("scan", "--scanner", "bandit", cwd=repo).out


def test_a_folder_below_a_checkout_belongs_to_the_checkout(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"part/app.py": SHELL})
    git(repo, "init")
    called("scan", "part", "--scanner", "bandit", cwd=repo)
    findings = called("list", "--json", cwd=repo / "part").document["findings"]
    assert {(one["asset"], one["locations"][0]["path"]) for one in findings} == {("repo", "part/app.py")}


@pytest.mark.parametrize("store", ["../other.db", "/tmp/other.db", "postgresql://server/name", "sqlite:///other.db"])  # noqa: S108 - it is refused
@pytest.mark.parametrize("command", ["scan", "list", "gate", "init"])
def test_the_target_may_not_choose_a_store_elsewhere(tmp_path: Path, store: str, command: str) -> None:
    repo = repository(tmp_path / "repo", {"fixby.toml": f"store = '{store}'\n", "app.py": SAFE})
    ended = called(command, cwd=repo)
    assert ended.code == 2
    assert "fixby.toml:1: store must be a path below the file's folder." in ended.err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["app.py", "fixby.toml", "repo"]


def test_the_target_may_not_lead_its_store_elsewhere_by_a_link(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SAFE})
    elsewhere = repository(tmp_path / "elsewhere", {})
    (repo / ".fixby").symlink_to(elsewhere)
    ended = called("scan", "--scanner", "bandit", cwd=repo)
    assert (ended.code, list(elsewhere.iterdir())) == (2, [])
    assert "is led out of" in ended.err


def test_a_file_that_the_caller_names_may_name_any_store(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SHELL, "fixby.toml": "bogus = 1\n"})
    ours = repository(tmp_path / "ours", {"ours.toml": "store = 'ours.db'\n"})
    assert called("scan", "--scanner", "bandit", "--config", ours / "ours.toml", cwd=repo).code == 0
    assert (ours / "ours.db").exists()
    assert not (repo / ".fixby").exists()


class TestAStoreThatGitTracks:
    @pytest.fixture
    def repo(self, tmp_path: Path) -> Path:
        repo = repository(tmp_path / "repo", {"part/app.py": SHELL, "part/fixby.toml": ""})
        git(repo, "init")
        return repo

    def refused(self, folder: Path) -> bool:
        ended = called("list", cwd=folder)
        return ended.code == 3 and "is tracked by git." in ended.err

    def test_is_refused(self, repo: Path) -> None:
        (repo / "part" / "fixby.toml").unlink()
        called("scan", "--scanner", "bandit", cwd=repo)
        assert not self.refused(repo)
        git(repo, "add", "--force", ".fixby/fixby.db")
        assert self.refused(repo)
        assert called("gate", cwd=repo).code == called("scan", "--scanner", "bandit", cwd=repo).code == 3

    def test_is_refused_in_a_folder_below_the_top(self, repo: Path) -> None:
        called("scan", "--scanner", "bandit", cwd=repo / "part")
        git(repo, "add", "--force", "part/.fixby/fixby.db")
        assert self.refused(repo / "part")

    @pytest.mark.parametrize("link", [".fixby", ".fixby/fixby.db"])
    def test_is_refused_behind_a_link(self, repo: Path, link: str) -> None:
        part = repo / "part"
        called("scan", "--scanner", "bandit", cwd=part)
        (part / link).rename(part / "elsewhere")
        (part / link).symlink_to(part / "elsewhere")
        git(repo, "add", "--force", "part/elsewhere", f"part/{link}")
        assert self.refused(part)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
    def test_is_refused_in_a_checkout_of_somebody_else(self, repo: Path) -> None:
        called("scan", "--scanner", "bandit", cwd=repo / "part")
        git(repo, "add", "--force", "part/.fixby/fixby.db")
        for path in (repo, *repo.rglob("*")):
            os.chown(path, 12345, 12345)
        assert self.refused(repo / "part")

    def test_is_refused_where_git_is_not_at_hand(self, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        called("scan", "--scanner", "bandit", cwd=repo / "part")
        monkeypatch.setenv("PATH", str(repo))
        ended = called("list", cwd=repo / "part")
        assert ended.code == 3
        assert "Git cannot say whether it tracks the store" in ended.err


def test_the_name_of_a_folder_can_be_no_utf_8(tmp_path: Path) -> None:
    folder = Path(str(tmp_path)) / "caf\udce9"
    repo = repository(folder, {"app.py": SHELL})
    assert called("init", cwd=repo).code == 0
    assert called("scan", "--scanner", "bandit", cwd=repo).code == 0
    [asset] = {one["asset"] for one in called("list", "--json", cwd=repo).document["findings"]}
    assert asset == "caf\\xe9"
    for command in ("init", "doctor", "gate", "list", "db verify"):
        ended = called(*command.split(), "--json", cwd=repo)
        assert ended.code in (0, 3)
        assert ended.document["schema"]


def test_the_surroundings_of_these_tests_configure_nothing() -> None:
    assert not [name for name in clean_environment() if name.startswith("FIXBY")]
