"""The agents of purchased electricity and steam.

Both methods of the GHG Protocol Scope 2 Guidance, each for all rows: the results stand side by side.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

import greenlang as gl
from greenlang.carbon import (
    ActivityData,
    Component,
    Emissions,
    FactorBook,
    Fallback,
    PackData,
    Selection,
    StringColumn,
    Wanted,
    blend,
    calculate,
    kinds_of_rows,
    load_factors,
    load_pack_data,
    own_activities,
    recorded,
    tag_columns,
    wanted_of,
)
from greenlang.errors import FactorError, QuantityError
from greenlang.exact import decimal_from_text

__all__ = ["location_based", "market_based"]

CATEGORY = "purchased energy"

#: Categories that a factor of the user's own may name to be used here.
CATEGORIES = ("purchased energy", "purchased electricity", "purchased steam and heat")

GRID_AVERAGE = ("", "grid-average")

FILES = ("data/egrid.csv", "data/steam.csv", "data/uk_2024.csv", "data/uk_2025.csv")


def pack_data() -> PackData:
    """The factors of this pack."""
    return load_pack_data(__package__ or "", FILES)


@gl.agent(name="electricity.location_based", version="1.0.0", effects=["pure", "calculates"])
def location_based(data: ActivityData) -> Emissions:
    """Emissions of purchased electricity and steam by the average of the grid they come from.

    Contracts make no difference here: GHG Protocol Scope 2 Guidance, chapter 6.
    """
    pack = pack_data()
    book = pack.book(data.policy, data.own_factors, CATEGORIES)
    own = own_activities(data.own_factors, CATEGORIES)
    return calculate(
        data,
        agent="electricity.location_based",
        scope=2,
        category=CATEGORY,
        method="location-based",
        kinds=kinds_of_rows(
            pack.rows_taken(data, ("", "location-based"), own),
            (data.activity, data.unit, data.region, data.period),
        ),
        choose=lambda row: [Component(book.select(wanted_of(data, row, kinds=GRID_AVERAGE)))],
        activities=tuple(sorted(pack.names(own))),
        row_by_row=True,
    )


@gl.agent(name="electricity.market_based", version="1.0.0", effects=["pure", "calculates"])
def market_based(data: ActivityData, *, factors: gl.Resource | None = None) -> Emissions:
    """Emissions of purchased electricity and steam by what was contracted for.

    The ladder of the GHG Protocol Scope 2 Guidance, chapter 6: the instrument that a row names, for as much
    as it covers, then its supplier's factor, the residual mix, and last the grid average, as a fallback.

    Parameters
    ----------
    factors : path
        A factor file beside the program: those of suppliers, instruments and residual mixes.
    """
    pack = pack_data()
    named = [load_factors(factors.text, file=factors.name)] if factors is not None else []
    factor_sets = [*data.own_factors, *named]
    book = pack.book(data.policy, factor_sets, CATEGORIES)
    own = own_activities(factor_sets, CATEGORIES)
    supplier, instrument, covered = tag_columns(data, "supplier", "instrument", "instrument_quantity")

    def choose(row: int) -> list[Component]:
        share = _covered_share(data.quantity[row], instrument[row], covered[row])
        wanted = wanted_of(data, row)
        shares = []
        if share:
            held = replace(wanted, kinds=("instrument",), holder=instrument[row])
            shares.append((book.select(held), share))
        if share < 1:
            shares.append((_without_instrument(data, book, wanted, supplier[row]), 1 - share))
        return [Component(blend(shares))]

    return calculate(
        data,
        agent="electricity.market_based",
        scope=2,
        category=CATEGORY,
        method="market-based",
        kinds=kinds_of_rows(
            pack.rows_taken(data, ("", "market-based"), own),
            (
                data.activity,
                data.unit,
                data.region,
                data.period,
                supplier,
                instrument,
                covered,
                _quantities_where(data, covered),
            ),
        ),
        choose=choose,
        activities=tuple(sorted(pack.names(own))),
        row_by_row=True,
    )


def _without_instrument(data: ActivityData, book: FactorBook, wanted: Wanted, supplier: str) -> Selection:
    """The rungs of the ladder below instruments."""
    if supplier:
        return book.select(replace(wanted, kinds=("supplier",), holder=supplier))
    residual_mix = replace(wanted, kinds=("residual-mix",))
    if book.offers(residual_mix):
        return book.select(residual_mix)
    average = book.select(replace(wanted, kinds=GRID_AVERAGE))
    fallback = recorded(data.policy, Fallback("method", "market-based", "grid average"), column="method")
    return replace(average, fallbacks=(*average.fallbacks, fallback))


def _covered_share(quantity: Decimal, instrument: str, covered: str) -> Fraction:
    """The part of a row's quantity that its instrument covers; all of it where the row does not say."""
    if not covered:
        return Fraction(1 if instrument else 0)
    if not instrument:
        raise FactorError(
            f"instrument_quantity {covered} is of no instrument",
            fix="name the instrument too, as instrument=NAME, or remove the tag",
            place="tags",
        )
    try:
        amount = decimal_from_text(covered)
    except QuantityError as error:
        raise FactorError(f"instrument_quantity: {error.message}", fix=error.fix, place="tags") from error
    if not 0 <= amount <= quantity:
        raise FactorError(
            f"instrument_quantity {covered} is not between 0 and the row's quantity",
            fix="give the part of the quantity that the instrument covers, in the row's unit",
            place="tags",
        )
    return Fraction(amount) / Fraction(quantity) if quantity else Fraction(1)


def _quantities_where(data: ActivityData, covered: StringColumn) -> StringColumn:
    """The quantities of rows that an instrument covers in part: what share that is depends on them."""
    quantity = data.table.column("quantity")
    says = np.array([bool(text) for text in covered.values], dtype=np.bool_)[covered.codes]
    return StringColumn(np.where(says, quantity.codes + 1, 0).astype(np.int32), ("", *quantity.values))
