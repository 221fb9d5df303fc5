"""What Trivy, Grype and Syft have in common where they look at images: what they may ask, and how they name places."""

import json
import os
import posixpath
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

from fixby.errors import ReportError
from fixby.scanners.containers import placed
from fixby.scanners.formats.format import Format, Report
from fixby.scanners.image import Image, ImageRequest
from fixby.scanners.proxies import network
from fixby.scanners.report import Record, as_record, printable
from fixby.scanners.scanner import Reading


def reading_of_image(tool: Format, report: Report, request: ImageRequest, told_as: Record) -> Reading:
    """What a report says of an image, with the parts in `told_as`, which call it `NAMELESS`, in place of its own.

    A tool names an image by where it lies, or as a folder, which it may be; findings stand in the image's own name.
    """
    record = as_record(report.json, "the top of the report")
    [one] = tool.read(Report(json.dumps({**record, **told_as}).encode()), request.source)

    def named(path: str) -> str:
        return f"{request.image.place}{path.removeprefix(NAMELESS)}"

    return replace(
        one.reading,
        findings=tuple(placed(finding, named) for finding in one.reading.findings),
        scanned={named(unit): version for unit, version in (one.reading.scanned or {}).items()},
    )


NAMELESS = "fixby-image"
"""What an image is called while its report is read."""


def access(image: Image, *prefixes: str) -> dict[str, str]:
    """What it takes to ask for an image: proxies, certificates, and the caller's own credentials for registries.

    The caller's variables are passed on that begin with one of the prefixes.
    """
    if not image.form.is_remote:
        return {}
    said = {name: value for name, value in os.environ.items() if name.startswith(("DOCKER_", *prefixes))}
    return {"DOCKER_CONFIG": str(Path.home() / ".docker"), **said, **network()}


def unpacked(archive: Path, folder: Path) -> None:
    """Unpack an archive's regular files, for a tool that reads only the layout in it. Raises `ReportError`.

    A name that leads out of the folder, and more content than the archive has bytes, are refused.
    """
    left = archive.stat().st_size
    try:
        with tarfile.open(archive, "r:") as content:
            for member in content:
                left -= member.size
                name = posixpath.normpath(member.name)
                if name.startswith(("/", "..")) or left < 0:
                    raise ReportError(f"{archive.name} is no archive of an image: {printable(member.name)}", _SAVE)
                file = content.extractfile(member) if member.isreg() else None
                if file:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    with file, (folder / name).open("xb") as goal:
                        shutil.copyfileobj(file, goal)
    except (OSError, tarfile.TarError, ValueError) as error:
        raise ReportError(f"{archive.name} is damaged or cut short: {error}", _SAVE) from error


_SAVE = "Save the image again."
