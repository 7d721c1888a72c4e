"""The command ``difwatch``.

::

    app        the group, its table of commands, and how each one ends
    commands   one thin module per command, loaded when it is called
    context    the options before the command
    output     what is printed
    values     values that several commands take, checked
    writer     carrying out a request here, or by the daemon
    acts       what is said about acts on files
    logs       log lines
    progress   progress lines
"""
