"""The agents of stationary and mobile combustion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import greenlang as gl
from greenlang.carbon import (
    ActivityData,
    Component,
    Emissions,
    FactorBook,
    PackData,
    Wanted,
    activity_key,
    as_vehicle_distance,
    calculate,
    kinds_of_rows,
    load_pack_data,
    own_activities,
    tag_columns,
    wanted_of,
)
from greenlang.errors import FactorError, either, nearest
from greenlang_fuels.distances import GIVEN, VEHICLE_KM, distance_column, parse_distance

__all__ = ["mobile", "stationary"]

STATIONARY = "stationary combustion"
MOBILE = "mobile combustion"

#: Tags that say that a fuel was burnt in a vehicle or machine.
MOBILE_TAGS = ("vehicle", "engine", "model_year", "distance")


def pack_data(burnt_in: str) -> PackData:
    """The factors of this pack for `stationary` or `mobile` combustion, all editions."""
    editions = (burnt_in, f"uk_2024_{burnt_in}", f"uk_2025_{burnt_in}")
    return load_pack_data(__package__ or "", tuple(f"data/{name}.csv" for name in editions))


@gl.agent(name="fuels.stationary", version="1.0.0", effects=["pure", "calculates"])
def stationary(data: ActivityData) -> Emissions:
    """Emissions of fuel burnt in boilers, furnaces, generators and the like.

    Factors by energy, mass or volume: EPA GHG Emission Factors Hub, table 1; UK Government conversion
    factors, fuels and bioenergy. CO2 of biomass stands apart.
    """
    pack = pack_data("stationary")
    book = pack.book(data.policy, data.own_factors, (STATIONARY,))
    own = own_activities(data.own_factors, (STATIONARY,))
    rows = pack.rows_taken(data, ("", "stationary", STATIONARY), own)
    for column in tag_columns(data, *MOBILE_TAGS):
        tagged = np.array([bool(text) for text in column.values], dtype=np.bool_)
        rows = rows[~tagged[column.codes[rows]]]
    return calculate(
        data,
        agent="fuels.stationary",
        scope=1,
        category=STATIONARY,
        kinds=kinds_of_rows(rows, (data.activity, data.unit, data.region, data.period)),
        choose=lambda row: [Component(book.select(wanted_of(data, row)))],
        activities=tuple(sorted(pack.names(own))),
        row_by_row=True,
    )


@gl.agent(name="fuels.mobile", version="1.0.0", effects=["pure", "calculates"])
def mobile(data: ActivityData) -> Emissions:
    """Emissions of fuel burnt in vehicles and mobile machines.

    CO2 by the fuel (EPA GHG Emission Factors Hub, table 2); CH4 and N2O of road vehicles by the distance
    (tables 3 and 4), of non-road machines by the fuel (table 5). A row whose quantity is a distance gives
    these two alone. UK Government conversion factors give all gases by the fuel.
    """
    pack = pack_data("mobile")
    book = pack.book(data.policy, data.own_factors, (MOBILE,))
    own = own_activities(data.own_factors, (MOBILE,))
    vehicle, engine, model_year, driven_texts = tag_columns(data, *MOBILE_TAGS)
    distance, distance_state = distance_column(driven_texts)
    machines = {activity_key(name): name for name in book.vehicles()}

    def choose(row: int) -> list[Component]:
        fuel = wanted_of(data, row)
        machine = replace(
            fuel, vehicle=vehicle[row], engine=engine[row], model_year=_model_year(model_year[row])
        )
        if machine.vehicle and activity_key(machine.vehicle) not in machines:
            raise _unknown_vehicle(machine.vehicle, sorted(machines.values()))
        driven = as_vehicle_distance(fuel.unit)
        if driven is not None:
            # A factor of the user's own may be per km without saying of what; those of vehicles are per v.mi.
            wanted = machine if book.offers(machine) else replace(machine, unit=driven)
            return [Component(book.select(wanted))]
        if distance_state[row] not in ("", GIVEN):
            parse_distance(distance_state[row])
        burnt = Component(book.select(fuel))
        by_machine = _by_machine(book, machine, distance_given=bool(distance_state[row]))
        if by_machine is None or burnt.selection.covers("CO2e"):
            return [burnt]
        # A factor of the user's own may give all gases by the fuel, whatever burns it.
        others = by_machine.selection.without_gases(burnt.selection.gases())
        return [burnt, replace(by_machine, selection=others)] if others.rates else [burnt]

    def why_missing(row: int, gas: str) -> str:
        if as_vehicle_distance(wanted_of(data, row).unit) is not None:
            return f"{gas} depends on the fuel burnt: give that in a row of its own, without these tags"
        if vehicle[row] and (distance_state[row] or engine[row]):
            of = f", model year {model_year[row]}" if model_year[row] else ""
            return f"its publisher gives no factor for {gas} of this fuel in '{vehicle[row]}'{of}"
        return f"{gas} depends on the vehicle: tag the row with vehicle, model_year and distance, or engine"

    return calculate(
        data,
        agent="fuels.mobile",
        scope=1,
        category=MOBILE,
        kinds=kinds_of_rows(
            pack.rows_taken(data, ("", "mobile", MOBILE), own),
            (data.activity, data.unit, data.region, data.period, vehicle, engine, model_year, distance_state),
        ),
        choose=choose,
        quantities={"distance": distance},
        reason=why_missing,
        activities=tuple(sorted(pack.names(own))),
        row_by_row=True,
    )


def _by_machine(book: FactorBook, machine: Wanted, *, distance_given: bool) -> Component | None:
    """What depends on the machine: by the distance that it went or the fuel that it burnt; None without."""
    if not machine.vehicle:
        return None
    by_distance = replace(machine, unit=VEHICLE_KM)
    if distance_given and book.offers(by_distance):
        return Component(book.select(by_distance), "distance")
    return Component(book.select(machine)) if book.offers(machine) else None


def _model_year(text: str) -> int | None:
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
