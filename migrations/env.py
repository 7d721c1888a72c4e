"""Runs the migrations on the connection that the caller passes; a kill leaves the old or the new schema.

Nothing of difwatch is imported here or in ``versions/``: a migration must mean the same for ever.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # SQLite rolls DDL back when the transaction is really begun; the caller's engine does that.
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():  # one for all of them: nothing between the old and the newest schema is kept
    context.run_migrations()
