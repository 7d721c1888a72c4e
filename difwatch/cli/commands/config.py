"""``difwatch config``."""

from __future__ import annotations

import json
import os

import click

from difwatch.cli.context import ENVIRONMENT, Context
from difwatch.cli.output import pour


@click.group("config", short_help="Show the configuration in force.")
def command() -> None:
    """Show the configuration in force."""


@command.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_command(context: Context, as_json: bool) -> None:
    """Print all values in force as TOML, and where each comes from.

    Flags of a running 'difwatch watch' go before these.
    """
    from difwatch import config
    from difwatch.cli.configuration import json_in_force, text_in_force

    file = config.find(context.config_file, os.environ)
    loaded = context.config()
    given = context.environment()
    sources = {key: ENVIRONMENT[key] if key in given else str(file) for key in loaded.model_fields_set}
    if as_json:
        pour([json.dumps(json_in_force(loaded, sources, file), indent=1), "\n"], exact=True)
        return
    pour([f"# {file if file is not None else 'There is no configuration file; difwatch init writes one.'}\n"])
    pour(text_in_force(loaded, sources))
