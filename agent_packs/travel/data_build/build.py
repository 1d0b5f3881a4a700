"""Makes this pack's factor files from the figures of the US EPA and the UK Government in `source`.

    python build.py

Values are taken over as text and never computed with. UK Government rows give each gas's
part in kg CO2e, already multiplied by a GWP; only the published CO2e row, the total, is in `source`. What is
changed is what a figure is called: headings are put before names that need them, `WTT` before those of the
fuel's way to the tank, and a night in a hotel is filed under the country that the hotel is in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

CATEGORY = "business travel"

#: By heading in lower case, what its names need before them to be understood elsewhere.
PREFIXES = {"flights": "Flight, ", "ferry": "Ferry, ", "motorbike": "Motorbike, "}

#: Where the hotels are.
COUNTRIES = {
    "UK": "GB",
    "UK (London)": "GB",
    "Australia": "AU",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "Chile": "CL",
    "China": "CN",
    "Colombia": "CO",
    "Costa Rica": "CR",
    "Egypt": "EG",
    "France": "FR",
    "Germany": "DE",
    "Hong Kong, China": "HK",
    "India": "IN",
    "Indonesia": "ID",
    "Italy": "IT",
    "Japan": "JP",
    "Jordan": "JO",
    "Korea": "KR",
    "Malaysia": "MY",
    "Maldives": "MV",
    "Mexico": "MX",
    "Netherlands": "NL",
    "Oman": "OM",
    "Philippines": "PH",
    "Portugal": "PT",
    "Qatar": "QA",
    "Russian Federation": "RU",
    "Saudi Arabia": "SA",
    "Singapore": "SG",
    "South Africa": "ZA",
    "Spain": "ES",
    "Switzerland": "CH",
    "Thailand": "TH",
    "Turkey": "TR",
    "United Arab Emirates": "AE",
    "United States": "US",
    "Vietnam": "VN",
}


def epa(figures: Sequence[Figure]) -> Iterable[Row]:
    """Table 10."""
    return (figure.factor(scope="3", category=CATEGORY) for figure in figures)


def uk(figures: Sequence[Figure]) -> Iterable[Row]:
    """Travel by air, sea and land, with or without the fuel's way to the tank; nights in hotels."""
    for figure in figures:
        yield figure.factor(**named(figure), scope="3", category=CATEGORY)


def named(figure: Figure) -> Row:
    """Activity and region."""
    if figure.group == "Hotel stay":
        london = " (London)" if "London" in figure.name else ""
        return {"activity": f"Hotel stay{london}", "region": COUNTRIES[figure.name]}
    group = figure.group.casefold()
    name = vehicle(group.removeprefix("wtt- "), figure.name.replace(" | ", ", "))
    return {"activity": f"WTT, {name}" if group.startswith("wtt") else name}


def vehicle(group: str, name: str) -> str:
    """What a vehicle is called: `Mini car, Diesel`, `Motorbike, Small`."""
    if group == "cars (by market segment)":
        segment, comma, fuel = name.partition(", ")
        return f"{segment} car{comma}{fuel}"
    return PREFIXES.get(group, "") + name


if __name__ == "__main__":
    build_factor_files(
        Path(__file__).resolve().parent,
        {
            "epa_travel": ("epa_travel", epa),
            "uk_2024": ("uk_2024", uk),
            "uk_2025": ("uk_2025", uk),
        },
    )
