"""Programs that behave as Trivy and Grype do, and replay a report: the tools themselves cannot be installed for tests.

What they do is measured of the tools, or read in their sources: exit codes, what stands on standard error, where the
report goes. They note what they were called with and which files they saw.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PROGRAM = """\
#!{python} -I
# {stamp}
import json, os, sys, time
from pathlib import Path

home = Path({home!r})
plan = json.loads((home / "plan.json").read_text())
arguments = sys.argv[1:]
call = {{"arguments": arguments, "environment": dict(os.environ), "folder": os.listdir(".")}}
if arguments[0] == "version":
    with (home / "asked").open("a") as file:
        file.write("version\\n")
    sys.stdout.write(plan["version"])
    sys.exit(plan["version_exit_code"])
place = next((one for one in reversed(arguments) if not one.startswith("-")), "").removeprefix("dir:")
walked = [file for file in Path(place).rglob("*") if file.is_file()] if place and Path(place).is_dir() else []
call["top"] = os.listdir(place) if walked else []
names = [os.fsencode(file.relative_to(place)).decode(errors="replace").removeprefix("files/") for file in walked]
call["files"] = {{name: file.read_bytes().decode(errors="replace") for name, file in zip(names, walked)}}
caches = [one.removeprefix("--cache-dir=") for one in arguments if one.startswith("--cache-dir=")]
call["cache"] = sorted(os.listdir(caches[0])) if caches else []
(home / "call.json").write_text(json.dumps(call))
for one in arguments:
    if one.startswith("--output=cyclonedx-json=") and plan["bill"]:
        Path(one.partition("json=")[2]).write_text(plan["bill"])
sys.stderr.write(plan["errors"].replace("TREE", place))
sys.stdout.write(plan["report"])
for _ in range(plan["mebibytes"]):
    sys.stdout.write("x" * 2**20)
sys.stdout.flush()
time.sleep(plan["seconds"])
sys.exit(plan["exit_code"])
"""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a program does: what it writes, how it ends, and after how many seconds."""

    report: str = ""
    errors: str = ""
    exit_code: int = 0
    version: str = ""
    version_exit_code: int = 0
    bill: str = ""
    seconds: float = 0
    mebibytes: int = 0


