"""`greenlang serve`."""

from __future__ import annotations

import logging
import sys

import click

from greenlang.errors import InputError

__all__ = ["serve"]


@click.command(
    epilog="""\b
Examples:
  greenlang serve
  greenlang serve --store runtime.db --port 9000
\b
Then, from another terminal:
  curl -s localhost:8080/v1/workflows/execute --json '{"program": "sum", "input": [1, 2.5]}'
"""
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen at; this machine's own."
)
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes any that is free."
)
@click.option(
    "--store",
    default="greenlang.db",
    show_default=True,
    help="Where executions and the ledger are kept: a SQLite file, or memory: for none.",
)
@click.option(
    "--grace",
    default=20.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds that executions have to finish after SIGTERM; the rest is handed back.",
)
@click.option(
    "--concurrency", default=32, show_default=True, type=click.IntRange(1), help="Executions at once."
)
def serve(host: str, port: int, store: str, grace: float, concurrency: int) -> None:
    """Serve the runtime over HTTP until SIGTERM or Ctrl-C."""
    try:
        import uvloop

        from greenlang.engine.executions import RunnerSettings
        from greenlang.service import ServerSettings
        from greenlang.service import serve as serve_http
    except ImportError as error:
        raise InputError(
            f"'{error.name}' is not installed, and serving needs it",
            fix="pip install 'greenlang-runtime[serve]'",
        ) from error
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    settings = ServerSettings(host, port, store, grace_seconds=grace, runner=RunnerSettings(concurrency))
    uvloop.run(serve_http(settings, on_ready=lambda bound: _tell(host, bound, store)))


def _tell(host: str, port: int, store: str) -> None:
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"serving http://{shown}:{port} with {store}; Ctrl-C stops it", err=True)
