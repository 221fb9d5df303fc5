"""One environment of Python packages, seen by pip-audit, by Syft, and in reports of Trivy and Grype."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fixby.scanners import advisories
from fixby.scanners.osv_endpoint import endpoint
from tests.command import called, repository
from tests.images import SITE_PACKAGES, docker_archive, installed, root

VULNERABLE = {"Jinja2": "2.10", "requests": "2.19.1"}


def record(name: str, package: str, fixed: str, *aliases: str) -> dict[str, object]:
    """An advisory as the PyPA publishes it."""
    spans = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]
    affected = [{"package": {"ecosystem": "PyPI", "name": package}, "ranges": spans}]
    return {
        "id": name,
        "modified": "2024-01-01T00:00:00Z",
        "aliases": aliases,
        "details": f"About {package}.",
        "affected": affected,
    }


KNOWN = (
    record("PYSEC-2019-217", "jinja2", "2.10.1", "CVE-2019-10906", "GHSA-462w-v97r-4m45"),
    record("PYSEC-2021-66", "jinja2", "2.11.3", "CVE-2020-28493", "GHSA-g3rq-g295-4j3m"),
    record("PYSEC-2018-28", "requests", "2.20.0", "CVE-2018-18074", "GHSA-x84v-xcm2-53pg"),
)
"""Three vulnerabilities, each with the names that databases of different tools give it."""


def about(one: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """The package of an advisory as it is installed: name, version, where, fixed in; and the CVE."""
    [affected] = one["affected"]
    name = next(name for name in VULNERABLE if name.lower() == affected["package"]["name"])
    place = f"{SITE_PACKAGES}/{name}-{VULNERABLE[name]}.dist-info/METADATA"
    return name, VULNERABLE[name], place, affected["ranges"][0]["events"][1]["fixed"], one["aliases"][0]


def by_trivy() -> object:
    """A report of Trivy on the image, by name and tag."""
    rows = []
    for one in KNOWN:
        name, version, place, fixed, cve = about(one)
        rows.append(
            {
                "VulnerabilityID": cve,
                "PkgName": name,
                "PkgPath": place,
                "PkgIdentifier": {"PURL": f"pkg:pypi/{name.lower()}@{version}"},
                "InstalledVersion": version,
                "FixedVersion": fixed,
                "Status": "fixed",
                "Layer": {"DiffID": "sha256:" + 64 * "1"},
                "Severity": "HIGH",
            }
        )
    python = {"Target": "Python", "Class": "lang-pkgs", "Type": "python-pkg", "Vulnerabilities": rows}
    return {
        "SchemaVersion": 2,
        "ArtifactName": "registry.example.org/team/shop:1.0",
        "ArtifactType": "container_image",
        "Results": [python],
    }


def by_grype(*, knows_cves: bool) -> object:
    """A report of Grype on the root folder of the image: GitHub's names, and beside them those of CVE if it knows."""
    matches = []
    for one in KNOWN:
        name, version, place, fixed, cve = about(one)
        artifact = {
            "name": name,
            "version": version,
            "type": "python",
            "locations": [{"path": f"/{place}", "layerID": "sha256:" + 64 * "1"}],
            "purl": f"pkg:pypi/{name}@{version}",
        }
        found = {"id": one["aliases"][1], "severity": "Medium", "fix": {"versions": [fixed], "state": "fixed"}}  # type: ignore[index]
        matches.append(
            {
                "vulnerability": found,
                "relatedVulnerabilities": [{"id": cve}] if knows_cves else [],
                "artifact": artifact,
            }
        )
    source = {"type": "directory", "target": "/images/shop"}
    return {"matches": matches, "source": source, "descriptor": {"name": "grype", "version": "0.90.0"}}


def by_pip_audit(site_packages: Path, known: Path) -> bytes:
    """What the real pip-audit says of an environment."""
    data = advisories.load(known)

    def answered(name: str, version: str) -> list[dict[str, Any]]:
        return [dict(advisories.answer(one, name)) for one in advisories.matching(data, name, version).records]

    with endpoint(answered) as url:
        options = ("--vulnerability-service=osv", f"--osv-url={url}", "--format=json", "--aliases=on")
        start = (sys.executable, "-I", "-m", "pip_audit", f"--path={site_packages}", *options)
        return subprocess.run(start, capture_output=True, timeout=100, check=False).stdout


@pytest.mark.parametrize("first", range(4))
def test_four_tools_that_see_one_environment_make_one_finding_of_each_vulnerability(
    tmp_path: Path, database_url: str, first: int
) -> None:
    here, store = repository(tmp_path / "here", {}), ("--store", database_url, "--asset", "shop", "--json")
    known = repository(tmp_path / "known", {f"{one['id']}.json": json.dumps(one) for one in KNOWN})
    unpacked = root(tmp_path / "shop", installed(VULNERABLE))
    reports: dict[str, str | bytes] = {
        "pip-audit": by_pip_audit(unpacked / SITE_PACKAGES, known),
        "trivy": json.dumps(by_trivy()),
        "grype": json.dumps(by_grype(knows_cves=first == 2)),  # then only Trivy came before, which knows nothing else
    }
    repository(here, {f"{tool}.json": report for tool, report in reports.items()})
    archive = docker_archive(here / "saved.tar", installed(VULNERABLE))
    scan = ("scan", "--image", archive, "--advisories", known, *store)
    commands = [scan, *(("ingest", f"{tool}.json", *store) for tool in reports)]
    for command in (*commands[first:], *commands[:first]):
        ended = called(*command, cwd=here)
        assert ended.code == 0, ended

    def findings() -> list[Any]:
        return list(
            called("list", "is:open", "asset:shop", "--store", database_url, "--json", cwd=here).document["findings"]
        )

    assert len(findings()) == len(KNOWN)
    for one in findings():
        assert sorted(seen["scanner"] for seen in one["sightings"]) == ["grype", "pip-audit", "syft", "trivy"]

    docker_archive(here / "saved.tar", installed({"Jinja2": "3.1.6", "requests": "2.32.3"}))
    assert called(*scan, cwd=here).document["scans"][0]["fixed"] == 0
    assert len(findings()) == len(KNOWN)
