"""Computes a result bundle again, from nothing but what it carries and the agents that are installed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from greenlang.agents import Registry, Resource, default_registry
from greenlang.carbon import AccountingPolicy, InventoryInput, Table
from greenlang.engine.effects import refuse_effects
from greenlang.engine.evidence import gather_evidence, table_input
from greenlang.engine.inputs import Limits, read_table
from greenlang.errors import BundleError, InputError
from greenlang.gcel import Catching, Plan
from greenlang.ledger import (
    ROWS_PER_RANGE,
    Bundle,
    CarriedList,
    Recomputation,
    Verification,
    load_bundle,
    load_known_keys,
    verify,
)

__all__ = ["verify_bundle"]


def verify_bundle(
    path: Path,
    *,
    input_path: Path | None = None,
    registry: Registry | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Verification:
    """Give the three verdicts on the bundle in a file.

    Parameters
    ----------
    input_path : Path, optional
        The table that the result claims to be of; it is compared with the rows that the bundle carries, and
        computed in their place.

    Raises
    ------
    BundleError
        If the file is no bundle.
    """
    known = registry if registry is not None else default_registry()
    bundle = load_bundle(path)
    table = read_table(input_path, limits=limits) if input_path is not None else None
    given = table_input(_inventory_input(bundle, table)) if table is not None else None
    return verify(
        bundle,
        lambda of: _recompute(of, table, known),
        input=given,
        hash_plan=lambda plan: Plan.from_json(plan, registry=known).hash,
        keys=load_known_keys(),
    )


def _recompute(bundle: Bundle, table: Table | None, registry: Registry) -> Recomputation:
    plan = Plan.from_json(bundle.plan, registry=registry)
    if not plan.portable:
        raise InputError(
            f"the code of {', '.join(plan.loose_agents)} cannot be told, here or where the result was made",
            fix="define agents at the top of a module, without a closure, and run again",
        )
    # Whoever wrote the bundle has chosen the agents and what they are given.
    refuse_effects(plan)
    registry.admit(plan.agents, bundle.record.tenant)
    given = _inventory_input(bundle, table) if bundle.input.columns is not None else _value(bundle, plan)
    with Catching() as caught:
        value = plan.run(given)
    evidence = gather_evidence(plan, given, value, registry=registry, caught=caught)
    return Recomputation(evidence.record, evidence.rows())


def _inventory_input(bundle: Bundle, table: Table | None) -> InventoryInput:
    """What the inventory was made from: the table given, or the carried one."""
    carried = bundle.input
    if table is None:
        if carried.rows is None or carried.columns is None:
            raise InputError(
                "the bundle does not carry its input", fix="name the file it came from with --input FILE"
            )
        table = Table.from_rows(carried.name, carried.columns, _cells(carried.rows, len(carried.columns)))
        table = table.restored()
    try:
        policy = msgspec.convert(carried.policy, AccountingPolicy)
    except msgspec.ValidationError as error:
        raise BundleError(f"its accounting policy is wrong: {error}", place="input.policy") from error
    return InventoryInput(table, policy, tuple(Resource.of(file.name, file.text) for file in carried.files))


def _cells(rows: CarriedList, width: int) -> Iterator[list[str]]:
    """The cells of an input table, a range at a time: as lists of texts they take far more than coded."""
    source = iter(rows)
    while chunk := list(islice(source, ROWS_PER_RANGE)):
        try:
            cells = msgspec.convert(chunk, list[list[str]])
        except msgspec.ValidationError as error:
            raise BundleError(f"its input rows are not texts: {error}", place="input.rows") from error
        if any(len(row) != width for row in cells):
            raise BundleError("its input rows are not as wide as its columns", place="input.rows")
        yield from cells


def _value(bundle: Bundle, plan: Plan) -> Any:
    """The value a plan started from; decimals are carried as strings, so its input type brings them back."""
    try:
        return msgspec.convert(bundle.input.value, plan.input_type)
    except (msgspec.ValidationError, TypeError) as error:
        raise InputError(f"its input is not what the plan takes: {error}") from error
