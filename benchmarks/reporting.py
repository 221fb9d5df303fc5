"""What a report's figures, the list of breaches, the gate and the past cost, from ten thousand findings to a million.

    python benchmarks/reporting.py [--findings 10000 100000 1000000] [--postgresql URL]

Each store is made through ingestion: assets of 5,000 findings each that come and go over a year of scans, under two
versions of a policy, with acceptances. The reference is the time that the same database takes to count all findings.
"""

import argparse
import random
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from fixby.asset import Asset
from fixby.decision import Acceptance
from fixby.finding import Category, Finding, Location, Rule
from fixby.policies.policy import parse, shipped
from fixby.query import parse as parse_query
from fixby.scan import Complete, Coverage, Scan
from fixby.severity import Severity, SeveritySource
from fixby.store import decisions, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.figures import Period, report
from fixby.store.ingestion import record
from fixby.store.opening import open_for_reading, open_for_writing
from fixby.store.past import as_of, last_event_at
from fixby.store.terms import Occasion

DAY = 86_400
START = 1_700_000_000
YEAR = 365 * DAY
AN_ASSET = 5000
SCANS = 8
SEVERITIES = {
    Severity.CRITICAL: 3,
    Severity.HIGH: 17,
    Severity.MEDIUM: 45,
    Severity.LOW: 30,
    Severity.INFO: 4,
    Severity.UNKNOWN: 1,
}


def main() -> None:
    """Make the stores, measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--postgresql", help="the URL of an empty database, to measure instead of SQLite")
    parser.add_argument("--keep", type=Path, help="the folder in which the stores are kept and looked for")
    given = parser.parse_args()
    print(" findings     made     count   figures  breaches      gate     as of     peak")
    with TemporaryDirectory() as name:
        for findings in given.findings:
            measure(findings, given.postgresql or str((given.keep or Path(name)) / f"{findings}.db"))


def measure(findings: int, url: str) -> None:
    """Make a store where there is none yet, and measure what is asked of it at the end of its year."""
    made = 0.0 if "://" not in url and Path(url).exists() else took(lambda: make(url, findings))
    database = open_for_reading(url)
    now = START + YEAR
    breached, critical = parse_query("is:open sla:breached"), parse_query("is:open severity:critical asset:asset-1")
    past = last_event_at(database, now - 90 * DAY)
    times = {
        "count": best(lambda: database.run("SELECT count(*) FROM finding")),
        "figures": best(lambda: report(database, Period(now - 90 * DAY, now))),
        "breaches": best(lambda: queries.findings(database, breached, now, limit=1000)),
        "gate": best(lambda: queries.matching(database, critical, now)),
        "as of": took(lambda: figures_as_of(database, past, now - 90 * DAY)),
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    count = len(queries.matching(database, (), now))
    numbers = " ".join(f"{seconds:8.3f}s" for seconds in times.values())
    print(f"{count:>9} {made:7.1f}s {numbers} {peak:5d} MB", flush=True)
    database.close()


def figures_as_of(database: Database, seq: int, at: int) -> None:
    """The figures of an earlier quarter."""
    with as_of(database, seq):
        report(database, Period(at - 90 * DAY, at))


def took(act: Callable[[], object]) -> float:
    """How many seconds something takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def best(act: Callable[[], object]) -> float:
    """The median of three times."""
    return statistics.median(took(act) for _ in range(3))


def make(url: str, findings: int) -> None:
    """A year of scans of as many assets as it takes."""
    chance = random.Random(findings)  # noqa: S311 - no secret
    later = parse(shipped().toml.replace('medium = "30d"', 'medium = "21d"'), "the second version")
    assets = max(findings // AN_ASSET, 1)
    stocks = [[any_finding(chance, number) for number in range(findings // assets)] for _ in range(assets)]
    database = open_for_writing(url)
    for step in range(SCANS):
        at = START + step * YEAR // SCANS
        for number, stock in enumerate(stocks):
            policy = shipped() if step < SCANS // 2 else later
            occasion = Occasion(Asset(f"asset-{number}", team=f"team {number % 10}"), "fixby", at + number, policy)
            tell(database, stock, step, occasion)
        accept_some(database, chance, at + assets)
    database.close()


def tell(database: Database, stock: list[tuple[int, int, Finding]], step: int, occasion: Occasion) -> None:
    """A scan that sees what is there at a step."""
    there = tuple(finding for first, last, finding in stock if first <= step < last)
    files, at = {f"src/{number}.py": str(step) for number in range(100)}, occasion.now
    scan = Scan("bandit", "1", Complete(), there, Coverage(files), at - 60, at, configuration="rules")
    record(database, scan, occasion)


def any_finding(chance: random.Random, number: int) -> tuple[int, int, Finding]:
    """A finding, the step of its first scan and the one that no longer sees it: most are fixed within the year."""
    first = chance.choice([0, 0, 0, *range(1, SCANS)])
    last = first + 1 + int(chance.expovariate(0.6))
    [severity] = chance.choices(list(SEVERITIES), list(SEVERITIES.values()))
    finding = Finding(
        category=Category.CODE,
        scanner="bandit",
        rule=Rule(f"B{100 + number % 80}", "A weakness"),
        severity=severity,
        severity_source=SeveritySource.SCANNER,
        message="Do not do this.",
        locations=(Location(f"src/{number % 100}.py", 1 + number),),
        code=f"call({number})",
    )
    return first, last, finding


def accept_some(database: Database, chance: random.Random, now: int) -> None:
    """Some risks are accepted for a while."""
    for id_ in chance.sample(queries.matching(database, parse_query("is:open severity:medium"), now), 20):
        wish = Acceptance("owner", "not reachable", now + chance.choice([20, 60]) * DAY)
        decisions.accept(database, [id_], wish, By("ada", now), ["bob"])


if __name__ == "__main__":
    main()
