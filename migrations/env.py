"""Called by alembic; the connection, in its transaction, is given by log_sentinel.store.migrating."""

from alembic import context

from log_sentinel.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
