"""Container images: Syft lists what is in them, advisories at hand say what is known of it."""

import gzip
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.command import advisories, called, repository
from tests.images import (
    DEBIAN,
    OLD,
    OPENSSL,
    SITE_PACKAGES,
    STATUS,
    debian,
    docker_archive,
    installed,
    oci_archive,
    oci_layout,
    root,
    scanned,
)

PYPA = Path(__file__).parents[1] / "../shared/advisories/PyPI-all.zip"
DSA = {
    "id": "DSA-5532-1",
    "modified": "2024-01-01T00:00:00Z",
    "aliases": ["CVE-2023-5363"],
    "affected": [
        {
            "package": {"ecosystem": "Debian:12", "name": "openssl"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0.11-1~deb12u2"}]}],
        }
    ],
}
FORMS: Mapping[str, Callable[[Path, Mapping[str, str | bytes]], str]] = {
    "what docker save writes": lambda folder, files: str(docker_archive(folder / "saved.tar", files)),
    "an OCI layout": lambda folder, files: str(oci_layout(folder / "layout", files)),
    "the tar of an OCI layout": lambda folder, files: str(oci_archive(folder / "layout.tar", files)),
    "a root folder": lambda folder, files: str(root(folder / "shop", files)),
    "a scheme": lambda folder, files: f"docker-archive:{docker_archive(folder / 'saved.tar', files)}",
}


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """Advisories for the Python package index and for Debian 12."""
    folder = advisories(tmp_path / "known")
    (folder / "DSA-5532-1.json").write_text(json.dumps(DSA))
    return folder


def vulnerabilities(scan: Any) -> set[tuple[str, str]]:  # noqa: ANN401 - JSON
    """What is wrong with what."""
    return {(one["component"]["purl"], min(one["identifiers"])) for one in scan["findings"]}


@pytest.mark.skipif(not PYPA.exists(), reason=f"there are no advisories of the PyPA at {PYPA}")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_image_in_any_form_has_the_findings_that_pip_audit_has_for_its_packages(
    tmp_path: Path, here: Path, form: Callable[[Path, Mapping[str, str | bytes]], str]
) -> None:
    pins = "".join(f"{name}=={version}\n" for name, version in OLD.items())
    arguments = ("--no-store", "--json", "--advisories", PYPA)
    audited = scanned(
        called("scan", ".", "--scanner", "pip-audit", *arguments, cwd=repository(here, {"requirements.txt": pins}))
    )
    ended = called("scan", "--image", form(tmp_path, installed(OLD)), *arguments, cwd=here)
    found = scanned(ended)
    assert (ended.code, found["outcome"], found["scanner"]) == (0, "complete", "syft")
    assert vulnerabilities(found) == vulnerabilities(audited)
    assert len(found["findings"]) > 20
    assert {one["category"] for one in found["findings"]} == {"container"}
    assert {one["locations"][0]["path"].split("/")[0] for one in found["findings"]} == {"shop"}
    assert found["coverage"]["scanned"] == len(OLD)


def test_a_package_of_a_system_is_matched_by_its_source_and_release(tmp_path: Path, here: Path, known: Path) -> None:
    archive = docker_archive(tmp_path / "saved.tar", debian())
    found = scanned(called("scan", "--image", archive, "--no-store", "--json", "--advisories", known, cwd=here))
    assert found["outcome"] == "complete"
    assert vulnerabilities(found) == {
        ("pkg:deb/debian/libssl3@3.0.9-1", "CVE-2023-5363"),
        ("pkg:deb/debian/openssl@3.0.9-1", "CVE-2023-5363"),
    }
    assert {one["locations"][0]["path"] for one in found["findings"]} == {f"shop/{STATUS}"}


def test_a_package_that_is_upgraded_is_mended_and_what_was_not_read_closes_nothing(
    tmp_path: Path, here: Path, known: Path
) -> None:
    def scan(files: Mapping[str, str | bytes]) -> Any:  # noqa: ANN401 - JSON
        archive = docker_archive(tmp_path / "saved.tar", files)
        return scanned(called("scan", "--image", archive, "--json", "--advisories", known, cwd=here))

    old = installed({"jinja2": "2.7.1"})
    assert scan(debian() | old)["new"] == 4
    listed = called("list", "asset:shop", "--json", cwd=here).document["findings"]
    assert {one["asset"] for one in listed} == {"shop"}
    partial = scan(debian("") | installed({"jinja2": "3.1.6"}))
    assert (partial["outcome"], partial["fixed"]) == ("partial", 0)
    upgraded = scan(debian(OPENSSL.replace("3.0.9-1", "3.0.15-1")) | old)
    assert (upgraded["outcome"], upgraded["fixed"]) == ("complete", 2)
    (tmp_path / "saved.tar").write_bytes((tmp_path / "saved.tar").read_bytes()[:2048])
    assert called("scan", "--image", tmp_path / "saved.tar", cwd=here).code == 3
    assert scan(debian(OPENSSL.replace("3.0.9-1", "3.0.15-1")) | installed({"jinja2": "3.1.6"}))["fixed"] == 2


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            debian(""),
            "not scanned: shop/var/lib/dpkg/status: Syft cannot read it: dpkg-db-cataloger: unable to determine",
        ),
        (
            debian(b"\x93\x00\xff" * 900),
            "not scanned: shop/var/lib/dpkg/status: Syft cannot read it: dpkg-db-cataloger: ",
        ),
        (
            debian(release=DEBIAN.replace("12", "13")),
            "2 Debian 13 packages: there are no advisories for Debian:13 at hand",
        ),
        (debian(release=DEBIAN.replace("12", "9")), "(bookworm) is past its end of life since 2022-06-30: "),
        (
            debian(release=DEBIAN.replace('VERSION_ID="12"\n', "")),
            "it is not said of which release of its distribution it is",
        ),
        (
            debian(release="ID=kubutnu\nVERSION_ID=1\n"),
            "there are no rules for packages of the system kubutnu 1",
        ),
        ({"etc/os-release": DEBIAN} | installed({"jinja2": "3.1.6"}), "yet Syft found no package of it"),
        (installed({"jinja2": ""}), "#jinja2: an entry names no package and version that can be read"),
        ({f"{SITE_PACKAGES}/a-1.dist-info/METADATA": b"\x93 no\n\xff metadata\n"}, "Syft warns: "),
        (
            {"app/node_modules/a/package.json": '{"name": "a", "version": "1.0.0"}'},
            "1 npm package: there are no advisories",
        ),
        (
            {"usr/local/bin/tool": Path("/bin/ls").read_bytes()} | installed({"jinja2": "3.1.6"}),
            "shop/usr/local/bin/tool: it can be run",
        ),
        ({"readme.txt": "nothing"}, "Syft found no package"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_matched_makes_a_scan_partial_and_is_told(
    tmp_path: Path, here: Path, known: Path, files: Mapping[str, str | bytes], said: str
) -> None:
    archive = docker_archive(tmp_path / "saved.tar", files)
    ended = called("scan", "--image", archive, "--no-store", "--json", "--advisories", known, cwd=here)
    found = scanned(ended)
    assert (ended.code, found["outcome"]) == (3, "partial")
    assert any(said in reason for reason in found["reasons"]), found["reasons"]


def test_without_any_advisories_nothing_is_clean(tmp_path: Path, here: Path) -> None:
    archive = docker_archive(tmp_path / "saved.tar", installed(OLD))
    ended = called("scan", "--image", archive, "--no-store", "--json", cwd=here)
    [reason] = scanned(ended)["reasons"]
    assert ended.code == 3
    assert "4 PyPI packages: there are no advisories for PyPI" in reason


def test_what_need_not_be_understood_is_left_out_by_the_configuration(tmp_path: Path, here: Path, known: Path) -> None:
    tool = {"usr/local/bin/tool": Path("/bin/ls").read_bytes()}
    archive = docker_archive(tmp_path / "saved.tar", tool | installed({"jinja2": "3.1.6"}))
    (here / "fixby.toml").write_text('exclude = ["usr/local/bin"]\n')
    ended = called("scan", "--image", archive, "--no-store", "--json", "--advisories", known, cwd=here)
    found = scanned(ended)
    assert (ended.code, found["outcome"]) == (0, "complete")
    assert [one["path"] for one in found["coverage"]["excluded"]] == ["shop/usr/local/bin/tool"]


def test_what_belongs_to_a_package_of_python_is_known(tmp_path: Path, here: Path, known: Path) -> None:
    record = {f"{SITE_PACKAGES}/jinja2-3.1.6.dist-info/RECORD": "jinja2/speed.so,sha256=abc,1\n"}
    files = {f"{SITE_PACKAGES}/jinja2/speed.so": Path("/bin/ls").read_bytes()} | installed({"jinja2": "3.1.6"}) | record
    archive = docker_archive(tmp_path / "saved.tar", files)
    assert called("scan", "--image", archive, "--no-store", "--advisories", known, cwd=here).code == 0


@pytest.mark.parametrize(
    ("image", "code", "said"),
    [
        ("missing.tar", 2, "missing.tar does not exist."),
        ("./missing", 2, "./missing does not exist."),
        ("docker-archive:missing", 2, "missing does not exist."),
        ("words.txt", 2, "words.txt is no image: it is no tar archive and no folder."),
        ("saved.tar.gz", 2, "saved.tar.gz is compressed."),
        ("pipe", 3, "pipe is damaged or cut short: [Errno 22] Not a regular file"),
        ("plain.tar", 2, "plain.tar is no image: it lacks manifest.json, or oci-layout and index.json."),
        ("oci-archive:saved.tar", 2, "saved.tar is no oci-archive"),
        ("oci-dir:folder", 2, "folder is no OCI layout"),
        ("docker-archive:folder", 2, "folder is a folder, no docker-archive."),
        ("registry:Shop:1", 2, "'Shop:1' is no reference of an image."),
        ("registry:", 2, "'' is no reference of an image."),
        ("registry:shop --config=x", 2, "'shop --config=x' is no reference of an image."),
        ("cut.tar", 3, "cut.tar is damaged or cut short"),
        ("layerless.tar", 3, "Syft cannot read the image: could not determine source: "),
        ("dir:folder", 3, "Syft found no package"),
        ("127.0.0.1:1/shop:1", 3, "Syft cannot read the image"),
    ],
)
def test_what_is_no_image_or_is_not_at_hand_is_told(here: Path, image: str, code: int, said: str) -> None:
    saved = docker_archive(here / "saved.tar", debian()).read_bytes()
    repository(here, {"words.txt": "words", "folder/a.txt": "a", "cut.tar": saved[:3000]})
    (here / "saved.tar.gz").write_bytes(gzip.compress(saved))
    os.mkfifo(here / "pipe")
    (here / "plain.tar").write_bytes(saved.replace(b"manifest.json", b"manifesto.txt"))
    (here / "layerless.tar").write_bytes(saved.replace(b'["layer.tar"]', b'["lacks.tar"]'))
    ended = called("scan", "--image", image, "--no-store", cwd=here)
    assert ended.code == code, ended
    assert said in ended.out + ended.err
    assert "\x1b" not in ended.out
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "container"), "What looks at images was asked for, and no image."),
        (("--scanner", "syft"), "What looks at images was asked for, and no image."),
        (("--image", "saved.tar", "--only", "sast"), "No scanner is of the kinds that were asked for."),
        (("--image", "saved.tar", "--scanner", "sift"), "There is no scanner 'sift'."),
        (("--image", "saved.tar", "--resolve"), "--rules and --resolve are for files, not for an image."),
    ],
)
def test_a_wish_about_images_that_makes_no_sense_is_told(here: Path, arguments: tuple[str, ...], said: str) -> None:
    docker_archive(here / "saved.tar", installed(OLD))
    ended = called("scan", *arguments, cwd=here)
    assert ended.code == 2
    assert said in ended.err


