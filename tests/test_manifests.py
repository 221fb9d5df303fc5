"""What a repository's manifests declare: nothing may vanish, nothing is run."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from pip_requirements_parser import RequirementsFile

from fixby.scanners.manifest_formats import LARGEST
from fixby.scanners.manifests import Declared, declared, is_manifest

UV_LOCK = """version = 1
requires-python = ">=3.11"

[[package]]
name = "app"
version = "0.1.0"
source = { editable = "." }
dependencies = [{ name = "requests" }]

[[package]]
name = "member"
source = { editable = "packages/member" }

[[package]]
name = "requests"
version = "2.25.0"
source = { registry = "https://index.example/simple" }

[[package]]
name = "forked"
version = "1.0"
source = { git = "https://token@example.org/forked.git?rev=abc" }
"""

POETRY_LOCK = """[[package]]
name = "django"
version = "3.2"
optional = false

[package.dependencies]
version = ">=1"

[[package]]
name = "forked"
version = "1.0"

[package.source]
type = "git"
url = "https://example.org/forked.git"

[[package]]
name = "internal"
version = "2.0"

[package.source]
type = "legacy"
url = "https://index.example/simple"

[metadata]
lock-version = "2.0"
"""

PIPFILE_LOCK = """{
    "_meta": {"hash": {"sha256": "0"}},
    "default": {
        "django": {
            "hashes": [
                "sha256:0"
            ],
            "version": "==3.2"
        },
        "local": {
            "path": "../elsewhere"
        }
    },
    "develop": {
        "pytest": {
            "version": "==7.0.0"
        }
    }
}
"""


def declare(root: Path, files: dict[str, str | bytes], *more: str) -> Declared:
    """What a repository of these files declares; `more` are files that are known and not read by name."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return declared(root, [name for name in files if is_manifest(name)], {*files, *more})


def pins(found: Declared) -> set[tuple[str, str, str, int | None]]:
    return {(pin.manifest, pin.name, pin.version, pin.line) for pin in found.pins}


def gaps(found: Declared) -> dict[str, str]:
    return {gap.unit: gap.reason for gap in found.gaps}


@pytest.mark.parametrize(
    "path",
    [
        "requirements.txt",
        "requirements-dev.txt",
        "dev-requirements.txt",
        "Requirements.txt",
        "deploy/requirements/base.txt",
        "requirements.in",
        "constraints.txt",
        "upper-constraints.txt",
        "pyproject.toml",
        "setup.cfg",
        "setup.py",
        "Pipfile",
        "Pipfile.lock",
        "a/poetry.lock",
        "uv.lock",
        "pdm.lock",
        "pylock.toml",
        "pylock.dev.toml",
    ],
)
def test_a_file_that_declares_dependencies_is_a_manifest(path: str) -> None:
    assert is_manifest(path)


@pytest.mark.parametrize(
    "path", ["README.txt", "requirements.md", "setup.pyc", "Cargo.lock", "requirements/x.py", "pylock.a.b.toml"]
)
def test_any_other_file_is_none(path: str) -> None:
    assert not is_manifest(path)


def test_a_requirements_file_gives_pins_with_their_lines_whatever_their_markers_say(tmp_path: Path) -> None:
    text = (
        "# a comment\n"
        "Django == 3.2  # why\n"
        "\n"
        'pywin32==300 ; sys_platform == "win32"\n'
        "requests==2.25.0 \\\n"
        "    --hash=sha256:0 \\\n"
        "    --hash=sha256:1\n"
        "bleach==1.0\n"
        "bleach[css]\n"
        "--index-url https://user:password@index.example/simple\n"
        "six===1.15\n"
        "Zope.Interface==v5.0-1\n"
    )
    found = declare(tmp_path, {"requirements.txt": text})
    assert pins(found) == {
        ("requirements.txt", "django", "3.2", 2),
        ("requirements.txt", "pywin32", "300", 4),
        ("requirements.txt", "requests", "2.25.0", 5),
        ("requirements.txt", "bleach", "1.0", 8),
        ("requirements.txt", "six", "1.15", 11),
        ("requirements.txt", "zope-interface", "5.0.post1", 12),
    }
    assert found.gaps == frozenset()


