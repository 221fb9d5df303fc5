"""The action as GitHub's runner would run it, and first of all the README's own lines."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.command import SAFE, SHELL, advisories
from tests.github_api import MAY_READ, Comments, serving
from tests.github_runner import ROOT, Ended
from tests.github_shop import Shop, copied, made, readme_workflow

FILES = {"web/shell.py": SHELL, "requirements.txt": "jinja2==2.10.0\n"}
CRITICAL = {"requirements.txt": "jinja2==2.7.1\n"}


@pytest.fixture
def api() -> Iterator[Comments]:
    with serving() as comments:
        yield comments


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Ended]:
    """A repository without a critical finding in which the workflow was run once by hand, to begin the state."""
    folder = tmp_path_factory.mktemp("first")
    with serving() as comments:
        shop = made(folder, FILES, advisories(folder / "advisories"), comments)
        return shop, shop.run("workflow_dispatch", shop.by_hand(initialise="true"))


@pytest.fixture
def shop(first: tuple[Shop, Ended], tmp_path: Path, api: Comments) -> Shop:
    """A repository like that one."""
    return copied(first[0], tmp_path, api)


def output(ended: Ended) -> dict[str, str]:
    """The outputs of the step that scans, of which the runner's log tells nothing."""
    return ended.outputs


def test_the_readme_has_twelve_lines_to_paste() -> None:
    lines = readme_workflow().splitlines()
    assert len(lines) <= 12
    assert yaml.safe_load(readme_workflow())["permissions"] == {}


def test_the_first_run_begins_the_state_where_somebody_says_so(first: tuple[Shop, Ended]) -> None:
    shop, ended = first
    assert (ended.code, ended.failed) == (0, False), ended.log
    assert shop.state()
    assert "✅ Fixby: passed" in ended.summary
    assert "The state was begun: all clocks start now." in ended.summary
    assert [name for name, _ in ended.used][-1] == "github/codeql-action/upload-sarif"
    assert "### New (" in ended.summary
