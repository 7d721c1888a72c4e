"""Noticing what happens to files: events of the system, walks of the tree, and when a file is at rest.

``observer`` turns the events of watchdog into changes, ``scan`` finds changes by walking, ``settle`` waits
until a file is left alone, ``roots`` says which paths count, ``guard`` whether a folder is really there.
"""

from difwatch.watch.canary import Canary
from difwatch.watch.guard import Guards
from difwatch.watch.observer import Inbox
from difwatch.watch.roots import Root, identity, innermost
from difwatch.watch.scan import Blind, differences, walk
from difwatch.watch.settle import Settler

__all__ = ["Blind", "Canary", "Guards", "Inbox", "Root", "Settler", "differences", "identity", "innermost", "walk"]
