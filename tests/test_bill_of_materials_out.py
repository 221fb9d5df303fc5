"""The bill of materials that is written: valid, always the same, read back to the same findings and decisions."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.command import called, repository, zipped
from tests.test_advisories_commands import RECORD
from tests.test_packages_of_several_tools import GRYPE_MATCH, TRIVY_ROW, grype, pip, trivy

PACKAGES = {"node_modules/lodash": {"version": "4.17.15"}, "node_modules/@types/node": {"version": "20.1.0"}}
LOCK = json.dumps({"lockfileVersion": 3, "packages": PACKAGES})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository with a vulnerable package in two lock files, and one that two tools found in a third file."""
    files = {
        "package-lock.json": LOCK,
        "web/package-lock.json": LOCK,
        "trivy.json": json.dumps(trivy(pip({**TRIVY_ROW, "Severity": "HIGH"}))),
        "grype.json": json.dumps(grype(GRYPE_MATCH)),
    }
    shop = repository(tmp_path / "shop", files)
    links = [*RECORD["references"], {"type": "WEB", "url": "https://example.org/%zz"}]  # type: ignore[misc]
    more = {"references": links, "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-79", "CWE-other"]}}
    known = zipped(tmp_path / "npm-all.zip", {**RECORD, **more})
    assert called("scan", ".", "--scanner", "osv", "--advisories", known, cwd=shop).code == 0
    called("ingest", "trivy.json", "grype.json", cwd=shop)
    return shop


def exported(shop: Path, *arguments: str) -> Any:  # noqa: ANN401 - JSON
    text = called("export", "cyclonedx", *arguments, cwd=shop).out
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return json.loads(text)


