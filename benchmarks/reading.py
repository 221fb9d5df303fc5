"""How fast a big report of Trivy is read and stored, and in how much memory.

    python benchmarks/reading.py [VULNERABILITIES]

A synthetic report (50,000 vulnerabilities, 100 MB) of an image with a system and Python packages is parsed by
`orjson.loads`, read, and recorded in a new SQLite store. Exits 1 where reading takes over three times of parsing and
one pass, where reading and storing together are below 15,000 vulnerabilities a second, or take more than 700 MB.
"""

import random
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import orjson

from fixby.asset import Asset
from fixby.policies.policy import shipped
from fixby.scan import Scan
from fixby.scanners.ingestion import scans_of_report
from fixby.store.ingestion import record
from fixby.store.opening import open_for_writing
from fixby.store.terms import Occasion

NOW = 1_700_000_000
Row = Mapping[str, object]
T = TypeVar("T")


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        path.write_bytes(orjson.dumps(report(count)))
        sys.exit(0 if measured(path, count) else 1)


def measured(path: Path, count: int) -> bool:
    """Whether a report of so many vulnerabilities is read and stored within the bounds; the figures are printed."""
    content = path.read_bytes()
    parsing, _ = timed(lambda: one_pass(content))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reading, [scan] = timed(lambda: scans_of_report(content, None, b"key", NOW))
    storing, _ = timed(lambda: store(scan, path.with_suffix(".db")))
    assert len(scan.findings) == count  # noqa: S101 - a benchmark of something else says nothing
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rate = count / (reading + storing)
    print(f"{len(content) / 1e6:.0f} MB, {count:,} vulnerabilities")
    print(f"parsing and one pass {parsing:.2f} s ({before // 1024} MB)")
    print(f"reading {reading:.2f} s, {reading / parsing:.1f} times of that; storing {storing:.2f} s")
    print(f"{rate:,.0f} vulnerabilities a second, {peak // 1024} MB")
    return rate >= 15_000 and peak < 700 * 1024 and reading < 3 * parsing


def one_pass(content: bytes) -> int:
    """What nobody can do without: parse the report, look at every field of every vulnerability."""
    parsed = orjson.loads(content)
    return sum(
        len(str(value)) for result in parsed["Results"] for row in result["Vulnerabilities"] for value in row.values()
    )


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """How many seconds something takes, and what it returns."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def store(scan: Scan, path: Path) -> None:
    """Record a scan in a new store."""
    database = open_for_writing(str(path))
    record(database, scan, Occasion(Asset("image"), "benchmark", NOW, shipped()))


def report(count: int) -> Row:
    """A report of about 2 kB a vulnerability, a quarter of them in Python packages; the same for the same count."""
    some = random.Random(1)  # noqa: S311 - no secret
    systems, python = count - count // 4, count // 4
    return {
        "SchemaVersion": 2,
        "ArtifactName": "shop:1.0",
        "ArtifactType": "container_image",
        "Metadata": {"OS": {"Family": "debian", "Name": "12.5"}},
        "Results": [
            {
                "Target": "shop:1.0 (debian 12.5)",
                "Class": "os-pkgs",
                "Type": "debian",
                "Vulnerabilities": [vulnerability(some, number, "deb/debian") for number in range(systems)],
            },
            {
                "Target": "Python",
                "Class": "lang-pkgs",
                "Type": "python-pkg",
                "Vulnerabilities": [vulnerability(some, number, "pypi") for number in range(python)],
            },
        ],
    }


def vulnerability(some: random.Random, number: int, kind: str) -> Row:
    """One vulnerability; twelve to a package, each in about three packages."""
    name, year = f"package-{number // 12}", 2010 + number % 15
    words = " ".join(some.choices(_WORDS, k=70))
    path = {} if kind != "pypi" else {"PkgPath": f"usr/lib/python3/dist-packages/{name}-1.2.dist-info/METADATA"}
    return {
        "VulnerabilityID": f"CVE-{year}-{10_000 + number // 3}{number % 12}",
        "PkgID": f"{name}@1.2-{number % 7}",
        "PkgName": name,
        **path,
        "PkgIdentifier": {"PURL": f"pkg:{kind}/{name}@1.2?arch=amd64&distro=debian-12.5", "UID": f"{number:016x}"},
        "InstalledVersion": "1.2",
        "FixedVersion": "1.3, 1.4",
        "Status": "fixed",
        "Layer": {"Digest": f"sha256:{7:064x}", "DiffID": f"sha256:{8:064x}"},
        "SeveritySource": "nvd",
        "PrimaryURL": f"https://avd.aquasec.com/nvd/cve-{year}-{number}",
        "DataSource": {"ID": "debian", "Name": "Debian Security Tracker", "URL": "https://salsa.debian.org/"},
        "Title": f"{name}: {words[:60]}",
        "Description": words,
        "Severity": ("LOW", "MEDIUM", "HIGH", "CRITICAL")[number % 4],
        "CweIDs": [f"CWE-{number % 900 + 1}"],
        "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": 9.8}},
        "References": [f"https://example.com/advisories/{number}/{link}" for link in range(12)],
        "PublishedDate": "2024-01-02T03:04:05Z",
        "LastModifiedDate": "2024-02-03T04:05:06Z",
    }


_WORDS = [
    "a",
    "buffer",
    "overflow",
    "in",
    "the",
    "parser",
    "of",
    "headers",
    "allows",
    "remote",
    "attackers",
    "to",
    "execute",
    "arbitrary",
    "code",
    "via",
    "crafted",
]


if __name__ == "__main__":
    main()
