"""Why a factor won or lost, told by the code that selects."""

from fractions import Fraction

import pytest

from greenlang.carbon import AccountingPolicy, FactorBook, Wanted, load_factors, parse_unit
from greenlang.carbon.factors import explain
from greenlang.carbon.periods import parse_period
from greenlang.carbon.regions import region_path

HEADER = (
    "activity,gas,value,unit,region,dataset,edition,published,applies_from,applies_to,kind,holder,vehicle"
)

PACK = (
    "Grid,CO2,300,kg/MWh,US,hub,2024,2024-01-15,2024-01-01,2024-12-31,,,",
    "Grid,CO2,280,kg/MWh,US,hub,2025,2025-01-15,2025-01-01,2025-12-31,,,",
    "Grid,CO2,250,kg/MWh,NWPP,hub,2025,2025-01-15,2025-01-01,2025-12-31,,,",
    "Grid,CO2,90,kg/MWh,GB,hub,2025,2025-01-15,2025-01-01,2025-12-31,,,",
    "Grid,CO2,2,kg/kg,US,hub,2025,2025-01-15,2025-01-01,2025-12-31,,,",
    "Grid,CO2,10,kg/MWh,US,hub,2025,2025-01-15,2025-01-01,2025-12-31,supplier,Cascade,",
    "Grid,CO2,5,kg/MWh,US,hub,2025,2025-01-15,2025-01-01,2025-12-31,,,Tram",
)


def explained(region="US", period="2025-03", own=(), unit="MWh", **policy):
    def sets(rows, name):
        return [load_factors("\n".join([HEADER, *rows]), file=name)] if rows else []

    book = FactorBook(sets(own, "own.csv"), sets(PACK, "pack.csv"), AccountingPolicy(**policy))
    return explain(book, Wanted("grid", parse_unit(unit), region_path(region), parse_period(period)))


def reasons(explanation):
    return {candidate.factor.value_text: candidate.reason for candidate in explanation.candidates}


def test_every_candidate_is_told_and_the_winner_comes_first():
    explanation = explained()
    assert len(explanation.candidates) == len(PACK)
    assert explanation.candidates[0].factor.value_text == "280"
    assert reasons(explanation) == {
        "280": "won: it is the nearest and applies",
        "300": "lost: hub 2025 is for the period",
        "250": "out: it is for 'NWPP'",
        "90": "out: it is for 'GB'",
        "2": "out: it is per kg, and the row is in MWh",
        "10": "out: it is of kind 'supplier', which was not asked for",
        "5": "out: it is for 'Tram'",
    }


def test_the_winner_is_what_a_row_gets():
    explanation = explained()
    won = {candidate.factor for candidate in explanation.candidates if candidate.used}
    assert won == {factor for rate in explanation.selection.rates for factor, _ in rate.parts}


def test_a_nearer_region_wins():
    assert reasons(explained(region="NWPP"))["280"] == "lost: NWPP is nearer"


def test_factors_of_the_users_own_come_first():
    own = ("Grid,CO2,123,kg/MWh,US,mine,1,,,,,,",)
    explanation = explained(region="NWPP", own=own)
    assert explanation.candidates[0].own
    assert reasons(explanation)["250"] == "lost: your own factors for US come first"


def test_days_of_several_editions_are_counted():
    explanation = explained(period="2024-12-22/2025-01-31")
    assert reasons(explanation)["300"] == "won for 10 of 41 days"
    assert [candidate.used for candidate in explanation.candidates][:2] == [
        Fraction(31, 41),
        Fraction(10, 41),
    ]


@pytest.mark.parametrize(
    ("policy", "value", "reason"),
    [
        ({"editions": {"hub": "2024"}}, "280", "out: another edition of hub is pinned"),
        ({"as_at": "2024-06-30"}, "280", "out: it was published on 2025-01-15"),
    ],
)
def test_the_policy_is_named(policy, value, reason):
    explanation = explained(**policy)
    assert reasons(explanation)[value] == reason
    assert explanation.candidates[0].factor.value_text == "300"


def test_a_refused_row_says_why_and_what_would_have_done():
    explanation = explained(period="2026", vintage="strict")
    assert explanation.selection is None
    assert "no edition applies in 2026" in explanation.refusal.message
    assert reasons(explanation)["280"] == "would do, but the row is refused"


def test_a_figure_in_another_unit_of_the_same_edition_loses():
    rows = ("Car,CO2,0.16,kg/v.km,GB,set,1,,,,,,", "Car,CO2,0.26,kg/v.mi,GB,set,1,,,,,,")
    book = FactorBook([], [load_factors("\n".join([HEADER, *rows]), file="f")], AccountingPolicy())
    wanted = Wanted("car", parse_unit("mi"), region_path("GB"), parse_period("2025"))
    explanation = explain(book, book.as_offered(wanted))
    assert reasons(explanation)["0.16"] == "lost: the figure per v.mi fits the row's unit better"
