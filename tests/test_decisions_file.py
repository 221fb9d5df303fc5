"""Decisions as a file: written, reviewed, applied by the same rules; through the command line."""

from pathlib import Path

import pytest

from fixby.errors import ConfigurationError
from fixby.policies.decisions_file import Kind, Stated, parse, written
from fixby.store.opening import open_for_writing
from tests.command import Ended, called
from tests.stories import scan, secret, told, vulnerability, weakness

NOW = 1_700_000_000


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder whose store knows a weakness, an import, two vulnerable packages and a secret."""
    root = tmp_path / "shop"
    (root / ".fixby").mkdir(parents=True)
    database = open_for_writing(str(root / ".fixby/fixby.db"))
    told(database, scan(weakness("call(x)", rule="B602"), weakness("import y", rule="B404"), at=NOW), asset="shop")
    packages = [vulnerability(name, names=(f"CVE-2024-{n}",)) for n, name in enumerate(("django", "flask"))]
    units = {f"requirements.txt#{name}": "4.0" for name in ("django", "flask")}
    told(database, scan(*packages, at=NOW, scanner="pip-audit", scanned=units), asset="shop")
    told(database, scan(secret(), at=NOW, scanner="detect-secrets"), asset="shop")
    database.close()
    return root


def run(root: Path, *arguments: object, by: str = "ada") -> Ended:
    return called(*arguments, cwd=root, FIXBY_ACTOR=by)


def applied(root: Path, toml: str, *arguments: object, by: str = "ada") -> Ended:
    (root / "decisions.toml").write_text(toml)
    return run(root, "decisions", "apply", "decisions.toml", *arguments, by=by)


BOTH = """\
[[accept]]
query = "package:django,flask"
reason = "behind a login"
until = "7d"
owner = "grace"

