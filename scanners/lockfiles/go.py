"""`go.mod` of Go, whose requirements name exact versions (`go.sum` also names what is not used)."""

import re
from collections.abc import Iterator

from fixby.errors import ReportError
from fixby.scanners.lockfiles.lockfile import ELSEWHERE, Item, Package, Unread, decoded

COMPLETE_SINCE = (1, 17)
"""From this version of Go on the file lists what is needed indirectly too."""


def read(content: bytes) -> Iterator[Item]:
    """The required modules, replaced ones as what replaces them. Raises `ReportError` with the line."""
    statements = list(_statements(decoded(content)))
    words = {verb: rest for _, verb, rest in statements}
    if "module" not in words:
        raise ReportError("expected a `module` line")
    replaced = dict(_replacement(number, rest) for number, verb, rest in statements if verb == "replace")
    for number, verb, rest in statements:
        if verb == "require":
            yield _required(number, rest, replaced)
    go = re.match(r"(\d{1,5})\.(\d{1,5})", " ".join(words.get("go", ())))
    if any(verb == "require" for _, verb, _ in statements) and (not go or (int(go[1]), int(go[2])) < COMPLETE_SINCE):
        yield Unread("indirect dependencies", "before `go 1.17` it does not list what is needed indirectly")


def _statements(text: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """The line, the verb and the words of each statement; those in a block have the verb before its bracket."""
    block = ""
    for number, line in enumerate(text.splitlines(), 1):
        words = tuple(word.strip('"`') for word in line.split("//")[0].split())
        if not words:
            continue
        if block:
            if words == (")",):
                block = ""
            else:
                yield number, block, words
        elif words[-1] == "(":
            block = words[0]
        else:
            yield number, words[0], words[1:]
    if block:
        raise ReportError(f"the block `{block} (` is not closed")


_Module = tuple[str, str]


def _replacement(number: int, words: tuple[str, ...]) -> tuple[_Module, _Module]:
    """What is replaced (any version where it is empty) and by what (a folder where its version is empty)."""
    if "=>" not in words:
        raise ReportError(f"line {number}: expected `old => new`")
    at = words.index("=>")
    return _module(number, words[:at]), _module(number, words[at + 1 :])


def _module(number: int, words: tuple[str, ...]) -> _Module:
    match words:
        case (name,):
            return name, ""
        case (name, version):
            return name, version
        case _:
            raise ReportError(f"line {number}: expected a module and perhaps its version")


def _required(number: int, words: tuple[str, ...], replaced: dict[_Module, _Module]) -> Item:
    name, version = _module(number, words)
    if not version:
        raise ReportError(f"line {number}: expected a version")
    name, version = replaced.get((name, version)) or replaced.get((name, "")) or (name, version)
    return Package("Go", name, version, number) if version else Unread(words[0], ELSEWHERE)
