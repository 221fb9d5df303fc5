"""How a request for an acceptance, or an approval, is signed: at once with a key, or apart, on another machine."""

import os
from dataclasses import dataclass
from pathlib import Path

from fixby.cli.configuration import Configuration
from fixby.cli.output import emit, printable
from fixby.cli.place import checker
from fixby.errors import UsageError
from fixby.policies.sign_off import Signed, told_at
from fixby.reports.plain import safe
from fixby.scanners import ssh_keygen
from fixby.store.signing import Signing


@dataclass(frozen=True, slots=True)
class Way:
    """At most one of these: the file of a `key`; `only_statement`, to print what to sign; a `signed` statement's file.

    The signature of a statement lies beside it, under its name with `.sig`, where ssh-keygen puts it.
    """

    key: Path | None = None
    only_statement: bool = False
    signed: Path | None = None


def signing(way: Way, found: Configuration, signer: str) -> Signing | None:
    """How `signer` signs, or None where they do not. Raises `UsageError` for two ways at once, or unreadable files."""
    if (way.key is not None) + way.only_statement + (way.signed is not None) > 1:
        raise UsageError("A decision is signed in one way.", "Give one of --sign, --statement and --signed.")
    if way.only_statement:
        return Signing(_only_tell)
    if way.key is not None:
        return _with_key(way.key, found, signer)
    return _apart(way.signed, found, signer) if way.signed is not None else None


def _only_tell(statement: str, _: int) -> None:
    emit(statement.rstrip("\n"))


def _with_key(key: Path, found: Configuration, signer: str) -> Signing:
    if not key.is_file():
        raise UsageError(f"--sign: {key} is no file.", "Name the file of your SSH key, or of its public half.")

    def sign(statement: str, now: int) -> tuple[str, str]:
        signature = ssh_keygen.sign(statement, key, os.environ.get("SSH_AUTH_SOCK", ""))
        return _proved(Signed(statement, signature, signer, now), found)

    return Signing(sign)


def _apart(file: Path, found: Configuration, signer: str) -> Signing:
    text, signature = _read(file), _read(Path(f"{file}.sig"))
    try:
        at = told_at(text)
    except ValueError as error:
        raise UsageError(f"{file} is no statement to sign: {error}.", "Print one: --statement") from error

    def sign(statement: str, now: int) -> tuple[str, str]:
        if statement != text:
            message = f"{file} is not what is to be decided: other findings, other words, or something happened since."
            raise UsageError(message, "Give the same options as with --statement, or print it anew and sign that.")
        return _proved(Signed(statement, signature, signer, now), found)

    return Signing(sign, at)


def _proved(one: Signed, found: Configuration) -> tuple[str, str]:
    """A signature that the allowed signers prove, and the fingerprint of its key. Raises `UsageError` for another."""
    if found.allowed_signers is None:
        hint = 'Name the file in fixby.toml: allowed_signers = "allowed_signers", or in FIXBY_ALLOWED_SIGNERS.'
        raise UsageError("No allowed signers are configured: nobody could check the signature.", hint)
    [checked] = checker(found)([one])
    if checked.why == ssh_keygen.MISSING:
        raise UsageError("ssh-keygen is not installed: nothing else checks signatures.", ssh_keygen.INSTALL)
    if checked.why:
        hint = f"{printable(found.allowed_signers)} must name {one.signer} with this key; FIXBY_ACTOR says who you are."
        raise UsageError(f"The signature is not that of {one.signer}: {safe(checked.why)}.", hint)
    return one.signature, checked.key


def _read(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return stream.read(_LARGEST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"{file} cannot be read: {why}.", "--signed FILE needs FILE and FILE.sig.") from error


_LARGEST = 2**26
