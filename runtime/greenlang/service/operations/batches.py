"""Batches: send a file or name one, follow how it is computed, and fetch what it gave."""

from __future__ import annotations

__all__ = ["BatchOperations"]

import asyncio
import os
from pathlib import Path

import msgspec

from greenlang.agents import Resource
from greenlang.engine import make_policy
from greenlang.engine.batches import (
    ENDED,
    BatchFolder,
    BatchOrder,
    State,
    Totals,
    compare_batches,
    failure_tables,
    row_tables,
    sum_table,
)
from greenlang.engine.executions import new_id, now
from greenlang.errors import DataError
from greenlang.gcel import compile as compile_program
from greenlang.service.activities import policy_of_query
from greenlang.service.batches import BatchKeeper
from greenlang.service.messages import (
    BatchData,
    BatchDifference,
    BatchList,
    BatchListQuery,
    BatchRequest,
    BatchTotals,
    BatchTotalsQuery,
    BatchUploadQuery,
    DifferenceData,
    DifferenceQuery,
    FailureQuery,
    Fault,
    RecalculationRequest,
    ResultQuery,
    SumData,
)
from greenlang.service.operations.batch_files import CSV, OTHER_FORMATS, batch_file
from greenlang.service.operations.batch_told import batch_told, is_done, not_done, state_events
from greenlang.service.operations.told import unknown
from greenlang.service.reading import last_event, media_type, read_body, read_query
from greenlang.service.roles import Permission
from greenlang.service.routing import LAST_EVENT_ID, Route
from greenlang.service.wire import JSON, Call, Refusal, Reply, Stream, answer, next_link

#: Rows of two inputs that are compared in memory, beside what is answered meanwhile.
_MOST_COMPARED = 1_000_000

