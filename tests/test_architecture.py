"""The promises of ARCHITECTURE.md that a machine can hold."""

import ast
import json
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = {
    "core": 0,
    "sla": 1,
    "policies": 2,
    "store": 3,
    "reports": 3,
    "scanners": 3,
    "headers": 4,
    "triage": 5,
    "cli": 6,
}
"""A part may import itself and what lies on a lower layer."""


def modules() -> Iterator[tuple[str, Path]]:
    for part in LAYERS:
        for file in sorted((ROOT / part).rglob("*.py")):
            yield part, file


def imported_parts(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module == "fixby":
            names += [f"fixby.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("fixby."):
                second = name.split(".")[1]
                yield second if second in LAYERS else "core"


def test_imports_run_one_way() -> None:
    wrong = {
        f"{file.relative_to(ROOT)} imports {other}"
        for part, file in modules()
        for other in imported_parts(file)
        if other != part and LAYERS[other] >= LAYERS[part]
    }
    assert not wrong


def test_the_domain_does_no_input_or_output_and_has_no_clock() -> None:
    forbidden = {
        "os",
        "pathlib",
        "subprocess",
        "socket",
        "time",
        "datetime",
        "sqlite3",
        "tempfile",
        "random",
        "logging",
    }
    wrong = {
        f"{file.relative_to(ROOT)} imports {name}"
        for part, file in modules()
        if part in ("core", "sla")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        if name.split(".")[0] in forbidden
    }
    assert not wrong


def test_only_one_module_starts_processes_beside_the_editor_and_the_pager_that_the_user_names() -> None:
    starters = {
        str(file.relative_to(ROOT))
        for _, file in modules()
        if {"subprocess", "multiprocessing", "pty"} & set(_top_level_imports(file))
    }
    assert starters == {"scanners/process.py", "triage/editor.py", "cli/pager.py"}


def _top_level_imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("arguments", [["--help"], ["scan", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys, json\n"
        "from fixby.cli.main import main\n"
        f"sys.argv = ['fixby', *{arguments!r}]\n"
        "try:\n    main()\n"
        "except SystemExit:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(ended.stderr.splitlines()[-1]))
    heavy = {
        "sqlalchemy",
        "alembic",
        "requests",
        "rich.console",
        "rich.table",
        "sqlite3",
        "pg8000",
        "psutil",
        "orjson",
        "textual",
    }
    assert not loaded & heavy
    assert len(loaded) < 330


def test_the_wheel_holds_every_module_and_data_file(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    [wheel] = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("fixby/")}
    places = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-dir"]
    top = {folder: package.replace(".", "/") for package, folder in places.items() if "/" not in folder}
    expected = {
        f"{package}/{file.relative_to(ROOT / folder).as_posix()}"
        for folder, package in top.items()
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and file.suffix in {".py", ".toml", ".yaml", ".sql", ".typed", ".json", ".css", ".js"}
    }
    assert packed == expected
