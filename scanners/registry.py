"""The scanners that Fixby knows. To add one: write its module, name it here."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from fixby.errors import UsageError
from fixby.scanners.scanner import Kind, Scanner

if TYPE_CHECKING:
    from fixby.scanners import bandit, detect_secrets, osv, pip_audit, semgrep

    _checked: tuple[Scanner, ...] = (bandit, detect_secrets, osv, pip_audit, semgrep)

MODULES = {
    "bandit": "fixby.scanners.bandit",
    "detect-secrets": "fixby.scanners.detect_secrets",
    "osv": "fixby.scanners.osv",
    "pip-audit": "fixby.scanners.pip_audit",
    "semgrep": "fixby.scanners.semgrep",
}


def scanner(name: str) -> Scanner:
    """The adapter of a tool. Raises `UsageError` that lists the known ones."""
    if name not in MODULES:
        raise UsageError(f"There is no scanner {name!r}.", f"Known are: {', '.join(MODULES)}.")
    return cast("Scanner", import_module(MODULES[name]))


def selected(names: tuple[str, ...], kinds: tuple[str, ...]) -> list[Scanner]:
    """The scanners of these names (all where none is named), as far as they are of these kinds (all where none is).

    Raises `UsageError` for an unknown name or kind, and where nothing is left.
    """
    for kind in kinds:
        if kind not in set(Kind):
            raise UsageError(f"There is no kind of scanner {kind!r}.", f"Known are: {', '.join(Kind)}.")
    chosen = [scanner(name) for name in dict.fromkeys(names or MODULES)]
    left = [one for one in chosen if not kinds or one.KIND in kinds]
    if not left:
        raise UsageError("No scanner is of the kinds that were asked for.", "See what there is: fixby doctor")
    return left
