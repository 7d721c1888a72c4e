"""``difwatch review``."""

from __future__ import annotations

import locale
import os
import sys

import click

from difwatch.cli.context import Context

_LANGUAGES = ("en", "de")


@click.command("review", short_help="Look at the groups in a browser, and decide.")
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; any that is free by default."
)
@click.option("--read-only", is_flag=True, help="Only look: nothing can be decided or moved.")
@click.option(
    "--lang", type=click.Choice(_LANGUAGES), help="Language of the page; that of the environment by default."
)
@click.option("--plain-address", is_flag=True, help="Serve 127.0.0.1, for a browser that does not know *.localhost.")
@click.pass_obj
def command(
    context: Context, /, no_browser: bool, port: int, read_only: bool, lang: str | None, plain_address: bool
) -> None:
    """Look at the groups in a browser, and decide.

    The page is for this user of this machine only. What you decide there moves nothing until you have looked it over,
    and 'difwatch undo' puts it back. It ends half an hour after its last page was closed, or by Ctrl-C.
    """
    import webbrowser

    from difwatch.cli import logs
    from difwatch.clock import SystemClock
    from difwatch.review.server import Options, serve

    context.must_have_store()
    logs.set_up(context.verbose, context.quiet, "text", journal=False)
    os.umask(0o077)

    def opened(address: str) -> None:
        is_opened = not no_browser and _has_desktop() and webbrowser.open(address)
        click.echo(("opened in your browser" if is_opened else f"open {address}") + "; Ctrl-C ends it", err=True)
        sys.stderr.flush()

    options = Options(port, lang or _language(), read_only, plain_address)
    serve(context.state_dir, context.config(), SystemClock(), options, opened)


def _has_desktop() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _language() -> str:
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    code = locale.normalize(named).partition("_")[0]
    return code if code in _LANGUAGES else _LANGUAGES[0]
