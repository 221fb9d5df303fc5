"""Weaknesses as foreign reports name them, and texts of theirs that are fit to be kept."""

import re
from collections.abc import Iterable
from functools import lru_cache
from html import unescape
from itertools import chain

from fixby.redaction import redacted, redacted_literals
from fixby.scanners.report import printable


def cwes(words: Iterable[object]) -> tuple[str, ...]:
    """The weaknesses that words name, such as `CWE-79: ...`, `external/cwe/cwe-079`, `79` or 79, written `CWE-79`."""
    return tuple(dict.fromkeys(chain.from_iterable(map(_cwes_in, words))))


def clean(words: str) -> str:
    """A name as it may be kept: cut where it is too long, and each character one that a store can hold."""
    some = printable(words)
    return some.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in some else some


def prose(words: str, *, credential: bool = False) -> str:
    """A text as it may be kept: clean, without what looks like a secret, and without white space around it.

    Where it is about a `credential`, nothing in quotation marks is kept either: tools quote what they found.
    """
    mask = redacted_literals if credential else redacted
    return mask(clean(words)).strip() if words else ""


def plain(html: str) -> str:
    """HTML as scanners write it, without its tags and its entities, one line for each block."""
    lines = (" ".join(unescape(part).split()) for part in _TAG.sub(" ", _BLOCK.sub("\n", html)).split("\n"))
    return "\n".join(line for line in lines if line)


def spoken(name: str) -> str:
    """A name such as `no-eval`, `NoEval` or `NO_EVAL` in words."""
    if " " in name.strip():
        return name.strip()
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.rpartition("/")[2].rpartition(".")[2])
    return re.sub(r"[-_\s]+", " ", words).strip().capitalize() or name


def _cwes_in(word: object) -> tuple[str, ...]:
    if isinstance(word, int) and not isinstance(word, bool):
        return (f"CWE-{word}",) if word > 0 else ()
    return _cwes_in_text(word) if isinstance(word, str) else ()


@lru_cache(maxsize=4096)
def _cwes_in_text(word: str) -> tuple[str, ...]:
    bare = word.strip()
    if bare.isascii() and bare.isdigit():
        return (f"CWE-{int(bare)}",) if len(bare) <= _DIGITS and int(bare) else ()
    return tuple(f"CWE-{number}" for number in _CWE.findall(word))


_BLOCK = re.compile(r"</?(?:p|br|ul|ol|li|div|pre|h\d|table|tr)\b[^<>]{0,200}>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:a|b|i|code|strong|em|span|tt|u|td|th)\b[^<>]{0,500}>", re.IGNORECASE)
_DIGITS = 6
_CWE = re.compile(r"(?<![a-z0-9])cwe[-_:/ ]{0,2}0{0,4}([1-9][0-9]{0,5})(?![0-9])", re.IGNORECASE)
