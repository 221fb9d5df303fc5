"""Reports of XML, parsed without what makes XML dangerous: entities, deep nesting. Errors say where."""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import TypeVar, cast
from xml.etree.ElementTree import Element

from fixby.errors import ReportError
from fixby.scanners.formats.format import Report
from fixby.scanners.report import HINT

T = TypeVar("T")


def document_element(report: Report, name: str) -> Element:
    """The element of that name that a report of XML is. Raises `ReportError` as `tree` does, or where it is another."""
    found = tree(report.content)
    if found.tag != name:
        raise ReportError(f"expected <{name}> at the top of the report", HINT)
    return found


def tree(content: bytes) -> Element:
    """The first element of a document, namespaces left out of all names.

    Raises `ReportError` where it is damaged or cut short, declares entities or is nested deeper than any report.
    """
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415 - most reports are JSON
    from defusedxml.ElementTree import ParseError, iterparse  # noqa: PLC0415

    depth, first = 0, None
    try:
        for event, element in iterparse(BytesIO(content.lstrip(b" \t\r\n")), events=("start", "end")):
            depth += 1 if event == "start" else -1
            if depth > _DEPTH:
                raise ReportError(f"the report is nested deeper than {_DEPTH} elements", HINT)
            if event == "start":
                first = element if first is None else first
                element.tag = element.tag.rpartition("}")[2]
    except ParseError as error:
        line, column = error.position
        raise ReportError(f"the report is no XML: {error.msg} (line {line}, column {column + 1})", HINT) from error
    except DefusedXmlException as error:
        raise ReportError("the report defines entities, which no scanner's report does", HINT) from error
    except (ValueError, LookupError) as error:
        raise ReportError(f"the report is no XML that can be read: {error}", HINT) from error
    if first is None:
        raise ReportError("the report is no XML: it has no element", HINT)
    return cast("Element", first)


def said(element: Element | None, path: str = "") -> str:
    """The text of the first element at a path of names, or of the element itself; nothing where there is none."""
    found = element if element is None or not path else element.find(path)
    return (found.text or "").strip() if found is not None else ""


def all_words(element: Element, path: str) -> Iterator[str]:
    """The texts of all elements at a path that have some."""
    return (words for one in element.iterfind(path) if (words := said(one)))


def attribute(element: Element, name: str) -> str:
    """The attribute of that name. Raises `ReportError` where there is none or an empty one."""
    if found := element.get(name, "").strip():
        return found
    raise ReportError(f"expected an attribute `{name}` of <{element.tag}>, found nothing", HINT)


def required(element: Element, name: str) -> str:
    """The text of the child of that name. Raises `ReportError` where there is none or an empty one."""
    if found := said(element, name):
        return found
    raise ReportError(f"expected <{name}> in <{element.tag}>, found nothing", HINT)


def whole_number(words: str | None) -> int | None:
    """The number that digits stand for, or None."""
    return int(words) if words and len(words) < _DIGITS and words.isascii() and words.isdigit() else None


def each_element(elements: Iterable[Element], read: Callable[[Element], T]) -> Iterator[T]:
    """What `read` makes of every element. Raises `ReportError` with the position of a bad one, from 0."""
    for position, element in enumerate(elements):
        try:
            yield read(element)
        except ReportError as error:
            raise ReportError(f"{element.tag}[{position}]: {error.message}", error.hint) from error


_DEPTH = 200
_DIGITS = 10
