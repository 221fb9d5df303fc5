"""One scan of an image by several scanners at once, each of which runs its processes one after the other."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from fixby.errors import FixbyError
from fixby.identity import secret_fingerprint
from fixby.scan import Coverage, Scan
from fixby.scanners.image import Image, ImageRequest, ImageScanner, Look
from fixby.scanners.scanner import Command, Finished, Reading, Source
from fixby.scanners.scanning import Setting, outcome, told
from fixby.scanners.schedule import run_all
from fixby.scanners.target import excluding


def scan_image(image: Image, scanners: Sequence[ImageScanner], setting: Setting) -> list[Scan]:
    """What each of the scanners says of an image, in their order. Raises `Interrupted`.

    `scope` and `file` of the setting are not heeded: an image is looked at as a whole.
    """
    started_at = setting.clock()
    with ExitStack() as stack:
        looks = {one.NAME: _Looking(one) for one in scanners}
        for name, looking in looks.items():
            workspace = Path(stack.enter_context(TemporaryDirectory(prefix=f"fixby-{name}-")))
            looking.begin(ImageRequest(image, workspace, setting.options, _source(setting.key), started_at), setting)
        while work := [(name, one.command) for name, one in looks.items() if one.command]:
            for name, finished in run_all(work, setting.cores, setting.limits, setting.on_event):
                looks[name].go_on(finished)
        return [one.scan(image, setting, started_at) for one in looks.values()]


@dataclass(slots=True)
class _Looking:
    """How far a scanner has come: the process that it waits for, what it said in the end, or why it could not."""

    scanner: ImageScanner
    steps: Look | None = None
    command: Command | None = None
    reading: Reading | None = None
    failure: str = ""
    version: str = ""
    configuration: str = ""

    def begin(self, request: ImageRequest, setting: Setting) -> None:
        try:
            self.version = self.scanner.version()
            self.configuration = self.scanner.configuration(setting.options)
            self.steps = self.scanner.look(request)
            self.command = next(self.steps)
        except FixbyError as error:
            self.failure = told(error)

    def go_on(self, finished: Finished) -> None:
        self.command = None
        if self.steps is None or finished.failure:
            self.failure = finished.failure
            return
        try:
            self.command = self.steps.send(finished)
        except StopIteration as end:
            self.reading = end.value
        except FixbyError as error:
            self.failure = told(error)

    def scan(self, image: Image, setting: Setting, started_at: int) -> Scan:
        reading = self.reading or Reading(())
        problems = [self.failure] if self.failure else reading.problems
        left_out = _left_out(image, reading, setting.exclude)
        skipped = {unit: reason for unit, reason in reading.skipped.items() if unit not in left_out}
        return Scan(
            scanner=self.scanner.NAME,
            tool_version=self.version,
            outcome=outcome(problems, skipped, failed=self.reading is None),
            findings=reading.findings,
            coverage=Coverage(reading.scanned or {}, skipped, {**reading.silenced, **left_out}, rules=reading.rules),
            started_at=started_at,
            finished_at=setting.clock(),
            configuration=self.configuration,
        )


def _left_out(image: Image, reading: Reading, exclude: Sequence[str]) -> dict[str, str]:
    """What a scanner could not make sense of and a configuration says need not be understood."""
    pattern = excluding(exclude)

    def is_out(unit: str) -> bool:
        file = PurePosixPath(unit.partition("#")[0].removeprefix(f"{image.place}/"))
        return any(pattern.fullmatch(str(path)) for path in (file, *file.parents))

    return {unit: "excluded by configuration" for unit in reading.skipped if is_out(unit)}


def _source(key: bytes) -> Source:
    """What a report names lies in the image, and none of it is at hand."""
    return Source(
        fingerprint=lambda sha1: secret_fingerprint(key, sha1),
        path=lambda name: name,
        lines=lambda _path, _first, _last: "",
    )
