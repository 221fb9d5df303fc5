"""A branch of a repository that holds files and nothing else, fetched and pushed by git's plumbing.

Git works in a private bare repository that lives as long as the command: nothing that a checkout, a user or a machine
configures is run, no hook, no helper, no filter; nothing is ever checked out. A token goes to git in its environment,
never on a command line, and only to an address that the caller named.
"""

import base64
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fixby.errors import StoreError, UsageError
from fixby.scanners.process import Limits, run
from fixby.scanners.scanner import Command, Finished


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the branch is: a URL or a path, the branch's name, and the token that opens it, if any.

    `named` says that the caller named the address; one that a checkout configures gets no token and is no path.
    """

    url: str
    branch: str
    token: str = ""
    named: bool = True

    @property
    def place(self) -> str:
        """The address and the branch, fit to be shown: without a password."""
        return f"{_PASSWORD.sub('//', self.url)} {self.branch}"


@dataclass(frozen=True, slots=True)
class Tip:
    """The branch as it was fetched: its newest commit first of all, and its files by name."""

    commits: Sequence[str]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch that can be fetched and pushed to, with the private repository for that."""

    remote: Remote
    folder: Path

    def fetch(self) -> Tip | None:
        """The branch as it is now, or None where there is none. Raises `StoreError` where it cannot be told."""
        fetched = self._git(*_FETCH, "--", self.remote.url, f"+refs/heads/{self.remote.branch}:{_TIP}")
        if _failed(fetched):
            if self._is_absent():
                return None
            raise _unreachable(self.remote, "fetched", fetched)
        if (self.folder / "shallow").exists():
            raise StoreError(
                f"The history of {self.remote.place} is cut off: it is a shallow clone.",
                "Name the repository that it was cloned from: --remote URL",
            )
        commits = self._demand("rev-list", _TIP).decode().split()
        return Tip(commits, self._files(commits[0]))

    def earlier(self, tip: Tip, name: str) -> Iterator[tuple[str, bytes | None]]:
        """One file as each commit of the branch had it, newest first; None where one had none."""
        contents = self._contents([f"{commit}:{name}" for commit in tip.commits])
        return zip(tip.commits, contents, strict=True)

    def push(self, after: Tip | None, changes: Mapping[str, bytes | None], message: str, now: int) -> Finished | None:
        """Add a commit that changes files (None takes one away) and push it: None, or how git refused.

        Only what comes after `after` is ever pushed: a branch that has moved on refuses it. `now` is a UTC second.
        """
        stream = _commit(after.commits[0] if after else "", changes, message, now)
        self._demand("fast-import", "--quiet", "--force", "--date-format=raw", input_=stream)
        pushed = self._git(*_PUSH, "--", self.remote.url, f"{_NEXT}:refs/heads/{self.remote.branch}")
        return pushed if _failed(pushed) else None

    def _is_absent(self) -> bool:
        asked = self._git("ls-remote", "--exit-code", "--", self.remote.url, f"refs/heads/{self.remote.branch}")
        return not asked.failure and asked.exit_code == _NO_SUCH_REF

    def _files(self, commit: str) -> Mapping[str, bytes]:
        listed = self._demand("ls-tree", "-r", "-z", "--long", commit).split(b"\0")
        names: list[str] = []
        total = 0
        for entry in filter(None, listed):
            about, _, raw = entry.partition(b"\t")
            mode, _, _, size = about.decode().split()
            name = raw.decode("utf-8", "backslashreplace")
            if mode != _REGULAR or not _NAME.fullmatch(name):
                raise StoreError(
                    f"There is something on {self.remote.place} that Fixby does not write: {name}.",
                    "Look at who pushed it, and put the last good commit back.",
                )
            total += int(size)
            names.append(name)
        if total > _LIMITS.output_bytes // 2:
            raise StoreError(f"The state on {self.remote.place} is larger than {_LIMITS.output_bytes // 2} bytes.")
        contents = self._contents([f"{commit}:{name}" for name in names])
        return {name: content for name, content in zip(names, contents, strict=True) if content is not None}

    def _contents(self, objects: Sequence[str]) -> Iterator[bytes | None]:
        """The contents of objects by name, None for what is not there."""
        told = self._demand("cat-file", "--batch", input_="".join(f"{name}\n" for name in objects).encode())
        at = 0
        for _ in objects:
            end = told.index(b"\n", at)
            words = told[at:end].split()
            at = end + 1
            if words[-1] == b"missing":
                yield None
                continue
            size = int(words[-1])
            yield told[at : at + size]
            at += size + 1

    def _demand(self, *arguments: str, input_: bytes = b"") -> bytes:
        finished = self._git(*arguments, input_=input_)
        if _failed(finished):
            raise _unreachable(self.remote, "read", finished)
        return finished.report

    def _git(self, *arguments: str, input_: bytes = b"") -> Finished:
        settings = (part for setting in _SETTINGS for part in ("-c", setting))
        command = ("git", f"--git-dir={self.folder}", *settings, *arguments)
        return run(Command(command, (), self.folder, environment=_environment(self.remote), input=input_), _LIMITS)


