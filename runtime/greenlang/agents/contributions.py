"""What plugins bring by their hooks, beside agents and factor files: known by name."""

from __future__ import annotations

__all__ = [
    "CONTRIBUTIONS",
    "Backend",
    "Command",
    "Contribution",
    "EngineBackend",
    "EventSink",
    "ReportFormat",
    "Route",
    "StoreBackend",
]

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from greenlang.errors import PackError


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution(ABC):
    """One thing that a plugin brings; two of one kind with one key are a clash, and neither is used."""

    #: What it does, in a sentence.
    summary: str

    @property
    @abstractmethod
    def key(self) -> str:
        """What users choose it by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Contribution):
    """A command of `greenlang`: `target`, `module:attribute`, is a click command, imported when called."""

    name: str
    target: str

    @property
    def key(self) -> str:
        """`greenlang KEY`."""
        return self.name

    def load(self) -> Any:
        """The click command.

        Raises
        ------
        PackError
            If it cannot be imported.
        """
        module, _, attribute = self.target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (Exception, SystemExit) as error:  # foreign code may raise anything, and the runtime goes on
            raise PackError(
                f"the command '{self.name}' cannot be loaded from {self.target}: "
                f"{type(error).__name__}: {error}",
                fix="mend the plugin, or uninstall it",
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFormat(Contribution):
    """A form of results: `greenlang run --format NAME` prints what `render` gives for the execution."""

    name: str
    media_type: str
    #: Takes a `greenlang.engine.Execution`; must not change it.
    render: Callable[[Any], bytes]

    @property
    def key(self) -> str:
        """`--format KEY`."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend(Contribution):
    """A part of the runtime that is chosen by a URL, `scheme://…`; `open` is given the whole URL first."""

    scheme: str
    open: Callable[..., Any]

    @property
    def key(self) -> str:
        """What stands before `://`."""
        return self.scheme


class StoreBackend(Backend):
    """Keeps executions, their ledger and their events: `open(url, seal)` gives a `greenlang.stores.Store`."""

    __slots__ = ()


class EngineBackend(Backend):
    """Computes partitions: `open(name, workers)` gives a `greenlang.engine.batches.BatchEngine`."""

    __slots__ = ()


class EventSink(Backend):
    """Is sent the log of events: `open(url)` gives a `greenlang.engine.events.Sink`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Contribution):
    """An operation of the HTTP service at a path below `/v1`."""

    method: str
    #: `/boilers/{id}`: a name in braces catches one segment.
    path: str
    #: A coroutine function: it is given a `greenlang.service.Call` and gives the `data` of the answer.
    handler: Callable[[Any], Awaitable[Any]]

    @property
    def key(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


#: What each hook gives a collection of.
CONTRIBUTIONS: dict[type[Contribution], str] = {
    StoreBackend: "greenlang_stores",
    EngineBackend: "greenlang_engines",
    EventSink: "greenlang_events",
    ReportFormat: "greenlang_reports",
    Route: "greenlang_routes",
    Command: "greenlang_commands",
}
