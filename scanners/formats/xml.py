"""XML reports, parsed without what makes XML dangerous: no external entities, no declared ones, no deep recursion."""

from collections.abc import Iterator
from io import BytesIO
from typing import cast
from xml.etree.ElementTree import Element

from fixby.errors import ReportError
from fixby.scanners.report import HINT


def tree(content: bytes) -> Element:
    """The first element of a document, namespaces left out of all names.

    Raises `ReportError` where it is damaged or cut short, declares entities or is nested deeper than any report.
    """
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415 - most reports are JSON
    from defusedxml.ElementTree import ParseError, iterparse  # noqa: PLC0415

    depth, first = 0, None
    try:
        for event, element in iterparse(BytesIO(content), events=("start", "end")):
            depth += 1 if event == "start" else -1
            if depth > _DEPTH:
                raise ReportError(f"the report is nested deeper than {_DEPTH} elements", HINT)
            if event == "start":
                first = element if first is None else first
                element.tag = element.tag.rpartition("}")[2]
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ReportError(f"the report is no XML that can be read: {error}", HINT) from error
    if first is None:
        raise ReportError("the report is no XML: it has no element", HINT)
    return cast("Element", first)


def words(element: Element | None, path: str = "") -> str:
    """The text of the first element at a path of names, or of the element itself; nothing where there is none."""
    found = element if element is None or not path else element.find(path)
    return (found.text or "").strip() if found is not None else ""


def all_words(element: Element, path: str) -> Iterator[str]:
    """The texts of all elements at a path that have some."""
    return (said for one in element.iterfind(path) if (said := words(one)))


_DEPTH = 200
