"""What a row says of itself beside its figures: texts, or lists of texts."""

from __future__ import annotations

__all__ = ["CodedLabels", "Label", "label_bytes"]

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias, overload

import msgspec
import numpy as np
import numpy.typing as npt

from greenlang.errors import InternalError
from greenlang.ledger.canonical import encode_plain
from greenlang_core.texts import Texts

Label: TypeAlias = str | list[str] | None
_LABELS = list[Label]
_TEXT_OR_NOTHING = {str, type(None)}


@dataclass(frozen=True, slots=True, eq=False)
class CodedLabels(Sequence[Label]):
    """Labels of many rows by their distinct values."""

    codes: npt.NDArray[np.int32]  #: which value each row has
    values: Sequence[Label]
    #: The values: texts as they are, or the JSON of each.
    texts: Texts = field(init=False, repr=False)
    quoted: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        quoted = isinstance(self.values, Texts)
        as_json = [] if quoted else [label_bytes("", [value])[1:-1].decode() for value in self.values]
        object.__setattr__(self, "texts", self.values if quoted else Texts(as_json))
        object.__setattr__(self, "quoted", quoted)

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, key: int) -> Label: ...
    @overload
    def __getitem__(self, key: slice) -> list[Label]: ...
    def __getitem__(self, key: int | slice) -> Label | list[Label]:
        if isinstance(key, slice):
            return [self.values[code] for code in self.codes[key].tolist()]
        return self.values[int(self.codes[key])]


def label_bytes(name: str, values: Sequence[Label]) -> bytes:
    """The canonical JSON of the labels of some rows.

    Raises
    ------
    InternalError
        If one of them is no label.
    """
    if not _are_labels(values):
        try:
            msgspec.convert(values, _LABELS)
        except msgspec.ValidationError as error:
            raise InternalError(f"label {name} of a row is no text or list of texts: {error}") from error
    return encode_plain(values)


def _are_labels(values: Sequence[Label]) -> bool:
    """Whether they are labels by their very types: asking for those takes a tenth of converting them."""
    kinds = set(map(type, values))
    if list not in kinds:
        return kinds <= _TEXT_OR_NOTHING
    # Rows mostly share a few lists; each is looked into once.
    lists = [
        value for value in dict(zip(map(id, values), values, strict=True)).values() if type(value) is list
    ]
    return kinds <= {list, *_TEXT_OR_NOTHING} and set(map(type, chain.from_iterable(lists))) <= {str}
