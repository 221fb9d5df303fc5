"""What every SARIF log of ours must be, for the tests of all that write one."""

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator  # type: ignore[import-untyped]

SCHEMA = Draft4Validator(json.loads(Path(__file__).with_name("sarif.schema.json").read_text()))
"""The schema of SARIF 2.1.0 (rtm.5) as Microsoft publishes it under the MIT licence, in the package `jest-sarif`."""

_URI = re.compile(r"(?:[A-Za-z0-9!$&'()*+,;=@~._/-]|%[0-9A-F]{2})+")


def check(log: Any) -> None:  # noqa: ANN401 - JSON
    """Raises where a log is not valid, or is none that code scanning would take."""
    SCHEMA.validate(log)
    assert json.dumps(log).isascii()
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        assert all(len(rule["properties"]["tags"]) <= 10 for rule in rules)
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["message"]["text"]
            _check_places(result["locations"])
    categories = [(run["tool"]["driver"]["name"], run["automationDetails"]["id"]) for run in log["runs"]]
    assert len(set(categories)) == len(categories)


def _check_places(locations: list[dict[str, Any]]) -> None:
    assert 1 <= len(locations) <= 1000
    for location in locations:
        physical = location["physicalLocation"]
        assert _URI.fullmatch(physical["artifactLocation"]["uri"])
        assert not physical["artifactLocation"]["uri"].startswith("/")
        assert physical["region"]["startLine"] >= 1
