"""detect-secrets: credentials in any file of text.

It has no severities of its own; this table decides, and a secret that was found to work (`is_verified`) is critical.

| kind | severity |
|---|---|
| private keys, and what a provider issues, known by its format: AWS, Azure, GitHub, GitLab, Slack, Stripe, ... | high |
| a password in a URL, a JSON web token, a literal that a name such as `password` is given | medium |
| a string that looks random, a public IP address | low |
| any other | unknown |

It runs in a process of our own making (`detect_secrets_worker`) with all of its checks and without its network calls:
its own command passes over files without saying so. A secret that a comment allows, or that an audited baseline calls
none, is reported as suppressed. What is reported of a secret is its keyed hash, never the secret or the line around it.
"""

import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from hashlib import sha1
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from itertools import chain

from fixby.errors import UsageError
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.identity import digest
from fixby.scanners.report import (
    Record,
    child,
    each,
    has,
    line_of,
    no_report,
    optional_text,
    required_text,
    root,
    text,
    texts,
)
from fixby.scanners.scanner import Command, Finished, Kind, Options, Reading, Request, Source
from fixby.scanners.shards import balanced
from fixby.severity import Severity, SeveritySource

NAME = "detect-secrets"
KIND = Kind.SECRET
RENAMED_RULES: Mapping[str, Collection[str]] = {}


def recognises(document: object) -> bool:
    """Whether a JSON document is a baseline of detect-secrets."""
    return isinstance(document, dict) and {"plugins_used", "results"} <= document.keys()


def wants(path: str) -> bool:
    """Whether a file may hold text: everything but pictures, sounds, fonts and what is compressed."""
    return not path.lower().endswith(_NO_TEXT)


def version() -> str:
    """The version of detect-secrets that is installed. Raises `UsageError` where none is."""
    try:
        return installed_version(NAME)
    except PackageNotFoundError as error:
        raise UsageError(
            "detect-secrets is not installed.", "Install fixby again: it brings detect-secrets with it."
        ) from error


def configuration(options: Options) -> str:  # noqa: ARG001 - all checks always run
    """A digest of what is in force: a number that changes when our way of running the tool does."""
    return digest((NAME, _WAY_OF_RUNNING))


def rules(options: Options) -> frozenset[str] | None:  # noqa: ARG001 - all checks always run
    """The ids of all checks."""
    return frozenset(_rule(kind).id for kind in KINDS.values())


@contextmanager
def commands(request: Request) -> Iterator[Sequence[Command]]:
    """One process for each core where there is enough to do."""
    groups = balanced(request, _milliseconds, _WORTHWHILE)
    yield [_command(request, index, files) for index, files in enumerate(groups)]


def read(report: bytes, source: Source) -> Reading:
    """What a report or a baseline says. Raises `ReportError` where it is damaged."""
    return _reading(report, source, source.path)


def conclude(finished: Finished, source: Source) -> Reading:
    """What a process that ended says. Raises `ReportError`."""
    if finished.exit_code != 0 or not finished.report:
        raise no_report(NAME, finished)
    return _reading(finished.report, source, lambda name: name)


_WAY_OF_RUNNING = 1
_WORTHWHILE = 6000

_NO_TEXT = (
    *(".7z", ".avi", ".bmp", ".br", ".bz2", ".docx", ".eot", ".flac", ".gif", ".gz", ".ico", ".jar", ".jpeg"),
    *(".jpg", ".mov", ".mp3", ".mp4", ".ogg", ".otf", ".pdf", ".png", ".pptx", ".pyc", ".rar", ".tgz", ".tif"),
    *(".tiff", ".ttf", ".wav", ".webm", ".webp", ".whl", ".woff", ".woff2", ".xlsx", ".xz", ".zip", ".zst"),
)

KINDS = {
    "AWSKeyDetector": "AWS Access Key",
    "ArtifactoryDetector": "Artifactory Credentials",
    "AzureStorageKeyDetector": "Azure Storage Account access key",
    "Base64HighEntropyString": "Base64 High Entropy String",
    "BasicAuthDetector": "Basic Auth Credentials",
    "CloudantDetector": "Cloudant Credentials",
    "DiscordBotTokenDetector": "Discord Bot Token",
    "GitHubTokenDetector": "GitHub Token",
    "GitLabTokenDetector": "GitLab Token",
    "HexHighEntropyString": "Hex High Entropy String",
    "IPPublicDetector": "Public IP (ipv4)",
    "IbmCloudIamDetector": "IBM Cloud IAM Key",
    "IbmCosHmacDetector": "IBM COS HMAC Credentials",
    "JwtTokenDetector": "JSON Web Token",
    "KeywordDetector": "Secret Keyword",
    "MailchimpDetector": "Mailchimp Access Key",
    "NpmDetector": "NPM tokens",
    "OpenAIDetector": "OpenAI Token",
    "PrivateKeyDetector": "Private Key",
    "PypiTokenDetector": "PyPI Token",
    "SendGridDetector": "SendGrid API Key",
    "SlackDetector": "Slack Token",
    "SoftlayerDetector": "SoftLayer Credentials",
    "SquareOAuthDetector": "Square OAuth Secret",
    "StripeDetector": "Stripe Access Key",
    "TelegramBotTokenDetector": "Telegram Bot Token",
    "TwilioKeyDetector": "Twilio API Key",
}
"""What each check of detect-secrets 1.5.0 looks for, by the name under which a baseline lists it."""

