from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, final, overload

from typing_extensions import Buffer

from greenlang_core.decimals import DecimalColumn

@final
class CodeBook:
    __array_ufunc__: ClassVar[None]

    def __init__(self, numbers: Iterable[Decimal | int | Fraction]) -> None: ...
    @property
    def numbers(self) -> tuple[Decimal | int | Fraction, ...]: ...
    @property
    def scale(self) -> int | None: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, codes: int) -> Decimal | int | Fraction: ...
    @overload
    def __getitem__(self, codes: Buffer | Iterable[int]) -> Gathered: ...

@final
class Gathered:
    __array_ufunc__: ClassVar[None]

    @property
    def book(self) -> CodeBook: ...
    @property
    def codes(self) -> Buffer: ...
    def __len__(self) -> int: ...
    def __mul__(self, column: DecimalColumn) -> DecimalColumn: ...
