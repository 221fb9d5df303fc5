"""The code of a finding with the lines around it, read from the checkout and redacted as excerpts are."""

from dataclasses import replace
from pathlib import Path

from fixby.excerpt import Excerpt, stored_excerpt
from fixby.finding import Category, Finding, Location
from fixby.redaction import redacted, redacted_literals
from fixby.scanners.excerpt import CREDENTIAL_CWES, code_at
from fixby.scanners.files import text_below
from fixby.scanners.report import printable
from fixby.scanners.scanner import Source

AROUND = 4
"""How many lines are shown before and after the code."""


def excerpt(finding: Finding, root: Path) -> Excerpt | None:
    """The stored code, with the lines around it where the file below `root` still has that code at that line.

    Files that a link would lead to outside of the root, and all but regular ones, count as not there.
    """
    stored = stored_excerpt(finding)
    if stored is None or stored.named is None or finding.category is Category.SECRET:
        return stored
    lines = text_below(root, finding.path).removesuffix("\n").split("\n")
    standing = {hidden: _code(stored, lines, credential=hidden) == finding.code for hidden in (False, True)}
    if not any(standing.values()):
        return stored
    hides_literals = not standing[False] or not CREDENTIAL_CWES.isdisjoint(finding.rule.cwes)
    return _widened(stored, lines, hides_literals=hides_literals)


def _code(stored: Excerpt, lines: list[str], *, credential: bool) -> str:
    """What an adapter would keep today of the place where the stored code stood."""
    here = Location(stored.path, stored.first, stored.first + len(stored.lines) - 1)
    source = Source(str, str, lambda _path, first, last: "\n".join(lines[first - 1 : last]))
    return code_at(here, source, "", credential=credential)


def _widened(stored: Excerpt, lines: list[str], *, hides_literals: bool) -> Excerpt:
    """The stored code between its neighbours; alone where a secret runs over lines, so that none can be told apart.

    More than is shown is redacted, for what begins or ends a secret may stand further away.
    """
    begin = max(0, stored.first - 1 - _CONTEXT)
    after = stored.first - 1 + len(stored.lines)
    some = lines[begin : after + _CONTEXT]
    mask = redacted_literals if hides_literals else redacted
    masked = mask(printable("\n".join(line[:_LONGEST] for line in some))).split("\n")
    if len(masked) != len(some):
        return stored
    first = max(1, stored.first - AROUND)
    before = masked[first - 1 - begin : stored.first - 1 - begin]
    behind = masked[after - begin : after - begin + AROUND]
    return replace(stored, first=first, lines=(*before, *stored.lines, *behind))


_CONTEXT = 60
_LONGEST = 200
