"""`greenlang run`, as a user runs it."""

import csv
import io
import json
from decimal import Decimal

HEADER = "id,period,site,activity,quantity,unit,region,method,tags\n"
GOOD = "A-1,2025-03,Plant,natural gas,1500,MMBtu,US,,\n"


def inventory_of(greenlang, examples, *arguments, code=0):
    return greenlang("run", examples / "inventory.gcel", *arguments, code=code)


def test_the_example_prints_totals_fallbacks_missing_gases_and_the_hash(greenlang, examples):
    out = inventory_of(greenlang, examples, "--input", examples / "activities.csv").stdout
    for words in (
        "14 of 14 rows",
        "2 location-based",
        "2 market-based",
        "Missing gases",
        "Fallbacks",
        "result_hash",
        "sha256:",
    ):
        assert words in out


def test_json_has_every_digit_and_the_same_hash_each_time(greenlang, examples, tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + GOOD)
    first, second = (
        json.loads(
            inventory_of(greenlang, examples, "--input", tmp_path / "a.csv", "--format", "json").stdout
        )
        for _ in range(2)
    )
    # EPA GHG Emission Factors Hub 2025, table 1: 53.06 kg CO2, 1.0 g CH4 and 0.10 g N2O per mmBtu; AR5.
    line = first["result"]["inventory"]["lines"][0]
    assert {gas: Decimal(mass) for gas, mass in line["mass_kg"].items()} == {
        "CO2": Decimal("79590"),
        "CH4": Decimal("1.5"),
        "N2O": Decimal("0.15"),
    }
    assert Decimal(line["co2e_kg"]) == Decimal("79590") + Decimal("1.5") * 28 + Decimal("0.15") * 265
    assert first["result_hash"] == second["result_hash"]
    assert first["calculation_id"] != second["calculation_id"]


def test_the_gwp_set_changes_co2e_and_not_the_masses(greenlang, examples, tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + GOOD)
    results = {
        gwp: json.loads(
            inventory_of(
                greenlang, examples, "--input", tmp_path / "a.csv", "--format", "json", "--gwp", gwp
            ).stdout
        )["result"]["inventory"]["lines"][0]
        for gwp in ("AR4", "AR5", "AR6")
    }
    masses = [line["mass_kg"] for line in results.values()]
    assert masses[0] == masses[1] == masses[2]
    # IPCC AR4 table 2.14, AR5 table 8.A.1, AR6 table 7.SM.7.
    for gwp, methane, nitrous_oxide in (("AR4", "25", "298"), ("AR5", "28", "265"), ("AR6", "27.9", "273")):
        expected = 79590 + Decimal("1.5") * Decimal(methane) + Decimal("0.15") * Decimal(nitrous_oxide)
        assert Decimal(results[gwp]["co2e_kg"]) == expected


def test_csv_is_a_table_of_lines(greenlang, examples, tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + GOOD)
    out = inventory_of(greenlang, examples, "--input", tmp_path / "a.csv", "--format", "csv").stdout
    (line,) = csv.DictReader(io.StringIO(out))
    assert line["activity"] == "Natural Gas"
    assert line["CO2_kg"] == "79590"


def test_skipping_lists_the_rows_left_out_and_changes_the_hash(greenlang, examples, tmp_path):
    (tmp_path / "good.csv").write_text(HEADER + GOOD)
    (tmp_path / "bad.csv").write_text(HEADER + GOOD + "A-2,2025-03,Plant,unobtainium,5,t,US,,\n")
    good = json.loads(
        inventory_of(greenlang, examples, "--input", tmp_path / "good.csv", "--format", "json").stdout
    )
    done = inventory_of(
        greenlang, examples, "--input", tmp_path / "bad.csv", "--format", "json", "--on-error", "skip"
    )
    bad = json.loads(done.stdout)
    assert bad["result"]["inventory"]["lines"] == good["result"]["inventory"]["lines"]
    assert bad["result"]["inventory"]["rows"] == {"given": 2, "computed": 1, "skipped": 1}
    (skipped,) = bad["skipped"]
    assert skipped["row"] == 3
    assert skipped["id"] == "A-2"
    assert "unobtainium" in skipped["reason"]
    assert bad["result_hash"] != good["result_hash"]


def test_a_program_of_plain_values_runs_on_json(greenlang, tmp_path):
    (tmp_path / "sum.gcel").write_text("main = sum\n")
    (tmp_path / "numbers.json").write_text("[0.1, 0.2]")
    out = greenlang("run", "sum.gcel", "--input", "numbers.json", "--format", "json").stdout
    assert json.loads(out)["result"] == "0.3"
