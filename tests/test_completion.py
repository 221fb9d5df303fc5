"""Shells complete the query language."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from fixby.query import QUALIFIERS
from tests.command import FIXBY, fixby


def completed(tmp_path: Path, *words: str) -> list[str]:
    """What Fixby tells bash whose words these are, the last of them being the one under the cursor."""
    cursor = str(len(words) - 1)
    asked = fixby(cwd=tmp_path, _FIXBY_COMPLETE="complete_bash", COMP_WORDS=" ".join(words), COMP_CWORD=cursor)
    return asked.out.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("fixby", "list", "sev"), ["severity:"]),
        (("fixby", "list", "severity:critical,h"), ["severity:critical,high"]),
        (("fixby", "list", "severity", ":", "cr"), ["critical"]),
        (("fixby", "list", "scanner", ":", "ba"), ["bandit"]),
        (("fixby", "sla", "report", "category", ":", "sec"), ["secret"]),
        (("fixby", "list", "assignee", ":", ""), ["me", "nobody"]),
        (("fixby", "dismiss", "--query", "is:op"), ["is:open"]),
        (("fixby", "list", "path:s"), []),
        (("fixby", "list", "nonsense:"), []),
    ],
)
def test_words_of_a_query_are_completed(tmp_path: Path, words: tuple[str, ...], expected: list[str]) -> None:
    assert completed(tmp_path, *words) == expected


def test_an_empty_word_may_become_any_qualifier(tmp_path: Path) -> None:
    assert completed(tmp_path, "fixby", "list", "''") == [f"{name}:" for name in QUALIFIERS]


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_itself_completes_a_value_behind_its_colon(tmp_path: Path) -> None:
    script = fixby("--show-completion", "bash", cwd=tmp_path).out
    assert "_fixby_completion" in script
    setup = f"PATH={Path(FIXBY).parent}:{sysconfig.get_path('scripts')}:$PATH\n{script}\n"
    asked = "COMP_WORDS=(fixby list severity : cr); COMP_CWORD=4; _fixby_completion fixby; echo ${COMPREPLY[@]}"
    ended = subprocess.run(["bash", "-c", setup + asked], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ended.stdout.strip() == "critical"
