"""Who owns the files of findings; assets and findings are made anew from the log."""

import sqlalchemy as sa
from alembic import op

from fixby.store.migrations.connection import ConnectedDatabase
from fixby.store.projecting import rebuild

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for table in _PROJECTED:
        op.execute(f"DELETE FROM {table}")
    op.add_column("finding", sa.Column("owners", sa.Text(), nullable=False))
    op.add_column("asset", sa.Column("codeowners", sa.Text(), nullable=False))
    op.add_column("asset", sa.Column("folder", sa.Text(), nullable=False))
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
