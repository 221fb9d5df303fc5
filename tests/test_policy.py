"""Policy files: what the shipped one says, and what is wrong with others, by file, line and key."""

from pathlib import Path

import pytest

from fixby.errors import ConfigurationError, ExitCode
from fixby.policies.policy import load, parse, shipped
from fixby.severity import Severity
from fixby.sla.clock import Terms

HOUR, DAY = 3600, 86400
COMPLETE = """\
name = "ours"

[sla]
unknown_as = "critical"
due_soon = "10%"
regression = "2w"

[sla.windows]
critical = "12h"
high = "12h"
medium = "90m"
low = "none"
info = "none"
"""
ORDERED = COMPLETE.replace('"90m"', '"14d"')


def wrong(toml: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        parse(toml, "our.toml")
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.hint
    return caught.value


def test_the_shipped_policy_allows_24_hours_7_days_30_days_and_90_days() -> None:
    policy = shipped()
    assert policy.name == "default"
    assert policy.terms == Terms(
        windows={
            Severity.CRITICAL: 24 * HOUR,
            Severity.HIGH: 7 * DAY,
            Severity.MEDIUM: 30 * DAY,
            Severity.LOW: 90 * DAY,
        },
        unknown_as=Severity.HIGH,
        due_soon_percent=25,
    )
    assert policy.regression_window == 30 * DAY


def test_a_policy_says_what_its_file_says(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(ORDERED)
    policy = load(file)
    assert policy.source == str(file)
    assert policy.regression_window == 14 * DAY
    assert policy.terms == Terms(
        windows={Severity.CRITICAL: 12 * HOUR, Severity.HIGH: 12 * HOUR, Severity.MEDIUM: 14 * DAY},
        unknown_as=Severity.CRITICAL,
        due_soon_percent=10,
    )


def test_a_policy_may_set_no_window_at_all() -> None:
    none = ORDERED.replace('"12h"', '"none"').replace('"14d"', '"none"')
    assert parse(none, "our.toml").terms.windows == {}


def test_the_digest_stands_for_what_is_said_and_not_for_how_it_is_laid_out() -> None:
    digest = parse(ORDERED, "our.toml").digest
    assert parse("# ours\n" + ORDERED.replace(" = ", "="), "elsewhere.toml").digest == digest
    assert parse(ORDERED.replace("10%", "11%"), "our.toml").digest != digest


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ('critical = "12h"', 'critical = "12 hours"', "our.toml:9: sla.windows.critical is wrong: '12 hours' is not a"),
        ('critical = "12h"', "critical = 12", "our.toml:9: sla.windows.critical is wrong: 12 is no text."),
        ('high = "12h"\n', "", "our.toml:8: sla.windows.high is missing."),
        ('high = "12h"', '"high" = ""', "our.toml:10: sla.windows.high is wrong: it is empty."),
        ('low = "none"', 'unknown = "none"', "our.toml:12: sla.windows.unknown is not known."),
        ('"critical"', '"unknown"', "our.toml:4: sla.unknown_as is wrong: 'unknown' is no known severity."),
        ('"10%"', '"0.1"', "our.toml:5: sla.due_soon is wrong: '0.1' is no whole number from 0% to 100%."),
        ('"10%"', '"101%"', "our.toml:5: sla.due_soon is wrong: '101%' is no whole number from 0% to 100%."),
        ('"2w"', '"0d"', "our.toml:6: sla.regression is wrong: '0d' is not between a minute and a hundred years."),
        ('name = "ours"', "", "our.toml:1: name is missing."),
        ("[sla]", "[sla]\ncalendar = 'office'", "our.toml:4: sla.calendar is not known."),
        ("[sla]", "[gate]\n[sla]", "our.toml:3: gate is not known."),
    ],
)
def test_what_is_wrong_is_named_by_file_line_and_key(written: str, instead: str, message: str) -> None:
    assert wrong(ORDERED.replace(written, instead)).message.startswith(message)


def test_a_section_that_is_missing_or_none_is_named() -> None:
    assert wrong('name = "ours"').message == "our.toml:1: sla is missing."
    assert wrong('name = "ours"').hint == "Write a section [sla]."
    assert wrong('name = "ours"\nsla = 7').message == "our.toml:2: sla is wrong: it is no section."


def test_keys_in_inline_tables_are_found_by_the_line_of_the_table() -> None:
    inline = ORDERED.partition("[sla.windows]")[0].replace("[sla]", '[sla]\nwindows = { critical = "1y" }')
    assert wrong(inline).message.startswith("our.toml:4: sla.windows.info is missing.")


def test_a_worse_severity_never_has_more_time_than_a_milder_one() -> None:
    error = wrong(COMPLETE)
    assert error.message == "our.toml:10: sla.windows.high allows more time than medium."
    assert error.hint == "A worse severity never has more time: shorten high or lengthen medium."
    none = wrong(ORDERED.replace('critical = "12h"', 'critical = "none"'))
    assert none.message == "our.toml:9: sla.windows.critical allows more time than high."


def test_a_key_that_stands_twice_and_a_broken_file_are_named_by_line() -> None:
    twice = wrong(ORDERED + 'low = "90d"\n').message
    assert "our.toml is no TOML: " in twice
    assert "line 14" in twice
    assert "line 3" in wrong('name = "ours"\n\n[sla\n').message


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml cannot be read: No such file"):
        load(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(ConfigurationError, match=r"latin\.toml is not UTF-8 at byte 8"):
        load(tmp_path / "latin.toml")
