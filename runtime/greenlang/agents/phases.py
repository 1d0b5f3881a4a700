"""The phases of what is done for a request, for whoever traces it: nobody has to pass a trace on.

Where nothing is traced, telling a phase costs a call that looks at one name.
"""

from __future__ import annotations

__all__ = ["Phases", "follow_phases", "phase", "phases"]

from contextvars import ContextVar
from typing import Protocol


class Phases(Protocol):
    """One request or execution, as it is traced."""

    @property
    def traceparent(self) -> str:
        """Where it is in its trace, as the header of that name tells others (W3C Trace Context)."""
        ...

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        ...

    @property
    def span_id(self) -> str:
        """16 hex digits, of the phase that it is in."""
        ...

    def enter(self, *path: str) -> None:
        """Begin a phase: those that it is not part of end."""
        ...


_present: ContextVar[Phases | None] = ContextVar("greenlang_phases", default=None)

#: Whether anything was ever traced in this process.
_traced = False


def phase(*path: str) -> None:
    """Say what begins now: `execute`, then `calculate` within it.

    What was told before ends with it, but for what it is part of.
    """
    if _traced and (present := _present.get()) is not None:
        present.enter(*path)


def phases() -> Phases | None:
    """What is traced at present; None where nothing is."""
    return _present.get()


def follow_phases(by: Phases | None) -> None:
    """Have what this task does, and what it starts from now on, traced."""
    global _traced
    _traced = _traced or by is not None
    _present.set(by)
