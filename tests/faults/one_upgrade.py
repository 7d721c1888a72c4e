"""``difwatch db upgrade`` as a program that can be killed: ``one_upgrade STATE``.

Everything is loaded first; the system call that asks for the parent's pid marks where the command begins.
"""

import os
import sys

import alembic.command
import alembic.ddl.sqlite
import alembic.operations.batch

import difwatch.cli.commands.db
import difwatch.control.lock
import difwatch.store
from difwatch.cli import app

assert alembic and difwatch

if __name__ == "__main__":
    sys.argv[1:] = ["--state-dir", sys.argv[1], "db", "upgrade"]
    os.getppid()
    app.main()
