"""The policy that says how long a finding may stay open, read from TOML. `default.toml` is a complete example."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from fixby.asset import UNEXPLOITED, Asset, Exploitation
from fixby.finding import Category
from fixby.policies.business_days import HINT as CALENDAR_HINT
from fixby.policies.business_days import business_days
from fixby.policies.document import Table, document, read_text, text, texts, whole
from fixby.severity import LEVELS, Severity
from fixby.sla.calendar import EVERY_DAY, Calendar
from fixby.sla.clock import Terms, Window
from fixby.sla.duration import HINT, duration


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold for an override to apply: all that is set, and of several values any.

    A tag may be one of the asset or of the finding. `exploited` asks for the catalogue of known exploited
    vulnerabilities, `epss` for at least so many whole percent.
    """

    categories: tuple[Category, ...] = ()
    tiers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exposures: tuple[str, ...] = ()
    exploited: bool = False
    epss: int | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """Windows that apply beside those of everybody where the conditions hold."""

    name: str
    conditions: Conditions
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class AcceptanceRule:
    """How the risk of findings of a severity may be accepted.

    For at most `longest` seconds, None being never; `approvers` people besides the one who asks must agree, and they
    must be among those in `by`, unless that is empty. Where it is `signed`, all of them sign with keys of their own.
    """

    longest: int | None
    approvers: int
    by: tuple[str, ...] = ()
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions are held against: the finding, the asset that it is about, and `tags` of the finding itself."""

    category: Category
    asset: Asset
    tags: tuple[str, ...] = ()
    exploitation: Exploitation = UNEXPLOITED


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy in force.

    `terms` has the windows that apply to every finding; `terms_for` adds those of the overrides. `regression_window` is
    for how many seconds after it was fixed a finding that comes back is the old one. `acceptance` has a rule for each
    severity. `toml` is what is written, `digest` stands for all that it says; `source` is where it was read from. Of
    several scanners that see a finding, the first of `severity_of` that knows its severity says it, else the highest.
    """

    name: str
    terms: Terms
    overrides: tuple[Override, ...]
    regression_window: int
    acceptance: Mapping[Severity, AcceptanceRule]
    toml: str
    digest: str
    source: str
    severity_of: tuple[str, ...] = ()


def terms_for(policy: Policy, facts: Facts) -> Terms:
    """What the policy allows a finding: the windows of everybody, and those of each override that applies to it."""
    added = tuple(
        replace(window, since=since)
        for override in policy.overrides
        if (since := _applies_since(override.conditions, facts)) is not None
        for window in override.windows
    )
    return replace(policy.terms, windows=(*policy.terms.windows, *added)) if added else policy.terms


def shipped() -> Policy:
    """The policy that is in force where nobody configured one."""
    return load(_SHIPPED)


def load(file: Path) -> Policy:
    """The policy in a file. Raises `ConfigurationError` as `parse` does, or where the file cannot be read."""
    return parse(read_text(file), str(file))


def parse(toml: str, source: str, calendar: Callable[[str], Calendar] = business_days) -> Policy:
    """The policy in a TOML text that errors call `source`; `calendar` gives the one of a name.

    Raises `ConfigurationError` with line, key and mend for whatever is missing, unknown or makes no sense.
    """
    top = document(toml, source)
    top.demand_only("name", "sla", "overrides", "acceptance")
    sla = top.table("sla")
    terms = _terms(sla, calendar)
    return Policy(
        name=top.read("name", text, 'Write name = "..." for reports and errors.'),
        terms=terms,
        overrides=_overrides(top, terms.windows),
        regression_window=sla.read("regression", _duration, HINT),
        acceptance=_acceptance(top, terms.unknown_as),
        toml=toml,
        digest=top.digest(),
        source=source,
        severity_of=sla.read_or((), "severity_of", _scanners, _SEVERITY_OF_HINT),
    )


_SEVERITY_OF_HINT = 'Write severity_of = "highest", or scanners, the first one first: ["grype", "trivy"].'
_SHIPPED = Path(__file__).with_name("default.toml")
_FOREVER = float("inf")
_NEVER = AcceptanceRule(longest=None, approvers=0)
_WORST_FIRST = tuple(reversed(LEVELS))


