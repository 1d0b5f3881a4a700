"""Batches for tests: inputs with everything that goes wrong in them, and runs that can be killed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from greenlang.agents import default_registry
from greenlang.carbon import AccountingPolicy
from greenlang.engine import load_program
from greenlang.engine.batches import Batches, BatchFolder, BatchOrder, ThreadEngine, make_batch, run_batch

FACTORS = """activity,gas,value,unit,scope
natural gas,CO2,53.06,kg/MMBtu,1
natural gas,CH4,0.001,kg/MMBtu,1
natural gas,N2O,0.0001,kg/MMBtu,1
diesel,CO2,2.68787,kg/L,1
steam,CO2e,66.33,kg/GJ,2
"""
PROGRAM = 'ghg.intake >> ghg.emissions(factors="factors.csv") >> ghg.inventory\n'
COLUMNS = ("id", "period", "site", "activity", "quantity", "unit")
_ACTIVITIES = (("natural gas", "MMBtu"), ("diesel", "L"), ("steam", "GJ"))


def rows(count: int, seed: int = 7) -> Iterator[tuple[str, ...]]:
    """Rows of activity data: some with an id that others have, some that nothing computes.

    The first thousand are natural gas alone, so that ranges differ in what they have figures of.
    """
    chosen = random.Random(seed)  # noqa: S311  data, not secrets
    for number in range(count):
        activity, unit = _ACTIVITIES[0] if number < 1_000 else chosen.choice(_ACTIVITIES)
        quantity = f"{chosen.randrange(1, 10_000_000) / 1000:.3f}"
        fate = chosen.random()
        yield (
            f"R-{chosen.randrange(number + 1) if fate < 0.002 else number}",
            f"2025-{chosen.randrange(1, 13):02d}",
            f"Site {chosen.randrange(20)}",
            "moonshine" if 0.002 <= fate < 0.004 else activity,
            "many" if 0.004 <= fate < 0.006 else quantity,
            "furlong" if 0.006 <= fate < 0.008 else unit,
        )


def write_csv(path: Path, table: Iterator[tuple[str, ...]]) -> Path:
    lines = [",".join(COLUMNS), *(",".join(row) for row in table)]
    path.write_text("\n".join(lines) + "\n")
    return path


def order_of(folder: Path, path: Path, **choices: object) -> BatchOrder:
    """A batch over a file, by factors of its own."""
    folder.joinpath("factors.csv").write_text(FACTORS)
    program = folder / "program.gcel"
    program.write_text(PROGRAM)
    return BatchOrder(path, load_program(program), AccountingPolicy(on_error="skip"), **choices)


def made(root: Path, order: BatchOrder, tenant: str = "default") -> BatchFolder:
    return make_batch(Batches(root), order, registry=default_registry(), tenant=tenant)


def hash_of(folder: BatchFolder, workers: int = 2) -> str:
    """The hash of a batch's result, which is computed from wherever it stands."""
    engine = ThreadEngine(workers)
    try:
        return run_batch(folder, engine, backoff_s=0.01).record.result_hash
    finally:
        engine.close()


def run_until_killed(path: str, workers: int, begun: object) -> None:
    """What a process does that is to be killed."""
    begun.set()
    hash_of(BatchFolder(Path(path)), workers)
