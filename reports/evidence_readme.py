"""The page that a package of evidence begins with: what is in it, and how it is verified."""

from fixby.reports.evidence import MANIFEST, Cover
from fixby.reports.published import instant

FILES = (
    (
        "log/events.jsonl",
        "all that happened up to the snapshot: one event a line, each hash covering the one before it",
    ),
    ("policies/", "each version of a policy that was ever in force, as it was written"),
    ("policies/index.json", "which of them was in force for which asset, from when until when"),
    ("figures/report.json", "the figures of the period, as `fixby sla report --json` prints them"),
    ("figures/report.csv", "the same for a spreadsheet"),
    ("figures/report.html", "the same for a browser; it needs no network"),
    ("findings/findings.jsonl", "the findings behind the figures: what is open at the end, what began or ended in it"),
    ("scans/scans.jsonl", "the scans of the period, and before it the latest of each scanner, target and asset"),
    ("scans/coverage/", "what scans looked at, skipped and left out; the name is the SHA-256 of the content"),
    ("decisions/acceptances.jsonl", "the risks that were taken: who asked, why, until when, who signed off and when"),
    (
        "decisions/sign_offs.jsonl",
        "each request and approval: by whom, whether a signature proves that, and if not why",
    ),
    ("decisions/signatures/", "what was signed, `N.json`, and the signature under it, `N.json.sig`"),
    ("decisions/allowed_signers", "whose SSH keys were allowed when this was written, where any were configured"),
    ("decisions/attestations.jsonl", "what people vouched for"),
    ("gates/judgements.jsonl", "what gates were asked and answered, where that was written down"),
    ("controls.md", "which controls of which frameworks these files bear out, and what they do not show"),
    ("controls.json", "the same for programs"),
    (MANIFEST, "every other file with its size and SHA-256"),
)
"""Each file or folder of a package, and what it is."""


def written(cover: Cover) -> str:
    """The page in Markdown."""
    files = "\n".join(f"| `{name}` | {what} |" for name, what in FILES)
    return f"""\
# Evidence of Fixby

| | |
|---|---|
| Snapshot | `{cover.snapshot}` |
| Period | {instant(cover.since)} to {instant(cover.as_of)} |
| Findings | {f"`{_cell(cover.query)}`" if cover.query else "all"} |
| Store | `{cover.store}` |
| Written by | Fixby {cover.fixby} |

The snapshot is the number of the last event and its hash. It stands for the whole log: compare it with one that was
noted elsewhere at the time, in a release, a ticket or an e-mail.

## Files

| file | what it is |
|---|---|
{files}

Times are RFC 3339 in UTC; those within events are seconds since 1970. A query narrows figures, findings and
acceptances; the log is always whole.

## Verify

```console
$ fixby verify FILE.zip
$ fixby verify FILE.zip --expect {cover.snapshot}
```

No store is needed, and no network. That proves, of this file alone:

1. Every file of the manifest is there with its size and SHA-256, and no other file is.
2. No event was changed, dropped, added or moved, from the first to the snapshot.
3. Policies, figures, findings, scans and decisions are what the log tells: they are made again from it and compared.

By hand: compare `sha256sum FILE` with the manifest for each file. Then follow the chain: the hash of an event is the
SHA-256 of seven lines without a line's end after the last: the hash before it (64 zeros for the first), `seq`, `at`,
`actor`, `kind`, `subject`, `body`. The last one must be the snapshot's.

## Signatures

Where a policy demands it, requests for acceptances and their approvals are signed with SSH keys, and what does not
verify does not count. Compare `decisions/allowed_signers` with the list of who may sign that you trust: nothing else
vouches for it. Each line of `decisions/sign_offs.jsonl` names its statement; OpenSSH 8.9 or later proves it. SIGNER is
`by`, INSTANT the digits of `at` (20261123103000), STATEMENT the file:

```console
$ TZ=UTC ssh-keygen -Y verify -f decisions/allowed_signers -I SIGNER -n fixby \\
    -O verify-time=INSTANT -s STATEMENT.sig < STATEMENT
```

The statements are made of the log again, so that what was signed is what the log tells.

## What that does not prove

Whoever can write the store can make another log that is as consistent as this one, and a package of it. Only a
snapshot that was noted where they cannot write tells the two apart: that is what `--expect` is for. The id of the
store and the version that wrote the package are told by the manifest alone. That the clock of the machine was right
is not proved either; so whoever holds a key that has expired, and can write the store, can date a signature back.
"""


def _cell(text: str) -> str:
    """Text that ends neither a cell nor a line of a table."""
    return "".join(character if character.isprintable() else " " for character in text).replace("|", "\\|")
