"""`fixby notify`: one notice of what became due, breached, came back or lost its acceptance since the last one."""

import os

from fixby.cli import place as here
from fixby.cli.configuration import Configuration
from fixby.cli.delivery import Send, persistently, receivers
from fixby.cli.output import emit, note
from fixby.cli.place import Place, writing
from fixby.errors import ExitCode, FetchError
from fixby.reports import published
from fixby.reports.notice import text
from fixby.store import notices, queries
from fixby.store.database import Database
from fixby.store.notices import News

FIRST = 86_400
"""How many seconds the first notice looks back."""


def run(place: Place, *, only_show: bool, as_json: bool) -> ExitCode:
    """Send what is new to each receiver, or show it where there is none; exit 3 where a receiver did not take it."""
    found = place.configuration()
    to = {} if only_show else receivers(os.environ)
    with writing(found) as database:
        if not to:
            words = _words(database, found, "", here.now())
            emit(published.written(_document({"": words}, [])) if as_json else words or "nothing new")
            return ExitCode.DONE
        sent, failed = _sent_to_all(database, found, to)
    if as_json:
        emit(published.written(_document(sent, failed)))
    else:
        for receiver, words in sent.items():
            emit(f"{receiver}: {'sent' if words else 'nothing new'}")
    return ExitCode.CANNOT_TELL if failed else ExitCode.DONE


def _sent_to_all(database: Database, found: Configuration, to: dict[str, Send]) -> tuple[dict[str, str], list[str]]:
    """What each receiver took, and the names of those that did not; what they missed is sent with the next run."""
    sent: dict[str, str] = {}
    failed: list[str] = []
    for receiver, send in to.items():
        try:
            sent[receiver] = _send(database, found, receiver, send)
        except FetchError as error:
            note(f"fixby: {receiver}: {error.message} It is sent again with the next run.")
            failed.append(receiver)
    return sent, failed


def _send(database: Database, found: Configuration, receiver: str, send: Send) -> str:
    """Send what was not delivered before, then what is new since; the texts."""
    texts, asset = [], found.asset.name
    if waiting := notices.undelivered(database, asset, receiver):
        persistently(send, waiting)
        notices.delivered(database, asset, waiting, here.now())
        texts.append(waiting.text)
    now = here.now()
    if words := _words(database, found, receiver, now):
        notice = notices.prepare(database, asset, receiver, now, words)
        persistently(send, notice)
        notices.delivered(database, asset, notice, here.now())
        texts.append(words)
    return "\n\n".join(texts)


def _words(database: Database, found: Configuration, receiver: str, now: int) -> str:
    asset = found.asset.name
    last = notices.last_until(database, asset, receiver)
    with here.only_valid(database, found):
        news = notices.news(database, asset, now - FIRST if last is None else last, now)
        return _text(database, asset, news)


def _text(database: Database, asset: str, news: News) -> str:
    known = {one.id: one for one in queries.with_ids(database, news.ids, news.until)}
    groups = {
        "past their due date": news.breached,
        "due soon": news.due_soon,
        "came back": news.reopened,
        "no longer accepted, for their facts changed": news.void,
    }
    return text(asset, {title: [known[id_] for id_ in ids] for title, ids in groups.items()}, news.until)


def _document(sent: dict[str, str], failed: list[str]) -> published.Document:
    rows = [{"receiver": name or None, "text": words or None} for name, words in sent.items()]
    return {"schema": "fixby.notify/1", "notices": rows, "failed": failed}
