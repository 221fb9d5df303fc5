"""Semgrep's JSON, of any version since 2021.

What was not looked at in full stands in `errors`, `paths.skipped` and `time.fixpoint_timeouts`, while the exit code is
0 and the file is among the scanned. Columns count bytes.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fixby.component import Component
from fixby.finding import Category, Finding, Location, Rule, Suppression, traced
from fixby.identifiers import NO_IDENTIFIERS, Identifiers, identifiers
from fixby.redaction import literals, redacted, redacted_literals, without
from fixby.scanners.excerpt import CREDENTIAL_CWES, code_at, column, raw_code_at
from fixby.scanners.report import (
    LINES,
    Record,
    as_record,
    child,
    each,
    has,
    items,
    number,
    optional_text,
    printable,
    required_text,
    root,
    text,
    texts,
)
from fixby.scanners.scanner import Reading, Source
from fixby.scanners.semgrep_dependencies import vulnerabilities
from fixby.scanners.semgrep_flows import flow
from fixby.scanners.semgrep_words import NAME, cwes, package, severity
from fixby.severity import SeveritySource


def reading(report: bytes, source: Source, unit: Callable[[str], str]) -> Reading:
    """What a report says; `unit` turns a file's name into that under which it counts as scanned.

    Raises `ReportError`.
    """
    record = root(report)
    if "vulns" in record:
        return vulnerabilities(record, source)
    findings = tuple(each(record, "results", _Reader(source).finding))
    failures = list(_failures(record))
    skipped = {unit(path): reason for path, reason in reversed(failures) if path}
    problems = tuple(dict.fromkeys(reason for path, reason in failures if not path))
    scanned, rules = _scanned(record, unit), _rules(record)
    return Reading(findings, optional_text(record, "version"), scanned, skipped, problems, rules=rules)


_ABOUT_RULES = frozenset(
    {
        "IncompatibleRule",
        "Incompatible rule",
        "Invalid YAML",
        "InvalidRuleSchemaError",
        "Missing plugin",
        "Pattern parse error",
        "PatternParseError",
        "Rule parse error",
        "UnknownLanguageError",
    }
)
"""Failures whose path is that of a rule file."""

_LOGIN = "requires login"


def _scanned(record: Record, unit: Callable[[str], str]) -> dict[str, str] | None:
    paths = child(record, "paths") if has(record, "paths") else {}
    return {unit(name): "" for name in texts(paths, "scanned")} if has(paths, "scanned") else None


def _rules(record: Record) -> frozenset[str] | None:
    """The rules that were run, where the report has its times."""
    time = child(record, "time") if has(record, "time") else {}
    named = items(time, "rules") if has(time, "rules") else []
    return frozenset(str(name) for name in named) if all(isinstance(name, str) for name in named) and named else None


def _failures(record: Record) -> Iterator[tuple[str, str]]:
    """The files that were not looked at in full, and what went wrong with the whole (no file), each with a reason."""
    yield from each(record, "errors", _failure)
    paths = child(record, "paths") if has(record, "paths") else {}
    if has(paths, "skipped"):
        yield from each(
            paths, "skipped", lambda row: (text(row, "path"), f"left out by semgrep: {text(row, 'reason')}")
        )
    if has(record, "skipped_rules"):
        yield from each(record, "skipped_rules", lambda row: ("", f"semgrep left out the rule {text(row, 'rule_id')}"))
    time = child(record, "time") if has(record, "time") else {}
    if has(time, "fixpoint_timeouts"):
        yield from each(time, "fixpoint_timeouts", _cut_short)


def _failure(row: Record) -> tuple[str, str]:
    kind = _kind(row)
    rule = f" in the rule {text(row, 'rule_id')}" if has(row, "rule_id") else ""
    if has(row, "path") and kind not in _ABOUT_RULES:
        return text(row, "path"), f"semgrep: {kind}{rule}"
    said = next(filter(None, (optional_text(row, key) for key in ("message", "long_msg", "short_msg"))), "")
    words = " ".join(redacted(printable(said)).split())
    return "", f"semgrep: {kind}{rule}{f': {words}' if words else ''}"


def _kind(row: Record) -> str:
    """The kind of a failure: a string, or a list that begins with it."""
    return str(items(row, "type")[0]) if isinstance(row.get("type"), list) else text(row, "type")


def _cut_short(row: Record) -> tuple[str, str]:
    if not has(row, "location"):
        return "", "semgrep cut a taint analysis short"
    location = child(row, "location")
    line = number(child(location, "start"), "line")
    return text(location, "path"), f"semgrep cut the taint analysis of the function in line {line} short"


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads results one after the other; the rule of many results is made once."""

    source: Source
    rules: dict[str, tuple[object, Rule]] = field(default_factory=dict)

    def finding(self, row: Record) -> Finding:
        extra = child(row, "extra")
        metadata = child(extra, "metadata") if has(extra, "metadata") else {}
        rule = self._rule(required_text(row, "check_id"), metadata)
        dependency = child(extra, "sca_info") if has(extra, "sca_info") else None
        location = self._location(row)
        excerpt = optional_text(extra, "lines").replace(_LOGIN, "")
        prose = _prose(extra, rule, raw_code_at(location, self.source) or excerpt)
        found = Finding(
            Category.DEPENDENCY if dependency else Category.CODE,
            NAME,
            rule,
            severity=severity(_severity_word(extra, metadata, dependency), metadata),
            severity_source=SeveritySource.SCANNER,
            message=prose(text(extra, "message")),
            locations=(*_lock_file(dependency, self.source), location),
            component=_component(dependency, metadata),
            identifiers=_identifiers(dependency, metadata),
            fix=prose(optional_text(extra, "fix")),
            code=code_at(location, self.source, excerpt, credential=_is_credential(rule)),
            suppression=self._suppression(rule.id, extra, location),
        )
        passed = flow(extra.get("dataflow_trace"), self._location, lambda words: _excerpt(words, rule))
        return traced(found, [passed])

    def _rule(self, name: str, metadata: Record) -> Rule:
        known = self.rules.get(name)
        if known is None or known[0] != metadata:
            known = self.rules[name] = metadata, _rule(name, metadata)
        return known[1]

    def _location(self, row: Record) -> Location:
        path, start, end = self.source.path(text(row, "path")), child(row, "start"), child(row, "end")
        first, last = number(start, "line"), number(end, "line")
        if not 1 <= first <= last < LINES:
            return Location(path)
        return Location(path, first, last, self._column(path, start), self._column(path, end))

    def _column(self, path: str, position: Record) -> int | None:
        line, column_in_bytes = number(position, "line"), number(position, "col")
        code = self.source.lines(path, line, line)
        return column(code, column_in_bytes - 1) if code else column_in_bytes or None

    def _suppression(self, rule: str, extra: Record, location: Location) -> Suppression | None:
        """As the report says, else by Semgrep's rules: a comment where the match begins or alone on the line before."""
        if extra.get("is_ignored") is False:
            return None
        first = location.line or 1
        before, line = (self.source.lines(location.path, number, number) for number in (max(first - 1, 1), first))
        comments = [_NOSEM_BEFORE.search(before) if first > 1 else None, _NOSEM.search(line)]
        found = [comment for comment in comments if comment]
        if extra.get("is_ignored") is True or _silences(found, rule):
            return Suppression("nosemgrep", " ".join(map(_reason, found)))
        return None