@contextmanager
def opened(remote: Remote) -> Iterator[Branch]:
    """A branch to work with, in a private repository. Raises `UsageError` for an address or a name that is none."""
    _check(remote)
    with TemporaryDirectory(prefix="fixby-state-") as private:
        branch = Branch(remote, Path(private))
        branch._demand("init", "--quiet", "--bare", "--template=", "--initial-branch=none")  # noqa: SLF001 - its making
        yield branch


def origin(checkout: Path) -> str:
    """The URL that a checkout calls `origin`, or nothing."""
    command = ("git", "-C", str(checkout), "config", "--local", "--no-includes", "--get", "remote.origin.url")
    with TemporaryDirectory(prefix="fixby-") as folder:
        asked = run(Command(command, (), Path(folder), environment=_QUIET), _LIMITS)
    return "" if _failed(asked) else asked.report.decode("utf-8", "replace").strip()


def reason(finished: Finished) -> str:
    """Why git says that it failed, in one line."""
    words = _PASSWORD.sub("//", " ".join((finished.failure or finished.errors).split()))
    return words[:_LONGEST_REASON].removesuffix(".") or f"exit code {finished.exit_code}"


_TIP = "refs/state/tip"
_NEXT = "refs/state/next"
_NO_SUCH_REF = 2
_REGULAR = "100644"
_NAME = re.compile(r"README\.md|head\.json|log/[0-9]{10}-[0-9]{10}\.jsonl")
_LONGEST_REASON = 400
_LIMITS = Limits(seconds=600, memory_bytes=4 * 2**30, output_bytes=2**30)
_PASSWORD = re.compile(r"//[^/\s]*@")
_BRANCH = re.compile(r"(?!.*(\.\.|//|\.lock(/|$)))[A-Za-z0-9_][A-Za-z0-9_./-]{0,98}[A-Za-z0-9_]")
_URL = re.compile(r"(?:https|ssh)://[^\s/-]\S*|\w[\w.-]*@\w[\w.-]*:[^\s:-]\S*")

_FETCH = (
    "fetch",
    "--quiet",
    "--update-shallow",
    "--no-tags",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
)
_PUSH = ("push", "--quiet", "--no-verify", "--no-signed", "--recurse-submodules=no")
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "credential.helper=",
    "core.askPass=",
    "fetch.fsckObjects=true",
    "fetch.unpackLimit=1",
    "http.followRedirects=false",
    "gc.auto=0",
    "fastimport.unpackLimit=0",
    "protocol.ext.allow=never",
)
_QUIET = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
    "GIT_NO_LAZY_FETCH": "1",
}
_PASSED_ON = (
    *("SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "HTTPS_PROXY", "https_proxy"),
    *("NO_PROXY", "no_proxy"),
)


def _environment(remote: Remote) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}
    allowed = {"GIT_ALLOW_PROTOCOL": "https:ssh:file" if remote.named else "https:ssh"}
    return {**_QUIET, **kept, **allowed, **_credentials(remote)}


def _credentials(remote: Remote) -> Mapping[str, str]:
    if not remote.token or not remote.named or not remote.url.startswith("https://"):
        return {}
    basic = base64.b64encode(f"x-access-token:{remote.token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{remote.url}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }


def _check(remote: Remote) -> None:
    if not _BRANCH.fullmatch(remote.branch):
        raise UsageError(f"{remote.branch!r} is no name for a branch.", "Use letters, digits, dashes and slashes.")
    if not remote.url:
        raise UsageError("Nobody said where the state is.", "Name the repository: --remote URL, or FIXBY_STATE_REMOTE.")
    is_path = remote.named and Path(remote.url).is_absolute()
    if not is_path and not _URL.fullmatch(remote.url) and not (remote.named and remote.url.startswith("file:///")):
        raise UsageError(
            f"{remote.place} is no address of a repository that Fixby goes to.",
            "Name one with --remote: https://..., ssh://..., git@host:name, or a path.",
        )


def _failed(finished: Finished) -> bool:
    return bool(finished.failure) or finished.exit_code != 0


def _unreachable(remote: Remote, what: str, finished: Finished) -> StoreError:
    hint = "Check the address and the rights: FIXBY_STATE_TOKEN has the token, which needs contents: write to push."
    return StoreError(f"The state on {remote.place} cannot be {what}: {reason(finished)}.", hint)


def _commit(parent: str, changes: Mapping[str, bytes | None], message: str, now: int) -> bytes:
    """What git's fast-import reads."""
    parts = [f"commit {_NEXT}\ncommitter fixby <fixby@localhost> {now} +0000\n".encode(), _data(message.encode())]
    parts += [f"from {parent}\n".encode()] if parent else []
    for name, content in sorted(changes.items()):
        parts += (
            [f"D {name}\n".encode()] if content is None else [f"M {_REGULAR} inline {name}\n".encode(), _data(content)]
        )
    return b"".join((*parts, b"\n"))


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)
