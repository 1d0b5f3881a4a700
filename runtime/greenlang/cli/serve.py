"""`greenlang serve`."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from greenlang.errors import InputError, reason_of

if TYPE_CHECKING:
    import socket

    from greenlang.observing import Slot
    from greenlang.service import ServerSettings

__all__ = ["serve"]


def _worker_count(context: click.Context, parameter: click.Parameter, text: str | None) -> object:
    """A number from 1; `auto` stays as it is, and what it comes to is found out where it is used."""
    return text if text in {None, "auto"} else click.IntRange(1)(text, parameter, context)


@click.command(
    epilog="""\b
Examples:
  greenlang serve
  greenlang serve --store runtime.db --port 9000 --workers 2
  greenlang serve --workers auto
  greenlang serve --config serve.toml
  greenlang serve --store postgresql://runtime@db.example.org/greenlang --redis redis://cache.example.org:6379/0
\b
Then, from another terminal:
  curl -s localhost:8080/v1/workflows/execute --json '{"program": "sum", "input": [1, 2.5]}'
"""
)
@click.option("--host", help="Address to listen at; this machine's own.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes any that is free.  [default: 8080]")
@click.option(
    "--store",
    envvar="GREENLANG_STORE",
    show_envvar=True,
    help="Where executions and the ledger are kept: a SQLite file, postgresql://… for many nodes, or"
    " memory: for none."
    "  [default: greenlang.db]",
)
@click.option(
    "--redis",
    envvar="GREENLANG_REDIS",
    show_envvar=True,
    metavar="URL",
    help="What all nodes share besides: redis://host:port/database. Each goes on alone without it.",
)
@click.option(
    "--workers",
    metavar="COUNT|auto",
    callback=_worker_count,
    help="Processes that share the port; auto for as many as processors and memory allow.  [default: 1]",
)
@click.option(
    "--grace",
    "grace_seconds",
    type=click.FloatRange(0),
    help="Seconds that executions have to finish after SIGTERM; the rest is handed back.  [default: 20]",
)
@click.option("--concurrency", type=click.IntRange(1), help="Executions at once.  [default: 32]")
@click.option(
    "--calculation-program",
    type=click.Path(dir_okay=False),
    help="A GCEL program, from activity data to an inventory, that computes what is sent to"
    " /v1/calculations/emissions.  [default: every installed first-party pack]",
)
@click.option(
    "--config",
    "configs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Settings in TOML; read again on SIGHUP. May be given more than once, as for secrets in a file of"
    " their own: what a later one sets is of it.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="A port of its own for /metrics, which asks nobody who they are.  [default: the service's port]",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="Lines of the log for people, or for machines.  [default: text]",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="What is less is not logged.  [default: warning]",
)
@click.option("--access-log", is_flag=True, default=None, help="Log every request.")
def serve(configs: tuple[Path, ...], **options: Any) -> None:
    """Serve the runtime over HTTP until SIGTERM or Ctrl-C: the API, and a console for browsers at /."""
    try:
        import uvloop  # noqa: F401  told here if it lacks

        from greenlang.service import serve_with_workers
    except ImportError as error:
        raise InputError(
            f"'{error.name}' is not installed, and serving needs it",
            fix="pip install 'greenlang-runtime[serve]'",
        ) from error
    given = {name: value for name, value in options.items() if value is not None}
    settings = _settings(configs, given)
    if settings.processes > 1 and settings.store == "memory:":
        raise InputError("a store in memory is one process' own", fix="give --store a file, or --workers 1")

    def tell(port: int) -> None:
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        scheme = "http" if settings.tls is None else "https"
        told = f"serving {scheme}://{shown}:{port} with {_shown(settings.store)}"
        click.echo(f"{told}; Ctrl-C stops it", err=True)

    try:
        if settings.processes > 1:
            serve_with_workers(settings, _Work(configs, given), on_ready=tell)
        else:
            _Work(configs, given)(settings, on_ready=tell)
    except OSError as error:
        raise InputError(
            f"{settings.host}:{settings.port} cannot be served: {reason_of(error)}",
            fix="name another --host or --port",
        ) from error


def _shown(store: str) -> str:
    """A store's URL without user, password and parameters, which may name them too."""
    scheme, separator, rest = store.partition("://")
    if not separator:
        return store
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


class _Work:
    """What one process does; it goes to processes that are started for it."""

    def __init__(self, configs: tuple[Path, ...], given: dict[str, Any]) -> None:
        self._configs = configs
        self._given = given

    def __call__(
        self,
        settings: ServerSettings,
        listening: socket.socket | None = None,
        slot: Slot | None = None,
        on_ready: Any = lambda _: None,
    ) -> None:
        import uvloop

        from greenlang.observing.logs import set_up_logs
        from greenlang.service import serve as serve_http

        set_up_logs(settings.log_format, settings.log_level, access=settings.access_log)
        left = uvloop.run(
            serve_http(
                settings,
                listening=listening,
                slot=slot,
                reread=lambda: _settings(self._configs, self._given),
                on_ready=on_ready,
            )
        )
        if left:
            logging.getLogger("greenlang.service").warning("%d steps do not end and are cut off", left)
            logging.shutdown()
            # Python waits for its threads before it exits, and these never come back.
            os._exit(0)


def _settings(configs: tuple[Path, ...], given: dict[str, Any]) -> ServerSettings:
    import msgspec

    from greenlang.service import ServerSettings, read_settings

    settings: dict[str, Any] = {"store": "greenlang.db"}
    for path in configs:
        for name, value in read_settings(path).items():
            before = settings.get(name)
            if isinstance(before, dict) and isinstance(value, dict):
                value = {**before, **value}
            settings[name] = value
    return msgspec.convert({**settings, **given}, ServerSettings)
