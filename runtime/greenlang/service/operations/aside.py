"""What is computed for whoever looks, in few threads of its own: however many look, the others are served."""

from __future__ import annotations

__all__ = ["aside"]

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Those who look wait for one another.
_THREADS = ThreadPoolExecutor(2, "greenlang-looking")


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do work in one of these threads."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(work, *args, **kwargs))