def _applies_since(conditions: Conditions, facts: Facts) -> int | None:
    """The running time since which an override applies to a finding, or None where it does not."""
    exploitation, epss = facts.exploitation, conditions.epss
    demanded = (
        (conditions.categories, {facts.category}),
        (conditions.tiers, {facts.asset.tier}),
        (conditions.tags, {*facts.asset.tags, *facts.tags}),
        (conditions.exposures, {facts.asset.exposure}),
    )
    if not all(not values or actual.intersection(values) for values, actual in demanded):
        return None
    if (conditions.exploited and not exploitation.known) or (epss is not None and exploitation.epss < epss):
        return None
    known_since = (exploitation.known_since or 0) if conditions.exploited else 0
    return max(known_since, 0 if epss is None else _epss_since(exploitation, epss))


def _epss_since(exploitation: Exploitation, threshold: int) -> int:
    """The running time at which the highest percentage so far reached the threshold."""
    return next((ran for percent, ran in exploitation.epss_since if percent >= threshold), 0)


def _terms(sla: Table, calendar: Callable[[str], Calendar]) -> Terms:
    sla.demand_only("unknown_as", "due_soon", "regression", "calendar", "severity_of", "windows")
    return Terms(
        windows=_windows(sla.table("windows"), _WORST_FIRST, _window, f'{HINT} Or write "none".'),
        unknown_as=sla.read("unknown_as", _level, f"Write one of {', '.join(_WORST_FIRST)}."),
        due_soon_percent=sla.read("due_soon", _percent, 'Write a share such as "25%".'),
        calendar=sla.read_or(EVERY_DAY, "calendar", lambda name: calendar(text(name)), CALENDAR_HINT),
    )


def _windows(
    table: Table, levels: Sequence[Severity], convert: Callable[[object], int | None], hint: str
) -> tuple[Window, ...]:
    """The windows of these levels, worst first. A worse severity must not have more time than a milder one."""
    table.demand_only(*_WORST_FIRST)
    windows = {level: table.read(level, convert, hint) for level in levels}
    for worse, milder in pairwise(levels):
        if (windows[worse] or _FOREVER) > (windows[milder] or _FOREVER):
            mend = f"A worse severity never has more time: shorten {worse} or lengthen {milder}."
            raise table.error(worse, f"allows more time than {milder}", mend)
    return tuple(Window(level, seconds, table.where(level)) for level, seconds in windows.items() if seconds)


def _overrides(top: Table, base: tuple[Window, ...]) -> tuple[Override, ...]:
    overrides: list[Override] = []
    for table in top.tables("overrides") if "overrides" in top.values else ():
        override = _override(table, base)
        if override.name in {other.name for other in overrides}:
            raise table.error("name", "stands twice", "Give each override a name of its own.")
        overrides.append(override)
    return tuple(overrides)


def _override(table: Table, base: tuple[Window, ...]) -> Override:
    table.demand_only("name", "when", "windows")
    return Override(
        name=table.read("name", text, 'Write name = "..." for explanations.'),
        conditions=_conditions(table),
        windows=_tighter_windows(table, {window.level: window for window in base}),
    )


def _conditions(override: Table) -> Conditions:
    when = override.table("when")
    when.demand_only("category", "tier", "tag", "exposure", "exploited", "epss")
    if not when.values:
        mend = 'Write when = { category = ["secret"] }, or another condition; else change sla.windows.'
        raise override.error("when", "sets no condition", mend)
    return Conditions(
        categories=when.read_or((), "category", _categories, f"Write a list of some of {', '.join(Category)}."),
        tiers=when.read_or((), "tier", _some, 'Write tier = ["1", ...].'),
        tags=when.read_or((), "tag", _some, 'Write tag = ["pci", ...].'),
        exposures=when.read_or((), "exposure", _some, 'Write exposure = ["internet", ...].'),
        exploited=when.read_or(False, "exploited", _true, "Write exploited = true, or leave it out."),  # noqa: FBT003 - what is read otherwise
        epss=when.read_or(None, "epss", _likelihood, 'Write the least probability, such as "10%".'),
    )


