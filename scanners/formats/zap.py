"""ZAP (Zed Attack Proxy): running sites, looked at from outside. Its XML and its JSON.

| ZAP says (`riskcode`) | severity |
|---|---|
| 3 | high |
| 2 | medium |
| 1 | low |
| 0 | info |

An alert of a site is one finding: its first location is the site, which is what it is known by, and the others are
the addresses of its instances, without their queries, which may hold anything. Alerts with confidence 0, which are
marked as false positives, are suppressed findings. Evidence is not kept. The report does not say which addresses were
visited, so that nothing closes by it; one without a site, or with errors of the plan by which ZAP ran, is told as
partial.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from html import unescape
from xml.etree.ElementTree import Element

from fixby.errors import ReportError
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.scanners.formats.elements import document_element, each_element, said
from fixby.scanners.formats.fields import loaded_record, words_at
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.ratings import UNRATED
from fixby.scanners.formats.wording import clean, cwes, plain, prose
from fixby.scanners.report import HINT, Record, each, optional_text
from fixby.scanners.scanner import Reading, Source
from fixby.severity import Severity, SeveritySource

NAME = "zap"


def recognises(report: Report) -> bool:
    """Whether it is XML or JSON of ZAP."""
    if report.root_element:
        return report.root_element == "OWASPZAPReport"
    found = report.json
    return (
        isinstance(found, dict) and "site" in found and bool({"@version", "@programName", "@generated"} & found.keys())
    )


_OWN_KEYS = frozenset({"@version", "@programName", "@generated"})


def read(report: Report, source: Source) -> Sequence[Told]:  # noqa: ARG001 - there are no files
    """The alerts of all sites. Raises `ReportError` where the report is damaged."""
    reading = _of_xml(report) if report.content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _of_json(report)
    return [Told(NAME, reading)]


def _of_xml(report: Report) -> Reading:
    top = document_element(report, "OWASPZAPReport")
    sites = list(each_element(top.iterfind("site"), _xml_site))
    return _reading(sites, top.get("version", ""))


def _xml_site(site: Element) -> list[Finding]:
    alerts = [
        one for name in ("alerts", "alert") for group in site.findall(name) for one in group.iterfind("alertitem")
    ]
    return list(each_element(alerts, partial(_xml_alert, clean(site.get("name", "")))))


def _xml_alert(site: str, alert: Element) -> Finding:
    instances = [(said(one, "uri"), said(one, "method"), said(one, "param")) for one in alert.iter("instance")]
    return _finding(site, lambda name: said(alert, name), instances or [(said(alert, "uri"), "", said(alert, "param"))])


def _of_json(report: Report) -> Reading:
    record = loaded_record(report)
    listed = record.get("site")
    record = {**record, "site": [listed] if isinstance(listed, dict) else listed}
    reading = _reading(each(record, "site", _json_site), optional_text(record, "@version"))
    failures = (f"ZAP's plan: {prose(one)}" for one in words_at(record, "afPlanErrors"))
    return replace(reading, problems=(*reading.problems, *dict.fromkeys(failures)))


def _json_site(site: Record) -> list[Finding]:
    return each(site, "alerts", partial(_json_alert, clean(optional_text(site, "@name"))))


def _json_alert(site: str, alert: Record) -> Finding:
    instances = each(alert, "instances", _instance) if alert.get("instances") is not None else []
    return _finding(site, partial(optional_text, alert), instances)


def _instance(row: Record) -> tuple[str, str, str]:
    return optional_text(row, "uri"), optional_text(row, "method"), optional_text(row, "param")


def _reading(sites: list[list[Finding]], version: str) -> Reading:
    problems = () if sites else ("the report has no site: it does not say that anything was looked at",)
    return Reading(tuple(finding for alerts in sites for finding in alerts), clean(version), problems=problems)


def _finding(site: str, say: Callable[[str], str], instances: Iterable[tuple[str, str, str]]) -> Finding:
    id_ = (say("alertRef") or say("pluginid")).strip()
    title = prose(plain(say("name") or say("alert")))
    if not id_ or not title:
        raise ReportError("expected an alert with `pluginid` and `alert` or `name`, found one without", HINT)
    severity, severity_source = _RISKS.get(say("riskcode").strip(), UNRATED)
    addresses = dict.fromkeys(filter(None, (site, *sorted({_address(uri) for uri, _, _ in instances if uri}))))
    links = re.findall(r"https?://[^\s<>\"']+", unescape(say("reference")))
    parameters = sorted({clean(parameter) for _, _, parameter in instances if parameter.strip()})
    return Finding(
        Category.CODE,
        NAME,
        Rule(clean(id_), title, cwes([say("cweid").strip()]), tuple(dict.fromkeys(map(clean, links)))),
        severity=severity,
        severity_source=severity_source,
        message="\n\n".join(_words(say, parameters)) or title,
        locations=tuple(map(Location, addresses)),
        fix=prose(plain(say("solution"))),
        suppression=Suppression("zap: false positive") if say("confidence").strip() == "0" else None,
    )


_RISKS = {
    "3": (Severity.HIGH, SeveritySource.SCANNER),
    "2": (Severity.MEDIUM, SeveritySource.SCANNER),
    "1": (Severity.LOW, SeveritySource.SCANNER),
    "0": (Severity.INFO, SeveritySource.SCANNER),
}
_NAMED = 20


def _words(say: Callable[[str], str], parameters: list[str]) -> Iterator[str]:
    yield from filter(None, (prose(plain(say(name))) for name in ("desc", "otherinfo")))
    if parameters:
        more = f" and {len(parameters) - _NAMED} more" if len(parameters) > _NAMED else ""
        yield prose(f"Parameters: {', '.join(parameters[:_NAMED])}{more}.")


def _address(uri: str) -> str:
    """A URL without a password, query and fragment: they hold what was sent to attack, and sessions."""
    bare = re.split(r"[?#]", clean(uri.strip()), maxsplit=1)[0]
    return re.sub(r"(?<=://)[^/@]*@", "", bare)
