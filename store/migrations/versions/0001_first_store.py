"""The first store."""

from secrets import token_hex

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "coverage",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="what scans looked at, compressed; scans that looked at the same share a row",
    )
    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        comment="all that happened, in order; each hash covers the one before it",
    )
    op.create_index("event_subject", "event", ["subject"], unique=False)
    op.create_table(
        "finding",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=True),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("detail", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("since_info", sa.BigInteger(), nullable=True),
        sa.Column("since_low", sa.BigInteger(), nullable=True),
        sa.Column("since_medium", sa.BigInteger(), nullable=True),
        sa.Column("since_high", sa.BigInteger(), nullable=True),
        sa.Column("since_critical", sa.BigInteger(), nullable=True),
        sa.Column("since_unknown", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        comment="one row an occurrence of a finding: a projection of the log",
        sqlite_with_rowid=False,
    )
    op.create_index("finding_asset", "finding", ["asset"], unique=False)
    op.create_index("finding_open", "finding", ["closed_at", "severity"], unique=False)
    meta = op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        comment="what the store knows of itself: its id, its secret key, the head of the log",
    )
    op.create_table(
        "running_segment",
        sa.Column("finding_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.Column("running_before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("finding_id", "number"),
        comment="the later stretches of running time of the findings that were interrupted",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scan",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.Column("tool_version", sa.Text(), nullable=False),
        sa.Column("configuration", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("coverage", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        comment="one row a scan; its number is that of its event",
    )
    op.create_index("scan_stream", "scan", ["asset", "scanner", "seq"], unique=False)
    op.create_table(
        "sighting",
        sa.Column("finding_id", sa.Text(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("presence", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("suppressed", sa.SmallInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.Column("detail", sa.BigInteger(), nullable=False),
        sa.Column("last_scan", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("finding_id", "scanner"),
        comment="what one scanner says of a finding: a projection of the log",
        sqlite_with_rowid=False,
    )
    first_rows = {"head": f"0 0 {'0' * 64}", "store_id": token_hex(16), "secret_key": token_hex(32)}
    op.bulk_insert(meta, [{"key": key, "value": value} for key, value in first_rows.items()])
