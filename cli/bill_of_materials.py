"""`fixby export cyclonedx`: the packages that are known of an asset, and what is known against them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from fixby.cli.asking import asked
from fixby.cli.place import Place, reading_at
from fixby.cli.written import deliver
from fixby.component import component
from fixby.query import Term, parse
from fixby.reports import bill_of_materials
from fixby.reports.bill_of_materials import Placed
from fixby.reports.vex import Issue
from fixby.scanners import pip_audit
from fixby.scanners.lockfiles.registry import purl_type
from fixby.store import log, queries
from fixby.store.packages import Package, packages


@dataclass(frozen=True, slots=True)
class Wish:
    """The document that was asked for: `as_of` is empty for now, `product` for what the asset is called."""

    query: Sequence[str]
    product: str
    as_of: str
    output: Path | None


def run(wish: Wish, place: Place) -> None:
    """Print or write the document. Raises `UsageError` for a file that cannot be written."""
    query = parse(asked(wish.query))
    with reading_at(place, wish.as_of) as (database, found, now):
        name = found.asset.name
        some = queries.findings(database, (Term("asset", (name,)), *query), now)
        listed = list(_placed(packages(database, name)))
        at = log.head(database).at
    issue = Issue("", wish.product or name, f"fixby {version('fixby')}", at)
    text = bill_of_materials.cyclonedx(some, listed, issue)
    deliver(text, wish.output)


def _placed(some: Iterable[Package]) -> Iterator[Placed]:
    """The packages whose ecosystem is known by who looked at them, or by the file that names them."""
    for one in some:
        kind = "pypi" if one.scanner == pip_audit.NAME else purl_type(one.path)
        if kind:
            with suppress(ValueError):  # a name that no package URL can have
                yield Placed(component(kind, one.name, one.version), one.path)
