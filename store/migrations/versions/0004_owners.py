"""Who owns the files of findings; the next revision fills the tables."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for table in _PROJECTED:
        op.execute(f"DELETE FROM {table}")
    op.add_column("finding", sa.Column("owners", sa.Text(), nullable=False))
    op.add_column("asset", sa.Column("codeowners", sa.Text(), nullable=False))
    op.add_column("asset", sa.Column("folder", sa.Text(), nullable=False))


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
