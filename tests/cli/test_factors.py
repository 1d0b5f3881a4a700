"""`greenlang factors`: what it prints for people and for machines, with the packs that are installed."""

import csv
import io
import json

import pytest


def rows(out):
    return list(csv.DictReader(io.StringIO(out)))


@pytest.mark.parametrize("command", ["search", "why", "diff"])
def test_every_command_has_help_with_an_example(greenlang, command):
    assert f"greenlang factors {command}" in greenlang("factors", command, "--help").stdout


def test_a_search_lists_what_a_row_of_a_region_and_year_would_get(greenlang):
    out = greenlang(
        "factors", "search", "diesel", "--region", "US", "--year", "2024", "--format", "csv"
    ).stdout
    assert {row["region"] for row in rows(out)} == {"US"}
    assert {row["remark"] for row in rows(out)} == {"nearest to 2024-01-01/2024-12-31"}
    assert {"kg/gal (US)"} <= {row["unit"] for row in rows(out) if row["value"] == "10.21"}
    uk = greenlang(
        "factors", "search", "diesel", "--region", "GB", "--year", "2024", "--format", "csv"
    ).stdout
    # Well-to-tank figures are there for 2025 alone.
    assert {(row["edition"].partition("=")[2], bool(row["remark"])) for row in rows(uk)} == {
        ("2024-v1.1", False),
        ("2025-v1", True),
    }


def test_editions_stand_side_by_side(greenlang):
    out = greenlang("factors", "search", "electricity", "--gas", "CO2e", "--format", "json").stdout
    grid = {one["edition"]: one["value"] for one in json.loads(out) if one["activity"] == "Electricity"}
    # UK Government GHG Conversion Factors 2024 v1.1 and 2025 v1, UK electricity.
    assert grid == {
        "ghg-conversion-factors-company-reporting=2024-v1.1": "0.20705",
        "ghg-conversion-factors-company-reporting=2025-v1": "0.17700",
    }


def test_a_long_listing_ends_with_what_is_left_out(greenlang):
    assert "more: narrow it down" in greenlang("factors", "search").stdout


def test_why_shows_the_winner_and_the_losers(greenlang):
    arguments = ("why", "electricity", "--unit", "kWh", "--region", "GB", "--period", "2025-03")
    out = greenlang("factors", *arguments).stdout
    assert "won: it is the nearest and applies" in out
    assert "lost: ghg-conversion-factors-company-reporting 2025-v1 is for the period" in out
    assert "out: it is for 'NWPP'" in out
    (choice,) = json.loads(greenlang("factors", *arguments, "--format", "json").stdout)
    assert choice["pack"] == "greenlang-electricity"
    assert choice["candidates"][0]["value"] == "0.17700"


def test_why_tells_what_is_recorded_and_what_is_refused(greenlang):
    natural_gas = ("why", "natural", "gas", "--region", "US-WA", "--period", "2024", "--unit")
    assert "recorded: region 'US-WA' -> US" in greenlang("factors", *natural_gas, "therm").stdout
    assert "a row is refused: " in greenlang("factors", *natural_gas, "km").stdout


def test_own_factors_are_searched_and_explained_with_the_same_checks(greenlang, tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("activity,gas,value,unit,category\nElectricity,CO2e,50,kg/MWh,purchased electricity\n")
    arguments = (
        "why",
        "electricity",
        "--unit",
        "MWh",
        "--region",
        "GB",
        "--factors",
        own,
        "--format",
        "json",
    )
    (choice,) = json.loads(greenlang("factors", *arguments).stdout)
    assert choice["candidates"][0]["pack"] == "your own"
    # The agents of electricity and heat report both as purchased energy, which factors may say too.
    own.write_text("activity,gas,value,unit,category\nElectricity,CO2e,50,kg/MWh,purchased energy\n")
    assert json.loads(greenlang("factors", *arguments).stdout)[0]["candidates"][0]["pack"] == "your own"
    own.write_text("activity,gas,value,unit,category\nElectricity,CO2e,50,kg/MWh,business travel\n")
    bought, travelled = json.loads(greenlang("factors", *arguments).stdout)
    assert (bought["candidates"][0]["pack"], travelled["pack"]) == (
        "greenlang-electricity",
        "greenlang-travel",
    )
    own.write_text("activity,gas,value,unit,category\nElectricity,CO2e,50,kg/MWh,purchased electricity\n")
    (choice,) = json.loads(greenlang("factors", *arguments).stdout)
    assert choice["fallbacks"] == [{"kind": "region", "wanted": "GB", "used": "global"}]
    own.write_text("activity,gas,value,unit\nElectricity,CO2e,5e,kg/MWh\n")
    refused = greenlang("factors", "search", "--factors", own, code=2).stderr
    assert "own.csv, row 2, column 'value'" in refused


def test_own_factors_are_held_to_the_rules_of_packs(greenlang, tmp_path):
    own = tmp_path / "own.csv"
    own.write_text(
        "activity,gas,value,unit,citation\n"
        "Electricity,CO2e,0.30000000000000004,kg/kWh,Bill of 2025\n"
        "District heat,CO2e,0.1,kg/kWh,\n"
    )
    rounding, uncited = greenlang("factors", "check", own, code=1).stderr.splitlines()
    assert "[factor.float] own.csv, CO2e of 'Electricity'" in rounding
    assert "write 0.3, as it was published" in rounding
    assert "[factor.citation] own.csv, CO2e of 'District heat'" in uncited
    own.write_text("activity,gas,value,unit,citation\nElectricity,CO2e,0.3,kg/kWh,Bill of 2025\n")
    assert greenlang("factors", "check", own).stdout == "every rule is kept\n"
    own.write_text("activity,gas,value,unit\nElectricity,CO2e,5,kg/banana\n")
    assert "[factor.table] own.csv, row 2, column 'unit'" in greenlang("factors", "check", own, code=1).stderr


def test_editions_are_compared(greenlang):
    out = greenlang("factors", "diff", "2024-v1.1", "2025-v1", "electricity", "--format", "csv").stdout
    (grid,) = (row for row in rows(out) if row["activity"] == "Electricity")
    assert (grid["change"], grid["before"], grid["after"], grid["relative"]) == (
        "changed",
        "0.20705",
        "0.17700",
        "-14.51 %",
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("search", "dieesel fuel"), "did you mean"),
        (("search", "--region", "ZZ"), "there is no region 'ZZ'"),
        (("search", "--gas", "CO3"), "CO2"),
        (("why", "natural gaz", "--unit", "kWh"), "Natural"),
        (("why", "natural gas", "--unit", "bananas"), "bananas"),
        (("why", "natural gas", "--unit", "kWh", "--as-at", "June"), "'June' is not a date"),
        (("why", "electricity", "--unit", "kWh", "--supplier", "X", "--residual-mix"), "one at a time"),
        (("diff", "2024", "2025-v1"), "there is no edition '2024'"),
        (("search", "--factors", "missing.csv"), "missing.csv"),
    ],
)
def test_mistakes_are_told_with_what_would_mend_them(greenlang, arguments, words):
    assert words in greenlang("factors", *arguments, code=2).stderr
