"""Verdicts as a scan: each failure a finding at its URL, each URL a unit that was looked at or was not."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from importlib.metadata import version
from urllib.parse import urlsplit, urlunsplit

from fixby.finding import Category, Finding, Location, Rule
from fixby.headers.check import Check, Verdict, catalogue
from fixby.headers.cookies import cookie
from fixby.headers.csp import masked
from fixby.headers.judge import Judged
from fixby.headers.page import Page
from fixby.headers.response import Answer
from fixby.scan import Complete, Coverage, Partial, Scan
from fixby.severity import SeveritySource

NAME = "headers"


def scan(judged: Sequence[Judged], now: int, target: str = ".") -> Scan:
    """What verdicts tell of the sites; `now` is a UTC instant in seconds, `target` the one URL that was asked for.

    A URL of which something stayed inconclusive was not looked at: nothing that was found there before is closed.
    """
    reasons = tuple(dict.fromkeys(reason for one in judged for reason in why_not_conclusive(one)))
    return Scan(
        scanner=NAME,
        tool_version=version("fixby"),
        outcome=Partial(reasons) if reasons else Complete(),
        findings=tuple(finding for one in judged for finding in _findings(one)),
        coverage=Coverage(
            scanned={unit(one.url): _digest(one) for one in judged if not why_not_conclusive(one)},
            skipped={unit(one.url): why[0] for one in judged if (why := why_not_conclusive(one))},
            whole=False,
            rules=frozenset(catalogue()),
        ),
        started_at=now,
        finished_at=now,
        target=target,
    )


def unit(url: str) -> str:
    """A URL as a place of findings: without what differs from visit to visit, its query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2].lower(), parts.path or "/", "", ""))


def why_not_conclusive(one: Judged) -> tuple[str, ...]:
    """Why something of a URL is not known, in sentences; nothing where all is."""
    return (*one.reasons, *(check.message for check in one.checks if _is_open(check) and not one.reasons))


def _is_open(check: Check) -> bool:
    return check.verdict is Verdict.INCONCLUSIVE


def _findings(one: Judged) -> Iterator[Finding]:
    for check in one.failures:
        kind = catalogue()[check.id]
        yield Finding(
            category=Category.HEADERS,
            scanner=NAME,
            rule=Rule(check.id, kind.title, (kind.cwe,)),
            severity=check.severity,
            severity_source=SeveritySource.SCANNER,
            message=" ".join((check.message, kind.why, *(f"[{line.line}]" for line in check.evidence[:3]))),
            locations=(Location(unit(one.url)),),
            fix=f"Send: {kind.header}" if kind.header else kind.mend,
            code=check.subject,
        )


def _digest(one: Judged) -> str:
    """Stands for all that a URL answered, but for what differs between any two answers."""
    look, page = one.look, one.page
    said: list[str] = []
    for answer in (*look.page.answers, *(look.plain.answers if look.plain else ())):
        said += [answer.url, str(answer.status), str(answer.trusted), *_lines(answer), *_certificate(answer)]
    if page:
        said += sorted(masked(str(meta)) for meta in (*page.markup.metas, *page.markup.late))
        said += sorted(map(str, page.markup.loaded))
    for visit in (look.page, look.plain, look.again):
        said.append(str(visit.failure.flaw or visit.failure.kind) if visit and visit.failure else "")
    if look.again and look.again.page:
        said += [*_lines(look.again.page), str(bool(page and page.nonces & Page(look.again.page).nonces))]
    return sha256("\n".join(said).encode("utf-8", "surrogatepass")).hexdigest()


def _certificate(answer: Answer) -> tuple[str, ...]:
    return (str(answer.tls.not_after), answer.tls.protocol, *answer.tls.names) if answer.tls else ()


_DIFFER = frozenset({"date", "age", "expires", "last-modified", "etag", "set-cookie", "content-length", "cf-ray"})


def _lines(answer: Answer) -> Iterable[str]:
    cookies = (found for line in answer.values("Set-Cookie") if (found := cookie(line)))
    return [
        *sorted(masked(str(field)) for field in answer.fields if field.name.lower() not in _DIFFER),
        *sorted(f"{found.name} {sorted(found.attributes)}" for found in cookies),
    ]
