"""The scanners that Fixby knows. To add one: write its module, name it here."""

from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING, cast

from fixby.errors import UsageError
from fixby.scanners import installed
from fixby.scanners.scanner import Kind, Scanner

if TYPE_CHECKING:
    from fixby.scanners import bandit, detect_secrets, grype, osv, pip_audit, semgrep, syft, trivy
    from fixby.scanners.image import ImageScanner

    _checked: tuple[Scanner, ...] = (bandit, detect_secrets, grype, osv, pip_audit, semgrep, trivy)
    _checked_of_images: tuple[ImageScanner, ...] = (syft, trivy, grype)

MODULES = {
    "bandit": "fixby.scanners.bandit",
    "detect-secrets": "fixby.scanners.detect_secrets",
    "osv": "fixby.scanners.osv",
    "pip-audit": "fixby.scanners.pip_audit",
    "semgrep": "fixby.scanners.semgrep",
    "grype": "fixby.scanners.grype",
    "trivy": "fixby.scanners.trivy",
}
"""Those that look at files."""

IMAGE_MODULES = {
    "syft": "fixby.scanners.syft",
    "grype": "fixby.scanners.grype",
    "trivy": "fixby.scanners.trivy",
}
"""Those that look at container images: `fixby scan --image`."""

NAMES = tuple(dict.fromkeys((*MODULES, *IMAGE_MODULES)))
"""All of them."""

ON_REQUEST = frozenset({"grype", "trivy"})
"""Tools that others install. They run where they are asked for, by name or by kind: what is scanned by default, and so
what closes findings and satisfies a gate, does not depend on what happens to lie on the PATH."""


def scanner(name: str) -> Scanner:
    """The adapter of a tool that looks at files. Raises `UsageError` that lists the known ones."""
    if name not in MODULES:
        raise _unknown(name)
    return cast("Scanner", import_module(MODULES[name]))


def kind_of(name: str) -> Kind:
    """What one of the scanners looks for."""
    return cast("Scanner | ImageScanner", import_module({**MODULES, **IMAGE_MODULES}[name])).KIND


def selected(names: tuple[str, ...], kinds: tuple[str, ...]) -> list[Scanner]:
    """The scanners of files of these names, as far as they are of these kinds (all where none is).

    Where none is named they are those that come with Fixby; those that others install only where their kind is asked
    for, and they are on the PATH. Raises `UsageError` for an unknown name or kind, and where nothing is left.
    """
    _check(names, kinds)
    chosen = [scanner(name) for name in _chosen(names, MODULES, kinds)]
    left = [one for one in chosen if not kinds or one.KIND in kinds]
    if left:
        return left
    if Kind.CONTAINER in kinds or set(names) & set(IMAGE_MODULES):
        raise UsageError("What looks at images was asked for, and no image.", _WITHOUT_IMAGE)
    raise UsageError(*_NONE)


def selected_for_images(names: tuple[str, ...], kinds: tuple[str, ...]) -> list["ImageScanner"]:
    """The scanners of images of these names, as far as they are of these kinds (all where none is).

    Where none of them is named, those that are installed, of the tools in `ON_REQUEST` only where their kind is asked
    for; where none is, the first, which says so. Raises `UsageError` for an unknown name or kind, and where nothing is
    left.
    """
    _check(names, kinds)
    chosen = _chosen(names, IMAGE_MODULES, kinds) if names else []
    known = [
        cast("ImageScanner", import_module(IMAGE_MODULES[name])) for name in chosen or _chosen((), IMAGE_MODULES, kinds)
    ]
    left = [one for one in known if not kinds or one.KIND in kinds]
    if not left:
        raise UsageError(*_NONE)
    return left if chosen else [one for one in left if _is_installed(one)] or left[:1]


def _chosen(names: tuple[str, ...], known: Collection[str], kinds: tuple[str, ...]) -> list[str]:
    """Those of the known that are named; where nothing is, those that run without being named."""
    if names:
        return [name for name in dict.fromkeys(names) if name in known]
    return [name for name in known if name not in ON_REQUEST or (kinds and installed.found(name))]


def _is_installed(one: "ImageScanner") -> bool:
    try:
        one.version()
    except UsageError:
        return False
    return True


def _check(names: tuple[str, ...], kinds: tuple[str, ...]) -> None:
    for name in names:
        if name not in NAMES:
            raise _unknown(name)
    for kind in kinds:
        if kind not in set(Kind):
            raise UsageError(f"There is no kind of scanner {kind!r}.", f"Known are: {', '.join(Kind)}.")


def _unknown(name: str) -> UsageError:
    return UsageError(f"There is no scanner {name!r}.", f"Known are: {', '.join(NAMES)}.")


_WITHOUT_IMAGE = (
    f"Name one: fixby scan --image REFERENCE; or install {' or '.join(sorted(ON_REQUEST))}, which look at files too."
)
_NONE = ("No scanner is of the kinds that were asked for.", "See what there is: fixby doctor")
