"""Bills of materials: their packages by package URL, those that cannot be matched by name."""

import json

import pytest

from fixby.errors import ReportError
from fixby.scanners.lockfiles.lockfile import Item, Package, Unread
from fixby.scanners.lockfiles.registry import is_read, read

DEB = "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&upstream=openssl&distro=debian-12"
CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "metadata": {"component": {"type": "application", "name": "shop"}},
    "components": [
        {"type": "library", "name": "lodash", "purl": "pkg:npm/lodash@4.17.15"},
        {
            "type": "library",
            "name": "outer",
            "purl": "pkg:npm/%40scope/outer@1.0.0",
            "components": [{"type": "library", "name": "log4j-core", "purl": "pkg:maven/org.apache/log4j-core@2.14.0"}],
        },
        {"type": "library", "name": "libssl3", "purl": DEB},
        {"type": "library", "name": "busybox", "purl": "pkg:apk/alpine/busybox@1.36.1-r0?distro=alpine-3.19.1"},
        {"type": "library", "name": "bash", "purl": "pkg:rpm/rocky/bash@5.1-1.el9?epoch=1&distro=rocky-9.3"},
        {"type": "library", "name": "gin", "purl": "pkg:golang/github.com/gin-gonic/gin@v1.6.0"},
        {"type": "library", "name": "unnamed"},
        {"type": "library", "name": "broken", "purl": "lodash"},
        {"type": "library", "name": "unversioned", "purl": "pkg:npm/unversioned"},
        {"type": "library", "name": "blob", "purl": "pkg:generic/blob@1"},
        {"type": "operating-system", "name": "debian", "version": "12"},
        {"type": "file", "name": "/bin/sh"},
    ],
}


def _spdx(name: str, purl: str = "") -> dict[str, object]:
    links = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]
    return {"SPDXID": f"SPDXRef-{name}", "name": name, "externalRefs": links if purl else []}


SPDX = {
    "spdxVersion": "SPDX-2.3",
    "packages": [_spdx("shop"), _spdx("lodash", "pkg:npm/lodash@4.17.15"), _spdx("unnamed")],
    "relationships": [
        {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-shop"}
    ],
}


def items(path: str, bill: object) -> list[Item]:
    return read(path, json.dumps(bill, indent=1).encode())


def test_packages_of_cyclonedx_are_known_by_their_package_urls() -> None:
    found = items("shop.cdx.json", CYCLONEDX)
    packages = [one for one in found if isinstance(one, Package)]
    assert [(one.ecosystem, one.name, one.version, one.source) for one in packages] == [
        ("npm", "lodash", "4.17.15", None),
        ("npm", "@scope/outer", "1.0.0", None),
        ("Maven", "org.apache:log4j-core", "2.14.0", None),
        ("Debian:12", "libssl3", "3.0.9-1", ("openssl", "3.0.9-1")),
        ("Alpine:3.19", "busybox", "1.36.1-r0", None),
        ("Rocky Linux:9", "bash", "5.1-1.el9", ("bash", "1:5.1-1.el9")),
        ("Go", "github.com/gin-gonic/gin", "v1.6.0", None),
    ]
    assert packages[0].line == 14
    assert {one.name: one.reason for one in found if isinstance(one, Unread)} == {
        "unnamed": "has no package URL, by which advisories could be found",
        "broken": "has a package URL that cannot be read",
        "unversioned": "an entry names no package and version that can be read",
        "blob": "there are no rules for package URLs of the type generic",
    }


def test_packages_of_spdx_are_known_by_their_package_urls() -> None:
    assert items("shop.spdx.json", SPDX) == [
        Package("npm", "lodash", "4.17.15", 16),
        Unread("unnamed", "has no package URL, by which advisories could be found"),
    ]


@pytest.mark.parametrize(
    ("bill", "said"),
    [
        ({}, "expected `bomFormat` to be CycloneDX"),
        ({"bomFormat": "CycloneDX", "components": {}}, "expected a list at `components`"),
        ({"bomFormat": "CycloneDX", "components": [1]}, r"components[0]"),
        ({"spdxVersion": "SPDX-2.3", "packages": [{"name": 1}]}, "expected a string at `name`"),
    ],
)
def test_what_is_no_bill_is_refused(bill: object, said: str) -> None:
    with pytest.raises(ReportError) as refused:
        items("a.cdx.json", bill)
    assert said in refused.value.message


def test_components_without_end_are_refused() -> None:
    node: dict[str, object] = {"name": "a", "type": "file"}
    for _ in range(150):
        node = {"name": "a", "type": "file", "components": [node]}
    with pytest.raises(ReportError, match="nested too deeply"):
        items("a.cdx.json", {"bomFormat": "CycloneDX", "components": [node]})


def test_bills_are_known_by_their_names() -> None:
    assert all(map(is_read, ("bom.json", "deep/x.cdx.json", "x.spdx.json")))
    assert not is_read("x.json")