@dataclass(frozen=True, slots=True)
class Tool:
    """A program on a PATH of its own, and the variables under which Fixby finds it and an empty cache for it."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def call(self) -> Any:  # noqa: ANN401 - JSON
        """The arguments, variables, working folder and files of the last call; None where there was none."""
        note = self.home / "call.json"
        return json.loads(note.read_text()) if note.exists() else None

    @property
    def was_started(self) -> bool:
        """Whether it was run at all, be it to ask for its version."""
        return self.call is not None or (self.home / "asked").exists()


def installed(name: str, folder: Path, behaviour: Behaviour, stamp: str = "") -> Tool:
    """Put a program of that name on a PATH; `stamp` stands in its file."""
    home = folder / f"{name}-home"
    programs = home / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    kept = {key: getattr(behaviour, key) for key in Behaviour.__dataclass_fields__}
    (home / "plan.json").write_text(json.dumps(kept))
    program = programs / name
    program.write_text(_PROGRAM.format(python=sys.executable, home=str(home), stamp=stamp))
    program.chmod(0o755)
    path = os.pathsep.join((str(programs), os.environ["PATH"]))
    return Tool(home, {"PATH": path, "XDG_CACHE_HOME": str(home / "cache")})


def trivy_version(built: str = "", version: str = "0.70.0") -> str:
    """What `trivy version --format json` prints: without a database nothing is said of one."""
    database = {"Version": 2, "NextUpdate": built, "UpdatedAt": built, "DownloadedAt": built}
    return json.dumps({"Version": version, **({"VulnerabilityDB": database} if built else {})})


def grype_version(version: str = "0.104.0") -> str:
    """What `grype version --output json` prints."""
    return json.dumps({"application": "grype", "version": version, "supportedDbSchema": 6})


TRIVY_REPORT: Mapping[str, Any] = {
    "SchemaVersion": 2,
    "Trivy": {"Version": "0.70.0"},
    "ArtifactName": "tree",
    "ArtifactType": "filesystem",
    "Results": [
        {
            "Target": "package-lock.json",
            "Class": "lang-pkgs",
            "Type": "npm",
            "Packages": [
                {
                    "Name": "lodash",
                    "Version": "4.17.15",
                    "Identifier": {"PURL": "pkg:npm/lodash@4.17.15"},
                    "Locations": [{"StartLine": 7, "EndLine": 9}],
                }
            ],
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2020-8203",
                    "PkgName": "lodash",
                    "PkgIdentifier": {"PURL": "pkg:npm/lodash@4.17.15"},
                    "InstalledVersion": "4.17.15",
                    "FixedVersion": "4.17.19",
                    "Status": "fixed",
                    "Severity": "HIGH",
                    "Title": "lodash: prototype pollution",
                    "Description": "Versions of lodash before 4.17.19 can be polluted.",
                }
            ],
        },
        {
            "Target": "Dockerfile",
            "Class": "config",
            "Type": "dockerfile",
            "MisconfSummary": {"Successes": 26, "Failures": 1},
            "Misconfigurations": [
                {
                    "ID": "DS002",
                    "AVDID": "AVD-DS-0002",
                    "Title": "Image user should not be 'root'",
                    "Message": "Specify at least 1 USER command in the Dockerfile",
                    "Resolution": "Add a USER.",
                    "Severity": "HIGH",
                    "Status": "FAIL",
                    "CauseMetadata": {"StartLine": 2, "EndLine": 2},
                }
            ],
        },
        {
            "Target": "deploy.sh",
            "Class": "secret",
            "Secrets": [
                {
                    "RuleID": "aws-access-key-id",
                    "Severity": "CRITICAL",
                    "Title": "AWS Access Key ID",
                    "StartLine": 1,
                    "EndLine": 1,
                    "Match": "export AWS_ACCESS_KEY_ID=********************",
                }
            ],
        },
        {
            "Target": "Node.js",
            "Class": "license",
            "Licenses": [
                {
                    "Severity": "HIGH",
                    "Category": "restricted",
                    "PkgName": "lodash",
                    "Name": "GPL-3.0-only",
                    "FilePath": "package-lock.json",
                }
            ],
        },
    ],
}
"""A report of our own in Trivy's schema 2, with one finding of every kind."""


def grype_report(built: str, **others: object) -> str:
    """A report of our own in Grype's schema, with one match and one that was ignored."""
    artifact = {
        "name": "lodash",
        "version": "4.17.15",
        "type": "npm",
        "purl": "pkg:npm/lodash@4.17.15",
        "locations": [{"path": "/package-lock.json"}],
    }
    match = {
        "vulnerability": {
            "id": "GHSA-p6mc-m468-83gw",
            "severity": "High",
            "description": "Prototype pollution in lodash",
            "fix": {"versions": ["4.17.19"], "state": "fixed"},
        },
        "relatedVulnerabilities": [{"id": "CVE-2020-8203"}],
        "artifact": artifact,
    }
    ignored = {
        **match,
        "vulnerability": {"id": "GHSA-29mw-wpgm-hmr9", "severity": "Medium"},
        "relatedVulnerabilities": [],
        "appliedIgnoreRules": [{"vulnerability": "", "fix-state": "wont-fix", "reason": "a rule of Grype"}],
    }
    return json.dumps(
        {
            "matches": [match],
            "ignoredMatches": [ignored],
            "source": {"type": "directory", "target": "tree"},
            "distro": {"name": "", "version": "", "idLike": None},
            "descriptor": {
                "name": "grype",
                "version": "0.104.0",
                "db": {"status": {"schemaVersion": "v6.1.0", "built": built, "valid": True}},
            },
            **others,
        }
    )


def bill(*packages: tuple[str, str, str]) -> str:
    """The bill of materials that Grype writes beside its report: name, version and file of each package, of npm all."""
    components = [
        {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:npm/{name}@{version}",
            "properties": [{"name": "syft:location:0:path", "value": f"/{path}"}],
        }
        for name, version, path in packages
    ]
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components})
