"""`fixby db`: the store is proved and brought up to date."""

from collections.abc import Iterator

from fixby.cli import place as here
from fixby.cli.configuration import Configuration
from fixby.cli.output import emit, note, printable
from fixby.cli.place import Place
from fixby.errors import ExitCode
from fixby.reports import published
from fixby.reports.plain import ID_LENGTH, safe
from fixby.store.database import Database
from fixby.store.sign_offs import of_all
from fixby.store.verification import flaws


def verify(place: Place, *, as_json: bool) -> ExitCode:
    """Prove the log and its projection; exit 3 where either is not what was written."""
    with here.reading_all(place) as (database, found), database.reading():
        found_flaws = list(flaws(database))
        if not found_flaws:
            found_flaws = list(_refused(database, found))
    if as_json:
        emit(published.written(published.verified(printable(database.place), found_flaws)))
    else:
        emit("\n".join(map(safe, found_flaws)) or "The log is whole, and the findings are what it says.")
    return ExitCode.CANNOT_TELL if found_flaws else ExitCode.DONE


def _refused(database: Database, found: Configuration) -> Iterator[str]:
    """Which sign-offs in a log that is whole prove nothing; how many signatures nobody can check is noted."""
    sign_offs = of_all(database, here.checker(found))
    unchecked = [one for one in sign_offs if one.signed] if found.allowed_signers is None else []
    if unchecked:
        note(f"fixby: signatures that were not checked, for no allowed_signers is configured: {len(unchecked)}")
    for one in sign_offs:
        if one.why and (one.signed or one.refused) and one not in unchecked:
            who = f"the sign-off of {one.by} for finding {one.finding[:ID_LENGTH]}"
            yield f"event {one.seq}: {who} is refused: {one.why}"


def upgrade(place: Place, *, as_json: bool) -> None:
    """Bring the store to this Fixby's version."""
    from fixby.store.schema import VERSION  # noqa: PLC0415 - SQLAlchemy takes half a second
    from fixby.store.upgrade import upgrade as migrate  # noqa: PLC0415

    store = place.configuration().store
    migrate(store)
    emit(published.written(published.upgraded(VERSION)) if as_json else f"The store is of version {VERSION}.")
