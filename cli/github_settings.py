"""What a workflow names to judge by, taken from the base of a change: a change may not judge itself."""

from collections.abc import Iterator, MutableMapping
from pathlib import Path

from fixby.cli.output import printable
from fixby.scanners import revision
from fixby.scanners.target import target


def take_from_base(checkout: Path, base: str, folder: Path, environment: MutableMapping[str, str]) -> tuple[str, ...]:
    """Let the variables name files of the base where they name files of the checkout; what is to be said of it.

    `folder` does not exist yet; the base is written into it. Raises `FetchError` where the checkout has no such commit.
    """
    top = revision.top_of(checkout)
    named = {name: Path(environment[name]).resolve() for name in _NAMES if environment.get(name)}
    inside = {name: file for name, file in named.items() if top and file.is_relative_to(top.resolve())}
    if top is None or not inside:
        return ()
    found = revision.base(top, base)
    folder.mkdir()
    revision.export(top, found.commit if found else base, folder, target(top))
    return tuple(_taken(inside, top.resolve(), folder, environment))


_NAMES = ("FIXBY_CONFIG", "FIXBY_POLICY", "FIXBY_GATE", "FIXBY_ALLOWED_SIGNERS")


def _taken(
    inside: MutableMapping[str, Path], top: Path, folder: Path, environment: MutableMapping[str, str]
) -> Iterator[str]:
    for name, file in inside.items():
        before, shown = folder / file.relative_to(top), printable(file.relative_to(top))
        if not before.is_file():
            del environment[name]
            yield f"{shown} is added: it says how to judge, and counts from when it is merged."
            continue
        environment[name] = str(before)
        if not file.is_file() or file.read_bytes() != before.read_bytes():
            yield f"{shown} is changed: it says how to judge, and counts from when it is merged."
