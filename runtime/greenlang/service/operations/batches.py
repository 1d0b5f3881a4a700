"""Batches: send a file or name one, follow how it is computed, and fetch what it gave."""

from __future__ import annotations

__all__ = ["BatchOperations"]

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from greenlang.agents import Resource
from greenlang.carbon import TABLE_FORMATS
from greenlang.engine import make_policy
from greenlang.engine.batches import (
    ENDED,
    BatchFolder,
    BatchOrder,
    BatchState,
    State,
    Totals,
    encode_tables,
    failure_tables,
    row_tables,
    sum_table,
)
from greenlang.engine.executions import new_id, now, time_text
from greenlang.errors import DataError, either
from greenlang.gcel import compile as compile_program
from greenlang.service.activities import policy_of_query
from greenlang.service.batch_messages import (
    BatchData,
    BatchList,
    BatchListQuery,
    BatchProgress,
    BatchRequest,
    BatchTotals,
    BatchTotalsQuery,
    BatchUploadQuery,
    FailureQuery,
    ResultQuery,
    SumData,
)
from greenlang.service.batches import BatchKeeper
from greenlang.service.messages import Fault
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_body, read_query
from greenlang.service.roles import Permission
from greenlang.service.routing import LAST_EVENT_ID, Route
from greenlang.service.wire import JSON, VERSIONED_JSON, Call, Refusal, Reply, Stream, answer, next_link

#: Media types of files, by the suffix that tells their format.
_FILES = {
    "text/csv": ".csv",
    "application/x-ndjson": ".jsonl",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.apache.arrow.file": ".arrow",
    "application/vnd.apache.arrow.stream": ".arrow",
    "application/octet-stream": "",
}

#: What a format is sent as.
_TYPES = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
}
_FORMATS = {media_type: name for name, media_type in _TYPES.items()}
_CSV = _TYPES["csv"]
_OTHERS = tuple(one for one in _TYPES.values() if one != _CSV)

#: How often it is looked whether a batch came further, and how often a reader that waits is told so.
_LOOK_S = 0.25
_WAITING_LOOKS = 40


