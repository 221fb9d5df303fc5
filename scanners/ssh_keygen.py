"""Signatures of OpenSSH, made and checked by `ssh-keygen -Y` (PROTOCOL.sshsig, and ALLOWED SIGNERS in its manual).

Times in an allowed-signers file that do not end in `Z` are read as UTC, so that every machine says the same.
"""

import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from io import BufferedReader
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

from fixby.errors import UsageError
from fixby.policies.sign_off import NAMESPACE, Checked, Signed
from fixby.scanners.files import open_regular
from fixby.scanners.process import Limits, run
from fixby.scanners.scanner import Command, Finished

MISSING = "ssh-keygen is not installed"
INSTALL = "Install OpenSSH 8.9 or later: apt install openssh-client, dnf install openssh, apk add openssh-keygen."


def is_installed() -> bool:
    """Whether there is an ssh-keygen."""
    return shutil.which("ssh-keygen") is not None


def sign(statement: str, key: Path, agent: str) -> str:
    """The signature of a statement: armoured text.

    `key` is the file of a private key without a passphrase, or of a public one whose other half `agent` holds, the
    socket of an ssh-agent, or empty. Raises `UsageError`.
    """
    arguments = ("ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", str(key.absolute()))
    with TemporaryDirectory(prefix="fixby-") as folder:
        environment = {"SSH_AUTH_SOCK": agent} if agent else {}
        ended = run(Command(arguments, (), Path(folder), environment=environment, input=statement.encode()), _LIMITS)
    if ended.exit_code == _NOT_FOUND:
        raise UsageError(f"{MISSING}, and nothing else signs.", INSTALL)
    if ended.failure or ended.exit_code:
        hint = "A key with a passphrase signs through ssh-agent (name the .pub file), or apart: --statement, --signed."
        raise UsageError(f"ssh-keygen signs nothing with {key}: {_why(ended)}.", hint)
    return ended.report.decode()


def check(some: Sequence[Signed], signers: bytes | None) -> list[Checked]:
    """What signatures prove by the content of an allowed-signers file, None where there is none.

    The signer must be named in it, for this key, at the second of the sign-off.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(_checked, some, repeat(signers)))


def read_signers(file: Path) -> bytes:
    """The content of an allowed-signers file. Raises `UsageError` where it is none."""
    try:
        with BufferedReader(open_regular(file.resolve())) as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"The allowed signers {file} cannot be read: {error.strerror}.", _FILE_HINT) from error
    if len(content) > _LARGEST:
        raise UsageError(f"The allowed signers {file} are larger than {_LARGEST >> 20} MiB.", _FILE_HINT)
    return content


_LIMITS = Limits(seconds=60, memory_bytes=2**30, output_bytes=16 * 2**20)
_NOT_FOUND = 127
_LARGEST = 2**20
_LONGEST_SIGNATURE = 2**16
_LAST_SECOND = 253_402_300_799
_FILE_HINT = "Name a file of the format of ssh-keygen's manual, ALLOWED SIGNERS."


@lru_cache(maxsize=10_000)
def _checked(one: Signed, signers: bytes | None) -> Checked:
    if signers is None:
        return Checked(why="no allowed_signers is configured")
    if not one.signer.isprintable() or not 0 <= one.at <= _LAST_SECOND or len(one.signature) > _LONGEST_SIGNATURE:
        return Checked(why="it is nothing that Fixby writes")
    with TemporaryDirectory(prefix="fixby-") as folder:
        Path(folder, "allowed_signers").write_bytes(signers)
        Path(folder, "signature").write_bytes(one.signature.encode(errors="replace"))
        at = time.strftime("%Y%m%d%H%M%S", time.gmtime(one.at))
        options = ("-f", "allowed_signers", "-s", "signature", "-n", NAMESPACE, "-O", f"verify-time={at}")
        arguments = ("ssh-keygen", "-Y", "verify", "-I", one.signer, *options)
        command = Command(arguments, (), Path(folder), environment={"TZ": "UTC0"}, input=one.statement.encode())
        ended = run(command, _LIMITS)
    if ended.exit_code == _NOT_FOUND:
        return Checked(why=MISSING)
    if ended.failure or ended.exit_code:
        return Checked(why=_why(ended) or f"no key that is allowed for {one.signer} made it")
    key = ended.report.decode(errors="replace").strip().rpartition(" key ")[2]
    return Checked(key) if key.startswith("SHA256:") else Checked(why="ssh-keygen does not name its key")


def _why(ended: Finished) -> str:
    """What ssh-keygen says of a failure, in one line, empty where it says nothing of use."""
    said = [line.strip() for line in ended.errors.splitlines() if not line.startswith(_NOISE)]
    return (ended.failure or "; ".join(filter(None, said))).rstrip(".")


_NOISE = ("Signing data on", "Could not verify signature")
