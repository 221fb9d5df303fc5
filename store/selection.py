"""A query compiled to SQL: the one place where the query language meets the columns."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from fixby.decision import ME, NOBODY, tag
from fixby.errors import UsageError
from fixby.finding import Category
from fixby.query import Term
from fixby.severity import Severity
from fixby.sla.clock import Status
from fixby.sla.duration import duration
from fixby.sla.sql import BREACHED, STATUS
from fixby.store.database import Value

Word = TypeVar("Word", bound=StrEnum)
Bind = Callable[[Value], str]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a row of `finding`, with the parameter `:now` besides its own."""

    sql: str
    parameters: dict[str, Value]


def condition(terms: Sequence[Term]) -> Condition:
    """What a query asks for, in SQL. Raises `UsageError` for a value that a qualifier does not know."""
    parameters: dict[str, Value] = {}

    def bind(value: Value) -> str:
        name = f"q{len(parameters)}"
        parameters[name] = value
        return f":{name}"

    return Condition(" AND ".join(_compiled(term, bind) for term in terms) or "1 = 1", parameters)


OBSERVED = (
    "EXISTS (SELECT 1 FROM sighting WHERE finding_id = finding.id AND presence = 'present' AND"
    " (finding.asset, sighting.scanner) NOT IN (SELECT asset, scanner FROM scan WHERE outcome = 'failed' AND seq IN"
    " (SELECT max(seq) FROM scan GROUP BY asset, scanner)))"
)
"""Whether the latest scan of one of its scanners saw the finding."""


ACCEPTED = (
    "EXISTS (SELECT 1 FROM acceptance WHERE finding_id = finding.id AND valid_from IS NOT NULL AND ended_at IS NULL"
    " AND until_at > :now)"
)
"""Whether an acceptance of the finding is valid now."""


def known_values() -> dict[str, list[str]]:
    """The values of the qualifiers that have few."""
    return {
        "assignee": [ME, NOBODY],
        "owner": [ME, NOBODY],
        "is": list(_STATES),
        "severity": list(Severity),
        "category": list(Category),
        "sla": list(Status),
    }


def _compiled(term: Term, bind: Bind) -> str:
    sql = " OR ".join(_COMPILERS[term.qualifier](value, bind) for value in term.values)
    return f"NOT ({sql})" if term.negated else f"({sql})"


def _is(value: str, _: Bind) -> str:
    if value not in _STATES:
        raise UsageError(f"A finding is never {value!r}.", f"Known are: {', '.join(_STATES)}.")
    return _STATES[value]


OPEN = "(finding.closed_at IS NULL AND finding.dismissed_at IS NULL)"
_STATES = {
    "open": OPEN,
    "accepted": f"({OPEN} AND {ACCEPTED})",
    "dismissed": "(finding.closed_at IS NULL AND finding.dismissed_at IS NOT NULL)",
    "fixed": "(finding.closed_at IS NOT NULL AND finding.closed_as = 'fixed')",
    "withdrawn": "(finding.closed_at IS NOT NULL AND finding.closed_as = 'withdrawn')",
    "not_observed": f"({OPEN} AND NOT {OBSERVED})",
    "exploited": "EXISTS (SELECT 1 FROM exploitation WHERE finding_id = finding.id AND known = 1)",
    "suppressed": "NOT EXISTS (SELECT 1 FROM sighting WHERE finding_id = finding.id AND suppressed = 0)",
}


def _severity(value: str, bind: Bind) -> str:
    return f"finding.severity = {bind(_one_of(Severity, value).rank)}"


def _category(value: str, bind: Bind) -> str:
    return f"finding.category = {bind(_one_of(Category, value))}"


def _sla(value: str, bind: Bind) -> str:
    status = _one_of(Status, value)
    return BREACHED if status is Status.BREACHED else f"({STATUS}) = {bind(status)}"


def _age(value: str, bind: Bind) -> str:
    comparison, text = _compared(value)
    try:
        return f":now - finding.started_at {comparison} {bind(duration(text))}"
    except ValueError as error:
        raise UsageError(f"age: {error}.", "Write for example age:>7d.") from error


def _epss(value: str, bind: Bind) -> str:
    comparison, text = _compared(value)
    if not (text.isascii() and text.isdecimal() and int(text) <= _PERCENT):
        raise UsageError(f"epss: {text!r} is no whole percentage.", "Write for example epss:>=10.")
    rated = "COALESCE((SELECT epss FROM exploitation WHERE finding_id = finding.id), 0)"
    return f"{rated} {comparison} {bind(int(text))}"


