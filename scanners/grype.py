"""Grype, where it is installed: known vulnerabilities of the packages in a folder.

Its reports are read by `fixby.scanners.formats.grype`; a bill of materials that it writes beside says which packages it
saw. Its data is not fetched during a scan, and its age is judged by us: older than allowed makes the scan partial.
Grype fails without data, and may exit 0 after an error: what it says on standard error counts.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

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
from fixby.scanners.formats import grype as reports
from fixby.scanners.formats.fields import optional_child, records, word
from fixby.scanners.formats.format import Report
from fixby.scanners.formats.packages import package
from fixby.scanners.image import Form, Image, ImageRequest, Look
from fixby.scanners.image_tools import NAMELESS, access, reading_of_image
from fixby.scanners.process import capture
from fixby.scanners.report import Record, as_record, root, text
from fixby.scanners.scanner import Command, Finished, Kind, Options, Reading, Request, Source
from fixby.scanners.target_ignores import marked

NAME = reports.NAME
KIND = Kind.CONTAINER
RENAMED_RULES: Mapping[str, Collection[str]] = {}


def wants(path: str) -> bool:  # noqa: ARG001 - as the protocol has it
    """Every file: an archive or a program of any name may carry packages."""
    return True


def version() -> str:
    """The version of the Grype on the PATH. Raises `UsageError` where there is none."""
    asked = capture((installed.program(NAME), "version", "--output=json"), _environment())
    try:
        return text(root(asked.report), "version")
    except ReportError as error:
        why = asked.failure or error.message
        raise UsageError(f"grype does not tell its version: {why}", "Try it: grype version --output json") from error


def configuration(options: Options) -> str:  # noqa: ARG001 - none of them concerns Grype
    """A digest of the options in force."""
    return digest((NAME, *_OPTIONS, *sorted(_QUIET)))


def rules(options: Options) -> frozenset[str] | None:  # noqa: ARG001 - as the protocol has it
    """None: what is known of a package is told by its advisories."""
    return None


@contextmanager
def commands(request: Request) -> Iterator[Sequence[Command]]:
    """One process for all files. Raises `UsageError` as `version` does."""
    plan = handed_over(request)
    folder = folder_with(plan, request.workspace)
    arguments = (installed.program(NAME), f"dir:{plan.tree}", *_OPTIONS, f"--output=cyclonedx-json={folder / _BILL}")
    yield [Command(arguments, request.files, folder, environment=_environment(), cost=_MILLISECONDS)]


_OPTIONS = ("--output=json",)
_BILL = "bill.json"
_MILLISECONDS = 10_000
_QUIET = {
    "GRYPE_CHECK_FOR_APP_UPDATE": "false",
    "GRYPE_DB_AUTO_UPDATE": "false",
    "GRYPE_DB_REQUIRE_UPDATE_CHECK": "false",
    "GRYPE_DB_VALIDATE_AGE": "false",
    "NO_COLOR": "1",
}


def conclude(finished: Finished, source: Source) -> Reading:
    """What the process says, its standard error and the age of its data considered. Raises `ReportError`."""
    plan = plan_of(finished)
    report = report_of(reports, finished, _HARMLESS)
    reading = reading_of(reports, report, plan, source)
    listed = _listed(finished)
    units = {**(reading.scanned or {}), **(listed or {})}
    return concluded(
        replace(
            reading,
            findings=marked(reading.findings, (".grype.yaml", ".grype/config.yaml"), source, plan.now),
            scanned=units,
            skipped=passed_over(NAME, finished.command.files, units, source) if listed is not None else {},
        ),
        finished,
        plan,
        (
            *age_problem("Grype", _built(_top(report)), plan.now, plan.database_age, _UPDATE),
            *((_NO_BILL,) if listed is None else ()),
            *complaints(finished.errors, _HARMLESS),
        ),
    )


_UPDATE = "grype db update"
_HARMLESS = ("no explicit name and version provided",)


def _top(report: Report) -> Record:
    return as_record(report.json, "the top of the report")


def _built(record: Record) -> str:
    """When the database was built: newer versions have it in a status."""
    database = optional_child(optional_child(record, "descriptor"), "db")
    return word(optional_child(database, "status"), "built") or word(database, "built")


def _listed(finished: Finished) -> dict[str, str] | None:
    """The packages in the bill of materials, by unit, with their versions; None where there is no bill to be read."""
    try:
        bill = root((finished.command.folder / _BILL).read_bytes())
        return dict(unit for one in records(bill, "components") for unit in _units(one))
    except (OSError, ReportError):
        return None


def _units(component: Record) -> Iterator[tuple[str, str]]:
    if word(component, "type") == "file" or not word(component, "name"):
        return
    known = package(word(component, "purl"), "", text(component, "name"), word(component, "version"))
    for one in records(component, "properties"):
        if word(one, "name").startswith("syft:location:") and word(one, "name").endswith(":path"):
            yield f"{word(one, 'value').lstrip('/')}#{known.name}", known.version


def origin() -> str:
    """Which Grype would run. Raises `UsageError` where there is none."""
    return installed.program(NAME)


def look(request: ImageRequest) -> Look:
    """What is known of the packages of an image. Raises `ReportError` and `UsageError`."""
    image = request.image
    if image.form is Form.DIRECTORY:
        raise UsageError("Grype follows links out of a root folder, into this machine.", "Take syft or trivy for it.")
    folder = request.workspace / "run"
    folder.mkdir()
    bill = f"--output=cyclonedx-json={folder / _BILL}"
    arguments = (installed.program(NAME), f"{image.form}:{image.reference}", *_OPTIONS, bill)
    environment = {**_environment(), **access(image, "GRYPE_REGISTRY_")}
    finished = yield Command(arguments, (), folder, environment=environment, cost=_MILLISECONDS)
    report = report_of(reports, finished, _HARMLESS)
    as_image: Record = {"source": {"type": "image", "target": {"userInput": NAMELESS}}}
    reading = reading_of_image(reports, report, request, as_image)
    record, listed = _top(report), _listed(finished)
    problems = (
        *reading.problems,
        *age_problem("Grype", _built(record), request.now, request.options.database_age, _UPDATE),
        *((_NO_BILL,) if listed is None else ()),
        *(() if word(optional_child(record, "distro"), "name") else (_NO_SYSTEM,)),
        *complaints(finished.errors, _HARMLESS),
    )
    units = {_of_image(image, unit): version for unit, version in (listed or {}).items()}
    return replace(reading, scanned={**units, **(reading.scanned or {})}, problems=told(problems))


_NO_BILL = "Grype does not list the packages that it saw"
_NO_SYSTEM = "Grype knows no distribution in the image, so it looked for no packages of a system"


def _of_image(image: Image, unit: str) -> str:
    """A unit as findings name it: the packages of a system stand in the image as a whole."""
    path, _, name = unit.partition("#")
    return f"{image.place if path.startswith(_DATABASES) else image.path(path)}#{name}"


_DATABASES = ("lib/apk/", "var/lib/dpkg/", "var/lib/pacman/", "var/lib/rpm/", "usr/lib/sysimage/rpm/")
"""Where systems keep what they have installed."""


def recognises(document: object) -> bool:  # noqa: ARG001 - as the protocol has it
    """Never: what Grype wrote elsewhere is read by the format of the same name."""
    return False


def read(report: bytes, source: Source) -> Reading:
    """What a report says that was written elsewhere. Raises `ReportError` where it is damaged."""
    [one] = reports.read(Report(report), source)
    return one.reading


def _environment() -> dict[str, str]:
    return {**_QUIET, _CACHE: str(installed.data(f"{NAME}/db", _CACHE))}


_CACHE = "GRYPE_DB_CACHE_DIR"
