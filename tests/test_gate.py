"""The gate: what fails a release, and what it must not pass."""

from collections.abc import Sequence

import pytest

from fixby.errors import ConfigurationError, ExitCode
from fixby.policies.gate import GatePolicy, Judgement, LatestScan, RuleResult, Verdict, evaluate, parse, shipped
from fixby.query import parse as parse_query
from fixby.severity import Severity

HOUR = 3600
NOW = 1_800_000_000
SHIPPED = shipped()
CRITICAL = "is:open severity:critical"
LATE_HIGH = "is:open sla:breached severity:high,unknown"
ALL_LOOKED = [LatestScan(scanner, "complete", NOW - HOUR) for scanner in SHIPPED.required]
GATE = """\
name = "ours"

[[rules]]
name = "few secrets"
query = "is:open category:secret"
limit = 1

[[rules]]
name = "no high"
query = "severity:high"
limit = 0

[scans]
required = []
recorded = true
max_age = "2d"
"""


def judge(
    found: dict[str, Sequence[str]], scans: Sequence[LatestScan] = ALL_LOOKED, policy: GatePolicy = SHIPPED
) -> Judgement:
    return evaluate(policy, lambda query: found.get(query, ()), scans, Severity.HIGH, NOW)


def result(judgement: Judgement, name: str) -> RuleResult:
    return next(rule for rule in judgement.rules if rule.name == name)


def test_nothing_found_by_complete_and_fresh_scans_passes() -> None:
    judgement = judge({})
    assert judgement.verdict is Verdict.PASS
    assert judgement.exit_code is ExitCode.DONE
    assert judgement.evaluated_at == NOW
    assert {rule.verdict for rule in judgement.rules} == {Verdict.PASS}


def test_the_shipped_rules_are_queries_that_the_query_language_knows() -> None:
    assert [rule.query for rule in SHIPPED.rules if parse_query(rule.query)] == [
        "is:open severity:critical",
        "is:open sla:breached severity:high",
    ]


def test_an_open_critical_finding_fails_the_gate_and_is_named() -> None:
    judgement = judge({CRITICAL: ["3fa9", "77c1"]})
    assert judgement.verdict is Verdict.FAIL
    assert judgement.exit_code is ExitCode.GATE_FAILED
    assert result(judgement, "no open critical finding") == RuleResult(
        "no open critical finding", Verdict.FAIL, 2, 0, ("3fa9", "77c1"), "2 of is:open severity:critical"
    )


def test_a_high_finding_past_its_due_date_fails_the_gate_and_an_unknown_one_counts_as_high() -> None:
    assert judge({LATE_HIGH: ["3fa9"]}).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("query", "unknown_as", "asked"),
    [
        ("severity:critical is:open", Severity.CRITICAL, "severity:critical,unknown is:open"),
        ("severity:critical is:open", Severity.HIGH, "severity:critical is:open"),
        ("is:open severity:high,low", Severity.LOW, "is:open severity:high,low,unknown"),
        ("is:open -severity:high", Severity.HIGH, "is:open -severity:high"),
    ],
)
def test_a_gate_counts_unknown_as_the_sla_policy_does_and_excuses_none(
    query: str, unknown_as: Severity, asked: str
) -> None:
    queries: list[str] = []

    def select(query: str) -> Sequence[str]:
        queries.append(query)
        return ()

    evaluate(parse(GATE.replace("severity:high", query), "our.toml"), select, ALL_LOOKED, unknown_as, NOW)
    assert queries == ["is:open category:secret", asked]


def test_a_limit_is_how_many_are_allowed() -> None:
    policy = parse(GATE, "our.toml")
    secrets = "is:open category:secret"
    assert judge({secrets: ["a"]}, policy=policy).verdict is Verdict.PASS
    assert judge({secrets: ["a", "b"]}, policy=policy).verdict is Verdict.FAIL


def test_where_nothing_was_ever_scanned_the_gate_cannot_tell() -> None:
    judgement = judge({}, scans=[])
    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.exit_code is ExitCode.CANNOT_TELL
    assert result(judgement, "bandit has looked").reason == "no scan of it was ever recorded"
    nothing_required = judge({}, scans=[], policy=parse(GATE, "our.toml"))
    assert nothing_required.verdict is Verdict.UNKNOWN
    assert result(nothing_required, "scans").reason == "nothing was ever scanned"


