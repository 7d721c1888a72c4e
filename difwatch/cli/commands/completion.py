"""``difwatch completion``."""

import click


@click.command("completion", short_help="Print the completion of commands for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion of commands for a shell, such as: source <(difwatch completion bash)."""
    from click.shell_completion import get_completion_class

    from difwatch.cli.output import pour

    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    pour([kind(root, {}, "difwatch", "_DIFWATCH_COMPLETE").source()])
