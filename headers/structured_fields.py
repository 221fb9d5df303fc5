"""The little of Structured Field Values (RFC 9651) that headers of browsers' security use."""

import re
from collections.abc import Sequence

_TOKEN = r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*"  # noqa: S105 - a grammar's word
_STRING = r'"(?:[^"\\\x00-\x1f\x7f]|\\["\\])*"'
_KEY = r"[a-z*][a-z0-9_.*-]*"
_BARE = rf"(?:{_STRING}|{_TOKEN}|\?[01]|-?[0-9]+(?:\.[0-9]+)?|:[A-Za-z0-9+/=]*:)"
_PARAMETERS = rf"(?:; *{_KEY}(?:={_BARE})?)*"
_PART = re.compile(r'(?:^|(?<=,))((?:[^",]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))*)', re.DOTALL)
_ITEM = re.compile(rf" *({_TOKEN}){_PARAMETERS} *")
_MEMBER = re.compile(rf"({_KEY})(?:=({_BARE}|\((?:[^()])*\)))?{_PARAMETERS}[ \t]*(,[ \t]*|$)")


def split(lines: Sequence[str]) -> list[str]:
    """The parts between the commas of all lines of a header, of which none in double quotes parts (Fetch, 2.2.2)."""
    return [part.strip("\t ") for part in _PART.findall(", ".join(lines))]


def token(lines: Sequence[str]) -> str:
    """The token that an item is, case and all, or nothing where the lines of the header are none."""
    item = _ITEM.fullmatch(", ".join(lines))
    return item[1] if item else ""


def strings(lines: Sequence[str]) -> dict[str, str]:
    """The members of a dictionary that are strings; nothing at all where it is malformed."""
    text, found, at = ", ".join(lines).strip(" "), dict[str, str](), 0
    while at < len(text):
        member = _MEMBER.match(text, at)
        if member is None or (member[3].strip() == "," and member.end() == len(text)):
            return {}
        if member[2] and member[2].startswith('"'):
            found[member[1]] = re.sub(r"\\(.)", r"\1", member[2][1:-1])
        at = member.end()
    return found
