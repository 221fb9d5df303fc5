"""What the documentation says is so: commands and options are all there, and examples print what they show."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from fixby.cli.main import app
from tests.command import FIXBY, advisories, clean_environment, git, repository
from tests.images import debian, docker_archive, installed

ROOT = Path(__file__).parents[1]
COMMANDS = ROOT / "docs" / "commands.md"
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])

SHOP = {
    "shop/orders.py": """\
import subprocess


def archive(folder):
    return subprocess.call("tar cf orders.tar " + folder, shell=True)
""",
    "shop/settings.py": 'PASSWORD = "Kq7nW2vR9tLx4zBd"\n',
    "requirements.txt": "jinja2==2.7.1\n",
}


def options_by_command() -> Iterator[tuple[str, list[str]]]:
    """Each command with the long names of its options; the one without a name is `fixby` itself."""
    top = typer.main.get_command(app)
    waiting = [("fixby", top)]
    while waiting:
        name, command = waiting.pop()
        below = getattr(command, "commands", {})
        waiting += [(f"{name} {part}", one) for part, one in below.items()]
        if name == "fixby" or not below:
            yield name, [option for part in command.params for option in part.opts if option.startswith("--")]


def sections(page: str) -> dict[str, str]:
    """What stands under each heading that names a command."""
    parts = re.split(r"^#+ `(fixby[a-z ]*)`\n", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("command", "options"), sorted(options_by_command()))
def test_every_command_and_option_is_documented(command: str, options: list[str]) -> None:
    section = sections(COMMANDS.read_text())[command]
    assert [option for option in options if not re.search(rf"`{option}\b", section)] == []


def test_no_command_is_documented_that_does_not_exist() -> None:
    assert sections(COMMANDS.read_text()).keys() == dict(options_by_command()).keys()


def shell_lines(page: Path) -> Iterator[list[str]]:
    """The words of the commands in a page's examples, up to the first thing that only a shell understands."""
    for block in re.findall(r"^```(?:console|sh|bash|shell)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        lines = block.replace("\\\n", "").splitlines()
        prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        for line in prompted or lines:
            if re.match(r"(fixby|make)\b", line):
                yield shlex.split(re.split(r"[;|]|2>|\$\(", line)[0], comments=True)


_WITH_PARTS = ("advisories", "db", "decisions", "export", "policy", "sla", "state")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_names_commands_and_options_that_exist(page: Path) -> None:
    known = dict(options_by_command())
    for first, *words in shell_lines(page):
        if first == "fixby":
            depth = 2 if words[0] in _WITH_PARTS else 1
            named = " ".join([first, *words[:depth]]) if words[0][0] != "-" else first
            assert named in known
            assert {word for word in words if word.startswith("--")} <= {*known[named], "--help"}


def test_what_the_readme_has_make_do_stands_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    readme = (ROOT / "README.md").read_text()
    named = {line[1] for line in shell_lines(ROOT / "README.md") if line[0] == "make" and len(line) > 1}
    named |= set(re.findall(r"`make ([a-z-]+)", readme))
    assert {"scan", "test"} <= named <= targets


def test_every_link_of_a_page_leads_somewhere() -> None:
    for page in PAGES:
        targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        assert [target for target in targets if not (page.parent / target).exists()] == []


_EXAMPLE = re.compile(r"^\$ (?P<command>.+)\n(?P<shown>(?:(?!\$ |```).*\n)*)", re.MULTILINE)


def test_every_example_of_the_commands_prints_what_it_shows(tmp_path: Path, rewrite_golden: bool) -> None:  # noqa: FBT001 - a fixture
    shop = repository(tmp_path / "shop", SHOP)
    advisories(tmp_path / "advisories")
    docker_archive(tmp_path / "shop.tar", installed({"Jinja2": "2.7.1"}) | debian())
    git(repository(tmp_path / "state.git", {}), "init", "--quiet", "--bare")
    repository(tmp_path / "before", {name: text for name, text in SHOP.items() if name != "shop/orders.py"})
    page = COMMANDS.read_text()
    printed = _EXAMPLE.sub(lambda example: f"$ {example['command']}\n{_ran(example['command'], shop)}", page)
    if rewrite_golden:
        COMMANDS.write_text(printed)
    assert len(_EXAMPLE.findall(page)) > 12
    assert _lines(printed) == _lines(COMMANDS.read_text()), "if that is right: pytest --rewrite-golden"


def _ran(command: str, shop: Path) -> str:
    """What a shell prints for a command; progress, on standard error, is left out."""
    environment = clean_environment() | {"PATH": f"{Path(FIXBY).parent}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(
        ["bash", "-c", command], cwd=shop, env=environment, stdout=subprocess.PIPE, text=True, timeout=120, check=False
    )
    return ended.stdout.replace(str(shop.parent), "/home/me")


def _lines(page: str) -> list[str]:
    """Without what differs from run to run, machine to machine and version to version; ids order some of the lines."""
    for pattern in (
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z| UTC)",
        r"\bin \d+ [hd]\b",
        r"\b[0-9a-f]{10}\b(?=.*detect-secrets)",
        r"(?<=[ /])\d+\.\d+\.\d+(?=[ ,/\n])",
        r"Python .*",
        r"^(grype|trivy) .*runs when asked for",
        r'"snapshot": ".*"',
        r"(?<=snapshot )\d+:[0-9a-f]{64}",
        r"\d+(?= (pushed|events))",
        r" +$",
    ):
        page = re.sub(pattern, "", page, flags=re.MULTILINE)
    return sorted(re.sub(r" {2,}", "  ", page).splitlines())
