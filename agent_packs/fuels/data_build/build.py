"""Makes this pack's factor files from the figures of the US EPA and the UK Government in `source`.

    python build.py

Values are taken over as text and never computed with. What is changed is what a figure is called, so that a
row of activity data can ask for it:

- the wood furnishes of the EPA's table 1 are named as the kraft pulping liquor that they stand for; `Straw`
  alone would pass for a fuel;
- tables 3 to 5 are by vehicle or equipment first; here the fuel is the activity, under its name in
  table 2, and vehicle, engine and model years have columns of their own;
- the heading of the light-duty trucks of table 3 runs over two cells, `Gasoline Light-Duty Trucks` and
  `(Vans, Pickup Trucks, SUVs)`: both are the same trucks;
- a fuel that the hub lists as biomass (or not) is so for its CH4 and N2O too.

UK Government rows give each gas's part in kg CO2e, already multiplied by a GWP; only the published CO2e
row, the total, is in `source`. What that total leaves out, the sheet `Outside of scopes`, is the biogenic CO2
of the same fuels. Fuels for vehicles are in a file for each of the two agents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

STATIONARY = "stationary combustion"
MOBILE = "mobile combustion"

KRAFT_LIQUOR = "Biomass Fuels - Kraft Pulping Liquor, by Wood Furnish"

#: Fuels of tables 3 to 5 under their names in table 2; table 2 has no methanol.
FUELS = {
    "Aviation Gasoline": "Aviation Gasoline",
    "Biodiesel": "Biodiesel (100%)",
    "CNG": "Compressed Natural Gas (CNG)",
    "Diesel": "Diesel Fuel",
    "Ethanol": "Ethanol (100%)",
    "Gasoline": "Motor Gasoline",
    "Jet Fuel": "Kerosene-Type Jet Fuel",
    "LNG": "Liquefied Natural Gas (LNG)",
    "LPG": "Liquefied Petroleum Gases (LPG)",
    "Methanol": "Methanol",
    "Residual Fuel Oil": "Residual Fuel Oil",
}

VEHICLES = {"(Vans, Pickup Trucks, SUVs)": "Gasoline Light-Duty Trucks"}

#: Beginnings of the names of UK fuels that vehicles, ships and aircraft burn.
UK_MOBILE = (
    *("Aviation", "Avtur", "Biodiesel", "Bioethanol", "Biomethane", "Biopropane", "CNG", "Development"),
    *("Diesel", "Gas oil", "LNG", "LPG", "Marine", "Methanol", "Off road", "Petrol"),
)


def stationary(figures: Sequence[Figure]) -> Iterable[Row]:
    """Table 1, with the heading of each fuel as its note."""
    biogenic = {figure.name: figure.biogenic for figure in figures if figure.gas == "CO2"}
    for figure in figures:
        heading = figure.note.removesuffix("; HHV basis")
        kraft = heading == KRAFT_LIQUOR
        yield figure.factor(
            activity=f"Kraft Pulping Liquor ({figure.name})" if kraft else figure.name,
            biogenic=biogenic[figure.name],
            scope="1",
            category=STATIONARY,
            note=heading,
        )


def mobile(figures: Sequence[Figure]) -> Iterable[Row]:
    """Tables 2 to 5."""
    biogenic = {figure.name: figure.biogenic for figure in figures if figure.gas == "CO2"}
    forms = {"vehicle fuel": by_fuel, "on-road": by_vehicle, "non-road": by_equipment}
    for figure in figures:
        named = forms[figure.group](figure.name)
        yield figure.factor(
            **named, biogenic=biogenic.get(named["activity"], ""), scope="1", category=MOBILE, note=""
        )


def by_fuel(name: str) -> Row:
    """`Diesel Fuel`."""
    return {"activity": name}


def by_vehicle(name: str) -> Row:
    """`Passenger Cars | Diesel | model year 1983-2006`, with or without the years."""
    vehicle, fuel, *years = name.split(" | ")
    first, last = model_years(years[0]) if years else ("", "")
    return {
        "activity": FUELS[fuel],
        "vehicle": VEHICLES.get(vehicle, vehicle),
        "model_year_from": first,
        "model_year_to": last,
    }


def by_equipment(name: str) -> Row:
    """`Locomotives | Diesel`, or with more than the fuel: `Ships and Boats | Gasoline (2 stroke)`."""
    equipment, engine = name.split(" | ")
    fuel = next(name for name in FUELS if engine == name or engine.startswith(f"{name} "))
    return {"activity": FUELS[fuel], "vehicle": equipment, "engine": "" if engine == fuel else engine}


def model_years(text: str) -> tuple[str, str]:
    """First and last of `model year 1984-1993`, `model year 1994` or `model year ≤1980`."""
    until = re.fullmatch(r"model year ≤(\d{4})", text)
    if until:
        return "", until[1]
    first, _, last = text.removeprefix("model year ").partition("-")
    return first, last or first


def uk_stationary(figures: Sequence[Figure]) -> Iterable[Row]:
    """Every UK fuel."""
    return (uk(figure, STATIONARY) for figure in figures)


def uk_mobile(figures: Sequence[Figure]) -> Iterable[Row]:
    """The UK fuels of vehicles, ships and aircraft."""
    return (uk(figure, MOBILE) for figure in figures if figure.name.startswith(UK_MOBILE))


def uk(figure: Figure, category: str) -> Row:
    """A total; or biogenic CO2, whose kg CO2e are kg of the gas, as the GWP of CO2 is 1."""
    unit = figure.unit if figure.gas == "CO2e" else figure.unit.replace("kg CO2e", "kg")
    return figure.factor(unit=unit, scope="1", category=category)


if __name__ == "__main__":
    build_factor_files(
        Path(__file__).resolve().parent,
        {
            "stationary": ("epa_stationary", stationary),
            "mobile": ("epa_mobile", mobile),
            **{f"uk_{year}_stationary": (f"uk_{year}", uk_stationary) for year in (2024, 2025)},
            **{f"uk_{year}_mobile": (f"uk_{year}", uk_mobile) for year in (2024, 2025)},
        },
    )
