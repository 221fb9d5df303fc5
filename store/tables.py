"""The tables of the store. `schema.*.sql` and the migrations are made from, and tested against, this description."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

metadata = MetaData()

_NOT_OBSERVED = text("presence = 'not_observed'")
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="what the store knows of itself: its id, its secret key, the head of the log",
)

event = Table(
    "event",
    metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("event_subject", "subject"),
    comment="all that happened, in order; each hash covers the one before it",
)

scan = Table(
    "scan",
    metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("asset", Text, nullable=False),
    Column("scanner", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger, nullable=False),
    Column("tool_version", Text, nullable=False),
    Column("configuration", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("coverage", Text, nullable=False),
    Column("content", Text, nullable=False),
    Index("scan_stream", "asset", "scanner", "seq"),
    comment="one row a scan; its number is that of its event",
)

coverage = Table(
    "coverage",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    comment="what scans looked at, compressed; scans that looked at the same share a row",
)

outline = Table(
    "outline",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    comment="the lines, as checksums, of the files in which open findings stand, to follow them through changes",
)

finding = Table(
    "finding",
    metadata,
    Column("id", Text, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("previous", Text),
    Column("asset", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("detail", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("stopped_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("dismissed_at", BigInteger),
    Column("since_info", BigInteger),
    Column("since_low", BigInteger),
    Column("since_medium", BigInteger),
    Column("since_high", BigInteger),
    Column("since_critical", BigInteger),
    Column("since_unknown", BigInteger),
    Column("due_at", BigInteger),
    Column("soon_at", BigInteger),
    Column("deciding", SmallInteger),
    Column("paused_from", BigInteger),
    Column("paused_until", BigInteger),
    Column("time_left", BigInteger),
    Column("verdict", Text),
    Column("policy", BigInteger),
    Column("first_event", BigInteger, nullable=False),
    Column("last_event", BigInteger, nullable=False),
    Column("assignee", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("owners", Text, nullable=False),
    Column("closed_as", Text, nullable=False),
    Index("finding_asset", "asset"),
    Index("finding_due", "closed_at", "due_at"),
    Index("finding_open", "closed_at", "severity"),
    sqlite_with_rowid=False,
    comment="one row an occurrence of a finding: a projection of the log",
)

sighting = Table(
    "sighting",
    metadata,
    Column("finding_id", Text, primary_key=True),
    Column("scanner", Text, primary_key=True),
    Column("presence", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("suppressed", SmallInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("package", Text, nullable=False),
    Column("names", Text, nullable=False),
    Column("fixable", SmallInteger, nullable=False),
    Column("details", Text, nullable=False),
    Column("units", Text, nullable=False),
    Column("detail", BigInteger, nullable=False),
    Column("last_scan", BigInteger),
    Column("outline", Text, nullable=False),
    Index("sighting_not_observed", "finding_id", sqlite_where=_NOT_OBSERVED, postgresql_where=_NOT_OBSERVED),
    sqlite_with_rowid=False,
    comment="what one scanner says of a finding: a projection of the log",
)

running_segment = Table(
    "running_segment",
    metadata,
    Column("finding_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("stopped_at", BigInteger),
    Column("running_before", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="the later stretches of running time of the findings that were interrupted",
)

exploitation = Table(
    "exploitation",
    metadata,
    Column("finding_id", Text, primary_key=True),
    Column("known", SmallInteger, nullable=False),
    Column("known_since", BigInteger),
    Column("epss", SmallInteger, nullable=False),
    Column("epss_since", Text, nullable=False),
    sqlite_with_rowid=False,
    comment="what is known of the exploitation of a finding's vulnerability: a projection of the log",
)

acceptance = Table(
    "acceptance",
    metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("finding_id", Text, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("mitigation", Text, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("approvals", Text, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("known", SmallInteger, nullable=False),
    Column("fixable", SmallInteger, nullable=False),
    Column("valid_from", BigInteger),
    Column("ended_at", BigInteger),
    Column("ended_because", Text, nullable=False),
    Index("acceptance_finding", "finding_id"),
    comment="risks that people took, and what the taking is bound to: a projection of the log",
)

policy = Table(
    "policy",
    metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("asset", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("toml", Text, nullable=False),
    Column("days", Text, nullable=False),
    comment="every version of a policy that was ever in force for an asset, and since when",
)

asset = Table(
    "asset",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tier", Text, nullable=False),
    Column("exposure", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("codeowners", Text, nullable=False),
    Column("folder", Text, nullable=False),
    comment="the assets as they are described now",
)


def definitions(dialect: Dialect) -> str:
    """The SQL that makes all tables, one statement to a line of its own, for a new store."""
    statements = [_VERSIONS]
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)).strip())
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in sorted(table.indexes, key=str)]
    return "".join(f"{statement};\n" for statement in statements)


_VERSIONS = (
    "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n"
    "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
)
"""What Alembic writes down its version in."""
