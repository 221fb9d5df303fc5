import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path

import psutil
import pytest

from fixby.errors import Interrupted
from fixby.scanners.process import Limits
from fixby.scanners.scanner import Command, Finished
from fixby.scanners.schedule import run_all


def command(folder: Path, code: str, cost: int = 0) -> Command:
    return Command((sys.executable, "-I", "-c", code), (), folder, cost=cost)


def test_results_come_as_the_processes_end(tmp_path: Path) -> None:
    naps = {"slow": 0.6, "quick": 0, "middling": 0.3}
    work = [(key, command(tmp_path, f"import time; time.sleep({nap}); print({key!r})")) for key, nap in naps.items()]
    results = run_all(work, cores=3)
    assert [(key, finished.report) for key, finished in results] == [
        ("quick", b"quick\n"),
        ("middling", b"middling\n"),
        ("slow", b"slow\n"),
    ]


def test_one_key_may_have_several_commands(tmp_path: Path) -> None:
    results = run_all([("bandit", command(tmp_path, f"print({number})")) for number in range(3)], cores=2)
    assert sorted((key, finished.report) for key, finished in results) == [
        ("bandit", b"0\n"),
        ("bandit", b"1\n"),
        ("bandit", b"2\n"),
    ]


def test_no_work_gives_no_results() -> None:
    assert list(run_all([], cores=2)) == []


def test_the_dearest_starts_first(tmp_path: Path) -> None:
    started: list[int] = []
    list(
        run_all(
            [(cost, command(tmp_path, "import time; time.sleep(0.2)", cost)) for cost in (9, 2, 1, 5)],
            cores=1,
            on_event=lambda cost, finished: started.append(cost) if finished is None else None,
        )
    )
    assert started == [9, 5, 2, 1]


def test_what_is_given_first_runs_while_the_rest_is_still_made_up(tmp_path: Path) -> None:
    def work() -> Iterator[tuple[str, Command]]:
        yield "first", command(tmp_path, "print(1)")
        wait_until(lambda: bool(ended))
        yield "second", command(tmp_path, "print(2)")

    ended: list[Finished] = []
    results = run_all(work(), cores=1, on_event=lambda _key, finished: ended.append(finished) if finished else None)
    assert sorted(key for key, _ in results) == ["first", "second"]


def test_what_goes_wrong_in_making_up_the_work_ends_what_runs_already(tmp_path: Path) -> None:
    def work() -> Iterator[tuple[str, Command]]:
        yield "endless", command(tmp_path, "import time; time.sleep(120)")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(run_all(work(), cores=1))
    assert not [child for child in psutil.Process().children(recursive=True) if "time.sleep(120)" in child.cmdline()]


def test_each_start_and_each_end_is_told(tmp_path: Path) -> None:
    events: list[tuple[str, Finished | None]] = []
    results = list(
        run_all(
            [("one", command(tmp_path, "")), ("two", command(tmp_path, "import sys; sys.exit(2)"))],
            cores=1,
            on_event=lambda key, finished: events.append((key, finished)),
        )
    )
    first, second = sorted(results, key=itemgetter(0))
    assert events == [("one", None), first, ("two", None), second]


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_no_more_than_the_given_number_run_at_once(tmp_path: Path, cores: int) -> None:
    code = "import time; print(time.monotonic()); time.sleep(0.15); print(time.monotonic())"
    results = list(run_all([(number, command(tmp_path, code)) for number in range(7)], cores))
    spans = [tuple(map(float, finished.report.split())) for _, finished in results]
    most = max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)
    assert most == cores


def test_the_whole_takes_no_longer_than_the_best_schedule_by_more_than_a_tenth(tmp_path: Path) -> None:
    seconds = [0.5, 0.5, 1.0, 1.0, 1.5, 1.5, 2.0]
    work = [(nap, command(tmp_path, f"import time; time.sleep({nap})", cost=round(10 * nap))) for nap in seconds]
    started = time.monotonic()
    results = list(run_all(work, cores=2))
    taken = time.monotonic() - started
    assert taken <= 1.10 * (0.5 + sum(finished.seconds for _, finished in results) / 2)


