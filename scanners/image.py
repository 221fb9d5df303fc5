"""What a scanner of container images must define, and what it is given: an image, and how it is at hand."""

import json
import os
import posixpath
import re
import tarfile
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Protocol

from fixby.errors import ReportError, UsageError
from fixby.scanners.files import open_regular
from fixby.scanners.formats.places import image_name, in_image
from fixby.scanners.scanner import Command, Finished, Kind, Options, Reading, Source


class Form(StrEnum):
    """How an image is at hand; the values are the schemes by which its form is named, `docker-archive:shop.tar`."""

    REGISTRY = "registry"
    DAEMON = "docker"
    DOCKER_ARCHIVE = "docker-archive"
    OCI_ARCHIVE = "oci-archive"
    OCI_LAYOUT = "oci-dir"
    DIRECTORY = "dir"

    @property
    def is_remote(self) -> bool:
        """Whether somebody else has to be asked for it."""
        return self in (Form.REGISTRY, Form.DAEMON)


@dataclass(frozen=True, slots=True)
class Image:
    """An image: `reference` is what a registry or daemon knows it by, else the absolute path at which it lies.

    `name` has neither tag nor digest: it stays when the image is built again, and names the asset.
    """

    form: Form
    reference: str
    name: str

    @property
    def place(self) -> str:
        """Where its findings stand: their paths begin with it."""
        return in_image(self.name, "").path

    def path(self, inner: str) -> str:
        """A file of the image as findings name it."""
        return in_image(self.name, inner).path


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One scan of an image: a private empty folder, what the user asked for, and how a reader reaches the outside.

    `now` is the UTC second, by which data is too old and systems are past their end of life.
    """

    image: Image
    workspace: Path
    options: Options
    source: Source
    now: int


Look = Generator[Command, Finished, Reading]
"""The processes to run one after the other, each asked for once the one before ended by itself; then what they say."""


class ImageScanner(Protocol):
    """Something that looks at images. An adapter is a module that defines these names."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """The tool's name, as it stands in findings and on the command line."""

    @property
    def KIND(self) -> Kind:  # noqa: N802 - a constant of the module
        """What it looks for."""

    def version(self) -> str:
        """The version of the tool that `look` would run. Raises `UsageError` where it is not installed."""

    def origin(self) -> str:
        """Where that tool comes from, for `fixby doctor`. Raises `UsageError` where it is not installed."""

    def configuration(self, options: Options) -> str:
        """A digest of the rules, data and options in force. Raises `UsageError` where they cannot be read."""

    def look(self, request: ImageRequest) -> Look:
        """Look at an image.

        Of what is returned `scanned` names packages (`request.image.path(file)#package`) with their versions. Raises
        `ReportError` where nothing can be concluded from an exit code, standard error and report, and `UsageError`.
        """


def image(written: str) -> Image:
    """The image that somebody names: by a scheme, else by what lies at the path, else by a registry's reference.

    Raises `UsageError` for what is no image, or a file that does not exist, and `ReportError` for a damaged archive.
    """
    scheme, colon, rest = written.partition(":")
    if colon and scheme in set(Form):
        form = Form(scheme)
        return _remote(form, rest) if form.is_remote else _at(_existing(rest), form)
    if os.path.lexists(written):
        return _at(_existing(written), None)
    if _FILE.search(written):
        raise UsageError(f"{_written(written)} does not exist.", _HINT)
    return _remote(Form.REGISTRY, written)


_HINT = "Name an image's archive, layout or root folder, or a registry's reference such as registry.example.org/shop:1."
_FILE = re.compile(r"\A[/.~]|\\|\.(?:tar|tgz|img|sif|zip|tar\.\w+)\Z")
"""What looks like a file: no registry is asked for it, unless somebody writes `registry:`."""

_REFERENCE = re.compile(
    r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?/)?"
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


