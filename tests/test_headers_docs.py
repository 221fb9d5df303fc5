"""docs/headers.md says what the catalogue and the configuration have."""

import re
from pathlib import Path

from fixby.headers.check import catalogue
from fixby.headers.sites import TRUSTED_KEYS
from fixby.headers.transition import State

PAGE = Path(__file__).parents[1] / "docs" / "headers.md"


def test_the_table_of_checks_is_the_catalogue(rewrite_golden: bool) -> None:  # noqa: FBT001 - a fixture
    above, mark, _ = PAGE.read_text().partition("test_headers_docs.py from headers/catalogue.toml -->\n")
    page = f"{above}{mark}\n{_table()}"
    if rewrite_golden:
        PAGE.write_text(page)
    assert PAGE.read_text() == page, "if that is right: pytest --rewrite-golden"


def _table() -> str:
    rows = [
        f"| `{id_}` | {kind.severity} | {kind.title}. {kind.why} | {kind.standard} |"
        for id_, kind in catalogue().items()
    ]
    return "\n".join(("| check | severity | fails where | standard |", "|---|---|---|---|", *rows)) + "\n"


def test_every_check_says_how_it_is_mended() -> None:
    for id_, kind in catalogue().items():
        assert bool(kind.header) != bool(kind.mend), id_
        assert kind.why.endswith("."), id_
        assert not kind.title.endswith("."), id_
        assert re.fullmatch(r"CWE-\d+", kind.cwe), id_
        assert not kind.header or re.fullmatch(r"[A-Za-z-]+: [ -~]+", kind.header), id_


def test_the_keys_of_a_site_are_all_documented() -> None:
    source = (PAGE.parents[1] / "headers" / "sites.py").read_text()
    known = set(re.findall(r'"(\w+)"', source.split("_KEYS = (\n", 2)[-1].split("\n)\n", 1)[0])) | set(TRUSTED_KEYS)
    section = PAGE.read_text().split("## Configuration", 1)[1].split("## Mending", 1)[0]
    named = {key for row in re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    assert named == known
    trusted = section.split("These open a network", 1)[1]
    assert set(re.findall(r"^\| `(\w+)` \|", trusted, re.MULTILINE)) == set(TRUSTED_KEYS)


def test_the_states_of_a_policy_are_all_documented() -> None:
    assert [state for state in State if f"| `{state}` |" not in PAGE.read_text()] == []
