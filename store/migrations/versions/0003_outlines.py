"""Outlines of files, days of calendars, assignees and tags; the next revision fills the tables."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for table in _PROJECTED:
        op.execute(f"DELETE FROM {table}")
    op.add_column("sighting", sa.Column("outline", sa.Text(), nullable=False))
    op.add_column("finding", sa.Column("assignee", sa.Text(), nullable=False))
    op.add_column("finding", sa.Column("tags", sa.Text(), nullable=False))
    op.add_column("policy", sa.Column("days", sa.Text(), nullable=False))
    op.create_table(
        "outline",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="the lines, as checksums, of the files in which open findings stand, to follow them through changes",
    )


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
