"""What recording a run costs: moves with `core_ext/greenlang_core/recording.pyx`.

The plan is what agents do to one meter reading after another: check a record, convert its unit, multiply it
by a factor, round it to what is reported; a few microseconds of decimals and records a step.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import greenlang as gl
from greenlang.gcel import Trace

from .ratios import cost_ratio
from .rows import Row

READINGS = [
    {
        "id": f"meter-{number}",
        "period": f"2025-{number % 12 + 1:02}",
        "site": f"site-{number % 7}",
        "quantity": f"{number * 37 % 1000}.{number % 100:02}",
        "unit": "MWh" if number % 3 else "kWh",
    }
    for number in range(200)
]

TO_KWH = {"kWh": Decimal(1), "MWh": Decimal(1000)}


@gl.agent(name="bench.check", version="1.0.0")
def check(reading: dict[str, str]) -> dict[str, Any]:
    wanted = {"id", "period", "site", "quantity", "unit"}
    if missing := wanted - reading.keys():
        raise ValueError(f"{', '.join(sorted(missing))} missing")
    year, _, month = reading["period"].partition("-")
    if not (year.isdigit() and month.isdigit() and 1 <= int(month) <= 12):
        raise ValueError(reading["period"])
    return {**reading, "quantity": Decimal(reading["quantity"]), "year": int(year), "month": int(month)}


@gl.agent(name="bench.convert", version="1.0.0")
def convert(reading: dict[str, Any]) -> dict[str, Any]:
    amount = gl.Quantity(reading["quantity"], reading["unit"]).to("kWh")
    return {**reading, "quantity": amount.value, "unit": "kWh"}


@gl.agent(name="bench.emit", version="1.0.0")
def emit(reading: dict[str, Any]) -> dict[str, Any]:
    masses = {
        gas: reading["quantity"] * factor
        for gas, factor in (("CO2", Decimal("0.20705")), ("CH4", Decimal("0.00008")))
    }
    return {**reading, "masses": masses}


@gl.agent(name="bench.report", version="1.0.0")
def report(reading: dict[str, Any]) -> dict[str, str]:
    rounded = {gas: gl.round(mass, 3) for gas, mass in reading["masses"].items()}
    return {"id": reading["id"], **{gas: f"{mass} kg" for gas, mass in rounded.items()}}


PLAN = gl.compile(gl.identity * (check >> convert >> emit >> report))


def traced_ratio() -> float:
    return cost_ratio(
        lambda: PLAN.run(READINGS, trace=Trace()),
        lambda: PLAN.run(READINGS),
        calls=5,
        rounds=41,
        clock=time.process_time,
    )


def unaccounted_share() -> float:
    """How far the parts of a traced run's time are from the time that it takes, measured from outside."""
    shares = []
    for _ in range(15):
        trace = Trace()
        started = time.perf_counter()
        PLAN.run(READINGS, trace=trace)
        wall_s = time.perf_counter() - started
        shares.append(abs(sum(trace.split().values()) / wall_s - 1) * 100)
    return sorted(shares)[len(shares) // 2]


ROWS = [
    Row("a traced run of 800 steps", "the run", 1.05, traced_ratio, quick=True),
    Row("steps, waiting, engine: off by", "the run's time", 2, unaccounted_share, "%"),
]
