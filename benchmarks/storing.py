"""Storing many findings from one report, against writing the same rows with bare `sqlite3` in the same run.

python benchmarks/storing.py [COUNT]
"""

import json
import resource
import sqlite3
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from fixby.asset import Asset
from fixby.policies.policy import shipped
from fixby.scan import Scan
from fixby.scanners.ingestion import scans_of_report
from fixby.store.ingestion import record
from fixby.store.opening import open_for_writing
from fixby.store.terms import Occasion

OCCASION = Occasion(Asset("benchmark"), actor="fixby", now=1_700_000_100, policy=shipped())


def main() -> None:
    """Measure a first and a second storing, and print findings a second, the ratios and the peak of memory."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with TemporaryDirectory() as name:
        scan = parsed(count)
        database = open_for_writing(str(Path(name) / "fixby.db"))
        first = _timed(lambda: record(database, scan, OCCASION))
        again = _timed(lambda: record(database, scan, OCCASION))
        [(scans,)] = database.run("SELECT count(*) FROM scan")
        database.close()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        bare = _timed(lambda: _bare_rows(Path(name) / "fixby.db", Path(name) / "bare.db"))
    print(f"{count} findings: {first:.2f} s, {count / first:,.0f} a second")
    print(f"the same rows by bare sqlite3: {bare:.2f} s, ratio {first / bare:.2f}")
    print(f"the same again: {again:.2f} s, ratio {again / first:.3f}; {scans!s} scans stored")
    print(f"peak memory {peak:.0f} MB")


def stored(store: Path, count: int) -> None:
    """A store with so many findings."""
    database = open_for_writing(str(store))
    record(database, parsed(count), OCCASION)
    database.close()


def parsed(count: int) -> Scan:
    """The scan that a bandit report of so many results tells of."""
    severities = ("LOW", "MEDIUM", "HIGH")
    results = [
        {
            "code": f"{number % 900 + 1} subprocess.call(command_{number}, shell=True)\n",
            "col_offset": 0,
            "end_col_offset": 40,
            "filename": f"src/package_{number % 1000}/module.py",
            "issue_confidence": "HIGH",
            "issue_cwe": {"id": 78, "link": "https://cwe.mitre.org/data/definitions/78.html"},
            "issue_severity": severities[number % 3],
            "issue_text": "subprocess call with shell=True identified, security issue.",
            "line_number": number % 900 + 1,
            "line_range": [number % 900 + 1],
            "more_info": "https://bandit.readthedocs.io/en/1.9.4/plugins/b602_subprocess_popen_with_shell_equals_true.html",
            "test_id": "B602",
            "test_name": "subprocess_popen_with_shell_equals_true",
        }
        for number in range(count)
    ]
    metrics = {
        f"src/package_{number}/module.py": {"loc": 900, "nosec": 0, "skipped_tests": 0} for number in range(1000)
    }
    report = {
        "errors": [],
        "generated_at": "2026-01-01T00:00:00Z",
        "metrics": {**metrics, "_totals": {}},
        "results": results,
    }
    return scans_of_report(json.dumps(report).encode(), "bandit", bytes(32), 1_700_000_000)[0]


def _timed(act: object) -> float:
    started = time.monotonic()
    act()  # type: ignore[operator]
    return time.monotonic() - started


def _bare_rows(source: Path, copy: Path) -> None:
    """The rows that were stored, written once more without any thought."""
    connection = sqlite3.connect(copy)
    old = sqlite3.connect(source)
    for (statement,) in old.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
        connection.execute(statement)
    for table in ("event", "finding", "sighting"):
        rows = old.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - names of ours
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - names of ours
    connection.commit()


if __name__ == "__main__":
    main()
