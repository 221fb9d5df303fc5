"""Checks of a page's Content Security Policies. A weakness counts only if all enforced policies together have it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from fixby.headers.allows import (
    EVIL,
    Allows,
    allows,
    as_if_enforced,
    loads,
    loads_script,
)
from fixby.headers.check import Check, Evidence, failed
from fixby.headers.csp import FETCH, SOURCE_LISTS, Disposition, Flaw, Host, Mistake, Policy
from fixby.headers.source_match import Place, host_matches, place
from fixby.severity import Severity


@dataclass(frozen=True)
class Policies:
    """The policies of one response, those in its source included, with where each comes from.

    `void` are lines that hold no policy, `late` policies that browsers never read for where they stand; `endpoints` are
    the names that headers define for reports.
    """

    page: Place
    sent: Sequence[tuple[Policy, Evidence]]
    void: Sequence[Evidence] = ()
    late: Sequence[Evidence] = ()
    endpoints: frozenset[str] = frozenset()

    @cached_property
    def enforced(self) -> list[Policy]:
        """Those that a browser obeys, and that say something, each once."""
        enforced = (policy for policy, _ in self.sent if policy.disposition is Disposition.ENFORCE)
        return list({(policy.text, policy.delivery): policy for policy in enforced if policy.is_effective}.values())

    @property
    def reporting(self) -> list[Policy]:
        """Those that only report, as if they were enforced."""
        return as_if_enforced(policy for policy, _ in self.sent)

    def evidence(self, *dispositions: Disposition) -> tuple[Evidence, ...]:
        """The lines that the policies came in, each once."""
        wanted = dispositions or tuple(Disposition)
        return tuple(dict.fromkeys(line for policy, line in self.sent if policy.disposition in wanted))


IDS = (
    *("CSP-MISSING", "CSP-REPORT-ONLY", "CSP-INERT"),
    *("CSP-NO-SCRIPT-SRC", "CSP-SCRIPT-INLINE", "CSP-SCRIPT-WIDE", "CSP-ALLOWLIST-BYPASS", "CSP-EVAL"),
    *("CSP-UNSAFE-HASHES", "CSP-OBJECT", "CSP-BASE-URI", "CSP-FRAME-ANCESTORS-WIDE", "CSP-FORM-ACTION"),
    *("CSP-STYLE-INLINE", "CSP-NONCE-SHORT", "CSP-HTTP-SOURCE", "CSP-SYNTAX", "TRUSTED-TYPES"),
    *("CSP-NO-REPORTING", "CSP-REPORT-ENDPOINT-UNDEFINED"),
)
"""The checks of policies, in the order in which they are told."""

PRESENCE = IDS[:3]
"""The checks that mean something where no policy is enforced."""


def failures(policies: Policies) -> Iterator[Check]:
    """What is wrong with the policies of a response."""
    if not policies.enforced:
        yield from _absence(policies)
    if policies.enforced or policies.void or policies.evidence(Disposition.ENFORCE):
        allowed = allows(policies.enforced, policies.page)
        yield from (check for ask in _CHECKS for check in ask(policies, allowed))
    yield from _writing(policies)
    yield from _reports(policies)


def _absence(policies: Policies) -> Iterator[Check]:
    """There is no policy that browsers obey: none at all, one that only reports, or one that says nothing."""
    if any(policy.is_effective for policy in policies.reporting):
        yield failed("CSP-REPORT-ONLY", "The policy is not enforced.", *policies.evidence(Disposition.REPORT))
    elif lines := (*policies.evidence(), *policies.void, *policies.late):
        ignored = "It does not count where it stands: a meta element in the body or in XML, or one that only reports."
        said = ignored if policies.late else "No directive of it is obeyed."
        yield failed("CSP-INERT", said, *lines)
    else:
        yield failed("CSP-MISSING", "No policy is sent.")


def _no_script_src(policies: Policies, allowed: Allows) -> Iterator[Check]:
    if _nobody_restricts(policies, "script-src") and (allowed.foreign_script or not policies.enforced):
        yield failed("CSP-NO-SCRIPT-SRC", "Neither script-src nor default-src is there.", *_lines(policies))


def _inline(policies: Policies, allowed: Allows) -> Iterator[Check]:
    if _nobody_restricts(policies, "script-src") and not _somebody_restricts(policies, "script-src-elem"):
        return
    ways = ("elements", allowed.inline_script), ("event handlers", allowed.inline_handler)
    if some := " and ".join(name for name, runs in ways if runs):
        yield failed("CSP-SCRIPT-INLINE", f"Script in {some} runs.", *_lines(policies))


def _wide(policies: Policies, allowed: Allows) -> Iterator[Check]:
    if not _somebody_restricts(policies, "script-src-elem"):
        return
    anywhere = _runs_from(policies, ANYWHERE) or (allowed.evil_script and not _names_evil(policies))
    if anywhere or allowed.data_script:
        words = _words(policies, "script-src-elem", _is_wide)
        said = "any server" if anywhere else "data: addresses"
        yield failed("CSP-SCRIPT-WIDE", f"Script from {said} runs: {' '.join(words)}.", *_lines(policies))


def _bypasses(policies: Policies, allowed: Allows) -> Iterator[Check]:
    """Hosts that are allowed by all policies and serve script at anybody's liking, and hosts that might."""
    if _runs_from(policies, ANYWHERE):
        return
    hosts = {host.text: host for policy in policies.enforced for host in _script_hosts(policy)}
    lists, known = _bypass_lists(), set()
    for address in lists.script if hosts else ():
        if (allowed.eval or address.host not in lists.needs_eval) and _runs_from(policies, address):
            known |= {host.text for host in _hosts_of(policies, address)}
    for text in sorted(known):
        yield failed(
            "CSP-ALLOWLIST-BYPASS",
            f"{text} serves script that an attacker can choose.",
            *_lines(policies),
            subject=text,
        )
    others = sorted(text for text, host in hosts.items() if text not in known and _counts(policies, host))
    if others:
        said = f"See that none of them serves JSONP or what users upload: {' '.join(others)}."
        yield failed("CSP-ALLOWLIST-BYPASS", said, *_lines(policies), severity=Severity.INFO)


