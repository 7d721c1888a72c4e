"""What the store knows, for people and programs. Reads the store and nothing else.

``summary`` puts groups and pairs together, ``status`` says how things are, ``text`` and ``formats`` write
both down.
"""
