"""CycloneDX in XML, as the JSON of the same document would be."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from fixby.scanners.formats.elements import all_words, said
from fixby.scanners.report import Record


def converted(top: Element) -> Record:
    """The fields that are read, where they stand in JSON; vulnerabilities of the early extension among the others."""
    own, early = top.findall("vulnerabilities"), list(_early(top))
    record: Record = {"components": _components(top), "metadata": _metadata(top.find("metadata"))}
    if own or early:
        listed = [one for some in own for one in some.iterfind("vulnerability") if one.get("ref") is None]
        record["vulnerabilities"] = [*map(_vulnerability, listed), *(_extension(one, ref) for one, ref in early)]
    return record


def _components(parent: Element) -> list[object]:
    """The components below an element, and those within them, in one list: no recursion is needed to find them."""
    return [_component(one) for one in parent.iterfind("components//component")]


def _component(one: Element) -> Record:
    return {
        "bom-ref": one.get("bom-ref", ""),
        "type": one.get("type", ""),
        **{key: said(one, key) for key in ("group", "name", "version", "purl")},
        "evidence": {
            "occurrences": [{"location": said} for said in all_words(one, "evidence/occurrences/occurrence/location")]
        },
        "properties": [
            {"name": row.get("name", ""), "value": said(row)} for row in one.iterfind("properties/property")
        ],
    }


def _metadata(found: Element | None) -> Record:
    if found is None:
        return {}
    tools = [*found.iterfind("tools/tool"), *found.iterfind("tools/components/component")]
    main = found.find("component")
    return {
        "tools": [{"name": said(tool, "name"), "version": said(tool, "version")} for tool in tools],
        "component": _component(main) if main is not None else {},
    }


def _vulnerability(one: Element) -> Record:
    analysis = one.find("analysis")
    keys = ("state", "justification", "detail")
    return {
        "id": said(one, "id"),
        "source": {"url": said(one, "source/url")},
        "references": [
            {"id": said(row, "id"), "source": {"url": said(row, "source/url")}}
            for row in one.iterfind("references/reference")
        ],
        "ratings": [_rating(row, "score") for row in one.iterfind("ratings/rating")],
        "cwes": list(all_words(one, "cwes/cwe")),
        **{key: said(one, key) for key in ("description", "detail", "recommendation")},
        "advisories": [{"url": said(row, "url")} for row in one.iterfind("advisories/advisory")],
        "analysis": {key: said(analysis, key) for key in keys} if analysis is not None else {},
        "affects": [_affected(row) for row in one.iterfind("affects/target")],
    }


def _affected(row: Element) -> Record:
    versions = row.iterfind("versions/version")
    return {
        "ref": said(row, "ref"),
        "versions": [{"version": said(one, "version"), "status": said(one, "status")} for one in versions],
    }


def _rating(row: Element, score: str) -> Record:
    try:
        told = {"score": float(said(row, score))}
    except ValueError:
        told = {}
    return {**{key: said(row, key) for key in ("severity", "method", "vector")}, **told}


def _early(top: Element) -> Iterator[tuple[Element, str]]:
    """The vulnerabilities of the extension, at the end of the document or at their component, with its reference."""
    for one in top.iterfind("vulnerabilities/vulnerability"):
        if one.get("ref") is not None:
            yield one, one.get("ref", "")
    for number, component in enumerate(top.iterfind(".//component")):
        for one in component.iterfind("vulnerabilities/vulnerability"):
            component.set("bom-ref", component.get("bom-ref") or f"component {number}")
            yield one, component.get("bom-ref", "")


def _extension(one: Element, reference: str) -> Record:
    fix = "; ".join(all_words(one, "recommendations/recommendation"))
    links = [*all_words(one, "advisories/advisory"), *all_words(one, "advisories/advisory/url")]
    return {
        "id": said(one, "id"),
        "source": {"url": said(one, "source/url")},
        "ratings": [_rating(row, "score/base") for row in one.iterfind("ratings/rating")],
        "cwes": list(all_words(one, "cwes/cwe")),
        "description": said(one, "description"),
        "recommendation": fix,
        "advisories": [{"url": link} for link in links],
        "affects": [{"ref": reference}],
    }