def _eval(policies: Policies, allowed: Allows) -> Iterator[Check]:
    if allowed.eval and (_somebody_restricts(policies, "script-src") or not allowed.foreign_script):
        yield failed("CSP-EVAL", "'unsafe-eval' is allowed.", *_lines(policies))


def _unsafe_hashes(policies: Policies, allowed: Allows) -> Iterator[Check]:
    lists = [sources for policy in policies.enforced if (sources := policy.sources("script-src-attr"))]
    if lists and not allowed.inline_handler and all("'unsafe-hashes'" in one.keywords and one.hashes for one in lists):
        yield failed("CSP-UNSAFE-HASHES", "'unsafe-hashes' is allowed.", *_lines(policies))


def _object(policies: Policies, _: Allows) -> Iterator[Check]:
    if _nobody_restricts(policies, "object-src"):
        yield failed("CSP-OBJECT", "Neither object-src nor default-src is there.", *_lines(policies))
    elif _all_load(policies, "object-src", ANYWHERE) or _all_load(policies, "object-src", _DATA):
        words = " ".join(_words(policies, "object-src", _is_wide))
        yield failed("CSP-OBJECT", f"Plug-ins load from anywhere: {words}.", *_lines(policies))
    elif any(_all_load(policies, "object-src", address) for address in _bypass_lists().object):
        yield failed("CSP-OBJECT", "An allowed host serves a file that runs script.", *_lines(policies))


def _base_uri(policies: Policies, allowed: Allows) -> Iterator[Check]:
    if _somebody_restricts(policies, "base-uri"):
        if _all_load(policies, "base-uri", ANYWHERE):
            words = " ".join(_words(policies, "base-uri", _is_wide))
            yield failed("CSP-BASE-URI", f"The base may be anywhere: {words}.", *_lines(policies))
    elif allowed.base_evil and any(_relies_on_nonces(policy) for policy in policies.enforced):
        yield failed("CSP-BASE-URI", "base-uri is not there, and scripts run by nonce or hash.", *_lines(policies))


def _frame_ancestors(policies: Policies, _: Allows) -> Iterator[Check]:
    if _somebody_restricts(policies, "frame-ancestors") and _all_load(policies, "frame-ancestors", ANYWHERE):
        words = " ".join(_words(policies, "frame-ancestors", _is_wide))
        yield failed("CSP-FRAME-ANCESTORS-WIDE", f"frame-ancestors allows anybody: {words}.", *_lines(policies))


