"""The identities that others give a finding, to be measured beside ours: a key for each finding of one scan.

`rule + path + line` and `rule + path + code` are what most simple tools compare; of several findings with one key the
second is another finding than the first, so that they are numbered in order of place. `primaryLocationLineHash` is
what GitHub's code scanning computes for a SARIF result that brings no fingerprint, and compares together with the rule.
For secrets, whose code nobody reports, the line they stand in is the code.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

from observations import Lines, Observation, bare, line_at

Keys = Sequence[Hashable]


def by_line(seen: Sequence[Observation], lines: Lines) -> Keys:
    """Rule, path and line."""
    del lines
    return _numbered([(one.rule, one.path, one.line) for one in seen])


def by_code(seen: Sequence[Observation], lines: Lines) -> Keys:
    """Rule, path and code, white space left out."""
    codes = (bare(one.finding.code) or line_at(lines, one.path, one.line) for one in seen)
    return _numbered([(one.rule, one.path, code) for one, code in zip(seen, codes, strict=True)])


def by_line_hash(seen: Sequence[Observation], lines: Lines) -> Keys:
    """Rule, path and `primaryLocationLineHash`."""
    hashes = {path: line_hashes("\n".join(lines(path))) for path in {one.path for one in seen}}
    return [(one.rule, one.path, hashes[one.path][one.line - 1]) for one in seen]


REFERENCES: Mapping[str, Callable[[Sequence[Observation], Lines], Keys]] = {
    "rule + path + line": by_line,
    "rule + path + code": by_code,
    "primaryLocationLineHash": by_line_hash,
}


def line_hashes(text: str) -> list[str]:
    """The `primaryLocationLineHash` of each line of a text.

    It is a polynomial hash of the hundred characters from the start of the line on, blanks and tabs left out, any end
    of line counting as one line feed; after the text come one character 65535 and zeros. Characters are UTF-16 units.
    The number after the colon tells lines with one hash apart.
    """
    units = list(_units(text))
    characters = [unit for unit in units if unit not in _BLANKS] + [_END]
    starts = [0, *(number for number, unit in enumerate(characters, start=1) if unit == _LINE_FEED)]
    values = _rolled(characters)
    counts: Counter[int] = Counter()
    hashes = []
    for start in starts:
        counts[values[start]] += 1
        hashes.append(f"{values[start]:x}:{counts[values[start]]}")
    return hashes


_WINDOW = 100
_MULTIPLIER = 37
_WORD = 2**64
_LINE_FEED = 10
_BLANKS = frozenset(b"\t ")
_END = 65535


def _units(text: str) -> Iterator[int]:
    encoded = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-16-le", "surrogatepass")
    return (low + 256 * high for low, high in zip(encoded[::2], encoded[1::2], strict=True))


def _rolled(characters: Sequence[int]) -> list[int]:
    """The hash of the window that begins at each character, from the last one backwards or forwards: the same."""
    leaving = pow(_MULTIPLIER, _WINDOW, _WORD)
    padded = [*characters, *([0] * _WINDOW)]
    value = 0
    for unit in padded[:_WINDOW]:
        value = (value * _MULTIPLIER + unit) % _WORD
    values = [value]
    for first, following in zip(padded, padded[_WINDOW:], strict=False):
        value = (value * _MULTIPLIER + following - first * leaving) % _WORD
        values.append(value)
    return values


def _numbered(keys: Sequence[Hashable]) -> Keys:
    counts: Counter[Hashable] = Counter()
    numbered = []
    for key in keys:
        counts[key] += 1
        numbered.append((key, counts[key]))
    return numbered
