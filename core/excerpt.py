"""Lines of code with their numbers, as they are shown of a finding."""

from dataclasses import dataclass

from fixby.finding import Finding


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Redacted lines of a file, the first of which has the number `first`; `named` is that which the finding names.

    It is None where the finding names a file and no line.
    """

    path: str
    first: int
    lines: tuple[str, ...]
    named: int | None


def stored_excerpt(finding: Finding) -> Excerpt | None:
    """The code that was kept of a finding, or None where none was.

    Of a statement the code is all of it, and may begin above the line that is named; it ends with the finding's last.
    """
    if not finding.code:
        return None
    place = finding.locations[0] if finding.locations else None
    lines = tuple(finding.code.split("\n"))
    named = place.line if place else None
    begin = named or 1
    last = (place and place.end_line) or begin + len(lines) - 1
    return Excerpt(finding.path, max(1, min(begin, last - len(lines) + 1)), lines, named)
