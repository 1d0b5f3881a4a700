"""Keeps batches going: each in a process of its own, so that it neither slows answers nor ends with them.

All that is known of a batch stands in its folder, where any process of the service, or of another node that
shares the folder, finds it.  Whoever sees a batch that nobody works on starts a process for it; the first
process to take the batch keeps it, the others end.
"""

from __future__ import annotations

__all__ = ["BatchKeeper", "BatchSettings", "batches_root"]

import asyncio
import contextlib
import logging
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from greenlang.agents import Registry, Resource
from greenlang.carbon import AccountingPolicy
from greenlang.engine.batches import (
    ENDED,
    Batches,
    BatchFolder,
    BatchOrder,
    BatchState,
    State,
    make_batch,
    make_recalculation,
)
from greenlang.engine.executions import Prover, now
from greenlang.engine.tenancy import UNGUARDED, Guard, Unguarded
from greenlang.errors import GreenLangError, StoreError
from greenlang.ledger import CalculationRecord, digest_of_bytes
from greenlang.stores import Store

_log = logging.getLogger("greenlang.service")

Count = Annotated[int, msgspec.Meta(ge=1)]

#: How often it is looked for batches that nobody works on.
_LOOK_S = 1.0

#: How old an upload is that nobody waits for any more, and how often they are looked for.
_CLEAR_S = 86_400.0

#: A batch that so many processes began and none ended, ends them.
_MOST_STARTS = 10


class BatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How batches are computed."""

    #: Where they are kept; processes and nodes that share it share the batches. Beside a SQLite store, or in
    #: `greenlang-batches` where the service was started, if it is left out.
    folder: str | None = None
    #: Folders with files that callers may name; with none of them, files are sent.
    inputs: tuple[str, ...] = ()
    max_upload_bytes: Count = 4 * 1024**3
    #: `threads`, `processes`, or the URL of an engine that a plugin brings.
    engine: str = "threads"
    #: Partitions that are computed at once; as many as there are processors if it is left out.
    workers: Count | None = None
    #: Batches that a process of the service has computed at once.
    at_once: Count = 1


def batches_root(settings: BatchSettings, store: str) -> Path:
    """The folder of batches of a service with this store."""
    if settings.folder is not None:
        return Path(settings.folder)
    is_file = "://" not in store and store != "memory:"
    return Path(store).with_suffix(".batches") if is_file else Path("greenlang-batches")


class _Committed(msgspec.Struct, frozen=True):
    """What is kept of a record that is in the ledger."""

    calculation_id: str


class BatchKeeper:
    """The batches of one process of the service."""

    def __init__(
        self,
        settings: BatchSettings,
        root: Path,
        store: Store,
        prover: Prover,
        registry: Registry,
        guard: Guard | Unguarded = UNGUARDED,
    ) -> None:
        self.settings = settings
        self._guard = guard
        self.registry = registry
        self.batches = Batches(root.absolute())
        self._store = store
        self._prover = prover
        self._working: dict[str, asyncio.subprocess.Process] = {}
        #: How many processes were started for a batch.
        self._starts: dict[str, int] = {}
        #: Batches that nothing more is to be done for.
        self._settled: set[str] = set()
        self._wake = asyncio.Event()

    async def make(self, order: BatchOrder, *, tenant: str) -> BatchFolder:
        """Make a batch and have it computed.

        Raises
        ------
        InputError
            If its input or program cannot be used.
        """
        folder = await asyncio.to_thread(
            make_batch,
            self.batches,
            order,
            registry=self.registry,
            tenant=tenant,
            guard=self._guard,
        )
        self._wake.set()
        return folder

    async def recalculate(
        self, base: BatchFolder, policy: AccountingPolicy, factor_files: Sequence[Resource] | None
    ) -> BatchFolder:
        """Have the input of a batch computed again under other choices."""
        folder = await asyncio.to_thread(
            make_recalculation,
            self.batches,
            base,
            policy=policy,
            factor_files=factor_files,
            registry=self.registry,
            guard=self._guard,
        )
        self._wake.set()
        return folder

    async def resume(self, folder: BatchFolder) -> None:
        """Go on with a batch that failed or was cancelled."""
        await asyncio.to_thread(_queue_again, folder)
        self._settled.discard(folder.batch_id)
        self._starts.pop(folder.batch_id, None)
        self._wake.set()

    async def keep(self) -> None:
        """Look for what is to be done, for as long as it runs; batches that are computed then wait."""
        cleared_at = -math.inf
        try:
            while True:
                self._wake.clear()
                try:
                    if time.monotonic() - cleared_at > _CLEAR_S:
                        cleared_at = time.monotonic()
                        await asyncio.to_thread(self.batches.clear, older_than_s=_CLEAR_S)
                    await self._look()
                except OSError as error:
                    _log.error("the folder of batches cannot be read: %s", error)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._wake.wait()
        finally:
            for process in self._working.values():
                if process.returncode is None:
                    process.terminate()
            await asyncio.gather(*(process.wait() for process in self._working.values()))

    async def _look(self) -> None:
        for batch_id in [one for one, process in self._working.items() if process.returncode is not None]:
            del self._working[batch_id]
        for folder in await asyncio.to_thread(lambda: list(self.batches.all())):
            if folder.batch_id in self._settled or folder.batch_id in self._working:
                continue
            try:
                await self._look_at(folder)
            except (OSError, msgspec.DecodeError, GreenLangError) as error:
                # Somebody removed it meanwhile, or the disk is full: the others go on.
                _log.error("batch %s: %s", folder.batch_id, error)

    async def _look_at(self, folder: BatchFolder) -> None:
        state = await asyncio.to_thread(folder.state)
        if state.state is State.COMPLETED:
            await self._commit(folder)
        elif state.state in ENDED:
            self._settled.add(folder.batch_id)
        elif state.state is not State.RUNNING and len(self._working) < self.settings.at_once:
            await self._start(folder, state)

    async def _start(self, folder: BatchFolder, state: BatchState) -> None:
        # Those of this process count by themselves: one may end before it can say that it began.
        starts = self._starts[folder.batch_id] = self._starts.get(folder.batch_id, 0) + 1
        if max(starts - 1, state.starts) >= _MOST_STARTS:
            failed = msgspec.structs.replace(
                state,
                state=State.FAILED,
                sequence=state.sequence + 1,
                error=f"{_MOST_STARTS} processes began with it and were killed",
                fix="look for what kills them: memory, mostly; then resume it",
            )
            await asyncio.to_thread(folder.save_state, failed)
            return
        arguments = [str(folder.path), self.settings.engine, str(self.settings.workers or 0)]
        self._working[folder.batch_id] = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "greenlang.engine.batches",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
        )
        task = asyncio.create_task(process.wait())
        task.add_done_callback(lambda _: self._wake.set())

    async def _commit(self, folder: BatchFolder) -> None:
        """Put the record of a batch that is done into the ledger, once."""
        record = await asyncio.to_thread(_uncommitted, folder)
        if record is None:
            self._settled.add(folder.batch_id)
            return
        at = now()
        named = self._prover.named(record, at)
        try:
            submitted = await self._store.add_calculation(
                self._prover.kept(named, at),
                idempotency_key=f"batch:{folder.batch_id}",
                request_digest=digest_of_bytes(folder.batch_id.encode()),
            )
        except StoreError as error:
            _log.error("the record of batch %s is not committed yet: %s", folder.batch_id, error)
            return
        if await asyncio.to_thread(_tell_committed, folder, submitted.id):
            self._settled.add(folder.batch_id)


def _queue_again(folder: BatchFolder) -> None:
    with folder.held() as free:
        kept = folder.kept_state()
        if free and kept.state in (State.FAILED, State.CANCELLED):
            folder.forget_cancel()
            folder.save_state(
                msgspec.structs.replace(kept, state=State.QUEUED, sequence=kept.sequence + 1, starts=0)
            )


def _uncommitted(folder: BatchFolder) -> CalculationRecord | None:
    """The record of a batch, unless it is in the ledger."""
    if folder.load("committed.json", _Committed) is not None:
        return None
    return folder.load("record.json", CalculationRecord)


def _tell_committed(folder: BatchFolder, calculation_id: str) -> bool:
    """Write down that a batch is in the ledger; False if another has it just now."""
    with folder.held() as free:
        if free:
            kept = folder.kept_state()
            if kept.calculation_id != calculation_id:
                folder.save_state(
                    msgspec.structs.replace(kept, sequence=kept.sequence + 1, calculation_id=calculation_id)
                )
            # Last: whoever is killed before commits it again, which changes nothing.
            folder.save("committed.json", msgspec.json.encode(_Committed(calculation_id)))
    return free