_NOSEM = re.compile(r" nosem(?:grep)?(?P<reason>(?:[:=]\s?(?P<ids>[^,\s].*))?.*)", re.IGNORECASE)
_NOSEM_BEFORE = re.compile(r"^[^a-zA-Z0-9]*" + _NOSEM.pattern, re.IGNORECASE)


def _reason(comment: re.Match[str]) -> str:
    return redacted(printable(comment["reason"])).strip(" \t:=-")


def _silences(comments: list[re.Match[str]], rule: str) -> bool:
    """Whether comments speak of a rule: of all where none names one; a name may lack its first parts."""
    named = [comment["ids"] for comment in comments if comment["ids"]]
    names = [words[0] for ids in named for part in ids.split(",") if (words := part.split())]
    return bool(comments) and (not named or any(f".{rule}".endswith(f".{name}") for name in names))


def _rule(name: str, metadata: Record) -> Rule:
    links = (*_words(metadata, "references"), *_words(metadata, "shortlink"), *_words(metadata, "source"))
    title = re.sub(r"[-_]+", " ", name.rpartition(".")[2]).strip().capitalize()
    return Rule(name, title, cwes(_words(metadata, "cwe")), tuple(dict.fromkeys(links)))


def _words(metadata: Record, key: str) -> tuple[str, ...]:
    """What a rule's author wrote there: a string or several, or nothing."""
    value = metadata.get(key)
    return tuple(str(word) for word in (value if isinstance(value, list) else [value]) if word)


def _excerpt(code: str, rule: Rule) -> str:
    """One line of code that data pass, without secrets."""
    mask = redacted_literals if _is_credential(rule) else redacted
    return " ".join(mask(printable(code)).split())[:_LONGEST_EXCERPT]


_LONGEST_EXCERPT = 200


def _is_credential(rule: Rule) -> bool:
    return not CREDENTIAL_CWES.isdisjoint(rule.cwes)


def _prose(extra: Record, rule: Rule, code: str) -> Callable[[str], str]:
    """How to make the rule's words fit to be kept: they may quote the code, and so a secret without any sign of it."""
    if not _is_credential(rule):
        return lambda words: redacted(printable(words))
    quoted = literals(code) | {text(variable, "abstract_content") for variable in _variables(extra)}
    if not quoted:
        return lambda words: f"{rule.title}." if words else ""
    return lambda words: redacted(without(quoted, printable(words)))


def _variables(extra: Record) -> Iterator[Record]:
    metavariables = child(extra, "metavars") if has(extra, "metavars") else {}
    yield from (as_record(value, f"`{name}`") for name, value in metavariables.items())


def _severity_word(extra: Record, metadata: Record, dependency: Record | None) -> str:
    return (optional_text(metadata, "sca-severity") if dependency else "") or text(extra, "severity")


def _found_dependency(dependency: Record) -> Record:
    return child(child(dependency, "dependency_match"), "found_dependency")


def _lock_file(dependency: Record | None, source: Source) -> tuple[Location, ...]:
    """Where a lock file names the dependency: it says more than the use that made it reachable."""
    if dependency is None:
        return ()
    found = _found_dependency(dependency)
    if not has(found, "lockfile_path"):
        return ()
    return (
        Location(
            source.path(text(found, "lockfile_path")),
            number(found, "line_number") if has(found, "line_number") else None,
        ),
    )


def _component(dependency: Record | None, metadata: Record) -> Component | None:
    if dependency is None:
        return None
    found = _found_dependency(dependency)
    name = text(found, "package")
    fixes = items(metadata, "sca-fix-versions") if has(metadata, "sca-fix-versions") else []
    versions = tuple(str(fix[name]) for fix in fixes if isinstance(fix, dict) and name in fix)
    return package(text(found, "ecosystem"), name, text(found, "version"), versions)


def _identifiers(dependency: Record | None, metadata: Record) -> Identifiers:
    return identifiers(_words(metadata, "sca-vuln-database-identifier")) if dependency else NO_IDENTIFIERS