[[dismiss]]
query = "rule:B404"
reason = "an import is nothing"
"""


def test_what_a_file_states_is_decided_once(shop: Path) -> None:
    first = applied(shop, BOTH)
    assert first.out.splitlines() == [
        "line 2: accept.query: accept: 2 asked for, to be approved by others, 0 unchanged",
        "line 8: dismiss.query: dismiss: 1 decided, 0 unchanged",
    ]
    assert run(shop, "approve", "--query", "package:django,flask", "--yes", by="bob").code == 0
    again = applied(shop, BOTH, "--json")
    assert [(row["decided"], len(row["unchanged"])) for row in again.document["decisions"]] == [([], 2), ([], 1)]
    assert len(run(shop, "list", "is:accepted", "--json").document["findings"]) == 2


def test_what_would_be_decided_can_be_seen_before(shop: Path) -> None:
    ended = applied(shop, BOTH, "--dry-run", "--json")
    assert (ended.code, ended.document["only_shown"]) == (0, True)
    assert [len(row["decided"]) for row in ended.document["decisions"]] == [2, 1]
    assert run(shop, "list", "is:dismissed", "--json").document["findings"] == []


def test_what_was_exported_can_be_applied_to_another_store(shop: Path) -> None:
    applied(shop, BOTH)
    exported = run(shop, "decisions", "export").out
    again = applied(shop, exported, "--json")
    assert all(row["decided"] == [] for row in again.document["decisions"])
    assert {one.kind for one in parse(exported, "x.toml")} == {Kind.ACCEPT, Kind.DISMISS}
    run(shop, "reopen", "--query", "rule:B404", "--reason", "it is one", "--yes")
    restored = applied(shop, exported, "--json")
    assert [len(row["decided"]) for row in restored.document["decisions"]] == [0, 0, 1]


def test_what_the_policy_refuses_is_refused_with_its_place_in_the_file(shop: Path) -> None:
    ended = applied(shop, BOTH.replace('"7d"', '"900d"'))
    assert ended.code == 2
    assert "line 2: accept.query: The policy accepts a finding of high severity for at most" in ended.err
    assert run(shop, "list", "is:dismissed", "--json").document["findings"] == []


def test_an_acceptance_whose_end_has_passed_is_not_asked_for(shop: Path) -> None:
    ended = applied(shop, BOTH.replace('"7d"', "2020-01-31"))
    assert ended.out.splitlines()[0] == "line 2: accept.query: accept: its end has passed"


MISTAKES = {
    'reason = "x"': "decisions.toml:1: accept.query is missing, and so is finding",
    'finding = "a"\nquery = "is:open"\nreason = "x"\nuntil = "1d"': "accept.query stands beside finding",
    'finding = "a"\nuntil = "1d"': "accept.reason is missing",
    'finding = "a"\nreason = "x"': "accept.until is missing",
    'finding = "a"\nreason = " "\nuntil = "1d"': "decisions.toml:3: accept.reason is wrong: it is empty",
    'finding = "a"\nreason = "x"\nuntil = 7': "accept.until is wrong: 7 is no text",
    'finding = "a"\nreason = "x"\nuntil = "1d"\nby = "eve"': "accept.by is not known",
}


@pytest.mark.parametrize(("lines", "message"), MISTAKES.items(), ids=MISTAKES.values())
def test_a_mistake_in_the_file_is_named_before_anything_is_decided(lines: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(f"[[accept]]\n{lines}\n", "decisions.toml")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("query", "message"), [("color:red", "no qualifier 'color'"), ("is:blue", "A finding is never 'blue'")]
)
def test_a_query_that_makes_no_sense_is_refused(shop: Path, query: str, message: str) -> None:
    ended = applied(shop, f'[[dismiss]]\nquery = "{query}"\nreason = "x"\n')
    assert ended.code == 2
    assert message in ended.err


def test_hostile_words_come_back_as_they_were() -> None:
    words = 'a "quote", a \\, \n a line, \x1b[31m and 日本'
    some = [Stated(Kind.DISMISS, words, finding="a" * 64, what="[[accept]]")]
    [one] = parse(written(some), "x.toml")
    assert (one.reason, one.what) == (words, "[[accept]]")


def test_what_another_tool_ignores_becomes_decisions(shop: Path) -> None:
    (shop / ".trivyignore").write_text("# not reachable\nCVE-2024-0 exp:2099-01-31\n")
    ended = run(shop, "decisions", "import", ".trivyignore")
    assert parse(ended.out, "x.toml") == (
        Stated(Kind.ACCEPT, "not reachable", query="cve:CVE-2024-0", until="2099-01-31", where="line 2: accept.query"),
    )
    (shop / "prose.txt").write_text("nothing to see\n")
    assert run(shop, "decisions", "import", "prose.txt").code == 3


def test_an_accepted_risk_is_never_said_not_to_affect(shop: Path) -> None:
    applied(shop, BOTH.replace("[[dismiss]]", "[[dismiss]]").replace("package:django,flask", "package:django"))
    run(shop, "approve", "--query", "package:django", "--yes", by="bob")
    run(shop, "dismiss", "--query", "package:flask", "--reason", "never loaded", "--yes")
    document = run(shop, "export", "vex", "--product", "pkg:pypi/shop@1").document
    told_of = {row["vulnerability"]["name"]: row for row in document["statements"]}
    assert [row["status"] for row in told_of.values()] == ["affected", "not_affected"]
    assert told_of["CVE-2024-1"]["impact_statement"] == "never loaded"
    assert told_of["CVE-2024-0"]["action_statement"].startswith("The risk is accepted until ")
    assert told_of["CVE-2024-0"]["products"] == [
        {"@id": "pkg:pypi/shop@1", "subcomponents": [{"@id": "pkg:pypi/django@4.0"}]}
    ]
    bom = run(shop, "export", "vex", "--format", "cyclonedx").document
    assert {row["id"]: row["analysis"]["state"] for row in bom["vulnerabilities"]} == {
        "CVE-2024-0": "exploitable",
        "CVE-2024-1": "false_positive",
    }


def test_a_vex_document_is_valid_and_the_same_for_the_same_facts(shop: Path) -> None:
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - this test alone
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    written_bom = run(shop, "export", "vex", "--format", "cyclonedx", "category:dependency").out
    assert '"bomFormat": "CycloneDX"' in written_bom
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written_bom) is None
    first, second = (run(shop, "export", "vex").document["@id"] for _ in range(2))
    assert first == second


def test_a_format_or_file_that_cannot_be_is_refused(shop: Path) -> None:
    assert run(shop, "export", "vex", "--format", "csaf").code == 2
    assert run(shop, "export", "vex", "--output", "no/such/folder.json").code == 2
