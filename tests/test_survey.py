"""What is visited of a site, and what is not: its other name, plain http, a page that does not exist."""

from dataclasses import replace

import pytest

from fixby.headers.check import Verdict
from fixby.headers.expectations import Expectations
from fixby.headers.judge import Judged, Look, judge, judge_transport
from fixby.headers.manner import Manner
from fixby.headers.response import Answer, Failure, Field, TlsFlaw, Trouble, Visit
from fixby.headers.sites import Site, SitePage
from fixby.headers.survey import MISSING, _plans

HSTS = Field("Strict-Transport-Security", "max-age=63072000; includeSubDomains; preload")


def wanted(origin: str, *paths: str, authenticated: bool = False) -> list[tuple[str, str]]:
    """What is asked for of a site, and as what."""
    pages = tuple(SitePage(f"{origin}{path}", Expectations(authenticated)) for path in paths)
    plans = _plans(Site(origin, pages, Manner()))
    return [(name, wish.url) for plan in plans for name, wish in plan.wishes.items()]


def test_a_site_is_visited_twice_once_by_http_by_its_other_name_and_where_nothing_is() -> None:
    assert wanted("https://example.com", "/", "/login") == [
        ("page", "https://example.com/"),
        ("plain", "http://example.com/"),
        ("again", "https://example.com/"),
        ("page", "https://example.com/login"),
        ("again", "https://example.com/login"),
        ("page", f"https://example.com{MISSING}"),
        ("page", "https://www.example.com/"),
        ("plain", "http://www.example.com/"),
    ]


def test_a_path_behind_a_login_is_asked_for_by_http_too_and_never_with_the_credentials() -> None:
    asked = wanted("https://example.com", "/", "/account", authenticated=True)
    assert ("plain", "http://example.com/account") in asked


@pytest.mark.parametrize(
    ("origin", "other"),
    [
        ("https://example.com", "www.example.com"),
        ("https://www.example.co.uk", "example.co.uk"),
        ("https://app.example.com", ""),
        ("https://example.com:8443", ""),
        ("https://localhost", ""),
        ("https://user.github.io", "www.user.github.io"),
        ("https://192.0.2.1", ""),
    ],
)
def test_the_other_name_is_that_of_a_registered_domain_only(origin: str, other: str) -> None:
    hosts = {url.split("/")[2] for _, url in wanted(origin, "/")} - {origin.split("/")[2]}
    assert hosts - {origin.split("/")[2].partition(":")[0]} == ({other} if other else set())


def visit(*answers: Answer, failure: Failure | None = None) -> Visit:
    return Visit(answers[0].url if answers else "https://example.com/", answers, failure)


def answer(url: str, status: int = 200, *fields: Field) -> Answer:
    return Answer(url, status, (Field("Content-Type", "text/html"), *fields))


def verdict(found: Judged, id_: str) -> Verdict | None:
    return next((check.verdict for check in found.checks if check.id == id_), None)


PAGE = visit(answer("https://example.com/", 200, HSTS))
LEADS = {
    "at once": (("http://example.com/", 301), ("https://example.com/", 200)),
    "to another host first": (("http://example.com/", 301), ("https://www.example.com/", 200)),
    "by http": (("http://example.com/", 301), ("http://www.example.com/", 301), ("https://www.example.com/", 200)),
    "for now": (("http://example.com/", 302), ("https://example.com/", 200)),
    "nowhere": (("http://example.com/", 200),),
    "back": (("http://example.com/", 301), ("https://example.com/", 301), ("http://example.com/x", 200)),
}
FAILS = {
    "at once": set(),
    "to another host first": {"HTTPS-FIRSTHOP-OFFHOST", "HSTS-PRELOAD-INELIGIBLE"},
    "by http": {"HTTPS-FIRSTHOP-OFFHOST", "HTTPS-FIRSTHOP-HTTP", "HSTS-PRELOAD-INELIGIBLE"},
    "for now": {"HTTPS-REDIRECT-TEMPORARY"},
    "nowhere": {"HTTPS-NOREDIRECT"},
    "back": {"HSTS-PRELOAD-INELIGIBLE"},
}


@pytest.mark.parametrize("how", LEADS)
def test_how_http_leads_to_https(how: str) -> None:
    plain = visit(*(answer(url, status) for url, status in LEADS[how]))
    found = judge(Look(PAGE, plain), 0)
    assert {check.id for check in found.failures if check.id.startswith(("HTTPS", "HSTS"))} == FAILS[how]


def test_a_refused_https_beside_an_answering_http_is_critical() -> None:
    refused = visit(failure=Failure(Trouble.REFUSED, "https://example.com/", "Refused."))
    found = judge(Look(refused, visit(answer("http://example.com/"))), 0)
    assert verdict(found, "HTTPS-UNREACHABLE") is Verdict.FAIL
    assert found.reasons == ("Refused.",)


def test_what_is_not_known_of_http_is_inconclusive_and_nothing_there_is_good() -> None:
    for kind, told in ((Trouble.TIME, Verdict.INCONCLUSIVE), (Trouble.REFUSED, Verdict.PASS)):
        plain = visit(failure=Failure(kind, "http://example.com/", "Why."))
        assert verdict(judge(Look(PAGE, plain), 0), "HTTPS-NOREDIRECT") is told


def test_the_other_name_is_judged_by_how_it_leads_here_only() -> None:
    bare = answer("https://www.example.com/", 301)
    found = judge_transport(Look(visit(bare, answer("https://example.com/"))), 0)
    assert {check.id for check in found.failures} == {"HSTS-NOT-ON-REDIRECT"}
    good = judge_transport(Look(visit(replace(bare, fields=(HSTS,)), answer("https://example.com/"))), 0)
    assert good.failures == ()


def test_headers_over_a_bad_certificate_are_read_and_prove_nothing() -> None:
    failure = Failure(Trouble.TLS, "https://example.com/", "It expired.", TlsFlaw.EXPIRED)
    unproved = replace(answer("https://example.com/", 200, HSTS), trusted=False)
    found = judge(Look(visit(unproved, failure=failure)), 0)
    assert {"TLS-EXPIRED", "HSTS-INVALID", "CSP-MISSING"} <= {check.id for check in found.failures}
    assert not found.reasons
