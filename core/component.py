"""A package in a certain version, named by its package URL (purl)."""

import re
from dataclasses import dataclass
from functools import lru_cache

from packageurl import PackageURL


@dataclass(frozen=True, slots=True)
class Component:
    """A package that a finding is about.

    `purl` follows the package-url specification and carries the version; `ecosystem` is the purl type (`pypi`, `npm`,
    `deb`); `fixed_versions` are the versions that no longer have the weakness, in the scanner's order.
    """

    purl: str
    ecosystem: str
    name: str
    version: str
    fixed_versions: tuple[str, ...] = ()


def component(ecosystem: str, name: str, version: str, fixed_versions: tuple[str, ...] = ()) -> Component:
    """A component of a purl type such as `pypi`; a name like `@scope/name` or `group/artifact` carries its namespace.

    Raises `ValueError` where the parts make no package URL.
    """
    namespace, _, bare_name = name.rpartition("/")
    purl = PackageURL(ecosystem, namespace or None, bare_name.strip(), version or None)
    return Component(purl.to_string(), purl.type, name, version, fixed_versions)


@lru_cache(maxsize=65_536)
def purl_without_version(purl: str) -> str:
    """The package URL of all versions of a package: no version, qualifiers or subpath. Raises `ValueError`.

    Names of the Python package index are normalised as PEP 503 has it.
    """
    parts = PackageURL.from_string(purl)
    name = re.sub(r"[-_.]+", "-", parts.name).lower() if parts.type == "pypi" else parts.name
    return PackageURL(parts.type, parts.namespace, name).to_string()