def _tighter_windows(override: Table, base: Mapping[Severity, Window]) -> tuple[Window, ...]:
    """The windows of an override. Each must be able to decide: it is shorter than the one that always applies."""
    table = override.table("windows")
    levels = [level for level in _WORST_FIRST if level in table.values]
    windows = _windows(table, levels, _duration, f"{HINT} An override only tightens.")
    if not windows:
        raise override.error("windows", "allows nothing", 'Write windows = { high = "3d" }, or another level.')
    for window in windows:
        if window.level in base and window.seconds >= base[window.level].seconds:
            mend = f"An override only tightens: write less than {base[window.level].line}, or leave it out."
            raise table.error(window.level, "can never decide", mend)
    return windows


def _acceptance(top: Table, unknown_as: Severity) -> Mapping[Severity, AcceptanceRule]:
    """The rules of each severity: where the policy has none at all those of the shipped one, else never."""
    if "acceptance" not in top.values:
        top = document(read_text(_SHIPPED), str(_SHIPPED))
    table = top.table("acceptance")
    table.demand_only(*_WORST_FIRST)
    rules = {level: _rule(table.table(level)) if level in table.values else _NEVER for level in _WORST_FIRST}
    return {**rules, Severity.UNKNOWN: rules[unknown_as]}


def _rule(table: Table) -> AcceptanceRule:
    table.demand_only("longest", "approvers", "by", "signed")
    longest = table.read("longest", _longest, f'{HINT} Or write "never".')
    if longest is None and len(table.values) == 1:
        return _NEVER
    signed = _signed(table, longest)
    approvers = table.read("approvers", whole, "Write approvers = 1: how many besides the one who asks must agree.")
    by_hint = 'Write by = ["ada@example.org", ...], or leave it out: then anybody may.'
    by: tuple[str, ...] = table.read_or((), "by", _some, by_hint)
    if by and not approvers:
        raise table.error("by", "has no effect where nobody need approve", "Write approvers = 1, or leave by out.")
    if by and len(by) < approvers:
        mend = f"Name {approvers} or more, or leave it out: then anybody may approve."
        raise table.error("by", f"names {len(by)} of the {approvers} people who must approve", mend)
    return AcceptanceRule(longest, approvers, by, signed)


def _signed(table: Table, longest: int | None) -> bool:
    signed = table.read_or(False, "signed", _truth, "Write signed = true, or leave it out.")  # noqa: FBT003 - what is read otherwise
    if signed and longest is None:
        raise table.error(
            "signed", "has no effect where nobody may accept", "Leave it out, or give longest a duration."
        )
    return signed


def _window(value: object) -> int | None:
    return None if value == "none" else _duration(value)


def _longest(value: object) -> int | None:
    return None if value == "never" else _duration(value)


def _duration(value: object) -> int:
    return duration(text(value))


def _level(value: object) -> Severity:
    level = text(value)
    if level not in LEVELS:
        raise ValueError(f"{value!r} is no known severity")
    return Severity(level)


def _percent(value: object) -> int:
    number, sign, rest = text(value).partition("%")
    if not (sign and not rest and number.isascii() and number.isdecimal() and len(number) <= 3 and int(number) <= 100):
        raise ValueError(f"{value!r} is no whole number from 0% to 100%")
    return int(number)


def _likelihood(value: object) -> int:
    percent = _percent(value)
    if not percent:
        raise ValueError("every finding has at least 0%")
    return percent


def _categories(value: object) -> tuple[Category, ...]:
    names = _some(value)
    for name in names:
        if name not in set(Category):
            raise ValueError(f"{name!r} is no known category")
    return tuple(Category(name) for name in names)


def _some(value: object) -> tuple[str, ...]:
    some = texts(value)
    if not some:
        raise ValueError("it is empty")
    return some


def _scanners(value: object) -> tuple[str, ...]:
    """The scanners whose word comes first; none of them where the highest severity counts."""
    return () if value == "highest" else _some(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _true(value: object) -> bool:
    if value is not True:
        raise ValueError(f"{value!r} is no condition")
    return True