@pytest.mark.parametrize(
    ("line", "unit", "reason"),
    [
        ("django", "requirements.txt#django", "not pinned to an exact version"),
        ("django>=3", "requirements.txt#django", "not pinned to an exact version"),
        ("django==3.*", "requirements.txt#django", "not pinned to an exact version"),
        ("django==3.2,==3.3", "requirements.txt#django", "not pinned to an exact version"),
        ("django===final", "requirements.txt#django", "none that can be compared"),
        ("django @ https://example.org/d.zip", "requirements.txt#django", "comes from a URL"),
        ("https://example.org/d.zip", "requirements.txt:1", "comes from a URL"),
        ("git+https://example.org/d.git#egg=Django", "requirements.txt#django", "comes from a URL"),
        ("-e git+https://example.org/d.git#egg=Django", "requirements.txt#django", "comes from a URL"),
        ("-e ./missing", "requirements.txt:1", "comes from a URL"),
        ("./wheels/a-1.0-py3-none-any.whl", "requirements.txt:1", "comes from a URL"),
        ("-e ../outside", "requirements.txt:1", "comes from a URL"),
        ("file:///etc/x", "requirements.txt:1", "comes from a URL"),
        ("-r missing.txt", "requirements.txt:1", "not among those of the target"),
        ("-r ../outside.txt", "requirements.txt:1", "outside of the target"),
        ("-r /etc/passwd", "requirements.txt:1", "outside of the target"),
        ("--requirement=https://example.org/r.txt", "requirements.txt:1", "outside of the target"),
        ("-c missing.txt", "requirements.txt:1", "not among those of the target"),
        ("django = 3.2", "requirements.txt:1", "not a requirement"),
        ("django==${VERSION}", "requirements.txt:1", "not a requirement"),
        ("apt install python", "requirements.txt:1", "not a requirement"),
        ("--unknown-option x", "requirements.txt:1", "not a requirement"),
        ("--no-index django==3.2", "requirements.txt:1", "not a requirement"),
        ("-r 'unbalanced", "requirements.txt:1", "not a requirement"),
    ],
)
def test_a_line_that_pins_nothing_is_a_gap_by_name_or_by_line(
    tmp_path: Path, line: str, unit: str, reason: str
) -> None:
    found = declare(tmp_path, {"requirements.txt": line})
    assert found.pins == frozenset()
    assert list(gaps(found)) == [unit]
    assert reason in gaps(found)[unit]


def test_no_reason_quotes_a_line_since_it_may_hold_a_password(tmp_path: Path) -> None:
    lines = (
        "https://user:hunter2@example.org/d.zip\nbroken hunter2 !\n--what=hunter2\n-r https://hunter2@example.org/r\n"
    )
    found = declare(tmp_path, {"requirements.txt": lines, "pyproject.toml": "[project]\ndependencies = ['hunter2 !']"})
    assert len(found.gaps) == 5
    assert "hunter2" not in repr(found)


def test_what_a_file_includes_is_read_once_even_in_a_circle(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "requirements.txt": "-r deps/a.list --requirement deps/b.list\n",
            "deps/a.list": "-r b.list\ndjango==3.2\n",
            "deps/b.list": "-ra.list\nsix==1.15\n",
        },
    )
    assert pins(found) == {("deps/a.list", "django", "3.2", 2), ("deps/b.list", "six", "1.15", 2)}
    assert found.manifests == ("deps/a.list", "deps/b.list", "requirements.txt")
    assert found.gaps == frozenset()


def test_constraints_count_only_for_what_is_required_and_loose(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {"requirements.txt": "-c constraints.txt\ndjango>=3\n", "constraints.txt": "django==3.2\nunused==1.0\n"},
    )
    assert pins(found) == {("constraints.txt", "django", "3.2", 1)}
    assert found.gaps == frozenset()


def test_what_constraints_include_is_a_constraint_too(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "requirements.txt": "-c constraints.txt\ndjango\n",
            "constraints.txt": "-r all.txt\n",
            "all.txt": "django==3.2\nsix==1.0",
        },
    )
    assert pins(found) == {("all.txt", "django", "3.2", 1)}


