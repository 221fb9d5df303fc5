"""`fixby list` and `fixby show` as people and spreadsheets read them."""

import csv
import json
import os
import re
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from fixby.finding import Category, Location, Rule
from fixby.reports import fields
from fixby.scanners.surroundings import excerpt
from fixby.store.opening import open_for_writing
from tests.command import SHELL, called, repository
from tests.stories import scan, told, vulnerability, weakness
from tests.test_published import DEFINITIONS, validate
from tests.test_terminal import on_terminal, plain


@pytest.fixture
def store(database_url: str) -> str:
    database = open_for_writing(database_url)
    told(database, scan(weakness(path="=1+1.py", line=7), weakness("exec(text)", path="src/b.py"), at=1))
    told(database, scan(vulnerability(), at=1, scanner="pip-audit"))
    database.close()
    return database_url


def listed(store: str, cwd: Path, *arguments: str) -> str:
    ended = called("list", "--store", store, *arguments, cwd=cwd)
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def test_the_fields_that_are_named_are_the_columns_of_each_format(store: str, tmp_path: Path) -> None:
    asked = ("--fields", "severity, path,line,severity,package")
    document = json.loads(listed(store, tmp_path, *asked, "--json"))
    validate(document)
    assert document["fields"] == ["severity", "path", "line", "package"]
    assert {"severity": "high", "path": "src/b.py", "line": 1, "package": None} in document["findings"]
    assert json.loads(listed(store, tmp_path, *asked, "--format", "json")) == document
    header, *rows = csv.reader(StringIO(listed(store, tmp_path, *asked, "--format", "csv")))
    assert header == document["fields"]
    assert ["high", "requirements.txt", "", "django"] in rows
    table = listed(store, tmp_path, *asked)
    assert re.match(r"SEVERITY  PATH +LINE  PACKAGE\n", table)
    assert re.search(r"\nhigh +src/b\.py +1\n", table)


def test_without_fields_the_json_is_what_it_always_was(store: str, tmp_path: Path) -> None:
    document = json.loads(listed(store, tmp_path, "--json"))
    assert document["schema"] == "fixby.list/1"
    validate(document)


def test_ids_and_due_dates_are_never_cut_whatever_stands_beside_them(repo: Path) -> None:
    fields_ = "id,due_at,path,title,message,references,locations,rule_id"
    for columns in (80, 120):
        shown = plain(on_terminal("list", "--fields", fields_, cwd=repo, columns=columns)).splitlines()
        rows = [line for line in shown if "20" in line and "Z " in line]
        assert len(rows) == 60
        assert all(re.match(r"[0-9a-f]{10}  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  ", line) for line in rows)
        assert all(len(line) <= columns for line in rows)


