"""What applies to an asset: the versions of its policy, each with the instant it came into force, and what it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fixby.asset import Asset
from fixby.policies.business_days import exceptions
from fixby.policies.policy import Policy
from fixby.store.codec import encoded
from fixby.store.conversion import asset_of, policy_of
from fixby.store.database import Database
from fixby.store.log import Event, Head
from fixby.store.projecting import project
from fixby.store.projection import ASSET_DESCRIBED, POLICY_ADOPTED, Projector
from fixby.store.rows import AssetRow, PolicyRow, load, pieces, save, select


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who writes, about which asset under which policy, and when (a UTC instant in seconds)."""

    asset: Asset
    actor: str
    now: int
    policy: Policy


def adopt(database: Database, after: Head, occasion: Occasion) -> Head:
    """Put a policy in force for an asset, inside a writing transaction, where another is or none; gives the new head.

    What is known of the asset is brought up to date as well. All its open findings get the due dates that follow.
    """
    at = max(after.at, occasion.now)
    news = [
        Event(seq, at, occasion.actor, kind, "", body)
        for seq, (kind, body) in enumerate(_news(database, occasion.asset, occasion.policy), start=after.seq + 1)
    ]
    if not news:
        return after
    last = project(database, after, news)
    redate(database, occasion.asset.name, next((one for one in news if one.kind == POLICY_ADOPTED), None))
    return last


def in_force(database: Database, asset: str) -> Policy | None:
    """The policy in force for an asset, or None where none ever was."""
    versions = policies(database, asset)
    return policy_of(versions[-1]) if versions else None


def policies(database: Database, asset: str) -> list[PolicyRow]:
    """Every version that was ever in force for an asset, oldest first."""
    return select(database, PolicyRow, "policy", "asset = :asset ORDER BY seq", asset=asset)


def described(database: Database, asset: str) -> Asset:
    """What is known of an asset; it always says who owns what, if only that nobody does."""
    rows = select(database, AssetRow, "asset", "name = :asset", asset=asset)
    return asset_of(rows[0]) if rows else Asset(asset, codeowners="")


def _news(database: Database, asset: Asset, policy: Policy) -> Iterator[tuple[str, str]]:
    """The kinds and bodies of the events that say what is new of an asset and its policy."""
    known = described(database, asset.name)
    if asset.codeowners is None:
        asset = replace(asset, codeowners=known.codeowners, folder=known.folder)
    if asset != known:
        yield ASSET_DESCRIBED, encoded(asset).decode()
    versions = policies(database, asset.name)
    days = exceptions(policy.terms.calendar)
    if not versions or (versions[-1].digest, versions[-1].days) != (policy.digest, days):
        body = {"asset": asset.name, "name": policy.name, "digest": policy.digest, "toml": policy.toml, "days": days}
        yield POLICY_ADOPTED, encoded(body).decode()


def redate(database: Database, asset: str, adopted: Event | None) -> None:
    """Bring open findings up to date with what is in force now; `adopted` is the event of a new policy, if any is."""
    rows = database.run("SELECT id FROM finding WHERE asset = :asset AND closed_at IS NULL ORDER BY id", asset=asset)
    for some in pieces((str(row[0]) for row in rows), 5000):
        loaded = load(database, some)
        projector = Projector(loaded)
        if adopted:
            projector.resettle(adopted)
        projector.redate()
        save(database, loaded, some)
