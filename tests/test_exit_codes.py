"""What `fixby` exits with, and what it leaves behind when it is made to stop."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import psutil
import pytest

from tests.command import FIXBY, SAFE, SHELL, called, clean_environment, fixby, repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo", {"app.py": SHELL})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scan", "--scanner", "bandti"), "There is no scanner 'bandti'.\n       Known are: bandit, "),
        (("scan", "--only", "sast,sdast"), "There is no kind of scanner 'sdast'.\n       Known are: sast, "),
        (("scan", "nowhere"), "nowhere does not exist."),
        (("scan", "--timeout", "soon"), "--timeout: 'soon' is not a duration."),
        (("scan", "--advisories", "nowhere.zip"), "--advisories: nowhere.zip does not exist."),
        (("scan", "--rules", "nowhere"), "--rules: nowhere does not exist."),
        (("scan", "--no-store", "--gate"), "The gate judges what is stored."),
        (("scan", "--config", "nowhere.toml"), "nowhere.toml cannot be read"),
        (("scan", "--store", "mysql://server/name"), "A store cannot be a mysql URL."),
        (("list", "bogus:1"), "There is no qualifier 'bogus'."),
        (("list", "severity:bad"), "'bad' is none of critical, "),
        (("show", "zz"), "No finding has an id that begins with 'zz'."),
        (("parse", "nowhere.json"), "nowhere.json cannot be read"),
        (("parse", "app.py", "--scanner", "bandti"), "There is no scanner 'bandti'."),
        (("init", "app.py"), "app.py is no folder."),
        (("bogus",), "No such command 'bogus'"),
        (("scan", "--bogus"), "No such option: --bogus"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_usage_is_2_and_says_what_is_wrong(repo: Path, arguments: tuple[str, ...], said: str) -> None:
    called("init", cwd=repo)
    ended = called(*arguments, cwd=repo)
    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err


def test_a_wrong_wish_is_told_before_anything_is_made(repo: Path) -> None:
    for wrong in (("--scanner", "bandti"), ("--timeout", "soon"), ("--advisories", "nowhere")):
        assert called("scan", *wrong, cwd=repo).code == 2
    assert sorted(path.name for path in repo.iterdir()) == ["app.py"]


def test_a_store_that_is_not_there_or_is_none_is_3(repo: Path) -> None:
    missing = called("list", cwd=repo)
    assert (missing.code, missing.out) == (3, "")
    assert "There is no store at" in missing.err
    other = called("list", "--store", "app.py", cwd=repo)
    assert (other.code, "Traceback" in other.err) == (3, False)
    assert (repo / "app.py").read_text() == SHELL


def test_an_empty_folder_is_3_and_says_that_there_is_nothing_to_scan(tmp_path: Path) -> None:
    ended = called("scan", cwd=repository(tmp_path / "empty", {}))
    assert ended.code == 3
    assert "bandit, detect-secrets, osv, pip-audit, semgrep: There is nothing to scan.\n" in ended.out


@pytest.fixture(scope="session")
def without_bandit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of an environment that has all that ours has, but Bandit."""
    environment = tmp_path_factory.mktemp("without") / "environment"
    packages = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith("bandit"):
            (packages / entry.name).symlink_to(entry)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", environment)
    (environment / "bin").mkdir()
    python = environment / "bin" / "python"
    python.symlink_to(Path(sys.executable).resolve())
    return python