#: Media types of files, by the suffix that tells their format.
_FILES = {
    "text/csv": ".csv",
    "application/x-ndjson": ".jsonl",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.apache.arrow.file": ".arrow",
    "application/vnd.apache.arrow.stream": ".arrow",
    "application/octet-stream": "",
}


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
                "POST",
                "/v1/batches/{id}/recalculate",
                self.recalculate_batch,
                "Compute the input of a batch again under other choices",
                permission=Permission.RUN,
                request=RecalculationRequest,
                answers={202: (BatchData,)},
                refusals=(409,),
            ),
            Route(
                "GET",
                "/v1/batches/{id}/difference",
                self.batch_difference,
                "By what a batch differs from another",
                permission=Permission.READ,
                query=DifferenceQuery,
                answers={200: (BatchDifference,)},
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
                gives=CSV,
                other_gives=OTHER_FORMATS,
                refusals=(409,),
            ),
            Route(
                "GET",
                "/v1/batches/{id}/failures",
                self.batch_failures,
                "The rows of a batch that were not computed, as a file",
                permission=Permission.READ,
                query=FailureQuery,
                gives=CSV,
                other_gives=OTHER_FORMATS,
                refusals=(409,),
            ),
        ]

    async def make_batch(self, call: Call) -> Reply:
        """`POST /v1/batches`."""
        kind = media_type(call, *_FILES)
        try:
            if kind == JSON:
                folder = await self._make_of_path(call)
            else:
                folder = await self._make_of_upload(call, _FILES[kind])
        except DataError as error:
            raise Refusal(
                422, *(Fault("activity", one.text(error.file), one.column, one.fix) for one in error.problems)
            ) from error
        location = ("Location", f"/v1/batches/{folder.batch_id}")
        return answer(call, await asyncio.to_thread(batch_told, folder), status=202, headers=(location,))

    async def _make_of_path(self, call: Call) -> BatchFolder:
        if call.read is not None:
            call.body = await call.read()
        asked = read_body(call, BatchRequest)
        read_query(call, BatchUploadQuery)  # nothing in it counts here, and what is unknown is a mistake
        # Links are followed first: one may lead out of the folder that it stands in.
        # (`resolve` raises where links go round.)
        path = None if "\0" in asked.path else Path(os.path.realpath(asked.path))
        allowed = [Path(folder).resolve() for folder in self._keeper.settings.inputs]
        if path is None or not any(path.is_relative_to(folder) for folder in allowed):
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
        waiting = self._batches.upload(new_id("upload", now()))
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
        told = await asyncio.to_thread(lambda: list(map(batch_told, page)))
        return answer(call, BatchList(told, cursor), headers=links)

    async def batch(self, call: Call) -> Reply:
        """`GET /v1/batches/{id}`."""
        return answer(call, await asyncio.to_thread(batch_told, self._found(call)))

    async def cancel_batch(self, call: Call) -> Reply:
        """`DELETE /v1/batches/{id}`."""
        folder = self._found(call)
        state = await asyncio.to_thread(folder.ask_to_cancel)
        return answer(
            call, await asyncio.to_thread(batch_told, folder), status=200 if state.state in ENDED else 202
        )

    async def resume_batch(self, call: Call) -> Reply:
        """`POST /v1/batches/{id}/resume`."""
        folder = self._found(call)
        state = (await asyncio.to_thread(folder.state)).state
        if state is State.COMPLETED:
            raise Refusal(
                409, Fault("state", f"batch {folder.batch_id} is {state}", "id", "make another one")
            )
        if not await self._keeper.resume(folder):
            message = f"batch {folder.batch_id} is still being stopped"
            raise Refusal(409, Fault("state", message, "id", "try again in a moment"))
        return answer(call, await asyncio.to_thread(batch_told, folder), status=202)

    async def recalculate_batch(self, call: Call) -> Reply:
        """`POST /v1/batches/{id}/recalculate`."""
        base = self._found(call)
        asked = read_body(call, RecalculationRequest)
        if not is_done(base):
            raise not_done(base)
        files = asked.factors
        folder = await self._keeper.recalculate(
            base,
            make_policy(**{"on_error": "skip", **asked.policy}),
            None if files is None else tuple(Resource.of(file.name, file.text) for file in files),
        )
        location = ("Location", f"/v1/batches/{folder.batch_id}")
        return answer(call, await asyncio.to_thread(batch_told, folder), status=202, headers=(location,))

    async def batch_difference(self, call: Call) -> Reply:
        """`GET /v1/batches/{id}/difference`."""
        after = self._found(call)
        asked = read_query(call, DifferenceQuery)
        before = self._batches.find(call.tenant, asked.before)
        if before is None:
            raise unknown("batch", asked.before)
        for folder in (before, after):
            if not is_done(folder):
                raise not_done(folder)
        found = await asyncio.to_thread(
            compare_batches, before, after, registry=self._keeper.registry, most_rows=_MOST_COMPARED
        )
        told = [DifferenceData(**msgspec.structs.asdict(one)) for one in found.differences]
        return answer(call, BatchDifference(found.before, found.after, told))

    async def batch_events(self, call: Call) -> Stream:
        """Where a batch stands, as server-sent events, until it has ended.

        Raises
        ------
        Refusal
            404 if there is no such batch, 400 if `Last-Event-ID` holds no number.
        """
        folder = self._found(call)
        return Stream("text/event-stream", state_events(folder, last_event(call)))

    async def batch_totals(self, call: Call) -> Reply:
        """`GET /v1/batches/{id}/totals`."""
        folder = self._found(call)
        asked = read_query(call, BatchTotalsQuery)
        totals = await asyncio.to_thread(folder.load, "totals.json", Totals)
        if totals is None:
            raise not_done(folder)
        sums = totals.totals if asked.by == "totals" else [one for one in totals.sums if one.by == asked.by]
        told = [SumData(**{name: getattr(one, name) for name in SumData.__struct_fields__}) for one in sums]
        found = BatchTotals(
            folder.batch_id, asked.by, totals.rows, totals.computed, totals.failed, told, list(totals.without)
        )
        return answer(call, found)

    async def batch_result(self, call: Call) -> Stream:
        """`GET /v1/batches/{id}/result`."""
        folder = self._found(call)
        asked = read_query(call, ResultQuery)
        if asked.table == "rows":
            return await batch_file(
                call, folder, lambda: row_tables(folder), asked.format, asked.limit, "rows"
            )
        made = await asyncio.to_thread(sum_table, folder, asked.table) if is_done(folder) else None
        return await batch_file(call, folder, lambda: iter([made]), asked.format, asked.limit, asked.table)

    async def batch_failures(self, call: Call) -> Stream:
        """`GET /v1/batches/{id}/failures`."""
        folder = self._found(call)
        asked = read_query(call, FailureQuery)
        return await batch_file(
            call, folder, lambda: failure_tables(folder), asked.format, asked.limit, "failures"
        )

    def _found(self, call: Call) -> BatchFolder:
        folder = self._batches.find(call.tenant, call.names["id"])
        if folder is None:
            raise unknown("batch", call.names["id"])
        return folder
