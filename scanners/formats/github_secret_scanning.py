"""GitHub's secret scanning alerts, as its REST API lists them (`GET /repos/{owner}/{repo}/secret-scanning/alerts`).

One alert, a list, or pages in a list. It has no severities, so that this table decides:

| GitHub says | severity |
|---|---|
| the secret works (`validity: active`) | critical |
| it does not (`validity: inactive`) | low |
| anything else | high |

Alerts that were resolved as `revoked` are gone; those that were resolved otherwise are suppressed findings. A secret
is known by itself; where the list was asked for without secrets (`hide_secret`), by the address of its alert. The
location is the first one that GitHub tells, else that address. The list does not say what was looked at: nothing
closes by it.
"""

import re
from collections.abc import Sequence
from functools import partial

from fixby.finding import Finding, Location, Rule, Suppression
from fixby.scanners.formats.addresses import line_at, location
from fixby.scanners.formats.fields import (
    NOTHING_SAID,
    each_of,
    first_record,
    loaded,
    loaded_list,
    optional_child,
    words_at,
)
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.leaks import CREDENTIAL, leak
from fixby.scanners.formats.wording import clean, prose, spoken
from fixby.scanners.report import Record, number, optional_text, required_text
from fixby.scanners.scanner import Reading, Source
from fixby.severity import Severity, SeveritySource

NAME = "github-secret-scanning"


def recognises(report: Report) -> bool:
    """Whether it is an alert or a list of alerts with the type of a secret."""
    return {"number", "state", "secret_type"} <= first_record(report).keys()


def read(report: Report, source: Source) -> Sequence[Told]:
    """The secrets that are not revoked. Raises `ReportError` where the report is damaged."""
    rows = loaded_list(report) if isinstance(loaded(report), list) else [loaded(report)]
    found = each_of(rows, partial(_finding, source))
    return [Told(NAME, Reading(tuple(filter(None, found)), problems=() if rows else (NOTHING_SAID,)))]


def _finding(source: Source, row: Record) -> Finding | None:
    state, resolution = required_text(row, "state"), optional_text(row, "resolution")
    if state == "resolved" and resolution == "revoked":
        return None
    type_, address = (
        required_text(row, "secret_type"),
        clean(optional_text(row, "html_url") or optional_text(row, "url")),
    )
    title = optional_text(row, "secret_type_display_name") or spoken(type_)
    place = optional_child(row, "first_location_detected")
    validity = optional_text(row, "validity")
    return leak(
        NAME,
        Rule(_id(type_), clean(title), CREDENTIAL, (address,) if address else ()),
        (_VALIDITIES.get(validity, Severity.HIGH), SeveritySource.DEFAULT),
        f"{title}{f', {clean(validity)}' if validity in _VALIDITIES else ''}.",
        (_place(source, place, address or f"alert {number(row, 'number')}"),),
        secret=optional_text(row, "secret"),
        instead=address or f"alert {number(row, 'number')}",
        source=source,
        suppression=Suppression(f"github: {_reason(resolution)}", prose(_comment(row)))
        if state == "resolved"
        else None,
    )


_VALIDITIES = {"active": Severity.CRITICAL, "inactive": Severity.LOW}


def _place(source: Source, place: Record, address: str) -> Location:
    names = words_at(place, "path")
    return (
        location(names[0], source, line_at(place, "start_line"), line_at(place, "end_line"))
        if names
        else Location(address)
    )


def _id(type_: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", clean(type_).lower()).strip("-") or clean(type_)


def _reason(resolution: str) -> str:
    return clean(resolution).replace("_", " ") or "resolved"


def _comment(row: Record) -> str:
    return optional_text(row, "resolution_comment")
