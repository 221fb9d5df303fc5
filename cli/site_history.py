"""Verdicts on sites, held against what earlier visits left behind in the store."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from fixby.headers import transition
from fixby.headers.changes import Progress, progress
from fixby.headers.judge import Judged
from fixby.headers.page import Page
from fixby.headers.scan import unit
from fixby.headers.transition import NOTHING_YET, Memory
from fixby.store.database import Database
from fixby.store.sites import remember, remembered


def compared(
    database: Database, asset: str, judged: Sequence[Judged], now: int
) -> tuple[list[Judged], dict[str, Progress]]:
    """The verdicts with what follows from earlier visits, which is remembered, and how each page went on, by URL."""
    pages = {unit(one.url): (one, one.page) for one in judged if one.page and _is_a_page(one.page)}
    known = remembered(database, asset, pages)
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
    remember(database, asset, news, "fixby", now)
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
