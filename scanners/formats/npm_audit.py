"""npm audit, pnpm audit and yarn audit as far as they print one JSON object: advisories of the registry, or npm 7's.

Severities are the registry's: critical, high, moderate (medium), low, info. Each advisory of a package is one finding,
with the packages that bring it in; a package of npm 7's report that is named for its dependencies only is none. Early
reports have several versions of a package with one advisory: the first is the component's, the message has all. npm 7
tells no installed version and no name but GitHub's. No report names the manifest: a package has no place.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fixby.errors import ReportError
from fixby.finding import Finding
from fixby.redaction import redacted
from fixby.scanners.formats.advisory import Advisory, Place, nameless, units, vulnerability
from fixby.scanners.formats.fields import optional_child, optional_quantity, optional_texts, records, word
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.ratings import Score, rating, score_of
from fixby.scanners.formats.wording import cwes
from fixby.scanners.report import Record, as_record, child, has, items, printable, text, texts
from fixby.scanners.scanner import Reading, Source

NAME = "npm-audit"


def recognises(report: Report) -> bool:
    """Whether it has npm 7's version of reports, advisories by number, or the error of an audit that failed."""
    match report.json:
        case {"auditReportVersion": int(), "vulnerabilities": dict()}:
            return True
        case {"advisories": dict(), "metadata": dict()}:
            return True
        case {"error": {"summary": str()}} | {"error": {"code": str(), "message": str()}}:
            return True
        case _:
            return False


def read(report: Report, source: Source) -> Sequence[Told]:  # noqa: ARG001 - no report names a file
    """What the registry says. Raises `ReportError`, also where it is that the audit failed."""
    record = as_record(report.json, "the top of the report")
    if has(record, "error"):
        error = child(record, "error")
        said = (word(error, "code"), word(error, "summary", "message", "detail"), word(record, "message"))
        words = ": ".join(filter(None, said)) or "without a word"
        raise ReportError(f"the audit failed: {redacted(printable(words))}", "Run the audit again.")
    if has(record, "auditReportVersion"):
        name, (findings, problems) = NAME, _of_version_7(child(record, "vulnerabilities"))
    else:
        advisories = child(record, "advisories")
        name, problems = _tool(record, advisories), _muted(record)
        findings = [advised(name, child(advisories, key), key) for key in sorted(advisories)]
    everything = (*problems, *_nothing(record, findings), *nameless(findings))
    return [Told(name, Reading(tuple(findings), scanned=units(findings), problems=everything))]


def advised(scanner: str, row: Record, number: str) -> Finding:
    """An advisory of the registry, as npm 6, yarn and pnpm print it, with the packages that bring it in."""
    name, found = text(row, "module_name"), records(row, "findings")
    versions = tuple(dict.fromkeys(filter(None, (word(one, "version") for one in found))))
    paths = [path for one in found for path in optional_texts(one, "paths")]
    component = package("", "npm", name, next(iter(versions), ""), _patched(word(row, "patched_versions")))
    github, url = word(row, "github_advisory_id"), word(row, "url")
    names = tuple(filter(None, (github or github_name(url), *optional_texts(row, "cves"))))
    advisory = Advisory(
        names[0] if names else f"npm-{number}",
        names or (f"npm-{number}",),
        word(row, "title"),
        _told(word(row, "overview"), _named("Versions", versions), _named("Brought in by", paths)),
        rating(word(row, "severity"), scores_in(row)),
        cwes(_words(row, "cwe")),
        tuple(filter(None, (url, *_URL.findall(word(row, "references"))))),
    )
    return vulnerability(scanner, advisory, component, Place(), fix=printable(word(row, "recommendation")))


def scores_in(row: Record) -> list[Score]:
    """The CVSS score of an advisory; the registry writes 0 and no vector where it has none."""
    cvss = optional_child(row, "cvss")
    vector = word(cvss, "vectorString")
    score = score_of(vector) if vector else None
    told = optional_quantity(cvss, "score")
    return [score] if score else [(3.0, told)] if told else []


def _tool(record: Record, advisories: Record) -> str:
    """Pnpm names the project itself at the start of its paths, and no actions; yarn's object is as npm's."""
    paths = (
        path
        for key in advisories
        for found in records(child(advisories, key), "findings")
        for path in optional_texts(found, "paths")
    )
    first = next(paths, "")
    return "pnpm-audit" if first.startswith(".") or "actions" not in record else NAME


