"""Runs a batch from wherever it stands to its end.

All that is known is on the disk: partitions that are done are files, so going on is computing those that are
not there.  At the end ids that stand in several partitions are looked for, the partitions of later ones are
computed again without them, and all is put together.
"""

from __future__ import annotations

__all__ = ["BatchResult", "run_batch"]

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from greenlang.agents import Registry, default_registry
from greenlang.engine.batches.computing import Computed, PartitionTask, load_plan, open_input
from greenlang.engine.batches.definition import (
    BatchDefinition,
    BatchState,
    Partition,
    State,
    Tally,
    partitions_of,
)
from greenlang.engine.batches.dispatching import BatchCancelled, Tries, dispatch
from greenlang.engine.batches.engines import BatchEngine
from greenlang.engine.batches.folder import BatchFolder
from greenlang.engine.batches.identities import Repeated, find_repeated
from greenlang.engine.batches.merging import Totals, merge_parts
from greenlang.engine.batches.parts import PartHeading, RefusedRow, read_heading, read_identities
from greenlang.engine.batches.recalculating import carry_over
from greenlang.engine.evidence import plan_evidence
from greenlang.engine.executions import new_id, now
from greenlang.errors import GreenLangError, InputError
from greenlang.ledger import CalculationRecord, Signer, Unsigned, atomic_writer, commit

#: How often where it stands is written down while it runs.
_TELL_S = 0.25


@dataclass(frozen=True, slots=True)
class BatchResult:
    """A batch that is done."""

    record: CalculationRecord
    totals: Totals


def run_batch(
    folder: BatchFolder,
    engine: BatchEngine,
    *,
    registry: Registry | None = None,
    on_progress: Callable[[BatchState], None] = lambda _: None,
    backoff_s: float = 1.0,
    signer: Signer | Unsigned | None = None,
    heed_cancel: bool = False,
) -> BatchResult:
    """Compute what is left of a batch and put it together; what was done before is not done again.

    Parameters
    ----------
    signer : Signer or Unsigned, optional
        Links the record to a chain of its own; without one it is left to whoever has a chain.
    heed_cancel : bool
        Whether a wish to stop counts that somebody had before this began; without it, the batch goes on.

    Raises
    ------
    InputError
        If another process is at work on it, or its input or program cannot be used.
    PartitionFailed
        If a partition failed as often as it may; what was done stays done.
    BatchCancelled
        If somebody cancelled it.
    """
    definition = folder.definition()
    with folder.held() as free:
        if not free:
            raise InputError(
                f"another process is at work on batch '{folder.batch_id}'",
                fix="`greenlang batch status` tells how far it is",
            )
        run = _Run(folder, definition, registry or default_registry(), on_progress, signer)
        try:
            if not heed_cancel:
                folder.forget_cancel()
            folder.clear_unfinished()
            return run.to_the_end(engine, backoff_s)
        except BatchCancelled:
            run.tell(state=State.CANCELLED, finished_at=now(), lasting=True)
            raise
        except GreenLangError as error:
            message, fix = getattr(error, "message", str(error)), getattr(error, "fix", "")
            run.tell(state=State.FAILED, finished_at=now(), error=message, fix=fix, lasting=True)
            raise


