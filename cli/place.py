"""Where a command works: the folder, the store and the configuration that were named, and what follows from them."""

import os
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fixby.cli.configuration import Configuration, configuration
from fixby.cli.output import note, printable
from fixby.errors import StoreError, UsageError
from fixby.reports.plain import ID_LENGTH, safe

if TYPE_CHECKING:
    from fixby.policies.policy import Policy
    from fixby.policies.sign_off import Check, Checked, Signed
    from fixby.store.database import Database
    from fixby.tracked import SignOff


@dataclass(frozen=True, slots=True)
class Place:
    """What the caller named; None stands for what the configuration or a default says."""

    path: Path = Path()
    store: str | None = None
    config: Path | None = None

    def configuration(self, asset: str = "") -> Configuration:
        """The configuration in force, of the asset if one is named. Raises `ConfigurationError` or `UsageError`."""
        if not self.path.exists():
            raise UsageError(f"{self.path} does not exist.", "Name a folder that does.")
        found = configuration(self.path, self.config, os.environ)
        named = replace(found.asset, name=asset or found.asset.name)
        return replace(found, store=self.store or found.store, asset=named)

    def again(self, command: str) -> str:
        """How to call another command for this place, where that command takes its folder by `--path`."""
        named = (
            ("--path", self.path if self.path != Path() else None),
            ("--store", self.store),
            ("--config", self.config),
        )
        options = (f"{option} {shlex.quote(printable(value))}" for option, value in named if value)
        return " ".join((command, *options))


@contextmanager
def reading(place: Place) -> Iterator[tuple["Database", Configuration]]:
    """The store, opened to be read, as far as its sign-offs are valid, and the configuration."""
    with reading_all(place) as (database, found), only_valid(database, found):
        yield database, found


@contextmanager
def only_valid(database: "Database", found: Configuration, *, copied: bool = False) -> Iterator[None]:
    """Inside, what people accepted does not count where the policy demands signatures that do not verify now.

    How many there are is noted. `copied` says that an earlier state is read.
    """
    from fixby.store.sign_offs import only_valid as valid  # noqa: PLC0415 - not for `fixby --help`

    with valid(database, checker(found), copied=copied) as refused:
        if refused:
            number = len(refused)
            what = "1 sign-off is" if number == 1 else f"{number} sign-offs are"
            note(f"fixby: {what} refused and do{'es' if number == 1 else ''} not count; why: fixby show {_id(refused)}")
        yield


def _id(refused: "Sequence[SignOff]") -> str:
    return refused[0].finding[:ID_LENGTH]


def checker(found: Configuration) -> "Check":
    """What checks signatures by the configured allowed signers; `ssh-keygen` runs only where there are any."""

    def check(some: "Sequence[Signed]") -> "Sequence[Checked]":
        if not some:
            return ()
        from fixby.scanners import ssh_keygen  # noqa: PLC0415 - only for what is signed

        return ssh_keygen.check(some, ssh_keygen.read_signers(found.allowed_signers) if found.allowed_signers else None)

    return check


@contextmanager
def reading_all(place: Place) -> Iterator[tuple["Database", Configuration]]:
    """The store, opened to be read, with whatever its log says, and the configuration."""
    found = place.configuration()
    from fixby.store.opening import open_for_reading  # noqa: PLC0415 - not for `fixby --help`

    refuse_tracked_store(found)
    database = open_for_reading(found.store)
    try:
        yield database, found
    finally:
        database.close()


@contextmanager
def reading_at(place: Place, as_of: str) -> Iterator[tuple["Database", Configuration, int]]:
    """The store, the configuration and the UTC second to judge by: now, or the store as it was at an earlier instant.

    Raises `UsageError` for an instant in the future or none at all.
    """
    from fixby.cli.instants import end  # noqa: PLC0415 - not for `fixby --help`
    from fixby.store.past import as_of as as_it_was  # noqa: PLC0415
    from fixby.store.past import last_event_at  # noqa: PLC0415

    with reading_all(place) as (database, found):
        if not as_of:
            note_other_policy(database, found)
            with only_valid(database, found):
                yield database, found, now()
            return
        at = end(as_of, "--as-of", now())
        with as_it_was(database, last_event_at(database, at)), only_valid(database, found, copied=True):
            yield database, found, at


@contextmanager
def writing(found: Configuration) -> Iterator["Database"]:
    """The store, opened to be written."""
    from fixby.store.opening import open_for_writing  # noqa: PLC0415 - not for `fixby --help`

    refuse_tracked_store(found)
    database = open_for_writing(found.store)
    try:
        yield database
    finally:
        database.close()


def refuse_tracked_store(found: Configuration) -> None:
    """Raise `StoreError` for a configured store that git tracks."""
    if "://" not in found.store:
        refuse_tracked(Path(found.store))


def scope(path: Path, found: Configuration) -> str:
    """The part of the asset that a folder, or the folder of a file, is, from its root: `.` for all of it."""
    folder, root = (path.resolve().parent if path.is_file() else path.resolve()), found.root.resolve()
    return printable(folder.relative_to(root).as_posix()) if folder.is_relative_to(root) else "."


def policy(found: Configuration) -> "Policy":
    """The policy in force: the configured one, else the shipped one."""
    from fixby.policies.policy import load, shipped  # noqa: PLC0415 - not for `fixby --help`

    return load(found.policy) if found.policy else shipped()


def note_other_policy(database: "Database", found: Configuration) -> None:
    """Say so where the configured policy is not the one in force: due dates follow the latter until the next scan."""
    from fixby.store.terms import in_force  # noqa: PLC0415 - not for `fixby --help`

    configured, ours = policy(found), in_force(database, found.asset.name)
    if ours is not None and ours.digest != configured.digest:
        note(
            f"fixby: the policy in force for {safe(found.asset.name)} is {safe(ours.name)!r} ({ours.digest[:12]});"
            f" {safe(printable(configured.source))} differs and comes into force with the next scan."
        )


def now() -> int:
    """The UTC second."""
    return int(time.time())


def beside(found: Configuration, name: str) -> Path:
    """A folder beside the store. Raises `UsageError` where there can be none, or it is a link."""
    if "://" in found.store:
        raise UsageError("The store is a server, so nothing can lie beside it.", "Name a folder: --to DIR.")
    folder = Path(found.store).parent / name
    if folder.is_symlink():
        raise UsageError(f"{folder} is a link, which may lead anywhere.", "Name the folder that it leads to: --to DIR.")
    return folder


def refuse_tracked(file: Path) -> None:
    """Raise `StoreError` for a file that git tracks: what the scanned repository brings could say that all is well."""
    if not file.exists() or not any((folder / ".git").exists() for folder in file.resolve().parents):
        return
    from fixby.scanners.target import is_tracked  # noqa: PLC0415 - only a checkout needs it

    if is_tracked(file.resolve()):
        raise StoreError(f"{file} is tracked by git.", f"Take it out: git rm --cached {file}")