def _written(name: str) -> str:
    """A name as it can be shown and stored: bytes that are no UTF-8 are spelt out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _remote(form: Form, reference: str) -> Image:
    if len(reference) > _LONGEST or not _REFERENCE.fullmatch(reference):
        raise UsageError(f"{_written(reference)[:_LONGEST]!r} is no reference of an image.", _HINT)
    return Image(form, reference, image_name(reference))


_LONGEST = 512


def _existing(written: str) -> Path:
    path = Path(written)
    if not path.exists():
        raise UsageError(f"{_written(written)} does not exist.", _HINT)
    return path.resolve()


def _at(path: Path, form: Form | None) -> Image:
    """What lies at a path; `form` is what somebody says that it is."""
    try:
        if path.is_dir():
            return _folder(path, form)
        return _archive(path, form)
    except (OSError, tarfile.TarError, zlib.error, EOFError, ValueError) as error:
        raise ReportError(f"{_written(str(path))} is damaged or cut short: {error}", _DAMAGED) from error


_DAMAGED = "Save the image again."


def _folder(path: Path, form: Form | None) -> Image:
    is_layout = (path / "oci-layout").is_file() and (path / "index.json").is_file()
    if form not in (None, Form.OCI_LAYOUT, Form.DIRECTORY):
        raise UsageError(f"{_written(str(path))} is a folder, no {form}.", _HINT)
    if form is Form.OCI_LAYOUT and not is_layout:
        raise UsageError(f"{_written(str(path))} is no OCI layout: oci-layout or index.json is missing.", _HINT)
    if form is Form.DIRECTORY or not is_layout:
        return Image(Form.DIRECTORY, str(path), image_name(_own(path)))
    with open_regular(path / "index.json") as file:
        return Image(Form.OCI_LAYOUT, str(path), _of_index(_json(file)) or image_name(_own(path)))


def _archive(path: Path, form: Form | None) -> Image:
    with open_regular(path) as file:
        if file.read(2) in _COMPRESSED:
            raise UsageError(f"{_written(str(path))} is compressed.", "Unpack it first, with gunzip, unxz or unzstd.")
        file.seek(0)
        if not tarfile.is_tarfile(file):
            raise UsageError(f"{_written(str(path))} is no image: it is no tar archive and no folder.", _HINT)
    found = _described(path)
    docker, oci = found.get("manifest.json"), found.get("index.json") if "oci-layout" in found else None
    if docker is not None and form in (None, Form.DOCKER_ARCHIVE):
        return Image(Form.DOCKER_ARCHIVE, str(path), _of_manifest(docker) or image_name(_own(path)))
    if oci is not None and form in (None, Form.OCI_ARCHIVE):
        return Image(Form.OCI_ARCHIVE, str(path), _of_index(oci) or image_name(_own(path)))
    what = form or "image"
    raise UsageError(
        f"{_written(str(path))} is no {what}: it lacks manifest.json, or oci-layout and index.json.", _HINT
    )


_COMPRESSED = (b"\x1f\x8b", b"BZ", b"\xfd7", b"(\xb5")
"""How files of gzip, bzip2, xz and zstd begin."""


def _described(path: Path) -> dict[str, object]:
    """The JSON files at the top of an archive that say what it holds."""
    found: dict[str, object] = {}
    with tarfile.open(path, "r:") as archive:
        for member in _members(archive):
            name = posixpath.normpath(member.name)
            content = archive.extractfile(member) if name in _DESCRIPTIONS and member.isreg() else None
            if content is not None:
                found[name] = _json(content)
    return found


_DESCRIPTIONS = frozenset({"index.json", "manifest.json", "oci-layout"})


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for number, member in enumerate(archive):
        if number > _MOST_MEMBERS:
            raise ValueError(f"it has more than {_MOST_MEMBERS} members, which no image has")
        yield member


_MOST_MEMBERS = 100_000
_LARGEST_DESCRIPTION = 1 << 22


def _json(file: IO[bytes]) -> object:
    content = file.read(_LARGEST_DESCRIPTION + 1)
    if len(content) > _LARGEST_DESCRIPTION:
        raise ValueError("its description is larger than 4 MiB")
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("its description is nested too deeply") from error


def _of_manifest(manifest: object) -> str:
    """The name that `docker save` kept, without tag; empty where there is none."""
    match manifest:
        case [{"RepoTags": [str(tag), *_]}, *_] if _REFERENCE.fullmatch(tag):
            return image_name(tag)
        case _:
            return ""


def _of_index(index: object) -> str:
    """The name that an OCI layout gives its image, where it is more than a tag; empty where there is none."""
    match index:
        case {"manifests": [{"annotations": dict(known)}, *_]}:
            names = (known.get(key) for key in ("io.containerd.image.name", "org.opencontainers.image.ref.name"))
            full = (name for name in names if isinstance(name, str) and _REFERENCE.fullmatch(name))
            return next((image_name(name) for name in full if "/" in name or ":" in name), "")
        case _:
            return ""


def _own(path: Path) -> str:
    return _written(path.name) or "root"
