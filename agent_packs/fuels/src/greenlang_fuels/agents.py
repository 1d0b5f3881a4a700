"""The agents of stationary and mobile combustion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import greenlang as gl
from greenlang.carbon import (
    ActivityData,
    Component,
    Emissions,
    PackData,
    StringColumn,
    calculate,
    kinds_of_rows,
    load_pack_data,
    rows_taken,
    tag_column,
    wanted_of,
)
from greenlang.errors import FactorError, either, nearest
from greenlang_fuels.distances import VEHICLE_KM, as_vehicle_distance, distance_column, parse_distance

__all__ = ["mobile", "stationary"]

STATIONARY = "stationary combustion"
MOBILE = "mobile combustion"

#: Tags that say that a fuel was burnt in a vehicle or machine.
MOBILE_TAGS = ("vehicle", "engine", "model_year", "distance")


def pack_data(file: str) -> PackData:
    """One factor file of this pack."""
    return load_pack_data(__package__ or "", (file,))


@gl.agent(name="fuels.stationary", version="1.0.0", effects=["pure", "calculates"])
def stationary(data: ActivityData) -> Emissions:
    """Emissions of fuel burnt in boilers, furnaces, generators and the like.

    Factors by energy, mass or volume: EPA GHG Emission Factors Hub, table 1. CO2 of biomass stands apart.
    """
    pack = pack_data("data/stationary.csv")
    book = pack.book(data, (STATIONARY,))
    rows = rows_taken(data, pack.names() | _own_activities(data, STATIONARY), ("", "stationary", STATIONARY))
    for tag in MOBILE_TAGS:
        column = tag_column(data, tag)
        tagged = np.array([bool(text) for text in column.values], dtype=np.bool_)
        rows = rows[~tagged[column.codes[rows]]]
    return calculate(
        data,
        agent="fuels.stationary",
        scope=1,
        category=STATIONARY,
        kinds=kinds_of_rows(rows, (data.activity, data.unit, data.region, data.period)),
        choose=lambda row: [Component(book.select(wanted_of(data, row)))],
        activities=tuple(sorted(pack.names())),
    )


@gl.agent(name="fuels.mobile", version="1.0.0", effects=["pure", "calculates"])
def mobile(data: ActivityData) -> Emissions:
    """Emissions of fuel burnt in vehicles and mobile machines.

    CO2 by the fuel (EPA GHG Emission Factors Hub, table 2); CH4 and N2O of road vehicles by the distance
    (tables 3 and 4), of non-road machines by the fuel (table 5). A row whose quantity is a distance gives
    these two alone.
    """
    pack = pack_data("data/mobile.csv")
    book = pack.book(data, (MOBILE,))
    vehicle, engine, model_year = (tag_column(data, tag) for tag in ("vehicle", "engine", "model_year"))
    distance, distance_state = distance_column(data)
    vehicles = sorted(
        {factor.vehicle for factors in pack.factor_sets for factor in factors if factor.vehicle}
    )

    def choose(row: int) -> list[Component]:
        fuel = wanted_of(data, row)
        machine = replace(
            fuel, vehicle=vehicle[row], engine=engine[row], model_year=_model_year(model_year, row)
        )
        if machine.vehicle and machine.vehicle.casefold() not in {name.casefold() for name in vehicles}:
            raise _unknown_vehicle(machine.vehicle, vehicles)
        driven = as_vehicle_distance(fuel.unit)
        if driven is not None:
            return [Component(book.select(replace(machine, unit=driven)))]
        components = [Component(book.select(fuel))]
        if distance_state[row] not in ("", "given"):
            parse_distance(distance_state[row])
        if not machine.vehicle:
            return components
        by_distance = replace(machine, unit=VEHICLE_KM)
        if distance_state[row] and book.offers(by_distance):
            components.append(Component(book.select(by_distance), "distance"))
        elif book.offers(machine):
            components.append(Component(book.select(machine)))
        return components

    def why_missing(row: int, gas: str) -> str:
        if as_vehicle_distance(wanted_of(data, row).unit) is not None:
            return f"{gas} depends on the fuel burnt: give that in a row of its own, without these tags"
        return f"{gas} depends on the vehicle: tag the row with vehicle, model_year and distance, or engine"

    return calculate(
        data,
        agent="fuels.mobile",
        scope=1,
        category=MOBILE,
        kinds=kinds_of_rows(
            rows_taken(data, pack.names() | _own_activities(data, MOBILE), ("", "mobile", MOBILE)),
            (data.activity, data.unit, data.region, data.period, vehicle, engine, model_year, distance_state),
        ),
        choose=choose,
        quantities={"distance": distance},
        reason=why_missing,
        activities=tuple(sorted(pack.names())),
    )


def _own_activities(data: ActivityData, category: str) -> frozenset[str]:
    """What the user's own factors of a category are for."""
    return frozenset(
        factor.activity
        for factors in data.own_factors
        for factor in factors
        if factor.category.casefold() == category
    )


def _model_year(column: StringColumn, row: int) -> int | None:
    text = column[row]
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise FactorError(
            f"model_year '{text}' is not a year", fix="write it as model_year=2015", place="tags"
        )
    return int(text)


def _unknown_vehicle(name: str, vehicles: list[str]) -> FactorError:
    close = nearest(name, vehicles) or vehicles
    return FactorError(f"there is no factor for vehicle '{name}'", fix=f"write {either(close)}", place="tags")