def test_a_file_reached_as_constraints_and_as_requirements_is_both(tmp_path: Path) -> None:
    for order in ("-c all.txt\n-r all.txt", "-r all.txt\n-c all.txt"):
        found = declare(tmp_path, {"requirements.txt": order, "all.txt": "django==3.2\n"})
        assert pins(found) == {("all.txt", "django", "3.2", 1)}


def test_a_loose_requirement_is_settled_by_what_its_own_file_includes_not_by_who_includes_it(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {"requirements-dev.txt": "-r requirements.txt\nsix==1.15\ndjango\n", "requirements.txt": "django==3.2\nsix\n"},
    )
    assert gaps(found) == {"requirements.txt#six": "not pinned to an exact version"}


def test_one_package_in_two_versions_is_two_pins(tmp_path: Path) -> None:
    found = declare(tmp_path, {"requirements.txt": "django==3.2\ndjango==3.1\n", "a/requirements.txt": "django==3.0"})
    assert {version for _, _, version, _ in pins(found)} == {"3.2", "3.1", "3.0"}


@pytest.mark.parametrize(
    "content",
    [
        "﻿django==3.2".encode(),
        "django==3.2".encode("utf-16"),
        "django==3.2".encode("utf-32"),
        "# -*- coding: latin-1 -*-\ndjango==3.2  # é".encode("latin-1"),
        b"# nothing\r\ndjango==3.2\r\n",
    ],
)
def test_a_requirements_file_may_be_in_any_encoding_that_it_declares(tmp_path: Path, content: bytes) -> None:
    found = declare(tmp_path, {"requirements.txt": content})
    assert {(pin.name, pin.version) for pin in found.pins} == {("django", "3.2")}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("requirements.txt", b"django==3.2 # \xff\xfe"),
        ("requirements.txt", b"# coding: klingon\n"),
        ("pyproject.toml", "[project"),
        ("pyproject.toml", "project = 1"),
        ("pyproject.toml", "[project]\ndependencies = 'django'"),
        ("pyproject.toml", "a = " + "[" * 100_000),
        ("pyproject.toml", "[tool.poetry.dependencies]\ndjango = 3"),
        ("uv.lock", "[[package]]\nversion = '1'"),
        ("uv.lock", "[[package]]\nname = 'a'\nversion = 1"),
        ("uv.lock", "package = 'a'"),
        ("Pipfile.lock", "[]"),
        ("Pipfile.lock", "{"),
        ("Pipfile.lock", "[" * 100_000),
        ("setup.cfg", "install_requires = a"),
        ("setup.py", "setup("),
        ("setup.py", "x = " + "(" * 100_000),
        ("setup.py", b"\x00"),
        ("requirements.txt", b"#" * (LARGEST + 1)),
    ],
)
def test_a_damaged_manifest_is_a_gap_by_its_name(tmp_path: Path, name: str, content: str | bytes) -> None:
    found = declare(tmp_path, {name: content})
    assert found.pins == frozenset()
    assert list(gaps(found)) == [name]


def test_an_unreadable_manifest_is_a_gap_by_its_name(tmp_path: Path) -> None:
    found = declared(tmp_path, ["requirements.txt"], {"requirements.txt"})
    assert "No such file" in gaps(found)["requirements.txt"]


PYPROJECT = """[build-system]
requires = ["setuptools==40.0"]

[project]
name = "app"
dependencies = [
  "requests>=2",
  "django==3.2; python_version < '3'",
]

[project.optional-dependencies]
extra = ["six==1.15"]

[dependency-groups]
dev = ["pytest==7.0.0", {include-group = "docs"}]
docs = ["sphinx"]

[tool.uv]
dev-dependencies = ["black==22.0"]

[tool.pdm.dev-dependencies]
lint = ["flake8==4.0"]
"""


def test_a_pyproject_declares_dependencies_extras_and_groups(tmp_path: Path) -> None:
    found = declare(tmp_path, {"pyproject.toml": PYPROJECT})
    assert {(name, version, line) for _, name, version, line in pins(found)} == {
        ("django", "3.2", 8),
        ("six", "1.15", 12),
        ("pytest", "7.0.0", 15),
        ("black", "22.0", 19),
        ("flake8", "4.0", 22),
    }
    assert set(gaps(found)) == {"pyproject.toml#requests", "pyproject.toml#sphinx"}


