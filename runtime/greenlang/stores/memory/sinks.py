"""How far each sink has been sent the log."""

from __future__ import annotations

__all__ = ["Sinks"]

from msgspec.structs import replace

from greenlang.stores.protocol import SinkState


class Sinks:
    """Sinks by their names."""

    def __init__(self) -> None:
        self._known: dict[str, SinkState] = {}

    def claim(self, name: str, worker: str, now: int, lease: int) -> SinkState | None:
        known = self._known.get(name)
        if known is None:
            known = SinkState(
                name=name, position=0, worker=None, lease_until=None, failures=0, retry_at=0, last_error=None
            )
        held = known.lease_until is not None and known.lease_until > now and known.worker != worker
        if held or known.retry_at > now:
            return None
        self._known[name] = replace(known, worker=worker, lease_until=now + lease)
        return self._known[name]

    def settle(self, name: str, worker: str, position: int, retry_at: int, error: str | None) -> bool:
        known = self._known.get(name)
        if known is None or known.worker != worker:
            return False
        failures = 0 if error is None else known.failures + 1
        told = {"position": position, "retry_at": retry_at, "last_error": error, "failures": failures}
        self._known[name] = replace(known, **told)
        return True

    def all(self) -> tuple[SinkState, ...]:
        return tuple(self._known[name] for name in sorted(self._known))
