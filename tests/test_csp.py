"""Content Security Policies, held against a browser and against csp_evaluator."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixby.headers.allows import allows
from fixby.headers.check import Check
from fixby.headers.csp import Delivery, Flaw, Policy, policies
from fixby.headers.judge import Look, judge
from fixby.headers.response import Answer, Field, Visit
from fixby.headers.source_match import place
from fixby.severity import Severity

HEADERS = Path(__file__).parents[2] / "shared" / "headers"
PAGE = place("https://victim.test:9443/")


def known(name: str) -> list[dict[str, Any]]:
    """The reference cases of a file; where there are none the tests of them are skipped."""
    file = HEADERS / name
    return json.loads(file.read_text(encoding="utf-8"))["cases"] if file.exists() else []


def cases(name: str) -> pytest.MarkDecorator:
    some = known(name)
    none = [pytest.param(None, marks=pytest.mark.skip(reason=f"../shared/headers/{name} is not here"))]
    return pytest.mark.parametrize("case", some or none, ids=lambda case: case and case["id"])


def sent(text: str) -> str:
    """A header's value as it comes over the wire."""
    return text.encode().decode("latin-1").strip()


def policies_of(case: dict[str, Any]) -> list[Policy]:
    enforced = [sent(value) for name, value in case["headers"] if name.lower() == "content-security-policy"]
    in_source = [value for name, value in case["meta_head"] if name.lower() == "content-security-policy"]
    return [*policies(enforced), *policies(in_source, delivery=Delivery.META)]


def failures(*values: str, url: str = "https://example.org/", **others: str) -> list[Check]:
    """The failed checks of policies on a page whose headers say that, and these others."""
    fields = [Field("Content-Security-Policy", value) for value in values]
    fields += [Field(name.replace("_", "-"), value) for name, value in others.items()]
    judged = judge(Look(Visit(url, (Answer(url, 200, tuple(fields)),))), now=0)
    return [check for check in judged.failures if check.id.startswith("CSP") or check.id == "FRAMING"]


def ids(*values: str, **others: str) -> set[str]:
    return {check.id for check in failures(*values, **others)}


@cases("browser_truth_open.json")
def test_a_page_allows_what_the_browser_let_happen(case: dict[str, Any]) -> None:
    frame_options = [sent(value) for name, value in case["headers"] if name.lower() == "x-frame-options"]
    told = asdict(allows(policies_of(case), PAGE, frame_options))
    seen = {name: value for name, value in case["observed"].items() if isinstance(value, bool)}
    assert {name: told[name] for name in seen} == seen


@cases("browser_truth_open.json")
def test_no_page_passes_where_the_browser_ran_foreign_script_or_framed_it(case: dict[str, Any]) -> None:
    head, body = (
        "".join(f'<meta http-equiv="{name}" content="{value}">' for name, value in case[where])
        for where in ("meta_head", "meta_body")
    )
    fields = (Field("Content-Type", "text/html"), *(Field(name, sent(value)) for name, value in case["headers"]))
    source = f"<html><head>{head}</head><body>{body}</body></html>"
    answer = Answer("https://victim.test:9443/", 200, fields, source.encode())
    judged = judge(Look(Visit(answer.url, (answer,))), now=0)
    failed = {check.id for check in judged.failures if check.severity.rank >= Severity.MEDIUM.rank}
    if case["truth"].get("xss_possible") and case["label"] not in NAMED:
        assert failed & {"CSP-MISSING", "CSP-INERT", "CSP-REPORT-ONLY", *SCRIPT}
    elif "xss_possible" in case["truth"] and not case["truth"]["xss_possible"]:
        assert not failed & SCRIPT
    assert ("FRAMING" in failed) == case["truth"].get("clickjackable_by_other_origin", "FRAMING" in failed)


SCRIPT = {"CSP-NO-SCRIPT-SRC", "CSP-SCRIPT-INLINE", "CSP-SCRIPT-WIDE"}
NAMED = {"script-src https://evil.test:*", "multi: evil host | evil path subset", "multi: https: | evil host"}
"""Policies that name the attacker's own host: nobody can know that it is one, and the check says to look at it."""

