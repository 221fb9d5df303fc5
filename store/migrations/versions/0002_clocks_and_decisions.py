"""Due dates in columns, policies and assets, decisions and exploitation; the next revision fills the tables."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for table in ("finding", "sighting", "running_segment", "scan"):
        op.drop_table(table)
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
        sa.Column("dismissed_at", sa.BigInteger(), nullable=True),
        sa.Column("since_info", sa.BigInteger(), nullable=True),
        sa.Column("since_low", sa.BigInteger(), nullable=True),
        sa.Column("since_medium", sa.BigInteger(), nullable=True),
        sa.Column("since_high", sa.BigInteger(), nullable=True),
        sa.Column("since_critical", sa.BigInteger(), nullable=True),
        sa.Column("since_unknown", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("soon_at", sa.BigInteger(), nullable=True),
        sa.Column("deciding", sa.SmallInteger(), nullable=True),
        sa.Column("paused_from", sa.BigInteger(), nullable=True),
        sa.Column("paused_until", sa.BigInteger(), nullable=True),
        sa.Column("time_left", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("policy", sa.BigInteger(), nullable=True),
        sa.Column("first_event", sa.BigInteger(), nullable=False),
        sa.Column("last_event", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="one row an occurrence of a finding: a projection of the log",
        sqlite_with_rowid=False,
    )
    op.create_index("finding_asset", "finding", ["asset"], unique=False)
    op.create_index("finding_due", "finding", ["closed_at", "due_at"], unique=False)
    op.create_index("finding_open", "finding", ["closed_at", "severity"], unique=False)
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
        sa.Column("fixable", sa.SmallInteger(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.Column("detail", sa.BigInteger(), nullable=False),
        sa.Column("last_scan", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("finding_id", "scanner"),
        comment="what one scanner says of a finding: a projection of the log",
        sqlite_with_rowid=False,
    )
    not_observed = sa.text("presence = 'not_observed'")
    op.create_index(
        "sighting_not_observed",
        "sighting",
        ["finding_id"],
        unique=False,
        sqlite_where=not_observed,
        postgresql_where=not_observed,
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
        sa.Column("seq", number, autoincrement=False, nullable=False),
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
        "acceptance",
        sa.Column("seq", number, autoincrement=False, nullable=False),
        sa.Column("finding_id", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("mitigation", sa.Text(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("approvals", sa.Text(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("known", sa.SmallInteger(), nullable=False),
        sa.Column("fixable", sa.SmallInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        comment="risks that people took, and what the taking is bound to: a projection of the log",
    )
    op.create_index("acceptance_finding", "acceptance", ["finding_id"], unique=False)
    op.create_table(
        "asset",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("exposure", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="the assets as they are described now",
    )
    op.create_table(
        "exploitation",
        sa.Column("finding_id", sa.Text(), nullable=False),
        sa.Column("known", sa.SmallInteger(), nullable=False),
        sa.Column("known_since", sa.BigInteger(), nullable=True),
        sa.Column("epss", sa.SmallInteger(), nullable=False),
        sa.Column("epss_since", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("finding_id"),
        comment="what is known of the exploitation of a finding's vulnerability: a projection of the log",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "policy",
        sa.Column("seq", number, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("toml", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        comment="every version of a policy that was ever in force for an asset, and since when",
    )
