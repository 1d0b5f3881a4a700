"""Batches computed again: whole and in memory to be looked into, or as they were to be verified."""

from __future__ import annotations

__all__ = ["BatchesAgain"]

import tempfile
from contextlib import closing
from pathlib import Path

import msgspec

from greenlang.agents import Registry, Resource
from greenlang.carbon import InventoryInput, numbered_rows
from greenlang.engine.batches.computing import open_input
from greenlang.engine.batches.definition import BatchState
from greenlang.engine.batches.engines import ThreadEngine
from greenlang.engine.batches.folder import Batches, BatchFolder
from greenlang.engine.batches.running import run_batch
from greenlang.engine.evidence import Evidence, gather_evidence
from greenlang.engine.kept_evidence import KeptEvidence
from greenlang.errors import InputError
from greenlang.gcel import Catching, Plan
from greenlang.ledger import CalculationRecord

#: Rows that are looked into row by row while somebody waits, and that are verified so.
_LOOKED_INTO = 500_000
_VERIFIED = 2_000_000


class BatchesAgain:
    """Computes batches again; safe to use from several threads.

    Parameters
    ----------
    registry : Registry
        Knows the agents of their programs.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._kept = KeptEvidence()

    def evidence(self, folder: BatchFolder) -> Evidence:
        """What a batch gave, with every row that it was made from; remembered for a while.

        Raises
        ------
        InputError
            If it is too large for that, or its input or program is not what it was.
        """
        definition = folder.definition()
        return self._kept.of((definition.tenant, definition.batch_id), lambda: self._compute(folder))

    def record(self, folder: BatchFolder) -> CalculationRecord:
        """The record of a batch as it is made here and now, partition by partition.

        Raises
        ------
        InputError
            As `evidence`.
        """
        definition = folder.definition()
        _refuse_large(definition.rows, _VERIFIED, "verified", "`greenlang batch run` its file again")
        with (
            tempfile.TemporaryDirectory(prefix="greenlang-verify-") as path,
            closing(ThreadEngine()) as engine,
        ):
            again = Batches(Path(path)).make(definition.tenant, definition.batch_id)
            again.save("plan.json", folder.path.joinpath("plan.json").read_bytes())
            again.save_state(BatchState())
            place = str(folder.input_path(definition))
            again.save(
                "batch.json", msgspec.json.encode(msgspec.structs.replace(definition, input_path=place))
            )
            return run_batch(again, engine, registry=self._registry).record

    def _compute(self, folder: BatchFolder) -> Evidence:
        definition = folder.definition()
        _refuse_large(
            definition.rows, _LOOKED_INTO, "looked into row by row", "look at its sums, or download it"
        )
        plan = Plan.from_json(folder.path.joinpath("plan.json").read_bytes(), registry=self._registry)
        table = numbered_rows(open_input(folder, definition).read(0, definition.rows), 0)
        files = tuple(Resource.of(file.name, file.text) for file in definition.factor_files)
        given = InventoryInput(table, definition.policy, files)
        with Catching() as caught:
            value = plan.run(given, tenant=definition.tenant)
        return gather_evidence(
            plan, given, value, registry=self._registry, tenant=definition.tenant, caught=caught
        )


def _refuse_large(rows: int, most: int, what: str, fix: str) -> None:
    if rows > most:
        raise InputError(
            f"a batch of {rows:,} rows is too large to be {what} here; {most:,} are not", fix=fix
        )
