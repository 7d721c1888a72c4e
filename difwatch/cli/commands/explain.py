"""``difwatch explain``."""

import contextlib
import json
import os

import click

from difwatch.cli.context import Context
from difwatch.cli.output import pour, say


@click.command("explain", short_help="Explain why two pictures do or do not match.")
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(context: Context, a: str, b: str, as_json: bool) -> None:
    """Explain why two pictures do or do not match.

    Both files are read now. The settings are those of the store, or of the configuration if there is no store.
    """
    from difwatch.cli import values
    from difwatch.clock import SystemClock
    from difwatch.matches.collection import Collection
    from difwatch.matches.read import read_collection
    from difwatch.matches.rules import MatchRules
    from difwatch.model.settings import MSE_MOST, Measure, Remembered, StoreSettings
    from difwatch.report.explain import explain, explain_json
    from difwatch.workers.decoder import Decoding, WorkerDecoder

    paths = [os.fsencode(values.picture(context, path)) for path in (a, b)]
    if context.state_dir.store.exists():
        with context.reading() as connection:
            asked = values.asked(context, connection)
            collection = read_collection(connection, asked, around=[os.path.realpath(path) for path in paths])
    else:
        config = context.config()
        everything = Remembered(MSE_MOST, MSE_MOST)
        settings = config.settings()
        measure: Measure = "mse" if settings.nmse is None else "nmse"
        store = StoreSettings(0, config.recipe, config.px_size, everything, measure)
        collection = Collection(MatchRules.of(settings, {}, store))
    config, rules = context.config(), collection.rules
    decoding = Decoding(rules.px, rules.recipe, config.limits(), config.worker_limits())
    with contextlib.closing(WorkerDecoder(decoding, SystemClock())) as decoder:
        if as_json:
            found = explain_json(paths[0], paths[1], rules, decoder, collection.images, collection.ignored)
            pour([json.dumps(found, indent=1), "\n"], exact=True)
            return
        for line in explain(paths[0], paths[1], rules, decoder, collection.images, collection.ignored):
            say(line)
