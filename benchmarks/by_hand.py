"""The four tools as somebody would run them by hand, one process each, in their fastest correct form.

Of Fixby only the list of files, the shipped rules, the pins and the endpoint for advisories are used.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files as resources
from importlib.util import find_spec
from pathlib import Path

from fixby.scanners import advisories, bandit, detect_secrets, manifests, semgrep
from fixby.scanners.osv_endpoint import endpoint
from fixby.scanners.scanner import Target


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: what it printed, and the wall and processor seconds that it took with all its children."""

    output: bytes
    errors: str
    exit_code: int
    wall: float
    cpu: float


@contextmanager
def commands(target: Target, records: Path, folder: Path) -> Iterator[Mapping[str, Sequence[str]]]:
    """The command line of each tool that has something to read, to be run in the target's root."""
    python = (sys.executable, "-I", "-m")
    chosen = {
        name: [str(target.root / path) for path in target.files if wants(path)]
        for name, wants in (("bandit", bandit.wants), ("semgrep", semgrep.wants))
    }
    found: dict[str, Sequence[str]] = {}
    if chosen["bandit"]:
        settings = ("--quiet", "--format=json", "--ini=/dev/null", "--ignore-nosec", "--exclude=/nowhere")
        found["bandit"] = (*python, "bandit", *settings, *chosen["bandit"])
    if chosen["semgrep"]:
        found["semgrep"] = (str(_osemgrep(folder)), *_SEMGREP, f"--project-root={target.root}", *chosen["semgrep"])
    secret_files = [path for path in target.files if detect_secrets.wants(path)]
    if secret_files:
        start = (*python, "detect_secrets", "--cores", "1", "scan", "--no-verify")
        filters = [f"--disable-filter=detect_secrets.filters.{name}" for name in _HIDING]
        found["detect-secrets"] = (*start, "--all-files", *filters, *secret_files)
    declared = manifests.declared(
        target.root, [path for path in target.files if manifests.is_manifest(path)], target.files
    )
    pins = {pin.name: pin.version for pin in sorted(declared.pins, key=lambda pin: (pin.name, pin.version))}
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
    data = advisories.load(records)
    with endpoint(partial(_answer, data)) as url:
        if pins:
            asked = (f"--requirement={requirements}", "--vulnerability-service=osv", f"--osv-url={url}")
            found["pip-audit"] = (*python, "pip_audit", *asked, *_PIP_AUDIT)
        yield found


_SEMGREP = (
    *("scan", "--experimental", "--json", "--quiet", "--metrics=off", "--disable-version-check", "--jobs=1"),
    *("--timeout=0", "--max-target-bytes=0", "--no-git-ignore", "--disable-nosem", "--no-rewrite-rule-ids"),
    *("--config", str(resources("fixby.policies") / "rules")),
)
_HIDING = (
    "allowlist.is_line_allowlisted",
    "heuristic.is_lock_file",
    "heuristic.is_non_text_file",
    "heuristic.is_swagger_file",
)
"""The filters of detect-secrets that pass over lines and whole files without a word."""

_PIP_AUDIT = ("--disable-pip", "--no-deps", "--format=json", "--progress-spinner=off")


def run(command: Sequence[str], folder: Path) -> Ran:
    """Run a command, and count what it and its children used."""
    environment = {**os.environ, "SEMGREP_ENABLE_VERSION_CHECK": "0", "SEMGREP_SEND_METRICS": "off"}
    before, started = os.times(), time.monotonic()
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    errors = ended.stderr.decode(errors="replace")
    return Ran(ended.stdout, errors, ended.returncode, time.monotonic() - started, cpu)


def _osemgrep(folder: Path) -> Path:
    spec = find_spec("semgrep")
    link = folder / "osemgrep"
    if spec and spec.submodule_search_locations and not link.exists():
        link.symlink_to(Path(spec.submodule_search_locations[0]) / "bin" / "semgrep-core")
    return link


def _answer(data: advisories.Advisories, name: str, version: str) -> list[dict[str, object]]:
    return [advisories.answer(record, name) for record in advisories.matching(data, name, version).records]
