"""The operations that plugins bring by the hook `greenlang_routes`."""

from __future__ import annotations

__all__ = ["Contributed"]

import logging
import re
from collections.abc import Callable

from greenlang.agents import Registry
from greenlang.agents import Route as PluginRoute
from greenlang.service.routing import Handler, Route
from greenlang.service.wire import Call, Reply, answer

_log = logging.getLogger("greenlang.service")


class Contributed:
    """Operations of the plugins of a registry.

    Parameters
    ----------
    taken : callable
        Whether the API itself answers at a path; what a plugin brings there is left out, and logged.
    """

    def __init__(self, registry: Registry, taken: Callable[[str], bool]) -> None:
        self._registry = registry
        self._taken = taken

    def routes(self) -> list[Route]:
        """What is answered by plugins."""
        routes = []
        for brought in self._registry.contributions(PluginRoute).values():
            template = f"/v1{brought.path}"
            if self._taken(template):
                _log.error("a plugin's %s is left out: the API itself answers there", brought.key)
            else:
                handler = _answered(brought)
                routes.append(Route(brought.method, template, handler, brought.summary, name=_name(brought)))
        return routes


def _name(brought: PluginRoute) -> str:
    """`get_boilers_id` for `GET /boilers/{id}`."""
    return re.sub(r"[^0-9a-z]+", "_", brought.key.lower()).strip("_")


def _answered(brought: PluginRoute) -> Handler:
    async def handler(call: Call) -> Reply:
        return answer(call, await brought.handler(call))

    return handler
