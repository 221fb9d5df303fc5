"""`fixby export gitlab`: what GitLab takes from a job, and what Fixby reads of that again."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixby.component import Component, component
from fixby.finding import Category, Location, Rule, Suppression
from fixby.identity import numbered
from fixby.reports.gitlab import TYPES, Looked, Type, report
from fixby.scan import Complete, Failed, Partial
from fixby.scanners.ingestion import scans_of_report
from fixby.severity import Severity
from fixby.store.database import Database
from fixby.store.opening import open_for_writing
from tests.command import Ended, called
from tests.stories import found, scan, secret, told, vulnerability, weakness

HOSTILE = "$(id) `id` ::error::x\x1b[2J\u202e <img src=x onerror=alert(1)> [a](javascript:b) @all | x\n# h"
DEBIAN = Component("pkg:deb/debian/openssl@1.1?arch=amd64", "deb", "openssl", "1.1", ("1.2",))
SOME = (
    weakness(locations=(Location("src/a.py", 3, 5, 1, 2),), severity=Severity.CRITICAL, fix="Do not."),
    replace(weakness("b"), rule=Rule("R2", "title", ("CWE-79",), ("https://x.org", "ftp://x"))),
    weakness("c", rule="R3", category=Category.MISCONFIGURATION, suppression=Suppression("nosec", "")),
    weakness("d", rule="R4", message=HOSTILE, severity=Severity.UNKNOWN, fix=HOSTILE),
    vulnerability(component=component("pypi", "Django", "4.0", ("4.2",)), fix="Upgrade Django to 4.2."),
    vulnerability(
        component=component("npm", "@scope/x", "1"),
        names=("CVE-2024-9", "GHSA-2222-3333-4444"),
        path="a/package-lock.json",
    ),
    vulnerability(component=DEBIAN, names=("CVE-2024-8",), path="shop/app", category=Category.CONTAINER),
    secret(Location("src/s.py", 4, 4)),
)


@pytest.fixture
def filled(database: Database) -> Database:
    for number, name in enumerate(sorted({one.scanner for one in SOME}), start=1):
        told(database, scan(*(one for one in SOME if one.scanner == name), at=number, scanner=name), asset="shop")
    return database


def written(database: Database, kind: Type) -> Any:  # noqa: ANN401 - JSON
    return report(kind, found(database), Looked(1_700_000_000), "1.0")


@pytest.mark.parametrize("kind", [Type.SAST, Type.DEPENDENCIES, Type.CONTAINER])
def test_what_is_written_reads_back_to_the_same_findings(filled: Database, kind: Type) -> None:
    content = json.dumps(written(filled, kind)).encode()
    scans = scans_of_report(content, None, b"k" * 32, 0)
    again = {id_: one for each in scans for id_, one in numbered("shop", each.findings).items()}
    ours = {one.id: one.finding for one in found(filled) if TYPES[one.finding.category] is kind}
    if kind is Type.SAST:
        ours = numbered("shop", [replace(one, category=Category.CODE) for one in ours.values()])  # it knows no settings
    assert again.keys() == ours.keys()
    for id_, one in again.items():
        said = ours[id_]
        assert (one.scanner, one.severity, one.rule.title) == (said.scanner, said.severity, said.rule.title)
        assert (one.path, one.locations[0].line, one.code) == (said.path, said.locations[0].line, said.code)
        assert (one.identifiers, one.rule.cwes) == (said.identifiers, said.rule.cwes)
        assert (one.component is None) == (said.component is None)
        if one.component and said.component:
            assert (one.component.name, one.component.version) == (said.component.name, said.component.version)
        assert (one.suppression is None) == (said.suppression is None)
    assert all(isinstance(each.outcome, Complete) for each in scans)


def test_a_secret_is_masked_and_read_back_by_its_place(filled: Database) -> None:
    [scanned] = scans_of_report(json.dumps(written(filled, Type.SECRETS)).encode(), None, b"k" * 32, 0)
    [one] = scanned.findings
    assert (one.category, one.scanner, one.path, one.rule.id) == (
        *(Category.SECRET, "detect-secrets", "src/s.py", "Secret Keyword"),
    )


def test_a_report_has_what_its_schema_demands(filled: Database) -> None:
    for kind in Type:
        document = written(filled, kind)
        assert document["version"] == "15.0.7"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", document["scan"]["start_time"])
        assert document["vulnerabilities"]
        for one in document["vulnerabilities"]:
            assert one["severity"] in ("Info", "Unknown", "Low", "Medium", "High", "Critical")
            assert all(each["type"] and each["name"] and each["value"] for each in one["identifiers"])
            assert all(re.match("https?://.", each["url"]) for each in one["links"])
            assert len(one["name"]) <= 255
    image = written(filled, Type.CONTAINER)["vulnerabilities"][0]["location"]
    assert re.fullmatch(r"[^:]+:[^:]+", image["image"])
    assert image["operating_system"] == "debian"


def test_nothing_of_a_finding_is_markup_or_steers_a_terminal(filled: Database) -> None:
    [row] = [one for one in written(filled, Type.SAST)["vulnerabilities"] if one["identifiers"][0]["value"] == "R4"]
    for words in (row["description"], row["solution"]):
        bare = re.sub(r"(`+).*?\1", "", words.replace("&#124;", ""), flags=re.DOTALL)
        assert not re.search(r"[<>@\[\]#$\x1b\u202e]", bare), bare


def export(shop: Path, store: str, *arguments: str) -> Ended:
    return called("export", "gitlab", *arguments, "--store", store, cwd=shop)


def test_there_is_a_file_for_what_was_looked_for_and_a_failure_says_so(shop: Path, database_url: str) -> None:
    database = open_for_writing(database_url)
    told(database, scan(*SOME[:2], at=1), asset="shop")
    told(database, scan(at=2, scanner="pip-audit", outcome=Partial(("not pinned",))), asset="shop")
    told(database, scan(at=2, scanner="osv", outcome=Failed(("no memory",))), asset="shop")
    told(database, scan(weakness(category=Category.HEADERS), at=3, scanner="headers"), asset="shop")
    database.close()
    ended = export(shop, database_url, "--output", "out")
    assert ended.code == 0
    assert "fixby: 1 findings were left out" in ended.err
    assert sorted(file.name for file in (shop / "out").iterdir()) == [
        "gl-dependency-scanning-report.json",
        "gl-sast-report.json",
    ]
    sast, sca = (json.loads((shop / "out" / kind.file).read_text()) for kind in (Type.SAST, Type.DEPENDENCIES))
    assert (sast["scan"]["status"], len(sast["vulnerabilities"])) == ("success", 2)
    assert (sca["scan"]["status"], sca["vulnerabilities"]) == ("failure", [])
    assert [one["value"] for one in sca["scan"]["messages"]] == ["osv: no memory", "pip-audit: not pinned"]
    assert called("parse", "out/gl-dependency-scanning-report.json", cwd=shop).out.count("partial") == 1
    (shop / "file").write_text("")
    assert export(shop, database_url, "--output", "file").code == 2


def test_an_image_in_which_syft_finds_nothing_has_a_report_of_that(shop: Path, database_url: str) -> None:
    database = open_for_writing(database_url)
    told(database, scan(at=1, scanner="syft"), asset="shop")
    database.close()
    assert export(shop, database_url).code == 0
    found = json.loads((shop / Type.CONTAINER.file).read_text())
    assert (found["scan"]["status"], found["vulnerabilities"]) == ("success", [])
