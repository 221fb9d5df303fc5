"""From a finding's line in the output of CI to a decision: what the README has a newcomer do."""

import re
import shlex
from functools import partial
from pathlib import Path

import pytest

from tests.command import SHELL, fixby, repository

README = Path(__file__).parents[1] / "README.md"


def documented(id_: str) -> list[list[str]]:
    """The commands that the README names, for a finding of this id."""
    [section] = re.findall(
        r"^## From a line in CI.*?```console\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL
    )
    return [shlex.split(line.replace("3fa9c1d0e2", id_), comments=True)[1:] for line in section.splitlines()]


@pytest.mark.parametrize("shares_store", [False, True], ids=["a store of one's own", "the store of the job"])
def test_three_commands_lead_from_ci_to_a_decision(
    tmp_path: Path,
    database_url: str,
    shares_store: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    files = {"src/orders.py": SHELL}
    job = repository(tmp_path / "builds" / "shop", files)
    printed = fixby("scan", cwd=job, FIXBY_STORE=database_url).out
    [id_] = re.findall(r"^in \d+ d +high +([0-9a-f]{10})  .*src/orders\.py:5 ", printed, re.MULTILINE)

    clone = repository(tmp_path / "home" / "shop", files)
    at_home = partial(fixby, cwd=clone, FIXBY_STORE=database_url if shares_store else "")
    commands = documented(id_)[1 if shares_store else 0 :]
    assert len(commands) <= 3
    ended = [at_home(*command) for command in commands]
    assert [one.code for one in ended] == [0] * len(commands)
    shown = ended[-2].out
    assert '>    5      return subprocess.call("ls " + folder, shell=True)' in shown
    assert re.search(r"^(what|due) +\S", shown, re.MULTILINE)
    assert id_ not in at_home("list").out
    assert id_ in at_home("list", "is:dismissed").out
