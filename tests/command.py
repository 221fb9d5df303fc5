"""The `fixby` command as people run it, and small repositories to run it on."""

import gc
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zipfile import ZipFile

from fixby.cli.main import main

FIXBY = str(Path(sys.executable).with_name("fixby"))

SHELL = """\
import subprocess


def listing(folder):
    return subprocess.call("ls " + folder, shell=True)
"""
"""Bandit calls the import low (B404) and the call high (B602); Semgrep calls the call medium."""

SAFE = """\
def listing(folder):
    return sorted(folder.iterdir())
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.out)


def fixby(*arguments: object, cwd: Path, stdin: bytes = b"", **environment: str) -> Ended:
    """Run the command in a process of its own; `environment` is all that it gets beside what it needs to run."""
    command = [FIXBY, *map(str, arguments)]
    surroundings = clean_environment() | environment
    ended = subprocess.run(
        command, cwd=cwd, input=stdin, env=surroundings, capture_output=True, timeout=300, check=False
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def called(*arguments: object, cwd: Path, **environment: str) -> Ended:
    """Run the command within this process: faster, and all that its main function does is done."""
    written = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(stream, encoding="utf-8") for stream in written)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    try:
        with (
            chdir(cwd),
            redirect_stdout(out),
            redirect_stderr(err),
            patch.dict(os.environ, environment),
            patch.object(sys, "argv", ["fixby", *map(str, arguments)]),
        ):
            code = _exit_code()
    finally:
        gc.enable()
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
    out.flush()
    err.flush()
    return Ended(code, *(stream.getvalue().decode() for stream in written))


def clean_environment() -> dict[str, str]:
    """What a command needs to run, and none of what people set to change how it runs."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LANG")}


def repository(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, as somebody."""
    somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *somebody, *arguments], cwd=folder, check=True, capture_output=True)


def advisories(folder: Path) -> Path:
    """Records as OSV publishes them: one critical by its CVSS vector, one that nobody rated."""
    critical = _advisory("PYSEC-2014-8", "jinja2", "2.7.2", severity="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
    unrated = _advisory("PYSEC-2019-217", "jinja2", "2.10.1")
    return repository(folder, {f"{record['id']}.json": json.dumps(record) for record in (critical, unrated)})


def zipped(path: Path, *records: Mapping[str, object]) -> Path:
    """Records of OSV in a zip, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(path, "w") as archive:
        for one in records:
            archive.writestr(f"{one['id']}.json", json.dumps(one))
    return path


def _advisory(name: str, package: str, fixed: str, severity: str = "") -> dict[str, object]:
    return {
        "schema_version": "1.6.0",
        "id": name,
        "modified": "2024-11-01T00:00:00Z",
        "summary": f"Code can be run by {package}",
        "details": f"Templates of {package} before {fixed} can run code.",
        "severity": [{"type": "CVSS_V3", "score": severity}] if severity else [],
        "references": [{"type": "WEB", "url": f"https://example.org/{name}"}],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }
        ],
    }


def _exit_code() -> int:
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
