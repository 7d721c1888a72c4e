"""``difwatch explain``."""

import os

import click

from difwatch.cli import Common


@click.command("explain", short_help="Why two pictures do or do not match.")
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.pass_obj
def command(common: Common, a: str, b: str) -> None:
    """Why two pictures do or do not match.

    Reads both files now, with the settings of the configuration; no store is needed.
    """
    from difwatch import config
    from difwatch.report.explain import explain

    loaded = config.load(config.find(common.config, os.environ), {}, check_folders=False)
    for line in explain(os.fsencode(a), os.fsencode(b), loaded.settings(), loaded.px_size, loaded.recipe):
        click.echo(line)
