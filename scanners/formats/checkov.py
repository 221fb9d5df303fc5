"""Checkov: settings of infrastructure as code, and with other frameworks packages, licences and secrets. Its JSON.

Severities are Checkov's own where it has them, which is with an account of its platform (`severity`, or that of
`vulnerability_details`); else they are `unknown`. Checks that passed are no findings; those that a comment skips are
suppressed findings. A file that it could not parse makes the scan partial. Of secrets it tells the SHA-1, which is
what they are known by.

| framework | category |
|---|---|
| `secrets` | secret |
| `sca_package`, `sca_image` | dependency, container; licence for checks named `BC_LIC` |
| `sast`, `sast_python`, ... | code |
| any other | misconfiguration |
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

from fixby.component import Component, component
from fixby.errors import ReportError
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.identifiers import NO_IDENTIFIERS, identifiers
from fixby.scanners.excerpt import code_at
from fixby.scanners.formats.addresses import location
from fixby.scanners.formats.elements import whole_number
from fixby.scanners.formats.fields import (
    NOTHING_SAID,
    each_of,
    first_record,
    loaded,
    optional_child,
    optional_each,
    optional_items,
    words_at,
)
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.leaks import CREDENTIAL, secret_sha1
from fixby.scanners.formats.ratings import rating
from fixby.scanners.formats.wording import clean, cwes, prose
from fixby.scanners.report import HINT, Record, child, has, number, optional_text, required_text
from fixby.scanners.scanner import Reading, Source

NAME = "checkov"


def recognises(report: Report) -> bool:
    """Whether it is a report of one framework, a list of several, or the summary of a scan without files to check."""
    keys = first_record(report).keys()
    if {"check_type", "results"} <= keys or {"passed", "failed", "checkov_version"} <= keys:
        return True
    results = first_record(report).get("results")
    return isinstance(results, dict) and {"failed_checks", "passed_checks"} <= results.keys()


def read(report: Report, source: Source) -> Sequence[Told]:
    """What all frameworks say. Raises `ReportError` where the report is damaged."""
    found = loaded(report)
    rows = found if isinstance(found, list) else [found]
    some = each_of(rows, partial(_framework, source))
    skipped = {path: reason for one in some for path, reason in one.skipped.items()}
    scanned = {path: "" for one in some for path in one.scanned or () if path not in skipped}
    reading = Reading(
        tuple(chain.from_iterable(one.findings for one in some)),
        next((one.tool_version for one in some if one.tool_version), ""),
        scanned or None,
        skipped,
        tuple(dict.fromkeys(chain.from_iterable(one.problems for one in some))) or (() if rows else (NOTHING_SAID,)),
    )
    return [Told(NAME, reading)]


def _framework(source: Source, row: Record) -> Reading:
    if "results" not in row:
        return _nothing_checked(row)
    framework, results = optional_text(row, "check_type"), child(row, "results")
    summary = optional_child(row, "summary")
    finding = partial(_finding, source, framework)
    failed = optional_each(results, "failed_checks", finding)
    if not has(results, "failed_checks"):
        raise ReportError("expected a list at `failed_checks`, found nothing", HINT)
    ignored = optional_each(results, "skipped_checks", finding)
    passed = optional_each(results, "passed_checks", lambda one: _locations(source, one))
    unread = [location(name, source).path for name in words_at(results, "parsing_errors")]
    places = chain(*passed, *(one.locations for one in (*failed, *ignored)))
    return Reading(
        (*failed, *ignored),
        optional_text(summary, "checkov_version"),
        {at.path: "" for at in places},
        dict.fromkeys(unread, f"checkov could not parse it ({clean(framework)})"),
        tuple(_missing(framework, summary, len(failed), len(ignored), len(unread))),
    )


def _nothing_checked(row: Record) -> Reading:
    """The summary that is the whole report where there was no file to check."""
    if number(row, "failed") or number(row, "passed"):
        raise ReportError("expected a list of checks at `results`, found nothing", HINT)
    errors = row.get("parsing_errors")
    problems = (
        ("checkov found nothing that it could check",) if not errors else (f"checkov could not parse {errors} files",)
    )
    return Reading((), optional_text(row, "checkov_version"), problems=problems)


def _missing(framework: str, summary: Record, failed: int, ignored: int, unread: int) -> Iterator[str]:
    """What the summary counts and the lists do not have."""
    for key, listed in (("failed", failed), ("skipped", ignored), ("parsing_errors", unread)):
        counted = summary.get(key)
        if isinstance(counted, int) and counted > listed:
            yield f"the summary of {clean(framework)} counts {counted} {key.replace('_', ' ')}, and {listed} are listed"


def _finding(source: Source, framework: str, row: Record) -> Finding:
    id_, locations = required_text(row, "check_id"), _locations(source, row)
    details, result = (optional_child(row, key) for key in ("vulnerability_details", "check_result"))
    category = _category(framework, id_)
    about = _package(details) if category in _OF_PACKAGES else None
    names = words_at(details, "id") if about else ()
    severity, severity_source = rating(optional_text(row, "severity") or optional_text(details, "severity"))
    title = prose(optional_text(row, "check_name") or optional_text(row, "short_description")) or id_
    resource = optional_text(row, "resource")
    secret = category is Category.SECRET
    links = dict.fromkeys(map(clean, (*words_at(row, "guideline"), *words_at(details, "link"))))
    return Finding(
        category,
        NAME,
        Rule(
            clean(names[0] if names else id_), title, CREDENTIAL if secret else cwes(words_at(row, "cwe")), tuple(links)
        ),
        severity=severity,
        severity_source=severity_source,
        message=_message(row, details, title, "" if secret else resource),
        locations=locations,
        component=about,
        identifiers=identifiers(names) if about else NO_IDENTIFIERS,
        code="" if secret or about else code_at(locations[0], source, _code(row), credential=False),
        secret_fingerprint=source.fingerprint(_sha1(resource, id_, locations)) if secret else "",
        suppression=_suppression(result),
    )


_OF_PACKAGES = frozenset({Category.DEPENDENCY, Category.CONTAINER})


def _category(framework: str, check: str) -> Category:
    if framework == "secrets":
        return Category.SECRET
    if framework.startswith("sca"):
        image = Category.CONTAINER if framework == "sca_image" else Category.DEPENDENCY
        return Category.LICENCE if check.startswith("BC_LIC") else image
    return Category.CODE if framework.startswith(("sast", "cdk")) else Category.MISCONFIGURATION


def _locations(source: Source, row: Record) -> tuple[Location, ...]:
    """The place in a file; its path begins with a `/` that means the folder that was scanned."""
    name = required_text(row, "file_path").replace("\\", "/").lstrip("/")
    told = (whole_number(str(one)) for one in optional_items(row, "file_line_range"))
    lines = [line for line in told if line]
    first, last = (min(lines), max(lines)) if lines else (None, None)
    return (location(name, source, first, last),)


def _code(row: Record) -> str:
    """The lines of a block, each of which is a list of its number and its text."""
    lines = (line for line in optional_items(row, "code_block") if isinstance(line, list) and len(line) == 2)
    return "".join(str(line[1]) for line in lines)


def _message(row: Record, details: Record, title: str, resource: str) -> str:
    described = optional_text(details, "description") or optional_text(row, "description")
    words = prose(described) or title
    return f"{words.rstrip('.')}: {prose(resource)}." if resource and not details else words


def _package(details: Record) -> Component | None:
    """The package of a vulnerability, with all versions that no longer have it."""
    if not has(details, "package_name"):
        return None
    name, version = required_text(details, "package_name"), optional_text(details, "package_version")
    ecosystem = _ECOSYSTEMS.get(optional_text(details, "package_type").lower(), "generic")
    fixes = [str(one) for one in optional_items(details, "fix_versions") if one]
    fixes += words_at(details, "lowest_fixed_version")
    if match := re.search(r"fixed in (.+)", optional_text(details, "status")):
        fixes += [one.strip() for one in match[1].split(",")]
    try:
        return component(ecosystem, clean(name), clean(version), tuple(dict.fromkeys(map(clean, fixes))))
    except ValueError as error:
        raise ReportError(f"expected a package at `package_name`, found none: {error}", HINT) from error


_ECOSYSTEMS = {
    "cpan": "cpan",
    "gem": "gem",
    "go": "golang",
    "gradle": "maven",
    "jar": "maven",
    "maven": "maven",
    "nodejs": "npm",
    "npm": "npm",
    "nuget": "nuget",
    "os": "generic",
    "packagist": "composer",
    "pypi": "pypi",
    "python": "pypi",
}


def _sha1(resource: str, check: str, locations: tuple[Location, ...]) -> str:
    """The SHA-1 of a secret, which Checkov takes for its resource; else something that is of one place only."""
    if re.fullmatch(r"[0-9a-f]{40}", resource):
        return resource
    return secret_sha1("", f"{check} {resource} {locations[0].path}:{locations[0].line}")


def _suppression(result: Record) -> Suppression | None:
    kind = optional_text(result, "result").upper()
    if kind != "SKIPPED":
        return None
    return Suppression("checkov:skip", prose(optional_text(result, "suppress_comment")))
