"""Strict-Transport-Security, held against what browsers honour, and what the preload list takes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixby.headers.hsts import Effect, Void, read
from tests.test_csp import cases

HOST = "example.org"
TWICE = "hsts-6d0396cf16"
GOOD = "max-age=31536000; includeSubDomains; preload"


@cases("hsts_cases_open.json")
def test_a_header_means_what_browsers_make_of_it(case: dict[str, Any]) -> None:
    found = read(case["headers"], case["host"], over_https=case["scheme"] == "https", trusted=case["cert_valid"])
    wanted = case["expected"]
    assert (found.reason is None, found.reason, found.effect) == (
        wanted["honoured"],
        wanted["reason"],
        wanted["effect"],
    )
    if found.reason is None:
        assert (found.max_age, found.include_subdomains, found.preload, list(found.unknown)) == (
            wanted["max_age"],
            wanted["include_subdomains"],
            wanted["preload"],
            wanted["unknown"],
        )


@cases("hsts_cases_open.json")
def test_a_header_is_fit_for_the_preload_list_if_it_is_honoured_and_the_list_takes_it(case: dict[str, Any]) -> None:
    if case.get("preload_eligible_recommended") is None:
        pytest.skip("the case says nothing of the preload list")
    found = read(case["headers"], case["host"], over_https=case["scheme"] == "https", trusted=case["cert_valid"])
    assert (not found.ineligible) == case["preload_eligible_recommended"]


@cases("hsts_cases_open.json")
def test_a_host_is_upgraded_as_chromium_upgraded_it(case: dict[str, Any]) -> None:
    if case["scheme"] != "https" or case["host"] != HOST or not case.get("chromium_real"):
        pytest.skip("Chromium was not asked")
    if case["id"] == TWICE:
        pytest.skip("Chromium takes a preload that stands twice, the specification does not")
    found = read(case["headers"], HOST)
    sets = found.effect is Effect.SETS
    subdomains = sets and found.include_subdomains
    seen = case["chromium_real"]
    assert (sets, subdomains) == (seen["host_upgraded"], seen["subdomain_upgraded"])


SPEC: dict[str, tuple[Void | None, int | None]] = {
    "max-age=1": (None, 1),
    "MAX-AGE=1": (None, 1),
    "max-age=0": (None, 0),
    "max-age=0031536000": (None, 31536000),
    'max-age="1"': (None, 1),
    'max-age="\\1"': (None, 1),
    " ; ;; max-age = 1 ;; ": (None, 1),
    "\tmax-age\t=\t1": (None, 1),
    "max-age=1;includeSubDomains": (None, 1),
    "max-age=1; x=y": (None, 1),
    'max-age=1; x="a;b"': (None, 1),
    "max-age=1; report-uri=x": (None, 1),
    "": (Void.NO_MAX_AGE, None),
    ";": (Void.NO_MAX_AGE, None),
    "includeSubDomains": (Void.NO_MAX_AGE, None),
    "max-age": (Void.NO_VALUE, None),
    "max-age=": (Void.SYNTAX, None),
    'max-age=""': (Void.NO_DIGITS, None),
    "max-age=-1": (Void.NO_DIGITS, None),
    "max-age=+1": (Void.NO_DIGITS, None),
    "max-age=1.5": (Void.NO_DIGITS, None),
    "max-age=1e3": (Void.NO_DIGITS, None),
    "max-age=0x10": (Void.NO_DIGITS, None),
    "max-age=1_000": (Void.NO_DIGITS, None),
    "max-age='1'": (Void.NO_DIGITS, None),
    "max-age=1, includeSubDomains": (Void.SYNTAX, None),
    "max-age=1 includeSubDomains": (Void.SYNTAX, None),
    "max-age:1": (Void.SYNTAX, None),
    'max-age="1': (Void.SYNTAX, None),
    "max-age=1; max-age=1": (Void.DUPLICATE, None),
    "max-age=1; x; X=1": (Void.DUPLICATE, None),
    "max-age=1; includeSubDomains=true": (Void.VALUE_NOT_ALLOWED, None),
    'max-age=1; includeSubDomains=""': (Void.VALUE_NOT_ALLOWED, None),
    "max-age=1\x0b": (Void.CONTROL_CHARACTER, None),
    "max-age=1\xa0": (Void.SYNTAX, None),
    "max-age=\xb2": (Void.SYNTAX, None),
    "Strict-Transport-Security: max-age=1": (Void.SYNTAX, None),
}


@pytest.mark.parametrize(("value", "wanted"), SPEC.items(), ids=map(repr, SPEC))
def test_the_grammar_is_that_of_the_specification(value: str, wanted: tuple[Void | None, int | None]) -> None:
    found = read([value], HOST)
    assert (found.reason, found.max_age) == wanted


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]", "2001:db8::1"])
def test_an_address_is_no_host_that_a_policy_is_kept_for(host: str) -> None:
    assert read([GOOD], host).reason is Void.IP_ADDRESS


def test_what_did_not_come_over_tls_that_proves_the_host_sets_nothing() -> None:
    assert read([GOOD], HOST, over_https=False).reason is Void.NOT_HTTPS
    assert read([GOOD], HOST, trusted=False).reason is Void.BAD_CERTIFICATE
    assert read([], HOST).reason is Void.ABSENT


directives = st.lists(
    st.sampled_from(
        ["max-age=31536000", "max-age=0", "includeSubDomains", "preload", "x", 'y="a;b"', "z = 1", "", "max-age"]
    ),
    max_size=5,
)


@given(directives, st.data())
def test_the_order_of_directives_never_matters(some: list[str], data: st.DataObject) -> None:
    other = data.draw(st.permutations(some))
    one, two = read(["; ".join(some)], HOST), read([";".join(other)], HOST)
    assert (one.reason, one.max_age, one.include_subdomains, one.preload, set(one.unknown), one.ineligible) == (
        *(two.reason, two.max_age, two.include_subdomains, two.preload, set(two.unknown), two.ineligible),
    )


@given(directives, st.from_regex(r"q[a-z]{0,8}(=([0-9a-z]{1,5}|\"[^\"\\\x00-\x1f\x7f-\xff]{0,5}\"))?", fullmatch=True))
def test_a_directive_that_nobody_knows_changes_no_verdict(some: list[str], unknown: str) -> None:
    one, two = read(["; ".join(some)], HOST), read(["; ".join([*some, unknown])], HOST)
    assert (one.reason, one.effect, one.include_subdomains, one.ineligible) == (
        *(two.reason, two.effect, two.include_subdomains, two.ineligible),
    )


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=40), min_size=1, max_size=3))
def test_only_the_first_line_counts(lines: list[str]) -> None:
    first, all_ = read(lines[:1], HOST), read(lines, HOST)
    assert (first.reason, first.effect, first.max_age) == (all_.reason, all_.effect, all_.max_age)
    assert len(lines) == 1 or all_.ineligible


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert read([text], HOST).effect in Effect
