"""The findings of hadolint in its formats for Code Climate, GitLab's code quality and SonarQube, as its own JSON."""

import re
from collections.abc import Iterator

from fixby.scanners.formats.fields import optional_child, optional_number, records, word
from fixby.scanners.report import Record, child, text


def is_shaped(document: object) -> bool:
    """Whether it is in one of these formats, with a rule of hadolint's first."""
    match document:
        case [{"check_name": str(code), "location": dict()}, *_]:
            return bool(_CODE.fullmatch(code))
        case {"issues": [{"engineId": str(engine), "primaryLocation": dict()}, *_]}:
            return engine.lower() == "hadolint"
        case _:
            return False


def unshaped(rows: list[Record]) -> Iterator[Record]:
    """The findings as hadolint's JSON has them. Raises `ReportError`."""
    for row in rows:
        yield _of_sonarqube(row) if "primaryLocation" in row else _of_code_climate(row)


def issues(document: Record) -> list[Record]:
    """The list of a report for SonarQube. Raises `ReportError`."""
    return records(document, "issues")


_CODE = re.compile(r"(?:DL|SC)\d{4}")
_LEVELS = {"blocker": "error", "major": "warning", "info": "info", "minor": "style"}
"""What hadolint writes for its levels to Code Climate."""

_SONARQUBE = {"BLOCKER": "error", "CRITICAL": "error", "MAJOR": "warning", "MINOR": "info", "INFO": "style"}


def _of_code_climate(row: Record) -> Record:
    place = child(row, "location")
    begin = optional_child(optional_child(place, "positions"), "begin")
    line = optional_number(optional_child(place, "lines"), "begin") or optional_number(begin, "line")
    return {
        "code": text(row, "check_name"),
        "message": text(row, "description"),
        "file": text(place, "path"),
        "line": line,
        "column": optional_number(begin, "column"),
        "level": _LEVELS.get(word(row, "severity"), "ignore"),
    }


def _of_sonarqube(row: Record) -> Record:
    place = child(row, "primaryLocation")
    return {
        "code": text(row, "ruleId"),
        "message": text(place, "message"),
        "file": text(place, "filePath"),
        "line": optional_number(optional_child(place, "textRange"), "startLine"),
        "column": None,
        "level": _SONARQUBE.get(word(row, "severity"), "ignore"),
    }
