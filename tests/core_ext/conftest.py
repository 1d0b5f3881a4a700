import gc
from collections.abc import Iterator

import pytest

from greenlang_core.buffers import live_memories


@pytest.fixture
def no_memory_is_lost() -> Iterator[None]:
    """Every allocation that a test made is freed when the test is over."""
    gc.collect()
    before = live_memories()
    yield
    gc.collect()
    assert live_memories() == before
