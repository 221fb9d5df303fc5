"""The scanners that Fixby knows. To add one: write its module, name it here."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from fixby.errors import UsageError
from fixby.scanners import installed
from fixby.scanners.scanner import Kind, Scanner

if TYPE_CHECKING:
    from fixby.scanners import bandit, detect_secrets, grype, osv, pip_audit, semgrep, trivy

    _checked: tuple[Scanner, ...] = (bandit, detect_secrets, grype, osv, pip_audit, semgrep, trivy)

MODULES = {
    "bandit": "fixby.scanners.bandit",
    "detect-secrets": "fixby.scanners.detect_secrets",
    "osv": "fixby.scanners.osv",
    "pip-audit": "fixby.scanners.pip_audit",
    "semgrep": "fixby.scanners.semgrep",
    "grype": "fixby.scanners.grype",
    "trivy": "fixby.scanners.trivy",
}

ON_REQUEST = frozenset({"grype", "trivy"})
"""Tools that others install. They run where they are asked for, by name or by kind: what is scanned by default, and so
what closes findings and satisfies a gate, does not depend on what happens to lie on the PATH."""


def scanner(name: str) -> Scanner:
    """The adapter of a tool. Raises `UsageError` that lists the known ones."""
    if name not in MODULES:
        raise UsageError(f"There is no scanner {name!r}.", f"Known are: {', '.join(MODULES)}.")
    return cast("Scanner", import_module(MODULES[name]))


def selected(names: tuple[str, ...], kinds: tuple[str, ...]) -> list[Scanner]:
    """The scanners of these names, as far as they are of these kinds (all where none is).

    Where none is named they are those that come with Fixby; those that others install only where their kind is asked
    for, and they are on the PATH. Raises `UsageError` for an unknown name or kind, and where nothing is left.
    """
    for kind in kinds:
        if kind not in set(Kind):
            raise UsageError(f"There is no kind of scanner {kind!r}.", f"Known are: {', '.join(Kind)}.")
    chosen = [scanner(name) for name in dict.fromkeys(names or MODULES) if names or _is_default(name, kinds)]
    left = [one for one in chosen if not kinds or one.KIND in kinds]
    if not left:
        hint = f"Install one of {', '.join(sorted(ON_REQUEST))}, or see what there is: fixby doctor"
        raise UsageError("No scanner is of the kinds that were asked for.", hint)
    return left


def _is_default(name: str, kinds: tuple[str, ...]) -> bool:
    return name not in ON_REQUEST or (bool(kinds) and installed.found(name) is not None)
