from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import final

from typing_extensions import Buffer

from greenlang_core.decimals import DecimalColumn

Ratio = tuple[int, int]
Step = tuple[int, Sequence[int], Sequence[int], int, int, int, int]

@final
class Program:
    def __init__(
        self,
        scales: Sequence[int],
        constants: Sequence[int],
        steps: Sequence[Step],
        tables: Sequence[Sequence[int | None] | Sequence[Ratio]],
        scale: int,
    ) -> None: ...
    @property
    def scales(self) -> tuple[int, ...]: ...
    @property
    def scale(self) -> int: ...
    def of_columns(
        self,
        columns: Sequence[DecimalColumn],
        codes: Sequence[Buffer | Sequence[int]],
        exact: Callable[[int], int],
        *,
        out: DecimalColumn | None = None,
    ) -> DecimalColumn: ...

@final
class RecordFormula:
    def __init__(
        self,
        names: Sequence[str],
        plan: Callable[[tuple[int, ...]], Program],
        exact: Callable[[tuple[object, ...]], Decimal],
    ) -> None: ...
    def __call__(self, *values: object) -> Decimal: ...