def test_what_is_configured_of_scanners_may_name_both_kinds(here: Path, known: Path) -> None:
    docker_archive(here / "saved.tar", installed({"jinja2": "3.1.6"}))
    (here / "fixby.toml").write_text('scanners = ["bandit", "syft"]\n')
    for arguments, scanner in (((".",), "bandit"), (("--image", "saved.tar"), "syft")):
        ended = called("scan", *arguments, "--no-store", "--json", "--advisories", known, cwd=here)
        assert [one["scanner"] for one in ended.document["scans"]] == [scanner]


def test_a_gate_for_images_passes_what_it_could_check(here: Path, known: Path) -> None:
    (here / "gate.toml").write_text(GATE)
    (here / "fixby.toml").write_text('gate = "gate.toml"\n')
    scan = ("scan", "--image", "saved.tar", "--gate", "--advisories", known)
    docker_archive(here / "saved.tar", installed({"jinja2": "2.7.1"}))
    assert called(*scan, cwd=here).code == 1
    docker_archive(here / "saved.tar", installed({"jinja2": "3.1.6"}))
    assert called(*scan, cwd=here).code == 0
    docker_archive(here / "saved.tar", debian("") | installed({"jinja2": "3.1.6"}))
    assert called(*scan, cwd=here).code == 3


