import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fixby.errors import Interrupted
from fixby.scanners import process
from fixby.scanners.process import Limits, capture, run
from fixby.scanners.scanner import Command

Scripted = Callable[..., Command]

DAEMON = """
import os, pathlib, subprocess, sys, time
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 64)
            pathlib.Path("daemon.new").write_text(str(os.getpid()))
            os.rename("daemon.new", "daemon.pid")
            time.sleep(120)
        os._exit(0)
    os.wait()
    while not os.path.exists("daemon.pid"):
        time.sleep(0.01)
"""
CHILD = """
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
pathlib.Path("child.pid").write_text(str(child.pid))
"""


@pytest.fixture
def scripted(tmp_path: Path) -> Scripted:
    folder = tmp_path / "work"
    folder.mkdir()

    def command(code: str, report: Path | None = None, environment: Mapping[str, str] | None = None) -> Command:
        script = tmp_path / "script.py"
        script.write_text(code)
        return Command((sys.executable, "-I", str(script)), (), folder, report, environment or {})

    return command


@pytest.fixture
def ended(tmp_path: Path) -> Iterator[Callable[[str], bool]]:
    """Whether the process whose number the script wrote into a file has ended; none outlives the test."""

    def process(name: str) -> psutil.Process | None:
        try:
            return psutil.Process(int((tmp_path / "work" / name).read_text()))
        except psutil.NoSuchProcess:
            return None

    def has_ended(name: str) -> bool:
        alive = process(name)
        return alive is None or alive.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}

    yield has_ended
    for file in (tmp_path / "work").glob("*.pid"):
        if (stray := process(file.name)) is not None:
            stray.kill()


def test_a_process_that_ends_by_itself_gives_its_output_its_errors_and_its_exit_code(scripted: Scripted) -> None:
    finished = run(scripted("import sys; print('out'); print('bad \\udcff', file=sys.stderr); sys.exit(3)"))
    assert (finished.exit_code, finished.report, finished.failure) == (3, b"out\n", "")
    assert finished.errors.startswith("bad ")


def test_errors_that_are_not_utf_8_can_be_read(scripted: Scripted) -> None:
    assert run(scripted("import os; os.write(2, b'caf\\xe9')")).errors == "caf\N{REPLACEMENT CHARACTER}"


def test_a_report_file_is_read_instead_of_standard_output(scripted: Scripted, tmp_path: Path) -> None:
    report = tmp_path / "work" / "report.json"
    finished = run(scripted("print('noise'); open('report.json', 'w').write('{}')", report))
    assert finished.report == b"{}"


@pytest.mark.parametrize("code", ["", "import os; os.symlink('/etc/passwd', 'r')", "import os; os.mkfifo('r')"])
def test_a_report_that_is_missing_or_no_regular_file_is_empty(scripted: Scripted, tmp_path: Path, code: str) -> None:
    finished = run(scripted(code, tmp_path / "work" / "r"))
    assert (finished.exit_code, finished.report) == (0, b"")


def test_a_program_that_is_missing_is_told() -> None:
    finished = capture(["no-such-program-of-anybody"])
    assert finished.exit_code == 127
    assert finished.failure == "no-such-program-of-anybody cannot be started: No such file or directory."


def test_a_file_that_is_no_program_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("")
    assert capture([str(tmp_path / "text")]).failure == f"{tmp_path}/text cannot be started: Permission denied."


def test_an_end_by_signal_is_told_in_words_and_leaves_no_report(scripted: Scripted) -> None:
    finished = run(scripted("import os, signal; print('half', flush=True); os.kill(os.getpid(), signal.SIGSEGV)"))
    assert finished.failure == "The process was ended by signal 11 (Segmentation fault)."
    assert (finished.exit_code, finished.report) == (-11, b"")


def test_standard_input_is_empty(scripted: Scripted) -> None:
    ours, (read, write) = os.dup(0), os.pipe()
    os.write(write, b"typed by somebody")
    os.close(write)
    os.dup2(read, 0)
    try:
        finished = run(scripted("import sys; print(repr(sys.stdin.read()))"))
    finally:
        os.dup2(ours, 0)
        os.close(ours)
        os.close(read)
    assert finished.report == b"''\n"


