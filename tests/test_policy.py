"""Policies: what the shipped one says, what others may say, and what each finding is allowed by them."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixby.asset import Asset, Exploitation
from fixby.errors import ConfigurationError
from fixby.finding import Category
from fixby.policies.business_days import business_days, exceptions, written_calendar
from fixby.policies.policy import AcceptanceRule, Conditions, Facts, Override, Policy, load, parse, shipped, terms_for
from fixby.reports import policy_text
from fixby.severity import LEVELS, Severity
from fixby.sla.calendar import EVERY_DAY
from fixby.sla.clock import Window, detected, reading

ROOT = Path(__file__).parents[1]
MINUTE, HOUR, DAY = 60, 3600, 86400
BASE = """\
name = "ours"

[sla]
unknown_as = "critical"
due_soon = "10%"
regression = "2w"

[sla.windows]
critical = "12h"
high = "3d"
medium = "14d"
low = "none"
info = "none"
"""
SHOP = Asset("shop", tier="1", exposure="internet", tags=("pci",))
START = 1_800_000_000


def with_override(when: str, windows: str = 'high = "1d"') -> Policy:
    return parse(f'{BASE}\n[[overrides]]\nname = "one"\nwhen = {{ {when} }}\nwindows = {{ {windows} }}\n', "our.toml")


def seconds(windows: tuple[Window, ...]) -> Mapping[Severity, int]:
    return {window.level: window.seconds for window in windows}


def added(policy: Policy, facts: Facts) -> tuple[Window, ...]:
    """The windows that overrides add for a finding."""
    windows = terms_for(policy, facts).windows
    assert windows[: len(policy.terms.windows)] == policy.terms.windows
    return windows[len(policy.terms.windows) :]


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_the_shipped_policy_allows_24_hours_7_days_30_days_and_90_days() -> None:
    policy = shipped()
    assert policy.name == "default"
    assert seconds(policy.terms.windows) == {
        Severity.CRITICAL: 24 * HOUR,
        Severity.HIGH: 7 * DAY,
        Severity.MEDIUM: 30 * DAY,
        Severity.LOW: 90 * DAY,
    }
    assert (policy.terms.unknown_as, policy.terms.due_soon_percent) == (Severity.HIGH, 25)
    assert (policy.terms.calendar, policy.overrides, policy.regression_window) == (EVERY_DAY, (), 30 * DAY)


def test_the_shipped_policy_says_how_risks_of_each_severity_may_be_accepted() -> None:
    assert shipped().acceptance == {
        Severity.CRITICAL: AcceptanceRule(30 * DAY, 2),
        Severity.HIGH: AcceptanceRule(90 * DAY, 1),
        Severity.MEDIUM: AcceptanceRule(180 * DAY, 1),
        Severity.LOW: AcceptanceRule(365 * DAY, 0),
        Severity.INFO: AcceptanceRule(365 * DAY, 0),
        Severity.UNKNOWN: AcceptanceRule(90 * DAY, 1),
    }


def test_the_overrides_that_the_shipped_policy_shows_as_examples_are_right() -> None:
    policy = shipped()
    examples = re.sub(r"^# ?(?=\[\[|name|when|windows)", "", policy.toml, flags=re.MULTILINE)
    assert [override.conditions.epss for override in parse(examples, "examples.toml").overrides] == [None, 10]


def test_a_policy_says_what_its_file_says(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(BASE)
    policy = load(file)
    assert (policy.source, policy.toml, policy.regression_window) == (str(file), BASE, 14 * DAY)
    assert (policy.terms.unknown_as, policy.terms.due_soon_percent) == (Severity.CRITICAL, 10)
    assert policy.terms.windows == (
        Window(Severity.CRITICAL, 12 * HOUR, "line 9: sla.windows.critical"),
        Window(Severity.HIGH, 3 * DAY, "line 10: sla.windows.high"),
        Window(Severity.MEDIUM, 14 * DAY, "line 11: sla.windows.medium"),
    )


def test_a_policy_may_set_no_window_at_all() -> None:
    assert parse(re.sub(r'"(12h|3d|14d)"', '"none"', BASE), "our.toml").terms.windows == ()


def test_the_digest_stands_for_what_is_said_and_not_for_how_it_is_laid_out() -> None:
    digest = parse(BASE, "our.toml").digest
    assert parse("# ours\n" + BASE.replace(" = ", "="), "elsewhere.toml").digest == digest
    assert parse(BASE.replace("10%", "11%"), "our.toml").digest != digest
    assert with_override("exploited = true").digest != digest


def test_the_example_of_the_documentation_is_complete_and_right() -> None:
    page = (ROOT / "docs" / "policies.md").read_text()
    toml = next(block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "[sla]" in block)
    policy = parse(toml, "docs/policies.md")
    assert policy.terms.calendar.name == "DE-BE"
    assert [override.name.split()[0] for override in policy.overrides] == ["secrets", "exploited,", "likely"]
    assert {window.line for window in policy.overrides[2].windows} == {"line 36: overrides.windows.high"}
    assert toml.splitlines()[36 - 1] == 'high = "3d"'
    assert policy.acceptance[Severity.CRITICAL].by[1] == "grace@example.org"
    assert policy.acceptance[Severity.LOW].longest is None
    for key in re.findall(r"^(\w+) =", toml, re.MULTILINE):
        assert re.search(rf"`(\[sla\.)?{key}\b", page) or key in LEVELS


def test_conditions_are_read_from_inline_tables_and_from_sections() -> None:
    inline = with_override(
        'category = ["secret", "code"], tier = ["1"], tag = ["pci"], exposure = ["internet"], '
        'exploited = true, epss = "10%"'
    )
    [override] = inline.overrides
    conditions = Conditions((Category.SECRET, Category.CODE), ("1",), ("pci",), ("internet",), exploited=True, epss=10)
    assert override == Override("one", conditions, (Window(Severity.HIGH, DAY, "line 18: overrides.windows.high"),))
    sections = '\n[[overrides]]\nname = "one"\n[overrides.when]\ntier = ["1"]\n[overrides.windows]\nhigh = "1d"\n'
    twice = parse(BASE + sections + sections.replace("one", "two"), "our.toml")
    assert [override.conditions for override in twice.overrides] == [Conditions(tiers=("1",))] * 2
    assert [override.windows[0].line for override in twice.overrides] == [
        "line 20: overrides.windows.high",
        "line 27: overrides.windows.high",
    ]


@pytest.mark.parametrize(
    ("when", "facts", "applies"),
    [
        ('category = ["secret"]', Facts(Category.SECRET, SHOP), True),
        ('category = ["secret"]', Facts(Category.CODE, SHOP), False),
        ('category = ["secret", "code"]', Facts(Category.CODE, SHOP), True),
        ('tier = ["1", "2"]', Facts(Category.CODE, SHOP), True),
        ('tier = ["2"]', Facts(Category.CODE, SHOP), False),
        ('tier = ["1"]', Facts(Category.CODE, Asset("unknown")), False),
        ('exposure = ["internet"]', Facts(Category.CODE, SHOP), True),
        ('exposure = ["internal"]', Facts(Category.CODE, SHOP), False),
        ('tag = ["gdpr", "pci"]', Facts(Category.CODE, SHOP), True),
        ('tag = ["login"]', Facts(Category.CODE, SHOP, tags=("login",)), True),
        ('tag = ["login"]', Facts(Category.CODE, SHOP), False),
        ('tier = ["1"], tag = ["pci"]', Facts(Category.CODE, SHOP), True),
        ('tier = ["1"], tag = ["login"]', Facts(Category.CODE, SHOP), False),
        ("exploited = true", Facts(Category.CODE, SHOP), False),
        ("exploited = true", Facts(Category.CODE, SHOP, (), Exploitation(known_since=5)), False),
        ("exploited = true", Facts(Category.CODE, SHOP, (), Exploitation(known=True)), True),
        ('epss = "10%"', Facts(Category.CODE, SHOP), False),
        ('epss = "10%"', Facts(Category.CODE, SHOP, (), Exploitation(epss=9, epss_since=((40, 5),))), False),
        ('epss = "10%"', Facts(Category.CODE, SHOP, (), Exploitation(epss=10)), True),
    ],
)
def test_an_override_applies_where_all_its_conditions_hold(when: str, facts: Facts, applies: bool) -> None:  # noqa: FBT001 - a parameter
    assert bool(added(with_override(when), facts)) is applies


@pytest.mark.parametrize(
    ("when", "exploitation", "since"),
    [
        ('tier = ["1"]', Exploitation(known=True, known_since=700), 0),
        ("exploited = true", Exploitation(known=True, known_since=700), 700),
        ("exploited = true", Exploitation(known=True), 0),
        ('epss = "10%"', Exploitation(epss=30, epss_since=((1, 0), (9, 50), (12, 90), (30, 400))), 90),
        ('epss = "30%"', Exploitation(epss=30, epss_since=((1, 0), (9, 50), (12, 90), (30, 400))), 400),
        ('epss = "10%", exploited = true', Exploitation(True, 700, 12, ((12, 90),)), 700),  # noqa: FBT003 - as in the words before it
        ('epss = "10%", exploited = true', Exploitation(True, 7, 12, ((12, 90),)), 90),  # noqa: FBT003
    ],
)
def test_what_was_learnt_later_counts_from_when_it_was_learnt(
    when: str, exploitation: Exploitation, since: int
) -> None:
    [window] = added(with_override(when), Facts(Category.DEPENDENCY, SHOP, (), exploitation))
    assert window == Window(Severity.HIGH, DAY, "line 18: overrides.windows.high", since)


def test_of_all_windows_that_apply_the_strictest_decides_and_says_its_line() -> None:
    policy = with_override("exploited = true")
    timeline = detected(Severity.HIGH, START)

    def due(known_since: int) -> tuple[int, str]:
        facts = Facts(Category.DEPENDENCY, SHOP, (), Exploitation(known=True, known_since=known_since))
        read = reading(timeline, terms_for(policy, facts), START)
        assert read.due_at is not None
        return read.due_at - START, read.line

    assert due(0) == (DAY, "line 18: overrides.windows.high")
    assert due(DAY) == (2 * DAY, "line 18: overrides.windows.high")
    assert due(5 * DAY) == (3 * DAY, "line 10: sla.windows.high")


def test_an_override_may_give_a_window_to_a_severity_that_has_none() -> None:
    policy = with_override('tier = ["1"]', 'low = "90d"')
    timeline = detected(Severity.LOW, START)
    assert reading(timeline, policy.terms, START).due_at is None
    assert reading(timeline, terms_for(policy, Facts(Category.CODE, SHOP)), START).due_at == START + 90 * DAY


def test_each_override_that_applies_adds_its_windows() -> None:
    more = '\n[[overrides]]\nname = "two"\nwhen = { tag = ["pci"] }\nwindows = { critical = "90m" }\n'
    policy = parse(with_override('tier = ["1"]').toml + more, "our.toml")
    assert seconds(added(policy, Facts(Category.CODE, SHOP))) == {Severity.HIGH: DAY, Severity.CRITICAL: 90 * MINUTE}
    assert terms_for(policy, Facts(Category.CODE, Asset("other"))) is policy.terms


def test_a_policy_without_acceptance_has_that_of_the_shipped_one() -> None:
    levels = parse(BASE, "our.toml").acceptance
    assert {level: levels[level] for level in LEVELS} == {level: shipped().acceptance[level] for level in LEVELS}
    assert levels[Severity.UNKNOWN] == levels[Severity.CRITICAL]


def test_what_a_policy_with_acceptance_does_not_name_is_never_accepted() -> None:
    rules = """
