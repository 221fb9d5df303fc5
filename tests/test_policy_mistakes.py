"""Mistakes in policies: each is told with file, line, key and mend."""

from pathlib import Path

import pytest

from fixby.errors import ConfigurationError, ExitCode
from fixby.policies.policy import load, parse

RIGHT = """\
name = "ours"

[sla]
unknown_as = "critical"
due_soon = "10%"
regression = "2w"
calendar = "DE-BE"

[sla.windows]
critical = "12h"
high = "3d"
medium = "14d"
low = "90d"
info = "none"

[[overrides]]
name = "secrets"
when = { category = ["secret"] }
windows = { critical = "4h", high = "24h" }

[[overrides]]
name = "likely"

[overrides.when]
tier = ["1"]
tag = ["pci"]
exposure = ["internet"]
exploited = true
epss = "10%"

[overrides.windows]
high = "2d"
medium = "7d"

[acceptance.critical]
longest = "14d"
approvers = 2
by = ["ada@example.org", "grace@example.org"]

[acceptance.high]
longest = "90d"
approvers = 1
"""

UNITS = "Write a whole number and a unit: m, h, d or w"
KNOWN_LEVELS = "Known here: critical, high, medium, low, info."
MISTAKES = [
    # written, instead, line, key and problem, mend
    ('name = "ours"', "", 1, "name is missing", 'Write name = "..."'),
    ('name = "ours"', 'name = ""', 1, "name is wrong: it is empty", 'Write name = "..."'),
    ('name = "ours"', "name = 7", 1, "name is wrong: 7 is no text", 'Write name = "..."'),
    ("[sla]", "[gate]\n[sla]", 3, "gate is not known", "Known here: name, sla, overrides, acceptance."),
    ("[sla]", "[sla]\ngrace = '1d'", 4, "sla.grace is not known", "Known here: unknown_as, due_soon"),
    ('unknown_as = "critical"\n', "", 3, "sla.unknown_as is missing", "Write one of critical, high"),
    ('unknown_as = "critical"', 'unknown_as = "unknown"', 4, "sla.unknown_as is wrong: 'unknown'", "Write one of"),
    ('unknown_as = "critical"', 'unknown_as = "High"', 4, "sla.unknown_as is wrong: 'High' is no", "Write one of"),
    (
        'unknown_as = "critical"',
        "unknown_as = ['high']",
        4,
        "sla.unknown_as is wrong: ['high'] is no text",
        "Write one",
    ),
    ('calendar = "DE-BE"', 'severity_of = "grype"', 7, "sla.severity_of is wrong: 'grype' is no list", "scanners, the"),
    ('calendar = "DE-BE"', "severity_of = []", 7, "sla.severity_of is wrong: it is empty", '["grype", "trivy"]'),
    ('calendar = "DE-BE"', "severity_of = [1]", 7, "sla.severity_of is wrong", 'Write severity_of = "highest"'),
    ('calendar = "DE-BE"', 'severity_of = ["grype", ""]', 7, "sla.severity_of is wrong", 'Write severity_of = "high'),
    (
        'calendar = "DE-BE"',
        'severity_of = ["grype", "trivy", "grype"]',
        7,
        "sla.severity_of is wrong: it names something twice",
        "the first one first",
    ),
    ('due_soon = "10%"\n', "", 3, "sla.due_soon is missing", 'Write a share such as "25%"'),
    ('due_soon = "10%"', 'due_soon = "101%"', 5, "sla.due_soon is wrong: '101%' is no", 'such as "25%"'),
    ('due_soon = "10%"', 'due_soon = "0.1"', 5, "sla.due_soon is wrong: '0.1' is no whole", 'such as "25%"'),
    ('due_soon = "10%"', 'due_soon = "-5%"', 5, "sla.due_soon is wrong: '-5%'", 'such as "25%"'),
    ('due_soon = "10%"', 'due_soon = "10 %"', 5, "sla.due_soon is wrong: '10 %'", 'such as "25%"'),
    ('due_soon = "10%"', f'due_soon = "{"0" * 5000}1%"', 5, "sla.due_soon is wrong: '000", 'such as "25%"'),
    ('due_soon = "10%"', "due_soon = 0.1", 5, "sla.due_soon is wrong: 0.1 is no text", 'such as "25%"'),
    ('regression = "2w"\n', "", 3, "sla.regression is missing", UNITS),
    ('regression = "2w"', 'regression = "0d"', 6, "sla.regression is wrong: '0d' is not between", UNITS),
    ('regression = "2w"', "regression = true", 6, "sla.regression is wrong: True is no text", UNITS),
    ('"DE-BE"', '"office"', 7, "sla.calendar is wrong: there is no calendar 'office'", 'Write "every day"'),
    ('"DE-BE"', '"de"', 7, "sla.calendar is wrong: there is no calendar 'de'", 'a country such as "DE"'),
    ('"DE-BE"', '"DE-XX"', 7, "sla.calendar is wrong: there is no calendar 'DE-XX': the known subdivisions", "DE-BE"),
    ('"DE-BE"', '"DE-"', 7, "sla.calendar is wrong: there is no calendar 'DE-'", 'Write "every day"'),
    (
        '"DE-BE"',
        '"VA-RO"',
        7,
        "sla.calendar is wrong: there is no calendar 'VA-RO': the known subdivisions",
        "every day",
    ),
    ('"DE-BE"', "['DE']", 7, "sla.calendar is wrong: ['DE'] is no text", 'Write "every day"'),
    ('critical = "12h"\n', "", 9, "sla.windows.critical is missing", 'Or write "none".'),
    ('critical = "12h"', 'critical = "12 hours"', 10, "sla.windows.critical is wrong: '12 hours' is not a", UNITS),
    ('critical = "12h"', 'critical = "12H"', 10, "sla.windows.critical is wrong: '12H' is not a", UNITS),
    ('critical = "12h"', 'critical = "1.5d"', 10, "sla.windows.critical is wrong: '1.5d' is not a", UNITS),
    ('critical = "12h"', "critical = 12", 10, "sla.windows.critical is wrong: 12 is no text", UNITS),
    ('critical = "12h"', 'critical = "-1d"', 10, "sla.windows.critical is wrong: '-1d' is not a duration", UNITS),
    ('critical = "12h"', 'critical = "0m"', 10, "sla.windows.critical is wrong: '0m' is not between", UNITS),
    ('low = "90d"', 'low = "99999d"', 13, "sla.windows.low is wrong: '99999d' is not between", UNITS),
    ('low = "90d"', 'low = "1y"', 13, "sla.windows.low is wrong: '1y' is not a duration", UNITS),
    ('info = "none"', 'unknown = "none"', 14, "sla.windows.unknown is not known", KNOWN_LEVELS),
    (
        'high = "3d"',
        'high = "15d"',
        11,
        "sla.windows.high allows more time than medium",
        "shorten high or lengthen medium",
    ),
    (
        'critical = "12h"',
        'critical = "none"',
        10,
        "sla.windows.critical allows more time than high",
        "shorten critical",
    ),
    ('"secrets"\n', "7\n", 17, "overrides.name is wrong: 7 is no text", 'Write name = "..."'),
    ('name = "secrets"\n', "", 16, "overrides.name is missing", 'Write name = "..."'),
    ('name = "likely"', 'name = "secrets"', 22, "overrides.name stands twice", "a name of its own"),
    ('name = "likely"', 'name = "likely"\nunless = 1', 23, "overrides.unless is not known", "Known here: name, when"),
    ("when = {", "if = {", 18, "overrides.if is not known", "Known here: name, when, windows."),
    ('when = { category = ["secret"] }\n', "", 16, "overrides.when is missing", "Write a section [overrides.when]."),
    ('{ category = ["secret"] }', "{}", 18, "overrides.when sets no condition", 'category = ["secret"]'),
    ('{ category = ["secret"] }', '"secret"', 18, "overrides.when is wrong: it is no section", "Write a section"),
    ('["secret"]', '["secrets"]', 18, "overrides.when.category is wrong: 'secrets' is no known", "code, dependency"),
    ('["secret"]', '"secret"', 18, "overrides.when.category is wrong: 'secret' is no list", "Write a list"),
    ('["secret"]', "[]", 18, "overrides.when.category is wrong: it is empty", "Write a list"),
    ("category = [", "kind = [", 18, "overrides.when.kind is not known", "Known here: category, tier, tag"),
    ('{ critical = "4h", high = "24h" }', "{}", 19, "overrides.windows allows nothing", "Write windows = {"),
    ('windows = { critical = "4h", high = "24h" }', "", 16, "overrides.windows is missing", "[overrides.windows]"),
    ('critical = "4h"', 'critical = "none"', 19, "overrides.windows.critical is wrong: 'none'", "only tightens"),
    ('critical = "4h"', 'severe = "4h"', 19, "overrides.windows.severe is not known", KNOWN_LEVELS),
    (
        'critical = "4h"',
        'critical = "12h"',
        19,
        "overrides.windows.critical can never decide",
        "line 10: sla.windows.crit",
    ),
    (
        'high = "2d"',
        'high = "4d"',
        32,
        "overrides.windows.high can never decide",
        "write less than line 11: sla.windows.high",
    ),
    ('high = "24h"', 'high = "3h"', 19, "overrides.windows.critical allows more time than high", "shorten critical"),
    ('tier = ["1"]', "tier = 1", 25, "overrides.when.tier is wrong: 1 is no list", 'Write tier = ["1", ...].'),
    ('tier = ["1"]', "tier = [1]", 25, "overrides.when.tier is wrong: 1 is no text", 'Write tier = ["1", ...].'),
    ('tag = ["pci"]', 'tag = ["pci", "pci"]', 26, "overrides.when.tag is wrong: it names something twice", "Write tag"),
    (
        'exposure = ["internet"]',
        'exposure = [""]',
        27,
        "overrides.when.exposure is wrong: it is empty",
        "Write exposure",
    ),
    ("exploited = true", "exploited = false", 28, "overrides.when.exploited is wrong: False", "or leave it out"),
    ("exploited = true", 'exploited = "yes"', 28, "overrides.when.exploited is wrong: 'yes'", "Write exploited = true"),
    ("exploited = true", "exploited = 1", 28, "overrides.when.exploited is wrong: 1", "Write exploited = true"),
    ('epss = "10%"', 'epss = "101%"', 29, "overrides.when.epss is wrong: '101%'", 'such as "10%"'),
    ('epss = "10%"', 'epss = "0%"', 29, "overrides.when.epss is wrong: every finding", 'such as "10%"'),
    ('epss = "10%"', "epss = 0.1", 29, "overrides.when.epss is wrong: 0.1 is no text", 'such as "10%"'),
    ("[acceptance.high]", "[acceptance.severe]", 40, "acceptance.severe is not known", KNOWN_LEVELS),
    ("[acceptance.high]", "[acceptance.unknown]", 40, "acceptance.unknown is not known", KNOWN_LEVELS),
    ('longest = "90d"\n', "", 40, "acceptance.high.longest is missing", 'Or write "never".'),
    ('longest = "90d"', 'longest = "none"', 41, "acceptance.high.longest is wrong: 'none' is not", 'Or write "never".'),
    ('longest = "90d"', "longest = 90", 41, "acceptance.high.longest is wrong: 90 is no text", UNITS),
    ("approvers = 1\n", "", 40, "acceptance.high.approvers is missing", "Write approvers = 1"),
    (
        "approvers = 1",
        "approvers = -1",
        42,
        "acceptance.high.approvers is wrong: it is less than",
        "Write approvers = 1",
    ),
    ("approvers = 1", "approvers = true", 42, "acceptance.high.approvers is wrong: True is no", "Write approvers = 1"),
    (
        "approvers = 1",
        'approvers = "one"',
        42,
        "acceptance.high.approvers is wrong: 'one' is no",
        "Write approvers = 1",
    ),
    ("approvers = 1", "approvers = 1.0", 42, "acceptance.high.approvers is wrong: 1.0 is no", "Write approvers = 1"),
    (
        "approvers = 1",
        "approver = 1",
        42,
        "acceptance.high.approver is not known",
        "Known here: longest, approvers, by, signed.",
    ),
    (
        "approvers = 1",
        'approvers = 1\nsigned = "yes"',
        43,
        "acceptance.high.signed is wrong: 'yes' is neither true nor false",
        "Write signed = true, or leave it out",
    ),
    ("approvers = 1", "approvers = 1\nsigned = 1", 43, "acceptance.high.signed is wrong: 1 is", "Write signed = true"),
    (
        'longest = "90d"',
        'longest = "never"\nsigned = true',
        42,
        "acceptance.high.signed has no effect where nobody may accept",
        "give longest a duration",
    ),
    ("by = [", "by = [] # [", 38, "acceptance.critical.by is wrong: it is empty", "leave it out: then anybody may"),
    ('"grace@', '"ada@', 38, "acceptance.critical.by is wrong: it names something twice", "Write by = ["),
    ("approvers = 2", "approvers = 3", 38, "acceptance.critical.by names 2 of the 3 people", "Name 3 or more"),
    (
        "approvers = 2",
        "approvers = 0",
        38,
        "acceptance.critical.by has no effect",
        "Write approvers = 1, or leave by out",
    ),
    (
        'by = ["ada@example.org", "grace@example.org"]',
        'by = "ada"',
        38,
        "acceptance.critical.by is wrong",
        "Write by = [",
    ),
]


