"""The process in which detect-secrets runs: its own checks over files that we name, and what became of each file.

Its command-line tool passes over files without a word: by their names (`.svg`, `.lock`, any path with `swagger` in it),
because they are not UTF-8, or because they cannot be opened; and it tells only the first place of a secret in a file.
Here every file is either scanned or named with the reason. The command also takes the hash of the first letters (`ghp`,
`BEGIN RSA PRIVATE KEY`) for that of a token of GitHub or GitLab or of a private key; here it is that of the whole.

The report on standard output is a baseline of detect-secrets with `scanned` (names), `unread` (reasons by name) and,
for each secret, whether it is `allowlisted` by a comment.

Run as `python -I -m fixby.scanners.detect_secrets_worker ROOT LIST`; LIST holds names relative to ROOT, each ended by a
zero byte.
"""

import codecs
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from detect_secrets.__version__ import VERSION
from detect_secrets.core import scan as core_scan
from detect_secrets.core.potential_secret import PotentialSecret
from detect_secrets.core.scan import scan_file
from detect_secrets.filters.heuristic import is_lock_file, is_non_text_file
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.settings import Settings, default_settings, get_filters

from fixby.scanners.files import open_regular

SECONDS = 60
"""Of processor time for one file."""

LARGEST = 100 * 2**20
"""Bytes of a file that is still looked at."""


def main() -> None:
    """Scan the files that the arguments name and print the report."""
    root, names = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes()
    signal.signal(signal.SIGVTALRM, _out_of_time)
    core_scan.call_function_with_arguments = _called  # type: ignore[attr-defined, assignment]
    for detector in (GitHubTokenDetector, GitLabTokenDetector):
        detector.denylist = [_without_groups(pattern) for pattern in detector.denylist]
    with default_settings() as settings, TemporaryDirectory() as folder:
        settings.disable_filters(*_PASSING_OVER_FILES)
        scan = _Scan(settings, root, Path(folder))
        print(json.dumps(_report(scan, os.fsdecode(names).split("\0")[:-1])))  # noqa: T201 - this is its report


