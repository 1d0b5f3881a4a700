import gc
from collections.abc import Iterator

import pytest

from greenlang_core.buffers import live_memories


@pytest.fixture
def no_memory_is_lost() -> Iterator[None]:
    """Every allocation that a test made is freed when the test is over, of what is in cycles too."""
    # To collect all that a long run has made takes as long as most tests: it is done where something is left.
    if live_memories():
        gc.collect()
    before = live_memories()
    yield
    if live_memories() != before:
        gc.collect()
    assert live_memories() == before
