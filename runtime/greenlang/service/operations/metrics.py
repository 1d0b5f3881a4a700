"""Metrics, for Prometheus to scrape."""

from __future__ import annotations

__all__ = ["Metrics"]

from greenlang.agents import Registry
from greenlang.errors import StoreError
from greenlang.observing import Watched
from greenlang.observing.page import CONTENT_TYPE, NodeState, render_page
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply
from greenlang.stores import Store


class Metrics:
    """The page of metrics of a node.

    Parameters
    ----------
    permission : Permission, optional
        Who may look at it here; None for anybody. It names tenants, and tells of all of them.
    """

    def __init__(
        self, watched: Watched, store: Store, registry: Registry, *, permission: Permission | None = None
    ) -> None:
        self._watched = watched
        self._store = store
        self._registry = registry
        self._permission = permission

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "GET",
                "/metrics",
                self.metrics,
                "Metrics of the node, in Prometheus' text format",
                permission=self._permission,
                gives="text/plain",
            ),
        ]

    async def metrics(self, _: Call) -> Reply:
        """`GET /metrics`."""
        return Reply(200, await self.page(), CONTENT_TYPE)

    async def page(self) -> bytes:
        """The page: without what only the store knows, where that does not answer."""
        try:
            executions = await self._store.counts()
        except StoreError:
            executions = None
        registry = self._registry
        state = NodeState(executions, len(registry.names()), len(registry.problems))
        return render_page(self._watched.all(), state)