def test_standard_input_gives_what_the_command_says(scripted: Scripted) -> None:
    command = replace(scripted("import sys; print(len(sys.stdin.buffer.read()))"), input=b"\x00" * 100_000)
    assert run(command).report == b"100000\n"


def test_a_process_leads_a_session_of_its_own_so_that_no_terminal_reaches_it(scripted: Scripted) -> None:
    assert run(scripted("import os; print(os.getsid(0) == os.getpid())")).report == b"True\n"


def test_a_process_inherits_path_and_nothing_else(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "HTTPS_PROXY", "GITHUB_TOKEN", "LC_ALL", "GIT_DIR"):
        monkeypatch.setenv(name, "inherited")
    monkeypatch.setenv("PATH", f"::.:bin:{os.environ['PATH']}")
    code = "import os; print('\\n'.join(f'{name}={value}' for name, value in os.environ.items()))"
    command = scripted(code, environment={"HTTP_PROXY": "asked for"})
    environment = dict(line.split("=", 1) for line in run(command).report.decode().splitlines())
    assert environment.keys() == {"PATH", "LANG", "HOME", "TMPDIR", "HTTP_PROXY", "FIXBY_PROCESS"}
    assert environment["HTTP_PROXY"] == "asked for"
    assert all(folder.startswith("/") for folder in environment["PATH"].split(":"))


def test_home_is_an_empty_private_folder_that_goes_with_the_process(scripted: Scripted) -> None:
    code = """
import os, pathlib
home = pathlib.Path(os.environ["HOME"])
print(home, oct(home.parent.stat().st_mode & 0o777), os.listdir(home), os.environ["TMPDIR"] == str(home))
(home / "kept").write_text("x")
"""
    home, mode, *rest = run(scripted(code)).report.decode().split()
    assert (mode, rest) == ("0o700", ["[]", "True"])
    assert not Path(home).parent.exists()