def test_an_unknown_sort_of_group_entry_is_a_gap(tmp_path: Path) -> None:
    found = declare(tmp_path, {"pyproject.toml": "[dependency-groups]\ndev = [{something = 'else'}]"})
    assert gaps(found) == {"pyproject.toml": "not a requirement that can be read"}


def test_poetrys_and_pipenvs_tables_are_read(tmp_path: Path) -> None:
    poetry = """[tool.poetry.dependencies]
python = "^3.11"
django = "3.2"
requests = "^2.25"
six = {version = "==1.15", optional = true}
forked = {git = "https://example.org/x.git"}
several = [{version = "1.0", python = "<3"}, {version = "2.0", python = ">=3"}]
library = {path = "library"}

[tool.poetry.group.dev.dependencies]
pytest = "*"
"""
    pipfile = '[[source]]\nname = "x"\n[packages]\ndjango = "==3.2"\nflask = "*"\n[requires]\npython_version = "3"'
    found = declare(tmp_path, {"pyproject.toml": poetry, "b/Pipfile": pipfile, "library/setup.py": ""})
    assert pins(found) == {
        ("pyproject.toml", "django", "3.2", 3),
        ("pyproject.toml", "six", "1.15", 5),
        ("pyproject.toml", "several", "1.0", 7),
        ("pyproject.toml", "several", "2.0", 7),
        ("b/Pipfile", "django", "3.2", 4),
    }
    loose = {"pyproject.toml#requests", "pyproject.toml#forked", "pyproject.toml#pytest", "b/Pipfile#flask"}
    assert set(gaps(found)) == loose


def test_dynamic_dependencies_are_followed_into_the_files_they_name(tmp_path: Path) -> None:
    pyproject = """[project]
dynamic = ["dependencies", "optional-dependencies"]
[tool.setuptools.dynamic]
dependencies = {file = ["deps.txt"]}
optional-dependencies.extra = {file = "gone.txt"}
"""
    found = declare(tmp_path, {"pyproject.toml": pyproject, "deps.txt": "django==3.2"})
    assert pins(found) == {("deps.txt", "django", "3.2", 1)}
    assert gaps(found) == {"pyproject.toml:2": "includes a file that is not among those of the target"}


def test_dynamic_dependencies_that_only_a_build_would_tell_are_a_gap(tmp_path: Path) -> None:
    pyproject = '[project]\nname = "a"\ndynamic = ["dependencies"]\n'
    assert "running its build" in gaps(declare(tmp_path / "a", {"pyproject.toml": pyproject}))["pyproject.toml:3"]
    assert not gaps(declare(tmp_path / "b", {"pyproject.toml": pyproject, "setup.cfg": ""}))
    assert not gaps(declare(tmp_path / "c", {"pyproject.toml": pyproject + "[tool.poetry]\n"}))


def test_a_setup_cfg_is_read(tmp_path: Path) -> None:
    text = """[options]
install_requires =
    django==3.2 ; python_version < "3"
    requests
[options.extras_require]
test = pytest==7.0.0; six==1.15
files = file: deps.txt, gone.txt
"""
    found = declare(tmp_path, {"setup.cfg": text, "deps.txt": "flask==1.0"})
    assert pins(found) == {
        ("setup.cfg", "django", "3.2", 3),
        ("setup.cfg", "pytest", "7.0.0", 6),
        ("setup.cfg", "six", "1.15", 6),
        ("deps.txt", "flask", "1.0", 1),
    }
    assert set(gaps(found)) == {"setup.cfg#requests", "setup.cfg:7"}


def test_a_setup_py_is_read_and_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    text = f"""import pathlib, setuptools
pathlib.Path({str(marker)!r}).touch()
setuptools.setup(
    install_requires=["django==3.2", "requests", pathlib.os.environ["X"]],
    extras_require={{"a": ("six==1.15",), "b": "flask==1.0\\njinja2==3.0", "c": None}},
    **extra,
)
"""
    found = declare(tmp_path, {"setup.py": text})
    assert not marker.exists()
    assert {(name, version, line) for _, name, version, line in pins(found)} == {
        ("django", "3.2", 4),
        ("six", "1.15", 5),
        ("flask", "1.0", 5),
        ("jinja2", "3.0", 5),
    }
    assert set(gaps(found)) == {"setup.py#requests", "setup.py:4", "setup.py:6"}