def wrong(toml: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        parse(toml, "our.toml")
    assert caught.value.exit_code is ExitCode.USAGE
    return caught.value


def test_the_policy_that_the_mistakes_are_made_in_is_right() -> None:
    assert [override.name for override in parse(RIGHT, "our.toml").overrides] == ["secrets", "likely"]


@pytest.mark.parametrize(
    ("written", "instead", "line", "problem", "mend"), MISTAKES, ids=[f"{one[2]}: {one[3]}" for one in MISTAKES]
)
def test_a_mistake_is_told_with_file_line_key_and_mend(
    written: str, instead: str, line: int, problem: str, mend: str
) -> None:
    assert written in RIGHT
    error = wrong(RIGHT.replace(written, instead, 1))
    assert error.message.startswith(f"our.toml:{line}: {problem}")
    assert mend in error.hint


@pytest.mark.parametrize(
    ("toml", "message", "mend"),
    [
        ("", "our.toml:1: sla is missing.", "Write a section [sla]."),
        ('name = "ours"\nsla = 7', "our.toml:2: sla is wrong: it is no section.", "Write a section [sla]."),
        (RIGHT.partition("[sla.windows]")[0], "our.toml:3: sla.windows is missing.", "Write a section [sla.windows]."),
        (
            f"overrides = []\n{RIGHT.partition('[[')[0]}",
            "our.toml:1: overrides is wrong: it is empty.",
            "[[overrides]]",
        ),
        (f"overrides = 1\n{RIGHT.partition('[[')[0]}", "our.toml:1: overrides is wrong: it is no", "[[overrides]]"),
        (f"overrides = [1]\n{RIGHT.partition('[[')[0]}", "our.toml:1: overrides is wrong: it is no", "[[overrides]]"),
        (
            f"acceptance = true\n{RIGHT.partition('[acc')[0]}",
            "our.toml:1: acceptance is wrong: it is no",
            "[acceptance]",
        ),
        (
            f"acceptance.low = '1d'\n{RIGHT.partition('[acc')[0]}",
            "our.toml:1: acceptance.low is wrong: it",
            "[acceptance.low]",
        ),
    ],
)
def test_a_section_that_is_missing_or_none_is_told_with_its_mend(toml: str, message: str, mend: str) -> None:
    error = wrong(toml)
    assert error.message.startswith(message)
    assert mend in error.hint


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        (RIGHT.replace("[sla]", "[sla"), "line 3"),
        (RIGHT.replace('high = "3d"', 'high = "3d"\nhigh = "4d"'), "line 12"),
        (RIGHT.replace('high = "3d"', "high = 3d"), "line 11"),
        (RIGHT.replace('high = "3d"', 'high: "3d"'), "line 11"),
        (RIGHT.replace("[acceptance.high]", "[sla]"), "line 40"),
        (RIGHT.replace('"ours"', '"ours'), "line 1"),
        (f"\ufeff{RIGHT}", "line 1"),
        (RIGHT.replace('"ours"', "9" * 5000), "digits"),
        (RIGHT.replace('"ours"', "[" * 100_000), "recursion"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(toml: str, line: str) -> None:
    error = wrong(toml)
    assert error.message.startswith("our.toml is no TOML: ")
    assert line in error.message
    assert "sections begin with [section]" in error.hint


def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    for name, message in (
        ("nowhere.toml", "cannot be read: No such file or directory."),
        (".", "cannot be read: Is a directory."),
        ("latin.toml/policy.toml", "cannot be read: Not a directory."),
        ("n" * 300, "cannot be read: File name too long."),
        ("latin.toml", "is not UTF-8 at byte 8."),
    ):
        with pytest.raises(ConfigurationError) as caught:
            load(tmp_path / name)
        assert caught.value.message == f"{tmp_path / name} {message}"
        assert caught.value.hint
