"""The action's input `image`: scanned beside the checkout, kept as an asset of its own, judged with it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.command import SAFE, advisories
from tests.github_api import Comments
from tests.github_runner import ROOT
from tests.github_shop import Shop, made
from tests.images import debian, docker_archive, installed, oci_layout

NAME = "ghcr.io/shop/web"
CLEAN = installed({"jinja2": "3.1.6"})
VULNERABLE = installed({"jinja2": "2.7.1"})
FILES = {"web/shell.py": SAFE, "requirements.txt": "jinja2==3.1.6\n"}


@pytest.fixture
def shop(tmp_path: Path, api: Comments) -> Shop:
    return made(tmp_path, FILES, advisories(tmp_path / "advisories"), api)


def saved(folder: Path, files: dict[str, str | bytes]) -> str:
    return str(docker_archive(folder / "saved.tar", files, f"{NAME}:1.0"))


def test_an_image_is_kept_as_an_asset_of_its_own_and_judged_with_the_checkout(shop: Shop, tmp_path: Path) -> None:
    given = {"initialise": "true", "image": saved(tmp_path, CLEAN)}
    first = shop.run_inputs("workflow_dispatch", shop.by_hand(), given)
    assert (first.code, first.outputs["verdict"], first.outputs["open"]) == (0, "pass", "0"), first.log
    assert f"web and {NAME}: 0 open" in first.summary
    assert f"{NAME}: syft has looked" in first.summary
    saved(tmp_path, VULNERABLE)
    second = shop.run_inputs("push", shop.push(), given)
    assert (second.code, second.outputs["verdict"]) == (1, "fail"), second.log
    assert [second.outputs[name] for name in ("new", "new-critical", "open-critical")] == ["2", "1", "1"]
    assert re.search(rf"{NAME}: no open critical finding \| FAIL", second.summary)
    assert "web: no open critical finding | pass" in second.summary
    [finding] = [one for one in second.annotations("error") if "PYSEC-2014-8" in one.message]
    assert finding.properties.keys() == {"title"}
    [sarif] = [given["sarif_file"] for name, given in second.used if name.endswith("upload-sarif")]
    runs = {run["automationDetails"]["id"]: run for run in json.loads(Path(sarif).read_text())["runs"]}
    [ours] = [run for run in runs.values() if run["tool"]["driver"]["name"] == "syft"]
    assert len(runs) == len({run["tool"]["driver"]["name"] for run in runs.values()})
    assert NAME in ours["automationDetails"]["id"]
    assert len(ours["results"]) == 2
    assert NAME in Path(second.outputs["report-file"]).read_text().replace("<wbr>", "")
    third = shop.run_inputs("schedule", shop.nightly(), given)
    assert [third.outputs[name] for name in ("verdict", "new", "open-critical")] == ["fail", "0", "1"], third.log
    alone = shop.run_inputs("push", shop.push(), {})
    assert [alone.outputs[name] for name in ("verdict", "open")] == ["pass", "0"], alone.log


def test_an_image_that_is_not_wholly_understood_cannot_pass(shop: Shop, tmp_path: Path) -> None:
    image = saved(tmp_path, debian("") | CLEAN)
    ended = shop.run_inputs("push", shop.push(), {"store": str(tmp_path / "fixby.db"), "image": image})
    assert (ended.code, ended.outputs["verdict"]) == (3, "unknown"), ended.log
    assert any(one.message.startswith("syft: ") for one in ended.annotations("warning"))
    assert "FAIL" not in ended.summary


def test_an_image_may_lie_in_the_checkout(shop: Shop, tmp_path: Path) -> None:
    oci_layout(shop.work / "image", VULNERABLE, f"{NAME}:1.0")
    shop.pushed({"fixby.toml": 'exclude = ["image/**"]\n'})
    ended = shop.run_inputs("push", shop.push(), {"store": str(tmp_path / "fixby.db"), "image": "image"})
    assert (ended.code, ended.outputs["open-critical"]) == (1, "1"), ended.log


HOSTILE = (
    "-",
    "--help",
    "--output=pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "a\n::error::injected",
    "a\r\n::set-output name=verdict::pass",
    "web:1; touch pwned",
    "\x1b[31mred",
    "dir:missing",
    "no/such.tar",
)


@pytest.mark.parametrize("image", HOSTILE)
def test_an_image_is_a_name_whatever_stands_in_it(shop: Shop, tmp_path: Path, image: str) -> None:
    ended = shop.run_inputs("push", shop.push(), {"store": str(tmp_path / "fixby.db"), "image": image})
    assert (ended.code, ended.outputs["verdict"], ended.outputs["exit-code"]) == (2, "unknown", "2"), ended.log
    assert not list(tmp_path.rglob("pwned"))
    [error] = ended.annotations()
    assert "is no reference of an image" in error.message or "does not exist" in error.message
    assert "\x1b" not in ended.log + ended.summary


def test_an_image_that_is_called_as_the_checkout_is_refused(shop: Shop, tmp_path: Path) -> None:
    image = str(docker_archive(tmp_path / "saved.tar", CLEAN, "web:1.0"))
    ended = shop.run_inputs("push", shop.push(), {"store": str(tmp_path / "fixby.db"), "image": image})
    assert ended.code == 2, ended.log
    assert "The image and the checkout are both called 'web'." in ended.summary


def test_an_archive_that_is_damaged_cannot_be_told(shop: Shop, tmp_path: Path) -> None:
    image = Path(saved(tmp_path, CLEAN))
    image.write_bytes(image.read_bytes()[:1000])
    ended = shop.run_inputs("push", shop.push(), {"store": str(tmp_path / "fixby.db"), "image": str(image)})
    assert (ended.code, ended.outputs["verdict"]) == (3, "unknown"), ended.log


def test_in_a_pull_request_an_image_is_not_looked_at_and_that_is_said(
    shop: Shop, tmp_path: Path, api: Comments
) -> None:
    given = {"image": saved(tmp_path, VULNERABLE), "urls": "https://shop.example"}
    ended = shop.run_inputs("pull_request", shop.proposed({"new.py": SAFE}), given, ref="refs/pull/7/merge")
    assert (ended.code, ended.outputs["new"]) == (0, "0"), ended.log
    [comment] = api.bodies()
    for page in (ended.summary, comment):
        assert "is not looked at here" in page
        assert "No URL is visited here" in page
    assert "syft" not in ended.log


@pytest.mark.parametrize("image", ["", "shop/web:1", "$(touch pwned)"])
def test_what_looks_at_images_is_installed_with_hashes_and_only_for_one(tmp_path: Path, image: str) -> None:
    """A Python that writes down what it is asked stands in for the real one, which would need a network."""
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    [step] = [one for one in steps if one["name"] == "Install"]
    python, installed_python = tmp_path / "python", tmp_path / "fixby-environment" / "bin" / "python"
    installed_python.parent.mkdir(parents=True)
    installed_python.symlink_to(python)
    python.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    python.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "PYTHON": str(python), "RUNNER_TEMP": str(tmp_path), "IMAGE": image}
    environment["GITHUB_ACTION_PATH"] = "/action of others"
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], env=environment, cwd=tmp_path, check=True)
    _, packages, ours = (tmp_path / "asked").read_text().splitlines()
    assert "--require-hashes --requirement /action of others/requirements.txt" in packages
    assert ("requirements-container.txt" in packages) is bool(image)
    assert ours.endswith("--no-deps --no-build-isolation /action of others")
    assert not list(tmp_path.rglob("pwned"))


def test_what_looks_at_images_is_pinned_as_for_development() -> None:
    pinned = (ROOT / "requirements-container.txt").read_text()
    assert "--hash=sha256:" in pinned
    assert pinned in (ROOT / "requirements-dev.txt").read_text()
    assert f'container = ["{pinned.split()[0]}"]' in (ROOT / "pyproject.toml").read_text()