_PERCENT = 100


def _compared(value: str) -> tuple[str, str]:
    """A comparison and what is compared with: `>7d` or `7d`, which is equality."""
    for comparison in (">=", "<=", ">", "<"):
        if value.startswith(comparison):
            return comparison, value.removeprefix(comparison)
    return "=", value


def _team(value: str, bind: Bind) -> str:
    return f"EXISTS (SELECT 1 FROM asset WHERE name = finding.asset AND team = {bind(value)})"


def _tier(value: str, bind: Bind) -> str:
    return f"EXISTS (SELECT 1 FROM asset WHERE name = finding.asset AND tier = {bind(value)})"


def _assignee(value: str, bind: Bind) -> str:
    if value == ME:
        raise UsageError("assignee:me is whoever asks, and here nobody does.", "Name the person.")
    return f"finding.assignee = {bind('' if value == NOBODY else value)}"


def _owner(value: str, bind: Bind) -> str:
    """Who is asked: the assignee, or else those whom `CODEOWNERS` names; `ada` is `@ada` there."""
    if value == ME:
        raise UsageError("owner:me is whoever asks, and here nobody does.", "Name the person or the team.")
    if value == NOBODY:
        return "(finding.assignee = '' AND finding.owners = '')"
    names = {value, value if value.startswith("@") else f"@{value}"}
    likes = (bind(f"% {_escaped(name.lower())} %") for name in sorted(names))
    listed = " OR ".join(f"' ' || lower(finding.owners) || ' ' LIKE {like} ESCAPE '!'" for like in likes)
    return f"(finding.assignee = {bind(value)} OR finding.assignee = '' AND ({listed}))"


def _tag(value: str, bind: Bind) -> str:
    """Tags are words in a list of JSON: none has a quote in it."""
    pattern = f'%"{_escaped(tag(value))}"%'
    return f"finding.tags LIKE {bind(pattern)} ESCAPE '!'"


def _asset(value: str, bind: Bind) -> str:
    return f"finding.asset = {bind(value)}"


def _rule(value: str, bind: Bind) -> str:
    return f"finding.rule_id = {bind(value)}"


def _id(value: str, bind: Bind) -> str:
    """Ids are hexadecimal and sorted, so that those of a prefix stand between it and its last possible extension."""
    return f"(finding.id >= {bind(value.lower())} AND finding.id <= {bind(value.lower() + 'g')})"


def _scanner(value: str, bind: Bind) -> str:
    return _sighted(f"scanner = {bind(value)}")


def _path(value: str, bind: Bind) -> str:
    return _sighted(f"path LIKE {bind(_like(value))} ESCAPE '!'")


def _package(value: str, bind: Bind) -> str:
    return _sighted(f"lower(package) = {bind(value.lower())}")


def _name(value: str, bind: Bind) -> str:
    return _sighted(f"' ' || lower(names) || ' ' LIKE {bind(f'% {_escaped(value.lower())} %')} ESCAPE '!'")


_COMPILERS: dict[str, Callable[[str, Bind], str]] = {
    "age": _age,
    "asset": _asset,
    "assignee": _assignee,
    "category": _category,
    "cve": _name,
    "epss": _epss,
    "id": _id,
    "is": _is,
    "owner": _owner,
    "package": _package,
    "path": _path,
    "rule": _rule,
    "scanner": _scanner,
    "severity": _severity,
    "sla": _sla,
    "tag": _tag,
    "team": _team,
    "tier": _tier,
}


def _sighted(where: str) -> str:
    return f"EXISTS (SELECT 1 FROM sighting WHERE finding_id = finding.id AND {where})"


def _like(glob: str) -> str:
    """A glob as a LIKE pattern; `*` and `**` cross folders alike, and `src/` stands for all below it."""
    pattern = _escaped(glob).replace("**", "*").replace("*", "%").replace("?", "_")
    return pattern if pattern != _escaped(glob) or not glob.endswith("/") else f"{pattern}%"


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _one_of(words: Iterable[Word], value: str) -> Word:
    known = {str(word): word for word in words}
    if value not in known:
        raise UsageError(f"{value!r} is none of {', '.join(known)}.")
    return known[value]
