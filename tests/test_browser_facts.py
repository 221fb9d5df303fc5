"""How Chromium 156 reads policies where specifications and habit would say otherwise: each line was measured.

The page is https://victim.test:9443/, the attacker https://evil.test:8443/s/evil.js; who frames it is at
https://attacker.test:8443.
"""

from dataclasses import asdict

import pytest

from fixby.headers.allows import allows
from fixby.headers.csp import Delivery, policies
from fixby.headers.source_match import place
from tests.test_csp import PAGE, sent

SOURCES = {
    "https://evil.test:8443": True,
    "HTTPS://EVIL.test:8443": True,
    "https://evil.test:08443": True,
    "https://evil.test:*/s/": True,
    "https://evil.test:8443/s/evil%2ejs": True,
    "https://evil.test:8443/s%2Fevil.js": True,
    "https://evil.test:8443/%73/evil.js?x": True,
    "http://evil.test:*": True,
    "*.test:8443": True,
    "http:": True,
    "*:8443": True,
    "http://evil.test:8443": False,
    "https://evil.test:8443/s": False,
    "https://evil.test:8443/s/EVIL.js": False,
    "https://evil.test.:8443": False,
    "https://evil.test:": False,
    "https://evil.test": False,
    "*.evil.test:8443": False,
    "*.test": False,
    "//evil.test:8443": False,
    "https://": False,
    "https": False,
    "ws:": False,
    "wss:": False,
    "wss://evil.test:8443": False,
    "data:": False,
}


@pytest.mark.parametrize(("source", "loads"), SOURCES.items(), ids=SOURCES)
def test_a_source_lets_an_attackers_script_load(source: str, *, loads: bool) -> None:
    assert allows(policies([f"script-src {source}"]), PAGE).evil_script is loads
    framing = source.replace("evil.test", "attacker.test").replace("EVIL.test", "ATTACKER.test")
    if "/s" not in source and "%" not in source:
        assert allows(policies([f"frame-ancestors {framing}"]), PAGE).framed_by_other_origin is loads


INLINE = {
    "'sha256-abcd'": False,
    "'sha256-abc'": False,
    "'sha256-abc='": False,
    "'sha256-ab='": False,
    "'SHA512-ab=='": False,
    "'sha-256-abcd'": False,
    "'ed25519-abcd'": False,
    "'sha256-ab_-'": False,
    "'nonce-a'": False,
    "'nonce-a='": False,
    "'NONCE-a-b_c'": False,
    "'sha256-a'": True,
    "'sha256-abcde'": True,
    "'sha256-abc=='": True,
    "'sha256-abcd='": True,
    "'sha256-'": True,
    "'sha1-abcd'": True,
    "'sha256-a$'": True,
    "'nonce-'": True,
    "'nonce-a==='": True,
    "'nonce-{{nonce}}'": True,
    "nonce-abcd": True,
}


@pytest.mark.parametrize(("beside", "runs"), INLINE.items(), ids=INLINE)
def test_what_is_no_nonce_or_hash_leaves_unsafe_inline_in_force(beside: str, *, runs: bool) -> None:
    allowed = allows(policies([f"default-src 'unsafe-inline' {beside}"]), PAGE)
    assert (allowed.inline_script, allowed.inline_handler, allowed.inline_style) == (runs, runs, runs)


POLICIES: dict[tuple[str, ...], set[str]] = {
    ("script-src 'none'\x01",): {"inline_script", "evil_script", "eval"},
    ("script-src 'none'\v",): {"inline_script", "evil_script", "eval"},
    ("script-src 'none'\x7f",): {"inline_script", "evil_script", "eval"},
    ("script-src\f'none'",): set(),
    ("script-src 'none'; \x01",): set(),
    ("default-src 'unsafe-inline'; script-src \u00e9; script-src 'none'",): {"inline_script"},
    ("script-src \u00e9; script-src 'none'",): {"inline_script", "evil_script", "eval"},
    ("script-src 'unsafe-inline' 'strict-dynamic'",): set(),
    ("script-src-attr 'unsafe-inline' 'nonce-abc'; script-src 'none'",): set(),
    ("require-trusted-types-for 'script'; script-src * 'unsafe-eval'",): {"evil_script"},
    ("require-trusted-types-for 'script'; script-src 'trusted-types-eval'",): {"eval"},
    ("require-trusted-types-for 'script'; script-src 'trusted-types-eval'", "script-src 'self'"): {"eval"},
    ("script-src 'self' 'trusted-types-eval'",): set(),
    ("require-trusted-types-for script",): {"inline_script", "evil_script", "eval"},
    ("sandbox 'allow-scripts'",): set(),
    ("sandbox ALLOW-SCRIPTS",): {"inline_script", "evil_script", "eval"},
    ("sandbox; sandbox allow-scripts",): set(),
}


