"""Secrets that foreign reports tell of: known by a keyed hash, and gone from every text.

A secret is known by the SHA-1 of itself, so that it is the same one in every file and for every tool that reports it
whole. Where a report has less (a mask, a hash of the tool's own, the first line of a key), what it has is taken
together with the file, so that two secrets are never taken for one; the same secret in two files is then two
findings.
"""

import re
from hashlib import sha1

from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.redaction import MARK, without
from fixby.scanners.formats.ratings import Rating
from fixby.scanners.formats.wording import prose
from fixby.scanners.scanner import Source

CREDENTIAL = ("CWE-798",)
"""The weakness that a secret in a file is."""


def leak(  # noqa: PLR0913 - what there is to say of a secret
    scanner: str,
    rule: Rule,
    rated: Rating,
    message: str,
    locations: tuple[Location, ...],
    *,
    secret: str,
    instead: str,
    source: Source,
    suppression: Suppression | None = None,
) -> Finding:
    """The finding of a secret. `secret` is all that the report has of it, `instead` what it is told from others by."""
    return Finding(
        Category.SECRET,
        scanner,
        rule,
        severity=rated[0],
        severity_source=rated[1],
        message=masked(message, secret),
        locations=locations,
        secret_fingerprint=source.fingerprint(secret_sha1(secret, instead)),
        suppression=suppression,
    )


def masked(words: str, secret: str) -> str:
    """A text without the secret, as a whole and line by line, and without what else looks like one."""
    if not secret:
        return prose(words)
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) >= _LONG} if "\n" in secret else ()
    return prose(without({secret, *lines}, words))


def secret_sha1(secret: str, instead: str) -> str:
    """The SHA-1 in hexadecimal by which a secret is known: of itself, or of `instead` where the report hides it."""
    known = f"{secret} {instead}" if not is_whole(secret) else secret
    return sha1(known.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def is_whole(secret: str) -> bool:
    """Whether a text is a secret itself: no mask, no beginning of one, no first line of a key."""
    bare = secret.strip()
    return bool(bare) and bare != MARK and not _HIDDEN.search(bare) and not _HEAD_OF_KEY.fullmatch(bare)


_LONG = 6
_HIDDEN = re.compile(r"\A(?:REDACT(?:ED)?|\[?redacted\]?)\Z|\*{3}|\.{3}\Z|…\Z|X{6}|\A[x*•]+\Z")
_HEAD_OF_KEY = re.compile(r"(?:-----)?BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|KEY)(?: BLOCK)?(?:-----)?")