def test_a_scanner_that_is_not_installed_is_3_and_does_not_stop_the_others(repo: Path, without_bandit: Path) -> None:
    arguments = [str(without_bandit), "-c", "from fixby.cli.main import main; main()"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = clean_environment()
        return subprocess.run(
            [*arguments, *words], cwd=repo, env=environment, capture_output=True, text=True, check=False
        )

    assert called("scan", "--only", "sast", cwd=repo).code == 0
    ended = run("scan", "--only", "sast")
    assert ended.returncode == 3
    assert "0 new, 0 fixed, 0 reopened, 0 not observed" in ended.stdout
    assert len(called("list", "scanner:bandit", "is:not_observed", "--json", cwd=repo).document["findings"]) == 2
    assert "bandit: not scanned: app.py: Bandit is not installed. Install fixby again" in ended.stdout
    assert "Shell command" in ended.stdout
    assert run("scan", "--scanner", "bandit").returncode == 3
    doctor = run("doctor")
    assert doctor.returncode == 3
    assert "bandit: Bandit is not installed." in doctor.stdout


def test_an_error_that_nobody_foresaw_is_4_and_asks_to_be_reported(repo: Path) -> None:
    script = "import fixby.cli.doctor, fixby.cli.main as m; del fixby.cli.doctor.run; m.main()"
    ended = subprocess.run(
        [sys.executable, "-c", script, "doctor"], cwd=repo, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr.endswith("fixby: this is a bug; please report it with the lines above.\n")
    assert "AttributeError" in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_an_output_that_cannot_be_written_is_4(repo: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [FIXBY, "parse", "app.py"], cwd=repo, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 4
    assert ended.stderr.endswith("fixby: Standard output cannot be written: No space left on device.\n")


def test_where_an_error_came_from_is_shown_to_those_who_ask(repo: Path) -> None:
    assert "Traceback" not in called("scan", "nowhere", cwd=repo).err
    debugged = called("--debug", "scan", "nowhere", cwd=repo)
    assert debugged.code == 2
    assert "Traceback" in debugged.err
    assert debugged.err.endswith("fixby: nowhere does not exist.\n       Name a folder that does.\n")


@pytest.fixture
def long_scan(tmp_path: Path) -> Path:
    """A repository that Bandit takes many seconds for, and that was scanned once when it was small."""
    repo = repository(tmp_path / "long", {"app.py": SHELL})
    called("scan", "--scanner", "bandit", cwd=repo)
    statement = "subprocess.call('ls ' + folder, shell=True)\n"
    return repository(repo, {f"long{number}.py": "import subprocess\n" + statement * 6000 for number in range(4)})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_scan_that_is_interrupted_is_130_and_leaves_no_process_and_an_intact_store(
    long_scan: Path, tmp_path: Path, number: signal.Signals
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    before = called("list", "--json", cwd=long_scan).document
    with subprocess.Popen(
        [FIXBY, "scan", "--scanner", "bandit"],
        cwd=long_scan,
        env=clean_environment() | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr
        assert process.stderr.readline() == "bandit: running\n"
        children = _children_once_there_are_some(process.pid)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.endswith("fixby: The scan was interrupted.\n")
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert list(temporary.iterdir()) == []
    assert called("list", "--json", cwd=long_scan).document == before
    assert called("db", "verify", cwd=long_scan).code == 0


def _children_once_there_are_some(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    while not (children := parent.children(recursive=True)):
        assert parent.is_running()
    return children


def test_a_reader_that_goes_away_is_no_error(repo: Path) -> None:
    called("scan", "--scanner", "bandit", cwd=repo)
    for command in ("fixby list", "fixby list --json", "fixby scan --scanner bandit 2>&1"):
        piped = f"set -o pipefail; {command} | head -1 >/dev/null"
        environment = clean_environment() | {"PATH": f"{Path(FIXBY).parent}{os.pathsep}{os.environ['PATH']}"}
        ended = subprocess.run(
            ["bash", "-c", piped], cwd=repo, env=environment, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, "")


def test_streams_that_the_caller_closed_are_no_error(repo: Path) -> None:
    ended = subprocess.run(
        ["sh", "-c", f"exec {FIXBY} scan --scanner bandit --json 2>&-"], cwd=repo, capture_output=True, check=False
    )
    assert ended.returncode == 0
    assert ended.stdout.startswith(b"{")


def test_what_people_read_can_be_printed_in_any_encoding(repo: Path) -> None:
    (repo / "grüße.py").write_text(SHELL)
    ended = fixby("scan", "--scanner", "bandit", cwd=repo, PYTHONIOENCODING="ascii")
    assert ended.code == 0
    assert "gr\\xfc\\xdfe.py:5" in ended.out


def test_all_that_can_be_made_is_made_twice_without_harm(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SAFE})
    first = called("init", cwd=repo)
    assert (first.code, "fixby.toml written" in first.out) == (0, True)
    files = {path: path.read_bytes() for path in repo.rglob("*.toml")}
    second = called("init", cwd=repo)
    assert (second.code, "fixby.toml was there" in second.out) == (0, True)
    assert {path: path.read_bytes() for path in repo.rglob("*.toml")} == files
    assert called("db", "upgrade", cwd=repo).code == 0
    assert called("scan", "--scanner", "bandit", cwd=repo).code == 0
