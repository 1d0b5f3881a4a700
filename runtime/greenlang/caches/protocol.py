"""What a cache promises, whether it serves one process or many."""

from __future__ import annotations

__all__ = ["Cache", "Kind", "Load"]

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

#: Reads from where it is kept for good; None if there is nothing, or nothing that may be kept.
Load = Callable[[], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of things that are kept."""

    name: str
    #: Of what the bytes mean: those of another version are never read.
    version: str
    #: No longer than so after it was loaded is anything believed.
    seconds: float
    #: The same while nothing is heard of what other processes change.
    alone_seconds: float
    #: Whether it is worth a look into Redis before it is loaded.
    shared: bool = True

    def key(self, tenant: str, name: str) -> str:
        """`{tenant}:{kind}:{name}:{version}`, of no other thing whatever characters these have."""
        return f"{_quoted(tenant)}:{self.name}:{_quoted(name)}:{self.version}"


def _quoted(text: str) -> str:
    """Without colons, and different for every text; each request takes it, so it does no more."""
    return text.replace("%", "%25").replace(":", "%3A")


class Cache(Protocol):
    """Bytes that may be had faster than from where they are kept for good."""

    async def fetch(self, kind: Kind, tenant: str, name: str, load: Load) -> bytes | None:
        """What is kept, or else what `load` gives, which is kept from then on.

        Of many who ask at once, one loads. Where it gives nothing each has loaded for itself, so that nobody
        goes by what was so before they asked.  What `load` raises is raised.
        """
        ...

    async def drop(self, kind: Kind, tenant: str, name: str) -> None:
        """Have it loaded anew by whoever asks from now on; also where it is being loaded just now."""
        ...

    def looks(self) -> Mapping[str, tuple[int, int]]:
        """By where it looked, first here: how often it was there, and how often not."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...