class _Run:
    """One process at work on a batch that it holds."""

    def __init__(
        self,
        folder: BatchFolder,
        definition: BatchDefinition,
        registry: Registry,
        on_progress: Callable[[BatchState], None],
        signer: Signer | Unsigned | None,
    ) -> None:
        self._signer = signer
        self._folder = folder
        self._definition = definition
        self._registry = registry
        self._on_progress = on_progress
        self._partitions = partitions_of(definition.starts, definition.rows)
        self._state = folder.kept_state()
        self._began = time.monotonic()
        #: Rows that were computed by this run, by which its rate is told.
        self._rows_here = 0
        self._told_at = 0.0

    def to_the_end(self, engine: BatchEngine, backoff_s: float) -> BatchResult:
        """Compute what is left, and put all together."""
        folder, definition = self._folder, self._definition
        if (kept := _kept_result(folder)) is not None:
            return kept
        if folder.cancel_asked:
            raise BatchCancelled("the batch was cancelled")
        if definition.base is not None and not folder.path.joinpath("repeated.json").exists():
            carry_over(folder, definition, load_plan(folder, self._registry))
        repeated = folder.load("repeated.json", Repeated)
        left = self._left(repeated or {})
        self._begin(left)
        tries = Tries(definition.tries, definition.timeout_s, backoff_s)
        self._compute(engine, left, repeated or {}, tries)
        if repeated is None:
            repeated = self._find_repeated()
            # From here on whoever goes on computes the partitions without these rows.
            folder.save("repeated.json", msgspec.json.encode(repeated))
        # More than once only where a worker that was given up has put such rows back.
        while left := self._left(repeated):
            self._take_back(left)
            self._compute(engine, left, repeated, tries)
        return self._put_together()

    def _left(self, repeated: Repeated) -> list[Partition]:
        """Partitions that are to be computed, or computed again because rows of them are refused by now."""
        done = self._folder.finished()
        return [
            one
            for one in self._partitions
            if one.index not in done or (one.index in repeated and not self._refuses(one, repeated))
        ]

    def _refuses(self, partition: Partition, repeated: Repeated) -> bool:
        heading = read_heading(self._folder.part_path(partition.index))
        return heading.repeated == len(repeated[partition.index])

    def tell(self, *, lasting: bool = False, **changes: object) -> None:
        """Write down where it stands, and tell it."""
        self._state = msgspec.structs.replace(self._state, sequence=self._state.sequence + 1, **changes)
        self._folder.save_state(self._state, lasting=lasting)
        self._told_at = time.monotonic()
        self._on_progress(self._state)

    def _begin(self, left: Sequence[Partition]) -> None:
        done = [one.index for one in self._partitions if one not in left]
        rows_done = self._definition.rows - sum(one.count for one in left)
        failed = sum(
            heading.count - heading.computed
            for heading in map(read_heading, map(self._folder.part_path, done))
        )
        tally = Tally(
            rows=self._definition.rows,
            rows_done=rows_done,
            partitions=len(self._partitions),
            partitions_done=len(done),
            failed_rows=failed,
            retries=self._state.tally.retries,
        )
        self.tell(
            state=State.RUNNING,
            tally=tally,
            started_at=self._state.started_at or now(),
            starts=self._state.starts + 1,
            finished_at=None,
            error="",
            fix="",
            lasting=True,
        )

    def _take_back(self, partitions: Sequence[Partition]) -> None:
        tally = self._state.tally
        if partitions:
            self._state = msgspec.structs.replace(
                self._state,
                tally=msgspec.structs.replace(
                    tally,
                    rows_done=tally.rows_done - sum(one.count for one in partitions),
                    partitions_done=tally.partitions_done - len(partitions),
                ),
            )

    def _compute(
        self, engine: BatchEngine, partitions: Sequence[Partition], repeated: Repeated, tries: Tries
    ) -> None:
        path = str(self._folder.path)
        tasks = (PartitionTask(path, one, repeated.get(one.index, ())) for one in partitions)
        dispatch(
            engine,
            tasks,
            tries,
            on_done=self._done,
            on_retry=self._retried,
            cancelled=lambda: self._folder.cancel_asked,
        )

    def _done(self, task: PartitionTask, computed: Computed) -> None:
        tally, count = self._state.tally, task.partition.count
        self._rows_here += count
        rate = self._rows_here / max(time.monotonic() - self._began, 1e-6)
        rows_done = tally.rows_done + count
        tally = msgspec.structs.replace(
            tally,
            rows_done=rows_done,
            partitions_done=tally.partitions_done + 1,
            failed_rows=tally.failed_rows + computed.failed,
            rows_per_second=round(rate, 1),
            seconds_left=round((tally.rows - rows_done) / rate, 1),
        )
        self._state = msgspec.structs.replace(
            self._state,
            tally=tally,
            cpu_microseconds=self._state.cpu_microseconds + computed.cpu_microseconds,
            tokens=self._state.tokens + computed.tokens,
        )
        if time.monotonic() - self._told_at >= _TELL_S:
            self.tell()

    def _retried(self, task: PartitionTask, why: str) -> None:
        tally = msgspec.structs.replace(self._state.tally, retries=self._state.tally.retries + 1)
        self.tell(tally=tally, error=f"partition {task.partition.index} is tried again: {why}")

    def _find_repeated(self) -> Repeated:
        hashes = {one.index: read_identities(self._folder.part_path(one.index)) for one in self._partitions}
        return find_repeated(open_input(self._folder, self._definition), self._partitions, hashes)

    def _put_together(self) -> BatchResult:
        folder = self._folder
        headings = [read_heading(folder.part_path(one.index)) for one in self._partitions]
        plan = load_plan(folder, self._registry)
        merged = merge_parts(
            self._definition,
            headings,
            _refused(headings),
            calculation_id=new_id("calc", now()),
            plan_hash=plan.hash,
            **plan_evidence(plan, self._registry),
        )
        with atomic_writer(folder.path / "failures.jsonl") as file:
            for row in _refused(headings):
                file.write(msgspec.json.encode(msgspec.structs.asdict(row)) + b"\n")
        folder.save("totals.json", msgspec.json.encode(merged.totals))
        record = merged.record
        if self._signer is not None:
            made = commit([record], self._signer)
            record = made.records[0]
            folder.save("head.json", msgspec.json.encode(made.head))
        folder.save("record.json", msgspec.json.encode(record))
        tally = self._state.tally
        self.tell(
            state=State.COMPLETED,
            finished_at=now(),
            result_hash=record.result_hash,
            tally=msgspec.structs.replace(
                tally,
                rows_done=tally.rows,
                partitions_done=tally.partitions,
                failed_rows=merged.totals.failed,
                seconds_left=0.0,
            ),
            error="",
            lasting=True,
        )
        return BatchResult(record, merged.totals)


def _kept_result(folder: BatchFolder) -> BatchResult | None:
    """What a batch that was done before gave."""
    if folder.kept_state().state is not State.COMPLETED:
        return None
    record, totals = folder.load("record.json", CalculationRecord), folder.load("totals.json", Totals)
    return None if record is None or totals is None else BatchResult(record, totals)


def _refused(headings: Sequence[PartHeading]) -> Iterator[RefusedRow]:
    for heading in headings:
        yield from heading.refused
