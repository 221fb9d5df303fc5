"""What Alembic runs: the migrations, on the connection that it is given, in the transaction that this is in."""

from alembic import context

from fixby.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
