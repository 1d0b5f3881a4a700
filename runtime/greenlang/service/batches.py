"""Keeps batches going: each in a process of its own, so that it neither slows answers nor ends with them.

All that is known of a batch stands in its folder, where any process of the service, or of another node that
shares the folder, finds it.  Whoever sees a batch that nobody works on starts a process for it; the first
process to take the batch keeps it, the others end.
"""

from __future__ import annotations

__all__ = ["BatchKeeper", "BatchSettings", "batches_root"]

import asyncio
import contextlib
import itertools
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from greenlang.agents import Registry, Resource
from greenlang.agents.spending import Spent
from greenlang.carbon import AccountingPolicy
from greenlang.engine.batches import (
    ENDED,
    Batches,
    BatchFolder,
    BatchOrder,
    BatchState,
    State,
    load_plan,
    make_batch,
    make_recalculation,
)
from greenlang.engine.executions import Prover, now
from greenlang.engine.tenancy import UNGUARDED, Guard, Unguarded
from greenlang.errors import GreenLangError, InputError, StoreError
from greenlang.ledger import CalculationRecord, digest_of_bytes
from greenlang.observing import Counts
from greenlang.stores import Store

_log = logging.getLogger("greenlang.service")

Count = Annotated[int, msgspec.Meta(ge=1)]

#: How often it is looked for batches that nobody works on.
_LOOK_S = 1.0

#: How long whoever resumes a batch waits for a process that was told to stop, and how often they look.
_LET_GO_S = 5.0
_LOOK_AGAIN_S = 0.05

