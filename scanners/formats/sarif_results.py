"""One result of a SARIF run as a finding.

The secret itself is what gitleaks tells (`offender`, or its snippet). What another tool tells of one is a line at
most, so that it is known by its rule, its file and that line, or by a partial fingerprint of the secret where the
tool has one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fixby.finding import Category, Finding, Location, Suppression, traced
from fixby.identifiers import NO_IDENTIFIERS, identifiers
from fixby.redaction import literals, without
from fixby.scanners.excerpt import CREDENTIAL_CWES, code_at
from fixby.scanners.formats import sarif_ours
from fixby.scanners.formats.fields import optional_child, optional_each
from fixby.scanners.formats.leaks import CREDENTIAL, leak, masked
from fixby.scanners.formats.ratings import Rating
from fixby.scanners.formats.sarif_messages import flows, message, spoken_flows
from fixby.scanners.formats.sarif_packages import package
from fixby.scanners.formats.sarif_places import Places
from fixby.scanners.formats.sarif_rules import Rules, SarifRule, rated
from fixby.scanners.formats.wording import prose
from fixby.scanners.report import Record, child, has, optional_text
from fixby.scanners.scanner import Source


@dataclass(frozen=True, slots=True)
class _Told:
    """What a result says: its rule, its message, the code at its first place, and all its places."""

    result: Record
    rule: SarifRule
    rated: Rating
    words: str
    snippet: str
    locations: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """Reads the results of one run of a tool."""

    tool: str
    rules: Rules
    places: Places
    source: Source

    def finding(self, result: Record) -> Finding | None:
        """The finding that a result is; None where it says that all is well, or is gone. Raises `ReportError`."""
        kind = optional_text(result, "kind") or "fail"
        rule = self.rules.of(result)
        if kind in _NO_FINDINGS or optional_text(result, "baselineState") == "absent":
            return None
        words = message(result, self.rules, rule.record)
        if sarif_ours.is_ours(result):
            return self._ours(result, rule, words)
        told = _Told(result, rule, rated(rule, result, kind), words, *self._locations(result))
        return self._secret(told) if rule.category is Category.SECRET else self._weakness(told)

    def _ours(self, result: Record, rule: SarifRule, words: str) -> Finding:
        code, _ = self._locations(result)
        found = sarif_ours.finding(self.tool, result, rule, words, code, self.places)
        return found if found.suppression else replace(found, suppression=_suppression(result))

    def _locations(self, result: Record) -> tuple[str, tuple[Location, ...]]:
        """The code at the first place, and all places, each once; of a result without any, what it was analysing.

        A file of the tool's own name is none: pip-audit writes it for want of a place.
        """
        rows = optional_each(result, "locations", lambda row: row)
        places = (at for row in rows if (at := self.places.at(row)))
        found = tuple(dict.fromkeys(at for at in places if at.line or at.path != self.tool))
        if not found and has(result, "analysisTarget"):
            name = self.places.path(child(result, "analysisTarget"))
            found = (Location(name),) if name else ()
        return next(filter(None, map(_snippet, rows)), ""), found

    def _secret(self, told: _Told) -> Finding:
        properties, marks = (optional_child(told.result, key) for key in ("properties", "partialFingerprints"))
        secret = optional_text(properties, "offender") or (told.snippet if self.tool == "gitleaks" else "")
        first = told.locations[0] if told.locations else Location("")
        place = f"{told.rule.rule.id} {first.path} {told.snippet.strip() or first.line or ''}"
        prints = (str(marks[name]) for name in sorted(marks) if _OF_SECRET.search(name) and marks[name])
        shown = without(literals(told.snippet), masked(told.words, secret)) or told.rule.rule.title
        commit = optional_text(properties, "commit") or optional_text(marks, "commitSha")
        return leak(
            self.tool,
            told.rule.rule if told.rule.rule.cwes else replace(told.rule.rule, cwes=CREDENTIAL),
            told.rated,
            f"{_sentence(shown)} In commit {commit}." if commit else shown,
            told.locations,
            secret=secret,
            instead=next(prints, place),
            source=self.source,
            suppression=_suppression(told.result),
        )

    def _weakness(self, told: _Told) -> Finding:
        rule, severity = told.rule, told.rated
        about = package(rule, told.words, told.locations, _names(told.result)) if rule.vulnerabilities else None
        own = self.rules.weaknesses(told.result)
        named = replace(rule.rule, cwes=tuple(dict.fromkeys((*rule.rule.cwes, *own)))) if own else rule.rule
        credential = not CREDENTIAL_CWES.isdisjoint(named.cwes)
        ways = flows(told.result, self.places, credential=credential)
        parts = (
            prose(told.words, credential=credential) or named.title,
            *spoken_flows(ways),
            *_pending(told.result),
        )
        found = Finding(
            Category.CONTAINER if about and about.ecosystem in _OF_A_SYSTEM else rule.category,
            self.tool,
            named,
            severity=severity[0],
            severity_source=severity[1],
            message="\n\n".join(parts),
            locations=told.locations,
            component=about,
            identifiers=identifiers(rule.vulnerabilities) if rule.vulnerabilities else NO_IDENTIFIERS,
            fix=_fix(told.result) or ("" if rule.vulnerabilities else rule.help),
            code="" if rule.vulnerabilities else self._code(told, credential=credential),
            suppression=_suppression(told.result),
        )
        return traced(found, ways)

    def _code(self, told: _Told, *, credential: bool) -> str:
        if not told.snippet or not told.locations:
            return ""
        return code_at(told.locations[0], self.source, told.snippet, credential=credential)


_OF_SECRET = re.compile(r"secret|\Atrufflehog", re.IGNORECASE)
"""What partial fingerprints of a secret itself are called."""

_NO_FINDINGS = frozenset({"pass", "notApplicable"})
_OF_A_SYSTEM = frozenset({"deb", "rpm", "apk", "alpm"})


def _names(result: Record) -> tuple[str, ...]:
    """The full names of all that a result stands in and that is no file."""
    rows = optional_each(result, "locations", lambda row: optional_each(row, "logicalLocations", lambda one: one))
    return tuple(name for some in rows for one in some if (name := optional_text(one, "fullyQualifiedName")))


def _snippet(place: Record) -> str:
    """The code at a place, as far as the report has it."""
    region = optional_child(optional_child(place, "physicalLocation"), "region")
    return optional_text(optional_child(region, "snippet"), "text") if region else ""


def _fix(result: Record) -> str:
    """What is to be done, where the result says so."""
    said = optional_each(result, "fixes", lambda row: optional_text(optional_child(row, "description"), "text"))
    return prose("\n".join(filter(None, said))) if said else ""


def _suppression(result: Record) -> Suppression | None:
    """A result is suppressed where all its suppressions are accepted, as they are if nothing is said (3.27.23)."""
    some = optional_each(result, "suppressions", lambda row: row)
    if not some or any(_status(one) != "accepted" for one in some):
        return None
    kinds = dict.fromkeys(optional_text(one, "kind") or "external" for one in some)
    reasons = dict.fromkeys(filter(None, (prose(optional_text(one, "justification")) for one in some)))
    return Suppression(f"sarif: {', '.join(kinds)}", "; ".join(reasons))


def _status(suppression: Record) -> str:
    """The status; drafts of the standard call it state."""
    return optional_text(suppression, "status") or optional_text(suppression, "state") or "accepted"


def _pending(result: Record) -> Iterator[str]:
    """A sentence for each suppression that was not accepted: the finding stays open."""
    for one in optional_each(result, "suppressions", lambda row: row):
        status = _status(one)
        if status != "accepted":
            reason = prose(optional_text(one, "justification"))
            yield f"A suppression is {_STATES.get(status, status)}{f': {reason}' if reason else '.'}"


_STATES = {"underReview": "under review"}


def _sentence(words: str) -> str:
    return words if re.search(r"[.!?]\Z", words) else f"{words}."
