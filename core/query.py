"""The query language: GitHub's search qualifiers over findings, such as `is:open severity:high -path:tests/**`."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from fixby.decision import ME
from fixby.errors import UsageError

QUALIFIERS = (
    *("age", "asset", "assignee", "category", "cve", "epss", "id", "is", "owner", "package", "path", "rule"),
    *("scanner", "severity", "sla", "tag", "team", "tier"),
)
"""The qualifiers that are known, in the order in which they are listed to people."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: the finding has (`negated`: has not) one of `values` at `qualifier`."""

    qualifier: str
    values: tuple[str, ...]
    negated: bool = False


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a query, all of which must hold. Raises `UsageError` for an unknown qualifier or an open quote."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"The query {text!r} has a quote that does not end.") from error
    return tuple(_term(word) for word in words)


def addressed(text: str, me: Callable[[], str]) -> str:
    """A query that says the same whoever reads it: `me` becomes the name of the one who asks, told by `me` if need be.

    Raises `UsageError` as `parse` does.
    """
    terms = parse(text)
    if not any(_is_personal(term) for term in terms):
        return text
    name = me()
    return " ".join(_written(_named(term, name) if _is_personal(term) else term) for term in terms)


def completions(incomplete: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    """What a word of a query that was begun may become; `values` has the values of qualifiers that have few."""
    sign = "-" if incomplete.startswith("-") else ""
    qualifier, colon, given = incomplete.removeprefix("-").partition(":")
    if not colon:
        return [f"{sign}{name}:" for name in QUALIFIERS if name.startswith(qualifier)]
    before, comma, last = given.rpartition(",")
    named = before.split(",")
    known = [value for value in values.get(qualifier, ()) if value.startswith(last) and value not in named]
    return [f"{sign}{qualifier}:{before}{comma}{value}" for value in known]


def _is_personal(term: Term) -> bool:
    return term.qualifier in ("assignee", "owner") and ME in term.values


def _named(term: Term, name: str) -> Term:
    return replace(term, values=tuple(name if value == ME else value for value in term.values))


def _written(term: Term) -> str:
    return shlex.quote(f"{'-' if term.negated else ''}{term.qualifier}:{','.join(term.values)}")


def _term(word: str) -> Term:
    negated = word.startswith("-")
    qualifier, colon, values = word.removeprefix("-").partition(":")
    if not colon:
        raise UsageError(f"{word!r} in the query is no qualifier:value.", _known())
    if qualifier not in QUALIFIERS:
        raise UsageError(f"There is no qualifier {qualifier!r}.", _known())
    some = tuple(value for value in values.split(",") if value)
    if not some:
        raise UsageError(f"The qualifier {qualifier!r} has no value.", f"Write for example {_EXAMPLES[qualifier]}.")
    return Term(qualifier, some, negated)


def _known() -> str:
    return f"Known are: {', '.join(QUALIFIERS)}."


_EXAMPLES = {
    "age": "age:>7d",
    "asset": "asset:web",
    "assignee": "assignee:me",
    "category": "category:secret",
    "cve": "cve:CVE-2024-1234",
    "epss": "epss:>=10",
    "id": "id:3fa9c1",
    "is": "is:open",
    "owner": "owner:@shop/payments",
    "package": "package:django",
    "path": "path:src/**",
    "rule": "rule:B602",
    "scanner": "scanner:bandit",
    "severity": "severity:critical,high",
    "sla": "sla:breached",
    "tag": "tag:login",
    "team": "team:payments",
    "tier": "tier:1",
}