#: What ends of batches are counted as.
_COUNTED = {State.COMPLETED: "success", State.FAILED: "error"}

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
        counts: Counts | None = None,
    ) -> None:
        self.settings = settings
        self._guard = guard
        self._counts = counts
        self.registry = registry
        self.batches = Batches(root.absolute())
        self._store = store
        self._prover = prover
        self._working: dict[str, asyncio.subprocess.Process] = {}
        #: How many processes were started for a batch.
        self._starts: dict[str, int] = {}
        #: Folders of batches that nothing is to be done for, and when each stood as it did then.
        self._settled: dict[str, int] = {}
        #: In which turn something was last begun for a tenant, by its folder.
        self._served: dict[Path, int] = {}
        self._turns = itertools.count(1)
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

    async def resume(self, folder: BatchFolder) -> bool:
        """Go on with a batch that failed or was cancelled; False where a process has it that is to stop."""
        queued = await asyncio.to_thread(_queue_again, folder)
        self._starts.pop(folder.batch_id, None)
        self._wake.set()
        return queued

    async def keep(self) -> None:
        """Look for what is to be done, for as long as it runs; batches that are computed then wait."""
        try:
            while True:
                self._wake.clear()
                try:
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
        """See to what has ended, and begin with what waits where there is room."""
        for batch_id in [one for one, process in self._working.items() if process.returncode is not None]:
            del self._working[batch_id]
        waiting: list[tuple[BatchFolder, BatchState]] = []
        for folder, changed_at in await asyncio.to_thread(self._unsettled):
            with _told(folder):
                state = await asyncio.to_thread(folder.state)
                if state.state in ENDED:
                    await self._settle(folder, state, changed_at)
                elif state.state is not State.RUNNING:
                    waiting.append((folder, state))
        while waiting and len(self._working) < self.settings.at_once:
            first = min(waiting, key=self._turn)
            waiting.remove(first)
            with _told(first[0]):
                await self._start(*first)

    def _unsettled(self) -> list[tuple[BatchFolder, int]]:
        """Batches that something may have to be done for, and when each was changed."""
        times = self.batches.times()
        self._settled = settled = {path: at for path, at in self._settled.items() if times.get(path) == at}
        changed = [(BatchFolder(Path(path)), at) for path, at in times.items() if path not in settled]
        return [
            (folder, at)
            for folder, at in changed
            if folder.batch_id not in self._working and folder.is_made()
        ]

    def _turn(self, waiting: tuple[BatchFolder, BatchState]) -> tuple[int, str]:
        """Where a batch stands among those that wait: who was served longest ago is next, with its oldest."""
        folder, _ = waiting
        return self._served.get(folder.path.parent, 0), folder.batch_id

    async def _settle(self, folder: BatchFolder, state: BatchState, changed_at: int) -> None:
        """Do what is to be done when a batch has ended, once over all processes."""
        if state.state is State.COMPLETED and not await self._commit(folder):
            return
        taken = await asyncio.to_thread(folder.take_spent)
        if taken is not None:
            await self._account(folder, state, *taken)
        else:
            self._settled[str(folder.path)] = changed_at
            self._starts.pop(folder.batch_id, None)

    async def _account(self, folder: BatchFolder, state: BatchState, attempt: int, spent: Spent) -> None:
        """Write down what a batch used, if its tenant has quotas, and count it."""
        tenant = (await asyncio.to_thread(folder.definition)).tenant
        await self._guard.look_at(tenant)
        if self._guard.admit((), tenant, fresh=False) is not None:
            self._guard.spend(tenant, folder.batch_id, attempt, spent)
        if self._counts is not None and (end := _COUNTED.get(state.state)) is not None:
            plan = await asyncio.to_thread(load_plan, folder, self.registry)
            record = await asyncio.to_thread(folder.load, "record.json", CalculationRecord)
            self._counts.calculated(plan.agents[-1].name, () if record is None else record.formulas, end)

    async def _may_begin(self, folder: BatchFolder) -> bool:
        """Whether a batch may be begun now, as when it was made; of a suspended tenant's it is waited for."""
        try:
            tenant = (await asyncio.to_thread(folder.definition)).tenant
            if await self._guard.is_suspended(tenant):
                return False
            agents = (await asyncio.to_thread(load_plan, folder, self.registry)).agents
            self.registry.admit(agents, tenant)
            self._guard.admit(agents, tenant, fresh=False)
        except InputError as error:
            await asyncio.to_thread(folder.fail, error)
            return False
        return True

    async def _start(self, folder: BatchFolder, state: BatchState) -> None:
        if not await self._may_begin(folder):
            return
        self._served[folder.path.parent] = next(self._turns)
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

    async def _commit(self, folder: BatchFolder) -> bool:
        """Put the record of a batch that is done into the ledger, once; False where that is left to do."""
        record = await asyncio.to_thread(_uncommitted, folder)
        if record is None:
            return True
        at = now()
        named = self._prover.named(record, at)
        try:
            submitted = await self._store.add_calculation(
                self._prover.kept(named, at),
                # Callers' keys have no spaces, so none of them is in the way.
                idempotency_key=f"batch {folder.batch_id}",
                request_digest=digest_of_bytes(folder.batch_id.encode()),
            )
        except StoreError as error:
            _log.error("the record of batch %s is not committed yet: %s", folder.batch_id, error)
            return False
        return await asyncio.to_thread(_tell_committed, folder, submitted.id)


@contextlib.contextmanager
def _told(folder: BatchFolder) -> Iterator[None]:
    """Have what is wrong with a batch told, and the others go on: it was removed, or the disk is full."""
    try:
        yield
    except (OSError, msgspec.DecodeError, GreenLangError) as error:
        _log.error("batch %s: %s", folder.batch_id, error)


def _queue_again(folder: BatchFolder) -> bool:
    """Have a batch that ended before its end wait for a process; False where one has it that is to stop."""
    ends = time.monotonic() + _LET_GO_S
    while True:
        with folder.held() as free:
            kept = folder.kept_state()
            if free:
                if kept.state in (State.FAILED, State.CANCELLED):
                    folder.forget_cancel()
                    folder.save_state(
                        msgspec.structs.replace(
                            kept, state=State.QUEUED, sequence=kept.sequence + 1, starts=0
                        )
                    )
                return True
        if kept.state is State.RUNNING and not folder.cancel_asked:
            return True
        if time.monotonic() > ends:
            return False
        time.sleep(_LOOK_AGAIN_S)


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