class BatchOperations:
    """Operations on the batches that a keeper keeps."""

    def __init__(self, keeper: BatchKeeper) -> None:
        self._keeper = keeper
        self._batches = keeper.batches

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "POST",
                "/v1/batches",
                self.make_batch,
                "Compute a file of any size",
                permission=Permission.RUN,
                request=BatchRequest,
                other_types=tuple(_FILES),
                query=BatchUploadQuery,
                answers={202: (BatchData,)},
                streams=True,
            ),
            Route(
                "GET",
                "/v1/batches",
                self.batches,
                "List batches",
                permission=Permission.READ,
                query=BatchListQuery,
                answers={200: (BatchList,)},
            ),
            Route(
                "GET",
                "/v1/batches/{id}",
                self.batch,
                "One batch",
                permission=Permission.READ,
                answers={200: (BatchData,)},
            ),
            Route(
                "DELETE",
                "/v1/batches/{id}",
                self.cancel_batch,
                "Cancel a batch",
                permission=Permission.OPERATE,
                answers={200: (BatchData,), 202: (BatchData,)},
            ),
            Route(
                "POST",
                "/v1/batches/{id}/resume",
                self.resume_batch,
                "Go on with a batch that failed or was cancelled",
                permission=Permission.OPERATE,
                answers={202: (BatchData,)},
                refusals=(409,),
            ),
            Route(
                "GET",
                "/v1/batches/{id}/events",
                self.batch_events,
                "Follow a batch",
                permission=Permission.READ,
                headers=(LAST_EVENT_ID,),
                gives="text/event-stream",
            ),
            Route(
                "GET",
                "/v1/batches/{id}/totals",
                self.batch_totals,
                "Sums of a batch",
                permission=Permission.READ,
                query=BatchTotalsQuery,
                answers={200: (BatchTotals,)},
                refusals=(409,),
            ),
            Route(
                "GET",
                "/v1/batches/{id}/result",
                self.batch_result,
                "What a batch gave, as a file",
                permission=Permission.READ,
                query=ResultQuery,
                gives=_CSV,
                other_gives=_OTHERS,
                refusals=(409,),
            ),
            Route(
                "GET",
                "/v1/batches/{id}/failures",
                self.batch_failures,
                "The rows of a batch that were not computed, as a file",
                permission=Permission.READ,
                query=FailureQuery,
                gives=_CSV,
                other_gives=_OTHERS,
                refusals=(409,),
            ),
        ]

    async def make_batch(self, call: Call) -> Reply:
        """`POST /v1/batches`."""
        media_type = call.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        try:
            if media_type in (JSON, VERSIONED_JSON):
                folder = await self._make_of_path(call)
            elif media_type in _FILES:
                folder = await self._make_of_upload(call, _FILES[media_type])
            else:
                fault = Fault(
                    "content_type",
                    f"{media_type[:80]} is not taken here",
                    "Content-Type",
                    f"send {either((JSON, *_FILES))}",
                )
                raise Refusal(415, fault)
        except DataError as error:
            raise Refusal(
                422, *(Fault("activity", one.text(error.file), one.column, one.fix) for one in error.problems)
            ) from error
        location = ("Location", f"/v1/batches/{folder.batch_id}")
        return answer(call, _told(folder), status=202, headers=(location,))

    async def _make_of_path(self, call: Call) -> BatchFolder:
        if call.read is not None:
            call.body = await call.read()
        asked = read_body(call, BatchRequest)
        read_query(call, BatchUploadQuery)  # nothing in it counts here, and what is unknown is a mistake
        # Links are followed first: one may lead out of the folder that it stands in.
        path = Path(asked.path).resolve()
        allowed = [Path(folder).resolve() for folder in self._keeper.settings.inputs]
        if not any(path.is_relative_to(folder) for folder in allowed):
            message = "the path is in no folder that the operator allows"
            raise Refusal(400, Fault("path", message, "path", "send the file as the body"))
        plan = (
            None if asked.program is None else compile_program(asked.program, registry=self._keeper.registry)
        )
        order = BatchOrder(
            path,
            plan,
            make_policy(**{"on_error": "skip", **asked.policy}),
            tuple(Resource.of(file.name, file.text) for file in asked.factors),
            asked.name,
            partition_rows=asked.partition_rows,
        )
        return await self._keeper.make(order, tenant=call.tenant)

    async def _make_of_upload(self, call: Call, suffix: str) -> BatchFolder:
        asked = read_query(call, BatchUploadQuery)
        chosen = {
            name: choice
            for name, choice in policy_of_query(asked).items()
            if name not in ("name", "partition_rows")
        }
        policy = make_policy(**{"on_error": "skip", **chosen})
        name = asked.name or f"activities{suffix}"
        waiting = self._batches.root / f"{new_id('upload', now())}.part"
        waiting.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            await self._receive(call, waiting)
            order = BatchOrder(
                waiting, policy=policy, name=name, moved=True, partition_rows=asked.partition_rows
            )
            return await self._keeper.make(order, tenant=call.tenant)
        finally:
            waiting.unlink(missing_ok=True)

    async def _receive(self, call: Call, path: Path) -> None:
        """Write the body to a file as it comes; no more of it than a piece is in memory."""
        limit = self._keeper.settings.max_upload_bytes
        with path.open("xb") as file:
            if call.pieces is None:
                file.write(call.body)
            else:
                async for piece in call.pieces(limit):
                    await asyncio.to_thread(file.write, piece)
            empty = file.tell() == 0
        if empty:
            raise Refusal(400, Fault("empty", "the file is empty", "$", "send a table"))

    async def batches(self, call: Call) -> Reply:
        """`GET /v1/batches`."""
        asked = read_query(call, BatchListQuery)
        folders = await asyncio.to_thread(self._batches.of_tenant, call.tenant)
        if asked.cursor is not None:
            folders = [folder for folder in folders if folder.batch_id < asked.cursor]
        page = folders[: asked.limit]
        cursor = page[-1].batch_id if len(folders) > len(page) else None
        links = () if cursor is None else (next_link(call, cursor),)
        told = await asyncio.to_thread(lambda: list(map(_told, page)))
        return answer(call, BatchList(told, cursor), headers=links)

    async def batch(self, call: Call) -> Reply:
        """`GET /v1/batches/{id}`."""
        return answer(call, await asyncio.to_thread(_told, self._found(call)))

    async def cancel_batch(self, call: Call) -> Reply:
        """`DELETE /v1/batches/{id}`."""
        folder = self._found(call)
        state = await asyncio.to_thread(folder.ask_to_cancel)
        return answer(call, _told(folder), status=200 if state.state in ENDED else 202)

    async def resume_batch(self, call: Call) -> Reply:
        """`POST /v1/batches/{id}/resume`."""
        folder = self._found(call)
        state = folder.state().state
        if state is State.COMPLETED:
            raise Refusal(
                409, Fault("state", f"batch {folder.batch_id} is {state}", "id", "make another one")
            )
        self._keeper.resume(folder)
        return answer(call, _told(folder), status=202)

    async def batch_events(self, call: Call) -> Stream:
        """Where a batch stands, as server-sent events, until it has ended.

        Raises
        ------
        Refusal
            404 if there is no such batch, 400 if `Last-Event-ID` holds no number.
        """
        folder = self._found(call)
        last = call.headers.get("last-event-id", "0") or "0"
        if not (last.isascii() and last.isdigit() and len(last) < 19):
            raise Refusal(400, Fault("last_event_id", f"'{last[:40]}' is no event's number", "Last-Event-ID"))
        return Stream("text/event-stream", _events(folder, int(last)))

    async def batch_totals(self, call: Call) -> Reply:
        """`GET /v1/batches/{id}/totals`."""
        folder = self._found(call)
        asked = read_query(call, BatchTotalsQuery)
        totals = await asyncio.to_thread(folder.load, "totals.json", Totals)
        if totals is None:
            raise _not_done(folder)
        sums = totals.totals if asked.by == "totals" else [one for one in totals.sums if one.by == asked.by]
        told = [
            SumData(
                one.scope,
                one.method,
                one.category,
                one.key,
                one.rows,
                one.mass_kg,
                one.biogenic_co2_kg,
                one.co2e_kg,
            )
            for one in sums
        ]
        found = BatchTotals(
            folder.batch_id, asked.by, totals.rows, totals.computed, totals.failed, told, list(totals.without)
        )
        return answer(call, found)

    async def batch_result(self, call: Call) -> Stream:
        """`GET /v1/batches/{id}/result`."""
        folder = self._found(call)
        asked = read_query(call, ResultQuery)
        if asked.table == "rows":
            return await _file(call, folder, lambda: row_tables(folder), asked.format, asked.limit, "rows")
        made = await asyncio.to_thread(sum_table, folder, asked.table) if _is_done(folder) else None
        return await _file(call, folder, lambda: iter([made]), asked.format, asked.limit, asked.table)

    async def batch_failures(self, call: Call) -> Stream:
        """`GET /v1/batches/{id}/failures`."""
        folder = self._found(call)
        asked = read_query(call, FailureQuery)
        return await _file(
            call, folder, lambda: failure_tables(folder), asked.format, asked.limit, "failures"
        )

    def _found(self, call: Call) -> BatchFolder:
        folder = self._batches.find(call.tenant, call.names["id"])
        if folder is None:
            raise unknown("batch", call.names["id"])
        return folder


