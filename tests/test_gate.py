"""The gate: what fails a release, and what it must not pass."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fixby.errors import ConfigurationError, ExitCode
from fixby.policies import gate
from fixby.policies.gate import Attested, GatePolicy, Judgement, Known, LatestScan, RuleResult, Verdict, evaluate
from fixby.query import parse as parse_query
from fixby.severity import Severity
from fixby.store.selection import condition

MINUTE, HOUR, DAY = 60, 3600, 86_400
NOW = 1_800_000_000
CRITICAL = "is:open severity:critical"
LATE_HIGH = "is:open sla:breached severity:high,unknown -is:accepted"
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
STRICT = (
    GATE
    + """
[headers]
required = true
max_age = "7d"

[[attestations]]
kind = "restore-drill"
max_age = "30d"

[[attestations]]
kind = "penetration-test-closed"
max_age = "365d"
"""
)


def understood(query: str) -> None:
    condition(parse_query(query))


def parse(toml: str) -> GatePolicy:
    return gate.parse(toml, "our.toml", understood)


SHIPPED = gate.shipped(understood)
ALL_LOOKED = [LatestScan(scanner, "complete", NOW - HOUR) for scanner in SHIPPED.required]
VERIFIED = LatestScan("headers", "complete", NOW - DAY)
DRILLED = Attested(7, "restore-drill", "ada", NOW - 10 * DAY)
TESTED = Attested(8, "penetration-test-closed", "grace", NOW - 100 * DAY)


def judge(
    found: Mapping[str, Sequence[str]],
    scans: Sequence[LatestScan] = ALL_LOOKED,
    attestations: Sequence[Attested] = (),
    policy: GatePolicy = SHIPPED,
) -> Judgement:
    return evaluate(policy, lambda query: found.get(query, ()), Known(scans, attestations, Severity.HIGH), NOW)


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
        "is:open sla:breached severity:high -is:accepted",
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
        ("'severity:high'", Severity.HIGH, "severity:high,unknown"),
        ("sev'erity':high 'path:a b/**'", Severity.HIGH, "severity:high,unknown 'path:a b/**'"),
        ("path:severity:high", Severity.HIGH, "path:severity:high"),
    ],
)
def test_a_gate_counts_unknown_as_the_sla_policy_does_and_excuses_none(
    query: str, unknown_as: Severity, asked: str
) -> None:
    queries: list[str] = []

    def select(query: str) -> Sequence[str]:
        queries.append(query)
        return ()

    evaluate(parse(GATE.replace("severity:high", query)), select, Known(ALL_LOOKED, (), unknown_as), NOW)
    assert queries == ["is:open category:secret", asked]


SYFT = LatestScan("syft", "complete", NOW - HOUR)


def test_of_an_image_the_scanners_of_images_are_required_and_not_those_of_files() -> None:
    judgement = judge({}, scans=[SYFT])
    assert judgement.verdict is Verdict.PASS
    assert [rule.name for rule in judgement.rules if "looked" in rule.name] == ["syft has looked"]
    assert any(note.startswith("judged as a container image: no scan by bandit, ") for note in judgement.notes)
    assert not any("headers" in note for note in judgement.notes)
    assert judge({CRITICAL: ["3fa9"]}, scans=[SYFT]).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("scans", "problem"),
    [
        ([replace(SYFT, outcome="partial")], "syft has looked"),
        ([replace(SYFT, outcome="failed")], "syft has looked"),
        ([replace(SYFT, finished_at=NOW - 2 * DAY)], "syft has looked"),
        ([SYFT, LatestScan("trivy", "failed", NOW)], "trivy has looked"),
        ([LatestScan("trivy", "complete", NOW)], "bandit has looked"),
        ([SYFT, LatestScan("bandit", "complete", NOW)], "semgrep has looked"),
        ([SYFT, LatestScan("bandit", "failed", NOW)], "bandit has looked"),
    ],
)
def test_an_image_passes_no_easier_and_files_under_its_name_are_asked_for_in_full(
    scans: Sequence[LatestScan], problem: str
) -> None:
    judgement = judge({}, scans=scans)
    assert judgement.verdict is Verdict.UNKNOWN
    assert result(judgement, problem).verdict is Verdict.UNKNOWN


def test_a_gate_that_does_not_speak_of_images_asks_the_same_of_all() -> None:
    told = GATE.replace("required = []", 'required = ["bandit"]')
    assert judge({}, scans=[SYFT], policy=parse(told)).verdict is Verdict.UNKNOWN
    of_images = told.replace("recorded = true", 'required_of_images = ["syft", "trivy"]\nrecorded = true')
    judgement = judge(
        {}, scans=[SYFT], policy=parse(of_images + STRICT.removeprefix(GATE)), attestations=[DRILLED, TESTED]
    )
    assert {rule.name for rule in judgement.rules if rule.verdict is Verdict.UNKNOWN} == {"trivy has looked"}
    with pytest.raises(ConfigurationError, match="required_of_images"):
        parse(told.replace("recorded = true", 'required_of_images = "syft"\nrecorded = true'))


def test_a_limit_is_how_many_are_allowed() -> None:
    policy = parse(GATE)
    secrets = "is:open category:secret"
    assert judge({secrets: ["a"]}, policy=policy).verdict is Verdict.PASS
    assert judge({secrets: ["a", "b"]}, policy=policy).verdict is Verdict.FAIL


def test_where_nothing_was_ever_scanned_the_gate_cannot_tell() -> None:
    judgement = judge({}, scans=[])
    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.exit_code is ExitCode.CANNOT_TELL
    assert result(judgement, "bandit has looked").reason == "no scan of it was ever recorded"
    nothing_required = judge({}, scans=[], policy=parse(GATE))
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
    only_bandit = parse(GATE.replace("true", "false").replace("[]", '["bandit"]'))
    assert judge({}, scans=[*ALL_LOOKED, stale], policy=only_bandit).verdict is Verdict.PASS


KNOWN_QUALIFIERS = "Known are: age, asset, assignee, category"
MISTAKES = [
    # written, instead, line and key and problem, mend
    ('name = "ours"', "", "1: name is missing.", 'Write name = "..."'),
    ('name = "ours"', "name = 7", "1: name is wrong: 7 is no text.", 'Write name = "..."'),
    ('name = "ours"', 'title = "ours"', "1: title is not known.", "Known here: name, rules, scans"),
    ("limit = 1", "limit = -1", "6: rules.limit is wrong: it is less than nothing.", "Write limit = 0"),
    ("limit = 0", "limit = true", "11: rules.limit is wrong: True is no whole number.", "Write limit = 0"),
    ("limit = 0", "", "8: rules.limit is missing.", "Write limit = 0"),
    ('"no high"', '"few secrets"', "9: rules.name stands twice.", "a name of its own"),
    ('"severity:high"', '" "', "10: rules.query is wrong: it is empty.", "Write query"),
    ('"severity:high"', '"severity:hihg"', "10: rules.query is wrong: 'hihg' is none of", "Write query"),
    (
        '"severity:high"',
        '"sevrity:high"',
        "10: rules.query is wrong: There is no qualifier 'sevr",
        KNOWN_QUALIFIERS,
    ),
    ('"severity:high"', '"is:opened"', "10: rules.query is wrong: A finding is never 'opened'.", "Known are: open"),
    ('"severity:high"', '"sla:late"', "10: rules.query is wrong: 'late' is none of", "Write query"),
    ('"severity:high"', '"high"', "10: rules.query is wrong: 'high' in the query is no", KNOWN_QUALIFIERS),
    (
        '"severity:high"',
        '"severity:"',
        "10: rules.query is wrong: The qualifier 'severity' has",
        "severity:critical",
    ),
    ('"severity:high"', '"path:\'src"', '10: rules.query is wrong: The query "path:\'src" has a quote', "Write query"),
    ("limit = 0", "limit = 0\nquary = 'is:open'", "12: rules.quary is not known.", "Known here: name, query, limit."),
    ("[scans]", "[scan]", "13: scan is not known.", "Known here: name, rules, scans"),
    ("[]", '"bandit"', "14: scans.required is wrong: 'bandit' is no list.", "Write required = "),
    ("[]", '["bandit", "bandit"]', "14: scans.required is wrong: it names something twice.", "Write required = "),
    ("recorded = true", 'recorded = "yes"', "15: scans.recorded is wrong: 'yes' is neither", "recorded = true or"),
    ("recorded = true", "recorded = false", "14: scans.required is empty, so nothing need be", "Name a scanner"),
    ('"2d"', '"2"', "16: scans.max_age is wrong: '2' is not a duration.", "Write a whole number and a unit"),
    ("[headers]\nrequired = true", "[headers]", "18: headers.required is missing.", "Write required = true or"),
    ("[headers]\nrequired = true", "[headers]\nrequired = 1", "19: headers.required is wrong: 1 is neither", "Write"),
    ('max_age = "7d"', 'urls = ["x"]', "20: headers.urls is not known.", "Known here: required, max_age."),
    ('max_age = "7d"', "", "18: headers.max_age is missing.", "Write a whole number and a unit"),
    (
        '"restore-drill"',
        '"Restore drill"',
        "23: attestations.kind is wrong: 'Restore drill' is not",
        "lower-case",
    ),
    ('"restore-drill"', f'"{65 * "x"}"', "23: attestations.kind is wrong: 'xxx", "lower-case"),
    ('"restore-drill"', '"penetration-test-closed"', "27: attestations.kind stands twice.", "Require each kind once."),
    ('kind = "restore-drill"', "", "22: attestations.kind is missing.", "lower-case"),
    ('max_age = "30d"', 'max_age = "month"', "24: attestations.max_age is wrong: 'month' is not", "Write a whole"),
    ('max_age = "30d"', "until = 2026-01-01", "24: attestations.until is not known.", "Known here: kind, max_age."),
]


@pytest.mark.parametrize(("written", "instead", "problem", "mend"), MISTAKES)
def test_what_is_wrong_in_a_gate_is_named_by_file_line_and_key_with_the_mend(
    written: str, instead: str, problem: str, mend: str
) -> None:
    assert written in STRICT
    with pytest.raises(ConfigurationError) as caught:
        parse(STRICT.replace(written, instead, 1))
    assert caught.value.message.startswith(f"our.toml:{problem}")
    assert mend in caught.value.hint


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("headers = true", "our.toml:1: headers is wrong: it is no section."),
        ("attestations = []", "our.toml:1: attestations is wrong: it is empty."),
        ('attestations = ["restore-drill"]', "our.toml:1: attestations is wrong: it is no section."),
    ],
)
def test_a_section_of_another_shape_is_refused(written: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(f"{written}\n{GATE}")
    assert caught.value.message == message


def test_a_gate_knows_its_text_and_a_digest_that_no_comment_changes() -> None:
    ours, commented = parse(STRICT), parse(f"# ours\n{STRICT}")
    assert (ours.toml, ours.digest) == (STRICT, commented.digest)
    assert ours.digest != parse(GATE).digest


def test_the_example_of_the_documentation_is_a_gate_with_every_key() -> None:
    page = (Path(__file__).parents[1] / "docs" / "gates.md").read_text()
    [example] = [block.partition("```")[0] for block in page.split("```toml\n")[1:] if "[[rules]]" in block]
    policy = parse(example)
    assert policy.headers_max_age
    assert policy.attestations


def test_what_is_commented_out_in_the_shipped_gate_is_right() -> None:
    before, _, optional = SHIPPED.toml.partition("#\n")
    policy = parse(before + optional.replace("# ", "").replace("#", ""))
    assert (policy.headers_max_age, [required.kind for required in policy.attestations]) == (
        DAY,
        ["restore-drill", "penetration-test-closed"],
    )


@pytest.mark.parametrize("policy", [SHIPPED, parse(STRICT.replace("required = true", "required = false"))])
def test_the_gate_says_what_it_was_not_asked_to_look_at(policy: GatePolicy) -> None:
    no_attestation = () if policy.attestations else ("no attestation is required by this gate",)
    assert judge({}, policy=policy).notes == (*no_attestation, "headers are not verified: not configured")


def test_headers_that_are_verified_without_being_asked_for_are_not_said_to_be_left_out() -> None:
    judgement = judge({}, [*ALL_LOOKED, LatestScan("headers", "complete", NOW - HOUR)])
    assert judgement.notes == ("no attestation is required by this gate",)
    assert result(judgement, "headers has looked").verdict is Verdict.PASS


def test_all_that_is_configured_and_there_passes() -> None:
    judgement = judge({}, [*ALL_LOOKED, VERIFIED], [DRILLED, TESTED], parse(STRICT))
    assert (judgement.verdict, judgement.notes) == (Verdict.PASS, ())
    assert [rule.name for rule in judgement.rules if "looked" not in rule.name] == [
        "few secrets",
        "no high",
        "headers verified",
        "restore-drill attested",
        "penetration-test-closed attested",
    ]
    assert "headers has looked" not in {rule.name for rule in judgement.rules}


@pytest.mark.parametrize(
    ("scans", "reason"),
    [
        ([], "no scan of it was ever recorded"),
        ([LatestScan("headers", "complete", NOW - 8 * DAY)], "the last scan ended 8 d ago, more than the 7 d allowed"),
        (
            [VERIFIED, LatestScan("headers", "failed", NOW, ("https://example.org: no answer.",))],
            "the last scan was failed: https://example.org: no answer",
        ),
    ],
)
def test_headers_that_were_not_verified_make_the_gate_unknown(scans: Sequence[LatestScan], reason: str) -> None:
    judgement = judge({}, [*ALL_LOOKED, *scans], [DRILLED, TESTED], parse(STRICT))
    assert judgement.verdict is Verdict.UNKNOWN
    assert result(judgement, "headers verified") == RuleResult("headers verified", Verdict.UNKNOWN, 1, 0, (), reason)


TOLD = "by ada at 2027-01-05T08:00:00Z"


@pytest.mark.parametrize(
    ("attestations", "verdict", "reason"),
    [
        ([DRILLED], Verdict.PASS, f"{TOLD}, valid until 2027-02-04T08:00:00Z"),
        ([replace(DRILLED, until=NOW + DAY)], Verdict.PASS, f"{TOLD}, valid until 2027-01-16T08:00:00Z"),
        ([replace(DRILLED, until=NOW + 90 * DAY)], Verdict.PASS, f"{TOLD}, valid until 2027-02-04T08:00:00Z"),
        ([], Verdict.UNKNOWN, "no restore-drill was ever attested"),
        ([replace(DRILLED, until=NOW - 3 * DAY)], Verdict.UNKNOWN, f"the last one, {TOLD}, ended 3 d ago"),
        ([replace(DRILLED, until=NOW)], Verdict.UNKNOWN, f"the last one, {TOLD}, ended 0 s ago"),
        (
            [replace(DRILLED, at=NOW - 33 * DAY)],
            Verdict.UNKNOWN,
            "the last one, by ada at 2026-12-13T08:00:00Z, ended 3 d ago",
        ),
        (
            [replace(DRILLED, at=NOW + 10 * MINUTE)],
            Verdict.UNKNOWN,
            "the last one, by ada at 2027-01-15T08:10:00Z, is of the future: a clock is wrong",
        ),
    ],
)
def test_an_attestation_counts_from_its_instant_until_the_earlier_of_both_ends(
    attestations: Sequence[Attested], verdict: Verdict, reason: str
) -> None:
    judgement = judge({}, [*ALL_LOOKED, VERIFIED], [*attestations, TESTED], parse(STRICT))
    assert judgement.verdict is verdict
    count = 0 if verdict is Verdict.PASS else 1
    assert result(judgement, "restore-drill attested") == RuleResult(
        "restore-drill attested", verdict, count, 0, (), reason
    )


def test_of_several_attestations_that_of_the_latest_instant_speaks() -> None:
    withdrawn = replace(DRILLED, seq=9, at=NOW - 9 * DAY, until=NOW - 8 * DAY)
    later_told = replace(DRILLED, seq=10, by="grace")
    for attestations in ([DRILLED, withdrawn, later_told], [later_told, withdrawn, DRILLED]):
        judgement = judge({}, [*ALL_LOOKED, VERIFIED], [*attestations, TESTED], parse(STRICT))
        assert result(judgement, "restore-drill attested").verdict is Verdict.UNKNOWN
    judgement = judge({}, [*ALL_LOOKED, VERIFIED], [later_told, DRILLED, TESTED], parse(STRICT))
    assert result(judgement, "restore-drill attested").reason.startswith("by grace")


def test_the_order_in_which_facts_are_told_changes_nothing() -> None:
    found = {"is:open category:secret": ["b", "a"], "severity:high,unknown": ["d", "c"]}
    scans = [LatestScan("bandit", "failed", NOW, ("b",)), LatestScan("bandit", "partial", NOW, ("a",)), VERIFIED]
    backwards = {query: ids[::-1] for query, ids in found.items()}
    one, other = (
        judge(found, scans, [DRILLED, TESTED], parse(STRICT)),
        judge(backwards, scans[::-1], [TESTED, DRILLED], parse(STRICT)),
    )
    assert one == other


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
        parse(f'name = "ours"\n{rules}\n[scans]\n{scans}')
    assert caught.value.message == message
