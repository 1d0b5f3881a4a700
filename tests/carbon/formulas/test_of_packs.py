"""Formulas that packs declare: found by name and version, and told in the record of a calculation."""

import sys
from dataclasses import replace
from decimal import Decimal

import pytest

from greenlang.carbon import build_inventory, formulas_used, load_formula, roundings
from greenlang.errors import FormulaError

DECLARED = """\
schema: 1
name: acme-boilers
version: 1.0.0
summary: Boilers.
licence: MIT
requires:
  greenlang: ">=0.1,<0.2"
formulas:
  - name: acme.boiler_fuel
    version: 1.0.0
    summary: Fuel of a boiler that runs at a steady load.
    text: |
      heat: "kWh"
      rate: "L/kWh"
      fuel: "L" = round(heat * rate, 3)
    citation: Acme Boiler Survey 2024, equation 1
"""


@pytest.fixture
def boilers(tmp_path, monkeypatch):
    package = tmp_path / "acme_boilers"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pack.yaml").write_text(DECLARED)
    monkeypatch.syspath_prepend(tmp_path)
    yield "acme_boilers"
    sys.modules.pop("acme_boilers", None)
    load_formula.cache_clear()


def test_a_formula_of_a_pack_is_what_its_pack_yaml_declares(boilers):
    fuel = load_formula(boilers, "acme.boiler_fuel", "1.0.0")
    assert fuel.of_record(Decimal("2.5"), 8) == 20
    assert (fuel.name, fuel.version) == ("acme.boiler_fuel", "1.0.0")
    assert fuel.citation == "Acme Boiler Survey 2024, equation 1"


def test_a_formula_that_a_pack_does_not_declare_is_refused_with_those_it_does(boilers):
    with pytest.raises(
        FormulaError, match=r"no formula acme\.boiler_fuel 2\.0\.0.*acme\.boiler_fuel 1\.0\.0"
    ):
        load_formula(boilers, "acme.boiler_fuel", "2.0.0")


def test_formulas_that_agents_computed_by_stand_in_the_record(boilers, activity_data, emissions_of):
    fuel = load_formula(boilers, "acme.boiler_fuel", "1.0.0")
    data = activity_data({"activity": "Coal", "quantity": "2", "unit": "t"})
    computed = emissions_of(data, "activity,gas,value,unit\nCoal,CO2,2000,kg/t\n")
    inventory = build_inventory([replace(part, formulas=(fuel, fuel)) for part in computed])
    assert [used["formula_id"] for used in formulas_used(inventory)] == [
        "ghg.mass",
        "ghg.co2e",
        "acme.boiler_fuel",
    ]
    assert formulas_used(inventory)[-1]["formula_hash"] == fuel.formula_hash
    assert roundings(inventory)[-1] == {
        "what": "acme.boiler_fuel of each row: fuel",
        "unit": "L",
        "places": 3,
        "mode": "half-even",
    }