async def _file(
    call: Call,
    folder: BatchFolder,
    tables: Callable[[], Iterator[Any]],
    form: str | None,
    limit: int | None,
    what: str,
) -> Stream:
    """Some tables as a file, sent as it is made.

    Raises
    ------
    Refusal
        409 if the batch is not done.
    InputError
        If it cannot be made: the input was changed meanwhile.
    """
    if not _is_done(folder):
        raise _not_done(folder)
    made = TABLE_FORMATS[form or _FORMATS.get(call.gives, "csv")]
    wanted = tables() if limit is None else _at_most(tables(), limit)
    pieces = encode_tables(wanted, made)
    # What keeps it from being made shows in the first piece, and can still be told.
    first = await asyncio.to_thread(next, pieces, b"")
    named = f'attachment; filename="{folder.batch_id}-{what}{made.suffixes[0]}"'
    return Stream(_TYPES[made.name], _after(first, pieces), (("Content-Disposition", named),))


async def _after(first: bytes, pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """A file, a piece at a time, each made in a thread while others are answered."""
    piece: bytes | None = first
    while piece is not None:
        if piece:
            yield piece
        piece = await asyncio.to_thread(next, pieces, None)


def _at_most(tables: Iterator[Any], rows: int) -> Iterator[Any]:
    for table in tables:
        yield table.slice(0, rows)
        rows -= min(rows, len(table))
        if not rows:
            return


async def _events(folder: BatchFolder, after: int) -> AsyncGenerator[bytes, None]:
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


def _told(folder: BatchFolder) -> BatchData:
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


def _is_done(folder: BatchFolder) -> bool:
    return folder.kept_state().state is State.COMPLETED


def _not_done(folder: BatchFolder) -> Refusal:
    state = folder.state().state
    message = f"batch {folder.batch_id} is {state}"
    return Refusal(409, Fault("state", message, "id", "it gives a result when it is completed"))
