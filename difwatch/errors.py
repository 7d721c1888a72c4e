"""The errors that difwatch raises on purpose, and the exit codes of the commands they end.

::

    DifwatchError
    ├── UsageError      2   wrong use: arguments, configuration, a folder that is not there
    │   └── ParameterError      a parameter of build or search; also a ValueError
    ├── IncompleteError 3   the work was not finished
    ├── PromiseError    4   a promise does not hold
    ├── ActionError     6   a file could not be moved, deleted or put back
    ├── StoppedError  130   somebody stopped it before its end
    └── StoreError      5   the store cannot be used
        ├── StoreMissingError   there is none yet
        ├── StoreBusyError      another process is the writer
        ├── StoreForeignError   not a difwatch store, or a damaged one
        ├── StoreOlderError     not yet brought to the schema of this version
        ├── StoreNewerError     written by a newer difwatch
        ├── StoreFullError      its disk is full
        └── JournalError        the journal of moves cannot be used

A message is one line: what is wrong, with which file, and what to do about it.
"""

from typing import ClassVar


class DifwatchError(Exception):
    """Root of the tree; ``exit_code`` is what the command ends with."""

    exit_code: ClassVar[int] = 2


class UsageError(DifwatchError):
    """The request cannot be carried out as it was made."""


class ParameterError(UsageError, ValueError):
    """A parameter of the library is not allowed; the message names it and what is allowed."""


class IncompleteError(DifwatchError):
    """The work was begun and not finished."""

    exit_code = 3


class PromiseError(DifwatchError):
    """A promise of difwatch does not hold."""

    exit_code = 4


class ActionError(DifwatchError):
    """A file operation failed; the file is where it was."""

    exit_code = 6


class StoppedError(DifwatchError):
    """Somebody stopped the work; the message says what was done until then."""

    exit_code = 130


class StoreError(DifwatchError):
    """The store cannot be used."""

    exit_code = 5


class StoreMissingError(StoreError):
    """There is no store yet."""


class StoreBusyError(StoreError):
    """Another process holds the state directory."""


class StoreForeignError(StoreError):
    """The file is not a store of difwatch, or it is damaged."""


class StoreOlderError(StoreError):
    """The store has the schema of an older difwatch."""


class StoreNewerError(StoreError):
    """The store was written by a newer difwatch."""


class StoreFullError(StoreError):
    """There is no room to write."""


class JournalError(StoreError):
    """The journal of moves cannot be used."""
