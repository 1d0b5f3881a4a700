"""Webhook deliveries: the due ones by their time, and all by their execution."""

from __future__ import annotations

__all__ = ["Deliveries"]

import itertools

from msgspec.structs import replace

from greenlang.stores.entries import delivery_payload
from greenlang.stores.memory.orders import Order, enter, leave, up_to
from greenlang.stores.protocol import Delivery, ExecutionRow


class Deliveries:
    """What is to be told to whom, and how that went."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._all: dict[int, Delivery] = {}
        self._due: Order[int] = []
        self._of_execution: dict[str, list[int]] = {}

    def add(self, ended: ExecutionRow, at: int) -> None:
        """Have the webhook of an execution told that it ended, if it has one."""
        if ended.webhook is None:
            return
        added = Delivery(
            id=next(self._ids),
            execution_id=ended.id,
            tenant=ended.tenant,
            url=ended.webhook,
            state="due",
            attempt=0,
            next_at=at,
            payload=delivery_payload(ended.id, ended.state, at),
            last_status=None,
            last_error=None,
        )
        self._all[added.id] = added
        self._of_execution.setdefault(ended.id, []).append(added.id)
        enter(self._due, (at, added.id))

    def claim(self, limit: int, now: int, lease: int) -> tuple[Delivery, ...]:
        claimed = []
        for delivery_id in up_to(self._due, now)[:limit]:
            delivery = self._all[delivery_id]
            claimed.append(self._put(delivery, replace(delivery, next_at=now + lease)))
        return tuple(claimed)

    def settle(
        self, delivery_id: int, state: str, next_at: int, status: int | None, error: str | None
    ) -> None:
        delivery = self._all.get(delivery_id)
        if delivery is None or delivery.state != "due":
            return
        attempt = delivery.attempt + 1
        outcome = {"state": state, "next_at": next_at, "last_status": status, "last_error": error}
        self._put(delivery, replace(delivery, attempt=attempt, **outcome))

    def of_execution(self, tenant: str, execution_id: str) -> tuple[Delivery, ...]:
        found = (self._all[one] for one in self._of_execution.get(execution_id, ()))
        return tuple(delivery for delivery in found if delivery.tenant == tenant)

    def forget(self, execution_id: str) -> None:
        """Drop the deliveries of an execution that is gone."""
        for delivery_id in self._of_execution.pop(execution_id, ()):
            delivery = self._all.pop(delivery_id)
            if delivery.state == "due":
                leave(self._due, (delivery.next_at, delivery_id))

    def _put(self, due: Delivery, changed: Delivery) -> Delivery:
        leave(self._due, (due.next_at, due.id))
        self._all[changed.id] = changed
        if changed.state == "due":
            enter(self._due, (changed.next_at, changed.id))
        return changed