OURS = {
    "PLAIN_URL_SCHEMES": {"CSP-SCRIPT-WIDE", "CSP-OBJECT", "CSP-BASE-URI"},
    "PLAIN_WILDCARD": {"CSP-SCRIPT-WIDE", "CSP-OBJECT", "CSP-BASE-URI"},
    "SCRIPT_UNSAFE_INLINE": {"CSP-SCRIPT-INLINE"},
    "NONCE_LENGTH": {"CSP-NONCE-SHORT"},
    "SRC_HTTP": {"CSP-HTTP-SOURCE"},
    "SCRIPT_ALLOWLIST_BYPASS": {"CSP-ALLOWLIST-BYPASS"},
    "OBJECT_ALLOWLIST_BYPASS": {"CSP-OBJECT"},
    "UNKNOWN_DIRECTIVE": {"CSP-SYNTAX"},
    "MISSING_SEMICOLON": {"CSP-SYNTAX"},
    "INVALID_KEYWORD": {"CSP-SYNTAX"},
    "MISSING_DIRECTIVES object-src": {"CSP-OBJECT"},
    "MISSING_DIRECTIVES script-src": {"CSP-NO-SCRIPT-SRC"},
    "MISSING_DIRECTIVES base-uri": {"CSP-BASE-URI"},
}

DIFFERENCES = {
    "default-src": "a directive without sources allows nothing: plug-ins are restricted",
    "default-src;": "a directive without sources allows nothing: plug-ins are restricted",
    "script-src //*; object-src 'none'": "// begins no source: Chromium 156 runs nothing; it is a mistake of writing",
    "script-src //ajax.googleapis.com; object-src 'none'": "// begins no source: Chromium 156 runs nothing",
}


@cases("csp_cases_open.json")
def test_what_csp_evaluator_finds_is_found_but_for_what_browsers_do_otherwise(case: dict[str, Any]) -> None:
    if case["deviations_from_spec_or_browser"] or not isinstance(case["findings"], list):
        pytest.skip("the specification says otherwise")
    found = ids(sent(case["csp"]))
    missed = []
    for finding in case["findings"]:
        kind = finding["type"]
        if finding["severity"] in ("HIGH", "MEDIUM", "SYNTAX"):
            wanted = OURS.get(kind) or OURS[f"{kind} {finding['directive']}"]
            missed += [] if wanted & found else [kind]
    assert bool(missed) is (case["csp"] in DIFFERENCES)


SYNTAX = {
    "default-src 'self' script-src 'self'": Flaw.MISSING_SEMICOLON,
    "default-src \u2018self\u2019": Flaw.NOT_ASCII,
    "defualt-src 'self'": Flaw.UNKNOWN_DIRECTIVE,
    "default-src: 'self'": Flaw.UNKNOWN_DIRECTIVE,
    "default-src self": Flaw.UNQUOTED_KEYWORD,
    'default-src "self"': Flaw.UNQUOTED_KEYWORD,
    "default-src 'selff'": Flaw.UNKNOWN_KEYWORD,
    "script-src 'nonce-a b'": Flaw.BAD_NONCE_OR_HASH,
    "script-src 'nonce-abc==='": Flaw.BAD_NONCE_OR_HASH,
    "script-src nonce-abcdefgh": Flaw.UNQUOTED_KEYWORD,
    "script-src 'none' 'self'": Flaw.NONE_WITH_OTHERS,
    "script-src 'self'; script-src *": Flaw.DUPLICATE_DIRECTIVE,
    "script-src 'self', https://cdn.example.org": Flaw.STRAY_COMMA,
    "script-src //cdn.example.org": Flaw.BAD_SOURCE,
}


@pytest.mark.parametrize(("text", "flaw"), SYNTAX.items(), ids=SYNTAX)
def test_what_is_written_wrongly_is_told(text: str, flaw: Flaw) -> None:
    subjects = {check.subject.split()[-1] for check in failures(sent(text)) if check.id == "CSP-SYNTAX"}
    assert flaw in subjects


STRICT = "script-src 'nonce-r4nd0mr4nd0mr4nd0mr4nd0m' 'strict-dynamic'; object-src 'none'; base-uri 'none'"


def test_a_strict_policy_leaves_nothing_of_weight() -> None:
    policy = f"{STRICT}; frame-ancestors 'none'; form-action 'self'; report-to csp"
    assert ids(policy, Reporting_Endpoints='csp="https://example.org/csp"') == set()


