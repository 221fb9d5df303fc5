"""Container images that mean harm, and scans of images that are made to stop."""

import io
import os
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import psutil
import pytest

from fixby.cli import scan
from fixby.scanners.process import Limits
from tests.command import FIXBY, advisories, called, clean_environment, repository
from tests.images import OLD, docker_archive, installed, oci_layout, root, scanned


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """Advisories for the Python package index."""
    return advisories(tmp_path / "known")


def _hostile(kind: str) -> bytes:
    """A layer that means harm."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as layer:
        for path, content in installed({"jinja2": "2.7.1"}).items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            layer.addfile(member, io.BytesIO(str(content).encode()))
        for member in HOSTILE[kind]:
            layer.addfile(member, io.BytesIO(b"x" * member.size))
    return written.getvalue()


def _link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def _file(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = 1
    return member


HOSTILE = {
    "paths that lead out": [_file("../../../../../../tmp/fixby-was-here"), _file("/tmp/fixby-was-here")],  # noqa: S108
    "links that lead out": [_link("var/lib/dpkg/status", "/etc/passwd"), _link("etc", "../../../../etc")],
    "links in circles": [_link("a", "b"), _link("b", "a"), _link("var", "var"), _link("usr/lib", "../usr")],
    "hard links to nothing": [_link("var/lib/dpkg/status", "../../../etc/passwd", tarfile.LNKTYPE)],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_image_harms_nobody_and_hides_nothing(here: Path, known: Path, kind: str) -> None:
    docker_archive(here / "saved.tar", {}, layer=_hostile(kind))
    ended = called("scan", "--image", "saved.tar", "--no-store", "--json", "--advisories", known, cwd=here)
    found = scanned(ended)
    assert ended.code in (0, 3)
    assert found["outcome"] == "failed" or len(found["findings"]) == 2
    assert not Path("/tmp/fixby-was-here").exists()  # noqa: S108


def test_a_folder_whose_links_lead_out_is_looked_at_within(here: Path, known: Path) -> None:
    root(here / "outside", installed({"jinja2": "2.7.1"}))
    inside = root(here / "image", installed({"requests": "2.32.3"}))
    (inside / "opt").symlink_to(here / "outside" / "usr")
    ended = called("scan", "--image", "image", "--no-store", "--json", "--advisories", known, cwd=here)
    assert scanned(ended)["findings"] == []


def test_a_layer_that_unpacks_without_end_is_stopped(here: Path, known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "IMAGE_LIMITS", Limits(output_bytes=16 * 2**20))
    oci_layout(here / "layout", {"a": b"\0" * 64 * 2**20})
    assert sum(file.stat().st_size for file in (here / "layout").rglob("*")) < 2**20
    ended = called("scan", "--image", "layout", "--no-store", "--json", "--advisories", known, cwd=here)
    assert (ended.code, scanned(ended)["reasons"]) == (3, ["The process wrote more than 16 MiB."])


def test_what_an_image_configures_is_not_heeded(here: Path, known: Path) -> None:
    files = {".syft.yaml": "exclude: ['**']\n", ".syft/config.yaml": "exclude: ['**']\n"}
    root(here / "image", files | installed({"jinja2": "2.7.1"}))
    (here / ".syft.yaml").write_text("exclude: ['**']\n")
    ended = called("scan", "--image", "image", "--no-store", "--json", "--advisories", known, cwd=here)
    assert len(scanned(ended)["findings"]) == 2


def test_ctrl_c_leaves_nothing_behind(here: Path) -> None:
    tools = repository(here / "tools", {"syft": SLOW})
    (tools / "syft").chmod(0o755)
    docker_archive(here / "saved.tar", installed(OLD))
    environment = clean_environment() | {"PATH": f"{tools}:{os.environ['PATH']}", "TMPDIR": str(here)}
    started = subprocess.Popen(
        [FIXBY, "scan", "--image", "saved.tar"], cwd=here, env=environment, stderr=subprocess.PIPE
    )
    assert started.stderr
    assert b"running" in started.stderr.readline()
    while not (
        sleepers := [one for one in psutil.Process(started.pid).children(recursive=True) if "86399" in one.cmdline()]
    ):
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=30)
    assert started.returncode == 130
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in sleepers)
    assert not list(here.glob("fixby-*"))


SLOW = """\
#!/bin/sh
[ "$1" = version ] && echo '{"version": "1.99.0"}' && exit
sleep 86399
"""
