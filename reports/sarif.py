"""Findings as SARIF 2.1.0 (OASIS), one run a scanner, within what GitHub's code scanning takes.

What it takes: https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support. The file is
ASCII: no character of a finding steers a terminal. The same findings give the same bytes.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fixby.reports.published import Document
from fixby.reports.sarif_results import Result, order, result
from fixby.reports.sarif_rules import Described, described, reporting_descriptor


@dataclass(frozen=True, slots=True)
class Run:
    """What one scanner says.

    `problems` are sentences on what it did not look at. `category` tells uploads for one scanner apart. `rules` are
    listed beside those that the findings name.
    """

    tool: str
    version: str
    results: Sequence[Result]
    problems: Sequence[str] = ()
    category: str = ""
    rules: Sequence[Described] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a service takes: runs in a file, results in a run, bytes of the file after gzip.

    `shown` is how many results of a run it shows; it keeps no others.
    """

    runs: int
    results: int
    size: int
    shown: int


CODE_SCANNING = Limits(runs=20, results=25_000, size=10_000_000, shown=5000)
"""Those of GitHub's code scanning."""


@dataclass(frozen=True, slots=True)
class Log:
    """A SARIF log as text, and sentences on what it had no room for."""

    text: str
    left_out: tuple[str, ...] = ()


def log(runs: Sequence[Run], version: str, limits: Limits | None = None) -> Log:
    """The log of some runs, in order of scanner, each with its worst results first; `version` is that of Fixby.

    Within `limits`: what is too much is left out, the least severe first, and each run says so.
    """
    ordered = [replace(run, results=sorted(run.results, key=order)) for run in sorted(runs, key=lambda run: run.tool)]
    if limits is None:
        return _log(ordered, version, ())
    worst = sorted(ordered, key=lambda run: (order(run.results[0]) if run.results else _NOTHING, run.tool))
    kept = [run for run in ordered if run in worst[: limits.runs]]
    dropped = [f"The run of {run.tool} was left out: a file has at most {limits.runs}." for run in worst[limits.runs :]]
    most, why = limits.results, f"code scanning takes {limits.results:,} of a run"
    while True:
        found = _log([_cut(run, most, why, limits.shown) for run in kept], version, dropped)
        if _fits(found.text, limits.size) or most <= 1:
            return found
        most = min(most, max(len(run.results) for run in kept)) * 3 // 4
        why = f"code scanning takes {limits.size // 1_000_000} MB"


_NOTHING = (9.0, "")


def _fits(text: str, size: int) -> bool:
    return len(text) <= size or len(gzip.compress(text.encode(), compresslevel=6, mtime=0)) <= size


@dataclass(frozen=True, slots=True)
class _Cut:
    """The results of a run for which there is room, why there are no more, and what is only remarkable."""

    run: Run
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def _cut(run: Run, most: int, why: str, shown: int) -> _Cut:
    total, kept = len(run.results), run.results[:most]
    left_out = () if total <= most else (f"{total - most:,} of {total:,} results were left out: {why}.",)
    remarks = () if len(kept) <= shown else (f"Code scanning shows the first {shown:,} of {len(kept):,} results.",)
    return _Cut(replace(run, results=kept), left_out, remarks)


def _log(runs: Sequence[Run | _Cut], version: str, dropped: Sequence[str]) -> Log:
    cuts = [run if isinstance(run, _Cut) else _Cut(run) for run in runs]
    if dropped and cuts:
        cuts[0] = replace(cuts[0], left_out=(*dropped, *cuts[0].left_out))
    top: Document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(cut, version) for cut in cuts]}
    told = [f"{cut.run.tool}: {what}" for cut in cuts for what in (*cut.left_out, *cut.remarks) if what not in dropped]
    text = json.dumps(top, indent=2).replace("##[", "#\\u0023[")  # no command to the runner of a job
    return Log(text, (*dropped, *told))


_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def _run(cut: _Cut, version: str) -> Document:
    run = cut.run
    rules = {rule.id: rule for rule in run.rules}
    for rule in described(one.finding for one in run.results):
        rules.setdefault(rule.id, rule)
    index = {id_: number for number, id_ in enumerate(rules)}
    category = f"{run.category}/" if run.category else ""
    return {
        "tool": {
            "driver": {
                "name": run.tool,
                **({"version": run.version} if run.version else {}),
                **({"informationUri": _HOMES[run.tool]} if run.tool in _HOMES else {}),
                "rules": [reporting_descriptor(rule) for rule in rules.values()],
            }
        },
        "conversion": {"tool": {"driver": {"name": "Fixby", "version": version}}},
        "automationDetails": {"id": f"fixby/{category}{run.tool}/"},
        "invocations": [
            {"executionSuccessful": not run.problems, "toolExecutionNotifications": list(_notifications(cut))}
        ],
        "results": [result(one, rules[one.finding.rule.id], index[one.finding.rule.id]) for one in run.results],
        "columnKind": "unicodeCodePoints",
    }


def _notifications(cut: _Cut) -> Iterator[Document]:
    """Errors for all that is not in the run, so that whoever reads it again takes it for no more than it is."""
    for level, some in (("error", (*cut.run.problems, *cut.left_out)), ("note", cut.remarks)):
        for words in some:
            yield {"level": level, "message": {"text": words}}


_HOMES = {
    "bandit": "https://bandit.readthedocs.io/",
    "checkov": "https://www.checkov.io/",
    "codeql": "https://codeql.github.com/",
    "detect-secrets": "https://github.com/Yelp/detect-secrets",
    "gitleaks": "https://github.com/gitleaks/gitleaks",
    "grype": "https://github.com/anchore/grype",
    "osv": "https://osv.dev/",
    "pip-audit": "https://github.com/pypa/pip-audit",
    "semgrep": "https://semgrep.dev/",
    "trivy": "https://trivy.dev/",
}
"""Where one reads about a scanner."""
