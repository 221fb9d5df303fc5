"""What others say of vulnerabilities, to be judged: VEX as OpenVEX 0.2.0 and as CycloneDX 1.4 and later, in JSON.

A statement is about vulnerabilities in packages. It is an opinion, often about another product: nothing follows from it
until a person says so.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from packageurl import PackageURL

from fixby.component import purl_without_version
from fixby.errors import ReportError
from fixby.identifiers import identifiers
from fixby.tracked import TrackedFinding


class Status(StrEnum):
    """What a statement says, in the words of OpenVEX."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


@dataclass(frozen=True, slots=True)
class Statement:
    """That a vulnerability, by all its `names`, has a status in some packages, by their purls, and why."""

    names: tuple[str, ...]
    purls: tuple[str, ...]
    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """The statements about findings: of each finding the last that is about it; and those that are about none."""

    of_findings: tuple[tuple[TrackedFinding, Statement], ...]
    of_none: tuple[Statement, ...]


def is_vex(content: str) -> bool:
    """Whether a text says of itself that it is such a document; it may be damaged all the same."""
    head = content.lstrip()
    return head.startswith("{") and ("openvex.dev/ns" in head or '"CycloneDX"' in head)


def statements(content: str) -> list[Statement]:
    """The statements of a document, the oldest first. Raises `ReportError` for one that is damaged or has none."""
    try:
        top = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"The VEX document is no JSON: {error}.", _HINT) from error
    some = list(_of_cyclonedx(top) if top.get("bomFormat") == "CycloneDX" else _of_openvex(top))
    if not some:
        raise ReportError("The document has no VEX statement.", _HINT)
    return some


def judged(some: Sequence[Statement], findings: Iterable[TrackedFinding]) -> Opinion:
    """Which of the statements, the oldest first, are about which of the findings.

    One is where they share a name of the vulnerability and the package; the version counts where a statement names it.
    """
    by_name: dict[str, list[int]] = {}
    for number, one in enumerate(some):
        for name in one.names:
            by_name.setdefault(name, []).append(number)
    matching = [(finding, _about(finding, some, by_name)) for finding in findings]
    about = {number for _, numbers in matching for number in numbers}
    return Opinion(
        tuple((finding, some[max(numbers)]) for finding, numbers in matching if numbers),
        tuple(one for number, one in enumerate(some) if number not in about),
    )


def _about(finding: TrackedFinding, some: Sequence[Statement], by_name: Mapping[str, Sequence[int]]) -> set[int]:
    """The numbers of the statements about a finding."""
    component = finding.finding.component
    names = {*finding.finding.identifiers.names, *identifiers([finding.finding.rule.id]).names}
    numbers = {number for name in names for number in by_name.get(name, ())}
    if component is None:
        return set()
    return {number for number in numbers if any(_is_of(component.purl, purl) for purl in some[number].purls)}


def _is_of(purl: str, stated: str) -> bool:
    """Whether a package is the stated one, whatever its qualifiers; the version counts where one is stated."""
    try:
        same = purl_without_version(purl) == purl_without_version(stated)
        ours, theirs = PackageURL.from_string(purl).version, PackageURL.from_string(stated).version
    except ValueError:
        return False
    return same and (not theirs or ours == theirs)


_HINT = "Known are OpenVEX and CycloneDX, as JSON."


def _of_openvex(top: Mapping[str, Any]) -> Iterator[Statement]:
    rows = [row for row in _rows(top.get("statements")) if _text(row.get("status"))]
    for row in sorted(rows, key=lambda row: _text(row.get("timestamp")) or _text(top.get("timestamp"))):
        named = row.get("vulnerability")
        vulnerability = named if isinstance(named, dict) else {"name": named}
        names = [vulnerability.get("name"), *_list(vulnerability.get("aliases"))]
        products = list(_rows(row.get("products")))
        parts = [part for product in products for part in _rows(product.get("subcomponents"))]
        yield Statement(
            identifiers(filter(None, map(_text, names))).names,
            tuple(filter(None, map(_purl, parts or products))),
            _status(row.get("status"), _OPENVEX),
            _reason(
                _text(top.get("author")),
                [_text(product.get("@id")) for product in products] if parts else [],
                (_text(row.get("justification")), _text(row.get("impact_statement"))),
            ),
        )


def _of_cyclonedx(top: Mapping[str, Any]) -> Iterator[Statement]:
    metadata = top.get("metadata")
    product = metadata.get("component") if isinstance(metadata, dict) else None
    parts = list(_components([product, *_list(top.get("components"))]))
    purls = {_text(part.get("bom-ref")): _text(part.get("purl")) for part in parts}
    for row in _rows(top.get("vulnerabilities")):
        analysis = row.get("analysis")
        if not isinstance(analysis, dict) or not analysis.get("state"):
            continue
        status = _status(analysis["state"], _CYCLONEDX)
        names = [row.get("id"), *(reference.get("id") for reference in _rows(row.get("references")))]
        yield Statement(
            identifiers(filter(None, map(_text, names))).names,
            tuple(purl for target in _rows(row.get("affects")) for purl in _targets(target, purls, status)),
            status,
            _reason(
                "",
                [_text(product.get("name"))] if isinstance(product, dict) else [],
                (_text(analysis.get("justification")), _text(analysis.get("detail"))),
            ),
        )


def _components(some: Iterable[object]) -> Iterator[Mapping[str, Any]]:
    """Components with those that are part of them."""
    waiting = list(some)
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += _list(one.get("components"))


def _targets(target: Mapping[str, Any], purls: Mapping[str, str], status: Status) -> Iterator[str]:
    """The purls that an entry of `affects` is about; of the versions that it lists those that it says the same of."""
    ref = _text(target.get("ref"))
    local = unquote(ref.partition("#")[2]) if ref.startswith("urn:cdx:") else ref
    purl = purls.get(local) or local
    if not purl.startswith("pkg:"):
        return
    versions = list(_rows(target.get("versions")))
    if not versions:
        yield purl
        return
    wanted = "unaffected" if status in (Status.NOT_AFFECTED, Status.FIXED) else "affected"
    for version in versions:
        if _text(version.get("version")) and version.get("status", "affected") == wanted:
            yield f"{purl_without_version(purl)}@{version['version']}"


def _status(word: object, words: Mapping[str, Status]) -> Status:
    if not isinstance(word, str) or word not in words:
        raise ReportError(f"A VEX statement has the status {word!r}.", f"Known are: {', '.join(words)}.")
    return words[word]


_OPENVEX = {str(status): status for status in Status}
_CYCLONEDX = {
    "not_affected": Status.NOT_AFFECTED,
    "false_positive": Status.NOT_AFFECTED,
    "exploitable": Status.AFFECTED,
    "in_triage": Status.UNDER_INVESTIGATION,
    "resolved": Status.FIXED,
    "resolved_with_pedigree": Status.FIXED,
}


def _reason(author: str, products: Sequence[str], why: Sequence[str]) -> str:
    """Who says so, of what, and why, for whoever decides."""
    whose = f" in {', '.join(filter(None, products))}" if any(products) else ""
    said = f"not affected{whose}{f', says {author}' if author else ', says a VEX document'}"
    return ": ".join((said, *filter(None, why)))


def _purl(row: Mapping[str, Any]) -> str:
    known = row.get("identifiers")
    named = (row.get("@id"), known.get("purl") if isinstance(known, dict) else "")
    return next((text for text in map(_text, named) if text.startswith("pkg:")), "")


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _rows(value: object) -> Iterator[Mapping[str, Any]]:
    return (row for row in _list(value) if isinstance(row, dict))
