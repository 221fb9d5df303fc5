"""`fixby headers`: verify HTTPS, HSTS, CSP and the rest on live URLs."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from fixby.cli import gate as gating
from fixby.cli import place as here
from fixby.cli.configuration import Configuration
from fixby.cli.headers_shown import Seen, Shape, told
from fixby.cli.ownership import owned_now
from fixby.cli.place import Place
from fixby.cli.saved_responses import whole
from fixby.cli.scan import Result, record_all
from fixby.cli.site_history import compared
from fixby.errors import ConfigurationError, ExitCode, UsageError
from fixby.headers import sites
from fixby.headers.judge import Judged
from fixby.headers.manner import Manner
from fixby.headers.response import Visit
from fixby.headers.scan import scan, unit
from fixby.headers.sites import Site
from fixby.headers.survey import survey
from fixby.identity import numbered
from fixby.reports.plain import safe
from fixby.scan import Complete, Scan


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for: URLs, or the sites of the configuration where there are none."""

    place: Place
    urls: tuple[str, ...]
    allow_private: tuple[str, ...]
    resolve: tuple[str, ...]
    ca_file: Path | None
    deadline: float
    http2: bool
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
        return told(Seen(_visited(some, now), now, found.asset.name), shape)
    gating.policy(found)
    with here.writing(found) as database:
        judged = _visited(some, now)
        judged, progress = compared(database, found.asset.name, judged, now)
        scans = [_result(found, one) for one in _scans(judged, now, bool(wish.urls))]
        results = record_all(database, found, owned_now(found.asset, found.root), scans)
        with here.only_valid(database, found):
            judgement, _ = gating.judged(database, found)
    code = told(Seen(judged, now, found.asset.name, progress), shape)
    seen = all(isinstance(result.scan.outcome, Complete) for result in results)
    return (judgement.exit_code if wish.gate else ExitCode.DONE) or (code if seen else ExitCode.CANNOT_TELL)


def _named(wish: Wish) -> list[Site]:
    """The sites of the URLs on the command line."""
    try:
        how = Manner(
            allowed=tuple(ip_network(name) for name in wish.allow_private),
            resolve=dict(_pair(one) for one in wish.resolve),
            ca_file=wish.ca_file,
            seconds=wish.deadline,
            http2=wish.http2,
        )
        return [sites.of_url(url, how) for url in dict.fromkeys(map(whole, wish.urls))]
    except ValueError as error:
        raise UsageError(f"{error}.".replace("..", "."), "Write URLs as https://example.com/path.") from error


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


def _scans(judged: Sequence[Judged], now: int, is_named: bool) -> list[Scan]:  # noqa: FBT001 - what tells the two apart
    """One scan of all configured sites; for URLs on the command line one each, that speaks of nothing else."""
    if not is_named:
        return [scan(judged, now)]
    return [scan([one], now, unit(one.url)) for one in judged]


def _result(found: Configuration, one: Scan) -> Result:
    return Result(one, numbered(found.asset.name, one.findings))
