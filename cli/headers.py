"""`fixby headers`: verify HTTPS, HSTS, CSP and the rest on live URLs, or on responses that were saved."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from fixby.cli import gate as gating
from fixby.cli import place as here
from fixby.cli.configuration import Configuration
from fixby.cli.headers_shown import Seen, Shape, told
from fixby.cli.place import Place
from fixby.cli.scan import Result, record_all
from fixby.errors import ConfigurationError, ExitCode, UsageError
from fixby.headers import saved, sites, transition
from fixby.headers.changes import Progress, progress
from fixby.headers.judge import Judged, Look, judge
from fixby.headers.manner import Manner
from fixby.headers.page import Page
from fixby.headers.response import Visit
from fixby.headers.scan import scan, unit
from fixby.headers.sites import Site
from fixby.headers.survey import survey
from fixby.headers.transition import NOTHING_YET, Memory
from fixby.identity import numbered
from fixby.reports.plain import safe
from fixby.scan import Complete, Scan
from fixby.store.database import Database
from fixby.store.sites import remember, remembered


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for: URLs, or the sites of the configuration where there are none."""

    place: Place
    urls: tuple[str, ...]
    allow_private: tuple[str, ...]
    resolve: tuple[str, ...]
    ca_file: Path | None
    deadline: float
    keep: bool
    gate: bool


def run(wish: Wish, shape: Shape) -> int:
    """Visit, judge, store, show; the exit code says whether all could be judged and, if asked, the gate's verdict."""
    if wish.gate and not wish.keep:
        raise UsageError("The gate judges what is stored.", "Leave out --no-store or --gate.")
    found = wish.place.configuration()
    some = _named(wish) if wish.urls else _configured(found)
    now = here.now()
    if not wish.keep:
        return _told(Seen(_visited(some, now), now, found.asset.name), shape)
    gating.policy(found)
    with here.writing(found) as database:
        judged = _visited(some, now)
        judged, progress = _compared(database, found, judged, now)
        results = record_all(database, found, [_result(found, one) for one in _scans(judged, now, bool(wish.urls))])
        judgement, _ = gating.judged(database, found)
    code = _told(Seen(judged, now, found.asset.name, progress), shape)
    seen = all(isinstance(result.scan.outcome, Complete) for result in results)
    return (judgement.exit_code if wish.gate else ExitCode.DONE) or (code if seen else ExitCode.CANNOT_TELL)


def run_saved(files: Sequence[Path], urls: Sequence[str], shape: Shape) -> int:
    """Judge saved responses; what curl printed came from the URL, if one is given. Nothing is stored."""
    if len(urls) > 1:
        raise UsageError("With --from, one URL says where the response came from.", "Give one, or none.")
    now = here.now()
    judged = [
        judge(Look(visit), now) for file in files for visit in saved.visits(_read(file), str(file), *map(_whole, urls))
    ]
    return _told(Seen(judged, now), shape)


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error


def _named(wish: Wish) -> list[Site]:
    """The sites of the URLs on the command line."""
    try:
        how = Manner(
            allowed=tuple(ip_network(name) for name in wish.allow_private),
            resolve=dict(_pair(one) for one in wish.resolve),
            ca_file=wish.ca_file,
            seconds=wish.deadline,
        )
        return [sites.of_url(url, how) for url in dict.fromkeys(map(_whole, wish.urls))]
    except ValueError as error:
        raise UsageError(f"{error}.".replace("..", "."), "Write URLs as https://example.com/path.") from error


def _whole(url: str) -> str:
    """A URL; a name alone is one of https."""
    return url if "://" in url else f"https://{url}"


def _pair(text: str) -> tuple[str, str]:
    host, equals, address = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not written as HOST=ADDRESS")
    return host, address


def _configured(found: Configuration) -> list[Site]:
    if not found.sites:
        hint = 'Give a URL, or write [[sites]] with url = "https://..." in fixby.toml.'
        raise ConfigurationError("There is no site to verify.", hint)
    return [sites.site(table, found.folder, os.environ, trusted=found.trusted) for table in found.sites]


def _visited(some: Sequence[Site], now: int) -> list[Judged]:
    with _progress() as on_visit:
        return survey(some, now, on_visit)


@contextmanager
def _progress() -> Iterator[Any]:
    """What tells of each visit on a terminal, as it ends."""
    shown = sys.stderr.isatty()

    def on_visit(visit: Visit) -> None:
        if shown:
            sys.stderr.write(f"\r\x1b[K{safe(visit.url)[:100]}")
            sys.stderr.flush()

    yield on_visit
    if shown:
        sys.stderr.write("\r\x1b[K")


def _compared(
    database: Database, found: Configuration, judged: Sequence[Judged], now: int
) -> tuple[list[Judged], dict[str, Progress]]:
    """The verdicts with what follows from earlier visits, which is remembered, and how each page went on, by URL."""
    pages = {unit(one.url): (one, one.page) for one in judged if one.page and _is_a_page(one.page)}
    known = remembered(database, found.asset.name, pages)
    news: dict[str, Mapping[str, Any]] = {}
    made: dict[str, Progress] = {}
    checks: dict[str, Judged] = {}
    for name, (one, page) in pages.items():
        before = _memory(known[name]) if name in known else NOTHING_YET
        memory, failures = transition.advance(before, page, now)
        failures += transition.expected_failures(page)
        checks[name] = replace(one, checks=transition.merged(one.checks, failures))
        made[one.url] = progress(before, memory, page.expected.transition_days)
        if memory != before:
            news[name] = asdict(memory)
    remember(database, found.asset.name, news, "fixby", now)
    return [checks.get(unit(one.url), one) for one in judged], made


def _is_a_page(page: Page) -> bool:
    return page.is_document and page.answer.status < 400


def _memory(document: Mapping[str, Any]) -> Memory:
    return Memory(
        state=transition.State(document["state"]),
        promised=_tuple(document["promised"]),
        tried=_tuple(document["tried"]),
        reports_since=document["reports_since"],
        restarted=document["restarted"],
        headers={name: tuple(values) for name, values in document["headers"].items()},
    )


def _tuple(some: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if some is None else tuple(some)


def _scans(judged: Sequence[Judged], now: int, is_named: bool) -> list[Scan]:  # noqa: FBT001 - what tells the two apart
    """One scan of all configured sites; for URLs on the command line one each, that speaks of nothing else."""
    if not is_named:
        return [scan(judged, now)]
    return [scan([one], now, unit(one.url)) for one in judged]


def _result(found: Configuration, one: Scan) -> Result:
    return Result(one, numbered(found.asset.name, one.findings))


def _told(seen: Seen, shape: Shape) -> int:
    told(seen, shape)
    return ExitCode.CANNOT_TELL if any(one.reasons for one in seen.judged) else ExitCode.DONE
