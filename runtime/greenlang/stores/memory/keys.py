"""Idempotency keys: what each stands for, an execution or a calculation."""

from __future__ import annotations

__all__ = ["IdempotencyKeys"]

from collections.abc import Callable

from greenlang.stores.protocol import Submitted


class IdempotencyKeys:
    """What was accepted under a key of a tenant's."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Submitted] = {}

    def earlier(self, tenant: str, key: str | None) -> Submitted | None:
        """What holds the key, if something does."""
        return None if key is None else self._held.get((tenant, key))

    def hold(self, tenant: str, key: str | None, holder: str, request_digest: str) -> None:
        """From now on the key stands for `holder`."""
        if key is not None:
            self._held[tenant, key] = Submitted(holder, False, request_digest)

    def drop(self, is_gone: Callable[[str], bool]) -> None:
        """Forget the keys of those that are gone."""
        self._held = {key: held for key, held in self._held.items() if not is_gone(held.id)}
