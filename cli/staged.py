"""`fixby scan --staged`: what the next commit would add, judged before it is made. For hooks of git.

It is the comparison of `fixby scan --diff HEAD`, of what is staged instead of what lies in the working tree, by the
scanners that look at each file by itself and are quick.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from fixby.cli import gate as gating
from fixby.cli.bases import Pair
from fixby.cli.configuration import Configuration
from fixby.cli.diff import Comparison, comparison, document, remarks
from fixby.cli.output import emit
from fixby.cli.scan import LONGEST_TABLE, Wish
from fixby.cli.staged_sides import staged_pair
from fixby.errors import ExitCode, UsageError
from fixby.policies.gate import GatePolicy, Rule, Verdict
from fixby.reports import published
from fixby.reports.plain import safe

QUICK = ("bandit", "detect-secrets")
"""The scanners that are run where nobody names others."""

RULES = (
    Rule("no new secret above low", "is:open category:secret severity:critical,high,medium", 0),
    Rule("nothing new that is critical or high", "is:open severity:critical,high", 0),
)
"""What stops a commit where the gate has no rules for what is `[[added]]`."""


def run(wish: Wish, base: str, *, as_json: bool) -> ExitCode:
    """Compare what is staged with HEAD and show what it adds; `base` is what another option asks to compare with.

    Exit 1 where what is added breaks a rule, 3 where something staged was not looked at. Raises `UsageError` for
    options that make no sense here.
    """
    _check(wish, base)
    with TemporaryDirectory(prefix="fixby-staged-") as folder:
        index = os.environ.get("GIT_INDEX_FILE")
        both = staged_pair(wish.place, Path(index) if index else None, Path(folder).resolve())
        if _is_empty(both) and not as_json:
            emit("nothing is staged")
            return ExitCode.DONE
        found = both.before.found
        asked = replace(wish, scanners=_scanners(wish, found), quiet=True)
        with comparison(asked, "HEAD", both, _demands(found), fixed=as_json) as made:
            emit(published.written(document(made)) if as_json else "\n".join(_lines(made)))
    return made.exit_code(gate=True)


def _check(wish: Wish, base: str) -> None:
    others = {"--diff": base, "--image": wish.image, "--asset": wish.asset, "--no-store": not wish.keep}
    if named := [option for option, given in others.items() if given]:
        raise UsageError(f"--staged does not go with {named[0]}.", f"Leave out {' and '.join(named)}.")


def _is_empty(both: Pair) -> bool:
    sides = (both.before.files, both.now.files)
    return not any((*side.files, *side.unreadable, *side.excluded) for side in sides)


def _scanners(wish: Wish, found: Configuration) -> tuple[str, ...]:
    """Those that were asked for, else the quick ones of those that are configured."""
    if wish.scanners or wish.kinds:
        return wish.scanners
    configured = found.scanners or QUICK
    return tuple(name for name in QUICK if name in configured) or configured


def _demands(found: Configuration) -> GatePolicy:
    """What is asked of a commit: no scanner that did not run, no attestation, no headers."""
    demands = gating.policy(found)
    rules = demands.added or RULES
    return replace(demands, rules=rules, required=(), recorded=True, attestations=(), headers_max_age=None)


def _lines(made: Comparison) -> Iterator[str]:
    difference, judgement, files = made.difference, made.judgement, made.both.now.files
    if difference.added:
        from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

        shown = dict(list(difference.added.items())[:LONGEST_TABLE])
        yield terminal.rendered("added:", terminal.observations_table(shown)) + "\n"
    than = f"HEAD ({made.both.base.commit[:10]})" if made.both.base else "nothing: there is no commit yet"
    number = len(files.files)
    yield f"{len(difference.added)} added in {number} staged file{'' if number == 1 else 's'}, compared with {than}"
    yield from map(safe, remarks(made))
    yield from (safe(f"left out: {path}: {reason}") for path, reason in files.excluded.items())
    if judgement.verdict is not Verdict.PASS:
        broken = tuple(rule for rule in judgement.rules if rule.verdict is not Verdict.PASS)
        yield from ("", *gating.lines(replace(judgement, rules=broken)), "")
        yield _WHAT_TO_DO[judgement.verdict]


_WHAT_TO_DO = {
    Verdict.FAIL: (
        "Mend it and stage it again: git add. A secret that was pushed once has to be replaced as well.\n"
        'If it may stay: fixby scan, and then fixby dismiss ID --reason "...", or fixby accept until a date.'
    ),
    Verdict.UNKNOWN: (
        "What was not looked at may hold anything. Mend it and stage it again: git add; or name it under `exclude` in\n"
        "fixby.toml, which counts once that is committed."
    ),
}
