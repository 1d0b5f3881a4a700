"""Regions: countries (ISO 3166-1), states of the US (ISO 3166-2), eGRID subregions, and what is around each.

A region that is not in the table is an error. Nothing here falls back to a country, let alone to the
world, because a text could not be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from greenlang.carbon.data import read_table
from greenlang.errors import FactorError, nearest

__all__ = ["Region", "country_of", "region_path", "regions"]

#: What people write for a country in place of its ISO code.
_OTHER_CODES = {"UK": "GB", "USA": "US", "EL": "GR"}


@dataclass(frozen=True, slots=True)
class Region:
    """A place that factors can be for."""

    code: str
    name: str
    kind: str  #: `country`, `state` or `grid subregion`
    parent: str  #: code of the region around it; empty for a country, which only the world is around


@cache
def regions() -> dict[str, Region]:
    """Every region by its code."""
    return {row["code"]: Region(**row) for row in read_table("regions")}


@lru_cache(maxsize=4096)
def region_path(text: str) -> tuple[str, ...]:
    """Read a region code; give it and the regions around it, the nearest first and the world (empty) last.

    Raises
    ------
    FactorError
        If there is no such region.

    Examples
    --------
    >>> region_path("NWPP")
    ('NWPP', 'US', '')
    >>> region_path("")
    ('',)
    """
    code = text.strip().upper()
    path = []
    while code:
        try:
            region = regions()[code]
        except KeyError:
            raise _unknown(text) from None
        path.append(code)
        code = region.parent
    return (*path, "")


def country_of(text: str) -> str:
    """Give the code of the country that a region is or lies in; empty for the world.

    Raises
    ------
    FactorError
        If there is no such region.
    """
    path = region_path(text)
    return path[-2] if len(path) > 1 else ""


def _unknown(text: str) -> FactorError:
    code = text.strip().upper()
    known = regions()
    named = [region.code for region in known.values() if region.name.casefold() == text.strip().casefold()]
    if code in _OTHER_CODES:
        fix = f"write {_OTHER_CODES[code]}"
    elif f"US-{code}" in known:
        fix = f"write US-{code}"
    elif named:
        fix = "write " + " or ".join(named)
    else:
        names = {region.name: region.code for region in known.values()}
        close = [names[name] for name in nearest(text, names)] or nearest(text, known)
        meant = " or ".join(f"{code} ({known[code].name})" for code in close)
        fix = f"did you mean {meant}?" if meant else "write a code such as GB, US-WA or NWPP"
    return FactorError(f"there is no region '{text}'", fix=fix)
