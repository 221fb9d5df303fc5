"""One finding of our own generic formats, as `docs/reports.md` describes them: few fields, no others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fixby.component import Component, component
from fixby.errors import ReportError
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.identifiers import identifiers
from fixby.redaction import redacted_literals
from fixby.scanners.formats.addresses import location
from fixby.scanners.formats.leaks import CREDENTIAL, masked, secret_sha1
from fixby.scanners.formats.wording import clean, cwes, prose, spoken
from fixby.scanners.scanner import Source
from fixby.severity import Severity, SeveritySource

T = TypeVar("T", Severity, Category)

HINT = "The fields and what they may hold are described in docs/reports.md."

TEXTS = (
    *("rule", "title", "severity", "category", "message", "path", "ecosystem", "package", "version", "fix", "code"),
    *("secret", "suppressed_by", "suppression_reason"),
)
NUMBERS = ("line", "end_line", "column")
LISTS = ("fixed_versions", "cwes", "identifiers", "references")
FIELDS = frozenset({*TEXTS, *NUMBERS, *LISTS})
"""The names of all fields of a finding."""


@dataclass(frozen=True, slots=True)
class Row:
    """A finding's fields, as far as they are given."""

    texts: Mapping[str, str]
    numbers: Mapping[str, int]
    lists: Mapping[str, Sequence[str]]


def finding(scanner: str, row: Row, source: Source) -> Finding:
    """The finding that the fields describe. Raises `ReportError` where one is missing or holds what it must not."""
    say = row.texts.get
    category = _category(row)
    place, about = _place(row, source), _component(row)
    if not place and not about:
        raise ReportError("expected a place at `path` or a package at `package`, found neither", HINT)
    secret = say("secret", "")
    if (category is Category.SECRET) != bool(secret):
        raise ReportError("expected `secret` in findings of the category secret, and in no others", HINT)
    rule = _rule(row, CREDENTIAL if secret else ())
    first = f"{rule.id} {place[0].path}" if place else rule.id
    return Finding(
        category,
        scanner,
        rule,
        severity=_one_of(Severity, row, "severity"),
        severity_source=SeveritySource.SCANNER,
        message=masked(say("message", ""), secret) or rule.title,
        locations=place,
        component=about,
        identifiers=identifiers(map(clean, row.lists.get("identifiers", ()))),
        fix=prose(say("fix", "")),
        code="" if secret else _code(say("code", ""), rule),
        secret_fingerprint=source.fingerprint(_sha1(secret, first)) if secret else "",
        suppression=_suppression(row),
    )


def scanner_name(words: str) -> str:
    """The name of a scanner: small letters, digits, and `.`, `_`, `-` in between. Raises `ReportError`."""
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9._-]{0,60}[a-z0-9])?", words):
        raise ReportError("expected a name of small letters, digits, `.`, `_` and `-` at `scanner`", HINT)
    return words


def _category(row: Row) -> Category:
    if row.texts.get("category"):
        return _one_of(Category, row, "category")
    if row.texts.get("secret"):
        return Category.SECRET
    return Category.DEPENDENCY if row.texts.get("package") else Category.CODE


def _one_of(words: type[T], row: Row, key: str) -> T:
    found = row.texts.get(key, "")
    try:
        return words(found)
    except ValueError as error:
        raise ReportError(
            f"expected one of {', '.join(words)} at `{key}`, found {prose(found)[:40]!r}", HINT
        ) from error


def _rule(row: Row, otherwise: tuple[str, ...]) -> Rule:
    id_ = clean(row.texts.get("rule", "").strip())
    if not id_:
        raise ReportError("expected a string at `rule`, found nothing", HINT)
    weaknesses = cwes(row.lists.get("cwes", ()))
    if len(weaknesses) < len(set(row.lists.get("cwes", ()))):
        raise ReportError("expected weaknesses such as CWE-79 at `cwes`, found something else", HINT)
    title = prose(row.texts.get("title", "")) or spoken(id_)
    return Rule(id_, title, weaknesses or otherwise, tuple(map(clean, row.lists.get("references", ()))))


def _place(row: Row, source: Source) -> tuple[Location, ...]:
    name = row.texts.get("path", "").strip()
    if any(value < 1 for value in row.numbers.values()):
        raise ReportError("expected numbers from 1 at `line`, `end_line` and `column`", HINT)
    return (location(name, source, *(row.numbers.get(key) for key in NUMBERS)),) if name else ()


def _component(row: Row) -> Component | None:
    name = clean(row.texts.get("package", "").strip())
    if not name:
        return None
    ecosystem, version = (clean(row.texts.get(key, "").strip()) for key in ("ecosystem", "version"))
    try:
        return component(ecosystem, name, version, tuple(map(clean, row.lists.get("fixed_versions", ()))))
    except ValueError as error:
        raise ReportError("expected the type of a package URL such as npm at `ecosystem`", HINT) from error


def _sha1(secret: str, place: str) -> str:
    """The SHA-1 of a secret, which a report may have in its stead as `sha1:` and 40 hexadecimal digits."""
    told = re.fullmatch(r"sha1:([0-9a-fA-F]{40})", secret.strip())
    return told[1].lower() if told else secret_sha1(secret, place)


def _code(code: str, rule: Rule) -> str:
    return redacted_literals(clean(code)) if CREDENTIAL[0] in rule.cwes else prose(code)


def _suppression(row: Row) -> Suppression | None:
    by, reason = (prose(row.texts.get(key, "")) for key in ("suppressed_by", "suppression_reason"))
    if reason and not by:
        raise ReportError("expected who or what suppresses it at `suppressed_by`, found only a reason", HINT)
    return Suppression(by, reason) if by else None
