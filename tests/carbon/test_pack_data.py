"""The factor files of the first-party packs: every table whole, figures as printed, nothing that misleads."""

import importlib.util
from collections import Counter
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from greenlang.carbon.factors.factor import EmissionFactor, FactorSet
from greenlang.carbon.factors.files import load_factors
from greenlang.carbon.regions import regions

PACKS = Path(__file__).parents[2] / "agent_packs"
FILES = {
    "stationary": PACKS / "fuels/src/greenlang_fuels/data/stationary.csv",
    "mobile": PACKS / "fuels/src/greenlang_fuels/data/mobile.csv",
    "egrid": PACKS / "electricity/src/greenlang_electricity/data/egrid.csv",
    "steam": PACKS / "electricity/src/greenlang_electricity/data/steam.csv",
}


def load(name: str) -> FactorSet:
    return load_factors(FILES[name].read_text(encoding="utf-8"), file=FILES[name].name)


def build_script(pack: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"build_{pack}", PACKS / pack / "data_build/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def one(name: str, **wanted: object) -> EmissionFactor:
    """The only factor with these fields; `unit` is the whole unit as text."""
    found = [
        factor
        for factor in load(name)
        if all(
            (factor.unit_text if field == "unit" else getattr(factor, field)) == value
            for field, value in wanted.items()
        )
    ]
    assert len(found) == 1, f"{len(found)} factors for {wanted}"
    return found[0]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("stationary", {"Table 1": 363}),
        ("mobile", {"Table 2": 10, "Table 3": 230, "Table 4": 68, "Table 5": 80}),
        ("egrid", {"Table 6": 84}),
        ("steam", {"Table 7": 3}),
    ],
)
def test_every_table_is_whole(name: str, counts: dict[str, int]) -> None:
    assert Counter(factor.table[:7] for factor in load(name)) == counts


@pytest.mark.parametrize(
    ("name", "wanted", "value", "locator"),
    [
        # EPA GHG Emission Factors Hub, 15 January 2025
        ("stationary", {"activity": "Natural Gas", "gas": "CO2", "unit": "kg/mmBtu (HHV)"}, "53.06", None),
        ("stationary", {"activity": "Natural Gas", "gas": "CO2", "unit": "kg/scf"}, "0.05444", None),
        ("stationary", {"activity": "Natural Gas", "gas": "CH4", "unit": "g/mmBtu (HHV)"}, "1.0", None),
        ("stationary", {"activity": "Natural Gas", "gas": "N2O", "unit": "g/mmBtu (HHV)"}, "0.10", None),
        ("stationary", {"activity": "Anthracite", "gas": "CO2", "unit": "kg/short ton"}, "2602", "H17"),
        ("stationary", {"activity": "Anthracite", "gas": "CO2", "unit": "kg/mmBtu (HHV)"}, "103.69", "E17"),
        (
            "stationary",
            {"activity": "Distillate Fuel Oil No. 2", "gas": "CO2", "unit": "kg/gal (US)"},
            "10.21",
            None,
        ),
        ("mobile", {"activity": "Motor Gasoline", "gas": "CO2"}, "8.78", "D112"),
        ("mobile", {"activity": "Diesel Fuel", "gas": "CO2"}, "10.21", "D107"),
        (
            "mobile",
            {"vehicle": "Gasoline Passenger Cars", "gas": "CH4", "model_year_from": 1984},
            "0.0704",
            "E135",
        ),
        (
            "mobile",
            {"vehicle": "Gasoline Light-Duty Trucks", "gas": "N2O", "model_year_from": 1975},
            "0.0513",
            "F166",
        ),
        (
            "mobile",
            {"vehicle": "Gasoline Heavy-Duty Vehicles", "gas": "CH4", "model_year_to": 1980},
            "0.4604",
            "E206",
        ),
        (
            "mobile",
            {"vehicle": "Passenger Cars", "activity": "Diesel Fuel", "gas": "N2O", "model_year_to": 2022},
            "0.0192",
            "G251",
        ),
        (
            "mobile",
            {"vehicle": "Agricultural Equipment", "engine": "Diesel Equipment", "gas": "N2O"},
            "1.07",
            "F300",
        ),
        (
            "mobile",
            {"vehicle": "Aircraft", "activity": "Kerosene-Type Jet Fuel", "gas": "CH4"},
            "0",
            "E295",
        ),
        ("egrid", {"region": "US", "gas": "CO2"}, "771.523", "E366"),
        ("egrid", {"region": "AKGD", "gas": "CO2"}, "899.003", "E339"),
        ("egrid", {"region": "NWPP", "gas": "CO2"}, "631.705", None),
        ("steam", {"gas": "CO2"}, "66.33", "D410"),
        ("steam", {"gas": "CH4"}, "1.250", "E410"),
    ],
)
def test_figures_are_as_published(
    name: str, wanted: dict[str, object], value: str, locator: str | None
) -> None:
    factor = one(name, **wanted)
    assert factor.value_text == value
    if locator:
        assert factor.locator == locator


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_factor_says_where_it_is_from(name: str) -> None:
    factors = load(name)
    for factor in factors:
        assert factor.citation
        assert factor.table in factor.citation
        assert factor.locator
        assert (factor.source, factor.dataset, factor.edition) == (
            "US EPA",
            "ghg-emission-factors-hub",
            "2025",
        )
        assert str(factor.published) == str(factor.applies_from) == "2025-01-15"
        assert factor.applies_to is None
        assert factor.gwp_basis == ""
    assert len({factor.ef_cid for factor in factors}) == len(factors)


