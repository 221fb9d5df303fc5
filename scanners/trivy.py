"""Trivy, where it is installed: vulnerabilities, misconfigurations and secrets of a folder, and licences if asked.

Its reports are read by `fixby.scanners.formats.trivy`. Its data is not fetched during a scan: how old it is stands in
`trivy version`, and without any Trivy looks for misconfigurations and secrets only. It exits 0 with findings, and
ignores systems that it does not know and files that it cannot read but for a warning: every warning on standard error
that is not known to be harmless makes the scan partial.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fixby.errors import ReportError, UsageError
from fixby.identity import digest
from fixby.scanners import installed
from fixby.scanners.containers import (
    age_problem,
    complaints,
    concluded,
    folder_with,
    handed_over,
    passed_over,
    plan_of,
    reading_of,
    report_of,
    told,
)
from fixby.scanners.formats import trivy as reports
from fixby.scanners.formats.fields import optional_child, records, word
from fixby.scanners.formats.format import Report
from fixby.scanners.image import Form, Image, ImageRequest, Look
from fixby.scanners.image_tools import NAMELESS, access, reading_of_image, unpacked
from fixby.scanners.process import capture
from fixby.scanners.report import Record, as_record, root, text
from fixby.scanners.scanner import Command, Finished, Kind, Options, Reading, Request, Source
from fixby.scanners.target_ignores import marked

NAME = reports.NAME
KIND = Kind.CONTAINER
RENAMED_RULES: Mapping[str, Collection[str]] = {}

DENIED = frozenset({"0.69.4", "0.69.5", "0.69.6"})
"""Releases of March 2026 that steal credentials (GHSA-69fq-xp46-6x23)."""


def wants(path: str) -> bool:  # noqa: ARG001 - as the protocol has it
    """Every file: a secret may stand in any."""
    return True


def version() -> str:
    """The version of the Trivy on the PATH. Raises `UsageError` where there is none, or it is denied."""
    return _known().version


def configuration(options: Options) -> str:
    """A digest of the options in force. Raises `UsageError` as `version` does.

    The database is none of them: it changes every few hours, and each time nothing that was mended would close.
    """
    return digest((NAME, *_OPTIONS, _scanners(options, _known(), "misconfig"), *sorted(_ENVIRONMENT), _SECRETS))


def rules(options: Options) -> frozenset[str] | None:  # noqa: ARG001 - as the protocol has it
    """None: what is known of a package is told by its advisories, and Trivy does not list its checks."""
    return None


@contextmanager
def commands(request: Request) -> Iterator[Sequence[Command]]:
    """One process for all files. Raises `UsageError` as `version` does."""
    known = _known()
    plan = replace(handed_over(request), built=known.built, problems=() if known.built else (_NO_DATABASE,))
    folder = folder_with(plan, request.workspace)
    secrets = folder / "secrets.yaml"
    secrets.write_text(_SECRETS)
    arguments = (
        *(_program(), "filesystem", *_OPTIONS, f"--scanners={_scanners(request.options, known, 'misconfig')}"),
        *(f"--cache-dir={_private_cache(folder)}", f"--secret-config={secrets}", plan.tree),
    )
    yield [Command(arguments, request.files, folder, environment=_ENVIRONMENT, cost=_MILLISECONDS)]


_OPTIONS = ("--format=json", "--list-all-pkgs", "--skip-db-update", "--offline-scan", "--exit-code=0", "--timeout=168h")
_ENVIRONMENT = {
    "NO_COLOR": "1",
    "TRIVY_DISABLE_TELEMETRY": "true",
    "TRIVY_INCLUDE_DEV_DEPS": "true",
    "TRIVY_NO_PROGRESS": "true",
    "TRIVY_SKIP_CHECK_UPDATE": "true",
    "TRIVY_SKIP_JAVA_DB_UPDATE": "true",
    "TRIVY_SKIP_VERSION_CHECK": "true",
}
"""What is not known to every version as an option; a variable that Trivy does not know it passes over."""

_SECRETS = """\
disable-allow-rules: [tests, examples, vendor, usr-dirs, locale-dir, markdown, node.js, golang, python, rubygems, \
wordpress, anaconda-log]
"""
"""Trivy passes over tests, documentation and more; in a repository's own files a secret is one wherever it stands."""

_MILLISECONDS = 5000
_UPDATE = "trivy image --download-db-only"
_NO_DATABASE = f"Trivy has no database of vulnerabilities, so it looked for none: {_UPDATE}"


def _age_problem(built: str, now: int, allowed: int) -> Iterator[str]:
    if built:
        yield from age_problem("Trivy", built, now, allowed, _UPDATE)


def conclude(finished: Finished, source: Source) -> Reading:
    """What the process says, its standard error and the age of its data considered. Raises `ReportError`."""
    plan = plan_of(finished)
    reading = reading_of(reports, report_of(reports, finished, _HARMLESS), plan, source)
    units = reading.scanned or {}
    skipped = passed_over(NAME, finished.command.files, units, source) if plan.built else {}
    problems = [one for one in reading.problems if one != reports.NO_RESULTS]
    return concluded(
        replace(
            reading,
            findings=marked(reading.findings, (".trivyignore", ".trivyignore.yaml"), source, plan.now),
            skipped=skipped,
            problems=tuple(problems),
        ),
        finished,
        plan,
        (
            *_age_problem(plan.built, plan.now, plan.database_age),
            *complaints(finished.errors, _HARMLESS),
        ),
    )