GATE = """\
name = "images"

[[rules]]
name = "no open critical finding"
query = "is:open severity:critical"
limit = 0

[scans]
required = ["syft"]
recorded = true
max_age = "24h"
"""


def test_an_image_that_is_called_as_the_folder_must_be_named(here: Path, known: Path) -> None:
    saved = docker_archive(here / "saved.tar", OLD, f"{here.name}:1.0")
    scan = ("scan", "--image", saved, "--advisories", known)
    refused = called(*scan, cwd=here)
    assert refused.code == 2
    assert f"The image and the folder here are both called '{here.name}'." in refused.err
    assert "--asset" in refused.err
    assert called(*scan, "--asset", "saved", cwd=here).code != 2
    assert called(*scan, "--no-store", cwd=here).code != 2


def test_an_image_that_is_named_bears_that_name_whatever_it_is_saved_as(here: Path, known: Path) -> None:
    for number, tag in enumerate((None, "registry.example.org/team/shop:2.0")):
        docker_archive(here / f"{number}.tar", installed({"jinja2": "2.7.1"}), tag)
        arguments = ("scan", "--image", f"{number}.tar", "--asset", "shop", "--json", "--advisories", known)
        assert scanned(called(*arguments, cwd=here))["new"] == (0 if number else 2)
    names = {one["asset"] for one in called("list", "asset:shop", "--json", cwd=here).document["findings"]}
    assert names == {"shop"}
