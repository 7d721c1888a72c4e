"""``difwatch db upgrade`` as a program that can be killed: ``one_upgrade.py STATE``.

Everything is loaded first; the system call that asks for the parent's pid marks where the command begins.
"""

import os
import sys

import alembic.command
import alembic.ddl.sqlite
import alembic.operations.batch
import difwatch.cli.db

import difwatch.control
import difwatch.store
from difwatch import cli

assert alembic and difwatch
sys.argv[1:] = ["--state-dir", sys.argv[1], "db", "upgrade"]
os.getppid()
cli.main()