@pytest.mark.parametrize(("values", "runs"), POLICIES.items(), ids=map(repr, POLICIES))
def test_policies_let_script_run(values: tuple[str, ...], runs: set[str]) -> None:
    allowed = asdict(allows(policies([sent(value) if value.isprintable() else value for value in values]), PAGE))
    assert {name for name in ("inline_script", "evil_script", "eval") if allowed[name]} == runs


@pytest.mark.parametrize("directive", ["worker-src", "child-src", "script-src", "default-src"])
def test_strict_dynamic_lets_workers_start_wherever_it_stands(directive: str) -> None:
    assert allows(policies([f"{directive} 'strict-dynamic'"]), PAGE).blob_worker
    assert not allows(policies([f"{directive} *"]), PAGE).blob_worker


def test_strict_dynamic_voids_inline_styles_only_where_default_src_decides() -> None:
    assert not allows(policies(["default-src 'unsafe-inline' 'strict-dynamic'"]), PAGE).inline_style
    assert allows(policies(["style-src 'unsafe-inline' 'strict-dynamic'"]), PAGE).inline_style


def test_a_path_is_compared_with_that_of_the_pages_own_script() -> None:
    assert allows(policies(["script-src https://victim.test:9443/s/"]), PAGE).self_script
    assert not allows(policies(["script-src https://victim.test:9443/x/"]), PAGE).self_script


def test_on_a_page_under_http_all_are_asked_for_under_http() -> None:
    page = place("http://victim.test:9080/")
    assert allows(policies(["script-src evil.test:8443"]), page).evil_script
    assert not allows(policies(["script-src https:"]), page).evil_script
    assert not allows(policies(["frame-ancestors https:"]), page).framed_by_other_origin


def test_a_policy_in_the_source_is_obeyed_but_for_framing_and_sandbox() -> None:
    value = "frame-ancestors 'none'; sandbox; script-src 'none'"
    allowed = allows(policies([value], delivery=Delivery.META), PAGE)
    assert allowed.framed_by_other_origin
    assert not allowed.inline_script


FRAME_OPTIONS = {
    ("DENY",): "nobody",
    ("\tdeny",): "nobody",
    ("DENY", "SAMEORIGIN"): "nobody",
    ("DENY,",): "nobody",
    ("x, SAMEORIGIN",): "nobody",
    ("ALLOWALL, x",): "nobody",
    ('"", DENY',): "nobody",
    ("SAMEORIGIN",): "its origin",
    ("SAMEORIGIN", "sameorigin"): "its origin",
    ("SAMEORIGIN\v",): "its origin",
    ("SAMEORIGIN\f",): "its origin",
    ("",): "anybody",
    ("x, y",): "anybody",
    ("ALLOWALL",): "anybody",
    ("ALLOWALL, ALLOWALL",): "anybody",
    ("ALLOW-FROM https://victim.test:9443",): "anybody",
    ('"DENY"',): "anybody",
    ('"DENY, DENY"',): "anybody",
    ('a", DENY',): "anybody",
    ("DENY;",): "anybody",
    ("DENY\xa0",): "anybody",
}


@pytest.mark.parametrize(("lines", "who"), FRAME_OPTIONS.items(), ids=map(repr, FRAME_OPTIONS))
def test_frame_options_let_frame(lines: tuple[str, ...], who: str) -> None:
    allowed = allows([], PAGE, lines)
    told = {(False, False): "nobody", (False, True): "its origin", (True, True): "anybody"}
    assert told[allowed.framed_by_other_origin, allowed.framed_by_same_origin] == who
    assert allows(policies(["frame-ancestors *"]), PAGE, lines).framed_by_other_origin
