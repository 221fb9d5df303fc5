"""A check of a response, and what came of it. `catalogue.toml` says what each check is about."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from fixby.headers.response import Answer, Field
from fixby.severity import Severity


class Verdict(StrEnum):
    """What came of a check."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A line that was sent, or an element of the page, and the URL of the hop that it came from."""

    url: str
    line: str


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one check. `subject` tells failures of one check apart: a cookie, a directive, a host.

    It never holds what differs between two responses, such as a nonce: it is part of what identifies a finding.
    """

    id: str
    verdict: Verdict
    severity: Severity
    subject: str = ""
    message: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """What a check is about: the severity of a failure, why it matters, and what mends it.

    `header` is a line to send, or empty where `mend` says what to do.
    """

    title: str
    severity: Severity
    why: str
    standard: str
    cwe: str
    header: str = ""
    mend: str = ""


@cache
def catalogue() -> Mapping[str, Kind]:
    """All checks by id."""
    with Path(__file__).with_name("catalogue.toml").open("rb") as file:
        kinds = tomllib.load(file)
    return {id_: Kind(**{**kind, "severity": Severity(kind["severity"])}) for id_, kind in kinds.items()}


def failed(id_: str, message: str, *evidence: Evidence, subject: str = "", severity: Severity | None = None) -> Check:
    """A failure; its severity is the catalogue's unless said otherwise."""
    return Check(id_, Verdict.FAIL, severity or catalogue()[id_].severity, subject, message, evidence)


def passed(id_: str) -> Check:
    """A check that found nothing wrong."""
    return Check(id_, Verdict.PASS, catalogue()[id_].severity)


def lines_of(answer: Answer, *names: str) -> tuple[Evidence, ...]:
    """The lines of headers as evidence."""
    return tuple(evidence(answer, field) for name in names for field in answer.lines(name))


def evidence(answer: Answer, field: Field) -> Evidence:
    """A line of a response as evidence."""
    return Evidence(answer.url, str(field))