def _without_groups(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """A pattern that finds the whole of what it matches: of one with a group detect-secrets takes the group."""
    return re.compile(re.sub(r"\((?!\?)", "(?:", pattern.pattern), pattern.flags)


def _called(function: Callable[..., Any], **given: Any) -> Any:  # noqa: ANN401 - whatever the function takes and gives
    """A function called with those arguments that it takes.

    detect-secrets has the same, but asks each time what the function takes; that was a third of all its work.
    """
    return function(
        **{name: given[name] for name in _parameters(getattr(function, "__func__", function)) if name in given}
    )


@cache
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(signature(function).parameters)


_ALLOWING = "detect_secrets.filters.allowlist.is_line_allowlisted"
_PASSING_OVER_FILES = (
    "detect_secrets.filters.common.is_invalid_file",
    "detect_secrets.filters.heuristic.is_lock_file",
    "detect_secrets.filters.heuristic.is_non_text_file",
    "detect_secrets.filters.heuristic.is_swagger_file",
)

_GUESSES = frozenset({"Base64 High Entropy String", "Hex High Entropy String", "Secret Keyword"})
"""Kinds that are not told of binary, lock and other generated files: checksums are what these consist of."""


@dataclass(frozen=True, slots=True)
class _Scan:
    """The settings in force, the root of the target, and a folder for copies of files."""

    settings: Settings
    root: Path
    folder: Path


class _UnreadError(Exception):
    """A file was not looked at, or not to its end."""


def _report(scan: _Scan, names: list[str]) -> dict[str, object]:
    results: dict[str, list[dict[str, object]]] = {}
    unread: dict[str, str] = {}
    for name in names:
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            results[name] = _secrets(scan, name)
        except (OSError, _UnreadError) as error:
            unread[name] = getattr(error, "strerror", None) or str(error)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    found = {name: secrets for name, secrets in results.items() if secrets}
    return {"version": VERSION, **scan.settings.json(), "results": found, "scanned": list(results), "unread": unread}


def _out_of_time(_signal: int, _frame: FrameType | None) -> None:
    raise _UnreadError(f"detect-secrets took longer than {SECONDS} seconds")


def _secrets(scan: _Scan, name: str) -> list[dict[str, object]]:
    """Every place of every secret of a file; those that only a comment allows are marked."""
    content = _content(scan.root / name)
    text = _as_text(content)
    path = _copy(scan, name, text) if text is not None else scan.root / name
    written = not _is_binary(content) and not is_non_text_file(name) and not is_lock_file(name)
    found = {_key(secret): secret for secret in _scanned(scan, path, obeying=False)}
    obeying = {_key(one): one for one in _scanned(scan, path, obeying=True)} if _ALLOWED.search(content) else found
    lines = (text if text is not None else content.decode()).splitlines()
    return [
        {**secret.json(), **_of_private_key(secret, lines), "filename": name, "allowlisted": key not in obeying}
        for key, secret in sorted({**found, **obeying}.items())
        if written or secret.type not in _GUESSES
    ]


def _of_private_key(secret: PotentialSecret, lines: list[str]) -> dict[str, object]:
    """The hash of a private key itself, however it is indented or quoted; of a mere heading that of its line."""
    if secret.type != "Private Key":
        return {}
    text = "\n".join(lines[secret.line_number - 1 :][:_LINES_OF_A_KEY]).replace("\\n", "\n")
    body = _KEY_BODY.search(text)
    key = _key_in(body["body"], is_ended=bool(body["end"])) if body else ""
    return {"hashed_secret": PotentialSecret.hash_secret(key or lines[secret.line_number - 1].strip())}


def _key_in(body: str, *, is_ended: bool) -> str:
    """What follows a heading, without quotes and the like; where no end is marked, up to what cannot be the key's."""
    if is_ended:
        return "".join(_BASE64.findall(body))
    key: list[str] = []
    for line in (part.strip(_AROUND) for part in body.split("\n")):
        if line and not (not key and _HEADER.match(line)):
            if not _BASE64.fullmatch(line):
                break
            key.append(line)
            if len(line) < len(key[0]):
                break
    return "".join(key)


_LINES_OF_A_KEY = 400
_KEY_BODY = re.compile(
    r"(?:PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File)(?P<body>.*?)(?:(?P<end>-----END)|-----BEGIN|\Z)", re.DOTALL
)
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")
_HEADER = re.compile(r"[\w-]*: ")
_AROUND = " \t\r\"'`+,;()#*>|"


def _content(path: Path) -> bytes:
    with open_regular(path) as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise _UnreadError(f"the file is larger than {LARGEST // 2**20} MiB")
    return content


def _as_text(content: bytes) -> str | None:
    """What the content says where it is not UTF-8, which detect-secrets cannot read; None where it is.

    UTF-16 is known by its mark, of anything else with zero bytes only the printable words are kept, and the rest is
    taken for Latin-1.
    """
    if content.startswith(_UTF_16):
        return content.decode("utf-16", "replace")
    try:
        content.decode()
    except UnicodeDecodeError:
        return b"\n".join(_WORDS.findall(content)).decode() if _is_binary(content) else content.decode("latin-1")
    return None


def _is_binary(content: bytes) -> bool:
    return b"\0" in content and not content.startswith(_UTF_16)


_ALLOWED = re.compile(rb"pragma: ?(allow|white)list")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORDS = re.compile(rb"[\t\x20-\x7e]{8,}")


def _copy(scan: _Scan, name: str, text: str) -> Path:
    """A copy of a file in UTF-8, under the same suffix: it tells detect-secrets the language."""
    copy = scan.folder / f"copy{Path(name).suffix}"
    copy.write_text(text)
    return copy


def _scanned(scan: _Scan, path: Path, *, obeying: bool) -> Iterator[PotentialSecret]:
    """What detect-secrets finds, comments that allow a secret obeyed or not."""
    if obeying:
        scan.settings.filters[_ALLOWING] = {}
    else:
        scan.settings.filters.pop(_ALLOWING, None)
    get_filters.cache_clear()
    return scan_file(str(path))


def _key(secret: PotentialSecret) -> tuple[int, str, str]:
    return secret.line_number, secret.type, secret.secret_hash


if __name__ == "__main__":
    main()
