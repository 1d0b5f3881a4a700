"""The rules for a file of factors, whether a pack ships it or somebody keeps it for themselves."""

from __future__ import annotations

__all__ = ["factor_findings"]

import re
from collections.abc import Iterator
from decimal import Decimal

from greenlang.errors import InputError
from greenlang.packs.findings import Finding

#: Some right digits, then a run of zeros or nines and what binary arithmetic left at the end.
_ROUNDING_ERROR = re.compile(r"[0-9]*\.[0-9]*?(?:0{7,}[0-9]{1,2}|9{7,}[0-9]{0,2})")

#: Digits that any decimal keeps on its way through a binary float.
_SAFE_DIGITS = 15


def factor_findings(text: str, *, file: str, publication: tuple[str, str] | None = None) -> Iterator[Finding]:
    """What speaks against a file of factors.

    Parameters
    ----------
    publication : tuple of str, optional
        Dataset and edition that every factor of it has to be of.
    """
    # The domain loads NumPy, which a pack of agents alone has no need of.
    from greenlang.carbon import load_factors

    try:
        factors = load_factors(text, file=file)
    except InputError as error:
        yield Finding("factor.table", str(error))
        return
    for factor in factors:
        place = f"{file}, {factor.gas} of '{factor.activity}'"
        if not factor.citation:
            fix = "fill in column 'citation': publication, edition, table"
            yield Finding("factor.citation", "the factor has no citation", fix, place)
        if publication is not None and (factor.dataset, factor.edition) != publication:
            message = (
                f"it is of {factor.dataset} {factor.edition}, and the file is declared as {publication[0]} "
            )
            yield Finding("factor.table", f"{message}{publication[1]}", "write the same in both", place)
        if (mended := _mended(factor.value)) is not None:
            message = f"{factor.value_text} is what a binary float left of {mended}"
            yield Finding("factor.float", message, f"write {mended}, as it was published", place)


def _mended(value: Decimal) -> str | None:
    """The figure before a float had it; None for one that no float has touched."""
    text = f"{abs(value):f}"
    digits = text.replace(".", "").lstrip("0")
    if len(digits) <= _SAFE_DIGITS or not _ROUNDING_ERROR.fullmatch(text):
        return None
    return f"{Decimal(f'{value:.{_SAFE_DIGITS}g}').normalize():f}"
