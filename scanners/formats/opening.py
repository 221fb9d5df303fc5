"""How a report begins: with the mark of an encoding, or with lines that are not its own."""

import codecs
import re
from itertools import islice

import orjson

from fixby.redaction import redacted
from fixby.scanners.report import printable


def in_utf8(content: bytes) -> bytes:
    """A report in UTF-8 without its mark: what PowerShell redirects to a file is UTF-16, or has a mark before it."""
    if content.startswith(codecs.BOM_UTF8):
        return content.removeprefix(codecs.BOM_UTF8)
    if not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content
    return _ENCODING.sub(r"\1", content.decode("utf-16", "replace"), count=1).encode("utf-8", "replace")


def split_log(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A report from where its document begins, and the errors that stand in the lines of a log before it.

    Only words that are no JSON and no XML count as such lines: of a document that is damaged nothing is left out, even
    if it lacks its beginning. A report in which no document begins stays as it is.
    """
    if not _LOG.match(content) or _COLUMNS.match(content):
        return content, ()
    whole = memoryview(content)
    for found in islice(_STARTS.finditer(content, 0, _FAR_ENOUGH), _TRIES):
        start = found.start()
        before, line = content[:start], whole[start : content.find(b"\n", start) + 1 or None]
        if b'":' in before:
            break
        if found[0].startswith(b"<") or _is_json(line) or _is_json(whole[start:]):
            lines = before.decode("utf-8", "replace").splitlines()
            return content[start:], tuple(redacted(printable(line.strip())) for line in lines if _ERROR.search(line))
    return content, ()


def _is_json(content: memoryview) -> bool:
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return False
    return True


_ENCODING = re.compile(r"""(?<=\?xml)([^>]{0,80}?)\s+encoding\s*=\s*["'][^"']{0,40}["']""")
_LOG = re.compile(rb"\s*(?:\[[A-Za-z][\w .:/-]{0,60}\]\s|\[\d{4}-\d\d-\d\d|[^\s{\[<\"}\],:])")
_COLUMNS = re.compile(rb"\s*\"?[\w ]+\"?(?:,\"?[\w ]+\"?){2,}\r?\n")
_STARTS = re.compile(rb"^(?:\{|\[|<(?:\?xml|!--|[A-Za-z]))", re.MULTILINE)
_FAR_ENOUGH, _TRIES = 64 * 1024, 100
_ERROR = re.compile(
    r"\b(?:ERROR|FATAL|FTL|ERR!|[Ee]rror:|[Ff]atal:|panic:|level=(?:error|fatal))|\"level\":\"(?:error|fatal)"
)
