"""`greenlang verify --row N`: one row, what it was multiplied by, and its proof."""

import json
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from greenlang.exact import round_
from greenlang.ledger import RowProof, proof_holds


@pytest.fixture
def bundle(greenlang, examples, tmp_path):
    path = tmp_path / "result.json"
    greenlang("run", examples / "inventory.gcel", "--input", examples / "activities.csv", "--output", path)
    return path


def shown(greenlang, bundle, row, code=0):
    return json.loads(greenlang("verify", bundle, "--row", row, "--format", "json", code=code).stdout)


#: Their CH4 and N2O are by the distance driven, in km: the tag's, not the quantity.
DRIVEN = (7, 8)


@pytest.mark.parametrize("row", [row for row in range(2, 16) if row not in DRIVEN])
def test_the_figures_of_a_row_are_its_quantity_times_the_rates_shown(greenlang, bundle, row):
    told = shown(greenlang, bundle, row)
    masses = {name: mass for name, mass in told["figures"].items() if not name.endswith(".co2e")}
    quantity = Fraction(told["input"]["quantity"])
    rates = {
        f"scope{one['scope']}{'-' * bool(one['method'])}{one['method']}.{rate['gas']}": Fraction(rate["rate"])
        for one in told["selections"].values()
        for rate in one["rates"]
        if rate["gas"] != "CO2e"
    }
    assert masses == {
        name + apart: plain(quantity * rate)
        for name, rate in rates.items()
        for apart in ("", "-biogenic")
        if name + apart in masses
    }


def plain(mass: Fraction) -> str:
    return f"{round_(mass, 12):f}".rstrip("0").rstrip(".")


def test_a_row_names_the_published_factors(greenlang, bundle):
    told = shown(greenlang, bundle, 3)
    assert told["holds"] is True
    assert told["id"] == "A-02"
    # 40 CFR 98 and the EPA hub: 53.06 kg CO2 per mmBtu; a therm is 0.1 mmBtu.
    (one,) = told["selections"].values()
    rates = {rate["gas"]: (rate["rate"], rate["factors"]) for rate in one["rates"]}
    rate, parts = rates["CO2"]
    assert Fraction(rate) == Fraction("5.306")
    assert parts[0]["weight"] == "1/1"
    factor = told["factors"][parts[0]["ef_cid"]]
    assert (factor["value"], factor["unit"], factor["source"]) == ("53.06", "kg/mmBtu (HHV)", "US EPA")
    assert Decimal(told["figures"]["scope1.CO2"]) == Decimal("13250.5") * Decimal("5.306")


def test_the_proof_of_a_row_holds_without_its_bundle(greenlang, bundle):
    proof = msgspec.convert(shown(greenlang, bundle, 9)["proof"], RowProof)
    assert proof_holds(proof)
    assert proof.proved["id"] == "A-08"


def test_people_get_tables(greenlang, bundle):
    printed = greenlang("verify", bundle, "--row", "9").stdout
    for text in ("Row 9 (A-08)", "1276250000/473176473", "ef_2bb5b2972cc17f5d", "10.21", "row_root", "yes"):
        assert text in printed


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda told: told["output"]["rows"][7].update({"scope1.CO2": "1"}), "output row 9"),
        (lambda told: told["output"]["rows"][0].update({"scope1.CO2": "1"}), "output row 9"),
        (lambda told: told["output"]["rows"][0].update({"scope1.CO2": "1e3"}), "output row 9"),
        (lambda told: told["output"]["rows"][7].update(selections=["99"]), "lists.selections[99]"),
        (lambda told: told["output"]["rows"][7].update(selections=["0"]), "output row 9"),
        (lambda told: told["input"]["rows"][7].__setitem__(4, "1"), "input row 9"),
        (lambda told: told["input"]["rows"][7].pop(), "input row 9"),
        (
            lambda told: told["lists"]["selections"]["rows"][4]["rates"][0].update(rate="1/2"),
            "lists.selections[4]",
        ),
        (lambda told: told["lists"]["selections"]["rows"][4].pop("rates"), "lists.selections[4]"),
        (lambda told: told["factors"].clear(), "factor ef_2bb5b2972cc17f5d"),
        (lambda told: [one["record"].update(value="1") for one in told["factors"]], "factor ef_"),
        (lambda told: told["record"].update(gwp_set="AR4"), "record.result_hash"),
    ],
)
def test_what_a_row_rests_on_and_was_changed_is_named(greenlang, bundle, change, named):
    told = json.loads(bundle.read_text())
    change(told)
    bundle.write_text(json.dumps(told))
    row = shown(greenlang, bundle, 9, code=1)
    assert row["holds"] is False
    assert any(named in found["place"] for found in row["findings"]), row["findings"]


def test_rows_that_were_made_of_columns_are_shown_without_cells(greenlang, examples):
    folder = examples / "seattle"
    greenlang("run", folder / "seattle.gcel", "--input", folder / "buildings.csv", "--output", "seattle.json")
    told = shown(greenlang, "seattle.json", 2)
    assert told["input"] == {}
    assert told["holds"] is True
    assert "/" in told["id"]


@pytest.mark.parametrize("row", [-1, 0, 1, 16])
def test_a_row_that_is_not_there_is_refused(greenlang, bundle, row):
    done = greenlang("verify", bundle, "--row", row, code=2)
    assert done.stderr == f"error: the bundle has no row {row}; give a row from 2 to 15\n"


def test_a_row_is_not_compared_with_another_file(greenlang, bundle, examples):
    done = greenlang("verify", bundle, "--row", "2", "--input", examples / "activities.csv", code=2)
    assert "leave out --input" in done.stderr
