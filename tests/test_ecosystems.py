"""Versions in the order of their ecosystem, and what cannot be read as one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixby.scanners.ecosystems import Ecosystem, ecosystem, ecosystem_of_purl, release, semantic_point


def known(name: str) -> Ecosystem:
    found = ecosystem(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "ascending"),
    [
        (
            "npm",
            "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1",
        ),
        ("Go", "v0.0.0-20190101000000-abcdefabcdef v0.0.0-20200101000000-abcdefabcdef v0.1.0 v1.9.0 v1.10.0"),
        ("crates.io", "0.9.9 0.10.0-rc1 0.10.0 0.10.1"),
        ("PyPI", "1.0.dev1 1.0a1 1.0rc1 1.0 1.0.post1 1.1 1!0.1"),
        ("RubyGems", "1.0.a 1.0.b1 1.0.rc1 1.0 1.0.0.1 1.0.10 1.1"),
        ("Packagist", "1.0.0-alpha1 1.0.0-beta2 1.0.0-RC1 1.0.0-RC2 v1.0.0 1.0.0-patch1 1.0.0.1 1.0.1 1.0.10"),
        (
            "Maven",
            "1-alpha-1 1-beta-1 1-milestone-1 1-rc1 1-SNAPSHOT 1 1-sp 1.10 5.0.16.RELEASE 5.0.17 5.3.0-M1 5.3.0",
        ),
        ("NuGet", "1.0.0-alpha.2 1.0.0-alpha.10 1.0.0-beta 1.0.0 1.0.0.1 1.0.1"),
        ("Debian:12", "1.0~rc1 1.0 1.0-1 1.0-1+deb12u1 1.0-2 1.0.1 1:0.1"),
        ("Alpine:v3.19", "1.1.1k-r0 1.1.1l-r0 1.1.1l-r9 1.1.1l-r10 3.0.0_rc1 3.0.0-r0 3.0.10-r0"),
        ("Rocky Linux:9", "1.0~rc1-1 1.0-1 1.0-2.el9 1.0-10.el9 1.0.1-1 1:0.1-1"),
    ],
)
def test_each_ecosystem_has_its_own_order(name: str, ascending: str) -> None:
    for lower, higher in pairwise(map(known(name).point, ascending.split())):
        assert lower < higher
        assert not higher < lower


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("npm", "1.2.3+build.5", "1.2.3"),
        ("Go", "v2.0.0+incompatible", "2.0.0"),
        ("Packagist", "v1.2", "1.2.0.0"),
        ("Maven", "1.0.0.Final", "1"),
        ("NuGet", "1.0-Beta", "1.0.0.0-beta"),
        ("RubyGems", "1.0", "1.0.0"),
        ("Debian", "0:1.0-1", "1.0-1"),
    ],
)
def test_two_spellings_of_one_version_are_neither_before_nor_after(name: str, one: str, other: str) -> None:
    point = known(name).point
    assert not point(one) < point(other)
    assert not point(other) < point(one)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("npm", "latest"),
        ("npm", "1.2.3.4"),
        ("npm", "1.x"),
        ("npm", "1." + "9" * 5000),
        ("Go", "master"),
        ("PyPI", "2013b-old"),
        ("RubyGems", "one"),
        ("Packagist", "dev-main"),
        ("NuGet", "one"),
        ("NuGet", ""),
        ("NuGet", "v"),
        ("Maven", "1-" * 5000),
        ("Debian", "$$"),
        ("Alpine", "latest"),
        ("Rocky Linux", ""),
    ],
)
def test_what_is_no_version_is_an_error(name: str, version: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        known(name).point(version)


@given(st.text(max_size=30))
def test_any_text_is_a_semantic_version_or_none(text: str) -> None:
    try:
        one, same = semantic_point(text), semantic_point(f" {text}".strip())
    except ValueError:
        return
    assert not one < same


@pytest.mark.parametrize("name", ["Maven", "NuGet", "RubyGems", "Packagist", "Debian", "Alpine", "Rocky Linux"])
@given(texts=st.lists(st.text("019.-+~^:_abrcp vé", max_size=12), min_size=2, max_size=2))
def test_any_two_texts_are_ordered_or_none_are_versions(name: str, texts: list[str]) -> None:
    try:
        one, other = map(known(name).point, texts)
    except ValueError:
        return
    assert not (one < other < one)


def test_an_ecosystem_is_known_by_its_name_and_by_package_urls() -> None:
    assert ecosystem("Debian:12") is ecosystem("Debian")
    assert ecosystem("Bitnami") is None
    assert ecosystem_of_purl("deb", "ubuntu") is ecosystem("Ubuntu")
    assert ecosystem_of_purl("deb", "devuan") is None
    assert ecosystem_of_purl("npm", "@angular") is ecosystem("npm")
    assert ecosystem_of_purl("oci", "") is None


def test_releases_of_distributions_are_numbers() -> None:
    names = ("Debian:12", "Alpine:v3.19", "Ubuntu:22.04:LTS", "Ubuntu:Pro:18.04:LTS", "Ubuntu", "Rocky Linux:9")
    assert [release(name) for name in names] == ["12", "3.19", "22.04", "Pro:18.04", "", "9"]