def test_cpu_seconds_are_those_of_the_process_and_its_children(scripted: Scripted) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    finished = run(scripted(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"))
    assert 0.3 <= finished.cpu_seconds < 3
    assert finished.seconds >= 0.3


def test_a_time_out_ends_children_and_daemons_that_left_the_group(
    scripted: Scripted, ended: Callable[[str], bool]
) -> None:
    finished = run(scripted(DAEMON + CHILD + "daemon()\ntime.sleep(120)"), Limits(seconds=3))
    assert finished.failure == "The process took longer than 3 seconds."
    assert 3 <= finished.seconds < 30
    assert finished.report == b""
    assert ended("child.pid")
    assert ended("daemon.pid")


def test_a_daemon_does_not_outlive_the_process_that_ended_by_itself(
    scripted: Scripted, ended: Callable[[str], bool]
) -> None:
    finished = run(scripted(DAEMON + CHILD + "daemon()\nprint('done')"))
    assert (finished.report, finished.failure) == (b"done\n", "")
    assert ended("child.pid")
    assert ended("daemon.pid")


@pytest.mark.parametrize(
    "place",
    [
        "sys.stdout.buffer",
        "sys.stderr.buffer",
        "open('big', 'wb')",
        "open('report.json', 'wb')",
        "open(os.environ['HOME'] + '/big', 'wb')",
    ],
)
def test_a_process_that_writes_without_end_is_ended(scripted: Scripted, tmp_path: Path, place: str) -> None:
    code = f"import os, sys, time\nfile = {place}\nwhile True: file.write(bytes(2**20)); time.sleep(0.01)"
    report = tmp_path / "work" / "report.json"
    finished = run(scripted(code, report), Limits(seconds=60, output_bytes=8 * 2**20))
    assert finished.failure == "The process wrote more than 8 MiB."
    assert finished.report == b""
    assert len(finished.errors) <= 2**16


def test_a_process_that_wrote_too_much_and_ended_at_once_is_found_out(scripted: Scripted) -> None:
    finished = run(scripted("print('x' * 2**21)"), Limits(output_bytes=2**20))
    assert (finished.failure, finished.report) == ("The process wrote more than 1 MiB.", b"")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_report_or_warnings_that_are_too_long_to_be_read_whole_are_no_report(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monkeypatch.setattr(process, "LARGEST_REPORT", 2**20)
    finished = run(scripted(f"import sys; sys.{stream}.write('x' * 2**21)"))
    assert (finished.failure, finished.report) == ("The process said more than 1 MiB.", b"")
    assert len(finished.errors) <= 2**16


def test_what_the_working_folder_held_before_does_not_count(scripted: Scripted, tmp_path: Path) -> None:
    (tmp_path / "work" / "input").write_bytes(bytes(2**21))
    finished = run(scripted("print('fine')"), Limits(output_bytes=2**20))
    assert (finished.failure, finished.report) == ("", b"fine\n")


def test_a_process_whose_child_takes_too_much_memory_is_ended(scripted: Scripted, ended: Callable[[str], bool]) -> None:
    hog = "import time\nhoard = []\nwhile True: hoard.append(bytearray(2**20 * 8)); time.sleep(0.02)"
    code = f"""
import pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {hog!r}])
pathlib.Path("child.pid").write_text(str(child.pid))
child.wait()
"""
    finished = run(scripted(code), Limits(seconds=60, memory_bytes=100 * 2**20))
    assert finished.failure == "The process used more than 100 MiB of memory."
    assert ended("child.pid")


def test_a_cancelled_process_ends_with_all_that_it_started(
    scripted: Scripted, tmp_path: Path, ended: Callable[[str], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())
    started = tmp_path / "work" / "started"
    command = scripted(DAEMON + CHILD + "daemon()\npathlib.Path('started').touch()\ntime.sleep(120)")
    with pytest.raises(Interrupted):
        run(command, cancelled=started.exists)
    assert ended("child.pid")
    assert ended("daemon.pid")
    assert set(tmp_path.iterdir()) - before == {tmp_path / "script.py"}


def test_what_is_cancelled_before_its_start_never_starts(scripted: Scripted, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(scripted("open('started', 'w')"), cancelled=lambda: True)
    assert not (tmp_path / "work" / "started").exists()


def test_ctrl_c_in_the_main_thread_ends_a_small_command_too(scripted: Scripted, ended: Callable[[str], bool]) -> None:
    command = scripted(DAEMON + CHILD + f"daemon()\nos.kill({os.getpid()}, {signal.SIGINT})\ntime.sleep(120)")
    with pytest.raises(KeyboardInterrupt):
        run(command)
    assert ended("child.pid")
    assert ended("daemon.pid")


def test_watching_a_process_costs_little(scripted: Scripted) -> None:
    before = time.thread_time()
    finished = run(scripted("import time; time.sleep(4)"))
    assert finished.failure == ""
    assert time.thread_time() - before < 0.2


def test_a_short_process_is_not_kept_waiting() -> None:
    assert min(capture(["true"]).seconds for _ in range(10)) < 0.09


def test_many_processes_can_run_at_once_from_threads(scripted: Scripted) -> None:
    command = scripted("print('fine')")
    reports: list[bytes] = []
    threads = [threading.Thread(target=lambda: reports.append(run(command).report)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reports == [b"fine\n"] * 8


def test_no_other_module_but_that_of_the_pager_starts_processes() -> None:
    shipped = Path(__file__).parent.parent
    folders = ["core", "scanners", "headers", "sla", "policies", "store", "reports", "cli"]
    starters = ("import subprocess", "from subprocess", "os.system(", "os.popen(", "os.spawn", "os.exec", "os.fork(")
    guilty = [
        str(file.relative_to(shipped))
        for folder in folders
        for file in (shipped / folder).rglob("*.py")
        if any(starter in file.read_text() for starter in starters)
    ]
    assert sorted(guilty) == ["cli/pager.py", "scanners/process.py"]