@pytest.mark.parametrize(
    "text", ["from setuptools import setup as s\ns()", "import distutils.core as d\ngetattr(d, 'setup')()"]
)
def test_a_setup_py_whose_call_is_hidden_is_a_gap(tmp_path: Path, text: str) -> None:
    assert "running its build" in gaps(declare(tmp_path, {"setup.py": text}))["setup.py:1"]


def test_a_module_that_is_only_called_setup_declares_nothing(tmp_path: Path) -> None:
    found = declare(tmp_path, {"setup.py": "import os\nfrom . import x\nprint(1)\n"})
    assert (found.pins, found.gaps, found.manifests) == (frozenset(), frozenset(), ("setup.py",))


def test_a_uv_lock_settles_its_workspace_and_knows_its_own_code(tmp_path: Path) -> None:
    loose = '[project]\nname = "x"\ndependencies = ["requests>=2", "forked"]\n'
    found = declare(
        tmp_path,
        {
            "uv.lock": UV_LOCK,
            "pyproject.toml": loose,
            "packages/member/pyproject.toml": loose,
            "alien/pyproject.toml": loose,
        },
    )
    assert pins(found) == {("uv.lock", "requests", "2.25.0", 16)}
    assert set(gaps(found)) == {
        "uv.lock#forked",
        "pyproject.toml#forked",
        "packages/member/pyproject.toml#forked",
        "alien/pyproject.toml#forked",
        "alien/pyproject.toml#requests",
    }


def test_a_lock_that_does_not_fit_what_is_declared_settles_nothing(tmp_path: Path) -> None:
    found = declare(tmp_path, {"uv.lock": UV_LOCK, "pyproject.toml": '[project]\ndependencies = ["requests>=3"]\n'})
    assert "uv.lock pins 2.25.0, which it does not allow" in gaps(found)["pyproject.toml#requests"]


def test_a_poetry_lock_is_read(tmp_path: Path) -> None:
    loose = '[tool.poetry.dependencies]\ndjango = "^3"\n'
    found = declare(tmp_path, {"poetry.lock": POETRY_LOCK, "pyproject.toml": loose})
    assert pins(found) == {("poetry.lock", "django", "3.2", 3), ("poetry.lock", "internal", "2.0", 19)}
    assert set(gaps(found)) == {"poetry.lock#forked"}


def test_a_pipfile_lock_is_read(tmp_path: Path) -> None:
    found = declare(tmp_path, {"Pipfile.lock": PIPFILE_LOCK, "Pipfile": '[packages]\ndjango = "*"\n'})
    assert pins(found) == {("Pipfile.lock", "django", "3.2", 8), ("Pipfile.lock", "pytest", "7.0.0", 16)}
    assert set(gaps(found)) == {"Pipfile.lock#local"}


def test_pdm_and_standard_locks_are_read(tmp_path: Path) -> None:
    pdm = """[[package]]
name = "django"
version = "3.2"
[[package]]
name = "here"
version = "0"
path = "./here"
editable = true
"""
    pylock = """lock-version = "1.0"
packages = [{name = "six", version = "1.15"}, {name = "tree", directory = {path = "here"}},
            {name = "zip", archive = {url = "https://example.org/z.zip"}}, {name = "what"}]
"""
    found = declare(tmp_path, {"pdm.lock": pdm, "pylock.toml": pylock, "here/pyproject.toml": ""})
    assert pins(found) == {("pdm.lock", "django", "3.2", 3), ("pylock.toml", "six", "1.15", None)}
    assert gaps(found)["pylock.toml#what"] == "locked without a version"
    assert set(gaps(found)) == {"pylock.toml#zip", "pylock.toml#what"}


