"""How many processes serve where `workers` is `auto`."""

import pytest

from greenlang.engine import Machine
from greenlang.service.sizing import fitting_workers

GIB = 1024**3


@pytest.mark.parametrize(
    ("processors", "memory_bytes", "workers"),
    [
        (4.0, 8 * GIB, 4),  # a node of the runtime's pool
        (2.0, 2 * GIB, 2),  # a pod on it
        (64.0, 3 * GIB, 4),  # memory is the less
        (0.5, 8 * GIB, 1),
        (1.0, GIB // 4, 1),
    ],
)
def test_a_worker_for_each_processor_as_long_as_memory_lasts(processors, memory_bytes, workers):
    assert fitting_workers(Machine(processors, memory_bytes)) == workers
