"""The headers of a page beside its policies, and answers that say nothing of the site."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixby.headers.blocked import why_blocked
from fixby.headers.cookie_checks import PROBE_ORIGIN
from fixby.headers.expectations import Expectations
from fixby.headers.judge import Judged, Look, judge
from fixby.headers.response import Answer, Field, Visit
from fixby.severity import Severity

URL = "https://example.org/"


def judged(
    *fields: tuple[str, str], body: str = "", status: int = 200, again: Answer | None = None, url: str = URL
) -> Judged:
    visit = Visit(url, (answer(*fields, body=body, status=status, url=url),))
    return judge(Look(visit, again=Visit(url, (again,)) if again else None), now=0)


def answer(*fields: tuple[str, str], body: str = "", status: int = 200, url: str = URL) -> Answer:
    return Answer(url, status, tuple(Field(name, value) for name, value in fields), body.encode())


def severity(found: Judged, id_: str) -> Severity | None:
    return next((check.severity for check in found.failures if check.id == id_), None)


VALUES: dict[tuple[str, str], tuple[tuple[list[str], bool], ...]] = {
    ("XCTO", "X-Content-Type-Options"): (
        *((["nosniff"], True), (["NoSniff"], True), (["nosniff, nosniff"], True), (["nosniff", "x"], True)),
        *(([], False), ([""], False), (["x, nosniff"], False), (['"nosniff"'], False), (["nosniff;"], False)),
    ),
    ("CORP", "Cross-Origin-Resource-Policy"): (
        *((["same-origin"], True), (["same-site"], True), (["cross-origin"], True)),
        *(([], False), (["Same-Origin"], False), (["same-origin, same-origin"], False), (["same-origin"] * 2, False)),
    ),
    ("COOP", "Cross-Origin-Opener-Policy"): (
        *((["same-origin"], True), (["same-origin-allow-popups"], True), (["noopener-allow-popups"], True)),
        *((['same-origin; report-to="x"'], True), (["same-origin;report-to=x"], True), ([" same-origin "], True)),
        *(([], False), (["unsafe-none"], False), (["Same-Origin"], False), (['"same-origin"'], False)),
        *((["same-origin, same-origin"], False), (["same-origin", "same-origin"], False), (["same-origin x"], False)),
    ),
    ("COEP", "Cross-Origin-Embedder-Policy"): (
        *((["require-corp"], True), (["credentialless"], True), (['require-corp; report-to="x"'], True)),
        *(([], False), (["unsafe-none"], False), (["REQUIRE-CORP"], False), (["require-corp", "unsafe-none"], False)),
    ),
    ("REFERRER-POLICY", "Referrer-Policy"): (
        *(
            (["no-referrer"], True),
            (["SAME-ORIGIN"], True),
            (["bogus, strict-origin"], True),
            (["unsafe-url", "no-referrer"], True),
        ),
        *((["strict-origin-when-cross-origin, bogus"], True), (["no-referrer,"], True)),
        *(([], False), ([""], False), (["bogus"], False), (["never"], False), (["no-referrer, unsafe-url"], False)),
        *((["no-referrer; x"], False), (["origin"], False), (["no-referrer-when-downgrade"], False)),
    ),
    ("FRAMING", "X-Frame-Options"): (
        *((["DENY"], True), (["sameorigin"], True), (["DENY", "SAMEORIGIN"], True), (["SAMEORIGIN, SAMEORIGIN"], True)),
        *(([], False), (["ALLOW-FROM https://x.example"], False), (["DENY;"], False), (["ALLOWALL"], False)),
    ),
}
CASES = [(id_, name, lines, passes) for (id_, name), some in VALUES.items() for lines, passes in some]


@pytest.mark.parametrize(("id_", "name", "lines", "passes"), CASES, ids=lambda value: str(value)[:50])
def test_a_header_passes_as_browsers_obey_it(id_: str, name: str, lines: list[str], *, passes: bool) -> None:
    found = judged(*((name, line) for line in lines))
    assert (severity(found, id_) is None) is passes
    assert any(check.id == id_ for check in found.checks)


def test_a_referrer_policy_may_be_in_the_source_and_counts_for_more() -> None:
    source = '<meta name="Referrer" content="no-referrer">'
    assert severity(judged(("Referrer-Policy", "unsafe-url"), body=source), "REFERRER-POLICY") is None


def test_who_may_frame_is_said_by_a_policy_before_any_other_header() -> None:
    frame, policy = ("X-Frame-Options", "DENY"), "Content-Security-Policy"
    assert severity(judged(frame, (policy, "frame-ancestors *")), "FRAMING")
    assert severity(judged((policy, "frame-ancestors 'none'")), "FRAMING") is None
    assert severity(judged((f"{policy}-Report-Only", "frame-ancestors 'none'")), "FRAMING")
    assert severity(judged(body=f"<meta http-equiv={policy} content=\"frame-ancestors 'none'\">"), "FRAMING")


SCRIPTS = {
    '<script src="https://cdn.example/x.js">': Severity.MEDIUM,
    '<script src="//cdn.example/x.js" integrity="md5-abc">': Severity.MEDIUM,
    '<script src="https://cdn.example/x.js" integrity="">': Severity.MEDIUM,
    '<script src="https://cdn.example/x.js" integrity="bogus sha384-abc=">': None,
    '<script src="https://cdn.example/x.js" integrity="sha384-abc=?x">': None,
    '<script src="http://cdn.example/x.js">': Severity.HIGH,
    '<link rel="preload stylesheet" href="https://cdn.example/x.css">': Severity.MEDIUM,
    '<link rel="icon" href="https://cdn.example/x.ico">': None,
    '<script src="/x.js">': None,
    '<script src="https://static.example.org/x.js">': None,
    '<script src="data:text/javascript,1">': None,
    "<script src='https://['>": None,
    "<!-- <script src='https://cdn.example/x.js'> -->": None,
}


@pytest.mark.parametrize(("source", "wanted"), SCRIPTS.items(), ids=SCRIPTS)
def test_what_other_sites_serve_needs_an_integrity(source: str, wanted: Severity | None) -> None:
    assert severity(judged(("Content-Type", "text/html"), body=source), "SRI-EXTERNAL") is wanted


VERSIONS = {
    ("Server", "nginx/1.22.1"): True,
    ("server", "Apache/2"): True,
    ("X-Powered-By", "PHP/8.1"): True,
    ("X-AspNet-Version", "4.0.30319"): True,
    ("Server", "nginx"): False,
    ("Server", "cloudflare"): False,
    ("X-Request-Id", "1.2.3"): False,
    ("Server", "9" * 65_000): False,
}


@pytest.mark.parametrize(("field", "told"), VERSIONS.items(), ids=lambda value: str(value)[:40])
def test_a_version_is_told(field: tuple[str, str], *, told: bool) -> None:
    assert (severity(judged(field), "DISCLOSURE") is not None) is told


ORIGIN, CREDENTIALS = "Access-Control-Allow-Origin", ("Access-Control-Allow-Credentials", "true")


def test_whoever_may_read_answers_with_credentials_is_told() -> None:
    reflected = answer((ORIGIN, PROBE_ORIGIN), CREDENTIALS)
    assert severity(judged(again=reflected), "CORS-REFLECT-CRED") is Severity.CRITICAL
    assert severity(judged((ORIGIN, "null"), CREDENTIALS), "CORS-NULL-CRED") is Severity.CRITICAL
    for harmless in (
        *(
            answer((ORIGIN, PROBE_ORIGIN)),
            answer((ORIGIN, "*"), CREDENTIALS),
            answer((ORIGIN, "https://a.example"), CREDENTIALS),
        ),
        *(
            answer((ORIGIN, PROBE_ORIGIN), (CREDENTIALS[0], "TRUE")),
            answer((ORIGIN, PROBE_ORIGIN), (ORIGIN, "*"), CREDENTIALS),
        ),
    ):
        assert not [check for check in judged(again=harmless).failures if check.id.startswith("CORS")]


def test_a_path_with_credentials_owes_more() -> None:
    look = Look(Visit(URL, (answer((ORIGIN, "*"), ("Cache-Control", "private, max-age=0")),)))
    told = {check.id for check in judge(look, 0, Expectations(authenticated=True)).failures}
    assert {"CACHE-AUTH", "CORS-WILDCARD"} <= told
    assert not {"CACHE-AUTH", "CORS-WILDCARD"} & {check.id for check in judge(look, 0).failures}
    careful = Look(Visit(URL, (answer(("Cache-Control", "private, No-Store")),)))
    assert "CACHE-AUTH" not in {check.id for check in judge(careful, 0, Expectations(authenticated=True)).failures}


def test_data_is_not_judged_as_a_page() -> None:
    found = judged(("Content-Type", "application/json"), body='{"a": 1}')
    assert not {"CSP-MISSING", "FRAMING", "COOP", "REFERRER-POLICY"} & {check.id for check in found.checks}
    assert severity(found, "XCTO")


BLOCKED = [
    *(answer(status=status) for status in (403, 429, 500, 502, 503, 521)),
    answer(("cf-mitigated", "challenge"), status=403),
    answer(("x-amzn-waf-action", "challenge"), status=202),
    answer(body="<script src=/cdn-cgi/challenge-platform/x>", status=401),
    answer(("X-DataDome", "protected"), status=405),
]


@pytest.mark.parametrize("given_answer", BLOCKED, ids=lambda one: f"{one.status} {one.fields}")
def test_of_an_answer_that_is_not_the_sites_own_nothing_is_concluded(given_answer: Answer) -> None:
    assert why_blocked(given_answer)
    found = judge(Look(Visit(URL, (given_answer,))), now=0)
    assert found.reasons
    assert not found.page
    assert {check.id for check in found.checks if "HSTS" in check.id or "CSP" in check.id} == set()


def test_a_page_that_speaks_of_challenges_and_one_that_is_missing_are_the_sites_own() -> None:
    for own in (
        answer(body="/cdn-cgi/challenge-platform/"),
        answer(("X-DataDome", "x")),
        answer(status=404),
        answer(status=401),
    ):
        assert not why_blocked(own)


FIELDS = st.sampled_from(
    [
        *(("X-Frame-Options", "DENY"), ("X-Frame-Options", "SAMEORIGIN"), ("X-Frame-Options", "x"), ("Server", "a/1")),
        *(("Content-Security-Policy", "script-src *"), ("Content-Security-Policy", "default-src 'self'")),
        *(("Content-Security-Policy", "frame-ancestors *"), ("Content-Security-Policy-Report-Only", "img-src 'none'")),
        *(
            ("Content-Security-Policy", "script-src https://www.google.com/ https://*.google.com"),
            ("X-Powered-By", "x/2"),
        ),
        *(
            ("Content-Security-Policy", "script-src https://*.google.com 'nonce-a'; x"),
            ("Permissions-Policy", "camera=()"),
        ),
        *(("Set-Cookie", "sid=1"), ("Set-Cookie", "theme=1; Secure"), ("Cache-Control", "no-store"), (ORIGIN, "*")),
        *(
            ("Reporting-Endpoints", 'a="/r"'),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "x"),
        ),
    ],
)
COMBINED = {"X-Frame-Options", "Content-Security-Policy", "Cache-Control", "Reporting-Endpoints"}


def told(found: Judged) -> set[tuple[str, str, str, Severity]]:
    return {(check.id, check.verdict, check.subject, check.severity) for check in found.checks}


@settings(max_examples=60)
@given(st.lists(FIELDS, max_size=8, unique=True), st.data())
def test_neither_the_order_of_headers_nor_how_they_are_split_changes_any_verdict(
    fields: list[tuple[str, str]], data: st.DataObject
) -> None:
    other = data.draw(st.permutations(fields))
    assert told(judged(*fields)) == told(judged(*other))
    split = [
        (name.upper(), part) for name, value in other for part in (value.split(", ") if name in COMBINED else [value])
    ]
    joined = [
        (name, ", ".join(value for key, value in other if key == name))
        for name in sorted(COMBINED & dict(other).keys())
    ]
    assert told(judged(*fields)) == told(judged(*split))
    assert told(judged(*fields)) == told(
        judged(*joined, *((name, value) for name, value in other if name not in COMBINED))
    )


NAMES = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Frame-Options",
    "Referrer-Policy",
    "Set-Cookie",
    "Server",
)
UNITS = (
    "a",
    " ",
    ";",
    ",",
    '"',
    '\\"',
    "9",
    "9.",
    "*.",
    "a.",
    "'nonce-",
    "a=1,",
    "x y ",
    "script-src a;",
    "%41",
    "\x85",
)


@pytest.mark.parametrize(
    "name", [*NAMES, "Reporting-Endpoints", "Cross-Origin-Opener-Policy", "Report-To", "Content-Type"]
)
def test_the_longest_header_is_judged_in_time_whatever_it_is(name: str) -> None:
    for unit in UNITS:
        for start in ("", "script-src ", "a="):
            value = (start + unit * 65_536)[:65_536]
            started = time.process_time()
            judged((name, value))
            assert time.process_time() - started < 3, f"{name}: {start}{unit}"


def test_a_page_with_scripts_of_thousands_of_sites_is_judged_in_time() -> None:
    source = "".join(f"<script src=https://h{number}.example{number}.com/></script>" for number in range(5000))
    started = time.process_time()
    judged(body=source)
    assert time.process_time() - started < 4


def test_a_hundred_headers_that_name_many_hosts_are_judged_in_time() -> None:
    lines = [f"script-src {' '.join(f'h{line}x{host}.example.org' for host in range(500))}" for line in range(100)]
    started = time.process_time()
    judged(*(("Content-Security-Policy", line) for line in lines))
    assert time.process_time() - started < 4


def test_a_policy_in_the_source_of_xhtml_is_told_and_not_relied_on() -> None:
    source = b'<html><head><meta http-equiv="Content-Security-Policy" content="script-src \'none\'"/></head></html>'
    for kind, expected in (("text/html", False), ("application/xhtml+xml", True)):
        answer = Answer("https://example.org/", 200, (Field("Content-Type", kind),), source)
        found = judge(Look(Visit(answer.url, (answer,))), 0)
        assert ("CSP-INERT" in {check.id for check in found.failures}) is expected
