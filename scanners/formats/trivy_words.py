"""Trivy's words in ours."""

from collections.abc import Iterator

from fixby.redaction import MARK, redacted_literals
from fixby.scanners.formats.advisory import Advisory
from fixby.scanners.formats.fields import optional_quantity, optional_texts, word
from fixby.scanners.formats.ratings import Rating, Score, rating
from fixby.scanners.formats.wording import cwes
from fixby.scanners.report import Record, child, has, printable

WITHOUT_FIX = {
    "affected": "There is no fixed version yet.",
    "end_of_life": "There will be no fix: the package is past its end of life.",
    "fix_deferred": "The vendor put the fix off.",
    "under_investigation": "The vendor still looks into it.",
    "will_not_fix": "The vendor will not fix it.",
}
"""What the status of a vulnerability says where there is no fixed version."""


def masked(match: str) -> str:
    """The line of a secret that a tool says it masked; all of it is masked here where nothing in it is."""
    shown = redacted_literals(printable(match))
    return shown if "*" in match or MARK in shown or not match else MARK


def advisory(row: Record) -> Advisory:
    """What a row about a vulnerability says of it. Raises `ReportError`."""
    names, bundles = _names(row)
    description = word(row, "Description")
    notices = f"\n\nNotices of the vendor: {', '.join(bundles)}." if bundles else ""
    return Advisory(
        names[0] if names else "",
        names,
        word(row, "Title"),
        f"{description}{notices}".strip(),
        _rating(row),
        weaknesses(row),
        _links(row),
    )


def _names(row: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a vulnerability, and those of notices that may be about several."""
    id_, vendor = word(row, "VulnerabilityID"), optional_texts(row, "VendorIDs")
    if not vendor:
        return ((id_,) if id_ else ()), ()
    single = tuple(name for name in vendor if name.startswith(_OF_ONE))
    return tuple(filter(None, (id_, *single))), tuple(name for name in vendor if name not in single)


_OF_ONE = ("CVE-", "GHSA-", "GO-", "OSV-", "PYSEC-", "RUSTSEC-")


def _rating(row: Record) -> Rating:
    said = rating(word(row, "Severity"))
    if said[0].rank >= 0 or not has(row, "CVSS"):
        return said
    scores = child(row, "CVSS")
    preferred = word(row, "SeveritySource")
    sources = [preferred] if preferred in scores else sorted(scores)
    return rating("", [score for name in sources for score in _scores(child(scores, name))])


def _scores(row: Record) -> Iterator[Score]:
    for key, version in (("V40Score", 4.0), ("V3Score", 3.0), ("V2Score", 2.0)):
        score = optional_quantity(row, key)
        if score:
            yield version, score


def weaknesses(row: Record) -> tuple[str, ...]:
    """The weaknesses of a row. Raises `ReportError`."""
    return cwes(optional_texts(row, "CweIDs"))


def references(row: Record) -> tuple[str, ...]:
    """The links of a row, the primary one first. Raises `ReportError`."""
    return tuple(dict.fromkeys(filter(None, _links(row))))


def _links(row: Record) -> tuple[str, ...]:
    return (word(row, "PrimaryURL"), *optional_texts(row, "References"))
