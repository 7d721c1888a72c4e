"""The command ``difwatch``.

::

    app        the group, its table of commands, and how each one ends
    commands   one thin module per command, loaded when it is called
    context    the options before the command
    examples   examples of every command, for its help and its man page
    files      files that are written where a person says
    output     what is printed, into streams in any state
    hints      commands in messages, as they reach the same store
    values     values that several commands accept, checked
    acts       reports about acts on files
    interrupts Ctrl-C between two acts
    logs       log lines
    progress   progress lines
"""
