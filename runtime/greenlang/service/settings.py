"""How to serve: what `greenlang serve` takes from its options and its configuration file."""

from __future__ import annotations

__all__ = [
    "EventSettings",
    "KeyStoreSettings",
    "ServerSettings",
    "WebhookSettings",
    "read_settings",
    "restart_needed",
]

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from greenlang.engine import read_machine
from greenlang.engine.executions import RunnerSettings
from greenlang.errors import InputError
from greenlang.observing import TraceSettings
from greenlang.service.batches import BatchSettings
from greenlang.service.identity.settings import AuthenticationSettings, TlsSettings
from greenlang.service.limits.allowance import LimitSettings
from greenlang.service.negotiation import Version
from greenlang.service.sizing import fitting_workers

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class WebhookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the ends of executions are told to others."""

    #: `whsec_` and base64, as Standard Webhooks has them; each signs, so that keys can be changed.
    secrets: tuple[Annotated[str, msgspec.Meta(pattern="^whsec_[A-Za-z0-9+/]{32,}=*$")], ...] = ()
    #: Whether deliveries may go to private and loopback addresses.
    allow_private: bool = False
    attempts: Count = 10
    timeout_seconds: Seconds = 15.0


class EventSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is sent the log of events."""

    #: URLs by the names under which the store remembers how far each is: under another name, a sink begins
    #: with the first event again.
    sinks: dict[Annotated[str, msgspec.Meta(min_length=1, max_length=100)], str] = {}


class KeyStoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What secrets of tenants are encrypted with."""

    #: 32 bytes in base64 each, the newest first: that one encrypts, all of them decrypt.
    keys: tuple[str, ...] = ()


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to serve."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    #: A SQLite file, or `memory:`.
    store: str = "memory:"
    #: What the processes of all nodes share besides; each goes on alone without it, and while it is gone.
    redis: str | None = None
    #: Processes that share the port; `auto` for as many as processors and memory allow.
    workers: Count | Literal["auto"] = 1
    #: A larger body is refused with 413 before it is read.
    max_body_bytes: Count = 32 * 1024 * 1024
    #: Seconds that a connection may be idle or keep its request's head back.
    idle_seconds: Seconds = 75.0
    #: Seconds that a body may rest, and may take as a whole.
    body_rest_seconds: Seconds = 15.0
    body_seconds: Seconds = 120.0
    #: Seconds that executions have to finish after SIGTERM.
    grace_seconds: Annotated[float, msgspec.Meta(ge=0)] = 20.0
    #: Executions of a process at once, and of them those of one tenant.
    concurrency: Count = 32
    tenant_concurrency: Count | None = None
    threads: Count = 4
    #: A GCEL program that computes activities; None for the inventory over every first-party pack.
    calculation_program: str | None = None
    lease_seconds: Seconds = 15.0
    #: Days after which ended executions are deleted; the ledger stays.
    retention_days: Seconds | None = None
    #: How callers say who they are; without it everybody on this machine is one tenant.
    authentication: AuthenticationSettings | None = None
    #: Connections are of TLS, if it is there.
    tls: TlsSettings | None = None
    #: How much tenants may ask; as much as they like without it.
    limits: LimitSettings | None = None
    webhooks: WebhookSettings = WebhookSettings()
    key_store: KeyStoreSettings = KeyStoreSettings()
    events: EventSettings = EventSettings()
    #: A port of its own for metrics, and its address; without one they are on the service's port.
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    metrics_host: str = "127.0.0.1"
    #: Lines of the log: for people or for machines, and from which level on.
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    #: Whether every request gets a line, at level `info`.
    access_log: bool = False
    #: Where traces go; without it nothing is traced.
    traces: TraceSettings | None = None
    #: Files of any size, computed beside the requests.
    batches: BatchSettings = BatchSettings()
    #: `[versions.v1]`: since when a version of the API is deprecated, and when it ends.
    versions: dict[str, Version] = {}

    @property
    def processes(self) -> int:
        """The number that `workers` is."""
        return fitting_workers(read_machine()) if self.workers == "auto" else self.workers

    @property
    def runner(self) -> RunnerSettings:
        """What of it concerns executions."""
        return RunnerSettings(self.concurrency, self.threads, self.lease_seconds, self.tenant_concurrency)


#: What cannot change while the server runs.
_FIXED = (
    "host",
    "port",
    "store",
    "redis",
    "workers",
    "threads",
    "calculation_program",
    "authentication",
    "events",
    "tls",
    "batches",
    "key_store",
    "metrics_port",
    "metrics_host",
    "log_format",
    "log_level",
    "access_log",
    "traces",
)


def read_settings(path: Path) -> dict[str, object]:
    """The settings that a TOML file gives, checked.

    Raises
    ------
    InputError
        If it cannot be read, is no TOML, or has a setting that is unknown or not what it has to be.
    """
    try:
        text = path.read_text(encoding="utf-8")
        given: dict[str, object] = msgspec.toml.decode(text)
        msgspec.convert(given, ServerSettings)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the configuration cannot be read: {error}", place=str(path)) from error
    except msgspec.ValidationError as error:
        names = ", ".join(ServerSettings.__struct_fields__)
        raise InputError(str(error), fix=f"the settings are {names}", place=str(path)) from error
    except msgspec.DecodeError as error:
        raise InputError(f"this is no TOML: {error}", place=str(path)) from error
    return given


def restart_needed(before: ServerSettings, after: ServerSettings) -> list[str]:
    """The settings that differ and wait for the next start."""
    differ = [name for name in _FIXED if getattr(before, name) != getattr(after, name)]
    if (before.limits is None) != (after.limits is None):
        differ.append("limits")
    return differ
