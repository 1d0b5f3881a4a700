"""The ledger in memory, and the writes that add to it: those of one turn of the event loop share a link.

A signature costs more than everything else that a commit does, so the writes of a turn are looked at
together when it ends, what they prove is sealed once, and then all of them happen.  Where the seal fails,
nothing has happened yet, and each is told.
"""

from __future__ import annotations

__all__ = ["Chain"]

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import msgspec

from greenlang.errors import StoreError
from greenlang.stores.protocol import Calculation, Link, NewRecord, Seal

T = TypeVar("T")

#: Writes under one link; whoever reads a calculation gets all leaves of its link.
_WRITES_IN_LINK = 1024


class _Write(msgspec.Struct, frozen=True):
    """A write that waits for the end of the turn."""

    #: What no other write under the same link may touch.
    touched: tuple[Hashable, ...]
    record: NewRecord | None
    answer: Callable[[], Any]
    apply: Callable[[], Any]
    future: asyncio.Future[Any]


class Chain:
    """Links and the calculations under them.

    Parameters
    ----------
    seal : callable
        Links the records of a turn to the chain.
    """

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._links: list[Link] = []
        self._chain_hash: str | None = None
        #: Each with its position under its link.
        self._calculations: dict[str, tuple[NewRecord, int, Link]] = {}
        self._waiting: list[_Write] = []

    def write(
        self,
        touched: tuple[Hashable, ...],
        record: NewRecord | None,
        answer: Callable[[], T | None],
        apply: Callable[[], T],
    ) -> asyncio.Future[T]:
        """Write at the end of this turn of the event loop; the future is done when that is committed.

        Parameters
        ----------
        touched : tuple
            Names of all that `answer` looks at and `apply` changes, besides the record: of two writes that
            share one, the second is under the next link.
        record : NewRecord, optional
            What is sealed between `answer` and `apply`.
        answer : callable
            Changes nothing; gives an answer that leaves nothing to be written, raises `StoreError`, or gives
            None.
        apply : callable
            Changes what is kept and gives the answer.  It cannot fail.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self.commit)
        if record is not None:
            touched = (*touched, record.calculation_id)
        self._waiting.append(_Write(touched, record, answer, apply, future))
        return future

    def commit(self) -> None:
        """Do everything that waits to be written."""
        while self._waiting:
            group = self._next_group()
            records = [write.record for write in group if write.record is not None]
            try:
                if records:
                    self._link(records)
            # Whatever the seal raises is for those who asked for it.
            except Exception as error:
                for write in group:
                    _refuse(write, error)
                continue
            for write in group:
                _settle(write, write.apply())

    def calculation(self, tenant: str, calculation_id: str) -> Calculation | None:
        found = self._calculations.get(calculation_id)
        if found is None or found[0].tenant != tenant:
            return None
        record, position, link = found
        return Calculation(record.record, record.evidence, position, link.leaves, link.head)

    def link_after(self, number: int) -> Link | None:
        """The next link of the chain; the first follows 0."""
        return self._links[number] if number < len(self._links) else None

    def stored_bytes(self, tenant: str) -> int:
        """How many bytes a tenant's records have, with what proves them."""
        records = (record for record, _, _ in self._calculations.values() if record.tenant == tenant)
        return sum(len(record.record) + len(record.evidence) for record in records)

    def is_older(self, calculation_id: str, before: int) -> bool:
        """Whether it is a calculation that was made before a time."""
        found = self._calculations.get(calculation_id)
        return found is not None and found[0].created_at < before

    def _next_group(self) -> list[_Write]:
        """Take of what waits the writes that go under one link; what is answered without is settled here."""
        group: list[_Write] = []
        later: list[_Write] = []
        touched: set[Hashable] = set()
        for write in self._waiting:
            if len(group) == _WRITES_IN_LINK or not touched.isdisjoint(write.touched):
                later.append(write)
                continue
            try:
                answer = write.answer()
                if answer is None:
                    self._refuse_known(write.record)
            except StoreError as error:
                _refuse(write, error)
                continue
            if answer is None:
                touched.update(write.touched)
                group.append(write)
            else:
                _settle(write, answer)
        self._waiting = later
        return group

    def _refuse_known(self, record: NewRecord | None) -> None:
        if record is not None and record.calculation_id in self._calculations:
            told = f"calculation '{record.calculation_id}' is there already"
            raise StoreError(f"the store could not be written: {told}")

    def _link(self, records: list[NewRecord]) -> None:
        """Add a link to the chain, and the records under it."""
        leaves = tuple(record.leaf for record in records)
        sealed = self._seal(leaves, self._chain_hash)
        link = Link(
            len(self._links) + 1,
            sealed.head,
            leaves,
            tuple(record.record for record in records),
            tuple((record.calculation_id, record.tenant) for record in records),
        )
        self._chain_hash = sealed.chain_hash
        self._links.append(link)
        for position, record in enumerate(records):
            self._calculations[record.calculation_id] = (record, position, link)


def _settle(write: _Write, answer: Any) -> None:
    if not write.future.done():  # else nobody waits any more
        write.future.set_result(answer)


def _refuse(write: _Write, error: Exception) -> None:
    if not write.future.done():
        write.future.set_exception(error)
