"""The one place that starts processes: each gets little, may take little, and leaves nothing behind. POSIX only."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from resource import struct_rusage
from tempfile import TemporaryDirectory

import psutil

from fixby.errors import Interrupted
from fixby.scanners.files import open_regular
from fixby.scanners.scanner import Command, Finished


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may take, together with all that it starts.

    `seconds` are of wall time; `memory_bytes` are resident, shared pages counted in each process; `output_bytes` are
    what it leaves on disk: standard output and error, report, working folder and temporary folder together.
    """

    seconds: float = 1800
    memory_bytes: int = 8 * 2**30
    output_bytes: int = 512 * 2**20


LIMITS = Limits()
"""What a scanner may take where the user says nothing else."""


IMAGE_LIMITS = Limits(output_bytes=16 * 2**30)
"""What a scanner of images may take: it unpacks their layers."""

LARGEST_REPORT = 512 * 2**20
"""Bytes. A longer report, or longer warnings beside it, is not read at all, whatever else a process may write."""


def run(command: Command, limits: Limits = LIMITS, cancelled: Callable[[], bool] = lambda: False) -> Finished:
    """Run a command, and end what it leaves behind: its descendants, its group, and all that inherited its mark.

    The process inherits PATH and nothing else: standard input is the command's, HOME and TMPDIR are a private folder
    that lives as long as it does. A program that cannot be started (`exit_code` 127), a limit and an end by signal
    (minus the signal's number) are told in `failure`; there is no report then. `cpu_seconds` are those of the process
    and of the children that it waited for.

    Raises `Interrupted` once `cancelled()` is true.
    """
    if cancelled():
        raise Interrupted(_INTERRUPTED)
    with TemporaryDirectory(prefix="fixby-", ignore_cleanup_errors=True) as folder:
        job = _Job(command, limits, Path(folder), _bytes_in(command.folder))
        started = time.monotonic()
        try:
            process = _start(job)
        except OSError as error:
            failure = f"{command.arguments[0]} cannot be started: {error.strerror}."
            return Finished(command, _NOT_STARTED, b"", "", 0, 0, failure)
        failure, usage = _attend(process, job, cancelled)
        return _finished(job, process.returncode, usage, time.monotonic() - started, failure)