def weaknesses(document: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The vulnerabilities by what they affect."""
    return {one["affects"][0]["ref"]: one for one in document["vulnerabilities"]}


LODASH = "pkg:npm/lodash@4.17.15#package-lock.json"
JINJA = "pkg:pypi/jinja2@2.7.1#requirements.txt"


def test_all_packages_are_listed_that_were_found_or_looked_at(shop: Path) -> None:
    document = exported(shop)
    listed = {(one["purl"], one["evidence"]["occurrences"][0]["location"]) for one in document["components"]}
    assert listed == {
        *((f"pkg:npm/{name}", path) for name in ("lodash@4.17.15", "%40types/node@20.1.0") for path in _LOCKS),
        ("pkg:pypi/jinja2@2.7.1", "requirements.txt"),
    }
    assert document["metadata"]["component"]["name"] == "shop"
    assert [tool["name"] for tool in document["metadata"]["tools"]["components"]] == ["fixby"]


_LOCKS = ("package-lock.json", "web/package-lock.json")


def test_a_vulnerability_says_all_that_is_known_of_it(shop: Path) -> None:
    lodash = weaknesses(exported(shop))[LODASH]
    assert (lodash["id"], lodash["source"]["name"]) == ("CVE-2020-8203", "CVE")
    assert [one["id"] for one in lodash["references"]] == ["GHSA-p6mc-m468-83gw"]
    assert (lodash["cwes"], lodash["advisories"]) == ([79], [{"url": "https://example.org/lodash"}])
    assert lodash["recommendation"] == "Upgrade lodash to 4.17.19 or later"
    assert lodash["affects"][0]["versions"] == [{"version": "4.17.15", "status": "affected"}]
    assert (lodash["analysis"]["state"], lodash["analysis"]["response"]) == ("exploitable", ["update"])


def test_each_scanner_rates_it_and_the_one_that_counts_says_so(shop: Path) -> None:
    ratings = weaknesses(exported(shop))[JINJA]["ratings"]
    assert {one["source"]["name"]: (one["severity"], one["method"], "justification" in one) for one in ratings} == {
        "grype": ("medium", "other", False),
        "trivy": ("high", "other", True),
    }


def test_it_is_the_same_each_time_and_another_one_once_something_changed(shop: Path) -> None:
    first = called("export", "cyclonedx", cwd=shop).out
    assert called("export", "cyclonedx", cwd=shop).out == first
    before = json.loads(first)
    [last] = called("show", _ids(shop)[0], "--json", cwd=shop).document["history"][-1:]
    assert before["metadata"]["timestamp"][:16] >= last["at"][:16]
    called("dismiss", "--query", "package:jinja2", "--yes", "--reason", "not called", cwd=shop)
    assert json.loads(called("export", "cyclonedx", cwd=shop).out)["serialNumber"] != before["serialNumber"]


def _ids(shop: Path, store: str = ".fixby/fixby.db") -> list[str]:
    found = called("list", "--store", store, "--json", cwd=shop).document["findings"]
    return sorted(one["id"] for one in found)


def test_it_is_read_back_to_the_same_findings(shop: Path) -> None:
    called("export", "cyclonedx", "--output", "bom.json", cwd=shop)
    called("ingest", "bom.json", "--store", "other.db", cwd=shop)
    assert _ids(shop, "other.db") == _ids(shop)
    assert len(_ids(shop)) == 3
    [jinja] = called("list", "package:jinja2", "--store", "other.db", "--json", cwd=shop).document["findings"]
    assert (jinja["severity"], jinja["component"]["fixed_versions"]) == ("high", ["2.7.2"])


def test_it_is_read_back_to_the_same_decisions(shop: Path) -> None:
    called("dismiss", "--query", "package:jinja2", "--yes", "--reason", "not called", cwd=shop)
    accepted = ("--until", "20d", "--reason", "behind a proxy", "--yes")
    called("accept", "--query", "path:web/**", *accepted, cwd=shop, FIXBY_ACTOR="ada")
    called("approve", "--query", "path:web/**", "--yes", cwd=shop, FIXBY_ACTOR="bob")
    document = exported(shop)
    found = weaknesses(document)
    assert found[JINJA]["analysis"] == {"state": "false_positive", "detail": "not called"}
    assert found[JINJA]["affects"][0]["versions"][0]["status"] == "unaffected"
    web = found["pkg:npm/lodash@4.17.15#web/package-lock.json"]["analysis"]
    assert (web["state"], web["response"]) == ("exploitable", ["will_not_fix"])
    assert "behind a proxy" in web["detail"]
    called("reopen", "--query", "package:jinja2", "--yes", "--reason", "again", cwd=shop)
    (shop / "bom.json").write_text(json.dumps(document))
    suggested = tomllib.loads(called("decisions", "import", "bom.json", cwd=shop).out)
    [dismissal] = suggested["dismiss"]
    assert dismissal["reason"].endswith(": not called")
    assert "accept" not in suggested


def test_what_is_fixed_is_left_out_unless_it_is_asked_for(shop: Path) -> None:
    packages = {**PACKAGES, "node_modules/lodash": {"version": "4.17.21"}}
    (shop / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))
    called("scan", ".", "--scanner", "osv", "--advisories", "../npm-all.zip", cwd=shop)
    document = exported(shop)
    assert sorted(weaknesses(document)) == ["pkg:npm/lodash@4.17.15#web/package-lock.json", JINJA]
    assert "pkg:npm/lodash@4.17.21#package-lock.json" in {one["bom-ref"] for one in document["components"]}
    [fixed] = exported(shop, "is:fixed")["vulnerabilities"]
    assert (fixed["analysis"]["state"], "versions" in fixed["affects"][0]) == ("resolved", False)


def test_it_is_written_to_a_file_of_a_product_as_of_an_instant(shop: Path) -> None:
    ended = called("export", "cyclonedx", "--output", "bom.json", "--product", "pkg:oci/shop", cwd=shop)
    assert (ended.out, "wrote bom.json" in ended.err) == ("", True)
    assert json.loads((shop / "bom.json").read_text())["metadata"]["component"]["name"] == "pkg:oci/shop"
    assert "vulnerabilities" not in exported(shop, "--as-of", "2020-01-01")
    refused = called("export", "cyclonedx", "--output", "nowhere/bom.json", cwd=shop)
    assert (refused.code, "cannot be written" in refused.err) == (2, True)


def test_names_that_steer_a_terminal_do_not_reach_it(shop: Path) -> None:
    called("dismiss", "--query", "package:jinja2", "--yes", "--reason", "no\u202ewhy", cwd=shop)
    assert "\u202e" not in called("export", "cyclonedx", cwd=shop).out
