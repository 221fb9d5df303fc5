"""What a VEX document suggests, from the file to the decision."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from fixby.errors import ReportError
from fixby.policies.vex_files import Statement, Status, is_vex, statements
from fixby.store.opening import open_for_writing
from tests.command import Ended, called
from tests.stories import scan, told, vulnerability
from tests.test_published import validate

DJANGO, FLASK = "pkg:pypi/django", "pkg:pypi/flask"
BY_IDENTIFIER = {"@id": "urn:flask", "identifiers": {"purl": FLASK}}


@pytest.fixture
def store(database_url: str) -> str:
    """A store with two vulnerable packages of an asset, `shop`."""
    database = open_for_writing(database_url)
    some = (
        vulnerability("Django", "4.0", names=("CVE-2024-1", "GHSA-2222-3333-4444")),
        vulnerability("flask", "1.0", names=("CVE-2024-2",)),
    )
    told(database, scan(*some, at=1, scanner="pip-audit"), asset="shop")
    database.close()
    return database_url


def openvex(*rows: dict[str, Any], **top: Any) -> str:  # noqa: ANN401 - JSON
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "Vendor", "version": 1}
    return json.dumps(head | {"timestamp": "2026-01-01T00:00:00Z", "statements": rows} | top)


def row(status: str, name: str, *purls: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    said = {"vulnerability": {"name": name}, "products": [{"@id": purl} for purl in purls], "status": status}
    return said | more


def cyclonedx(*rows: dict[str, Any]) -> str:
    parts = [{"bom-ref": "a", "purl": f"{DJANGO}@4.0?x=y", "components": [{"bom-ref": "b", "purl": FLASK}]}]
    top = {"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"name": "our shop"}}}
    return json.dumps(top | {"components": parts, "vulnerabilities": rows})


def analysed(state: str, name: str, *refs: str, **analysis: str) -> dict[str, Any]:
    return {"id": name, "analysis": {"state": state} | analysis, "affects": [{"ref": ref} for ref in refs]}


def imported(shop: Path, store: str, content: str, *arguments: str) -> Ended:
    (shop / "vex.json").write_text(content)
    ended = called("decisions", "import", "vex.json", "--store", store, *arguments, cwd=shop)
    assert ended.code == 0
    return ended


def suggested(shop: Path, store: str, content: str) -> list[str]:
    """What is said of each finding that a document suggests to dismiss."""
    return [one["reason"] for one in tomllib.loads(imported(shop, store, content).out).get("dismiss", [])]


def test_what_is_not_affected_is_suggested_and_decided_by_a_person_only(shop: Path, store: str) -> None:
    said = row("not_affected", "CVE-2024-1", DJANGO, justification="vulnerable_code_not_present", impact_statement="no")
    ended = imported(shop, store, openvex(said))
    assert (ended.err, ended.out.count("[[dismiss]]"), ended.out.count("[[accept]]")) == ("", 1, 0)
    assert "not affected, says Vendor: vulnerable_code_not_present: no" in ended.out
    assert called("list", "is:dismissed", "--store", store, cwd=shop).out == "No finding is selected.\n"
    (shop / "decided.toml").write_text(ended.out)
    assert called("decisions", "apply", "decided.toml", "--store", store, cwd=shop, FIXBY_ACTOR="ada").code == 0
    assert "CVE-2024-1" in called("list", "is:dismissed", "--store", store, "--format", "csv", cwd=shop).out
    assert imported(shop, store, openvex(said)).out.strip() == ""
    validate(imported(shop, store, openvex(said), "--json").document)


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (openvex(row("not_affected", "ghsa-2222-3333-4444", f"{DJANGO}@4.0?arch=any#sub")), 1),
        (openvex(row("not_affected", "CVE-2024-1", f"{DJANGO}@5.0")), 0),
        (openvex(row("not_affected", "CVE-2024-1", "pkg:npm/django")), 0),
        (openvex(row("not_affected", "CVE-2024-2", DJANGO)), 0),
        (openvex(row("not_affected", "CVE-2024-1", "pkg:oci/app", FLASK, DJANGO)), 1),
        (openvex(row("not_affected", "CVE-2024-1", "urn:x", "no purl", "pkg:")), 0),
        (openvex(row("not_affected", "") | {"vulnerability": "CVE-2024-2", "products": [BY_IDENTIFIER]}), 1),
        (openvex(row("not_affected", "", DJANGO) | {"vulnerability": {"name": "X", "aliases": ["CVE-2024-1"]}}), 1),
        (openvex(row("not_affected", "CVE-2024-1")), 0),
        (cyclonedx(analysed("not_affected", "CVE-2024-1", "a")), 1),
        (cyclonedx(analysed("false_positive", "CVE-2024-2", "urn:cdx:0/1#b")), 1),
        (cyclonedx(analysed("not_affected", "CVE-2024-2", FLASK)), 1),
        (cyclonedx(analysed("not_affected", "CVE-2024-2", "a")), 0),
    ],
)
def test_a_statement_is_about_a_finding_by_vulnerability_and_package(
    shop: Path, store: str, content: str, count: int
) -> None:
    assert len(suggested(shop, store, content)) == count


def test_what_suggests_nothing_and_what_is_about_nothing_is_told(shop: Path, store: str) -> None:
    rows = (
        row("fixed", "CVE-2024-1", DJANGO),
        row("affected", "CVE-2024-2", FLASK),
        row("under_investigation", "CVE-2024-2", FLASK),
        row("not_affected", "CVE-2000-1\x1b[2J", "pkg:pypi/other@1"),
    )
    ended = imported(shop, store, openvex(*rows))
    assert ended.out.strip() == ""
    assert ended.err.splitlines() == [
        "fixby: 1 of 4 say affected, which suggests no decision.",
        "fixby: 1 of 4 say fixed, which suggests no decision.",
        "fixby: 1 of 4 say under_investigation, which suggests no decision.",
        "fixby: no open finding is meant by CVE-2000-1\ufffd[2J pkg:pypi/other@1.",
    ]


def test_the_last_word_about_a_finding_counts(shop: Path, store: str) -> None:
    early = row("not_affected", "CVE-2024-1", DJANGO, timestamp="2026-01-02T00:00:00Z", impact_statement="early")
    late = row("affected", "CVE-2024-1", DJANGO, timestamp="2026-01-03T00:00:00Z")
    assert suggested(shop, store, openvex(late, early)) == []
    assert suggested(shop, store, openvex(late | {"timestamp": "2026-01-01T00:00:00Z"}, early)) == [
        "not affected, says Vendor: early"
    ]


def test_of_a_part_of_another_product_the_reason_says_so(shop: Path, store: str) -> None:
    product = {"@id": "pkg:oci/their-app", "subcomponents": [{"@id": DJANGO}]}
    said = row("not_affected", "CVE-2024-1") | {"products": [product]}
    assert suggested(shop, store, openvex(said)) == ["not affected in pkg:oci/their-app, says Vendor"]
    of_ours = analysed("not_affected", "CVE-2024-1", "a", justification="code_not_reachable", detail="Never.")
    assert suggested(shop, store, cyclonedx(of_ours)) == [
        "not affected in our shop, says a VEX document: code_not_reachable: Never."
    ]


def test_of_the_versions_that_are_listed_only_those_count(shop: Path, store: str) -> None:
    def said(*versions: dict[str, str]) -> str:
        return cyclonedx(
            analysed("not_affected", "CVE-2024-2") | {"affects": [{"ref": "b", "versions": list(versions)}]}
        )

    assert len(suggested(shop, store, said({"version": "1.0", "status": "unaffected"}))) == 1
    assert suggested(shop, store, said({"version": "2.0", "status": "unaffected"})) == []
    assert suggested(shop, store, said({"version": "1.0", "status": "affected"})) == []
    assert suggested(shop, store, said({"range": "vers:pypi/>=1", "status": "unaffected"})) == []


@pytest.mark.parametrize("format_", ["openvex", "cyclonedx"])
def test_what_fixby_exports_is_read_back(shop: Path, store: str, format_: str) -> None:
    at_hand = ("--store", store)
    called("dismiss", "--query", "package:flask", "--yes", "--reason", "not called", *at_hand, cwd=shop)
    exported = called("export", "vex", "--format", format_, *at_hand, cwd=shop, FIXBY_ACTOR="ada").out
    called("reopen", "--query", "package:flask", "--yes", "--reason", "a second look", *at_hand, cwd=shop)
    [reason] = suggested(shop, store, exported)
    assert reason.endswith(": not called")


@pytest.mark.parametrize(
    "content",
    [
        openvex(),
        openvex(row("fine", "CVE-2024-1", DJANGO)),
        cyclonedx(),
        cyclonedx({"id": "CVE-2024-1", "affects": []}),
        cyclonedx(analysed("fine", "CVE-2024-1", "a")),
        '{"@context": "https://openvex.dev/ns", "statements": [',
        '{"bomFormat": "CycloneDX", "vulnerabilities": 1, "components": {"a": [1]}}',
        '{"@context": "https://openvex.dev/ns", "statements": [1, {"status": ["fixed"]}]}',
        '{"a": ' * 10_000 + '"CycloneDX"',
    ],
)
def test_a_document_that_says_nothing_or_is_damaged_is_an_error(content: str) -> None:
    assert is_vex(content)
    with pytest.raises(ReportError):
        statements(content)


def test_strange_values_are_no_reason_to_fail() -> None:
    rows = [{"vulnerability": None, "products": [None, {"@id": 1, "identifiers": 2}], "status": "fixed"}]
    assert statements(openvex(*rows)) == [Statement((), (), Status.FIXED, "not affected, says Vendor")]
    odd = {"id": 1, "analysis": {"state": "resolved"}, "affects": [{"ref": 1}, None], "references": [{"id": None}]}
    assert [one.status for one in statements(cyclonedx(odd))] == [Status.FIXED]
