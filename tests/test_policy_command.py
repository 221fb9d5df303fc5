"""`fixby policy show` and `fixby policy check`: what they print, for people and for programs."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource

from fixby.cli.place import Place
from fixby.cli.policies import run_check, run_show
from fixby.errors import ExitCode
from fixby.policies.policy import parse, shipped
from tests.command import repository

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"
OURS = shipped().toml.replace('"default"', '"ours"').replace("\n# [[", "\n[[").replace("\n# name", "\nname")
OURS = OURS.replace("\n# when", "\nwhen").replace("\n# windows", "\nwindows")


def validate(document: Any) -> None:  # noqa: ANN401 - JSON
    """Raises `ValidationError` where a document is not what the schema that it names says."""
    contents = {file.name: json.loads(file.read_text()) for file in SCHEMAS.glob("*.json")}
    known: Registry[Any] = Registry().with_resources((n, Resource.from_contents(one)) for n, one in contents.items())
    name = f"{document['schema'].removeprefix('fixby.').replace('/', '.')}.json"
    Draft202012Validator(contents[name], registry=known).validate(document)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    files = {"fixby.toml": 'policy = "ours.toml"\n', "ours.toml": OURS, "broken.toml": 'name = "broken"\n'}
    return repository(tmp_path / "shop", files)


def test_the_policy_in_force_is_shown(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_show(Place(shop), as_json=False)
    ours = parse(OURS, "ours.toml")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"policy: ours, {shop / 'ours.toml'}", f"digest: {ours.digest}"]
    assert f"  {ours.overrides[1].name}, where tier 1; tag pci or payments; EPSS 10% or more" in lines


def test_without_a_configured_policy_the_shipped_one_is_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_show(Place(tmp_path), as_json=True)
    document = json.loads(capsys.readouterr().out)
    validate(document)
    assert (document["name"], document["digest"]) == ("default", shipped().digest)


def test_the_document_of_a_policy_is_what_its_schema_says(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_show(Place(shop), as_json=True)
    document = json.loads(capsys.readouterr().out)
    validate(document)
    assert [one["when"]["exploited"] for one in document["overrides"]] == [True, False]


def test_files_that_are_right_are_told_with_name_and_digest(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_check([shop / "ours.toml"], as_json=False) is ExitCode.DONE
    assert capsys.readouterr() == (f"{shop / 'ours.toml'}: ours {parse(OURS, 'ours.toml').digest}\n", "")


def test_all_files_that_are_wrong_are_told_with_their_mend(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [shop / name for name in ("broken.toml", "ours.toml", "nowhere.toml")]
    assert run_check(files, as_json=False) is ExitCode.USAGE
    printed = capsys.readouterr()
    assert [line.split(": ")[0] for line in printed.out.splitlines()] == [str(shop / "ours.toml")]
    assert printed.err.splitlines() == [
        f"fixby: {shop / 'broken.toml'}:1: sla is missing.",
        "       Write a section [sla].",
        f"fixby: {shop / 'nowhere.toml'} cannot be read: No such file or directory.",
        "       Name a file that can be.",
    ]


def test_the_document_of_a_check_is_what_its_schema_says(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_check([shop / "broken.toml", shop / "ours.toml"], as_json=True) is ExitCode.USAGE
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    validate(document)
    assert [(one["name"], one["hint"]) for one in document["files"]] == [
        (None, "Write a section [sla]."),
        ("ours", None),
    ]
    assert printed.err == ""
