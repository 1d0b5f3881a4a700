"""The real case: emissions that the City of Seattle published for 100 of its buildings."""

import csv
import io
from decimal import Decimal


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_all_published_figures_are_reproduced_to_the_last_digit(greenlang, examples):
    folder = examples / "seattle"
    out = greenlang(
        "run", folder / "seattle.gcel", "--input", folder / "buildings.csv", "--format", "csv"
    ).stdout
    assert out.startswith("building_id,tco2e\n")
    published = rows_of((folder / "buildings.csv").read_text())
    computed = rows_of(out)
    assert len(published) == 100
    assert [row["building_id"] for row in computed] == [row["building_id"] for row in published]
    for mine, theirs in zip(computed, published, strict=True):
        assert Decimal(mine["tco2e"]) == Decimal(theirs["published_tco2e"])
        assert len(mine["tco2e"].partition(".")[2]) == 2


def test_ties_round_half_to_even_on_any_file_of_these_columns(greenlang, examples, tmp_path):
    gas_kbtu = {"up to even": 500_000, "down to even": 1_500_000, "nothing": 0}
    lines = [f"{name},Hotel,98101.0,0.0,{amount}.0,0,0.0" for name, amount in gas_kbtu.items()]
    header = "building_id,property_type,zip,electricity_kbtu,natural_gas_kbtu,steam_kbtu,published_tco2e"
    (tmp_path / "ties.csv").write_text("\n".join([header, *lines]) + "\n")
    out = greenlang(
        "run", examples / "seattle" / "seattle.gcel", "--input", "ties.csv", "--format", "csv"
    ).stdout
    # 53.11 kg/MMBtu: 26.555 t and 79.665 t, both halfway between two figures of two decimals.
    assert {row["building_id"]: row["tco2e"] for row in rows_of(out)} == {
        "up to even": "26.56",
        "down to even": "79.66",
        "nothing": "0.00",
    }
