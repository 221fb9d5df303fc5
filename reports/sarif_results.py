"""One finding as a SARIF result.

A place needs a file there: an address is written without its scheme, what has no line begins at line 1, and what stands
nowhere has the package's name or the scanner's as its file. Where the finding really is, and all else that SARIF has no
place for, is in the property `fixby/v1`, by which Fixby reads its own files without a loss.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from urllib.parse import quote

from fixby.finding import Finding, Location, Step
from fixby.reports.published import Document, instant
from fixby.reports.sarif_rules import Described, rule_as_ours
from fixby.reports.sarif_words import OURS, escaped, level, score, shown
from fixby.severity import Severity
from fixby.tracked import Accepted, Dismissed, TrackedFinding


@dataclass(frozen=True, slots=True)
class Result:
    """A finding by its id, with what a store knows of it where there is one."""

    id: str
    finding: Finding
    tracked: TrackedFinding | None = None


def order(one: Result) -> tuple[float, str]:
    """The worst first; what nobody has rated stands before what is low."""
    severity = one.finding.severity
    return (-1.5 if severity is Severity.UNKNOWN else float(-severity.rank), one.id)


def result(one: Result, rule: Described, index: int) -> Document:
    """A finding as SARIF has it (3.27), of the rule that the run lists at `index`."""
    finding = one.finding
    flows = [_flow(flow) for flow in finding.flows]
    suppressions = list(_suppressions(one))
    differs = finding.severity is not rule.severity
    return {
        "ruleId": shown(finding.rule.id),
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": {"text": _message(one)},
        "locations": _locations(finding),
        "partialFingerprints": {"fixbyIdentity/v1": one.id, "primaryLocationLineHash": f"{one.id}:1"},
        **({"codeFlows": flows} if flows else {}),
        **({"suppressions": suppressions} if suppressions else {}),
        "properties": {**(score(finding.severity) if differs else {}), OURS: _ours(one, rule)},
    }


def _message(one: Result) -> str:
    """The message in plain text, at its end the id, by which a decision made elsewhere finds its way back."""
    words = escaped(_words(one))
    return f"{words}\n\nFixby finding {one.id}" if one.tracked else words


def _words(one: Result) -> str:
    """The finding's message, cut where a service might cut it and lose what stands at its end."""
    words = shown(one.finding.message).strip() or shown(one.finding.rule.title).strip() or "-"
    return f"{words[:_LONGEST]} [...]" if one.tracked and len(words) > _LONGEST else words


_LONGEST = 1000


def _locations(finding: Finding) -> list[Document]:
    """The places of a finding, the code at the first of them; as many as code scanning takes."""
    component = finding.component
    places = finding.locations[:_PLACES] or (Location(""),)
    stand_in = component.name if component else finding.scanner
    found = [_location(place, stand_in) for place in places]
    if finding.code:
        found[0]["physicalLocation"]["region"]["snippet"] = {"text": shown(finding.code)}
    if component and not finding.locations:
        found[0]["logicalLocations"] = [{"fullyQualifiedName": shown(component.purl), "kind": "package"}]
    return found


_PLACES = 1000


def _location(place: Location, stand_in: str = "") -> Document:
    region = {
        "startLine": place.line or 1,
        "endLine": place.end_line,
        "startColumn": place.column,
        "endColumn": place.end_column,
    }
    physical = {
        "artifactLocation": {"uri": _uri(place.path) or _uri(stand_in) or "unknown"},
        "region": {key: value for key, value in region.items() if value},
    }
    named = [{"fullyQualifiedName": shown(place.path), "kind": "resource"}] if _SCHEME.match(place.path) else []
    return {"physicalLocation": physical, **({"logicalLocations": named} if named else {})}


def _uri(path: str) -> str:
    """A path as a relative URI reference: code scanning refuses a file in which any has a scheme."""
    return quote(_SCHEME.sub("", path).strip("/"), safe=_SAFE, errors="replace")


_SCHEME = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]*://")
_SAFE = "!$&'()*+,/;=@~"


def _flow(flow: tuple[Step, ...]) -> Document:
    steps = [
        {
            "location": _location(step.location)
            | ({"message": {"text": escaped(shown(step.message))}} if step.message else {})
        }
        for step in flow
    ]
    return {"threadFlows": [{"locations": steps}]}


def _suppressions(one: Result) -> Iterator[Document]:
    """What silences a finding where it stands, and what people decided of it."""
    said = one.finding.suppression
    if said:
        yield _suppression("inSource", "accepted", ": ".join(filter(None, (said.by, said.reason))))
    for decision in one.tracked.decisions if one.tracked else ():
        match decision:
            case Dismissed(by=by, reason=reason):
                yield _suppression("external", "accepted", f"False positive, says {by}: {reason}")
            case Accepted(terms=terms, valid=valid):
                what = f"Accepted until {instant(terms.until)}, {terms.owner} answers for it: {terms.reason}"
                yield _suppression("external", "accepted" if valid else "underReview", what)


def _suppression(kind: str, status: str, why: str) -> Document:
    return {"kind": kind, "status": status, "justification": shown(why)}


def _ours(one: Result, rule: Described) -> Document:
    """All that the rest of the result does not say, or not to the letter."""
    finding, silenced = one.finding, one.finding.suppression
    values: Document = {
        "category": finding.category,
        "severity": finding.severity,
        "severity_source": finding.severity_source,
        "locations": [[at.path, at.line, at.end_line, at.column, at.end_column] for at in finding.locations],
        "component": asdict(finding.component) if finding.component else None,
        "identifiers": list(finding.identifiers.names),
        "fix": finding.fix,
        "secret_fingerprint": finding.secret_fingerprint,
        "suppression": [silenced.by, silenced.reason] if silenced else None,
        "rule": rule_as_ours(finding.rule) if finding.rule != rule.rule else None,
        "message": finding.message if _words(one) != finding.message else None,
        "code": finding.code if shown(finding.code) != finding.code else None,
        "tracked": _tracked(one.tracked) if one.tracked else None,
    }
    return {key: value for key, value in values.items() if value}


def _tracked(tracked: TrackedFinding) -> Document:
    """What a store knows, under the names of `fixby list --json`."""
    return {
        "asset": tracked.asset,
        "state": tracked.state,
        "first_seen": instant(tracked.first_seen),
        "due_at": instant(tracked.due_at),
        "sla_status": tracked.sla_status,
        "owner": tracked.owner or None,
    }
