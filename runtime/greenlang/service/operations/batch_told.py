"""How batches are told: as they stand, as events while they go on, and when they are not done yet."""

from __future__ import annotations

__all__ = ["batch_told", "is_done", "not_done", "state_events"]

import asyncio
from collections.abc import AsyncGenerator

import msgspec

from greenlang.engine.batches import ENDED, BatchFolder, BatchState, State
from greenlang.engine.executions import time_text
from greenlang.service.messages import BatchData, BatchProgress, Fault
from greenlang.service.wire import Refusal

#: How often it is looked whether a batch came further, and how often a reader that waits is told so.
_LOOK_S = 0.25
_WAITING_LOOKS = 40


async def state_events(folder: BatchFolder, after: int) -> AsyncGenerator[bytes, None]:
    """Server-sent events of where a batch stands, from after a sequence number until it has ended."""
    looks = 0
    while True:
        state = await asyncio.to_thread(folder.state)
        if state.sequence > after:
            after, looks = state.sequence, 0
            data = msgspec.json.encode(_progress(state))
            yield b"id: %d\nevent: %b\ndata: %b\n\n" % (state.sequence, state.state.encode(), data)
        if state.state in ENDED:
            return
        looks += 1
        if looks % _WAITING_LOOKS == 0:
            yield b": waiting\n\n"
        await asyncio.sleep(_LOOK_S)


def _progress(state: BatchState) -> BatchProgress:
    tally = state.tally
    return BatchProgress(
        state=str(state.state),
        rows=tally.rows,
        rows_done=tally.rows_done,
        failed_rows=tally.failed_rows,
        partitions=tally.partitions,
        partitions_done=tally.partitions_done,
        retries=tally.retries,
        rows_per_second=tally.rows_per_second,
        seconds_left=tally.seconds_left,
        error=state.error or None,
    )


def batch_told(folder: BatchFolder) -> BatchData:
    """A batch as callers see it."""
    definition, state = folder.definition(), folder.state()
    tally = state.tally
    return BatchData(
        batch_id=definition.batch_id,
        name=definition.name,
        state=state.state.value,
        created_at=time_text(definition.created_at),
        rows=definition.rows,
        rows_done=tally.rows_done,
        failed_rows=tally.failed_rows,
        partitions=len(definition.starts),
        partitions_done=tally.partitions_done,
        retries=tally.retries,
        started_at=None if state.started_at is None else time_text(state.started_at),
        finished_at=None if state.finished_at is None else time_text(state.finished_at),
        rows_per_second=tally.rows_per_second,
        seconds_left=tally.seconds_left,
        result_hash=state.result_hash or None,
        calculation_id=state.calculation_id or None,
        error=state.error or None,
        hint=state.fix or None,
        base=definition.base,
    )


def is_done(folder: BatchFolder) -> bool:
    """Whether a batch gives a result."""
    return folder.kept_state().state is State.COMPLETED


def not_done(folder: BatchFolder) -> Refusal:
    """What is said to whoever asks for a result before there is one."""
    state = folder.state().state
    message = f"batch {folder.batch_id} is {state}"
    return Refusal(409, Fault("state", message, "id", "it gives a result when it is completed"))
