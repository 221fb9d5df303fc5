"""A repository on a stand-in for GitHub: a bare repository, its pull requests, and the jobs that run for them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import git, repository
from tests.github_api import MAY_WRITE, Comments
from tests.github_runner import ROOT, Ended, Machine, StandIn, run_action, run_job

STATE = "refs/heads/fixby-state"


def readme_workflow() -> str:
    """The lines that the README has one paste."""
    [lines] = re.findall(
        r"^```yaml\n(name: Fixby\n.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    return str(lines)


@dataclass(slots=True)
class Shop:
    """The repository `shop/web` with its branch `main`; `work` is somebody's clone of it."""

    folder: Path
    remote: Path
    work: Path
    advisories: Path
    api: Comments
    jobs: int = 0

    def pushed(self, files: Mapping[str, str | bytes], branch: str = "main") -> str:
        """Commit files to a branch, and push it; the commit."""
        git(self.work, "checkout", "-q", "-B", branch)
        repository(self.work, files)
        git(self.work, "add", "--all", "--force")
        git(self.work, "commit", "-q", "--allow-empty", "-m", "Change")
        git(self.work, "push", "-q", "origin", branch)
        return self.commit(self.work, "HEAD")

    def proposed(self, files: Mapping[str, str | bytes], *removed: str) -> dict[str, Any]:
        """Open or change pull request 7: the payload, and the commit that GitHub makes of it."""
        base = self.commit(self.remote, "refs/heads/main")
        git(self.work, "checkout", "-q", "-B", "feature", base)
        repository(self.work, files)
        for name in removed:
            (self.work / name).unlink()
        git(self.work, "add", "--all", "--force")
        git(self.work, "commit", "-q", "-m", "Propose")
        head = self.commit(self.work, "HEAD")
        git(self.work, "checkout", "-q", "--detach", base)
        git(self.work, "merge", "-q", "--no-ff", "-m", "Merge", head)
        git(self.work, "push", "-q", "--force", "origin", "HEAD:refs/pull/7/merge")
        return {
            "action": "opened",
            "number": 7,
            "pull_request": {
                "number": 7,
                "title": "A change",
                "base": {"sha": base, "ref": "main", "repo": {"full_name": "shop/web"}},
                "head": {"sha": head, "ref": "feature", "repo": {"full_name": "shop/web"}},
            },
            "repository": _REPOSITORY,
        }

    def run(self, name: str, event: Mapping[str, Any], ref: str = "refs/heads/main", **others: Any) -> Ended:  # noqa: ANN401
        """What the README's lines do for an event."""
        workflow, job = others.pop("workflow", readme_workflow()), others.pop("job", "fixby")
        return run_job(workflow, job, self._machine(name, event, ref, **others), self._stand_ins())

    def run_inputs(
        self,
        name: str,
        event: Mapping[str, Any],
        given: Mapping[str, str],
        ref: str = "refs/heads/main",
        **others: Any,  # noqa: ANN401
    ) -> Ended:
        """What the action does for an event, with these inputs."""
        machine = self._machine(name, event, ref, **others)
        _check_out(machine, {"fetch-depth": "0"})
        return run_action(ROOT, given, machine, self._stand_ins())

    def by_hand(self, **inputs: str) -> dict[str, Any]:
        return {"inputs": inputs, "repository": _REPOSITORY, "ref": "refs/heads/main"}

    def push(self, ref: str = "refs/heads/main") -> dict[str, Any]:
        return {"ref": ref, "repository": _REPOSITORY}

    def nightly(self) -> dict[str, Any]:
        return {"schedule": "17 3 * * *", "repository": _REPOSITORY}

    def state(self) -> str:
        """The tip of the state branch, or nothing."""
        told = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", STATE], cwd=self.remote, capture_output=True, text=True, check=False
        )
        return told.stdout.strip()

    def commit(self, folder: Path, name: str) -> str:
        told = subprocess.run(["git", "rev-parse", name], cwd=folder, capture_output=True, text=True, check=True)
        return told.stdout.strip()

    def _machine(self, name: str, event: Mapping[str, Any], ref: str, **others: Any) -> Machine:  # noqa: ANN401
        self.jobs += 1
        temporary = self.folder / f"job{self.jobs}"
        temporary.mkdir()
        workspace = self.folder / f"checkout{self.jobs}" / "web"
        workspace.mkdir(parents=True)
        environment = {
            "FIXBY_STATE_REMOTE": str(self.remote),
            "FIXBY_ADVISORIES": str(self.advisories),
            **others.pop("environment", {}),
        }
        others.setdefault("token", MAY_WRITE)
        others.setdefault("commit", self.commit(self.remote, ref))
        return Machine(workspace, temporary, event, name, ref, api=self.api.url, environment=environment, **others)

    def _stand_ins(self) -> dict[str, StandIn]:
        return {
            "actions/checkout": _check_out_from(self.remote),
            "actions/setup-python": lambda *_: {"python-path": sys.executable, "python-version": "3.11"},
            "actions/cache": lambda *_: {"cache-hit": "false"},
            "github/codeql-action/upload-sarif": lambda *_: None,
            "actions/upload-artifact": lambda *_: None,
            "actions/attest-build-provenance": lambda *_: None,
            "Install": _install,
            "Build from pinned tools": lambda *_: None,
            "Bill of materials": lambda *_: None,
        }


_REPOSITORY = {"full_name": "shop/web", "default_branch": "main"}


def _check_out_from(remote: Path) -> StandIn:
    """What actions/checkout does: the commit of the event, with the history that was asked for, and no credentials."""

    def check_out(machine: Machine, given: Mapping[str, str]) -> None:
        depth = given.get("fetch-depth", "1")
        assert given.get("persist-credentials", "false") == "false"
        git(machine.workspace, "init", "-q")
        git(machine.workspace, "remote", "add", "origin", f"file://{remote}")
        limit = [] if depth == "0" else [f"--depth={depth}"]
        wanted = ["+refs/heads/*:refs/remotes/origin/*"] if depth == "0" else []
        git(machine.workspace, "fetch", "-q", *limit, "origin", *wanted, f"+{machine.commit}:refs/remotes/checked-out")
        git(machine.workspace, "checkout", "-q", "--detach", machine.commit)

    return check_out


def _check_out(machine: Machine, given: Mapping[str, str]) -> None:
    _check_out_from(Path(machine.environment["FIXBY_STATE_REMOTE"]))(machine, given)


def _install(machine: Machine, _: Mapping[str, str]) -> None:
    """In the place of the step that installs, which a test of its own runs: the environment of the tests."""
    environment = machine.temporary / "fixby-environment"
    if not environment.exists():
        environment.symlink_to(Path(sys.executable).parents[1])


def made(folder: Path, files: Mapping[str, str | bytes], advisories: Path, api: Comments) -> Shop:
    """A repository whose branch `main` has these files."""
    remote, work = folder / "web.git", folder / "work"
    remote.mkdir(parents=True)
    work.mkdir()
    git(remote, "init", "-q", "--bare")
    git(remote, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(work, "init", "-q")
    git(work, "remote", "add", "origin", str(remote))
    shop = Shop(folder, remote, work, advisories, api)
    shop.pushed(files)
    return shop


def copied(shop: Shop, folder: Path, api: Comments) -> Shop:
    """Another one like it."""
    shutil.copytree(shop.remote, folder / "web.git")
    shutil.copytree(shop.work, folder / "work")
    git(folder / "work", "remote", "set-url", "origin", str(folder / "web.git"))
    return Shop(folder, folder / "web.git", folder / "work", shop.advisories, api)
