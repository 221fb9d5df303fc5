"""Writes what Fixby is made of when it is installed by its lock files: a CycloneDX 1.6 bill of materials, in JSON.

Each package has the hashes of the files that may be installed of it. What only scans images, and is optional, says so.
"""  # noqa: INP001 - a script

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[1]


def written() -> str:
    """The bill of materials. Raises `ValueError` for a lock file that names nothing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = _component(project["name"], project["version"], ComponentScope.REQUIRED)
    parts = [
        *_locked(ROOT / "requirements.txt", ComponentScope.REQUIRED),
        *_locked(ROOT / "requirements-container.txt", ComponentScope.OPTIONAL),
    ]
    bom = Bom(components=parts, metadata=BomMetaData(component=ours))
    bom.register_dependency(ours, parts)
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def _locked(file: Path, scope: ComponentScope) -> Iterator[Component]:
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)(.*?)(?=^\S|\Z)", file.read_text(), re.MULTILINE | re.DOTALL)
    if not pins:
        raise ValueError(f"{file.name} names no package")
    for name, version, rest in pins:
        yield _component(name, version, scope, *re.findall(r"--hash=sha256:([0-9a-f]{64})", rest))


def _component(name: str, version: str, scope: ComponentScope, *sha256: str) -> Component:
    purl = PackageURL("pypi", name=name, version=version)
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=one) for one in sha256]
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        scope=scope,
        hashes=hashes,
    )


if __name__ == "__main__":
    sys.stdout.write(f"{written()}\n")
