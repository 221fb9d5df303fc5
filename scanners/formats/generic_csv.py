"""Our own CSV (RFC 4180, UTF-8) for findings of any tool, as `docs/reports.md` describes it.

The first line names the columns; `scanner`, `rule` and `severity` must be among them, and `path` or `package`. Values
of columns with several are separated by white space. A column that is not known, a row with too many or too few
values, a last line without its end: all are errors, with the row. It does not say what was looked at: nothing closes
by it.
"""

from collections.abc import Sequence

from fixby.errors import ReportError
from fixby.finding import Finding
from fixby.scanners.formats.fields import grouped
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.generic import FIELDS, HINT, LISTS, NUMBERS, TEXTS, Row, finding, scanner_name
from fixby.scanners.formats.tables import column_names, table
from fixby.scanners.formats.wording import prose
from fixby.scanners.scanner import Reading, Source

NAME = "generic-csv"
_REQUIRED = frozenset({"scanner", "rule", "severity"})
_COLUMNS = FIELDS | {"scanner"}


def recognises(report: Report) -> bool:
    """Whether the first line names the columns that there must be."""
    return column_names(report.content) >= _REQUIRED


def read(report: Report, source: Source) -> Sequence[Told]:
    """The findings by their scanners. Raises `ReportError` where the report is damaged."""
    columns, rows = table(report.content)
    _check(columns)
    findings = [_finding(number, row, source) for number, row in rows]
    if not findings:
        raise ReportError("the report has no row, and so does not say whose it is", HINT)
    by_scanner = grouped((one.scanner, one) for one in findings)
    return [Told(name, Reading(tuple(some))) for name, some in by_scanner.items()]


def _finding(number: int, row: dict[str, str], source: Source) -> Finding:
    try:
        return finding(scanner_name(row["scanner"]), _parts(row), source)
    except ReportError as error:
        raise ReportError(f"row {number}: {error.message}", error.hint) from error


def _check(columns: list[str]) -> None:
    if unknown := sorted(set(columns) - _COLUMNS):
        raise ReportError(f"expected no column {prose(unknown[0])[:60]!r}, which the format does not have", HINT)
    if missing := sorted(_REQUIRED - set(columns)):
        raise ReportError(f"expected a column {missing[0]!r}, found none", HINT)


def _parts(row: dict[str, str]) -> Row:
    given = {key: value for key, value in row.items() if value.strip()}
    return Row(
        {key: given[key] for key in TEXTS if key in given},
        {key: _number(key, given[key]) for key in NUMBERS if key in given},
        {key: given[key].split() for key in LISTS if key in given},
    )


def _number(key: str, value: str) -> int:
    digits = value.strip()
    if digits.isascii() and digits.isdigit() and len(digits) < _DIGITS:
        return int(digits)
    raise ReportError(f"expected a whole number at `{key}`, found {prose(value)[:40]!r}", HINT)


_DIGITS = 10
