"""Policies explained, and stricter ones suggested."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixby.headers.allows import Allows, allows
from fixby.headers.check import Evidence
from fixby.headers.csp import policies
from fixby.headers.csp_checks import Policies, failures
from fixby.headers.explanation import Rule, Threat, explained
from fixby.headers.source_match import place
from fixby.headers.suggestion import NONCE, suggested
from tests.command import called
from tests.responses import ESCAPES
from tests.test_csp import cases, sent

PAGE = place("https://example.org/")
BASE = "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
BY_NONCE = f"script-src {NONCE} 'strict-dynamic' 'unsafe-inline' https:"


def rules(*values: str) -> dict[str, Rule]:
    return {rule.directive: rule for rule in explained(policies(values), PAGE).rules}


def threats(*values: str) -> dict[str, Threat]:
    return {threat.name: threat for threat in explained(policies(values), PAGE).threats}


def test_a_directive_that_is_absent_is_decided_by_what_it_falls_back_to() -> None:
    found = rules("default-src 'self'; img-src *")
    assert (found["font-src"].said, found["font-src"].deciding[0].by) == ("'self'", "default-src")
    assert (found["img-src"].said, found["base-uri"].said) == ("*", "anything")


def test_several_policies_must_all_allow() -> None:
    assert rules("img-src a.com b.com", "img-src b.com")["img-src"].said == "a.com b.com, and of those only b.com"
    assert rules("img-src a.com", "default-src 'none'")["img-src"].said == "nothing"


def test_what_browsers_pass_over_is_left_out() -> None:
    found = rules("script-src 'nonce-YWJj' 'strict-dynamic' 'self' https: 'unsafe-inline'; img-src 'none' a.com")
    assert found["script-src"].said == "'nonce-YWJj' 'strict-dynamic'"
    assert found["script-src"].deciding[0].void == ("'self'", "https:", "'unsafe-inline'")
    assert found["img-src"].said == "a.com"


def test_each_threat_names_the_directive_that_stops_it() -> None:
    found = threats("default-src 'self'; object-src *")
    assert (found["inline_script"].possible, found["inline_script"].directive) == (False, "default-src")
    assert (found["plugins"].possible, found["plugins"].directive) == (True, "object-src 'none'")
    assert (found["forms"].possible, found["base_evil"].possible) == (True, True)


def test_a_sandbox_without_scripts_is_what_stops_them() -> None:
    assert threats("sandbox")["inline_script"].directive == "sandbox"


def test_a_threat_is_what_a_browser_lets_happen() -> None:
    allowed = allows(policies(["script-src 'unsafe-inline' data:"]), PAGE)
    found = threats("script-src 'unsafe-inline' data:")
    shared = {name: getattr(allowed, name) for name in Allows.__slots__ if name in found}
    assert len(shared) == 12
    assert {name: found[name].possible for name in shared} == shared


@pytest.mark.parametrize(
    ("policy", "better"),
    [
        ("", f"{BY_NONCE}; object-src 'none'; {BASE}"),
        ("default-src 'self'", f"default-src 'self'; {BASE}"),
        ("script-src 'self' 'unsafe-inline'", f"{BY_NONCE}; object-src 'none'; {BASE}"),
        ("default-src *; img-src a.com", f"default-src *; img-src a.com; {BY_NONCE}; object-src 'none'; {BASE}"),
        ("default-src \u2018self\u2019", f"default-src 'self'; {BASE}"),
        ("default-src \u00e2\u0080\u0098self\u00e2\u0080\u0099", f"default-src 'self'; {BASE}"),
        ("default-src self", f"default-src 'self'; {BASE}"),
        ('default-src "self"', f"default-src 'self'; {BASE}"),
        ("defualt-src 'self'", f"default-src 'self'; {BASE}"),
        ("default-src 'sefl'", f"default-src 'self'; {BASE}"),
        ("default-src: 'self'", f"default-src 'self'; {BASE}"),
        ("default-src 'self' img-src a.com", f"default-src 'self'; img-src a.com; {BASE}"),
        ("default-src 'self', https://a.com", f"default-src 'self' https://a.com; {BASE}"),
        ("default-src 'none' https://a.com", f"default-src https://a.com; {BASE}"),
        ("default-src 'self'; default-src *", f"default-src 'self'; {BASE}"),
        ("default-src 'self'; block-all-mixed-content", f"default-src 'self'; {BASE}"),
        ("default-src 'self'; img-src http://a.com", f"default-src 'self'; img-src https://a.com; {BASE}"),
        ("default-src 'self'; base-uri *", f"default-src 'self'; {BASE}"),
        ("default-src 'self'; frame-ancestors https:", f"default-src 'self'; {BASE}"),
        (f"default-src 'nonce-<?= $n ?>'; {BASE}", f"default-src {NONCE}; {BASE}"),
        (f"default-src 'self'; script-src-elem *; {BASE}", f"default-src 'self'; {BASE}; {BY_NONCE}"),
        (
            f"default-src 'self'; script-src 'unsafe-inline' 'unsafe-eval'; {BASE}",
            f"default-src 'self'; script-src {NONCE} 'strict-dynamic' 'unsafe-eval' 'unsafe-inline' https:; {BASE}",
        ),
    ],
)
def test_a_policy_is_mended_and_made_strict(policy: str, better: str) -> None:
    (found,) = suggested([policy], PAGE).policies
    assert sorted(found.split("; ")) == sorted(better.split("; "))


def test_each_change_is_told_once() -> None:
    found = suggested(["default-src self self; img-src self; frame-ancestors *"], PAGE).changes
    assert found[0] == "self is written 'self'."
    assert len(found) == len(set(found)) == 4


def test_a_second_policy_is_mended_and_not_made_strict() -> None:
    assert suggested(["default-src 'self'", "img-src self"], PAGE).policies[1] == "img-src 'self'"


def test_a_strict_policy_stays_as_it_is() -> None:
    strict = f"default-src 'none'; img-src 'self'; {BASE}"
    found = suggested([strict], PAGE)
    assert (found.policies, found.changes, found.needs_nonce) == ((strict,), (), False)


def holds(values: list[str]) -> None:
    """A suggestion allows no script that the policies do not, has no serious failure, and is not improved again."""
    better = suggested(values, PAGE)
    now = policies([policy.replace("{RANDOM}", "A" * 22) for policy in better.policies])
    assert not allows(now, PAGE).foreign_script
    wrong = failures(Policies(PAGE, [(policy, Evidence("", "")) for policy in now]))
    ids = {check.id for check in wrong if check.severity.rank > 1}
    assert ids <= {"CSP-EVAL", "CSP-OBJECT", "CSP-REPORT-ENDPOINT-UNDEFINED", "CSP-ALLOWLIST-BYPASS"}
    again = suggested(better.policies, PAGE)
    assert again.policies == better.policies


@cases("csp_cases_open.json")
def test_what_is_suggested_stops_injected_script(case: dict[str, list[str]]) -> None:
    holds([sent(value) for value in case["policies"]] if "policies" in case else [])


_WORDS = st.sampled_from(
    [
        *("default-src", "script-src", "scirpt-src", "object-src", "base-uri", "frame-ancestors", "sandbox", "img-src"),
        *("script-src-elem", "script-src-attr", "report-to", "trusted-types", "'self'", "self", "'none'", "*", "data:"),
        *("https:", "http://a.com", "'unsafe-inline'", "unsafe-eval", "'nonce-YWJj'", "nonce-", "'sha256-YWJj'", ";"),
        *(";", ";", ",", "'strict-dynamic'", "\u2018self\u2019", "://", "'", "{RANDOM}", "https://accounts.google.com"),
    ]
)


@settings(deadline=None)
@given(st.lists(st.lists(_WORDS, max_size=12).map(" ".join), max_size=3))
def test_whatever_is_written_what_is_suggested_stops_injected_script(values: list[str]) -> None:
    holds(values)


def test_the_workbench_needs_no_site(tmp_path: Path) -> None:
    ended = called(
        "headers", "csp", "Content-Security-Policy: script-src 'unsafe-inline'", "img-src self", cwd=tmp_path
    )
    assert ended.code == 0
    assert "CSP-SCRIPT-INLINE" in ended.out
    assert "In img-src, self is taken for a host" in ended.out
    assert f"Content-Security-Policy: {BY_NONCE}; object-src 'none'; {BASE}" in ended.out
    assert "Content-Security-Policy: img-src 'self'" in ended.out
    assert "WHAT AN ATTACKER COULD DO" in ended.out


def test_the_workbench_wants_a_policy(tmp_path: Path) -> None:
    ended = called("headers", "csp", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("fixby: There is no policy to evaluate.")


def test_the_workbench_prints_no_control_characters(tmp_path: Path) -> None:
    ended = called("headers", "csp", f"default-src 'self' {ESCAPES}; x{ESCAPES}y z", "img-src a,\u202e", cwd=tmp_path)
    assert ended.code == 0
    assert not set(ended.out) & set(ESCAPES) - set("]0;owned[31m")
