"""SpotBugs, with FindSecBugs or without: Java and what else compiles to its classes. Its XML.

| SpotBugs says | severity |
|---|---|
| priority 1, high | high |
| priority 2, normal | medium |
| priority 3, low | low |
| priority 4 and 5, experimental and ignored | info |
| none | unknown |

Paths are those of packages (`com/shop/Order.java`), below a folder of sources that the report may not name. Errors of
the analysis, classes that were missing, and a count of bugs that the list does not reach make the scan partial. The
report does not name the files without findings; what filters left out is not in it. Bugs that somebody judged to be
none are suppressed; those that a file of several versions calls gone (`last`) are no findings.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from xml.etree.ElementTree import Element

from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.scanners.excerpt import CREDENTIAL_CWES
from fixby.scanners.formats.addresses import location
from fixby.scanners.formats.elements import attribute, document_element, each_element, said, whole_number
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.ratings import UNRATED
from fixby.scanners.formats.wording import clean, cwes, plain, prose, spoken
from fixby.scanners.scanner import Reading, Source
from fixby.severity import Severity, SeveritySource

NAME = "spotbugs"


def recognises(report: Report) -> bool:
    """Whether it is XML of a collection of bugs."""
    return report.root_element == "BugCollection"


def read(report: Report, source: Source) -> Sequence[Told]:
    """The bugs. Raises `ReportError` where the report is damaged."""
    top = document_element(report, "BugCollection")
    patterns = {attribute(one, "type"): one for one in top.findall("BugPattern")}
    bugs = top.findall("BugInstance")
    present = (one for one in bugs if one.get("last") is None)
    findings = tuple(each_element(present, partial(_finding, source, patterns)))
    problems = dict.fromkeys(_problems(top, len(bugs)))
    return [Told(NAME, Reading(findings, clean(top.get("version", "")), problems=tuple(problems)))]


def _problems(top: Element, found: int) -> Iterator[str]:
    for errors in top.iterfind("Errors"):
        for one in errors.iterfind("Error"):
            message = said(one, "ErrorMessage") or said(one, "Exception") or (one.text or "")
            yield f"spotbugs: {' '.join(prose(message).split()) or 'an error without words'}"
        missing = [prose(one.text or "") for one in errors.iterfind("MissingClass")]
        if missing:
            yield f"spotbugs lacked {len(missing)} classes that the analysis needs, such as {missing[0]}"
    summary = top.find("FindBugsSummary")
    counted = whole_number(summary.get("total_bugs")) if summary is not None else None
    if counted is not None and counted > found:
        yield f"the report counts {counted} bugs and lists {found}"
    if summary is None and not found:
        yield "the report has neither bugs nor a summary: it does not say that anything was looked at"


def _finding(source: Source, patterns: dict[str, Element], bug: Element) -> Finding:
    kind = attribute(bug, "type")
    rule = _rule(kind, bug, patterns.get(kind))
    words = said(bug, "LongMessage") or said(bug, "ShortMessage")
    severity, severity_source = _PRIORITIES.get(bug.get("priority", "").strip(), UNRATED)
    return Finding(
        Category.CODE,
        NAME,
        rule,
        severity=severity,
        severity_source=severity_source,
        message=prose(words, credential=not CREDENTIAL_CWES.isdisjoint(rule.cwes)) or spoken(kind),
        locations=tuple(dict.fromkeys(_places(source, bug)))[:1],
        fix=_fix(patterns.get(kind)),
        suppression=_suppression(bug),
    )


_PRIORITIES = {
    "1": (Severity.HIGH, SeveritySource.SCANNER),
    "2": (Severity.MEDIUM, SeveritySource.SCANNER),
    "3": (Severity.LOW, SeveritySource.SCANNER),
    "4": (Severity.INFO, SeveritySource.SCANNER),
    "5": (Severity.INFO, SeveritySource.SCANNER),
}


def _rule(kind: str, bug: Element, pattern: Element | None) -> Rule:
    title = said(bug, "ShortMessage") or (said(pattern, "ShortDescription") if pattern is not None else "")
    weakness = bug.get("cweid") or (pattern.get("cweid") if pattern is not None else None)
    link = f"https://spotbugs.readthedocs.io/en/stable/bugDescriptions.html#{clean(kind)}"
    own = bug.get("category") != "SECURITY"
    return Rule(clean(kind), prose(title) or spoken(kind), cwes([weakness]), (link,) if own else ())


def _fix(pattern: Element | None) -> str:
    """What the description of a pattern calls the solution: FindSecBugs has one."""
    _, found, words = plain(said(pattern, "Details") if pattern is not None else "").partition("Solution:")
    return prose(words.partition("References")[0]) if found else ""


def _suppression(bug: Element) -> Suppression | None:
    """Somebody judged in SpotBugs' own screen that it is none."""
    judged = bug.find("UserAnnotation")
    if judged is None or judged.get("designation") not in _NO_BUGS:
        return None
    return Suppression(f"spotbugs: {judged.get('designation')}", prose(judged.text or ""))


_NO_BUGS = frozenset({"BAD_ANALYSIS", "NOT_A_BUG", "MOSTLY_HARMLESS", "OBSOLETE_CODE"})


def _places(source: Source, bug: Element) -> Iterator[Location]:
    """The line of the bug first, then the lines of its field, method and class, and the name of the class at last."""
    own = bug.findall("SourceLine")
    inner = [
        line for name in ("Field", "Method", "Class") for one in bug.findall(name) for line in one.findall("SourceLine")
    ]
    for line in sorted((*own, *inner), key=lambda one: (one not in own, one.get("primary") != "true")):
        name = line.get("relSourcepath") or line.get("sourcepath") or ""
        if name:
            yield location(name, source, whole_number(line.get("start")), whole_number(line.get("end")))
    for one in bug.findall("Class"):
        yield Location(clean(attribute(one, "classname")))
