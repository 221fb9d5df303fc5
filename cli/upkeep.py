"""`fixby db`: the store is proved and brought up to date."""

from fixby.cli.output import emit, printable
from fixby.cli.place import Place, reading
from fixby.errors import ExitCode
from fixby.reports import published
from fixby.store.verification import flaws


def verify(place: Place, *, as_json: bool) -> ExitCode:
    """Prove the log and its projection; exit 3 where either is not what was written."""
    with reading(place) as (database, _), database.reading():
        found_flaws = list(flaws(database))
    if as_json:
        emit(published.written(published.verified(printable(database.place), found_flaws)))
    else:
        emit("\n".join(found_flaws) or "The log is whole, and the findings are what it says.")
    return ExitCode.CANNOT_TELL if found_flaws else ExitCode.DONE


def upgrade(place: Place, *, as_json: bool) -> None:
    """Bring the store to this Fixby's version."""
    from fixby.store.schema import VERSION  # noqa: PLC0415 - SQLAlchemy takes half a second
    from fixby.store.upgrade import upgrade as migrate  # noqa: PLC0415

    store = place.configuration().store
    migrate(store)
    emit(published.written(published.upgraded(VERSION)) if as_json else f"The store is of version {VERSION}.")
