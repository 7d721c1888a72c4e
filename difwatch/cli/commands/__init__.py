"""One module per command, named like it; each has a ``command``."""
