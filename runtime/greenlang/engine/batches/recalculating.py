"""Computes a batch again under other choices, and keeps the partitions that they do not touch.

What a row is multiplied by depends on its kind (activity, unit, region, period, method) and on nothing else,
if it has no tags.  So one row of each kind that the earlier batch met is computed under the new choices; a
partition none of whose kinds gets another selection stays as it is.
"""

from __future__ import annotations

__all__ = ["KIND_COLUMNS", "Kinds", "carry_over", "kinds_of", "make_recalculation"]

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from greenlang.agents import Registry, Resource, default_registry
from greenlang.carbon import (
    AccountingPolicy,
    ActivityData,
    InventoryInput,
    Table,
    combine_codes,
    gwp_set,
    row_selections,
    selection_table,
)
from greenlang.engine.batches.definition import BatchDefinition, BatchState, KeptFile, Tally
from greenlang.engine.batches.folder import Batches, BatchFolder
from greenlang.engine.batches.parts import PartHeading, read_heading, selection_id
from greenlang.engine.evidence import inventory_of
from greenlang.engine.executions import new_id, now
from greenlang.engine.tenancy import UNGUARDED, Guard, Unguarded
from greenlang.errors import InputError
from greenlang.gcel import Plan
from greenlang.ledger.canonical import encode_plain

#: What decides on the selections of a row without tags.
KIND_COLUMNS = ("activity", "unit", "region", "period", "method")

#: Kinds of a partition, and which of its `entries` each has; None where there is no telling: a row has tags,
#: or there are more kinds than it pays to look at.
Kinds = tuple[tuple[tuple[str, ...], int], ...] | None

#: With more kinds than this a partition is computed again whatever was changed.
_MOST_KINDS = 4_096


def kinds_of(data: ActivityData, codes: np.ndarray[tuple[int], np.dtype[np.int32]]) -> Kinds:
    """The kinds of the usable rows, each with the code of its selections."""
    if tuple(data.tags.values) not in ((), ("",)):
        return None
    columns = [data.activity, data.unit, data.region, data.period, data.method]
    rows = np.flatnonzero(data.usable)
    groups, count = np.zeros(len(rows), dtype=np.int32), 1
    for column in columns:
        groups, count = combine_codes(groups, count, column.codes[rows], len(column.values))
    if count > _MOST_KINDS or not len(rows):
        return None if count > _MOST_KINDS else ()
    examples = np.zeros(count, dtype=np.int64)
    examples[groups] = rows
    return tuple((tuple(column[row] for column in columns), int(codes[row])) for row in examples.tolist())


def make_recalculation(
    batches: Batches,
    base: BatchFolder,
    *,
    policy: AccountingPolicy,
    factor_files: Sequence[Resource] | None = None,
    registry: Registry | None = None,
    guard: Guard | Unguarded = UNGUARDED,
) -> BatchFolder:
    """Make a batch over the input of another that is done, under other choices.

    Parameters
    ----------
    factor_files : sequence of Resource, optional
        Instead of those of the earlier batch.

    Raises
    ------
    InputError
        If the earlier batch is not done, its program is not what it was, or the tenant may not run it now.
    """
    earlier = base.definition()
    if base.load("record.json", dict) is None:
        raise InputError(
            f"batch '{base.batch_id}' is not done", fix=f"`greenlang batch resume {base.batch_id}` first"
        )
    program = base.path.joinpath("plan.json").read_bytes()
    registry = registry or default_registry()
    agents = Plan.from_json(program, registry=registry).agents
    registry.admit(agents, earlier.tenant)
    spent = guard.admit(agents, earlier.tenant)
    gwp_set(policy.gwp_set)
    batch_id = new_id("batch", now())
    folder = batches.make(earlier.tenant, batch_id)
    try:
        source = base.input_path(earlier)
        kept = source.name if not Path(earlier.input_path).is_absolute() else earlier.input_path
        if not Path(kept).is_absolute():
            _link(source, folder.path / kept)
        folder.save("plan.json", program)
        definition = msgspec.structs.replace(
            earlier,
            batch_id=batch_id,
            policy=policy,
            factor_files=earlier.factor_files
            if factor_files is None
            else tuple(KeptFile(file.name, file.text) for file in factor_files),
            created_at=now(),
            base=base.batch_id,
        )
        folder.save_state(BatchState(tally=Tally(rows=earlier.rows, partitions=len(earlier.starts))))
        folder.save("batch.json", msgspec.json.encode(definition))
    except BaseException:
        batches.remove(folder)
        raise
    guard.accepted(earlier.tenant, spent)
    return folder


def carry_over(folder: BatchFolder, definition: BatchDefinition, plan: Plan) -> None:
    """Take over from the earlier batch the partitions that nothing touches, and what it found of ids.

    The input is the same, so the rows whose ids are repeated are the same too.
    """
    base = BatchFolder(folder.path.parent / (definition.base or ""))
    repeated = base.path / "repeated.json"
    if not repeated.exists():
        return  # it was removed meanwhile: all is computed
    earlier = base.definition()
    same_gwp = gwp_set(definition.policy.gwp_set).name == gwp_set(earlier.policy.gwp_set).name
    # Under other potentials every row that has a mass gets other CO2e.
    if same_gwp:
        headings = [read_heading(base.part_path(index)) for index in range(len(definition.starts))]
        chosen = _chosen(headings, definition, plan)
        for heading in headings:
            if _is_untouched(heading, chosen):
                _link(base.part_path(heading.index), folder.part_path(heading.index))
    # Last: whoever is killed before begins anew here, and whoever goes on later does not come here again.
    _link(repeated, folder.path / "repeated.json")


def _chosen(
    headings: Sequence[PartHeading], definition: BatchDefinition, plan: Plan
) -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """The selections that each kind of row gets now; a kind that nothing takes has none."""
    kinds = sorted({kind for heading in headings for kind, _ in heading.kinds or ()})
    if not kinds:
        return {}
    rows = ((f"kind-{number}", "1", *kind) for number, kind in enumerate(kinds))
    table = Table.from_rows(definition.name, ("id", "quantity", *KIND_COLUMNS), rows)
    policy = msgspec.structs.replace(definition.policy, on_error="skip")
    files = tuple(Resource.of(file.name, file.text) for file in definition.factor_files)
    inventory = inventory_of(plan.run(InventoryInput(table, policy, files), tenant=definition.tenant))
    if inventory is None:
        return {}
    names = [selection_id(encode_plain(entry)) for entry in selection_table(inventory)]
    codes, held = row_selections(inventory)
    entries = [tuple(names[int(position)] for position in positions or ()) for positions in held]
    return {
        kind: entries[code]
        for kind, code, usable in zip(kinds, codes.tolist(), inventory.data.usable.tolist(), strict=True)
        if usable
    }


def _is_untouched(heading: PartHeading, chosen: Mapping[tuple[str, ...], tuple[str, ...]]) -> bool:
    """Whether every row has what it would get now; rows that were refused might be computed now."""
    if heading.kinds is None or heading.refused:
        return False
    return all(chosen.get(kind) == heading.entries[entry] for kind, entry in heading.kinds)


def _link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where that cannot be."""
    with contextlib.suppress(FileExistsError):
        try:
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:
            beside = target.with_name(f".{target.name}.copy")
            shutil.copy2(source, beside)
            beside.replace(target)
