"""Noticing what happens to files: events of the system, walks of the tree, and when a file is at rest.

::

    roots      which paths count, and whether a folder is the one that it was
    scan       walks of the tree, compared with what is known
    settle     waiting until a file is left alone
    observer   the events of watchdog as changes; reader, losses and canary tell when some are lost
    guard      one folder, armed; guards all of them, schedule when each is walked
    absence    when a file that a walk does not find is believed to be gone
    audit      which directories the kernel watches; mounts which file systems there are
"""

from difwatch.watch.canary import Canary
from difwatch.watch.guards import FolderState, Guards
from difwatch.watch.observer import Inbox
from difwatch.watch.roots import Identity, Root, identity, innermost
from difwatch.watch.scan import Absent, Blind, Directory, differences, walk
from difwatch.watch.settle import Settler
from difwatch.watch.walked import Walked

__all__ = [
    "Absent",
    "Blind",
    "Canary",
    "Directory",
    "FolderState",
    "Guards",
    "Identity",
    "Inbox",
    "Root",
    "Settler",
    "Walked",
    "differences",
    "identity",
    "innermost",
    "walk",
]
