"""As what findings are closed; all that follows from the log is made anew from it."""

import sqlalchemy as sa
from alembic import op

from fixby.store.migrations.connection import ConnectedDatabase
from fixby.store.projecting import rebuild

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for table in _PROJECTED:
        op.execute(f"DELETE FROM {table}")
    op.add_column("finding", sa.Column("closed_as", sa.Text(), nullable=False))
    rebuild(ConnectedDatabase(op.get_bind()))


_PROJECTED = (
    "finding",
    "sighting",
    "running_segment",
    "scan",
    "acceptance",
    "asset",
    "exploitation",
    "policy",
)
