"""An inventory is the sum of its rows: each taken once, whatever the others are and in whatever order."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Context, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang.carbon import build_inventory, inventory_summary, series_of
from greenlang.errors import DataError, InputError

FACTORS = """\
activity,gas,value,unit,region,biogenic,scope,gwp_basis,applies_from,applies_to,dataset,edition
Gas,CO2,53.06,kg/mmBtu,US,no,1,,,,,
Gas,CH4,1.0,g/mmBtu,US,no,1,,,,,
Gas,N2O,0.10,g/mmBtu,US,no,1,,,,,
Wood,CO2,1640,kg/short ton,US,yes,1,,,,,
Wood,CH4,126,g/short ton,US,yes,1,,,,,
Power,CO2,631.705,lb/MWh,US,,2,,2024-01-01,2024-12-31,hub,2024
Power,CO2,615.111,lb/MWh,US,,2,,2025-01-01,2025-12-31,hub,2025
Taxi,CO2e,0.2,kg/km,US,,3,AR5,,,,
"""

ROWS = (
    {"activity": "gas", "unit": "MMBtu"},
    {"activity": "wood", "unit": "short ton"},
    {"activity": "power", "unit": "kWh"},
    {"activity": "taxi", "unit": "km"},
    {"activity": "gas", "unit": "therm", "region": "US-WA"},
    {"activity": "power", "unit": "MWh", "period": "2024-12/2025-01"},
)

EXACT = Context(prec=76)


def figures(inventory):
    """Every figure of an inventory by the id of its row and the name of its series."""
    found = defaultdict(dict)
    for series in series_of(inventory):
        for row, figure in zip(series.rows.tolist(), series.figures.to_decimals(), strict=True):
            found[inventory.data.id[row]][series.name] = figure
    return dict(found)


def exact_sum(numbers):
    total = Decimal(0)
    for number in numbers:
        total = EXACT.add(total, number)
    return total


def test_totals_are_by_scope_and_method(inventory_of):
    inventory = inventory_of(
        {"activity": "gas", "quantity": "1500"},
        {"activity": "wood", "quantity": "10", "unit": "short ton"},
        {"activity": "taxi", "quantity": "100", "unit": "km"},
        factors=FACTORS,
    )
    one, three = inventory.totals
    # 1500 mmBtu: 79590 kg CO2, 1.5 kg CH4 and 0.15 kg N2O; 10 short tons: 1.26 kg CH4; AR5: 28 and 265.
    assert (one.scope, one.method, one.rows) == (1, "", 2)
    assert one.gases == {"CO2": Decimal(79590), "CH4": Decimal("2.76"), "N2O": Decimal("0.15")}
    assert one.biogenic_co2 == Decimal(16400)
    assert one.co2e == Decimal("79707.03")
    assert (three.scope, three.gases, three.biogenic_co2, three.co2e) == (3, {}, None, Decimal(20))


def test_lines_are_by_activity_as_its_factors_name_it(inventory_of):
    inventory = inventory_of(
        {"activity": "GAS"}, {"activity": "gas"}, {"activity": "taxi", "unit": "km"}, factors=FACTORS
    )
    assert [(line.scope, line.activity, line.rows) for line in inventory.lines] == [
        (1, "Gas", 2),
        (3, "Taxi", 1),
    ]


quantities = st.decimals(min_value=0, max_value=10**7, places=6, allow_nan=False).map(lambda n: f"{n:f}")
some_rows = st.lists(st.tuples(st.sampled_from(ROWS), quantities), min_size=1, max_size=10)


def numbered(rows):
    return [{**row, "id": f"R{number}", "quantity": quantity} for number, (row, quantity) in enumerate(rows)]


@settings(deadline=None, max_examples=40)
@given(some_rows)
def test_totals_are_the_sums_of_the_rows_to_the_last_digit(inventory_of, rows):
    inventory = inventory_of(*numbered(rows), factors=FACTORS)
    by_row = figures(inventory)
    for total in inventory.totals:
        prefix = f"scope{total.scope}" + (f"-{total.method}" if total.method else "")

        def summed(name, prefix=prefix):
            return exact_sum(of[f"{prefix}.{name}"] for of in by_row.values() if f"{prefix}.{name}" in of)

        assert total.co2e == summed("co2e")
        assert total.gases == {gas: summed(gas) for gas in total.gases}
        assert (total.biogenic_co2 or 0) == summed("CO2-biogenic")
        lines = [line for line in inventory.lines if (line.scope, line.method) == (total.scope, total.method)]
        assert total.co2e == exact_sum(line.co2e for line in lines)
        assert total.rows == sum(line.rows for line in lines)
    assert sum(total.rows for total in inventory.totals) == len(rows)


@settings(deadline=None, max_examples=40)
@given(some_rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_row(inventory_of, rows, random):
    rows = numbered(rows)
    shuffled = random.sample(rows, len(rows))
    assert figures(inventory_of(*rows, factors=FACTORS)) == figures(inventory_of(*shuffled, factors=FACTORS))


@settings(deadline=None, max_examples=40)
@given(some_rows, st.data())
def test_a_skipped_row_changes_no_other(inventory_of, rows, data):
    rows = numbered(rows)
    spoilt = data.draw(st.integers(0, len(rows) - 1))
    damage = data.draw(
        st.sampled_from(
            [
                {"quantity": "x"},
                {"unit": "bananas"},
                {"unit": "p.km"},
                {"activity": "unobtainium"},
                {"region": "GB"},
                {"period": ""},
                {"tags": "x"},
                {"quantity": "99999999999999999999", "unit": "bananas"},
            ]
        )
    )
    expected = figures(inventory_of(*rows, factors=FACTORS))
    expected.pop(f"R{spoilt}", None)
    rows[spoilt] = {**rows[spoilt], **damage}
    inventory = inventory_of(*rows, factors=FACTORS, on_error="skip")
    assert figures(inventory) == expected
    assert {skip.id for skip in inventory.skipped} == {f"R{spoilt}"}
    assert sum(total.rows for total in inventory.totals) == len(rows) - 1
    with pytest.raises(DataError, match=f"data.csv, row {spoilt + 2}, column"):
        inventory_of(*rows, factors=FACTORS)


@settings(deadline=None, max_examples=40)
@given(st.dates(date(2024, 10, 1), date(2025, 1, 31)), st.integers(2, 300), st.data(), st.integers(1, 10**6))
def test_a_period_cut_in_two_adds_up_to_the_whole(inventory_of, start, days, data, mwh_a_day):
    cut = data.draw(st.integers(1, days - 1))

    def row(name, first, count):
        period = f"{start + timedelta(first)}/{start + timedelta(first + count - 1)}"
        power = {"activity": "power", "unit": "MWh", "id": name, "period": period}
        return {**power, "quantity": str(mwh_a_day * count)}

    whole = inventory_of(row("whole", 0, days), factors=FACTORS)
    parts = inventory_of(row("a", 0, cut), row("b", cut, days - cut), factors=FACTORS)
    # Every figure is exact: 3 places of a rate, 8 of a pound and whole MWh a day are 11 places.
    assert whole.totals[0].co2e == parts.totals[0].co2e


def test_a_row_across_editions_gets_each_for_its_days(inventory_of):
    period = "2024-12-22/2025-01-31"
    inventory = inventory_of(
        {"activity": "power", "quantity": "41", "unit": "MWh", "period": period}, factors=FACTORS
    )
    pounds = Decimal(10) * Decimal("631.705") + Decimal(31) * Decimal("615.111")
    assert inventory.totals[0].co2e == pounds * Decimal("0.45359237")
    (straddle,) = inventory.fallbacks
    assert (straddle.fallback.kind, straddle.fallback.wanted) == ("straddle", period)
    assert straddle.rows.tolist() == [0]
    with pytest.raises(DataError, match=r"row 2, column 'period': period .* crosses editions"):
        inventory_of(
            {"activity": "power", "unit": "MWh", "period": period}, factors=FACTORS, straddle="refuse"
        )


def test_rows_outside_every_edition_are_refused_under_strict_and_the_others_go_on(inventory_of):
    rows = (
        {"activity": "power", "unit": "MWh", "period": "2020"},
        {"activity": "power", "unit": "MWh", "quantity": "1"},
    )
    inventory = inventory_of(*rows, factors=FACTORS, vintage="strict", on_error="skip")
    assert inventory.totals[0].co2e == Decimal("615.111") * Decimal("0.45359237")
    (skip,) = inventory.skipped
    assert (skip.problem.row, skip.problem.column) == (2, "period")
    assert "no edition applies in 2020-01-01/2020-12-31" in skip.problem.message


def test_a_line_says_how_much_of_its_co2e_has_no_masses(inventory_of):
    mixed = "activity,gas,value,unit,region,scope\nGas,CO2,53,kg/mmBtu,US,1\nGas,CO2e,60,kg/mmBtu,GB,1\n"
    rows = [{"activity": "gas", "quantity": "10", "region": region} for region in ("US", "GB")]
    summary = inventory_summary(inventory_of(*rows, factors=mixed))
    for line in (*summary["lines"], *summary["totals"]):
        assert line["co2e_kg"] == line["mass_kg"]["CO2"] + line["co2e_as_published_kg"] == 1130
        assert line["co2e_as_published_kg"] == 600
    (by_gas,) = inventory_summary(inventory_of(rows[0], factors=mixed))["totals"]
    assert "co2e_as_published_kg" not in by_gas


def test_emissions_of_other_data_are_refused(activity_data, emissions_of):
    parts = [emissions_of(activity_data({"activity": "gas"}), FACTORS) for _ in range(2)]
    with pytest.raises(InputError, match="different activity data"):
        build_inventory(parts)


@pytest.mark.parametrize("parts", [[], [[], []], 7, ["x"]])
def test_an_inventory_is_made_of_emissions(parts):
    with pytest.raises(InputError, match="an inventory"):
        build_inventory(parts)


def test_an_inventory_whose_rows_were_all_skipped_is_empty_and_says_so(inventory_of):
    inventory = inventory_of({"quantity": "x"}, factors=FACTORS, on_error="skip")
    summary = inventory_summary(inventory)
    assert summary["rows"] == {"given": 1, "computed": 0, "skipped": 1}
    assert summary["lines"] == []
    assert series_of(inventory) == [] or all(len(series.rows) == 0 for series in series_of(inventory))


def test_the_summary_says_what_was_assumed_missed_and_left_out(inventory_of):
    unspecified = FACTORS.replace("AR5", "unspecified")
    inventory = inventory_of(
        {"activity": "wood", "unit": "short ton", "region": "US-WA"},
        {"activity": "taxi", "unit": "km"},
        {"activity": "taxi", "unit": "kg"},
        factors=unspecified,
        on_error="skip",
    )
    summary = inventory_summary(inventory)
    assert summary["gwp_set"] == "AR5"
    assert summary["fallbacks"] == [
        {"kind": "region", "wanted": "US-WA", "used": "US", "activity": "Wood", "method": "", "rows": 1}
    ]
    assert summary["missing"] == [
        {"gas": "N2O", "activity": "Wood", "reason": "its publisher gives no factor", "rows": 1}
    ]
    assert [(factor["activity"], factor["gwp_basis"]) for factor in summary["co2e_as_published"]] == [
        ("Taxi", "unspecified")
    ]
    assert [(skip["row"], skip["id"], skip["column"]) for skip in summary["skipped"]] == [(4, "A-3", "unit")]


@pytest.mark.parametrize(
    ("gwp", "total"),
    # IPCC AR4 WG1 table 2.14 (25, 298); AR5 WG1 table 8.A.1 (28, 265); AR6 WG1 tables 7.SM.7 (27.9, 273)
    # and 7.15 (29.8 fossil methane).
    [("AR4", "79672.2"), ("AR5", "79671.75"), ("AR6", "79672.8"), ("AR6-7.15", "79675.65")],
)
def test_the_gwp_set_changes_co2e_and_no_mass(inventory_of, gwp, total):
    inventory = inventory_of({"activity": "gas"}, factors=FACTORS, gwp_set=gwp)
    assert inventory.totals[0].co2e == Decimal(total)
    assert inventory.totals[0].gases["CH4"] == Decimal("1.5")
