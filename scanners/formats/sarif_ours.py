"""What Fixby wrote as SARIF (`fixby.reports.sarif`), read without a loss: by the property `fixby/v1` of its results.

Anybody can write that property, so it says nothing that other reports could not say: words of ours are checked, texts
are redacted, and paths stay below the root. What a store knew of the finding (its state, its date, who accepted it) is
not read: only suppressions are, and these are counted and not obeyed. A keyed hash of a secret is taken as it is: it is
that of a store's own secret only for whoever has seen that store's.
"""

import re
from typing import TypeVar

from packageurl import PackageURL

from fixby.component import Component
from fixby.errors import ReportError
from fixby.finding import Category, Finding, Location, Rule, Suppression, traced
from fixby.identifiers import identifiers
from fixby.identity import PACKAGES
from fixby.redaction import redacted
from fixby.scanners.formats.addresses import path
from fixby.scanners.formats.fields import optional_child, optional_items
from fixby.scanners.formats.sarif_messages import flows
from fixby.scanners.formats.sarif_places import Places
from fixby.scanners.formats.sarif_rules import SarifRule
from fixby.scanners.formats.wording import clean
from fixby.scanners.report import HINT, Record, child, has, items, optional_text, text, texts
from fixby.scanners.scanner import Source
from fixby.severity import Severity, SeveritySource

OURS = "fixby/v1"
_Word = TypeVar("_Word", Category, Severity, SeveritySource)


def is_ours(result: Record) -> bool:
    """Whether a result says that Fixby wrote it."""
    return isinstance(optional_child(result, "properties").get(OURS), dict)


def finding(  # noqa: PLR0913, PLR0917 - what was read of the result already
    tool: str, result: Record, rule: SarifRule, words: str, snippet: str, places: Places
) -> Finding:
    """The finding of a tool that a result is, with its message and the code at its place. Raises `ReportError`."""
    said = child(child(result, "properties"), OURS)
    category = _one_of(Category, said, "category")
    source = _one_of(SeveritySource, said, "severity_source")
    if source is SeveritySource.POLICY:
        raise ReportError("expected who said it at `severity_source`, found a policy", HINT)
    made = Finding(
        category,
        tool,
        _rule(said, rule),
        _one_of(Severity, said, "severity"),
        source,
        message=_kept(optional_text(said, "message") or _ID.sub("", words), category),
        locations=tuple(_location(row, places.source) for row in optional_items(said, "locations")),
        component=_component(child(said, "component")) if has(said, "component") else None,
        identifiers=identifiers(map(clean, texts(said, "identifiers") if has(said, "identifiers") else ())),
        fix=_kept(optional_text(said, "fix"), category),
        code=redacted(clean(optional_text(said, "code") or snippet)),
        secret_fingerprint=_fingerprint(said, category),
        suppression=_suppression(said),
    )
    return traced(made, flows(result, places))


_ID = re.compile(r"\n\nFixby finding [0-9a-f]{64}\Z")


def _one_of(words: type[_Word], said: Record, key: str) -> _Word:
    try:
        return words(text(said, key))
    except ValueError as error:
        raise ReportError(f"expected one of {', '.join(words)} at `{key}`, found something else", HINT) from error


def _kept(words: str, category: Category) -> str:
    """A text as it may be kept; those of advisories are public, and stay whole in the reports of all tools."""
    return clean(words) if category in PACKAGES else redacted(clean(words))


def _rule(said: Record, rule: SarifRule) -> Rule:
    """The rule as the result has it, else as the run lists it."""
    own = optional_child(said, "rule") or optional_child(optional_child(rule.record, "properties"), OURS)
    if not own:
        return rule.rule
    weaknesses = texts(own, "cwes")
    if any(not _CWE.fullmatch(one) for one in weaknesses):
        raise ReportError("expected weaknesses such as CWE-79 at `cwes`, found something else", HINT)
    id_ = clean(optional_text(own, "id")) or rule.rule.id
    return Rule(id_, redacted(clean(text(own, "title"))), weaknesses, tuple(map(clean, texts(own, "references"))))


_CWE = re.compile(r"CWE-[1-9][0-9]{0,5}")


def _location(row: object, source: Source) -> Location:
    """A path, and four numbers from 1, each of which may be missing."""
    match row:
        case [str(name), line, end_line, column, end_column]:
            return Location(path(name, source), *map(_position, (line, end_line, column, end_column)))
        case _:
            raise ReportError("expected a path and four numbers in `locations`, found something else", HINT)


def _position(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MANY):
        return value
    raise ReportError("expected numbers from 1 in `locations`, found something else", HINT)


_MANY = 2**31


def _component(said: Record) -> Component:
    purl, ecosystem, name, version = (clean(text(said, key)) for key in ("purl", "ecosystem", "name", "version"))
    try:
        kind = PackageURL.from_string(purl).type
    except ValueError as error:
        raise ReportError("expected a package URL at `purl`, found something else", HINT) from error
    if kind != ecosystem:
        raise ReportError("expected the type of the package URL at `ecosystem`, found another", HINT)
    return Component(purl, ecosystem, name, version, tuple(map(clean, texts(said, "fixed_versions"))))


def _fingerprint(said: Record, category: Category) -> str:
    found = optional_text(said, "secret_fingerprint")
    if found and (category is not Category.SECRET or not _FINGERPRINT.fullmatch(found)):
        raise ReportError("expected a keyed hash at `secret_fingerprint`, and only of secrets", HINT)
    return found


_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def _suppression(said: Record) -> Suppression | None:
    if not has(said, "suppression"):
        return None
    match items(said, "suppression"):
        case [str(by), str(reason)] if by:
            return Suppression(redacted(clean(by)), redacted(clean(reason)))
        case _:
            raise ReportError("expected by what and why at `suppression`, found something else", HINT)
