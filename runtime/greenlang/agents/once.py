"""Properties that are worked out once, however many threads ask for them first.

From Python 3.12 on `functools.cached_property` has no lock: of threads that ask at once each would work it
out, and go on with what the others do not know.
"""

from __future__ import annotations

__all__ = ["once"]

import threading
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

_Value = TypeVar("_Value")


class once(Generic[_Value]):  # noqa: N801  written as the decorator that it is
    """`functools.cached_property` with a lock, which the objects of a class share."""

    def __init__(self, make: Callable[[Any], _Value]) -> None:
        self._make = make
        self._lock = threading.RLock()
        self.__doc__ = make.__doc__

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type, /) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type, /) -> _Value: ...

    def __get__(self, instance: object | None, _: type, /) -> Self | _Value:
        if instance is None:
            return self
        kept = vars(instance)
        with self._lock:
            if self._name not in kept:
                kept[self._name] = self._make(instance)
        value: _Value = kept[self._name]
        return value