def capture(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Finished:
    """Run a small command, such as `bandit --version`, in an empty folder; its standard output is the report."""
    with TemporaryDirectory(prefix="fixby-") as folder:
        return run(Command(tuple(arguments), (), Path(folder), environment=environment or {}), _SMALL)


_SMALL = Limits(seconds=60, memory_bytes=2 * 2**30, output_bytes=64 * 2**20)
_INTERRUPTED = "The scan was interrupted."
_NOT_STARTED = 127
_ERRORS_OF_A_FAILURE = 64 * 2**10
_MARK = "FIXBY_PROCESS"
_TICK_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 1.0
_PAUSE_PER_COST = 400
_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class _Job:
    """A command, what it may take, its private folder, and how much its working folder held before."""

    command: Command
    limits: Limits
    private: Path
    bytes_before: int

    @property
    def home(self) -> Path:
        return self.private / "home"

    @property
    def input(self) -> Path:
        return self.private / "input"

    @property
    def output(self) -> Path:
        return self.private / "output"

    @property
    def errors(self) -> Path:
        return self.private / "errors"

    @property
    def report(self) -> Path:
        return self.command.report or self.output


def _start(job: _Job) -> subprocess.Popen[bytes]:
    job.home.mkdir()
    job.input.write_bytes(job.command.input)
    with job.input.open("rb") as given, job.output.open("xb") as output, job.errors.open("xb") as errors:
        return subprocess.Popen(  # noqa: S603 - no shell, and the arguments are an adapter's
            job.command.arguments,
            stdin=given,
            stdout=output,
            stderr=errors,
            cwd=job.command.folder,
            env=_environment(job),
            start_new_session=True,
        )


def _environment(job: _Job) -> dict[str, str]:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return {
        "PATH": os.pathsep.join(folder for folder in folders if Path(folder).is_absolute()),
        "LANG": "C.UTF-8",
        "HOME": str(job.home),
        "TMPDIR": str(job.home),
        **job.command.environment,
        _MARK: str(job.private),
    }


def _finished(job: _Job, exit_code: int, usage: struct_rusage, seconds: float, failure: str) -> Finished:
    failure = failure or _output_failure(job) or _length_failure(job) or _signal_failure(exit_code)
    return Finished(
        job.command,
        exit_code,
        report=b"" if failure else _read(job.report, LARGEST_REPORT),
        errors=_read(job.errors, _ERRORS_OF_A_FAILURE if failure else LARGEST_REPORT).decode(errors="replace"),
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        failure=failure,
    )


def _attend(process: subprocess.Popen[bytes], job: _Job, cancelled: Callable[[], bool]) -> tuple[str, struct_rusage]:
    """Wait for the end, or bring it about: the limit that was broken, and what was used."""
    with ThreadPoolExecutor(1) as waiter:
        end = waiter.submit(os.wait4, process.pid, 0)
        try:
            failure = _watch(process.pid, end, job, cancelled)
        finally:
            _end(None if end.done() else process.pid, mark=str(job.private))
            _, status, usage = end.result()
            process.returncode = os.waitstatus_to_exitcode(status)
    return failure, usage


def _watch(pid: int, end: Future[tuple[int, int, struct_rusage]], job: _Job, cancelled: Callable[[], bool]) -> str:
    """The limit that the process broke, or an empty string once it has ended by itself.

    Looking at memory and files costs, so the pause after a look is a multiple of what the look took.
    """
    deadline = time.monotonic() + job.limits.seconds
    next_look = time.monotonic()
    while not wait([end], timeout=_TICK_SECONDS).done:
        if cancelled():
            raise Interrupted(_INTERRUPTED)
        if time.monotonic() > deadline:
            return f"The process took longer than {job.limits.seconds:g} seconds."
        if time.monotonic() > next_look:
            before = time.thread_time()
            if failure := _memory_failure(pid, job.limits) or _output_failure(job):
                return failure
            pause = _PAUSE_PER_COST * (time.thread_time() - before)
            next_look = time.monotonic() + min(pause, _LONGEST_PAUSE_SECONDS)
    return ""


def _memory_failure(pid: int, limits: Limits) -> str:
    if sum(map(_resident_bytes, _tree(pid))) <= limits.memory_bytes:
        return ""
    return f"The process used more than {limits.memory_bytes / 2**20:.0f} MiB of memory."


def _output_failure(job: _Job) -> str:
    written = _bytes_in(job.private, job.command.folder, job.report) - job.bytes_before
    if written <= job.limits.output_bytes:
        return ""
    return f"The process wrote more than {job.limits.output_bytes / 2**20:.0f} MiB."


def _length_failure(job: _Job) -> str:
    if max(_bytes_in(job.report), _bytes_in(job.errors)) <= LARGEST_REPORT:
        return ""
    return f"The process said more than {LARGEST_REPORT / 2**20:.0f} MiB."


def _signal_failure(exit_code: int) -> str:
    if exit_code >= 0:
        return ""
    return f"The process was ended by signal {-exit_code} ({signal.strsignal(-exit_code)})."


def _bytes_in(*places: Path) -> int:
    """The size of these files and folders with all below them; what is reached by two ways counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for place in places:
        below = (Path(folder, name) for folder, folders, files in os.walk(place) for name in (*folders, *files))
        for path in (place, *below):
            with suppress(OSError):
                status = path.lstat()
                sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


def _read(path: Path, limit: int) -> bytes:
    """The first bytes of a file that the process may have written; empty where there is no such regular file."""
    with suppress(OSError), BufferedReader(open_regular(path)) as stream:
        return stream.read(limit)
    return b""


def _end(leader: int | None, mark: str) -> None:
    """Kill what is left: the leader, if nobody waited for it yet, its group, its descendants, and who bears the mark.

    The mark stands in the environment: it finds those that left the group and lost their parents.
    """
    doomed = {*_tree(leader), *_marked(mark)}
    if leader:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
    for _ in range(_ROUNDS):
        doomed = set(filter(_is_alive, doomed))
        if not doomed:
            return
        for process in doomed:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(_TICK_SECONDS / 10)
        doomed |= _marked(mark)


def _marked(mark: str) -> set[psutil.Process]:
    return {process for pid in psutil.pids() if (process := _process(pid)) and _mark(process) == mark}


def _tree(leader: int | None) -> list[psutil.Process]:
    process = _process(leader) if leader else None
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)] if process else []
    return []


def _process(pid: int) -> psutil.Process | None:
    with suppress(psutil.Error):
        return psutil.Process(pid)
    return None


def _mark(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return process.environ().get(_MARK, "")
    return ""


def _resident_bytes(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return process.memory_info().rss
    return 0


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    return False
