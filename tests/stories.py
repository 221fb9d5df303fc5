"""Findings and scans to tell a store, for the tests of all that reads or writes one."""

# ruff: noqa: ANN401 - any field of a finding or scan may be told otherwise

from collections.abc import Mapping
from typing import Any

from fixby.asset import Asset
from fixby.component import component
from fixby.finding import Category, Finding, Location, Rule
from fixby.identifiers import identifiers
from fixby.policies.policy import Policy, shipped
from fixby.query import parse
from fixby.scan import Complete, Coverage, Scan
from fixby.severity import Severity, SeveritySource
from fixby.store import queries
from fixby.store.database import Database
from fixby.store.ingestion import Recorded, record
from fixby.store.terms import Occasion
from fixby.tracked import TrackedFinding

DAY = 86_400
REGRESSION_WINDOW = 30 * DAY


def weakness(
    code: str = "eval(text)", *, path: str = "src/a.py", line: int = 1, rule: str = "B307", **others: Any
) -> Finding:
    """A finding in code, by bandit and of high severity unless told otherwise."""
    said: dict[str, Any] = {
        "category": Category.CODE,
        "scanner": "bandit",
        "rule": Rule(rule, f"title of {rule}"),
        "severity": Severity.HIGH,
        "severity_source": SeveritySource.SCANNER,
        "message": "Do not do this.",
        "locations": (Location(path, line, line),),
        "code": code,
    }
    return Finding(**said | others)


def vulnerability(
    name: str = "django",
    version: str = "4.0",
    *,
    names: tuple[str, ...] = ("CVE-2024-1234",),
    path: str = "requirements.txt",
    **others: Any,
) -> Finding:
    """A vulnerable package of the Python package index, found by pip-audit."""
    said: dict[str, Any] = {
        "category": Category.DEPENDENCY,
        "scanner": "pip-audit",
        "locations": (Location(path),),
        "component": component("pypi", name, version),
        "identifiers": identifiers(names),
    }
    return weakness("", rule=names[0], **said | others)


def secret(*places: Location, fingerprint: str = "5ec2e7", **others: Any) -> Finding:
    """A secret that stands in some places, found by detect-secrets."""
    said: dict[str, Any] = {
        "category": Category.SECRET,
        "scanner": "detect-secrets",
        "locations": places or (Location("src/a.py", 1),),
        "secret_fingerprint": fingerprint,
    }
    return weakness("", rule="Secret Keyword", **said | others)


def scan(*findings: Finding, at: int, scanned: Mapping[str, str] | None = None, **others: Any) -> Scan:
    """A complete scan by bandit that took a second; it looked at the files of its findings unless told otherwise."""
    files = {place.path: "v1" for one in findings for place in one.locations}
    said: dict[str, Any] = {
        "scanner": "bandit",
        "tool_version": "1.9.4",
        "outcome": Complete(),
        "findings": findings,
        "coverage": Coverage(files if scanned is None else scanned),
        "started_at": at,
        "finished_at": at + 1,
        "configuration": "rules 1",
    }
    return Scan(**said | others)


def told(database: Database, one: Scan, *, asset: str | Asset = "web", policy: Policy | None = None) -> Recorded:
    """What a scan changes that is stored when it ends, under the shipped policy unless told otherwise."""
    described = Asset(asset) if isinstance(asset, str) else asset
    return record(database, one, Occasion(described, "ada", one.finished_at, policy or shipped()))


def found(database: Database, query: str = "", *, now: int = 0) -> list[TrackedFinding]:
    """The findings that a query selects."""
    return queries.findings(database, parse(query), now)


def the_one(database: Database, query: str = "", *, now: int = 0) -> TrackedFinding:
    """The only finding that a query selects."""
    [finding] = found(database, query, now=now)
    return finding