def test_a_weakness_counts_only_if_all_policies_have_it() -> None:
    assert "CSP-SCRIPT-INLINE" in ids("script-src 'unsafe-inline'")
    assert "CSP-SCRIPT-INLINE" not in ids("script-src 'unsafe-inline'", "script-src 'self'")
    assert "CSP-SCRIPT-WIDE" in ids("upgrade-insecure-requests", "default-src * 'unsafe-inline'")


def test_what_elements_and_handlers_may_not_run_needs_no_script_src_though_text_may_become_script() -> None:
    assert "CSP-NO-SCRIPT-SRC" in ids("script-src-elem 'self'")
    found = ids("script-src-elem 'self'; script-src-attr 'none'")
    assert "CSP-NO-SCRIPT-SRC" not in found
    assert "CSP-EVAL" in found


def test_reports_go_somewhere_only_if_the_endpoint_is_defined_under_https() -> None:
    policy = f"{STRICT}; report-uri /csp; report-to csp"
    assert "CSP-REPORT-ENDPOINT-UNDEFINED" in ids(policy)
    assert "CSP-REPORT-ENDPOINT-UNDEFINED" in ids(policy, Reporting_Endpoints='csp="http://example.org/"')
    assert "CSP-REPORT-ENDPOINT-UNDEFINED" not in ids(policy, Reporting_Endpoints='csp="/reports"')
    old = '{"group": "csp", "max_age": 86400, "endpoints": [{"url": "https://example.org/"}]}'
    assert "CSP-REPORT-ENDPOINT-UNDEFINED" not in ids(policy, Report_To=old)


def test_a_policy_that_only_reports_is_told_as_that() -> None:
    found = failures(Content_Security_Policy_Report_Only=STRICT)
    assert {check.id for check in found} >= {"CSP-REPORT-ONLY", "CSP-NO-REPORTING", "FRAMING"}
    assert "CSP-MISSING" not in {check.id for check in found}


@pytest.mark.parametrize(
    ("text", "known_hosts"),
    [
        ("script-src https://www.google.com", {"https://www.google.com"}),
        ("script-src https://www.google.com https://*.google.com", {"https://www.google.com", "https://*.google.com"}),
        ("script-src https://www.google.com https://www.google.com/nothing/", {"https://www.google.com"}),
        ("script-src https://*.cloudfront.net", {"https://*.cloudfront.net"}),
        ("script-src https://www.googletagmanager.com", set()),
        ("script-src https://www.googletagmanager.com 'unsafe-eval'", {"https://www.googletagmanager.com"}),
        ("script-src https://ajax.googleapis.com/ajax/libs/jquery/3.7.1/jquery.min.js", set()),
        ("script-src https://www.google.com 'strict-dynamic'", set()),
    ],
)
def test_hosts_that_are_known_to_serve_anything_are_told(text: str, known_hosts: set[str]) -> None:
    found = [check for check in failures(text) if check.id == "CSP-ALLOWLIST-BYPASS"]
    assert {check.subject for check in found if check.severity is Severity.HIGH} == known_hosts


texts = st.lists(
    st.sampled_from(
        [
            *("default-src 'self'", "script-src *", "script-src 'unsafe-inline'", "upgrade-insecure-requests", ""),
            *(STRICT, "frame-ancestors *", "frame-ancestors 'none'", "script-src 'self' https:", "x y", "object-src *"),
        ]
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(texts, st.data())
def test_neither_order_nor_splitting_of_headers_changes_a_verdict(some: list[str], data: st.DataObject) -> None:
    told = {(check.id, check.subject, check.severity) for check in failures(*some)}
    other = data.draw(st.permutations(some))
    assert {(check.id, check.subject, check.severity) for check in failures(*other)} == told
    assert {(check.id, check.subject, check.severity) for check in failures(", ".join(other))} == told


@given(st.binary(max_size=80))
def test_any_bytes_are_read_and_none_but_a_policy_passes_for_one(value: bytes) -> None:
    text = value.decode("latin-1")
    found = failures(text)
    if b"src" not in value.lower() and b"sandbox" not in value.lower():
        assert {check.id for check in found} & {"CSP-INERT", "CSP-NO-SCRIPT-SRC"}
