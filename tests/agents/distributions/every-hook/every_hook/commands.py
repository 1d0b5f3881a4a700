"""A command, imported when it is called."""

import click


@click.command()
@click.option("--more", default=0)
def boilers(more: int) -> None:
    """Count boilers."""
    click.echo(3 + more)
