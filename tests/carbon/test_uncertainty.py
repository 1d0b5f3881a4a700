"""Uncertainties of quantities and factors, propagated beside the exact figures."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.carbon import build_inventory, inventory_summary, result_table
from greenlang.carbon.agents import totals
from greenlang.carbon.percentages import percent_text, share_of
from greenlang.errors import DataError, InputError

GAS = "natural gas"


def factor(activity: str, value: str, uncertainty: str, *, gas: str = "CO2", unit: str = "t") -> str:
    return f"{activity},{gas},{value},kg/{unit},{uncertainty}"


def factors(*rows: str) -> str:
    return "\n".join(["activity,gas,value,unit,uncertainty", *rows])


def row(activity: str, quantity: str, uncertainty: str, **more: str) -> dict[str, str]:
    return {"activity": activity, "quantity": quantity, "unit": "t", "uncertainty": uncertainty, **more}


def total(inventory):
    (line,) = inventory.totals
    return line.co2e_estimate


# ---- equation 3.1: products -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_quantity", "of_factor", "percent"),
    [
        # IPCC 2006, vol. 1, ch. 3, equation 3.1: the root of the sum of squares.
        ("5%", "5%", "7.07"),
        ("5%", "2%", "5.39"),
        ("3%", "4%", "5.00"),
        ("10%", "50%", "50.99"),
        ("0%", "7%", "7.00"),
        ("0.5 %", "1.2%", "1.30"),
    ],
)
def test_a_product_has_the_root_of_the_sum_of_squares(inventory_of, of_quantity, of_factor, percent):
    made = inventory_of(row("Coal", "10", of_quantity), factors=factors(factor("Coal", "2000", of_factor)))
    assert str(total(made).percent) == percent
    assert total(made).of == "quantities and factors"


def test_the_exact_figures_are_the_same_with_and_without(inventory_of):
    text = factors(factor("Coal", "2000.5", "7%"))
    sure = inventory_of(row("Coal", "10.1", ""), factors=factors(factor("Coal", "2000.5", "")))
    unsure = inventory_of(row("Coal", "10.1", "5%"), factors=text)
    assert [line.co2e for line in sure.lines] == [line.co2e for line in unsure.lines]
    assert sure.lines[0].co2e_estimate is None
    assert "estimated_uncertainty" not in inventory_summary(sure)["lines"][0]


# ---- equation 3.2: sums ---------------------------------------------------------------------------------


def test_a_sum_of_what_is_unrelated_adds_squares_by_their_size(inventory_of):
    made = inventory_of(
        row("Coal", "3", "0%"),
        row("Coke", "4", "0%"),
        factors=factors(factor("Coal", "1000", "10%"), factor("Coke", "1000", "10%")),
    )
    # Equation 3.2: the root of (0.1 * 3000)^2 + (0.1 * 4000)^2 over 7000.
    assert str(total(made).percent) == "7.14"


def test_rows_of_one_factor_share_its_error(inventory_of):
    made = inventory_of(
        row("Coal", "3", "0%"), row("Coal", "4", "0%"), factors=factors(factor("Coal", "1000", "10%"))
    )
    assert str(total(made).percent) == "10.00"


def test_quantities_of_rows_are_unrelated(inventory_of):
    made = inventory_of(
        row("Coal", "3", "10%"), row("Coal", "4", "10%"), factors=factors(factor("Coal", "1000", "0%"))
    )
    assert str(total(made).percent) == "7.14"


def test_gases_of_a_row_share_the_error_of_its_quantity(inventory_of):
    gases = factors(factor("Coal", "1000", "0%"), factor("Coal", "1", "0%", gas="CH4"))
    made = inventory_of(row("Coal", "3", "10%"), factors=gases)
    assert str(total(made).percent) == "10.00"


def test_each_gas_has_an_estimate_of_its_own(inventory_of):
    gases = factors(factor("Coal", "1000", "4%"), factor("Coal", "1", "40%", gas="CH4"))
    (line,) = inventory_of(row("Coal", "3", "3%"), factors=gases).lines
    assert {gas: str(of.percent) for gas, of in line.gas_estimates.items()} == {"CO2": "5.00", "CH4": "40.11"}
    # 3000 kg of CO2 and 3 * 28 = 84 kg of CO2e: (3 % of 3084)^2 + (4 % of 3000)^2 + (40 % of 84)^2.
    assert str(line.co2e_estimate.percent) == "5.03"


# ---- what is known ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantities", "of_factor", "of", "percent"),
    [
        (("5%", "5%"), "", "quantities", "3.57"),
        (("", ""), "7%", "factors", "7.00"),
        (("5%", ""), "", "some quantities", "2.14"),
        (("5%", ""), "7%", "some quantities and factors", "7.32"),
    ],
)
def test_an_estimate_says_whose_uncertainties_are_in_it(inventory_of, quantities, of_factor, of, percent):
    first, second = quantities
    made = inventory_of(
        row("Coal", "3", first), row("Coal", "4", second), factors=factors(factor("Coal", "1000", of_factor))
    )
    assert (total(made).of, str(total(made).percent)) == (of, percent)


@pytest.mark.parametrize(("text", "canonical"), [("5%", "5%"), ("5.0 %", "5%"), ("", ""), ("0%", "0%")])
def test_a_percentage_is_written_one_way(text, canonical):
    assert percent_text(text) == canonical


@pytest.mark.parametrize("text", ["5", "0.05", "-5%", "five%", "5%%", "1,5%", "nan%"])
def test_what_is_no_percentage_is_refused(text, inventory_of):
    with pytest.raises(InputError):
        share_of(text)
    with pytest.raises(DataError, match="row 2, column 'uncertainty'"):
        inventory_of(row("Coal", "3", text), factors=factors(factor("Coal", "1000", "")))


# ---- where it is told ------------------------------------------------------------------------------------


def test_tables_and_reports_have_columns_that_say_they_are_estimates(inventory_of):
    made = inventory_of(
        row("Coal", "3", "3%", site="A"),
        row("Coal", "4", "4%", site="B"),
        factors=factors(factor("Coal", "1000", "0%")),
    )
    columns = {column.name: column.texts() for column in result_table(made).columns}
    assert columns["estimated_co2e_uncertainty_percent"] == ["2.62"]
    report = totals.spec.function(made, by="site")
    columns = {column.name: column.texts() for column in result_table(report).columns}
    assert columns["tco2e"] == ["3.00", "4.00"]
    assert columns["estimated_co2e_uncertainty_percent"] == ["3.00", "4.00"]
    assert columns["estimated_co2e_uncertainty_of"] == ["quantities and factors"] * 2


def test_a_summary_names_the_method(inventory_of):
    made = inventory_of(row("Coal", "3", "3%"), factors=factors(factor("Coal", "1000", "4%")))
    told = inventory_summary(made)["totals"][0]["estimated_uncertainty"]
    assert told["method"].startswith("IPCC 2006 Guidelines, vol. 1, ch. 3, approach 1")
    assert told["co2e_percent"] == Decimal("5.00")


shares = st.integers(0, 60).map(lambda percent: f"{percent}%")


@given(
    st.lists(
        st.tuples(st.sampled_from(["Coal", "Coke"]), st.integers(1, 10**9), shares), min_size=1, max_size=6
    ),
    shares,
    shares,
)
def test_estimates_are_those_of_the_sums_written_out(activity_data, emissions_of, rows, of_coal, of_coke):
    data = activity_data(*(row(activity, str(quantity), share) for activity, quantity, share in rows))
    text = factors(factor("Coal", "2000", of_coal), factor("Coke", "3100.5", of_coke))
    made = build_inventory(emissions_of(data, text))
    values = {"Coal": Fraction(2000), "Coke": Fraction("3100.5")}
    mass = [values[activity] * quantity for activity, quantity, _ in rows]
    variance = sum((share_of(share) * of) ** 2 for (_, _, share), of in zip(rows, mass, strict=True))
    for activity, share in (("Coal", of_coal), ("Coke", of_coke)):
        variance += (
            share_of(share) * sum(of for (name, *_), of in zip(rows, mass, strict=True) if name == activity)
        ) ** 2
    percent = 100 * (float(variance) ** 0.5) / float(sum(mass))
    assert abs(float(total(made).percent) - percent) < 0.0051