def test_units_are_those_of_the_publisher() -> None:
    for name in ("stationary", "mobile", "steam"):
        for factor in load(name):
            assert factor.numerator.symbol == ("kg" if factor.gas == "CO2" else "g")
    assert {factor.unit_text for factor in load("egrid")} == {"lb/MWh"}
    energy = [factor.denominator for factor in load("stationary") if factor.denominator.dimension == "energy"]
    assert {unit.basis for unit in energy} == {"HHV"}


def test_per_unit_figures_are_near_the_heat_content_times_those_per_mmbtu() -> None:
    # The publisher rounds them: equal to about four digits, never exactly.
    for fuel, heat_content in (("Anthracite", "25.09"), ("Natural Gas", "0.001026"), ("Propane", "0.091")):
        per_energy = one("stationary", activity=fuel, gas="CO2", unit="kg/mmBtu (HHV)").value
        others = [
            factor.value
            for factor in load("stationary")
            if factor.activity == fuel and factor.gas == "CO2" and factor.denominator.dimension != "energy"
        ]
        assert abs(others[0] / (per_energy * Decimal(heat_content)) - 1) < Decimal("0.002")


def test_grid_averages_are_for_every_egrid_subregion_and_the_us() -> None:
    subregions = {region.code for region in regions().values() if region.kind == "grid subregion"}
    factors = load("egrid")
    assert Counter(factor.region for factor in factors) == dict.fromkeys(subregions | {"US"}, 3)
    assert {factor.kind for factor in factors} == {"grid-average"}
    assert {factor.data_year for factor in factors} == {2023}


def test_nothing_that_no_inventory_may_use_is_there() -> None:
    for factor in load("egrid"):
        assert "total output" in factor.note
        assert factor.gas in ("CO2", "CH4", "N2O")


def test_every_vehicle_and_engine_has_both_gases_for_each_model_year() -> None:
    kinds = Counter(
        (factor.activity, factor.vehicle, factor.engine, factor.model_year_from, factor.model_year_to)
        for factor in load("mobile")
        if factor.vehicle
    )
    assert set(kinds.values()) == {2}


def test_model_years_of_a_vehicle_do_not_overlap() -> None:
    years: Counter[tuple[str, str, int]] = Counter()
    for factor in load("mobile"):
        if factor.gas == "CH4" and factor.model_year_to:
            first = factor.model_year_from or factor.model_year_to
            for year in range(first, factor.model_year_to + 1):
                years[factor.vehicle, factor.activity, year] += 1
    assert set(years.values()) == {1}
    assert {year for vehicle, _, year in years if vehicle == "Gasoline Light-Duty Trucks"} == set(
        range(1973, 2023)
    )


def test_biomass_is_marked_with_all_its_gases() -> None:
    for name in ("stationary", "mobile"):
        of_fuel: dict[str, set[bool | None]] = {}
        for factor in load(name):
            of_fuel.setdefault(factor.activity, set()).add(factor.biogenic)
        assert all(len(marks) == 1 for marks in of_fuel.values())
    assert (
        one("stationary", activity="Wood and Wood Residuals", gas="CO2", unit="kg/short ton").biogenic is True
    )
    assert (
        one("stationary", activity="Municipal Solid Waste", gas="CO2", unit="kg/short ton").biogenic is False
    )
    assert {factor.biogenic for factor in load("mobile") if factor.activity == "Methanol"} == {None}


def test_wood_furnish_is_not_offered_as_a_fuel_of_its_name() -> None:
    activities = {factor.activity for factor in load("stationary")}
    assert "Straw" not in activities
    assert "Kraft Pulping Liquor (Straw)" in activities


def test_build_script_reads_the_names_of_vehicles() -> None:
    fuels = build_script("fuels")
    by_vehicle = fuels.by_vehicle("(Vans, Pickup Trucks, SUVs) | Gasoline | model year 1977-1978")
    assert by_vehicle == {
        "activity": "Motor Gasoline",
        "vehicle": "Gasoline Light-Duty Trucks",
        "model_year_from": "1977",
        "model_year_to": "1978",
    }
    assert fuels.by_vehicle("Buses | CNG")["model_year_to"] == ""
    assert fuels.model_years("model year ≤1980") == ("", "1980")
    assert fuels.model_years("model year 2000") == ("2000", "2000")
    by_equipment = fuels.by_equipment("Ships and Boats | Gasoline (2 stroke)")
    assert by_equipment == {
        "activity": "Motor Gasoline",
        "vehicle": "Ships and Boats",
        "engine": "Gasoline (2 stroke)",
    }
    assert fuels.by_equipment("Locomotives | Diesel")["engine"] == ""