@pytest.mark.parametrize(
    ("scan", "reason"),
    [
        (
            LatestScan("bandit", "partial", NOW, ("a.py cannot be parsed.", "b.py is too large.")),
            "the last scan was partial: a.py cannot be parsed; b.py is too large",
        ),
        (LatestScan("bandit", "failed", NOW), "the last scan was failed: no reason is known"),
        (
            LatestScan("bandit", "complete", NOW - 24 * HOUR - 1),
            "the last scan ended 24 h ago, more than the 24 h allowed",
        ),
        (LatestScan("bandit", "complete", NOW + 301), "the last scan ended 5 min in the future: a clock is wrong"),
    ],
)
def test_a_scan_that_cannot_be_relied_on_makes_the_gate_unknown(scan: LatestScan, reason: str) -> None:
    judgement = judge({}, scans=[scan, *ALL_LOOKED[1:]])
    assert judgement.verdict is Verdict.UNKNOWN
    assert result(judgement, "bandit has looked") == RuleResult("bandit has looked", Verdict.UNKNOWN, 1, 0, (), reason)


def test_one_bad_scan_of_several_by_one_scanner_is_enough() -> None:
    assert judge({}, scans=[*ALL_LOOKED, LatestScan("bandit", "failed", NOW)]).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("finished_at", [NOW - 24 * HOUR, NOW, NOW + 300])
def test_a_scan_is_fresh_up_to_its_greatest_age_and_clocks_may_differ_a_little(finished_at: int) -> None:
    assert judge({}, scans=[LatestScan("bandit", "complete", finished_at), *ALL_LOOKED[1:]]).verdict is Verdict.PASS


def test_a_failure_outweighs_what_cannot_be_told() -> None:
    assert judge({CRITICAL: ["3fa9"]}, scans=[]).verdict is Verdict.FAIL


def test_a_scanner_that_was_ever_recorded_must_go_on_looking_unless_the_policy_says_otherwise() -> None:
    stale = LatestScan("trivy", "complete", NOW - 90 * HOUR)
    assert judge({}, scans=[*ALL_LOOKED, stale]).verdict is Verdict.UNKNOWN
    only_bandit = parse(GATE.replace("true", "false").replace("[]", '["bandit"]'), "our.toml")
    assert judge({}, scans=[*ALL_LOOKED, stale], policy=only_bandit).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("limit = 1", "limit = -1", "our.toml:6: rules.limit is wrong: it is less than nothing."),
        ("limit = 0", "limit = true", "our.toml:11: rules.limit is wrong: True is no whole number."),
        ("limit = 0", "", "our.toml:8: rules.limit is missing."),
        ('"no high"', '"few secrets"', "our.toml:9: rules.name stands twice."),
        ('"severity:high"', '" "', "our.toml:10: rules.query is wrong: it is empty."),
        ("limit = 0", "limit = 0\nquary = 'is:open'", "our.toml:12: rules.quary is not known."),
        ("[scans]", "[scan]", "our.toml:13: scan is not known."),
        ("[]", '"bandit"', "our.toml:14: scans.required is wrong: 'bandit' is no list."),
        ("[]", '["bandit", "bandit"]', "our.toml:14: scans.required is wrong: it names something twice."),
        ("true", '"yes"', "our.toml:15: scans.recorded is wrong: 'yes' is neither true nor false."),
        ("true", "false", "our.toml:14: scans.required is empty, so nothing need be scanned."),
        ('"2d"', '"2"', "our.toml:16: scans.max_age is wrong: '2' is not a duration."),
    ],
)
def test_what_is_wrong_in_a_gate_is_named_by_file_line_and_key(written: str, instead: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(GATE.replace(written, instead), "our.toml")
    assert caught.value.message == message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("", "our.toml:1: rules is missing."),
        ("rules = []", "our.toml:2: rules is wrong: it is empty."),
        ("rules = 7", "our.toml:2: rules is wrong: it is no list of sections."),
    ],
)
def test_a_gate_without_rules_would_pass_everything_and_is_refused(rules: str, message: str) -> None:
    scans = GATE.partition("[scans]")[2]
    with pytest.raises(ConfigurationError) as caught:
        parse(f'name = "ours"\n{rules}\n[scans]\n{scans}', "our.toml")
    assert caught.value.message == message