def test_a_spreadsheet_computes_nothing_of_a_csv(store: str, tmp_path: Path) -> None:
    text = listed(store, tmp_path, "--format", "csv")
    header, *rows = csv.reader(StringIO(text))
    assert tuple(header) == fields.OF_CSV
    assert len(rows) == 3
    assert "'=1+1.py" in {row[header.index("path")] for row in rows}
    assert text.count("\r\n") == text.count("\n") == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fields", "id,severty"), "there is no field 'severty'"),
        (("--fields", ","), "names no field"),
        (("--format", "xml"), "there is no format 'xml'"),
    ],
)
def test_what_is_unknown_is_answered_with_what_is_known(
    store: str, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = called("list", "--store", store, *arguments, cwd=tmp_path)
    assert ended.code == 2
    assert said in ended.err
    assert "Known are: " in ended.err


def test_the_known_fields_are_those_that_are_published() -> None:
    published = {*DEFINITIONS["finding"]["properties"], *DEFINITIONS["tracked_finding"]["properties"]}
    assert {*fields.FIELDS} == published | {"due", "path", "line", "package", "version"}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repo = repository(tmp_path_factory.mktemp("paged") / "repo", {f"app{number:02}.py": SHELL for number in range(30)})
    called("scan", "--scanner", "bandit", cwd=repo)
    return repo


def test_what_does_not_fit_the_terminal_goes_through_the_pager(repo: Path, tmp_path: Path) -> None:
    pager = tmp_path / "my pager"
    pager.write_text('#!/bin/sh\necho "paged with $LESS"\nexec cat\n')
    pager.chmod(0o755)
    shown = partial(on_terminal, cwd=repo, FIXBY_PAGER=f"'{pager}'", PAGER="false")
    long = shown("list")
    assert long.startswith("paged with FRX\n")
    assert "\x1b[" in long
    assert "\x1b]8;" not in long
    assert "paged with" not in shown("list", "--limit", "3")
    assert "paged with" not in shown("list", "--json")
    assert "paged with" not in shown("list", "--format", "csv")
    assert "paged with" not in shown("list", TERM="dumb")
    assert on_terminal("list", cwd=repo, PAGER=f"'{pager}'", LESS="S").startswith("paged with S\n")
    assert called("list", cwd=repo, FIXBY_PAGER="false").out.startswith("DUE")


@pytest.mark.parametrize("pager", ["", "cat", "no-such-pager", "'open", "true", "head -n 1"])
def test_a_pager_that_cannot_be_started_or_ends_early_is_no_error(repo: Path, pager: str) -> None:
    shown = plain(on_terminal("list", cwd=repo, FIXBY_PAGER=pager))
    assert len(shown.splitlines()) == {"true": 0, "head -n 1": 1}.get(pager, 63)


def test_rules_vulnerabilities_and_places_are_links_where_the_terminal_shows_colours(repo: Path) -> None:
    shown = on_terminal("list", "--limit", "3", cwd=repo, columns=160)
    assert re.search(rf"\x1b\]8;id=[^;]*;file://[^/]*{re.escape(str(repo.resolve()))}/app00\.py\x1b\\", shown)
    assert re.search(r"\x1b\]8;id=[^;]*;https://bandit\.readthedocs\.io/[^\x1b]*\x1b\\", shown)
    assert "\x1b]8;" not in on_terminal("list", cwd=repo, NO_COLOR="1")
    assert "\x1b]8;" not in on_terminal("list", cwd=repo, TERM="dumb")
    assert "\x1b]8;" not in on_terminal("list", cwd=repo, FORCE_HYPERLINK="0")


def test_an_address_from_outside_cannot_end_its_link_or_lead_below_no_root(database_url: str, tmp_path: Path) -> None:
    database = open_for_writing(database_url)
    hostile = Rule("B1", "title", references=("https://a.example/\x1b\\\x1b[2J", "javascript:alert(1)"))
    some = (replace(weakness(path="../../etc/passwd"), rule=hostile), replace(weakness("x()", path="/x"), rule=hostile))
    id_, _ = told(database, scan(*some, at=1)).new
    database.close()
    page = on_terminal("show", id_, "--store", database_url, cwd=tmp_path)
    assert "\x1b[2J" not in page
    assert "https://a.example/%1B%5C%1B[2J" in page
    assert "file://" not in page
    assert not re.search(r"\x1b\]8;[^;]*;javascript", page)


LONG = "".join(f"line_{number} = {number}\n" for number in range(1, 20))
CODE = f"{LONG}password = 'hunter2hunter2'\neval(text)\n{LONG}"


def shown_code(folder: Path, **others: Any) -> list[str]:  # noqa: ANN401 - any field of a finding
    found = excerpt(weakness(line=21, path="a.py", **others), folder)
    assert found
    return list(found.lines)


def test_the_code_stands_among_its_neighbours_while_it_is_where_it_was(tmp_path: Path) -> None:
    folder = repository(tmp_path, {"a.py": CODE})
    lines = shown_code(folder)
    assert lines[3:6] == ["password = '[redacted]'", "eval(text)", "line_1 = 1"]
    assert len(lines) == 9
    (folder / "a.py").write_text(f"import this\n{CODE}")
    assert shown_code(folder) == ["eval(text)"]
    (folder / "a.py").unlink()
    assert shown_code(folder) == ["eval(text)"]


def test_a_secret_is_shown_neither_itself_nor_by_its_neighbours(tmp_path: Path) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA\n" * 3
    folder = repository(tmp_path, {"a.py": "x = 1\n" * 19 + key.replace("\n", "\n", 1)})
    (folder / "a.py").write_text(f"{LONG}{key}".replace("MIIEpAIBAAKCAQEA", "eval(text)", 1))
    assert shown_code(folder) == ["eval(text)"]
    assert excerpt(weakness(code="", line=21, path="a.py", category=Category.SECRET), folder) is None
    (folder / "a.py").write_text(CODE.replace("line_1 = 1", "line_1 = 'some words'").replace("eval(text)", "eval('x')"))
    assert "line_1 = 'some words'" in shown_code(folder, code="eval('x')")
    assert "line_1 = '[redacted]'" in shown_code(folder, code="eval('[redacted]')")


def test_no_file_is_read_outside_of_the_root_and_none_that_is_no_file(tmp_path: Path) -> None:
    outside = repository(tmp_path / "outside", {"a.py": CODE})
    folder = repository(tmp_path / "inside", {"real.py": CODE})
    (folder / "a.py").symlink_to(outside / "a.py")
    (folder / "linked").symlink_to(outside)
    os.mkfifo(folder / "pipe")
    for path in ("a.py", "linked/a.py", "../outside/a.py", str(outside / "a.py"), "pipe", ".", "nul\0byte"):
        found = excerpt(weakness(locations=(Location(path, 21, 21),)), folder)
        assert found
        assert found.lines == ("eval(text)",)
    (folder / "a.py").unlink()
    (folder / "a.py").symlink_to("real.py")
    assert len(shown_code(folder)) == 9


def test_a_page_says_where_the_code_is_and_how_much_there_is_of_its_kind(repo: Path) -> None:
    [one, *_] = called("list", "rule:B602", "--json", cwd=repo).document["findings"]
    page = called("show", one["id"], cwd=repo).out
    path = one["locations"][0]["path"]
    assert f"\n{path}:5\n" in page
    assert '\n>    5      return subprocess.call("ls " + folder, shell=True)\n' in page
    assert "\n     1  import subprocess\n" in page
    assert "\nelsewhere   29 more by this rule: fixby list is:open rule:B602\n" in page


def test_ctrl_c_is_a_key_of_the_pager(repo: Path, tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\ntrap '' INT\ncat > /dev/null\nkill -INT $PPID\nsleep 0.2\necho the pager goes on\n")
    pager.chmod(0o755)
    assert "the pager goes on" in on_terminal("list", cwd=repo, FIXBY_PAGER=str(pager))