_SEVERITIES = {
    **dict.fromkeys(
        (
            "AWS Access Key",
            "Artifactory Credentials",
            "Azure Storage Account access key",
            "Cloudant Credentials",
            "Discord Bot Token",
            "GitHub Token",
            "GitLab Token",
            "IBM COS HMAC Credentials",
            "IBM Cloud IAM Key",
            "Mailchimp Access Key",
            "NPM tokens",
            "OpenAI Token",
            "Private Key",
            "PyPI Token",
            "SendGrid API Key",
            "Slack Token",
            "SoftLayer Credentials",
            "Square OAuth Secret",
            "Stripe Access Key",
            "Telegram Bot Token",
            "Twilio API Key",
        ),
        Severity.HIGH,
    ),
    **dict.fromkeys(("Basic Auth Credentials", "JSON Web Token", "Secret Keyword"), Severity.MEDIUM),
    **dict.fromkeys(("Base64 High Entropy String", "Hex High Entropy String", "Public IP (ipv4)"), Severity.LOW),
}


def _command(request: Request, index: int, files: tuple[str, ...]) -> Command:
    names = request.workspace / f"files-{index}"
    names.write_bytes(b"".join(os.fsencode(path) + b"\0" for path in files))
    start = (sys.executable, "-I", "-X", "utf8", "-m", "fixby.scanners.detect_secrets_worker")
    cost = sum(_milliseconds(request.target.files[path].size) for path in files)
    return Command((*start, str(request.target.root), str(names)), files, request.workspace, cost=cost)


def _milliseconds(size: int) -> int:
    return 1 + size * 4 // 1000


def _reading(report: bytes, source: Source, unit: Callable[[str], str]) -> Reading:
    record = root(report)
    results = child(record, "results")
    findings = (each(results, name, partial(_finding, source, name)) for name in results)
    unread = child(record, "unread") if has(record, "unread") else {}
    return Reading(
        tuple(chain.from_iterable(findings)),
        optional_text(record, "version"),
        {unit(name): "" for name in texts(record, "scanned")} if has(record, "scanned") else None,
        {unit(name): text(unread, name) for name in unread},
        rules=_rules_of(record),
    )


def _rules_of(record: Record) -> frozenset[str] | None:
    """The checks that made a baseline, where all of them are known."""
    used = each(record, "plugins_used", lambda row: text(row, "name")) if has(record, "plugins_used") else []
    return frozenset(_rule(KINDS[name]).id for name in used) if used and set(used) <= set(KINDS) else None


def _finding(source: Source, name: str, row: Record) -> Finding:
    kind = required_text(row, "type")
    line = line_of(row, "line_number") if has(row, "line_number") else None
    verified = row.get("is_verified") is True
    return Finding(
        Category.SECRET,
        NAME,
        _rule(kind),
        severity=Severity.CRITICAL if verified else _SEVERITIES.get(kind, Severity.UNKNOWN),
        severity_source=SeveritySource.DEFAULT,
        message=f"{kind} in the file{', found to work' if verified else ''}.",
        locations=(Location(source.path(name), line, line),),
        secret_fingerprint=source.fingerprint(_hash(row, name)),
        suppression=_suppression(row),
    )


def _hash(row: Record, name: str) -> str:
    """The hash that stands for a secret: where a baseline has that of its first letters only, one for each file."""
    told = text(row, "hashed_secret")
    return (
        sha1(f"{told} {name}".encode("utf-8", "replace"), usedforsecurity=False).hexdigest() if told in _HEADS else told
    )


_HEADS = frozenset(
    sha1(head.encode(), usedforsecurity=False).hexdigest()
    for head in (
        *("ghp", "gho", "ghu", "ghs", "ghr", "glpat", "gldt", "glft", "glsoat", "glrt"),
        *("BEGIN DSA PRIVATE KEY", "BEGIN EC PRIVATE KEY", "BEGIN OPENSSH PRIVATE KEY", "BEGIN PGP PRIVATE KEY BLOCK"),
        *("BEGIN PRIVATE KEY", "BEGIN RSA PRIVATE KEY", "BEGIN SSH2 ENCRYPTED PRIVATE KEY", "PuTTY-User-Key-File-2"),
    )
)
"""What detect-secrets takes for the secret, whatever the token or key."""


@lru_cache(maxsize=256)
def _rule(kind: str) -> Rule:
    return Rule(re.sub(r"[^a-z0-9]+", "-", kind.lower()).strip("-") or kind, kind, ("CWE-798",))


def _suppression(row: Record) -> Suppression | None:
    if row.get("allowlisted") is True:
        return Suppression("pragma: allowlist secret")
    if row.get("is_secret") is False:
        return Suppression("baseline", "audited as no secret")
    return None
