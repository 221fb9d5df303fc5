"""What `fixby headers` prints: a table, JSON, Markdown, SARIF, or lines for a server's configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import version

from fixby.cli.choice import choice
from fixby.cli.output import emit, note, show
from fixby.errors import ExitCode, UsageError
from fixby.headers import published
from fixby.headers.changes import Progress
from fixby.headers.check import Evidence
from fixby.headers.csp import Policy, policies
from fixby.headers.csp_checks import Policies, failures
from fixby.headers.dialects import Server
from fixby.headers.explanation import explained
from fixby.headers.judge import Judged
from fixby.headers.saved import NOWHERE
from fixby.headers.scan import scan, why_not_conclusive
from fixby.headers.source_match import place
from fixby.headers.suggestion import suggested
from fixby.identity import numbered
from fixby.reports.plain import safe


class Format(StrEnum):
    """How verdicts are written."""

    TERMINAL = "terminal"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"


@dataclass(frozen=True, slots=True)
class Shape:
    """How the caller wants it: a format, and for the terminal how much; or only what mends it, for a server."""

    format: Format = Format.TERMINAL
    server: Server | None = None
    with_passes: bool = False
    with_policy: bool = False


def shape(format_: str, mend: str, *, with_passes: bool, with_policy: bool) -> Shape:
    """What the options ask for. Raises `UsageError` that lists what is known."""
    chosen = choice("--format", format_, Format)
    server = choice("--mend", mend, Server, "server") if mend else None
    if server and chosen is not Format.TERMINAL:
        raise UsageError("--mend prints lines for a server, and nothing else.", "Leave out --mend, --format or --json.")
    return Shape(chosen, server, with_passes, with_policy)


@dataclass(frozen=True, slots=True)
class Seen:
    """Verdicts at `now`, a UTC second, on URLs of an asset, which has no name where nothing is stored.

    `progress` tells of each URL that is remembered how it went on.
    """

    judged: Sequence[Judged]
    now: int
    asset: str = ""
    progress: Mapping[str, Progress] = field(default_factory=dict)


def told(seen: Seen, shape: Shape) -> ExitCode:
    """Print verdicts; the exit code says whether all are conclusive.

    Why some are not goes to standard error too, where the format is for programs.
    """
    if shape.server:
        from fixby.headers.mends import mends  # noqa: PLC0415 - only what is asked for

        emit(mends(seen.judged, shape.server))
    else:
        _print(seen, shape)
    if shape.server or shape.format is not Format.TERMINAL:
        _note_reasons(seen)
    return ExitCode.CANNOT_TELL if any(one.reasons for one in seen.judged) else ExitCode.DONE


def _print(seen: Seen, shape: Shape) -> None:
    match shape.format:
        case Format.TERMINAL:
            _show(seen, shape)
        case Format.JSON:
            emit(published.document(seen.judged, seen.progress))
        case Format.MARKDOWN:
            from fixby.headers.markdown import summary  # noqa: PLC0415 - only what is asked for

            emit(summary(seen.judged, seen.progress, seen.now).rstrip("\n"))
        case Format.SARIF:
            emit(_sarif(seen))


def _note_reasons(seen: Seen) -> None:
    for one in seen.judged:
        for reason in one.reasons:
            note(f"fixby: {safe(reason)}")


def _show(seen: Seen, shape: Shape) -> None:
    from fixby.headers import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    for number, one in enumerate(seen.judged):
        verdicts = terminal.verdicts(
            one,
            seen.progress.get(one.url),
            seen.now,
            with_passes=shape.with_passes,
            with_policy=shape.with_policy,
        )
        show(*([""] if number else []), *verdicts)


def _sarif(seen: Seen) -> str:
    from fixby.headers import sarif  # noqa: PLC0415 - only what is asked for

    found = scan(seen.judged, seen.now)
    reasons = [reason for one in seen.judged for reason in why_not_conclusive(one)]
    return sarif.document(numbered(seen.asset, found.findings), reasons, version("fixby"))


def run_workbench(values: Sequence[str], *, as_json: bool) -> ExitCode:
    """Evaluate policies that no site sent yet, as if they were enforced, and suggest stricter ones."""
    if not any(value.strip() for value in values):
        hint = "Write: fixby headers csp \"default-src 'self'\""
        raise UsageError("There is no policy to evaluate.", hint)
    page = place(NOWHERE)
    lines = [_bare(value) for value in values]
    sent = [(policy, line) for line in lines for policy in policies([line])]
    wrong = failures(Policies(page, [(policy, Evidence("", line)) for policy, line in sent]))
    some: list[Policy] = [policy for policy, _ in sent]
    better = suggested(lines, page)
    if as_json:
        emit(published.workbench(some, wrong, page, better))
    else:
        from fixby.headers import terminal  # noqa: PLC0415 - rich takes a tenth of a second

        show(*terminal.workbench(list(wrong), explained(some, page), better))
    return ExitCode.DONE


def _bare(value: str) -> str:
    """A policy without the header's name before it, as it is often pasted."""
    name, colon, rest = value.partition(":")
    is_header = name.strip().lower() in ("content-security-policy", "content-security-policy-report-only")
    return (rest if colon and is_header else value).strip()
