"""Reports of XML, parsed without entities, and with positions in what goes wrong."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from fixby.errors import ReportError
from fixby.scanners.formats.format import Report
from fixby.scanners.report import HINT

T = TypeVar("T")


def document_element(report: Report, name: str) -> Element:
    """The element that a report of XML is. Raises `ReportError` where it is damaged, another, or has entities."""
    content = report.content.lstrip(b" \t\r\n")
    if not content.removeprefix(b"\xef\xbb\xbf").strip():
        raise ReportError("the report is empty: expected XML", HINT)
    try:
        found: Element = fromstring(content)
    except ParseError as error:
        line, column = error.position
        raise ReportError(f"the report is no XML: {error.msg} (line {line}, column {column + 1})", HINT) from error
    except DefusedXmlException as error:
        raise ReportError("the report defines entities, which no scanner's report does", HINT) from error
    except (LookupError, ValueError) as error:
        raise ReportError(f"the report is no XML that can be read: {error}", HINT) from error
    if local_name(found) != name:
        raise ReportError(f"expected <{name}> at the top of the report", HINT)
    return found


def local_name(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def said(element: Element, name: str) -> str:
    """The text of the first child of that name, without white space around it, or nothing."""
    return (element.findtext(name) or "").strip()


def attribute(element: Element, name: str) -> str:
    """The attribute of that name. Raises `ReportError` where there is none or an empty one."""
    if found := element.get(name, "").strip():
        return found
    raise ReportError(f"expected an attribute `{name}` of <{local_name(element)}>, found nothing", HINT)


def required(element: Element, name: str) -> str:
    """The text of the child of that name. Raises `ReportError` where there is none or an empty one."""
    if found := said(element, name):
        return found
    raise ReportError(f"expected <{name}> in <{local_name(element)}>, found nothing", HINT)


def whole_number(words: str | None) -> int | None:
    """The number that digits stand for, or None."""
    return int(words) if words and len(words) < _DIGITS and words.isascii() and words.isdigit() else None


def each_element(elements: Iterable[Element], read: Callable[[Element], T]) -> Iterator[T]:
    """What `read` makes of every element. Raises `ReportError` with the position of a bad one, from 0."""
    for position, element in enumerate(elements):
        try:
            yield read(element)
        except ReportError as error:
            raise ReportError(f"{local_name(element)}[{position}]: {error.message}", error.hint) from error


_DIGITS = 10
