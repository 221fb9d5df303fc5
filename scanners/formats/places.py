"""Where a report says that a vulnerable package stands: in a file, or in an image."""

import posixpath
import re
from functools import lru_cache

from fixby.finding import Location
from fixby.scanners.formats.addresses import path, path_of_uri, tidy
from fixby.scanners.report import printable
from fixby.scanners.scanner import Source


def path_in(source: Source, name: str) -> str:
    """A file as a tool names it, relative where it can be, or nothing where that is none."""
    known = path(path_of_uri(name), source) if name else ""
    return "" if known == "." else known


def at(source: Source, name: str, line: int | None = None, end_line: int | None = None) -> tuple[Location, ...]:
    """The place in a file; none where no file is named."""
    known = path_in(source, name)
    return (Location(known, line, end_line or line),) if known else ()


@lru_cache(maxsize=4096)
def image_name(reference: str) -> str:
    """The name of an image without registry of the Docker hub, tag and digest: what stays when it is built again.

    `docker.io/library/nginx:1.27@sha256:...` is `nginx`. The name of an archive is taken as it is; a mere digest, which
    names nothing that stays, is `image`.
    """
    plain = _PREFIX.sub("", reference.strip()).partition("@")[0]
    if not plain or _DIGEST.fullmatch(plain):
        return "image"
    if _ARCHIVE.search(plain):
        return tidy(plain)
    return _HUB.sub("", _TAG.sub("", plain))


@lru_cache(maxsize=4096)
def in_image(image: str, path: str) -> Location:
    """A file in an image, or the image as a whole where the path is empty; its layers' digests are no part of it."""
    return Location(inside(f"{image}/{inside(path)}"))


def inside(name: str) -> str:
    """A name of parts with `/` between them, as it is but that it neither begins at a root nor leads out of one."""
    plain = printable(name).replace("\\", "/").replace("\0", "\\0")
    return posixpath.normpath(f"/{plain}").strip("/")


_PREFIX = re.compile(r"\A(?:docker-image\||docker://|docker:|oci:)")
_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")
_ARCHIVE = re.compile(r"\.(?:tar|tgz|tar\.gz|img|zip)\Z")
_TAG = re.compile(r":[\w.-]+\Z")
_HUB = re.compile(r"\A(?:(?:index\.|registry-1\.)?docker\.io/)?(?:library/)?")
