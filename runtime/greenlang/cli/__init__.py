"""The `greenlang` command (also `gl`): one module for each command, loaded when it is called.

Commands parse what was typed and print what the rooms below decided.  Tables go to standard output,
messages and progress to standard error; the exit code is 0, 2 for a mistake that the user can
mend, 1 for a failure of ours and 130 after Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from greenlang import __version__
from greenlang.errors import DataError, GreenLangError, InputError, reason_of

if TYPE_CHECKING:
    from greenlang.agents import Command

__all__ = ["COMMANDS", "greenlang", "main"]

#: Command name -> where it lives (module:attribute) and what the list of commands says of it.
COMMANDS = {
    "run": ("greenlang.cli.run:run", "Run a GCEL program on data and print what it gives."),
    "batch": ("greenlang.cli.batch:batch", "Compute files of any size; go on where a run was killed."),
    "plan": ("greenlang.cli.plan:plan", "Compile a GCEL program and draw its plan."),
    "verify": ("greenlang.cli.verify:verify", "Check a result bundle: hashes, recomputation, signature."),
    "agents": ("greenlang.cli.agents:agents", "List the installed agents, or show one."),
    "factors": ("greenlang.cli.factors:factors", "List and search the installed emission factors."),
    "packs": ("greenlang.cli.packs:packs", "Make, check, build, sign, install and look at packs."),
    "units": ("greenlang.cli.units:units", "List the units that quantities can have."),
    "serve": ("greenlang.cli.serve:serve", "Serve the runtime over HTTP."),
    "store": ("greenlang.cli.store:store", "Look after a store: its state, its ledger, backups, old rows."),
    "keys": ("greenlang.cli.keys:keys", "Make, list and revoke API keys of the service."),
    "tenants": ("greenlang.cli.tenants:tenants", "Make tenants, and say what they may use."),
    "lifecycle": ("greenlang.cli.lifecycle:lifecycle", "Deploy, pause and retire the agents of a tenant."),
    "doctor": ("greenlang.cli.doctor:doctor", "Check this installation and say what is wrong."),
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names, in the order of `COMMANDS`; after them those of plugins."""
        return [*COMMANDS, *_plugin_commands()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command; only one that is not the runtime's own makes it ask plugins."""
        command: click.Command
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name][0].partition(":")
            command = getattr(import_module(module), attribute)
            return command
        brought = _plugin_commands().get(cmd_name)
        return None if brought is None else brought.load()

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command to the end of its output."""
        try:
            given = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader of our output went away (`greenlang ... | head`): no mistake of anybody's.
            ctx.exit(0)
        return given

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])
        if brought := _plugin_commands():
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, command.summary) for name, command in sorted(brought.items())])


def _plugin_commands() -> Mapping[str, Command]:
    from greenlang.agents import Command, default_registry

    return default_registry().contributions(Command, reserved=COMMANDS)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  greenlang run examples/inventory.gcel --input examples/activities.csv
  greenlang plan examples/inventory.gcel --format mermaid
  greenlang verify result.json
\b
Shell completion (bash; zsh and fish likewise):
  eval "$(_GREENLANG_COMPLETE=bash_source greenlang)"
""",
)
@click.version_option(__version__, prog_name="greenlang")
def greenlang() -> None:
    """Exact, fast, provable greenhouse-gas calculations, composed from agents."""


def _notes(error: InputError) -> list[str]:
    """Where in the program an error came up; a mistake in a file is told by its place there."""
    return [] if isinstance(error, DataError) else getattr(error, "__notes__", [])


def _end_output() -> None:
    """Write what waits to be written; where that fails, keep Python from trying it again as it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    try:
        code = greenlang.main(arguments, standalone_mode=False)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    except InputError as error:
        click.echo(f"error: {error}", err=True)
        for note in _notes(error):
            click.echo(note, err=True)
        code = 2
    except GreenLangError as error:
        click.echo(f"failure: {error}", err=True)
        code = 1
    except UnicodeEncodeError as error:
        if error.encoding == "utf-8":
            raise  # a half of a character, which none of ours has
        lacking = ascii(error.object[error.start])
        click.echo(f"error: {error.encoding} has no {lacking}; set PYTHONIOENCODING=utf-8", err=True)
        code = 2
    except OSError as error:
        where = "" if error.filename is None else f"'{error.filename}': "
        click.echo(f"failure: {where}{reason_of(error)}", err=True)
        code = 1
    _end_output()
    sys.exit(code if isinstance(code, int) else 0)
