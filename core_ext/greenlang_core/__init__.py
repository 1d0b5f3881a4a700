"""The compiled hot path: columns of exact decimals and the scheduler of plans.

Nothing here knows of emissions, agents or files, and nothing here imports `greenlang`.

- `decimals`: `DecimalColumn`, exact fixed-point columns on 128-bit integers, and `CodeBook`, the numbers that
  rows name by code.
- `masks`: `Mask`, a truth for every row, which comparisons of columns give.
- `texts`: `Texts`, strings end to end, and `TextCoder`, which codes columns by their distinct texts.
- `scheduler`: runs a compiled plan's steps over value slots.
"""

from greenlang_core.decimals import CodeBook, DecimalColumn, DecimalOverflow, DecimalTextError
from greenlang_core.masks import Mask

__all__ = ["CodeBook", "DecimalColumn", "DecimalOverflow", "DecimalTextError", "Mask"]
