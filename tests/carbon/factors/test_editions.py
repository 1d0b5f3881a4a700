"""Which edition of a factor each day of a period gets, and what is recorded or refused about it."""

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from greenlang.carbon import AccountingPolicy, EmissionFactor, Fallback, load_factors, parse_unit
from greenlang.carbon.factors.editions import choose_edition
from greenlang.carbon.periods import Period, parse_period
from greenlang.errors import FactorError

MWH = parse_unit("MWh")

HEADER = "activity,gas,value,unit,source,dataset,edition,applies_from,applies_to"

#: Two editions that follow on each other, the first without an end.
OPEN = ("Grid,CO2,100,kg/MWh,EPA,hub,2024,2024-01-01,", "Grid,CO2,90,kg/MWh,EPA,hub,2025,2025-01-01,")
#: Two editions of a calendar year each, with a year between them.
APART = (
    "Grid,CO2,100,kg/MWh,EPA,hub,2023,2023-01-01,2023-12-31",
    "Grid,CO2,90,kg/MWh,EPA,hub,2025,2025-01-01,2025-12-31",
)


def factors(rows: Iterable[str]) -> tuple[EmissionFactor, ...]:
    return load_factors("\n".join([HEADER, *rows]), file="own.csv").factors


def chosen(rows: Iterable[str], period: str, **policy: object) -> tuple[dict[str, Fraction], list[Fallback]]:
    """Weights by edition, and the fallbacks."""
    edition = choose_edition(factors(rows), parse_period(period), AccountingPolicy(**policy), MWH)
    weights = {factor.edition: weight for factor, weight in edition.parts}
    assert sum(weights.values()) == 1
    return weights, list(edition.fallbacks)


def test_a_period_inside_an_edition_gets_it_and_nothing_is_recorded():
    assert chosen(APART, "2025-Q2", vintage="strict", straddle="refuse") == ({"2025": 1}, [])


def test_a_later_edition_takes_over_on_the_day_from_which_it_applies():
    assert chosen(OPEN, "2024-12-31") == ({"2024": 1}, [])
    assert chosen(OPEN, "2025-01-01") == ({"2025": 1}, [])


def test_an_open_edition_does_not_come_back_after_the_one_that_replaced_it():
    rows = (OPEN[0], "Grid,CO2,90,kg/MWh,EPA,hub,2025,2025-01-01,2025-12-31")
    weights, fallbacks = chosen(rows, "2026-02")
    assert weights == {"2025": 1}
    assert fallbacks == [Fallback("vintage", "2026-02-01/2026-02-28", "hub 2025")]


def test_an_edition_for_part_of_another_replaces_it_for_that_part_alone():
    rows = (
        "Grid,CO2,100,kg/MWh,EPA,hub,year,2025-01-01,2025-12-31",
        "Grid,CO2,80,kg/MWh,EPA,hub,June,2025-06-01,2025-06-30",
    )
    weights, _ = chosen(rows, "2025")
    assert weights == {"year": Fraction(335, 365), "June": Fraction(30, 365)}


def test_a_period_before_all_editions_gets_the_first_which_is_recorded():
    assert chosen(APART, "2021") == (
        {"2023": 1},
        [Fallback("vintage", "2021-01-01/2021-12-31", "hub 2023")],
    )


def test_each_day_between_editions_gets_the_nearer_one():
    # 2024 has 366 days: the distances are equal on none, and the first 183 are nearer to 2023.
    weights, fallbacks = chosen(APART, "2024")
    assert weights == {"2023": Fraction(183, 366), "2025": Fraction(183, 366)}
    assert [fallback.kind for fallback in fallbacks] == ["vintage", "vintage", "straddle"]
    assert chosen(APART, "2024-07-01")[0] == {"2023": 1}
    assert chosen(APART, "2024-07-02")[0] == {"2025": 1}


def test_of_two_editions_as_near_the_earlier_is_taken():
    rows = (
        "Grid,CO2,100,kg/MWh,EPA,hub,a,2025-01-01,2025-01-09",
        "Grid,CO2,90,kg/MWh,EPA,hub,b,2025-01-11,2025-01-31",
    )
    assert chosen(rows, "2025-01-10")[0] == {"a": 1}


@pytest.mark.parametrize("period", ["2021", "2024-05", "2027", "2025-12/2026-01"])
def test_strict_refuses_days_outside_every_edition(period):
    with pytest.raises(FactorError, match="no edition applies in") as refused:
        chosen(APART, period, vintage="strict")
    assert refused.value.place == "period"
    assert "--vintage nearest" in refused.value.fix


def test_a_forbidden_vintage_fallback_is_refused_too():
    with pytest.raises(FactorError, match="which is forbidden"):
        chosen(APART, "2021", forbidden_fallbacks=("vintage",))


def test_a_period_across_editions_is_split_by_days_and_recorded():
    weights, fallbacks = chosen(OPEN, "2024-12-22/2025-01-31")
    assert weights == {"2024": Fraction(10, 41), "2025": Fraction(31, 41)}
    assert fallbacks == [
        Fallback("straddle", "2024-12-22/2025-01-31", "hub 2024 (10 days) and hub 2025 (31 days)")
    ]


