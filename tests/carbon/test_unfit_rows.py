"""Rows that no agent took, that two took, or that would get other figures than their user meant."""

from decimal import Decimal

import pytest

from greenlang.carbon import build_inventory
from greenlang.errors import DataError

FACTORS = """\
activity,gas,value,unit,region,scope,gwp_basis
Gas,CO2,53.06,kg/mmBtu,US,1,
Taxi,CO2e,0.2,kg/km,US,3,AR5
"""


def test_a_row_that_two_agents_take_is_told_with_both_and_counted_by_neither(activity_data, emissions_of):
    data = activity_data({"activity": "gas"}, {"activity": "taxi", "unit": "km"}, on_error="skip")
    alone = "\n".join(line for line in FACTORS.splitlines() if not line.startswith("Taxi"))
    inventory = build_inventory([emissions_of(data, FACTORS), [emissions_of(data, alone)]])
    (skip,) = inventory.skipped
    assert skip.problem.message == (
        "'gas' is taken by ghg.emissions (own factors) and ghg.emissions (own factors)"
    )
    assert "keep one of these agents" in skip.problem.fix
    assert [(total.scope, total.co2e) for total in inventory.totals if total.rows] == [(3, Decimal(300))]


@pytest.mark.parametrize(
    ("row", "message", "fix"),
    [
        ({"activity": "gass"}, "unknown activity 'gass'", "did you mean 'Gas'?"),
        ({"activity": "unobtainium"}, "unknown activity 'unobtainium'", "`greenlang factors search` lists"),
        (
            {"activity": "gas", "method": "witchcraft"},
            "no agent of this program takes 'gas' with method 'witchcraft'",
            "column 'method'",
        ),
    ],
)
def test_a_row_that_no_agent_takes_is_told(inventory_of, row, message, fix):
    with pytest.raises(DataError) as refused:
        inventory_of({"activity": "gas"}, row, factors=FACTORS)
    (problem,) = refused.value.problems
    assert (problem.row, problem.column) == (3, "activity")
    assert message in problem.message
    assert fix in problem.fix


def test_a_factor_of_the_users_own_that_no_agent_uses_is_told(activity_data, emissions_of):
    data = activity_data(
        {"activity": "chilled water", "unit": "kWh"},
        factors="activity,gas,value,unit\nChilled Water,CO2,0.1,kg/kWh\n",
    )
    with pytest.raises(DataError, match="no agent of this program uses your factor") as refused:
        build_inventory(emissions_of(data, FACTORS))
    assert "column 'category'" in str(refused.value)
