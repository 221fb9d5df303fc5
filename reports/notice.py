"""One notice of what happened to findings since the last one, as plain text that chats and mails show alike."""

from collections.abc import Mapping, Sequence

from fixby.reports.plain import safe
from fixby.reports.words import due
from fixby.tracked import TrackedFinding

LONGEST_LIST = 10


def text(asset: str, groups: Mapping[str, Sequence[TrackedFinding]], now: int) -> str:
    """A heading, and the first findings of each group, the first due first; empty where there is none."""
    parts = [_group(title, some, now) for title, some in groups.items() if some]
    return "\n\n".join([f"Fixby: {safe(asset)}", *parts]) if parts else ""


def _group(title: str, some: Sequence[TrackedFinding], now: int) -> str:
    lines = [f"{len(some)} {title}:", *(_line(one, now) for one in some[:LONGEST_LIST])]
    if len(some) > LONGEST_LIST:
        lines.append(f"  and {len(some) - LONGEST_LIST} more: fixby list")
    return "\n".join(lines)


def _line(one: TrackedFinding, now: int) -> str:
    finding = one.finding
    where = finding.path or (finding.component.name if finding.component else "")
    words = (one.id[:10], finding.severity, due(one, now), finding.rule.id, where, one.owner and f"({one.owner})")
    return "  " + " ".join(safe(str(word)) for word in words if word)