def test_a_period_across_editions_may_be_refused():
    with pytest.raises(FactorError, match=r"crosses editions hub 2024 \(10 days\)") as refused:
        chosen(OPEN, "2024-12-22/2025-01-31", straddle="refuse")
    assert refused.value.place == "period"


def test_two_publications_that_apply_at_once_are_listed_and_none_is_taken():
    rows = (*OPEN, "Grid,CO2,95.50,kg/MWh,Other,other,1,2024-06-01,")
    with pytest.raises(FactorError, match="apply at once") as refused:
        chosen(rows, "2025-03")
    for factor in (factors(rows)[1], factors(rows)[2]):
        assert factor.ef_cid in refused.value.message
    assert "other 1: 95.50 kg CO2 per MWh" in refused.value.message
    assert chosen(rows, "2024-03")[0] == {"2024": 1}


def test_of_two_publications_without_a_dataset_the_later_does_not_silently_win():
    rows = ("Grid,CO2,100,kg/MWh,A,,,2024-01-01,", "Grid,CO2,90,kg/MWh,B,,,2025-01-01,")
    with pytest.raises(FactorError, match="apply at once"):
        chosen(rows, "2025-03")


def test_an_edition_that_leaves_out_a_gas_ends_that_gas_of_the_one_before():
    co2, ch4 = factors(OPEN), factors(["Grid,CH4,3,g/MWh,EPA,hub,2024,2024-01-01,"])
    edition = choose_edition(ch4, parse_period("2025-03"), AccountingPolicy(), MWH, beside=co2)
    assert edition.fallbacks == (Fallback("vintage", "2025-03-01/2025-03-31", "hub 2024"),)
    with pytest.raises(FactorError, match="no edition applies"):
        choose_edition(ch4, parse_period("2025-03"), AccountingPolicy(vintage="strict"), MWH, beside=co2)


days = st.dates(date(2020, 1, 1), date(2026, 12, 31))
spans = st.tuples(days, st.integers(0, 500))


@given(st.lists(spans, min_size=1, max_size=4, unique_by=lambda span: span[0]), days, st.integers(0, 900))
def test_a_period_is_the_sum_of_its_days(editions, start, length):
    rows = [
        f"Grid,CO2,{number},kg/MWh,EPA,hub,{number},{first},{first + timedelta(days)}"
        for number, (first, days) in enumerate(editions, start=1)
    ]
    made = factors(rows)
    whole = Period(start, start + timedelta(length))
    middle = Period(start, start + timedelta(length // 2))
    rest = Period(start + timedelta(length // 2 + 1), whole.end)
    assume(rest.start <= rest.end)

    def weighted(period: Period) -> Fraction:
        edition = choose_edition(made, period, AccountingPolicy(), MWH)
        return sum((Fraction(factor.value) * weight for factor, weight in edition.parts), Fraction(0))

    assert weighted(whole) * whole.days == weighted(middle) * middle.days + weighted(rest) * rest.days


@given(st.lists(spans, min_size=1, max_size=4, unique_by=lambda span: span[0]), days)
def test_a_day_gets_what_applies_to_it_or_else_what_is_nearest(editions, day):
    rows = [
        f"Grid,CO2,{number},kg/MWh,EPA,hub,{number},{first},{first + timedelta(length)}"
        for number, (first, length) in enumerate(editions)
    ]
    edition = choose_edition(factors(rows), Period(day, day), AccountingPolicy(), MWH)
    ((factor, weight),) = edition.parts
    assert weight == 1

    def distance(first: date, length: int) -> int:
        last = first + timedelta(length)
        return max((first - day).days, (day - last).days, 0)

    nearest = min(distance(*span) for span in editions)
    assert distance(*editions[int(factor.edition)]) == nearest
    assert bool(edition.fallbacks) == (nearest > 0)


PER_KM_AND_MILE = ("Car,CO2,0.16844,kg/v.km,UK,set,2025,,", "Car,CO2,0.27107,kg/v.mi,UK,set,2025,,")


@pytest.mark.parametrize(("unit", "figure"), [("v.km", "0.16844"), ("v.mi", "0.27107")])
def test_of_one_editions_figures_per_several_units_the_one_in_the_rows_own_is_taken(unit, figure):
    edition = choose_edition(
        factors(PER_KM_AND_MILE), parse_period("2025"), AccountingPolicy(), parse_unit(unit)
    )
    assert [factor.value_text for factor, _ in edition.parts] == [figure]


def test_in_any_other_unit_the_figure_that_lost_least_to_rounding_is_taken():
    rows = (
        "Water,CO2e,0.19130,kg/m3,UK,set,2025,,",
        "Water,CO2e,191.30156,kg/ML,UK,set,2025,,",
    )
    for order in (rows, rows[::-1]):
        edition = choose_edition(factors(order), parse_period("2025"), AccountingPolicy(), parse_unit("L"))
        assert [factor.value_text for factor, _ in edition.parts] == ["191.30156"]


def test_the_same_unit_of_two_editions_is_no_choice_to_make():
    rows = (*PER_KM_AND_MILE, "Car,CO2,0.17,kg/v.km,UK,other,2025,,")
    with pytest.raises(FactorError, match="several factors for 'Car'"):
        choose_edition(factors(rows), parse_period("2025"), AccountingPolicy(), parse_unit("v.km"))
