"""From the bytes of a file to a tensor. Pure: the same bytes always give the same values.

``decode`` returns the upright RGB picture that a viewer shows. ``tensor`` shrinks a picture such that turning the
picture and turning the tensor are the same. ``recipe`` puts both together, and ``fingerprint`` names how a tensor was
made, so that tensors made in different ways are never compared.

Only `difwatch.workers` decodes files of people: they may be hostile. Nothing is exported here, so that the contract
of imports can tell.
"""
