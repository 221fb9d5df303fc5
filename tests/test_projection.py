"""The findings are what the log tells, whatever happened; and their clocks run as the design says."""

import random
from dataclasses import replace

import pytest

from fixby.finding import Finding, Location, Suppression
from fixby.scan import Complete, Coverage, Failed, Outcome, Partial, Scan
from fixby.severity import Severity
from fixby.store import log
from fixby.store.database import Database
from fixby.store.projection import Projector
from fixby.store.rows import Rows, load_all
from fixby.store.verification import flaws
from tests.stories import DAY, REGRESSION_WINDOW, found, scan, secret, the_one, told, vulnerability, weakness

FILES = tuple(f"{folder}/{name}.py" for folder in ("src", "lib") for name in "ab")


@pytest.mark.parametrize("seed", range(4))
def test_the_rows_are_what_the_log_tells_after_any_history(database: Database, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - it makes up histories
    at = 1000
    for _ in range(30):
        at += chance.choice([-50, 10, DAY, REGRESSION_WINDOW // 2, REGRESSION_WINDOW + DAY])
        told(database, any_scan(chance, max(at, 1)), asset=chance.choice(["web", "web", "shop"]))
    rebuilt = Rows()
    projector = Projector(rebuilt)
    for event, _ in log.events(database):
        projector.apply(event)
    projector.redate()
    assert rebuilt == load_all(database)
    assert list(flaws(database)) == []
    assert {one.state for one in found(database)} >= {"open", "fixed"}


def any_scan(chance: random.Random, at: int) -> Scan:
    """A scan by one of two scanners in which some of few findings appear, vanish, move and change."""
    scanner = chance.choice(["bandit", "semgrep"])
    target = chance.choice([".", ".", "src"])
    scanned = {path: chance.choice("123") for path in FILES if chance.random() < 0.8}
    skipped = {path: "it is locked" for path in FILES if path not in scanned and chance.random() < 0.5}
    return scan(
        *(any_finding(chance, scanner, path) for path in scanned if chance.random() < 0.6),
        *(any_secret(chance, scanner, tuple(scanned)) for _ in range(2) if scanned),
        *(any_vulnerability(chance, scanner) for _ in range(2)),
        at=at,
        scanner=scanner,
        target=target,
        tool_version=chance.choice(["1", "1", "2"]),
        outcome=any_outcome(chance, skipped),
        coverage=Coverage(scanned | {"requirements.txt#django": chance.choice("34")}, skipped),
        withdrawn={"requirements.txt#django": {f"CVE-2024-{at % 2 + 1}"}},
    )


def any_finding(chance: random.Random, scanner: str, path: str) -> Finding:
    silenced = chance.choice([None, None, Suppression("nosec")])
    return weakness(
        path=path,
        line=chance.randint(1, 3),
        scanner=scanner,
        severity=chance.choice(list(Severity)),
        suppression=silenced,
    )


def any_secret(chance: random.Random, scanner: str, paths: tuple[str, ...]) -> Finding:
    places = chance.sample(paths, chance.randint(1, len(paths)))
    return secret(*map(Location, places), scanner=scanner, fingerprint=chance.choice("ab"))


def any_vulnerability(chance: random.Random, scanner: str) -> Finding:
    names = chance.choice([("CVE-2024-1",), ("CVE-2024-2",)])
    return vulnerability(names=names, scanner=scanner, severity=chance.choice(list(Severity)))


def any_outcome(chance: random.Random, skipped: dict[str, str]) -> Outcome:
    if chance.random() < 0.1:
        return Failed(("it crashed",))
    return Partial(("it is locked",)) if skipped or chance.random() < 0.1 else Complete()


def severe(severity: Severity, at: int) -> Scan:
    return scan(weakness(severity=severity), at=at)


def gone(at: int) -> Scan:
    return scan(at=at, scanned={"src/a.py": f"v{at}"})


START = 1_000 * DAY
HISTORIES = {
    "an upgrade starts the window of the worse level": (
        [severe(Severity.MEDIUM, START), severe(Severity.CRITICAL, START + 2 * DAY)],
        START + 3 * DAY,
    ),
    "an upgrade never gives more time": (
        [severe(Severity.HIGH, START), severe(Severity.CRITICAL, START + 6 * DAY + DAY // 2)],
        START + 7 * DAY,
    ),
    "a downgrade goes back to the milder level's own clock": (
        [severe(Severity.CRITICAL, START), severe(Severity.HIGH, START + DAY // 2)],
        START + 7 * DAY,
    ),
    "a level that was reached before does not start again": (
        [severe(severity, START + day * DAY) for day, severity in enumerate([Severity.HIGH, Severity.LOW] * 3)]
        + [severe(Severity.HIGH, START + 6 * DAY)],
        START + 7 * DAY,
    ),
    "what was unknown counts from the start once it is known": (
        [severe(Severity.UNKNOWN, START), severe(Severity.HIGH, START + 3 * DAY)],
        START + 7 * DAY,
    ),
    "a move and a new version of the scanner change nothing": (
        [severe(Severity.HIGH, START), replace(scan(weakness(line=41), at=START + DAY), tool_version="2")],
        START + 7 * DAY,
    ),
    "the time while it was fixed does not count": (
        [severe(Severity.HIGH, START), gone(START + 2 * DAY), severe(Severity.HIGH, START + 12 * DAY)],
        START + 17 * DAY,
    ),
    "a reopened finding that is worse now has the worse window from then": (
        [severe(Severity.LOW, START), gone(START + 2 * DAY), severe(Severity.CRITICAL, START + 12 * DAY)],
        START + 13 * DAY,
    ),
    "twice fixed, twice reopened": (
        [
            severe(Severity.HIGH, START),
            gone(START + DAY),
            severe(Severity.HIGH, START + 5 * DAY),
            gone(START + 6 * DAY),
            severe(Severity.HIGH, START + 10 * DAY),
        ],
        START + 15 * DAY,
    ),
    "a new occurrence has a new clock": (
        [severe(Severity.HIGH, START), gone(START + DAY), severe(Severity.HIGH, START + 2 * DAY + REGRESSION_WINDOW)],
        START + 9 * DAY + REGRESSION_WINDOW,
    ),
    "a scan that failed stops no clock": (
        [severe(Severity.HIGH, START), replace(gone(START + DAY), outcome=Failed(("it crashed",)))],
        START + 7 * DAY,
    ),
}


@pytest.mark.parametrize(("scans", "due_at"), HISTORIES.values(), ids=HISTORIES)
def test_the_due_date_follows_from_the_history(database: Database, scans: list[Scan], due_at: int) -> None:
    for one in scans:
        told(database, one)
    now = scans[-1].started_at
    assert (the_one(database, "is:open", now=now).due_at or 0) - START == due_at - START
    assert len(found(database, "is:open sla:breached", now=due_at + 1)) == 1
    assert found(database, "is:open sla:breached", now=due_at) == []


def test_of_two_scanners_the_worse_one_decides_and_the_other_once_it_is_alone(database: Database) -> None:
    seen = {"requirements.txt#django": "4.0"}
    mild, bad = (vulnerability(severity=severity) for severity in (Severity.MEDIUM, Severity.CRITICAL))
    told(database, scan(mild, at=START, scanner="pip-audit", scanned=seen))
    told(database, scan(bad, at=START + DAY, scanner="trivy", scanned=seen))
    both = the_one(database, now=START + DAY)
    assert (both.finding.severity, both.due_at) == (Severity.CRITICAL, START + 2 * DAY)
    assert [(one.scanner, one.severity) for one in both.witnesses] == [
        ("pip-audit", Severity.MEDIUM),
        ("trivy", Severity.CRITICAL),
    ]
    told(database, scan(at=START + 2 * DAY, scanner="trivy", scanned={"requirements.txt#django": "4.1"}))
    one = the_one(database, now=START + 2 * DAY)
    assert (one.finding.severity, one.due_at) == (Severity.MEDIUM, START + 30 * DAY)


def test_an_event_of_a_kind_that_is_not_known_changes_nothing() -> None:
    rows = Rows()
    Projector(rows).apply(log.Event(1, 0, "ada", "finding.painted", "x", "{}"))
    assert rows == Rows()
