"""The scanners that Fixby knows. To add one: write its module, name it here."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from fixby.errors import UsageError
from fixby.scanners.scanner import Kind, Scanner

if TYPE_CHECKING:
    from fixby.scanners import bandit, detect_secrets, osv, pip_audit, semgrep, syft
    from fixby.scanners.image import ImageScanner

    _checked: tuple[Scanner, ...] = (bandit, detect_secrets, osv, pip_audit, semgrep)
    _checked_of_images: tuple[ImageScanner, ...] = (syft,)

MODULES = {
    "bandit": "fixby.scanners.bandit",
    "detect-secrets": "fixby.scanners.detect_secrets",
    "osv": "fixby.scanners.osv",
    "pip-audit": "fixby.scanners.pip_audit",
    "semgrep": "fixby.scanners.semgrep",
}
"""Those that look at files."""

IMAGE_MODULES = {
    "syft": "fixby.scanners.syft",
}
"""Those that look at container images: `fixby scan --image`."""

NAMES = (*MODULES, *IMAGE_MODULES)
"""All of them."""


def scanner(name: str) -> Scanner:
    """The adapter of a tool that looks at files. Raises `UsageError` that lists the known ones."""
    if name not in MODULES:
        raise _unknown(name)
    return cast("Scanner", import_module(MODULES[name]))


def selected(names: tuple[str, ...], kinds: tuple[str, ...]) -> list[Scanner]:
    """The scanners of files of these names (all where none is named), as far as they are of these kinds (all if none).

    Raises `UsageError` for an unknown name or kind, and where nothing is left.
    """
    _check(names, kinds)
    chosen = [scanner(name) for name in dict.fromkeys(names or MODULES) if name in MODULES]
    left = [one for one in chosen if not kinds or one.KIND in kinds]
    if left:
        return left
    if Kind.CONTAINER in kinds or set(names) & set(IMAGE_MODULES):
        raise UsageError("What looks at images was asked for, and no image.", "Name one: fixby scan --image REFERENCE")
    raise UsageError(*_NONE)


def selected_for_images(names: tuple[str, ...], kinds: tuple[str, ...]) -> list["ImageScanner"]:
    """The scanners of images of these names, as far as they are of these kinds (all where none is).

    Where none of them is named, those that are installed; where none is, the first, which says so. Raises `UsageError`
    for an unknown name or kind, and where nothing is left.
    """
    _check(names, kinds)
    chosen = [name for name in dict.fromkeys(names) if name in IMAGE_MODULES]
    known = [cast("ImageScanner", import_module(IMAGE_MODULES[name])) for name in chosen or IMAGE_MODULES]
    left = [one for one in known if not kinds or one.KIND in kinds]
    if not left:
        raise UsageError(*_NONE)
    return left if chosen else [one for one in left if _is_installed(one)] or left[:1]


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


_NONE = ("No scanner is of the kinds that were asked for.", "See what there is: fixby doctor")