def test_a_name_that_is_none_is_a_gap_by_line_and_nothing_else_is_lost(tmp_path: Path) -> None:
    lock = '[[package]]\nname = "a\\"\\n"\nversion = "1"\n[[package]]\nname = "six"\nversion = "1.15"\n'
    found = declare(tmp_path, {"uv.lock": lock, "Pipfile": '[packages]\n"a b" = "*"\n'})
    assert pins(found) == {("uv.lock", "six", "1.15", 6)}
    assert set(gaps(found)) == {"uv.lock:3", "Pipfile"}


def test_a_fully_pinned_requirements_file_is_the_lock_of_the_sources_beside_it(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "requirements.in": "django\n-e .\n",
        "setup.py": "setup(install_requires=['django'])",
    }
    settled = declare(tmp_path / "a", {**files, "requirements.txt": "django==3.2\n"})
    assert settled.gaps == frozenset()
    not_full = declare(tmp_path / "b", {**files, "requirements.txt": "django==3.2\nsix\n"})
    assert set(gaps(not_full)) == {"requirements.in#django", "setup.py#django", "requirements.txt#six"}


def test_a_lock_does_not_settle_a_loose_requirements_file(tmp_path: Path) -> None:
    found = declare(tmp_path, {"uv.lock": UV_LOCK, "pyproject.toml": "", "requirements.txt": "requests\n"})
    assert "requirements.txt#requests" in gaps(found)


def test_own_code_named_by_path_is_no_gap_because_its_manifest_is_read(tmp_path: Path) -> None:
    text = "-e .[dev]\n./library\n--editable=file:.\n-e ./library#egg=library\n"
    found = declare(tmp_path, {"requirements/dev.txt": text, "pyproject.toml": "", "library/setup.cfg": ""})
    assert found.gaps == frozenset()


LINES = st.lists(
    st.sampled_from(
        [
            "django==3.2",
            "six==1.15 # why",
            "  flask==1.0",
            "#six==1.0",
            "a#b==1",
            "",
            "\\",
            "jinja2==3.0 \\",
            "    --hash=sha256:0",
            "--pre",
            "-r other.txt",
            "requests >= 2",
            '; python_version < "3"',
            "==",
            "# comment \\",
            " \\",
            "-e ./x",
            "bleach[css]==1.0; sys_platform=='x'",
        ]
    ),
    max_size=8,
)


@settings(deadline=None)
@given(LINES)
def test_lines_are_joined_and_cut_as_pips_own_parser_does(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "requirements.txt")
        path.write_text("\n".join(lines))
        theirs = RequirementsFile.from_file(str(path))
        found = declared(Path(folder), [path.name], {path.name})
    exact = {
        (canonicalize_name(one.name), one.get_pinned_version, one.line_number)
        for one in theirs.requirements
        if one.req and one.is_pinned
    }
    ours = {(pin.name, pin.version, pin.line) for pin in found.pins}
    broken = {one.line_number for one in theirs.invalid_lines}
    assert exact <= ours
    assert {line for _, _, line in ours - exact} <= broken  # a pin with an option that does not belong there
    settled = {one.line_number for one in theirs.requirements}
    includes = {one.line_number for one in theirs.options if "requirements" in one.options}
    seen = {gap.line for gap in found.gaps} | {line for _, _, line in ours}
    assert broken | includes <= seen <= broken | includes | settled


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("requirements.txt", "django" + " " * 1_000_000 + "==3.2"),
        ("requirements.txt", " \\\n" * 200_000),
        ("pyproject.toml", "[project]\ndependencies = [\n" + '"a==1",\n' * 50_000 + "]"),
        ("Pipfile.lock", '{"default": {' + ",".join(f'\n "a{n}": {{"version": "==1"}}' for n in range(20_000)) + "}}"),
        ("uv.lock", '[[package]]\nname = "a"\nversion = "1"\n' * 20_000),
        ("setup.cfg", "[options]\ninstall_requires =\n" + " a==1\n" * 50_000),
    ],
)
def test_a_hostile_manifest_costs_no_more_than_its_size_warrants(tmp_path: Path, name: str, content: str) -> None:
    import time  # noqa: PLC0415 - only here

    started = time.process_time()
    declare(tmp_path, {name: content})
    assert time.process_time() - started < 20