def _form_action(policies: Policies, _: Allows) -> Iterator[Check]:
    if not _somebody_restricts(policies, "form-action"):
        yield failed("CSP-FORM-ACTION", "form-action is not there.", *_lines(policies))
    elif _all_load(policies, "form-action", ANYWHERE):
        yield failed("CSP-FORM-ACTION", "form-action allows any server.", *_lines(policies))


def _style(policies: Policies, allowed: Allows) -> Iterator[Check]:
    if allowed.inline_style and _somebody_restricts(policies, "style-src"):
        yield failed("CSP-STYLE-INLINE", "'unsafe-inline' is allowed for styles.", *_lines(policies))


def _trusted_types(policies: Policies, _: Allows) -> Iterator[Check]:
    if not any("require-trusted-types-for" in policy.directives for policy in policies.enforced):
        yield failed("TRUSTED-TYPES", "require-trusted-types-for is not there.", *_lines(policies))


_CHECKS: Sequence[Callable[[Policies, Allows], Iterator[Check]]] = (
    *(_no_script_src, _inline, _wide, _bypasses, _eval, _unsafe_hashes, _object, _base_uri, _frame_ancestors),
    *(_form_action, _style, _trusted_types),
)


def _writing(policies: Policies) -> Iterator[Check]:
    """How the policies are written, whether they are enforced or not: each mistake of a directive once."""
    told: set[tuple[str, str]] = set()
    for policy, line in policies.sent:
        for mistake in policy.mistakes:
            subject = f"{mistake.directive[:_LONGEST]} {mistake.flaw}"
            if ("CSP-SYNTAX", subject) not in told:
                told.add(("CSP-SYNTAX", subject))
                severity = Severity.MEDIUM if mistake.serious else Severity.LOW
                yield failed("CSP-SYNTAX", sentence(mistake), line, subject=subject, severity=severity)
        for id_, directive, said in (*_short_nonces(policy), *_plain_places(policy, policies.page)):
            if (id_, directive) not in told:
                told.add((id_, directive))
                yield failed(id_, said, line, subject=directive)


_LONGEST = 60


def sentence(mistake: Mistake) -> str:
    """What is wrong, for people."""
    token = mistake.token if len(mistake.token) <= _LONGEST else f"{mistake.token[:_LONGEST]}..."
    return _SENTENCES[mistake.flaw].format(token=token, directive=mistake.directive[:_LONGEST])


_SENTENCES: Mapping[Flaw, str] = {
    Flaw.NOT_ASCII: "{token} has characters that are not ASCII: browsers pass over the directive.",
    Flaw.UNKNOWN_DIRECTIVE: "There is no directive {token}.",
    Flaw.DUPLICATE_DIRECTIVE: "{directive} stands twice: browsers obey the first one only.",
    Flaw.MISSING_SEMICOLON: "In {directive}, a semicolon is missing before {token}.",
    Flaw.UNQUOTED_KEYWORD: "In {directive}, {token} is taken for a host: keywords stand in single quotes.",
    Flaw.UNKNOWN_KEYWORD: "In {directive}, there is no keyword {token}.",
    Flaw.BAD_NONCE_OR_HASH: "In {directive}, {token} is no nonce or hash: it is not base64.",
    Flaw.BAD_SOURCE: "In {directive}, {token} is no source: browsers pass over it.",
    Flaw.NONE_WITH_OTHERS: "In {directive}, 'none' counts for nothing beside other sources.",
    Flaw.STRAY_COMMA: "A comma ends the policy before {token}: sources are parted by spaces.",
    Flaw.NOT_IN_META: "Browsers pass over {directive} in a meta element.",
}


def _short_nonces(policy: Policy) -> Iterator[tuple[str, str, str]]:
    for directive in FETCH & policy.directives.keys():
        sources = policy.sources(directive)
        for nonce in sources.nonces if sources else ():
            if len(nonce.rstrip("=")) < _NONCE_LENGTH:
                said = f"A nonce in {directive} has {len(nonce.rstrip('='))} characters, not {_NONCE_LENGTH}."
                yield "CSP-NONCE-SHORT", directive, said


_NONCE_LENGTH = 22


def _plain_places(policy: Policy, page: Place) -> Iterator[tuple[str, str, str]]:
    if page.scheme != "https":
        return
    for directive in (*SOURCE_LISTS, "report-uri"):
        values = policy.directives.get(directive, ())
        if plain := [value for value in values if value.lower().startswith("http://")]:
            yield "CSP-HTTP-SOURCE", directive, f"{directive} names {plain[0]}."


