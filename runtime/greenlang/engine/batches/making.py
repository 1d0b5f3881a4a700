"""Makes batches: an input and a program become a folder that anybody can go on with."""

from __future__ import annotations

__all__ = ["BatchOrder", "make_batch"]

import math
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from greenlang.agents import Registry, Resource
from greenlang.carbon import (
    REQUIRED_COLUMNS,
    AccountingPolicy,
    InventoryInput,
    StringColumn,
    Table,
    format_of_content,
    gwp_set,
    keep_table,
    open_rows,
)
from greenlang.engine.batches.definition import BatchDefinition, BatchState, KeptFile, Tally, partition_starts
from greenlang.engine.batches.folder import Batches, BatchFolder
from greenlang.engine.calculations import standard_program
from greenlang.engine.executions import new_id, now
from greenlang.engine.inputs import Limits, read_table
from greenlang.engine.tenancy import UNGUARDED, Guard, Unguarded
from greenlang.errors import InputError
from greenlang.gcel import Plan
from greenlang.gcel import compile as compile_program
from greenlang.ledger import atomic_writer

#: What the format of a file is told by.
_START_BYTES = 16

#: What a killed process left is deleted when it is so old that nobody can be at work on it any more.
_LEFT_OVER_S = 86_400.0

#: CSV and JSON lines are read whole, in about as much memory as they take on the disk.
_MOST_READ_BYTES = 8 * 1024**3

#: Formats whose rows can be read in ranges.
_RANGED = ("parquet", "arrow")
_STREAM = b"\xff\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """What is wanted."""

    input: Path
    #: A compiled program; None for the inventory by every installed first-party pack.
    plan: Plan | None = None
    policy: AccountingPolicy = field(default_factory=lambda: AccountingPolicy(on_error="skip"))
    factor_files: Sequence[Resource] = ()
    #: What messages and lists call the input; its file's name where it is left out.
    name: str = ""
    #: Whether the input becomes the batch's own, and leaves its place.
    moved: bool = False
    partition_rows: int | None = None
    tries: int = 3
    timeout_s: float = 1800.0


def make_batch(
    batches: Batches,
    order: BatchOrder,
    *,
    registry: Registry,
    tenant: str = "default",
    guard: Guard | Unguarded = UNGUARDED,
) -> BatchFolder:
    """Make a batch of an input; nothing of it is computed yet.

    Parquet and Arrow files are read where they are.  CSV, JSON lines and Arrow streams are read once, here,
    and kept in the batch's folder in a form whose rows can be read from anywhere.

    Raises
    ------
    InputError
        If the input cannot be read, has not the columns that activity data have, the program does not
        take them, or the tenant may not run it now.
    """
    plan = order.plan or compile_program(standard_program(registry.names()), registry=registry)
    registry.admit(plan.agents, tenant)
    spent = guard.admit(plan.agents, tenant)
    if plan.input_type is not InventoryInput:
        raise InputError(
            "the program of a batch takes no activity data",
            fix="begin it with ghg.intake and end it with ghg.inventory",
        )
    gwp_set(order.policy.gwp_set)
    if order.tries < 1 or not 0 < order.timeout_s < math.inf:
        raise InputError(
            f"a partition cannot be tried {order.tries} times for {order.timeout_s} s each",
            fix="take a number of seconds above 0, and one try or more",
        )
    batch_id = new_id("batch", now())
    folder = batches.make(tenant, batch_id)
    batches.clear(older_than_s=_LEFT_OVER_S)
    try:
        name = order.name or order.input.name
        kept, form = _place_input(folder, order, name)
        source = open_rows(folder.path / kept, form, name=name)
        # What every row would fail by is told now.
        nothing = dict.fromkeys(source.columns, StringColumn.constant("", 0))
        Table(name, nothing).restored().require(REQUIRED_COLUMNS)
        found = folder.path.joinpath(kept).stat()
        folder.save("plan.json", plan.to_json())
        definition = BatchDefinition(
            batch_id=batch_id,
            tenant=tenant,
            name=name,
            input_path=kept,
            input_format=form,
            input_mark=(found.st_size, found.st_mtime_ns),
            columns=source.columns,
            rows=source.rows,
            policy=order.policy,
            factor_files=tuple(KeptFile(file.name, file.text) for file in order.factor_files),
            standard=order.plan is None,
            starts=partition_starts(source.rows, order.partition_rows, source.starts),
            tries=order.tries,
            timeout_s=order.timeout_s,
            created_at=now(),
        )
        folder.save_state(BatchState(tally=Tally(rows=source.rows, partitions=len(definition.starts))))
        # Last: without it there is no batch.
        folder.save("batch.json", msgspec.json.encode(definition))
    except BaseException:
        batches.remove(folder)
        raise
    guard.accepted(tenant, spent)
    return folder


def _place_input(folder: BatchFolder, order: BatchOrder, name: str) -> tuple[str, str]:
    """Where the rows are to be read (absolute, or within the folder) and in which format."""
    given = order.input
    try:
        os.fspath(given).encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(given).decode(errors="replace")
        raise InputError(f"the path '{shown}' is not in UTF-8", fix="rename it") from error
    try:
        if not stat.S_ISREG(given.stat().st_mode):  # a pipe would be waited for
            raise InputError(f"'{given}' is no file", fix="write the table to a file first")
        with given.open("rb") as stream:
            start = stream.read(_START_BYTES)
    except OSError as error:
        raise InputError(f"'{given}' cannot be read: {error.strerror}", fix="check the path") from error
    form = format_of_content(Path(name), start)
    if form.name in _RANGED and not start.startswith(_STREAM):
        if not order.moved:
            return str(given.resolve()), form.name
        kept = f"input{form.suffixes[0]}"
        with given.open("rb") as stream:
            os.fsync(stream.fileno())
        given.rename(folder.path / kept)
        return kept, form.name
    table = read_table(given, limits=Limits(max_input_bytes=_MOST_READ_BYTES), name=name)
    with atomic_writer(folder.path / "input.arrow") as file:
        keep_table(file, table)
    if order.moved:
        given.unlink()
    return "input.arrow", "kept"