def test_a_limit_ends_one_process_and_not_the_others(tmp_path: Path) -> None:
    work = [("endless", command(tmp_path, "import time; time.sleep(120)")), ("fine", command(tmp_path, "print(1)"))]
    (_, fine), (_, endless) = run_all(work, cores=2, limits=Limits(seconds=2))
    assert endless.failure == "The process took longer than 2 seconds."
    assert (fine.failure, fine.report) == ("", b"1\n")


def test_what_an_event_raises_ends_all_processes(tmp_path: Path) -> None:
    def on_event(key: str, _finished: Finished | None) -> None:
        if key == "bad":
            raise ZeroDivisionError

    work = [("bad", command(tmp_path, "")), ("endless", command(tmp_path, "import time; time.sleep(120)"))]
    with pytest.raises(ZeroDivisionError):
        list(run_all(work, cores=2, on_event=on_event))
    assert not [child for child in psutil.Process().children(recursive=True) if "time.sleep(120)" in child.cmdline()]


def test_signal_handlers_are_put_back(tmp_path: Path) -> None:
    heeded = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in heeded]
    list(run_all([("one", command(tmp_path, ""))], cores=1))
    assert [signal.getsignal(number) for number in heeded] == before


def test_a_signal_interrupts_and_the_last_results_are_not_returned(tmp_path: Path) -> None:
    def on_event(_key: str, finished: Finished | None) -> None:
        if finished is not None:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        list(run_all([("one", command(tmp_path, ""))], cores=1, on_event=on_event))


def test_it_runs_outside_the_main_thread_too(tmp_path: Path) -> None:
    reports: list[bytes] = []
    work = [("one", command(tmp_path, "print('fine')"))]
    thread = threading.Thread(target=lambda: reports.extend(finished.report for _, finished in run_all(work, cores=1)))
    thread.start()
    thread.join()
    assert reports == [b"fine\n"]


DRIVER = """
import sys
from pathlib import Path
from fixby.errors import Interrupted
from fixby.scanners.scanner import Command
from fixby.scanners.schedule import run_all
folder = Path(sys.argv[1])
work = [(n, Command((sys.executable, "-I", str(folder / "tool.py"), str(n)), (), folder)) for n in range(5)]
try:
    list(run_all(work, cores=2))
except Interrupted as interrupted:
    sys.exit(interrupted.exit_code)
"""
TOOL = """
import os, pathlib, subprocess, sys, tempfile, time
name = sys.argv[1]
tempfile.mkdtemp()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(write, str(os.getpid()).encode())
        os.closerange(0, 64)
        time.sleep(120)
    os._exit(0)
os.wait()
pids = [str(os.getpid()), str(child.pid), os.read(read, 20).decode()]
pathlib.Path(name + ".new").write_text(" ".join(pids))
os.rename(name + ".new", name + ".pids")
time.sleep(120)
"""


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM], [signal.SIGHUP], [signal.SIGINT, signal.SIGINT, signal.SIGTERM]],
    ids=["ctrl-c", "term", "hang-up", "ctrl-c twice and term"],
)
def test_being_asked_to_end_leaves_no_process_and_no_folder_behind(
    tmp_path: Path, signals: list[signal.Signals]
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "tool.py").write_text(TOOL)
    (tmp_path / "driver.py").write_text(DRIVER)
    driver = subprocess.Popen(
        [sys.executable, str(tmp_path / "driver.py"), str(tmp_path)],
        env={**os.environ, "TMPDIR": str(temporary)},
        start_new_session=True,
    )
    wait_until(lambda: len(list(tmp_path.glob("*.pids"))) == 2 or driver.poll() is not None)
    started = [int(pid) for file in tmp_path.glob("*.pids") for pid in file.read_text().split()]
    assert len(started) == 6
    assert not any(map(has_ended, started))
    for number in signals:
        driver.send_signal(number)
        time.sleep(0.02)
    assert driver.wait(timeout=30) == 130
    assert all(map(has_ended, started))
    assert list(temporary.iterdir()) == []
    assert len(list(tmp_path.glob("*.pids"))) == 2


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