[acceptance.high]
longest = "2w"
approvers = 2
by = ["ada@example.org", "grace@example.org"]
signed = true

[acceptance.medium]
longest = "never"

[acceptance.low]
longest = "never"
approvers = 1
"""
    acceptance = parse(BASE + rules, "our.toml").acceptance
    assert acceptance[Severity.HIGH] == AcceptanceRule(
        14 * DAY, 2, ("ada@example.org", "grace@example.org"), signed=True
    )
    assert [level for level in Severity if acceptance[level].longest is None] == [
        level for level in Severity if level is not Severity.HIGH
    ]
    assert all(rule.longest is None for rule in parse(f"{BASE}[acceptance]\n", "our.toml").acceptance.values())


def test_business_days_leave_out_the_weekends_and_holidays_of_a_country() -> None:
    policy = parse(BASE.replace("[sla]", '[sla]\ncalendar = "DE"'), "our.toml")
    wednesday_before_easter = instant("2026-04-01T12:00")
    read = reading(detected(Severity.HIGH, wednesday_before_easter), policy.terms, wednesday_before_easter)
    assert policy.terms.calendar.name == "DE"
    assert read.due_at == instant("2026-04-08T12:00")


@pytest.mark.parametrize(
    ("calendar", "day", "works"),
    [
        ("DE", "2026-03-09", True),
        ("DE", "2026-03-08", False),
        ("DE-BE", "2026-03-08", False),
        ("DE-BE", "2027-03-08", False),
        ("DE", "2027-03-08", True),
        ("US", "2026-07-03", False),
        ("US-CA", "2027-03-31", False),
        ("US", "2027-03-31", True),
        ("SA", "2026-03-06", False),
        ("SA", "2026-03-08", True),
        ("DE", "2000-01-03", True),
        ("DE", "2000-01-01", False),
        ("DE", "2060-12-31", True),
        ("DE", "2060-12-26", False),
        ("every day", "2026-12-25", True),
    ],
)
def test_a_day_counts_in_full_or_not_at_all(calendar: str, day: str, works: bool) -> None:  # noqa: FBT001 - a parameter
    midnight = instant(day)
    assert business_days(calendar).between(midnight, midnight + DAY) == (DAY if works else 0)


@pytest.mark.parametrize("name", ["every day", "DE", "DE-BE", "AE", "IL", "US-CA"])
def test_a_calendar_that_was_written_down_is_the_same(name: str) -> None:
    assert written_calendar(name, exceptions(business_days(name))) == business_days(name)


def test_a_calendar_is_written_as_what_is_unlike_a_plain_week() -> None:
    words = exceptions(business_days("DE-BE")).split()
    assert {"2026-01-01", "2026-12-25"} <= set(words)
    assert len(words) < 700
    assert any(word.startswith("+") for word in exceptions(business_days("IL")).split())


def test_a_calendar_is_made_once() -> None:
    assert business_days("DE") is business_days("DE")
    with pytest.raises(ValueError, match="country 'XX'"):
        business_days("XX")


def test_a_policy_is_shown_with_all_that_it_says() -> None:
    policy = with_override('category = ["secret", "code"], exploited = true, epss = "10%"', 'high = "36h", info = "2d"')
    toml = f'{policy.toml}[acceptance.low]\nlongest = "90m"\napprovers = 1\nby = ["ada@example.org"]\n'
    lines = policy_text.lines(parse(toml, "our.toml"))
    assert lines[0] == "policy: ours, our.toml"
    assert [line.split()[:2] for line in lines[4:9]] == [
        ["critical", "12h"],
        ["high", "3d"],
        ["medium", "14d"],
        ["low", "none"],
        ["info", "none"],
    ]
    assert "  one, where category secret or code; known to be exploited; EPSS 10% or more" in lines
    assert [line.split()[:2] for line in lines if "overrides.windows" in line] == [["high", "36h"], ["info", "2d"]]
    assert lines[-6:] == [
        "  critical  never",
        "  high      never",
        "  medium    never",
        "  low       90m    1 approver of ada@example.org",
        "  info      never",
        "  unknown   never",
    ]


def test_names_in_a_policy_steer_no_terminal() -> None:
    policy = parse(BASE.replace('"ours"', r'"\u001b[31mred"'), "our.toml")
    assert "\x1b" not in "\n".join(policy_text.lines(policy))


def test_a_policy_is_published_with_all_that_it_says() -> None:
    policy = with_override('tag = ["pci"], epss = "10%"')
    document = policy_text.document(policy)
    assert json.loads(json.dumps(document)) == document
    assert (document["schema"], document["digest"]) == ("fixby.policy/1", policy.digest)
    assert document["windows"][0] == {
        "severity": "critical",
        "seconds": 12 * HOUR,
        "line": policy.terms.windows[0].line,
    }
    [override] = document["overrides"]
    assert (override["when"]["tag"], override["when"]["epss_percent"], override["when"]["exploited"]) == (
        ["pci"],
        10,
        False,
    )
    assert document["acceptance"]["critical"] == {"longest_seconds": 30 * DAY, "approvers": 2, "by": []}


def test_an_error_in_the_middle_of_a_file_does_not_stop_at_another_line_end_than_toml_has() -> None:
    with pytest.raises(ConfigurationError, match=r"^our\.toml:5: sla\.due_soon is wrong"):
        parse(BASE.replace("10%", "ten").replace("[sla]", "[sla] # a\u2028b\u0085c"), "our.toml")