_HARMLESS = (
    "Falling back to embedded",  # checks, those of the release
    "deprecated",  # an option
    "no longer supported by the distribution",  # the report says it too
    "The vulnerability detection may be insufficient",
    "Using severities from other vendors",
    "The size of the scanned file is too large",  # it is scanned
    "icense detection",  # of packages that are not installed
    "icense information",
)


def origin() -> str:
    """Which Trivy would run. Raises `UsageError` where there is none, or it is denied."""
    return _program()


def look(request: ImageRequest) -> Look:
    """What stands in an image. Raises `ReportError` and `UsageError`."""
    known = _known()
    folder = request.workspace / "run"
    folder.mkdir()
    where, options = _image(request)
    image = request.image
    arguments = (
        *(_program(), where, *_OPTIONS, *options, f"--scanners={_scanners(request.options, known)}"),
        *(f"--cache-dir={_private_cache(folder)}", *([] if _is_input(image) else [image.reference])),
    )
    environment = {**_ENVIRONMENT, **access(image, "TRIVY_USERNAME", "TRIVY_PASSWORD", "TRIVY_REGISTRY_TOKEN")}
    finished = yield Command(arguments, (), folder, environment=environment, cost=_MILLISECONDS)
    report = report_of(reports, finished, _HARMLESS)
    reading = reading_of_image(reports, report, request, _as_image(report))
    problems = (
        *reading.problems,
        *((_NO_DATABASE,) if not known.built else ()),
        *_age_problem(known.built, request.now, request.options.database_age),
        *(() if _has_system(report) else (_NO_SYSTEM,)),
        *complaints(finished.errors, _HARMLESS),
    )
    return replace(reading, problems=told(problems))


def _as_image(report: Report) -> Record:
    """The parts of a report that say of what it is; what is found in an image's configuration has the image's name."""
    record = as_record(report.json, "the top of the report")
    name = word(record, "ArtifactName")
    results = [{**row, "Target": ""} if row.get("Target") == name else row for row in records(record, "Results")]
    return {"ArtifactName": NAMELESS, "ArtifactType": "container_image", "Results": results}


_NO_SYSTEM = "Trivy knows no distribution in the image, so it looked for no packages of a system"


def _has_system(report: Report) -> bool:
    record = as_record(report.json, "the top of the report")
    return word(optional_child(optional_child(record, "Metadata"), "OS"), "Family") not in ("", "none")


def _is_input(image: Image) -> bool:
    return image.form in (Form.DOCKER_ARCHIVE, Form.OCI_ARCHIVE, Form.OCI_LAYOUT)


def _image(request: ImageRequest) -> tuple[str, tuple[str, ...]]:
    """The command for an image of this form, and its options; an OCI archive is unpacked: Trivy cannot read it."""
    image, path = request.image, request.image.reference
    if image.form is Form.DIRECTORY:
        return "rootfs", ()
    if image.form is Form.OCI_ARCHIVE:
        path = str(request.workspace / "layout")
        unpacked(Path(image.reference), Path(path))
    if _is_input(image):
        return "image", (_OF_HISTORY, f"--input={path}")
    return "image", (_OF_HISTORY, f"--image-src={'docker' if image.form is Form.DAEMON else 'remote'}")


_OF_HISTORY = "--image-config-scanners=misconfig,secret"


def recognises(document: object) -> bool:  # noqa: ARG001 - as the protocol has it
    """Never: what Trivy wrote elsewhere is read by the format of the same name."""
    return False


def read(report: bytes, source: Source) -> Reading:
    """What a report says that was written elsewhere. Raises `ReportError` where it is damaged."""
    [one] = reports.read(Report(report), source)
    return one.reading


@dataclass(frozen=True, slots=True)
class _Known:
    """The version of Trivy, and when its database was built (RFC 3339), or nothing where it has none."""

    version: str
    built: str


def _program() -> str:
    return installed.program(NAME, DENIED, "github.com/aquasecurity/trivy/pkg/version/app.ver=")


def _known() -> _Known:
    asked = capture(
        (_program(), "version", "--format=json", f"--cache-dir={installed.data(NAME, _CACHE)}"), _ENVIRONMENT
    )
    try:
        record = root(asked.report)
        known = _Known(text(record, "Version"), word(optional_child(record, "VulnerabilityDB"), "UpdatedAt"))
    except ReportError as error:
        why = asked.failure or error.message
        raise UsageError(f"trivy does not tell its version: {why}", "Try it: trivy version --format json") from error
    installed.refuse(NAME, known.version, DENIED)
    return known


def _scanners(options: Options, known: _Known, *others: str) -> str:
    vulnerabilities, licences = ("vuln",) if known.built else (), ("license",) if options.licences else ()
    return ",".join((*vulnerabilities, *others, "secret", *licences))


def _private_cache(folder: Path) -> Path:
    """A cache with the user's data in it and nothing else: no earlier scan is believed, none is left behind."""
    cache = folder / "cache"
    cache.mkdir()
    known = installed.data(NAME, _CACHE)
    for name in ("db", "java-db", "policy"):
        if (known / name).is_dir():
            (cache / name).symlink_to(known / name)
    return cache


_CACHE = "TRIVY_CACHE_DIR"
