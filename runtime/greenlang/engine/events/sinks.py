"""Whoever is sent the log: opened by a URL, whose scheme a plugin brings by the hook `greenlang_events`."""

from __future__ import annotations

__all__ = ["Sink", "open_sinks"]

from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from greenlang.agents import EventSink, Registry
from greenlang.errors import InputError
from greenlang.stores import Event


class Sink(Protocol):
    """Takes events."""

    async def send(self, events: Sequence[Event]) -> None:
        """Take all of them, in this order; whatever it raises, all of them are sent again later."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


def open_sinks(urls: Mapping[str, str], registry: Registry) -> dict[str, Sink]:
    """The sinks behind some URLs, by the names that users gave them.

    Raises
    ------
    InputError
        If a URL names no kind of sink that there is.
    """
    brought = registry.contributions(EventSink) if urls else {}
    sinks: dict[str, Sink] = {}
    for name, url in urls.items():
        scheme = urlsplit(url).scheme
        if scheme not in brought:
            known = ", ".join(f"{each}://…" for each in sorted(brought))
            raise InputError(
                f"'{scheme}:' names no sink of events",
                fix=f"write {known}" if known else "install a plugin that brings one",
                place=f"events.sinks.{name}",
            )
        sinks[name] = brought[scheme].open(url)
    return sinks