def _reports(policies: Policies) -> Iterator[Check]:
    """Whether anybody is told: report-to decides where it is there, and its endpoint has to be defined."""
    told = [(policy, line) for policy, line in policies.sent if policy.is_effective]
    for policy, line in told:
        only_reports = policy.disposition is Disposition.REPORT
        names = policy.directives.get("report-to", ())
        if names and names[0] not in policies.endpoints:
            severity = Severity.HIGH if only_reports else Severity.MEDIUM
            said = f"No header defines the endpoint {names[0]}."
            yield failed("CSP-REPORT-ENDPOINT-UNDEFINED", said, line, subject=policy.disposition, severity=severity)
        elif not names and not policy.directives.get("report-uri"):
            severity = Severity.MEDIUM if only_reports else Severity.INFO
            said = "The policy has neither report-to nor report-uri."
            yield failed("CSP-NO-REPORTING", said, line, subject=policy.disposition, severity=severity)


ANYWHERE = Place("https", "any.invalid", 443, "/s/any.js")
"""A place that no policy names."""

_DATA = Place("data")


def _lines(policies: Policies) -> tuple[Evidence, ...]:
    return policies.evidence(Disposition.ENFORCE)


def _nobody_restricts(policies: Policies, directive: str) -> bool:
    return all(policy.governing(directive) is None for policy in policies.enforced)


def _somebody_restricts(policies: Policies, directive: str) -> bool:
    return not _nobody_restricts(policies, directive)


def _all_load(policies: Policies, directive: str, address: Place) -> bool:
    return all(loads(policy, directive, address, policies.page) for policy in policies.enforced)


def _runs_from(policies: Policies, address: Place) -> bool:
    return all(loads_script(policy, address, policies.page) for policy in policies.enforced)


def _names_evil(policies: Policies) -> bool:
    """Whether a policy names the host that stands for an attacker's."""
    return any(host.host == EVIL.host for policy in policies.enforced for host in _script_hosts(policy))


def _script_hosts(policy: Policy) -> tuple[Host, ...]:
    sources = policy.sources("script-src-elem")
    return sources.hosts if sources and "'strict-dynamic'" not in sources.keywords else ()


def _hosts_of(policies: Policies, address: Place) -> Iterator[Host]:
    """The hosts that policies name for scripts and that match an address."""
    for policy in policies.enforced:
        sources = policy.sources("script-src-elem")
        if sources and "'strict-dynamic'" not in sources.keywords:
            hosts = sources.hosts_for(address.host)
            yield from (host for host in hosts if host_matches(host, address, policies.page))


def _counts(policies: Policies, host: Host) -> bool:
    """Whether something at a host that one policy names is allowed by all of them, and it is not the page's own."""
    name = f"any{host.host[1:]}" if host.host.startswith("*.") else host.host
    scheme = host.scheme or policies.page.scheme
    port = int(host.port) if host.port.isdigit() else {"http": 80}.get(scheme, 443)
    address = Place(scheme, name, port, host.path)
    return name != policies.page.host and _runs_from(policies, address)


def _relies_on_nonces(policy: Policy) -> bool:
    sources = policy.sources("script-src-elem")
    return bool(sources and (sources.nonces or (sources.hashes and "'strict-dynamic'" in sources.keywords)))


def _words(policies: Policies, directive: str, wanted: Callable[[str], bool]) -> list[str]:
    """The words of the deciding lists that make a directive wide."""
    lists = [policy.directives[name] for policy in policies.enforced if (name := policy.governing(directive))]
    return sorted({word for words in lists for word in words if wanted(word)})


def _is_wide(word: str) -> bool:
    bare = word.lower()
    return bare == "*" or bare.endswith(":") or "://*" in bare or bare.startswith("*:")


@dataclass(frozen=True, slots=True)
class _BypassLists:
    script: Sequence[Place]
    object: Sequence[Place]
    needs_eval: frozenset[str]


@cache
def _bypass_lists() -> _BypassLists:
    known: Any = json.loads(Path(__file__).with_name("csp_bypasses.json").read_text(encoding="utf-8"))
    script, objects = ([place(f"https:{address}") for address in known[key]] for key in ("script", "object"))
    return _BypassLists(script, objects, frozenset(known["needs_eval"]))
