"""`fixby export vex`: which known vulnerabilities affect the product, for those who use it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from fixby.cli import place as here
from fixby.cli.actor import actor
from fixby.cli.place import Place, reading
from fixby.cli.written import deliver
from fixby.errors import UsageError
from fixby.query import Term, parse
from fixby.reports import published, vex
from fixby.store import queries

FORMATS = ("openvex", "cyclonedx")


@dataclass(frozen=True, slots=True)
class Wish:
    """The document that was asked for; `product` and `author` are empty where nobody said."""

    query: Sequence[str]
    format: str
    product: str
    author: str
    output: Path | None


def run(wish: Wish, place: Place) -> None:
    """Print or write the document. Raises `UsageError` for a format that is not known, or a file that cannot be."""
    if wish.format not in FORMATS:
        raise UsageError(f"There is no format {wish.format!r}.", f"Known are: {', '.join(FORMATS)}.")
    with reading(place) as (database, found):
        now = here.now()
        terms = (Term("asset", (found.asset.name,)), *parse(" ".join(wish.query)))
        some = queries.findings(database, terms, now)
    product = wish.product or f"urn:fixby:asset:{found.asset.name}"
    issue = vex.Issue(wish.author or actor(os.environ), product, f"fixby {version('fixby')}", now)
    text = vex.cyclonedx(some, issue) if wish.format == "cyclonedx" else published.written(vex.openvex(some, issue))
    deliver(text, wish.output)
