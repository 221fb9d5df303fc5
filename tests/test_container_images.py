"""Images looked at by Trivy and Grype: programs that behave as they do replay reports (`tests/container_tools.py`)."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.command import Ended, called, repository
from tests.container_tools import Tool, grype_report, trivy_version
from tests.test_container_tools import CORPUS, DAY, FILES, HOUR, ago, grype, scanned, trivy

LAYOUT = {
    "oci-layout": '{"imageLayoutVersion": "1.0.0"}',
    "index.json": json.dumps(
        {"schemaVersion": 2, "manifests": [{"annotations": {"io.containerd.image.name": "docker.io/library/shop:1"}}]}
    ),
    "blobs/sha256/00": "{}",
}
SAVED = {"manifest.json": json.dumps([{"Config": "c.json", "RepoTags": ["shop:1"], "Layers": []}])}
PACKAGE = {"Name": "openssl", "Version": "3.0.9", "Identifier": {"PURL": "pkg:deb/debian/openssl@3.0.9"}}
VULNERABILITY = {
    "VulnerabilityID": "CVE-2023-5363",
    "PkgName": "openssl",
    "PkgIdentifier": {"PURL": "pkg:deb/debian/openssl@3.0.9"},
    "InstalledVersion": "3.0.9",
    "FixedVersion": "3.0.11",
    "Severity": "HIGH",
    "Title": "openssl: truncated keys",
}
SECRET = {"RuleID": "private-key", "Severity": "HIGH", "Title": "Private key", "StartLine": 1, "Match": "-----***-----"}


def report(system: Mapping[str, object] | None = None, **others: object) -> str:
    """A report of an image of Debian that lies somewhere: a package of the system, and a secret in a file."""
    family = {"Family": "debian", "Name": "12.1"} if system is None else system
    packages = {"Target": "x.tar (debian 12.1)", "Class": "os-pkgs", "Type": "debian", "Packages": [PACKAGE]}
    secrets = {"Target": "/app/key.pem", "Class": "secret", "Secrets": [SECRET]}
    return json.dumps(
        {
            "SchemaVersion": 2,
            "ArtifactName": "x.tar",
            "ArtifactType": "filesystem",
            "Metadata": {"OS": family},
            "Results": [{**packages, "Vulnerabilities": [VULNERABILITY]}, secrets],
            **others,
        }
    )


def archive(path: Path, files: Mapping[str, str]) -> Path:
    with tarfile.open(path, "w") as goal:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            goal.addfile(member, io.BytesIO(content.encode()))
    return path


def look(folder: Path, tool: Tool, name: str, image: object, *options: object) -> Ended:
    here = repository(folder / "here", {})
    return called(
        "scan", "--image", image, "--scanner", name, "--no-store", "--json", *options, cwd=here, **tool.environment
    )


def test_trivy_looks_at_an_image_by_whatever_it_lies_in(tmp_path: Path) -> None:
    saved = archive(tmp_path / "saved.tar", SAVED)
    packed = archive(tmp_path / "packed.tar", LAYOUT)
    layout = repository(tmp_path / "layout", LAYOUT)
    root = repository(tmp_path / "root" / "shop", {"etc/os-release": "ID=debian\n"})
    for image, command, said in (
        (saved, "image", f"--input={saved}"),
        (layout, "image", f"--input={layout}"),
        (root, "rootfs", str(root)),
        ("registry:shop:1", "image", "--image-src=remote"),
        ("docker:shop:1", "image", "--image-src=docker"),
        (packed, "image", ""),
    ):
        tool = trivy(tmp_path, report=report())
        ended = look(tmp_path, tool, "trivy", image)
        found = scanned(ended)
        assert (ended.code, found["outcome"], found["reasons"]) == (0, "complete", []), image
        places = {one["rule_id"]: one["locations"][0]["path"] for one in found["findings"]}
        assert places == {"CVE-2023-5363": "shop", "private-key": "shop/app/key.pem"}, image
        arguments = tool.call["arguments"]
        assert arguments[0] == command
        assert not said or said in arguments
        assert {"--skip-db-update", "--scanners=vuln,secret"} <= set(arguments)
    assert any(one.startswith("--input=") and one.endswith("/layout") for one in arguments)


def test_what_trivy_finds_in_the_configuration_of_an_image_stands_in_the_image_itself(tmp_path: Path) -> None:
    """Trivy names it by where the image lies, which is another place each time that an archive is unpacked."""
    check = {"ID": "DS002", "Title": "root", "Message": "no USER", "Severity": "HIGH", "Status": "FAIL"}
    history = {"Target": "x.tar", "Class": "config", "Type": "dockerfile", "Misconfigurations": [check]}
    variables = {"Target": "x.tar", "Class": "secret", "Secrets": [SECRET]}
    tool = trivy(tmp_path, report=report(Results=[history, variables]))
    found = scanned(look(tmp_path, tool, "trivy", archive(tmp_path / "saved.tar", SAVED)))
    assert "--image-config-scanners=misconfig,secret" in tool.call["arguments"]
    assert {one["category"]: one["locations"][0]["path"] for one in found["findings"]} == {
        "misconfiguration": "shop",
        "secret": "shop",
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--scanner", "syft", "--scanner", "bandit"), "--scanner: syft does not look at files."),
        (("--scanner", "bandit", "--image", "saved.tar"), "--scanner: bandit does not look at images."),
    ],
)
def test_a_scanner_that_was_asked_for_is_not_passed_over(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    archive(tmp_path / "saved.tar", SAVED)
    ended = called("scan", *options, "--no-store", cwd=tmp_path)
    assert (ended.code, said in ended.err) == (2, True)


@pytest.mark.parametrize("first", ["files", "image"])
def test_files_and_an_image_of_one_name_close_nothing_of_each_other(
    tmp_path: Path, database_url: str, first: str
) -> None:
    """To Trivy both would be the asset `shop`, and what is not in the one would be gone from the other."""
    shop, saved = repository(tmp_path / "shop", FILES), archive(tmp_path / "saved.tar", SAVED)

    def scanned_by_trivy(what: str, *options: object) -> Ended:
        tool = trivy(tmp_path, report=report()) if what == "image" else trivy(tmp_path)
        of = ("--image", saved, "--asset", "shop", *options) if what == "image" else options
        return called(
            "scan", "--scanner", "trivy", *of, "--store", database_url, "--json", cwd=shop, **tool.environment
        )

    assert scanned_by_trivy(first).code == 0
    before = called("list", "is:open", "--json", "--store", database_url, cwd=shop).document["findings"]
    other = "files" if first == "image" else "image"
    ended = scanned_by_trivy(other)
    [refused] = ended.document["scans"]
    assert (ended.code, refused["outcome"], refused["findings"], refused["fixed"]) == (3, "failed", [], 0)
    assert "Give it another name: --asset" in refused["reasons"][0]
    after = called("list", "is:open", "--json", "--store", database_url, cwd=shop).document["findings"]
    assert [one["id"] for one in after] == [one["id"] for one in before]
    assert scanned_by_trivy(first).code == 0
    assert scanned_by_trivy(other, "--asset", "another").code == 0


@pytest.mark.parametrize("name", ["image", "Shop: the first", "shop.tar", "0123456789ab", "registry:5000/team/shop"])
def test_findings_stand_in_the_name_that_the_image_is_given(tmp_path: Path, name: str) -> None:
    saved = archive(tmp_path / "saved.tar", SAVED)
    for tool, scanner in (
        (trivy(tmp_path, report=report()), "trivy"),
        (grype(tmp_path, report=of_image(), bill=listed()), "grype"),
    ):
        found = scanned(look(tmp_path, tool, scanner, saved, "--asset", name))
        first = [one["locations"][0]["path"] for one in found["findings"] if one["rule_id"] == "CVE-2023-5363"]
        assert (found["outcome"], first) == ("complete", [name])


def test_an_oci_archive_is_unpacked_for_trivy_and_nothing_leads_out_of_it(tmp_path: Path) -> None:
    tool = trivy(tmp_path, report=report())
    evil = archive(tmp_path / "evil.tar", {**LAYOUT, "blobs/../../../escaped": "x"})
    ended = look(tmp_path, tool, "trivy", evil)
    assert (ended.code, scanned(ended)["outcome"], tool.call) == (3, "failed", None)
    assert "is no archive of an image" in scanned(ended)["reasons"][0]


def test_an_oci_archive_with_a_name_that_no_file_can_have_is_not_unpacked(tmp_path: Path) -> None:
    image = archive(tmp_path / "nul.tar", LAYOUT)
    with tarfile.open(image, "a") as goal:
        member = tarfile.TarInfo("blobs/sha256/01")
        member.pax_headers = {"path": "blobs/sha256/0\0001"}
        goal.addfile(member)
    ended = look(tmp_path, trivy(tmp_path, report=report()), "trivy", image)
    assert (ended.code, scanned(ended)["outcome"]) == (3, "failed")


def test_an_archive_that_says_it_holds_more_than_it_does_is_not_unpacked(tmp_path: Path) -> None:
    """A sparse file of ten terabytes takes a kilobyte in an archive."""
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10**13)}
    image = archive(tmp_path / "sparse.tar", LAYOUT)
    with tarfile.open(image, "a") as goal:
        member = tarfile.TarInfo("blobs/sha256/01")
        member.pax_headers = {**sparse, "GNU.sparse.name": member.name}
        content = b"1\n0\n1\n".ljust(512, b"\0") + b"x"
        member.size = len(content)
        goal.addfile(member, io.BytesIO(content))
    tool = trivy(tmp_path, report=report())
    ended = look(tmp_path, tool, "trivy", image)
    assert (ended.code, scanned(ended)["outcome"], tool.call) == (3, "failed", None)
    assert "is no archive of an image: blobs/sha256/01" in scanned(ended)["reasons"][0]


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"report": report({"Family": "none", "Name": ""})}, "Trivy knows no distribution in the image"),
        ({"report": report({})}, "Trivy knows no distribution in the image"),
        (
            {"report": report({"Family": "debian", "Name": "8", "EOSL": True})},
            "the system debian 8 is past its end of life",
        ),
        ({"errors": '2026-11-02T10:00:01Z\tWARN\tUnsupported os\tfamily="fedora"\n'}, "Unsupported os"),
        ({"version": trivy_version()}, "Trivy has no database of vulnerabilities"),
        ({"version": trivy_version(ago(6 * DAY))}, "the database of Trivy is of"),
    ],
)
def test_whatever_trivy_cannot_know_of_an_image_makes_the_scan_partial(
    tmp_path: Path, odd: dict[str, str], said: str
) -> None:
    tool = trivy(tmp_path, **{"report": report(), **odd})
    ended = look(tmp_path, tool, "trivy", archive(tmp_path / "saved.tar", SAVED))
    [reason] = scanned(ended)["reasons"]
    assert (ended.code, scanned(ended)["outcome"], reason.startswith(said)) == (3, "partial", True)


def of_image(**others: object) -> str:
    artifact = {
        "name": "openssl",
        "version": "3.0.9",
        "type": "deb",
        "purl": "pkg:deb/debian/openssl@3.0.9",
        "locations": [{"path": "/var/lib/dpkg/status"}],
    }
    match = {"vulnerability": {"id": "CVE-2023-5363", "severity": "High"}, "artifact": artifact}
    source = {"type": "image", "target": {"userInput": "x.tar", "tags": []}}
    some = {"matches": [match], "ignoredMatches": [], "source": source, "distro": {"name": "debian", "version": "12"}}
    return grype_report(ago(HOUR), **{**some, **others})


def listed() -> str:
    place = {"name": "syft:location:0:path", "value": "/var/lib/dpkg/status"}
    purl = "pkg:deb/debian/openssl@3.0.9"
    openssl = {"type": "library", "name": "openssl", "version": "3.0.9", "purl": purl, "properties": [place]}
    return json.dumps({"components": [openssl, {"type": "operating-system", "name": "debian", "version": "12"}]})


def test_grype_looks_at_an_image_by_its_form(tmp_path: Path) -> None:
    packed = archive(tmp_path / "packed.tar", LAYOUT)
    layout = repository(tmp_path / "layout", LAYOUT)
    for image, said in (
        (archive(tmp_path / "saved.tar", SAVED), f"docker-archive:{tmp_path / 'saved.tar'}"),
        (packed, f"oci-archive:{packed}"),
        (layout, f"oci-dir:{layout}"),
        ("registry.example.org/shop:1", "registry:registry.example.org/shop:1"),
    ):
        tool = grype(tmp_path, report=of_image(), bill=listed())
        ended = look(tmp_path, tool, "grype", image)
        found = scanned(ended)
        assert (ended.code, found["outcome"], found["reasons"], found["coverage"]["scanned"]) == (0, "complete", [], 1)
        [one] = found["findings"]
        name = "registry.example.org/shop" if image == "registry.example.org/shop:1" else "shop"
        assert (one["locations"][0]["path"], one["category"]) == (name, "container")
        assert tool.call["arguments"][0] == said


def test_grype_is_not_let_into_a_root_folder_whose_links_lead_into_this_machine(tmp_path: Path) -> None:
    root = repository(tmp_path / "root" / "shop", {"etc/os-release": "ID=debian\n"})
    tool = grype(tmp_path)
    ended = look(tmp_path, tool, "grype", root)
    assert (ended.code, scanned(ended)["outcome"], tool.call) == (3, "failed", None)
    assert "Take syft or trivy for it." in scanned(ended)["reasons"][0]


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"distro": {"name": "", "version": ""}}, "Grype knows no distribution in the image"),
        (
            {"alertsByPackage": [{"package": {"name": "openssl"}, "alerts": [{"type": "distro-eol"}]}]},
            "openssl: distro-eol",
        ),
        ({"descriptor": {"name": "grype", "db": {"status": {"built": "2020-01-01T00:00:00Z"}}}}, "the database of"),
    ],
)
def test_whatever_grype_cannot_know_of_an_image_makes_the_scan_partial(
    tmp_path: Path, odd: dict[str, object], said: str
) -> None:
    tool = grype(tmp_path, report=of_image(**odd), bill=listed())
    ended = look(tmp_path, tool, "grype", archive(tmp_path / "saved.tar", SAVED))
    [reason] = scanned(ended)["reasons"]
    assert (ended.code, scanned(ended)["outcome"], reason.startswith(said)) == (3, "partial", True)


def test_an_image_is_looked_at_by_them_only_where_somebody_asks_for_it(tmp_path: Path) -> None:
    tool = trivy(tmp_path, report=report())
    image = archive(tmp_path / "saved.tar", SAVED)
    here = repository(tmp_path / "here", {})
    plain = called("scan", "--image", image, "--no-store", "--json", cwd=here, **tool.environment)
    assert [one["scanner"] for one in plain.document["scans"]] == ["syft"]
    asked = called(
        "scan", "--image", image, "--only", "container", "--no-store", "--json", cwd=here, **tool.environment
    )
    assert "trivy" in {one["scanner"] for one in asked.document["scans"]}


def golden() -> list[Path]:
    """The real reports of images that the corpus has."""
    some = sorted(CORPUS.glob("trivy-golden/*.json.golden"))
    return [file for file in some if json.loads(file.read_bytes()).get("ArtifactType") == "container_image"]


@pytest.mark.skipif(not golden(), reason="there is no corpus of reports beside this repository")
@pytest.mark.parametrize("file", golden(), ids=lambda file: file.name)
def test_a_real_report_of_an_image_gives_the_findings_that_it_holds(tmp_path: Path, file: Path) -> None:
    real: Any = json.loads(file.read_bytes())
    number = sum(len(one.get("Vulnerabilities") or ()) for one in real.get("Results", ()))
    tool = trivy(tmp_path, report=file.read_text())
    found = scanned(look(tmp_path, tool, "trivy", archive(tmp_path / "saved.tar", SAVED)))
    told = [one for one in found["findings"] if one["category"] == "container"]
    assert len(told) == number
    assert all(one["locations"][0]["path"].startswith("shop") for one in told)
    system = real.get("Metadata", {}).get("OS", {})
    is_known = system.get("Family", "none") != "none" and not system.get("EOSL")
    assert found["outcome"] == ("complete" if is_known else "partial")
