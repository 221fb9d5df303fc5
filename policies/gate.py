"""The gate: may this be released? `gate.toml` is a complete example of its policy.

It never passes on what could not be checked: a scan that is missing, failed, partial or too old, or an attestation that
is missing or has ended, makes the verdict `unknown`, unless it is `fail` already.
"""

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from fixby.errors import ExitCode, UsageError
from fixby.policies.document import Table, document, read_text, text, texts, whole
from fixby.severity import Severity
from fixby.sla.duration import HINT, duration, length

HEADERS: Final = "headers"
"""The scanner whose scans say what the headers of URLs are."""


class Verdict(StrEnum):
    """What a rule, or the gate, says."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` findings may match `query`, in the language of `fixby.query`."""

    name: str
    query: str
    limit: int


@dataclass(frozen=True, slots=True)
class RequiredAttestation:
    """Somebody must have vouched for a `kind` of thing, `max_age` seconds ago at most."""

    kind: str
    max_age: int


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """What a gate demands.

    The scanners in `required`, and if `recorded` is set every other one that was ever recorded, must have a complete
    scan that is at most `max_age` seconds old. `headers_max_age` is the same for the scans of headers, None where the
    gate demands none. Where the asset is a container image, as one of `required_of_images` has looked at it and none in
    `required` ever has, the former stand for the latter, and headers are not asked for. `added` are the rules for what
    a change adds, where they are others than `rules`. `digest` stands for all that the policy says, and `toml` is what
    it is written as.
    """

    name: str
    rules: tuple[Rule, ...]
    required: tuple[str, ...]
    recorded: bool
    max_age: int
    headers_max_age: int | None
    attestations: tuple[RequiredAttestation, ...]
    digest: str
    toml: str
    source: str
    added: tuple[Rule, ...] = ()
    required_of_images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class LatestScan:
    """The latest scan of a scanner: what came of it, the instant it ended, and why it is not complete."""

    scanner: str
    outcome: Literal["complete", "partial", "failed"]
    finished_at: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attested:
    """What `by` vouches for: a thing of a `kind` was done at the instant `at`; it holds until `until`, if that is said.

    `seq` orders attestations of the same instant.
    """

    seq: int
    kind: str
    by: str
    at: int
    until: int | None = None

    def ends(self, max_age: int) -> int:
        """The instant from which it no longer holds, where it may be `max_age` seconds old."""
        return self.at + max_age if self.until is None else min(self.at + max_age, self.until)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the asset besides its findings.

    `scans` are the latest ones, one or more of each scanner that ever recorded one; of the `attestations` of a kind the
    last one speaks; `unknown_as` is the severity that the SLA policy treats an unknown one as. `not_observed` counts
    the open findings that the last scans did not see. `in_part` are scanners that only ever looked at a part.
    """

    scans: Sequence[LatestScan]
    attestations: Sequence[Attested]
    unknown_as: Severity
    not_observed: int = 0
    in_part: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule says: `count` findings, whose ids are in `findings`, where `limit` are allowed; `reason` in words.

    A rule about scans or attestations counts those that cannot be relied on.
    """

    name: str
    verdict: Verdict
    count: int
    limit: int
    findings: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate says at an instant, and why; `notes` say what it was not asked to look at, and what nobody saw."""

    verdict: Verdict
    rules: tuple[RuleResult, ...]
    evaluated_at: int
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """What the command that asked the gate exits with."""
        return _EXIT_CODES[self.verdict]


def evaluate(policy: GatePolicy, select: Callable[[str], Sequence[str]], known: Known, now: int) -> Judgement:
    """The gate's judgement at the instant `now`: the same for the same facts, in whatever order they are told.

    `select` gives the ids of the findings that a query selects; where a query names the severity that the SLA policy
    treats an unknown one as, it asks for the unknown ones too.
    """
    counted = [replace(rule, query=_with_unknown(rule.query, known.unknown_as)) for rule in policy.rules]
    is_image = _is_image(policy, known)
    scanned = replace(policy, required=policy.required_of_images, headers_max_age=None) if is_image else policy
    results = (
        *(_findings_result(rule, tuple(sorted(select(rule.query)))) for rule in counted),
        *_scan_results(scanned, sorted(known.scans), now),
        *(_attestation_result(required, known.attestations, now) for required in policy.attestations),
    )
    verdict = _worst(result.verdict for result in results)
    about = _about_images(policy) if is_image else _about_headers(policy, known.scans)
    notes = (*_about_attestations(policy), *about, *_unseen(known.not_observed))
    return Judgement(verdict, results, now, notes)


def together(judgements: Mapping[str, Judgement]) -> Judgement:
    """One judgement on several assets, by name, and at least one: the worst verdict, what each says under its name."""
    if len(judgements) == 1:
        return next(iter(judgements.values()))
    rules = (replace(rule, name=f"{name}: {rule.name}") for name, one in judgements.items() for rule in one.rules)
    return Judgement(
        _worst(one.verdict for one in judgements.values()),
        tuple(rules),
        min(one.evaluated_at for one in judgements.values()),
        tuple(f"{name}: {note}" for name, one in judgements.items() for note in one.notes),
    )


def last_of(kind: str, attestations: Sequence[Attested]) -> Attested | None:
    """The attestation that speaks for a kind: that of the latest instant."""
    some = (attestation for attestation in attestations if attestation.kind == kind)
    return max(some, key=lambda attestation: (attestation.at, attestation.seq), default=None)


Understood = Callable[[str], object]
"""Raises `UsageError` for a query that makes no sense."""


def shipped(understood: Understood) -> GatePolicy:
    """The gate that is in force where nobody configured one."""
    return load(Path(__file__).with_name("gate.toml"), understood)


def load(file: Path, understood: Understood) -> GatePolicy:
    """The gate in a file. Raises `ConfigurationError` as `parse` does, or where the file cannot be read."""
    return parse(read_text(file), str(file), understood)


def parse(toml: str, source: str, understood: Understood) -> GatePolicy:
    """The gate in a TOML text that errors call `source`.

    Raises `ConfigurationError` with line, key and mend for whatever is missing, unknown or makes no sense, queries
    included.
    """
    top = document(toml, source)
    top.demand_only("name", "rules", "scans", "headers", "attestations", "added")
    scans = top.table("scans")
    scans.demand_only("required", "required_of_images", "recorded", "max_age")
    policy = GatePolicy(
        name=top.read("name", text, 'Write name = "..." for reports and errors.'),
        rules=_rules(top.tables("rules"), understood),
        required=scans.read("required", texts, 'Write required = ["bandit", ...].'),
        recorded=_truth(scans, "recorded"),
        max_age=_max_age(scans),
        headers_max_age=_headers_max_age(top.table("headers")) if "headers" in top.values else None,
        attestations=_attestations(top.tables("attestations") if "attestations" in top.values else ()),
        digest=top.digest(),
        toml=toml,
        source=source,
        added=_rules(top.tables("added"), understood) if "added" in top.values else (),
        required_of_images=_required_of_images(scans),
    )
    if not policy.required and not policy.recorded:
        raise scans.error("required", "is empty, so nothing need be scanned", "Name a scanner, or set recorded = true.")
    return policy


def kind_of_attestation(value: object) -> str:
    """A kind of things to vouch for: lower-case words with dashes between them. Raises `TypeError` or `ValueError`."""
    kind = text(value)
    if not _KIND.fullmatch(kind) or len(kind) > _LONGEST_KIND:
        raise ValueError(f"{kind!r} is not made of lower-case words with dashes between them")
    return kind


KIND_HINT: Final = "Write lower-case words with dashes between them, as in restore-drill."
_KIND = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_KIND = 64

_EXIT_CODES = {
    Verdict.PASS: ExitCode.DONE,
    Verdict.FAIL: ExitCode.GATE_FAILED,
    Verdict.UNKNOWN: ExitCode.CANNOT_TELL,
}
_CLOCK_SKEW = 300
"""By how many seconds the clocks of two machines may differ."""


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    said = set(verdicts)
    return next((bad for bad in (Verdict.FAIL, Verdict.UNKNOWN) if bad in said), Verdict.PASS)


def _with_unknown(query: str, unknown_as: Severity) -> str:
    """The query with `unknown` beside each mention of the severity that it is treated as, exclusions left alone."""

    def widened(word: str) -> str:
        qualifier, _, values = word.partition(":")
        return f"{word},{Severity.UNKNOWN}" if qualifier == "severity" and unknown_as in values.split(",") else word

    words = map(widened, shlex.split(query))
    return " ".join(shlex.quote(word) if _NEEDS_QUOTES.search(word) else word for word in words)


_NEEDS_QUOTES = re.compile(r"""[\s'"\\]""")


def _findings_result(rule: Rule, found: tuple[str, ...]) -> RuleResult:
    verdict = Verdict.FAIL if len(found) > rule.limit else Verdict.PASS
    return RuleResult(rule.name, verdict, len(found), rule.limit, found, f"{len(found)} of {rule.query}")


def _scan_results(policy: GatePolicy, scans: Sequence[LatestScan], now: int) -> Iterator[RuleResult]:
    scanners = _scanners(policy, scans)
    if not scanners and policy.headers_max_age is None:
        yield RuleResult("scans", Verdict.UNKNOWN, 0, 0, (), "nothing was ever scanned")
    for scanner in scanners:
        some = [scan for scan in scans if scan.scanner == scanner]
        yield _scanner_result(f"{scanner} has looked", some, policy.max_age, now)
    if policy.headers_max_age is not None:
        some = [scan for scan in scans if scan.scanner == HEADERS]
        yield _scanner_result("headers verified", some, policy.headers_max_age, now)


def _is_image(policy: GatePolicy, known: Known) -> bool:
    """Whether the asset is a container image, as far as the scans of it tell."""
    recorded = {*known.in_part, *(scan.scanner for scan in known.scans)}
    return not recorded.isdisjoint(policy.required_of_images) and recorded.isdisjoint(policy.required)


def _scanners(policy: GatePolicy, scans: Sequence[LatestScan]) -> list[str]:
    """The scanners that must have looked: those of headers are asked for apart where the gate says so."""
    apart = {HEADERS} if policy.headers_max_age is not None else set()
    recorded = {scan.scanner for scan in scans} - apart if policy.recorded else set()
    return [*policy.required, *sorted(recorded.difference(policy.required))]


def _scanner_result(name: str, scans: Sequence[LatestScan], max_age: int, now: int) -> RuleResult:
    problems = [problem for scan in scans if (problem := _problem(scan, max_age, now))]
    if not scans:
        problems = ["no scan of it was ever recorded"]
    return _reliance_result(name, problems, "complete and fresh")


def _problem(scan: LatestScan, max_age: int, now: int) -> str:
    """Why a scan cannot be relied on, or an empty string."""
    age = now - scan.finished_at
    if scan.outcome != "complete":
        reasons = "; ".join(reason.removesuffix(".") for reason in scan.reasons)
        return f"the last scan was {scan.outcome}: {reasons or 'no reason is known'}"
    if age > max_age:
        return f"the last scan ended {length(age)} ago, more than the {length(max_age)} allowed"
    if age < -_CLOCK_SKEW:
        return f"the last scan ended {length(-age)} in the future: a clock is wrong"
    return ""


def _attestation_result(required: RequiredAttestation, attestations: Sequence[Attested], now: int) -> RuleResult:
    name, last = f"{required.kind} attested", last_of(required.kind, attestations)
    if last is None:
        return _reliance_result(name, [f"no {required.kind} was ever attested"], "")
    ends = last.ends(required.max_age)
    told = f"by {last.by} at {_instant(last.at)}"
    if last.at > now + _CLOCK_SKEW:
        return _reliance_result(name, [f"the last one, {told}, is of the future: a clock is wrong"], "")
    problems = [f"the last one, {told}, ended {length(now - ends)} ago"] if ends <= now else []
    return _reliance_result(name, problems, f"{told}, valid until {_instant(ends)}")


def _reliance_result(name: str, problems: Sequence[str], else_: str) -> RuleResult:
    """Whether something can be relied on."""
    verdict = Verdict.UNKNOWN if problems else Verdict.PASS
    return RuleResult(name, verdict, len(problems), 0, (), "; ".join(problems) or else_)


def _about_attestations(policy: GatePolicy) -> Iterator[str]:
    """That nobody has to vouch for anything, as a release should be asked to."""
    if not policy.attestations:
        yield "no attestation is required by this gate"


def _about_headers(policy: GatePolicy, scans: Sequence[LatestScan]) -> Iterator[str]:
    if policy.headers_max_age is None and HEADERS not in _scanners(policy, scans):
        yield "headers are not verified: not configured"


def _about_images(policy: GatePolicy) -> Iterator[str]:
    """That the asset counts as an image: somebody whose files were never scanned under its name is to see it."""
    yield f"judged as a container image: no scan by {', '.join(policy.required) or 'another scanner'} is asked for"


def _unseen(count: int) -> Iterator[str]:
    """That open findings were not observed: the rules count them all the same."""
    if count:
        what = "1 open finding was" if count == 1 else f"{count} open findings were"
        yield f"{what} not observed by the last scan: fixby list is:not_observed"


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rules(tables: Sequence[Table], understood: Understood) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for table in tables:
        table.demand_only("name", "query", "limit")
        rule = Rule(
            name=table.read("name", text, 'Write name = "..." for reports.'),
            query=_query(table, understood),
            limit=table.read("limit", whole, "Write limit = 0, or how many findings are allowed."),
        )
        if rule.name in {other.name for other in rules}:
            raise table.error("name", "stands twice", "Give each rule a name of its own.")
        rules.append(rule)
    return tuple(rules)


def _query(table: Table, understood: Understood) -> str:
    hint = 'Write query = "is:open severity:critical".'
    query = table.read("query", text, hint)
    try:
        understood(query)
    except UsageError as error:
        raise table.error("query", f"is wrong: {error.message.removesuffix('.')}", error.hint or hint) from error
    return query


def _required_of_images(scans: Table) -> tuple[str, ...]:
    if "required_of_images" not in scans.values:
        return ()
    return scans.read("required_of_images", texts, 'Write required_of_images = ["syft", ...].')


def _headers_max_age(table: Table) -> int | None:
    table.demand_only("required", "max_age")
    required, max_age = _truth(table, "required"), _max_age(table)
    return max_age if required else None


def _attestations(tables: Sequence[Table]) -> tuple[RequiredAttestation, ...]:
    some: list[RequiredAttestation] = []
    for table in tables:
        table.demand_only("kind", "max_age")
        kind = table.read("kind", kind_of_attestation, KIND_HINT)
        if kind in {other.kind for other in some}:
            raise table.error("kind", "stands twice", "Require each kind once.")
        some.append(RequiredAttestation(kind, _max_age(table)))
    return tuple(some)


def _max_age(table: Table) -> int:
    return table.read("max_age", lambda value: duration(text(value)), HINT)


def _truth(table: Table, name: str) -> bool:
    def convert(value: object) -> bool:
        if not isinstance(value, bool):
            raise TypeError(f"{value!r} is neither true nor false")
        return value

    return table.read(name, convert, f"Write {name} = true or {name} = false.")
