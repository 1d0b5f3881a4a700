"""What it costs to read, check and compile a program, and to import the package.

Moves with `runtime/greenlang/gcel` and `runtime/greenlang/agents`; the scheduler has no part in it.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import greenlang as gl

from .gcel_scheduling import REGISTRY, plan_of, same
from .rows import Row

SIZES = (10, 100, 1_000, 10_000)


def compile_text_us() -> float:
    """Microseconds a step, from text, at the worst of all sizes."""
    return max(_per_step_us(_from_text(size), size) for size in SIZES)


def compile_growth() -> float:
    """How much dearer a step is in a program of 10,000 than in one of 100."""
    return _per_step_us(_from_text(10_000), 10_000) / _per_step_us(_from_text(100), 100)


def compile_operators_us() -> float:
    """Microseconds a step, composed by Python's operators and compiled, 1,000 steps."""

    def build() -> None:
        graph = same >> same
        for _ in range(998):
            graph = graph >> same
        gl.compile(graph, registry=REGISTRY)

    return _per_step_us(build, 1_000)


def import_ms() -> float:
    """Milliseconds that `import greenlang` adds to the start of an interpreter."""
    return 1e3 * (_start_s("import greenlang") - _start_s("pass"))


def _from_text(size: int) -> Callable[[], object]:
    text = " >> ".join(["bench.same"] * size)
    return lambda: plan_of(text)


def _per_step_us(build: Callable[[], object], size: int) -> float:
    builds = max(1, 3_000 // size)
    build()
    times = []
    for _ in range(5):
        gc.collect()
        # Of this process alone: what is measured is work, and machines that are shared are slow at times.
        start = time.process_time()
        for _ in range(builds):
            build()
        times.append((time.process_time() - start) / builds)
    return 1e6 * statistics.median(times) / size


def _start_s(code: str) -> float:
    times = []
    for _ in range(9):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


ROWS = [
    Row("parse, check and compile a step, 10 to 10,000 steps", "", 15, compile_text_us, "us"),
    Row("the same, a step of 10,000", "a step of 100", 2, compile_growth, quick=True),
    Row("compose by operators and compile, a step", "", 3, compile_operators_us, "us"),
    Row("import greenlang", "over a bare interpreter", 60, import_ms, "ms"),
]
