"""Tables that results are written as: typed columns, in any of the `formats`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from greenlang.exact import canonical_text, decimal_text

__all__ = ["ResultColumn", "ResultTable"]


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result."""

    name: str
    kind: Literal["text", "integer", "decimal"]
    cells: Sequence[Any]  #: str, int or Decimal after `kind`; None where nothing is known
    places: int = 0  #: most digits after the point of a decimal
    padded: bool = False  #: whether a decimal is always written with that many

    def texts(self) -> list[str]:
        """The cells as text, empty where nothing is known."""
        return ["" if cell is None else self._text(cell) for cell in self.cells]

    def _text(self, cell: Any) -> str:
        if self.kind != "decimal":
            return str(cell)
        return decimal_text(cell) if self.padded else canonical_text(cell)


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Columns of equal length."""

    columns: tuple[ResultColumn, ...]
