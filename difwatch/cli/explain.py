"""``difwatch explain``."""

import os

import click

from difwatch.cli import Common, say


@click.command("explain", short_help="Why two pictures do or do not match.")
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.pass_obj
def command(common: Common, a: str, b: str) -> None:
    """Why two pictures do or do not match.

    Reads both files now, with the settings of the store; without a store, with those of the configuration.
    """
    from difwatch import config
    from difwatch.report.explain import explain
    from difwatch.report.summary import Summary, summarize

    paths = [os.fsencode(one) for one in (a, b)]
    if common.store.exists():
        with common.reading() as connection:
            rules = summarize(connection, around=[os.path.realpath(path) for path in paths])
    else:
        loaded = config.load(config.find(common.config, os.environ), {}, check_folders=False)
        rules = Summary(loaded.settings(), loaded.recipe, loaded.px_size, {}, (), {})
    for line in explain(paths[0], paths[1], rules):
        say(line)
