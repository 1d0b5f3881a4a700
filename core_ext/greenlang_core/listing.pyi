from collections.abc import Sequence
from typing import Any

# Buffers are `Any`: before Python 3.12 the types of NumPy do not say that its arrays are some.

def write_rows(
    ids: Sequence[str],
    codes: Any,
    series: list[tuple[bytes, Any, Any]],
    endings: list[bytes],
    others: dict[int, bytes],
    *,
    scale: int,
    first_number: int,
) -> bytes: ...
