"""Small images, made without any tool: a root file system, and the archives and layouts that hold it."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from tests.command import Ended, repository

SITE_PACKAGES = "usr/local/lib/python3.11/site-packages"
OLD = {"Django": "3.2.0", "Jinja2": "2.10", "PyYAML": "5.1", "requests": "2.19.1"}
"""Versions of real packages in which vulnerabilities are known."""

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'
STATUS = "var/lib/dpkg/status"
OPENSSL = """\
Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.9-1
Maintainer: Somebody <somebody@example.org>
Description: libraries

Package: openssl
Status: install ok installed
Architecture: amd64
Version: 3.0.9-1
Maintainer: Somebody <somebody@example.org>
Description: a program

"""
"""A database of packages: two that are built of one source."""

Files = Mapping[str, str | bytes]


def installed(packages: Mapping[str, str]) -> dict[str, str | bytes]:
    """What pip leaves behind of packages, as far as scanners look at it."""
    return {
        f"{SITE_PACKAGES}/{name}-{version}.dist-info/METADATA": f"Name: {name}\nVersion: {version}\n\n"
        for name, version in packages.items()
    }


def debian(database: str | bytes = OPENSSL, release: str = DEBIAN) -> dict[str, str | bytes]:
    """A system of Debian, as far as scanners look at it."""
    return {"etc/os-release": release, STATUS: database}


def root(folder: Path, files: Files) -> Path:
    """A folder with an image's files."""
    return repository(folder, files)


def docker_archive(path: Path, files: Files, tag: str | None = "shop:1.0", layer: bytes = b"") -> Path:
    """What `docker save` writes, of files or of a layer."""
    layer = layer or _tar(files)
    configuration = _configuration(layer)
    manifest = {"Config": "config.json", "RepoTags": [tag] if tag else None, "Layers": ["layer.tar"]}
    members = {"config.json": configuration, "layer.tar": layer, "manifest.json": json.dumps([manifest]).encode()}
    path.write_bytes(_tar(members))
    return path


def oci_archive(path: Path, files: Files, tag: str = "docker.io/library/shop:1.0") -> Path:
    """The tar of an OCI layout."""
    path.write_bytes(_tar(_layout(files, tag)))
    return path


def oci_layout(folder: Path, files: Files, tag: str = "docker.io/library/shop:1.0") -> Path:
    """A folder as the Open Container Initiative's image layout has it."""
    return repository(folder, _layout(files, tag))


def _layout(files: Files, tag: str) -> dict[str, bytes]:
    layer = _tar(files)
    packed, configuration = gzip.compress(layer, mtime=0), _configuration(layer)
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{_OCI}.manifest.v1+json",
            "config": _descriptor(configuration, "config.v1+json"),
            "layers": [_descriptor(packed, "layer.v1.tar+gzip")],
        }
    ).encode()
    named = {**_descriptor(manifest, "manifest.v1+json"), "annotations": {"org.opencontainers.image.ref.name": tag}}
    blobs = {f"blobs/sha256/{sha256(blob).hexdigest()}": blob for blob in (packed, configuration, manifest)}
    return {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [named]}).encode(),
        **blobs,
    }


_OCI = "application/vnd.oci.image"


def _descriptor(blob: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": f"{_OCI}.{kind}", "digest": f"sha256:{sha256(blob).hexdigest()}", "size": len(blob)}


def _configuration(layer: bytes) -> bytes:
    layers = {"type": "layers", "diff_ids": [f"sha256:{sha256(layer).hexdigest()}"]}
    return json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": layers}).encode()


def _tar(files: Mapping[str, str | bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for folder in sorted({str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."}):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return written.getvalue()


def scanned(ended: Ended) -> Any:  # noqa: ANN401 - JSON
    """The one scan of a document."""
    [one] = ended.document["scans"]
    return one