def _muted(record: Record) -> list[str]:
    count = len(items(record, "muted")) if has(record, "muted") else 0
    return [f"{count} advisories are muted, and not in the report"] if count else []


def _nothing(record: Record, findings: Sequence[Finding]) -> list[str]:
    """A sentence where no dependency was audited, or vulnerabilities are counted and none is listed."""
    metadata = optional_child(record, "metadata")
    counted = optional_child(metadata, "vulnerabilities")
    if not findings and any(isinstance(count, int) and count > 0 for count in counted.values()):
        return ["the report counts vulnerabilities and lists none: they were ignored, or are below a level"]
    counts = metadata.get("dependencies", 0)
    total = counts.get("total", 0) if isinstance(counts, dict) else metadata.get("totalDependencies", counts)
    return [] if total or findings else ["the report counts no dependency: nothing was audited"]


def _of_version_7(found: Record) -> tuple[list[Finding], list[str]]:
    advisories: dict[tuple[str, str], tuple[Record, list[Record]]] = {}
    problems = []
    for name in sorted(found):
        node = child(found, name)
        for via in items(node, "via"):
            if isinstance(via, str):
                if via not in found:
                    problems.append(f"{name} is reported for {printable(via)}, of which the report says nothing")
                continue
            row = as_record(via, "`via`")
            key = (text(row, "name"), str(row.get("source", "")))
            advisories.setdefault(key, (row, []))[1].append(node)
    return [_by_node(row, nodes, found) for row, nodes in advisories.values()], problems


def _by_node(row: Record, nodes: Sequence[Record], found: Record) -> Finding:
    name, url = text(row, "name"), word(row, "url")
    names = tuple(filter(None, (github_name(url),))) or (f"npm-{row.get('source', '')}",)
    places = sorted({place for node in nodes for place in optional_texts(node, "nodes")})
    bringing = sorted(_effects(found, [word(node, "name") for node in nodes]))
    vulnerable = word(row, "range")
    advisory = Advisory(
        names[0],
        names,
        word(row, "title"),
        _told(
            word(row, "title"),
            _named("Vulnerable versions", [vulnerable] if vulnerable else []),
            _named("Installed at", places),
            _named("Brought in by", bringing),
        ),
        rating(word(row, "severity"), scores_in(row)),
        cwes(_words(row, "cwe")),
        (url,),
    )
    fix = next((told for node in nodes if (told := _available(node))), "There is no fixed version yet.")
    return replace(vulnerability(NAME, advisory, package("", "npm", name, ""), Place()), fix=fix)


def _effects(found: Record, names: Iterable[str]) -> set[str]:
    """The packages that are vulnerable for others' sake, through any number of others."""
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        effects = (
            texts(child(found, name), "effects") if has(found, name) and has(child(found, name), "effects") else ()
        )
        waiting += [effect for effect in effects if effect not in seen]
        seen.update(effects)
    return seen


def _available(node: Record) -> str:
    """What npm would do: nothing, an upgrade within what the manifest allows, or one of a package that it names."""
    fix = node.get("fixAvailable")
    if isinstance(fix, bool) or fix is None:
        return "Run `npm audit fix`." if fix else ""
    row = as_record(fix, "`fixAvailable`")
    breaking = " (a breaking change)" if row.get("isSemVerMajor") is True else ""
    return printable(f"Upgrade {word(row, 'name')} to {word(row, 'version')}{breaking}.")


def _patched(ranges: str) -> tuple[str, ...]:
    """The first version of each range that is mended: `>=3.0.8 <4.0.0 || >=4.5.3`; `<0.0.0` is none."""
    return tuple(dict.fromkeys(_FROM.findall(ranges)))


def github_name(url: str) -> str:
    """The name of an advisory of GitHub in its address, or an empty string."""
    found = _GHSA.search(url)
    return found[0] if found else ""


def _words(row: Record, key: str) -> list[object]:
    """A string or several, or nothing."""
    value = row.get(key)
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _told(*parts: str) -> str:
    return "\n\n".join(filter(None, parts))


def _named(title: str, some: Sequence[str]) -> str:
    """`Title: a, b and 3 more.`, or nothing for none."""
    more = f" and {len(some) - _MANY} more" if len(some) > _MANY else ""
    return f"{title}: {', '.join(some[:_MANY])}{more}." if some else ""


_MANY = 20
_FROM = re.compile(r"(?:>=|=|\^|~|\A|\|\|)\s*v?(\d[\w.+-]*)")
_GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s()<>\[\]\"']+")
