"""Decisions as code: what was accepted and dismissed, as TOML that people review and `fixby decisions apply` reads.

    [[accept]]
    finding = "3fa9c1d0"                 # or: query = "cve:CVE-2024-1234 package:django"
    reason = "not reachable"
    until = 2026-12-31                   # or an instant, or a duration such as "30d"
    owner = "ada"                        # optional, as is mitigation

    [[dismiss]]
    query = "rule:B101 path:tests/**"
    reason = "tests assert"

`what` says for people which finding is meant, and is not read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fixby.errors import ConfigurationError
from fixby.policies.document import Table, document, text


class Kind(StrEnum):
    """What is decided; the name of the section."""

    ACCEPT = "accept"
    DISMISS = "dismiss"


@dataclass(frozen=True, slots=True)
class Stated:
    """A decision of the finding whose id begins with `finding`, or of the open findings that `query` selects.

    `until` is a date, an instant or a duration; only acceptances have one. `where` says for people where it stands.
    """

    kind: Kind
    reason: str
    finding: str = ""
    query: str = ""
    until: str = ""
    owner: str = ""
    mitigation: str = ""
    what: str = ""
    where: str = ""


def parse(toml: str, source: str) -> tuple[Stated, ...]:
    """The decisions in a TOML text that errors call `source`, in order, acceptances first.

    Raises `ConfigurationError` with line, key and mend for whatever is missing, unknown or makes no sense.
    """
    top = document(toml, source)
    top.demand_only(*Kind)
    return tuple(_stated(kind, table) for kind in Kind if kind in top.values for table in top.tables(kind))


def written(some: Iterable[Stated]) -> str:
    """A TOML text that states these decisions."""
    import tomli_w  # noqa: PLC0415 - nothing else writes TOML

    return "\n".join(f"[[{stated.kind}]]\n{tomli_w.dumps(_values(stated))}" for stated in some)


_COMMON = ("finding", "query", "what", "reason")
_OF_ACCEPTANCES = ("until", "owner", "mitigation")


def _values(stated: Stated) -> dict[str, str]:
    named = {name: getattr(stated, name) for name in (*_COMMON, *_OF_ACCEPTANCES)}
    return {name: value for name, value in named.items() if value}


def _stated(kind: Kind, table: Table) -> Stated:
    known = (*_COMMON, *(_OF_ACCEPTANCES if kind is Kind.ACCEPT else ()))
    table.demand_only(*known)
    if ("finding" in table.values) == ("query" in table.values):
        raise _one_of_both(table)
    return Stated(
        kind=kind,
        reason=table.read("reason", text, 'Write reason = "..." for whoever reads it later.'),
        finding=table.read_or("", "finding", text, "Write the id of a finding, or the beginning of it."),
        query=table.read_or("", "query", text, 'Write a query such as "cve:CVE-2024-1234".'),
        until=table.read("until", _moment, _UNTIL_HINT) if kind is Kind.ACCEPT else "",
        owner=table.read_or("", "owner", text, 'Write owner = "..." or leave it out.'),
        mitigation=table.read_or("", "mitigation", text, 'Write mitigation = "..." or leave it out.'),
        what=table.read_or("", "what", text, "Write a text, or leave it out."),
        where=table.where("finding" if "finding" in table.values else "query"),
    )


def _one_of_both(table: Table) -> ConfigurationError:
    problem = "stands beside finding" if "query" in table.values else "is missing, and so is finding"
    return table.error("query", problem, "Write either finding or query.")


_UNTIL_HINT = 'Write a date such as 2026-12-31, an instant, or a duration such as "30d".'


def _moment(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else text(value)
