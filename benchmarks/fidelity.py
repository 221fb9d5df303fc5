"""Whether what Fixby stores is what the tools say: each tool run by hand on the same files, compared one to one.

    python benchmarks/fidelity.py --advisories RECORDS FOLDER...

A row a tool and folder: how many results the tool reports by hand, how many Fixby stored, and what either has that
the other has not. Results are compared as (rule, file, line), with their number; secrets as (file, line),
vulnerabilities as (package, version, name). By hand, detect-secrets passes over some files and tells one place of a
secret in a file: what only Fixby has of that tool is no difference.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import by_hand

from fixby.scanners.target import target

Key = tuple[str | int, ...]
Report = dict[str, Any]


def main() -> None:
    """Compare the folders that the arguments name; exit 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--advisories", type=Path, required=True)
    parser.add_argument("folders", type=Path, nargs="+")
    given = parser.parse_args()
    print(f"{'folder':<24} {'tool':<15} {'by hand':>8} {'stored':>8} {'only by hand':>13} {'only stored':>12}")
    differing = [compared(folder.resolve(), given.advisories.resolve()) for folder in given.folders]
    sys.exit(1 if any(differing) else 0)


def compared(folder: Path, records: Path) -> bool:
    """Print a row for each tool, and the first differences; gives whether there are any."""
    differs = False
    with TemporaryDirectory() as name:
        work = Path(name)
        documents = stored(folder, records, work)
        with by_hand.commands(target(folder), records, work) as commands:
            for tool, command in commands.items():
                ran = by_hand.run(command, folder)
                said = Counter(READERS[tool](json.loads(ran.output), folder))
                kept = Counter(key for one in documents if one["scanner"] == tool for key in KEPT[tool](one))
                missing, extra = said - kept, kept - said
                numbers = f"{said.total():8} {kept.total():8} {missing.total():13} {extra.total():12}"
                print(f"{folder.name:<24} {tool:<15} {numbers}")
                for word, difference in (("only by hand", missing), ("only stored", extra)):
                    for key in sorted(difference, key=str)[:5]:
                        print(f"    {word}: {key}")
                differs = differs or bool(missing) or (bool(extra) and tool != "detect-secrets")
    unique(documents)
    return differs


def stored(folder: Path, records: Path, work: Path) -> list[Mapping[str, Any]]:
    """Scan with Fixby, and list all that it stored."""
    fixby = str(Path(sys.executable).with_name("fixby"))
    store = ("--store", str(work / "fixby.db"))
    ran = by_hand.run((fixby, "scan", str(folder), "--advisories", str(records), *store), work)
    if ran.exit_code not in (0, 3):
        sys.exit(ran.errors)
    listed = by_hand.run((fixby, "list", "is:open", "--path", str(folder), *store, "--json"), work)
    findings: list[Mapping[str, Any]] = json.loads(listed.output)["findings"]
    return findings


def unique(findings: Iterable[Mapping[str, Any]]) -> None:
    """Distinct findings have distinct ids, and each has a severity with its origin."""
    ids = Counter(finding["id"] for finding in findings)
    if ids and max(ids.values()) > 1:
        sys.exit("two findings have one id")
    if any(not finding["severity"] or not finding["severity_source"] for finding in findings):
        sys.exit("a finding has no severity or no origin of it")


def _bandit(report: Report, folder: Path) -> Iterable[Key]:
    for row in report["results"]:
        yield row["test_id"], _relative(row["filename"], folder), row["line_number"], row["issue_severity"].lower()


def _semgrep(report: Report, folder: Path) -> Iterable[Key]:
    for row in report["results"]:
        yield row["check_id"], _relative(row["path"], folder), row["start"]["line"]


def _secrets(report: Report, folder: Path) -> Iterable[Key]:
    del folder
    for path, rows in report["results"].items():
        yield from {(path, row["line_number"]) for row in rows}


def _vulnerabilities(report: Report, folder: Path) -> Iterable[Key]:
    del folder
    for package in report["dependencies"]:
        for vulnerability in package.get("vulns", ()):
            yield package["name"], package["version"], vulnerability["id"]


READERS: Mapping[str, Callable[[Report, Path], Iterable[Key]]] = {
    "bandit": _bandit,
    "semgrep": _semgrep,
    "detect-secrets": _secrets,
    "pip-audit": _vulnerabilities,
}


def _places(finding: Mapping[str, Any]) -> Iterable[Key]:
    place = finding["locations"][0]
    yield finding["rule_id"], place["path"], place["line"]


def _places_and_severity(finding: Mapping[str, Any]) -> Iterable[Key]:
    place = finding["locations"][0]
    yield finding["rule_id"], place["path"], place["line"], finding["severity"]


def _secret_places(finding: Mapping[str, Any]) -> Iterable[Key]:
    yield from {(place["path"], place["line"]) for place in finding["locations"]}


def _package(finding: Mapping[str, Any]) -> Iterable[Key]:
    component = finding["component"]
    yield component["name"], component["version"], finding["rule_id"]


KEPT: Mapping[str, Callable[[Mapping[str, Any]], Iterable[Key]]] = {
    "bandit": _places_and_severity,
    "semgrep": _places,
    "detect-secrets": _secret_places,
    "pip-audit": _package,
}


def _relative(name: str, folder: Path) -> str:
    return Path(name).relative_to(folder).as_posix()


if __name__ == "__main__":
    main()
