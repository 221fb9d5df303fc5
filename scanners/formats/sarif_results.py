"""One result of a SARIF run as a finding: what kind of weakness it is, and what follows from that.

| the rule or the tool says | category |
|---|---|
| the name of a vulnerability (CVE, GHSA, ...) as the rule's id | dependency; container for packages of a system |
| a tag `secret`, or the tool looks for nothing else | secret |
| the name `License` | licence |
| a tag `misconfiguration` or `iac`, or the tool looks for nothing else | misconfiguration |
| anything else | code |

The secret itself is what gitleaks tells (`offender`, or its snippet). What another tool tells of one is a line at
most, so that it is known by its rule, its file and that line, or by a partial fingerprint of the secret where the
tool has one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.identifiers import NO_IDENTIFIERS, identifiers
from fixby.redaction import literals, without
from fixby.scanners.excerpt import CREDENTIAL_CWES, code_at
from fixby.scanners.formats.fields import optional_child, optional_each
from fixby.scanners.formats.leaks import CREDENTIAL, leak, masked
from fixby.scanners.formats.sarif_messages import flows, message
from fixby.scanners.formats.sarif_packages import package, vulnerability_names
from fixby.scanners.formats.sarif_places import Places
from fixby.scanners.formats.sarif_rules import Rules, SarifRule, rated
from fixby.scanners.formats.wording import prose
from fixby.scanners.report import Record, child, has, optional_text
from fixby.scanners.scanner import Source


@dataclass(frozen=True, slots=True)
class Results:
    """Reads the results of one run of a tool."""

    tool: str
    rules: Rules
    places: Places
    source: Source

    def finding(self, result: Record) -> Finding | None:
        """The finding that a result is; None where it says that all is well, or is gone. Raises `ReportError`."""
        kind = optional_text(result, "kind") or "fail"
        rule = self.rules.of(result)
        if kind in _NO_FINDINGS or optional_text(result, "baselineState") == "absent":
            return None
        snippet, locations = self._locations(result)
        words = message(result, self.rules, rule.record)
        match self._category(rule):
            case Category.SECRET:
                return self._secret(result, rule, kind, words, snippet, locations)
            case category:
                return self._weakness(category, result, rule, kind, words, snippet, locations)

    def _locations(self, result: Record) -> tuple[str, tuple[Location, ...]]:
        """The code at the first place, and all places, each once; of a result without any, what it was analysing."""
        rows = optional_each(result, "locations", lambda row: row)
        found = dict.fromkeys(at for row in rows if (at := self.places.at(row)))
        snippet = next(filter(None, map(_snippet, rows)), "")
        if not found and has(result, "analysisTarget"):
            name = self.places.path(child(result, "analysisTarget"))
            found = {Location(name): None} if name else {}
        return snippet, tuple(found)

    def _category(self, rule: SarifRule) -> Category:
        name = optional_text(rule.record, "name")
        if vulnerability_names(rule.names):
            return Category.CONTAINER if name == "OsPackageVulnerability" else Category.DEPENDENCY
        if not rule.tags.isdisjoint(_SECRET_TAGS) or name == "Secret" or self.tool in _SECRET_TOOLS:
            return Category.SECRET
        if name == "License":
            return Category.LICENCE
        if not rule.tags.isdisjoint(_SETTING_TAGS) or name == "Misconfiguration" or self.tool in _SETTING_TOOLS:
            return Category.MISCONFIGURATION
        return Category.CODE

    def _secret(  # noqa: PLR0913, PLR0917 - what was read of a result
        self, result: Record, rule: SarifRule, kind: str, words: str, snippet: str, locations: tuple[Location, ...]
    ) -> Finding:
        properties, marks = (optional_child(result, key) for key in ("properties", "partialFingerprints"))
        secret = optional_text(properties, "offender") or (snippet if self.tool == "gitleaks" else "")
        path = locations[0].path if locations else ""
        prints = (str(marks[name]) for name in sorted(marks) if "secret" in name.lower() and marks[name])
        place = snippet.strip() or str(locations[0].line if locations else "")
        shown = without(literals(snippet), masked(words, secret))
        commit = optional_text(properties, "commit") or optional_text(marks, "commitSha")
        return leak(
            self.tool,
            rule.rule if rule.rule.cwes else replace(rule.rule, cwes=CREDENTIAL),
            rated(rule, result, kind),
            f"{_sentence(shown or rule.rule.title)} In commit {commit}." if commit else shown or rule.rule.title,
            locations,
            secret=secret,
            instead=next(prints, f"{rule.rule.id} {path} {place}"),
            source=self.source,
            suppression=_suppression(result),
        )

    def _weakness(  # noqa: PLR0913, PLR0917 - what was read of a result
        self,
        category: Category,
        result: Record,
        rule: SarifRule,
        kind: str,
        words: str,
        snippet: str,
        locations: tuple[Location, ...],
    ) -> Finding:
        severity, severity_source = rated(rule, result, kind)
        known = vulnerability_names(rule.names)
        about = package(rule, words, locations) if known else None
        own = self.rules.weaknesses(result)
        named = rule.rule if not own else _with(rule, own)
        code = ""
        if snippet and locations and not known:
            code = code_at(locations[0], self.source, snippet, credential=not CREDENTIAL_CWES.isdisjoint(named.cwes))
        if about and about.ecosystem in _OF_A_SYSTEM:
            category = Category.CONTAINER
        parts = (prose(words) or named.title, *flows(result, self.places), *_pending(result))
        return Finding(
            category,
            self.tool,
            named,
            severity=severity,
            severity_source=severity_source,
            message="\n\n".join(parts),
            locations=locations,
            component=about,
            identifiers=identifiers(known) if known else NO_IDENTIFIERS,
            fix=_fix(result, rule, known),
            code=code,
            suppression=_suppression(result),
        )


_NO_FINDINGS = frozenset({"pass", "notApplicable"})
_OF_A_SYSTEM = frozenset({"deb", "rpm", "apk", "alpm"})
_SECRET_TAGS = frozenset({"secret", "secrets", "secret-detection", "hardcoded-secret"})
_SETTING_TAGS = frozenset({"misconfiguration", "iac", "infrastructure-as-code"})
_SECRET_TOOLS = frozenset(
    {
        "betterleaks",
        "detect-secrets",
        "ggshield",
        "gitguardian",
        "gitleaks",
        "kingfisher",
        "nosey-parker",
        "noseyparker",
    }
    | {"trufflehog", "whispers"}
)
_SETTING_TOOLS = frozenset(
    {"checkov", "dockle", "hadolint", "kics", "kube-linter", "kubescape", "snyk-iac", "terrascan", "tfsec", "zizmor"}
)


def _snippet(place: Record) -> str:
    """The code at a place, as far as the report has it."""
    region = optional_child(optional_child(place, "physicalLocation"), "region")
    return optional_text(optional_child(region, "snippet"), "text") if region else ""


def _with(rule: SarifRule, weaknesses: tuple[str, ...]) -> Rule:
    return replace(rule.rule, cwes=tuple(dict.fromkeys((*rule.rule.cwes, *weaknesses))))


def _fix(result: Record, rule: SarifRule, known: tuple[str, ...]) -> str:
    """What is to be done: as the result says, else the rule's help; that of a vulnerability only describes it."""
    if has(result, "fixes"):
        said = optional_each(result, "fixes", lambda row: optional_text(optional_child(row, "description"), "text"))
        if words := "\n".join(filter(None, said)):
            return prose(words)
    return "" if known else prose(rule.help)


def _suppression(result: Record) -> Suppression | None:
    """A result is suppressed where all its suppressions are accepted, as they are if nothing is said (3.27.23)."""
    some = optional_each(result, "suppressions", lambda row: row) if has(result, "suppressions") else []
    if not some or any(_status(one) != "accepted" for one in some):
        return None
    kinds = dict.fromkeys(optional_text(one, "kind") or "external" for one in some)
    reasons = dict.fromkeys(filter(None, (prose(optional_text(one, "justification")) for one in some)))
    return Suppression(f"sarif: {', '.join(kinds)}", "; ".join(reasons))


def _status(suppression: Record) -> str:
    """The status; drafts of the standard call it state."""
    return optional_text(suppression, "status") or optional_text(suppression, "state") or "accepted"


def _pending(result: Record) -> Iterator[str]:
    """A sentence for each suppression that was not accepted: the finding stays open."""
    for one in optional_each(result, "suppressions", lambda row: row) if has(result, "suppressions") else []:
        status = _status(one)
        if status != "accepted":
            reason = prose(optional_text(one, "justification"))
            yield f"A suppression is {_STATES.get(status, status)}{f': {reason}' if reason else '.'}"


_STATES = {"underReview": "under review"}


def _sentence(words: str) -> str:
    return words if re.search(r"[.!?]\Z", words) else f"{words}."
